//! `/u/reset-password/request`, where a link to choose a new password is asked for, and
//! `/u/reset-password/email`, which says to look for it. Both say the same for every address.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::connection::Connection;
use gatewright_core::email::normalize_address;
use gatewright_http::RequestCx;

use super::identifier::{RESEND_SECONDS, prefilled};
use super::{RESET_EMAIL, RESET_REQUEST, Visit, page};
use crate::account_link::{self, TooManyResets};
use crate::pages::screen::{Button, Field, Kind, Link, Screen};
use crate::stop::Stop;

page!(reset_request, request);
page!(reset_email, sent);

async fn request(visit: Visit) -> Result<Response, Stop> {
    let Some(connection) = visit.reset_connection() else { return Ok(visit.to_first_page()) };
    let say = |error, alert| Ok(show_request(&visit, &connection, error, alert));
    if !visit.posted {
        return say(None, None);
    }
    if !visit.form_is_ours() {
        return say(None, Some("invalid-request"));
    }
    let typed = visit.params.text("username").map(str::trim).filter(|typed| typed.len() <= 320);
    let identifier = match typed {
        None if by_username(&connection) => return say(Some("no-username"), None),
        None => return say(Some("no-email"), None),
        Some(typed) if by_username(&connection) && !typed.contains('@') => typed.to_lowercase(),
        Some(typed) => match normalize_address(typed) {
            Some(address) => address,
            None => return say(Some("invalid-email-format"), None),
        },
    };
    match ask(&visit, &connection, identifier).await? {
        Asked::Yes => Ok(visit.go(RESET_EMAIL)),
        Asked::TooOften => say(None, Some("too-many-email")),
        Asked::Lost => Ok(visit.lost()),
    }
}

async fn sent(visit: Visit) -> Result<Response, Stop> {
    let progress = visit.progress();
    let known = progress.identifier.clone().filter(|_| progress.reset_asked_at.is_some());
    let (Some(connection), Some(identifier)) = (visit.reset_connection(), known) else {
        return Ok(visit.to_first_page());
    };
    let say = |alert| Ok(show_sent(&visit, &identifier, seconds_to_wait(&visit), alert));
    if !visit.posted {
        return say(None);
    }
    if !visit.form_is_ours() {
        return say(Some("invalid-request"));
    }
    if visit.action() != "resend-code" || seconds_to_wait(&visit) > 0 {
        return say(None);
    }
    match ask(&visit, &connection, identifier.clone()).await? {
        Asked::Yes => Ok(show_sent(&visit, &identifier, RESEND_SECONDS, None)),
        Asked::TooOften => say(Some("too-many-email")),
        Asked::Lost => Ok(visit.lost()),
    }
}

enum Asked {
    Yes,
    TooOften,
    Lost,
}

async fn ask(visit: &Visit, connection: &Arc<Connection>, identifier: String) -> Result<Asked, Stop> {
    let asked = account_link::request_reset(&visit.cx, &visit.client, connection, &identifier).await?;
    if let Err(TooManyResets) = asked {
        return Ok(Asked::TooOften);
    }
    let (name, now) = (connection.name.clone(), visit.cx.now);
    let kept = visit.change(move |progress| {
        progress.connection = Some(name);
        progress.identifier = Some(identifier);
        progress.reset_asked_at = Some(now);
    });
    Ok(if kept.await? { Asked::Yes } else { Asked::Lost })
}

fn by_username(connection: &Connection) -> bool {
    connection.options["requires_username"] == true
}

fn seconds_to_wait(visit: &Visit) -> i64 {
    let Some(asked_at) = visit.progress().reset_asked_at else { return 0 };
    let micros = asked_at.plus_seconds(RESEND_SECONDS).micros() - visit.cx.now.micros();
    (micros.max(0) + 999_999) / 1_000_000
}

fn show_request(
    visit: &Visit,
    connection: &Connection,
    error: Option<&str>,
    alert: Option<&str>,
) -> Response {
    let mut screen = visit.screen("reset-password", "reset-password-request");
    let texts = screen.texts.clone();
    let (kind, label, description) = match by_username(connection) {
        true => (Kind::Username, "usernameOrEmailPlaceholder", "usernameOrEmailDescription"),
        false => (Kind::NewEmail, "emailPlaceholder", "emailDescription"),
    };
    screen.description = texts.get(description);
    let mut form = visit.form(RESET_REQUEST);
    form.fields.push(Field {
        kind,
        name: "username",
        label: texts.get(label),
        value: prefilled(visit, connection),
        hint: None,
        error: error.map(|key| texts.get(key)),
        focus: true,
        last: true,
    });
    form.buttons.push(Button { text: texts.get("buttonText"), value: "default", primary: true });
    screen.form = Some(form);
    screen.alert = alert.map(|key| texts.get(key));
    back_to_login(visit, screen)
}

fn show_sent(visit: &Visit, identifier: &str, wait_seconds: i64, alert: Option<&str>) -> Response {
    let mut screen = visit.screen("reset-password", "reset-password-email");
    screen.texts = screen.texts.with("email", identifier);
    let texts = screen.texts.clone();
    screen.description = texts.get("emailDescription");
    let mut form = visit.form(RESET_EMAIL);
    form.resend = Some(visit.resend(&texts, wait_seconds));
    screen.form = Some(form);
    screen.alert = alert.map(|key| texts.get(key));
    back_to_login(visit, screen)
}

fn back_to_login(visit: &Visit, mut screen: Screen) -> Response {
    let href = visit.href(visit.log_in_path());
    screen.links.push(Link { lead: None, text: screen.texts.get("backToLoginLinkText"), href });
    visit.show(&screen)
}
