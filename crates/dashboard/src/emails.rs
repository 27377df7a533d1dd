//! `/dashboard/emails`: the tenant's own texts of e-mails, how they look, and a test of each.
//!
//! A kind of e-mail is fixed; its text is the default one until the tenant writes its own. Reading order: [`list`],
//! [`show`], [`preview`].

pub(crate) mod preview;
mod texts;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use gatewright_http::App;
use gatewright_resources::engine::Method;
use serde_json::{Value, json};

use self::texts::{EMAIL, Kind, OWN, TRY};
use crate::api::ApiCall;
use crate::form::{self, FormView, Outcome, Refusal, Refused, submit_with};
use crate::page::Page;
use crate::problem::Problem;
use crate::sent::{Query, Sent};
use crate::session::Admin;
use crate::view::{Cell, Notice, Row, Table};

const SECTION: &str = "/dashboard/emails";
const API: &str = "/email-templates";

/// The routes of this section.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(SECTION, get(list))
        .route("/dashboard/emails/{name}", get(show).post(change))
        .route("/dashboard/emails/{name}/preview", get(preview::stored).post(preview::typed))
        .route("/dashboard/emails/{name}/own", post(begin))
        .route("/dashboard/emails/{name}/try", post(try_out))
}

/// What the tenant wrote, `null` if nothing.
async fn stored(admin: &Admin, kind: &Kind) -> Result<Value, Problem> {
    match admin.get(format!("{API}/{}", kind.name)).await {
        Ok(template) => Ok(template),
        Err(error) if error.status == 404 => Ok(Value::Null),
        Err(error) => Err(error.into()),
    }
}

async fn list(admin: Admin) -> Result<Response, Problem> {
    let mut rows = Vec::new();
    for kind in texts::KINDS {
        let template = stored(&admin, kind).await?;
        let state = match (template.is_null(), template["enabled"] == true) {
            _ if !kind.is_sent => Cell::badge("quiet", "not sent yet"),
            (true, _) => Cell::badge("quiet", "default text"),
            (false, true) => Cell::badge("good", "your text"),
            (false, false) => Cell::badge("quiet", "your text, off"),
        };
        rows.push(Row {
            href: format!("{SECTION}/{}", kind.name),
            cells: vec![Cell::text(kind.title), Cell::text(kind.says), state],
        });
    }
    Ok(Page::new(&admin, SECTION, "E-mail templates")
        .lead("What this tenant writes to its users. The codes and links of passwordless logins are options of their connection.")
        .block(&Table { head: vec!["E-mail", "When", "Text"], rows, ..Table::default() })
        .respond())
}

fn at(kind: &Kind) -> String {
    format!("{SECTION}/{}", kind.name)
}

fn page(admin: &Admin, kind: &Kind, template: &Value, refused: Option<&Refused>) -> Page {
    let base = at(kind);
    let mut page =
        Page::new(admin, SECTION, kind.title).back(SECTION, "E-mail templates").id(kind.name).lead(kind.says);
    if !kind.is_sent {
        page = page.block(&Notice {
            kind: "note",
            title: "Not sent yet",
            text: "No flow of this server sends this e-mail, so its text is only kept.".to_owned(),
            link: None,
        });
    }
    if template.is_null() {
        let call = ApiCall::new(Method::Post, API).with(kind.starter());
        let form = FormView::new(&admin.csrf, &OWN, format!("{base}/own"), &call, &Value::Null, refused);
        page = page.block(&form.with_fixed_call());
    } else {
        let call = ApiCall::new(Method::Patch, format!("{API}/{}", kind.name));
        let mut form = FormView::new(&admin.csrf, &EMAIL, base.as_str(), &call, template, refused);
        if kind.is_sent {
            form = form.with_preview(format!("{base}/preview"));
        }
        page = page.block(&form);
    }
    if !kind.is_sent {
        return page;
    }
    let title = if template.is_null() { "The default text" } else { "Preview" };
    let frame = preview::Frame { title, src: format!("{base}/preview"), tall: false };
    let call = ApiCall::new(Method::Post, format!("{API}/{}/try", kind.name));
    page.block(&frame).block(&FormView::new(
        &admin.csrf,
        &TRY,
        format!("{base}/try"),
        &call,
        &Value::Null,
        refused,
    ))
}

async fn show(admin: Admin, Path(name): Path<String>, Query(query): Query) -> Result<Response, Problem> {
    let kind = texts::kind(&name)?;
    let template = stored(&admin, kind).await?;
    let mut page = page(&admin, kind, &template, None).done(query.text("done"));
    if query.text("done") == Some("tried") && admin.cx.app.settings.dev {
        let link = Some(("/dev/inbox".to_owned(), "Open the inbox".to_owned()));
        let text = "Nothing leaves a server in development: the message is in its inbox.".to_owned();
        page = page.block(&Notice { kind: "note", title: "", text, link });
    }
    Ok(page.respond())
}

/// `POST …/own`: begins with a text that can be changed, switched off until it is ready.
async fn begin(admin: Admin, Path(name): Path<String>, body: Bytes) -> Result<Response, Problem> {
    admin.form(&body)?;
    let kind = texts::kind(&name)?;
    match admin.call(ApiCall::new(Method::Post, API).with(kind.starter())).await {
        Ok(_) => Ok(Redirect::to(&format!("{}?done=created", at(kind))).into_response()),
        // Somebody else was faster.
        Err(error) if error.status == 409 => Ok(Redirect::to(&at(kind)).into_response()),
        Err(error) => Err(error.into()),
    }
}

async fn change(admin: Admin, Path(name): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let kind = texts::kind(&name)?;
    let template = stored(&admin, kind).await?;
    if let Some(refusal) = unrendered(&admin, kind, &sent).await? {
        let refused = Refused { form: EMAIL.id.to_owned(), sent, refusal, call: None };
        return Ok(page(&admin, kind, &template, Some(&refused)).refused());
    }
    let path = format!("{API}/{}", kind.name);
    let done = match form::submit(&admin, &EMAIL, (Method::Patch, &path), &template, sent).await? {
        Outcome::Done(_) => "saved",
        Outcome::Nothing => "nothing",
        Outcome::Refused(refused) => {
            return Ok(page(&admin, kind, &template, Some(&refused)).refused());
        }
    };
    Ok(Redirect::to(&format!("{}?done={done}", at(kind))).into_response())
}

/// Why the typed text cannot be rendered. The API takes any text, and sends the default one instead.
async fn unrendered(admin: &Admin, kind: &Kind, sent: &Sent) -> Result<Option<Refusal>, Problem> {
    if !kind.is_sent {
        return Ok(None);
    }
    match preview::written(admin, kind, preview::texts_of(sent)).await {
        Ok(_) => Ok(None),
        Err(error) if error.status == 400 => Ok(Some(Refusal::of(EMAIL.controls, &error))),
        Err(error) => Err(error.into()),
    }
}

async fn try_out(admin: Admin, Path(name): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let kind = texts::kind(&name)?;
    let path = format!("{API}/{}/try", kind.name);
    let whole = |body: Value| if body["to"].is_null() { json!({"to": ""}) } else { body };
    match submit_with(&admin, &TRY, (Method::Post, &path), &Value::Null, sent, whole).await? {
        Outcome::Done(_) | Outcome::Nothing => {
            Ok(Redirect::to(&format!("{}?done=tried", at(kind))).into_response())
        }
        Outcome::Refused(refused) => {
            let template = stored(&admin, kind).await?;
            Ok(page(&admin, kind, &template, Some(&refused)).refused())
        }
    }
}
