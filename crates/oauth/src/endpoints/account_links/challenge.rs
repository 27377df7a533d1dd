//! A reset whose tenant has actions between the link and the new password.
//!
//! Programs that read mail open links, so the actions run at the press of a button. What they decided waits in
//! a login transaction that belongs to no client: it is bound to the browser, and no other page takes it up.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatewright_core::connection::Connection;
use gatewright_core::script::Halt;
use gatewright_core::user::User;
use gatewright_http::{Fault, RequestCx, respond};
use gatewright_jose::constant_time_eq;
use gatewright_resources::account_tickets::{AccountTicket, Purpose};
use gatewright_resources::login_transactions::{self, Progress, ScriptProgress, WaitingReset};
use serde_json::json;
use url::Url;

use super::{Look, RESET, Said, live, user};
use crate::events;
use crate::login_transaction::{self, Found, Waiting};
use crate::pages::screen::{Button, Subject};
use crate::scripts::event::Sent;
use crate::scripts::reset::{self, Scene, run_reset};
use crate::scripts::{afterwards, carry_out};
use crate::sign_up::decision;
use crate::stop::Stop;

/// The page with a button, which stands where the form would.
pub(super) fn ask(look: &Look, link: &AccountTicket) -> Response {
    let client = look.client(link);
    let mut page = look.screen("reset-password", "reset-password", client.as_deref());
    page.subject = Some(Subject { lead: None, text: link.email.clone(), edit: None });
    let mut form = look.form(RESET);
    form.hidden.push(("begin", "true".to_owned()));
    form.buttons.push(Button { text: page.texts.get("continueText"), value: "default", primary: true });
    page.form = Some(form);
    page.respond(StatusCode::OK, &[])
}

/// The button was pressed: the actions run.
pub(super) async fn begin(
    look: &Look,
    link: &AccountTicket,
    connection: &Arc<Connection>,
) -> Result<Response, Stop> {
    let cx = &look.cx;
    let sealed = cx.app.master_key.seal(&cx.app.random, &context(cx), look.ticket.as_bytes());
    let waiting = WaitingReset { ticket_sealed: STANDARD.encode(sealed), passed: false, result_url: None };
    let progress = Progress { reset: Some(waiting), ..Progress::default() };
    let begun = login_transaction::draw(cx, "", progress);
    login_transaction::begin(cx, &begun).await?;
    let place = Place { state: begun.state, state_hash: begun.row.state_hash, cookie: Some(begun.cookie) };
    let sent = Sent::typed(std::iter::empty());
    go_on(look, link, connection, place, ScriptProgress::default(), &sent).await
}

/// The browser has come back from where an action sent it. `None`: nothing waits for it.
pub(crate) async fn come_back(
    cx: RequestCx,
    waiting: Waiting,
    sent: Sent,
    language: &'static str,
) -> Result<Option<Response>, Stop> {
    let before = waiting.row.progress.scripts.clone().filter(|scripts| scripts.waits_for.is_some());
    let (Some(before), Some(reset)) = (before, waiting.row.progress.reset.as_ref()) else { return Ok(None) };
    let Some(ticket) = opened(&cx, reset) else { return Ok(None) };
    let look = Look { cx, language, ticket };
    let link = live(&look.cx, Purpose::ResetPassword, &look.ticket).await?;
    let found = link.and_then(|link| Some((look.cx.tenant.connection(&link.connection)?.clone(), link)));
    let Some((connection, link)) = found else { return Ok(Some(look.gone(Purpose::ResetPassword))) };
    let place = Place { state: waiting.state, state_hash: waiting.row.state_hash, cookie: None };
    go_on(&look, &link, &connection, place, before, &sent).await.map(Some)
}

/// The transaction of a reset.
struct Place {
    state: String,
    state_hash: String,
    cookie: Option<HeaderValue>,
}

async fn go_on(
    look: &Look,
    link: &AccountTicket,
    connection: &Arc<Connection>,
    place: Place,
    before: ScriptProgress,
    sent: &Sent,
) -> Result<Response, Stop> {
    let cx = &look.cx;
    let document = user(cx, link).await?.unwrap_or_default();
    let Ok(user) = serde_json::from_value::<User>(document) else {
        return Ok(look.gone(Purpose::ResetPassword));
    };
    let client = look.client(link);
    let scene = Scene {
        client: client.as_deref(),
        connection,
        user: &user,
        sent,
        locale: look.language,
        state: &place.state,
    };
    let mut progress = run_reset(cx, &scene, before).await;
    let answer = match progress.verdict.halt.take() {
        Some(Halt::Denied(error)) => {
            let reason = error.reason.clone().unwrap_or_default();
            let text = error.description.to_string();
            log(look, link, connection, &progress, ("fcp", &reason, Some(text.clone()))).await?;
            let mut page = look.screen("reset-password", "reset-password-error", client.as_deref());
            page.description = text;
            page.respond(StatusCode::FORBIDDEN, &[])
        }
        // Refused already: this flow takes no factors.
        Some(Halt::Factors(_)) => look.gone(Purpose::ResetPassword),
        Some(Halt::Redirect { url, .. }) => {
            if !keep(cx, &place, progress, None).await? {
                return Ok(look.gone(Purpose::ResetPassword));
            }
            away(&url, &place.state)
        }
        None => {
            let result_url = reset::result_url(&progress.verdict);
            log(look, link, connection, &progress, (afterwards::EXECUTED, "reset_passed", None)).await?;
            if !keep(cx, &place, progress, Some(result_url)).await? {
                return Ok(look.gone(Purpose::ResetPassword));
            }
            look.choose(link, connection, &Said { state: Some(place.state.clone()), ..Said::default() })
        }
    };
    Ok(with_cookie(answer, place.cookie))
}

