//! `/u/consent`: may this application do what it asks for?

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::redirect::origin_of;
use gatewright_http::RequestCx;
use gatewright_resources::{login_transactions, users};
use gatewright_store::StoreError;
use serde_json::Value;

use super::{CONSENT, RESUME, Visit, page};
use crate::endpoints::authorize;
use crate::pages::screen::{Button, List, Subject};
use crate::pages::texts::Texts;
use crate::session;
use crate::stop::Stop;

page!(consent, serve);

async fn serve(visit: Visit) -> Result<Response, Stop> {
    let Some(asked) = visit.progress().consent_asked.clone() else { return Ok(visit.go(RESUME)) };
    // Somebody else may have logged in in this browser since; they are not asked in this one's name.
    let Some(name) = whose(&visit).await? else { return Ok(visit.go(RESUME)) };
    if !visit.posted {
        return Ok(show(&visit, &name, &asked, None));
    }
    if !visit.form_is_ours() {
        return Ok(show(&visit, &name, &asked, Some("invalid-request")));
    }
    match visit.action() {
        "accept" => {
            let kept = visit.change(move |progress| progress.consented = Some(asked));
            Ok(if kept.await? { visit.go(RESUME) } else { visit.lost() })
        }
        "deny" => decline(&visit).await,
        _ => Ok(show(&visit, &name, &asked, None)),
    }
}

/// The user said no: the transaction is spent, and the client told.
pub(super) async fn decline(visit: &Visit) -> Result<Response, Stop> {
    let (cx, state_hash) = (visit.cx.clone(), visit.waiting.row.state_hash.clone());
    let write = visit.cx.app.db.write(move |tx| {
        Box::pin(async move { login_transactions::spend(tx, &cx.tenant.id, &state_hash, cx.now).await })
    });
    match write.await? {
        true => authorize::declined(&visit.cx, &visit.waiting, visit.language).await,
        false => Ok(visit.lost()),
    }
}

/// The name of the user who is asked: who logged in on these pages, or whose session it still is.
pub(super) async fn whose(visit: &Visit) -> Result<Option<String>, StoreError> {
    let (cx, progress) = (visit.cx.clone(), visit.progress().clone());
    let sessions = session::presented(&cx);
    let read = visit.cx.app.db.read(move |tx| {
        Box::pin(async move {
            let user_id = match (progress.login, progress.session_id) {
                (Some(login), _) => login.user_id,
                (None, Some(session_id)) => match session::live(tx, &cx, &sessions).await? {
                    Some(session) if session.session_id == session_id => session.user_id,
                    _ => return Ok(None),
                },
                (None, None) => return Ok(None),
            };
            let Some(user) = users::by_id(tx, &cx.tenant.id, &user_id).await? else { return Ok(None) };
            Ok::<_, StoreError>(Some(name_of(&user, &user_id)))
        })
    });
    read.await
}

/// How a page calls a user.
pub(super) fn name_of(user: &Value, user_id: &str) -> String {
    let text = |name: &str| user.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text("email").or(text("phone_number")).or(text("name")).unwrap_or(user_id).to_owned()
}

fn show(visit: &Visit, name: &str, asked: &[String], alert: Option<&str>) -> Response {
    let mut screen = visit.screen("consent", "consent");
    let texts = screen.texts.clone();
    screen.subject = Some(Subject { lead: Some(texts.get("loggedInAs")), text: name.to_owned(), edit: None });
    let mut items: Vec<String> = asked.iter().map(|scope| words(visit, &texts, scope)).collect();
    if items.is_empty() {
        items.push(texts.get("noScope"));
    }
    screen.list = Some(List { title: texts.get("listTitle"), items });
    let mut form = visit.form(CONSENT);
    form.buttons.push(Button { text: texts.get("acceptButtonText"), value: "accept", primary: true });
    form.buttons.push(Button { text: texts.get("declineButtonText"), value: "deny", primary: false });
    screen.client_logo = visit.client.logo_uri.clone().filter(|logo| origin_of(logo).is_some());
    screen.form = Some(form);
    screen.alert = alert.map(|key| texts.get(key));
    visit.show(&screen)
}

/// A scope in words: ours, or those of the API that defines it, or its bare name.
fn words(visit: &Visit, texts: &Texts, scope: &str) -> String {
    if let Some(ours) = texts.find(&format!("scope-{scope}")) {
        return ours;
    }
    let audience = visit.progress().params.get("audience").map(String::as_str);
    let audience = audience.or_else(|| visit.cx.tenant.default_audience());
    let api = audience.and_then(|audience| visit.cx.tenant.resource_server(audience, &visit.cx.issuer));
    let described = api.and_then(|api| {
        let definition = api.scopes.into_iter().find(|definition| definition.value == scope)?;
        (!definition.description.is_empty()).then_some((api.name, definition.description))
    });
    match described {
        Some((api, description)) if !api.is_empty() => format!("{api}: {description}"),
        Some((_, description)) => description,
        None => scope.to_owned(),
    }
}
