//! `/u/login/identifier`: the phone number, e-mail address or user name on a page of its own.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::connection::Connection;
use gatewright_core::login::screens::Way;
use gatewright_http::RequestCx;
use serde_json::json;

use super::{EMAIL_CHALLENGE, IDENTIFIER, PASSWORD, SMS_CHALLENGE, Visit, page};
use crate::pages::screen::{Button, Field, Kind};
use crate::passwordless::{self, CodeRequest};
use crate::stop::Stop;

/// Another code for the same identifier is sent only after this many seconds.
pub(super) const RESEND_SECONDS: i64 = 30;

page!(identifier, serve);

async fn serve(visit: Visit) -> Result<Response, Stop> {
    let connection = visit.chosen().filter(|chosen| Way::of(chosen) != Some(Way::Provider));
    let Some(connection) = connection else { return Ok(visit.to_first_page()) };
    if !visit.posted {
        return Ok(show(&visit, &connection, None, None));
    }
    if !visit.form_is_ours() {
        return Ok(show(&visit, &connection, None, Some("invalid-request")));
    }
    if Way::of(&connection) == Some(Way::Password) {
        return with_password(&visit, &connection).await;
    }
    let empty = if connection.strategy == "email" { "no-email" } else { "no-phone" };
    let Some(typed) = visit.params.text("username") else {
        return Ok(show(&visit, &connection, Some(empty), None));
    };
    let is_email = connection.strategy == "email";
    let Some(identifier) = passwordless::identifier(&connection, typed) else {
        let wrong = if is_email { "invalid-email-format" } else { "invalid-phone-format" };
        return Ok(show(&visit, &connection, Some(wrong), None));
    };
    match send(&visit, &connection, &identifier).await? {
        Sent::Yes | Sent::JustBefore => Ok(visit.go(challenge_of(&connection))),
        Sent::No(key) => Ok(show(&visit, &connection, None, Some(key))),
        Sent::Lost => Ok(visit.lost()),
    }
}

/// The page where the code is typed in.
pub(super) fn challenge_of(connection: &Connection) -> &'static str {
    if connection.strategy == "email" { EMAIL_CHALLENGE } else { SMS_CHALLENGE }
}

async fn with_password(visit: &Visit, connection: &Arc<Connection>) -> Result<Response, Stop> {
    let Some(typed) = visit.params.text("username").filter(|typed| typed.len() <= 320) else {
        return Ok(show(visit, connection, Some("no-username"), None));
    };
    let (name, identifier) = (connection.name.clone(), typed.trim().to_owned());
    let kept = visit.change(move |progress| {
        progress.connection = Some(name);
        progress.identifier = Some(identifier);
    });
    Ok(if kept.await? { visit.go(PASSWORD) } else { visit.lost() })
}

/// What came of asking for a code.
pub(in crate::endpoints::login) enum Sent {
    Yes,
    /// One was sent a moment ago; it is still the one.
    JustBefore,
    /// The text that says why not.
    No(&'static str),
    /// The transaction is over.
    Lost,
}

/// Sends a code and notes to whom.
pub(super) async fn send(
    visit: &Visit,
    connection: &Arc<Connection>,
    identifier: &str,
) -> Result<Sent, Stop> {
    let progress = visit.progress();
    let same = progress.identifier.as_deref() == Some(identifier)
        && progress.connection.as_deref() == Some(&*connection.name);
    if same && seconds_to_wait(visit) > 0 {
        return Ok(Sent::JustBefore);
    }
    let sending = send_code(visit.cx.clone(), visit, connection, identifier);
    // Where sign-up is closed no code goes to strangers, and that must not show: nobody waits for it.
    let sent = if connection.signup_disabled() {
        tokio::spawn(sending);
        Ok(())
    } else {
        sending.await
    };
    match sent {
        Ok(()) => {}
        Err(Stop::Refused(error)) => {
            return Ok(Sent::No(match &*error.code {
                "too_many_requests" => "too-many-requests",
                _ => "send-code-failed",
            }));
        }
        Err(fault) => return Err(fault),
    }
    let (name, identifier, now) = (connection.name.clone(), identifier.to_owned(), visit.cx.now);
    let kept = visit.change(move |progress| {
        progress.connection = Some(name);
        progress.identifier = Some(identifier);
        progress.code_sent_at = Some(now);
    });
    Ok(if kept.await? { Sent::Yes } else { Sent::Lost })
}

fn send_code(
    cx: RequestCx,
    visit: &Visit,
    connection: &Arc<Connection>,
    identifier: &str,
) -> impl Future<Output = Result<(), Stop>> + Send + 'static {
    let (client, connection) = (Arc::clone(&visit.client), Arc::clone(connection));
    let (identifier, language) = (identifier.to_owned(), visit.language);
    async move {
        let body = json!({
            "client_id": client.client_id,
            "connection": connection.name,
            "username": identifier,
            "send": "code",
            "request_language": language,
        });
        let request = CodeRequest {
            client: &client,
            connection: &connection,
            identifier: &identifier,
            language: Some(language),
            authenticated: false,
            body,
        };
        request.send(&cx).await
    }
}

/// Seconds until another code may be asked for.
pub(super) fn seconds_to_wait(visit: &Visit) -> i64 {
    let Some(sent_at) = visit.progress().code_sent_at else { return 0 };
    let micros = sent_at.plus_seconds(RESEND_SECONDS).micros() - visit.cx.now.micros();
    (micros.max(0) + 999_999) / 1_000_000
}

/// What was typed, or what is known already.
pub(super) fn prefilled(visit: &Visit, connection: &Connection) -> String {
    let progress = visit.progress();
    let same = progress.connection.as_deref() == Some(&*connection.name);
    let known = progress.identifier.as_deref().filter(|_| same);
    let hint = progress.params.get("login_hint").map(String::as_str).filter(|hint| hint.len() <= 320);
    let typed = if visit.posted { visit.params.text("username") } else { None };
    typed.or(known).or(hint).unwrap_or_default().to_owned()
}

fn show(visit: &Visit, connection: &Connection, error: Option<&str>, alert: Option<&str>) -> Response {
    let mut screen = visit.screen("login-id", "login-id");
    let texts = screen.texts.clone();
    let (kind, label, hint, button) = match Way::of(connection) {
        Some(Way::SmsCode) => {
            screen.description = texts.get("smsDescription");
            (Kind::Phone, "phonePlaceholder", Some(texts.get("phoneHint")), "sendButtonText")
        }
        Some(Way::EmailCode) => {
            screen.description = texts.get("emailDescription");
            (Kind::Email, "emailPlaceholder", None, "sendButtonText")
        }
        _ => (Kind::Username, "usernamePlaceholder", None, "buttonText"),
    };
    let mut form = visit.form(IDENTIFIER);
    form.hidden.push(("connection", connection.name.clone()));
    form.fields.push(Field {
        kind,
        name: "username",
        label: texts.get(label),
        value: prefilled(visit, connection),
        // The error says what the hint says.
        hint: hint.filter(|_| error.is_none()),
        error: error.map(|key| texts.get(key)),
        focus: true,
        last: true,
    });
    form.buttons.push(Button { text: texts.get(button), value: "default", primary: true });
    screen.form = Some(form);
    screen.alert = alert.map(|key| texts.get(key));
    screen.providers = visit.providers(&texts);
    let sign_up = visit.sign_up_link(&texts).filter(|_| Way::of(connection) == Some(Way::Password));
    screen.links = sign_up.into_iter().chain(visit.other_ways(&texts, connection)).collect();
    visit.show(&screen)
}