/// Writes what the actions did into the tenant's log.
async fn log(
    look: &Look,
    link: &AccountTicket,
    connection: &Connection,
    progress: &ScriptProgress,
    (code, reason, description): (&'static str, &str, Option<String>),
) -> Result<(), Stop> {
    let client = look.client(link);
    let mut event = events::at_connection(events::event(&look.cx, code, client.as_deref()), connection);
    event.user_id = Some(link.user_id.clone());
    event.user_name = Some(link.email.clone());
    event.description = description;
    event.details = json!({
        "trigger_id": reset::TRIGGER,
        "decision": decision(reason, carry_out::ledger(progress)),
    });
    events::write(&look.cx, event).await
}

/// Keeps how far it came; `passed` with the address for the end once nothing is left to run. `false`: too late.
async fn keep(
    cx: &RequestCx,
    place: &Place,
    scripts: ScriptProgress,
    passed: Option<Option<String>>,
) -> Result<bool, Stop> {
    let (within, state_hash) = (cx.clone(), place.state_hash.clone());
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let (tenant, now) = (&within.tenant.id, within.now);
            let Some(held) = login_transactions::hold(tx, tenant, &state_hash, now).await? else {
                return Ok(false);
            };
            let mut progress = held.progress;
            progress.scripts = Some(scripts);
            if let (Some(reset), Some(result_url)) = (&mut progress.reset, passed) {
                reset.passed = true;
                reset.result_url = result_url;
            }
            login_transactions::set_progress(tx, tenant, &state_hash, &progress).await?;
            Ok::<_, Stop>(true)
        })
    });
    write.await
}

/// What the actions decided about this reset in this browser; `None` if they did not let it pass.
pub(super) async fn passed(
    look: &Look,
    state: Option<&str>,
) -> Result<Option<(Waiting, WaitingReset)>, Stop> {
    let Found::Live(waiting) = login_transaction::find(&look.cx, state).await? else { return Ok(None) };
    let reset = waiting.row.progress.reset.clone().filter(|reset| reset.passed);
    let ticket = reset.as_ref().and_then(|reset| opened(&look.cx, reset));
    let own = ticket.is_some_and(|ticket| constant_time_eq(ticket.as_bytes(), look.ticket.as_bytes()));
    Ok(reset.filter(|_| own).map(|reset| (*waiting, reset)))
}

/// The reset is done, so its transaction is over.
pub(super) async fn spend(cx: &RequestCx, waiting: &Waiting) -> Result<(), Stop> {
    let (within, state_hash) = (cx.clone(), waiting.row.state_hash.clone());
    let write = cx.app.db.write(move |tx| {
        Box::pin(
            async move { login_transactions::spend(tx, &within.tenant.id, &state_hash, within.now).await },
        )
    });
    write.await?;
    Ok(())
}

fn context(cx: &RequestCx) -> String {
    format!("{}/login_transactions/reset_ticket", cx.tenant.id)
}

fn opened(cx: &RequestCx, reset: &WaitingReset) -> Option<String> {
    let sealed = STANDARD.decode(&reset.ticket_sealed).ok()?;
    let opened = cx.app.master_key.open(&context(cx), &sealed).ok()?;
    String::from_utf8(opened.to_vec()).ok()
}

fn away(url: &str, state: &str) -> Response {
    let Ok(mut url) = Url::parse(url) else { return Fault::internal("no URL").into_response() };
    url.query_pairs_mut().append_pair("state", state);
    match HeaderValue::from_str(url.as_str()) {
        Ok(target) => {
            let quiet = HeaderValue::from_static("no-referrer");
            let headers = [(header::LOCATION, target), (header::REFERRER_POLICY, quiet)];
            respond::no_store((StatusCode::FOUND, headers)).into_response()
        }
        Err(_) => Fault::internal("no header value").into_response(),
    }
}

fn with_cookie(mut answer: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}
