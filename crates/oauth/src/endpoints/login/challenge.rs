//! `/u/login/passwordless-sms-challenge` and `…-email-challenge`: the code that was sent.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::connection::Connection;
use gatewright_core::login::one_time_code::CodeVerdict;
use gatewright_http::RequestCx;
use gatewright_resources::login_transactions;

use super::identifier::{Sent, challenge_of, seconds_to_wait, send};
use super::{IDENTIFIER, RESUME, Visit, just_logged_in, logged_in, page};
use crate::pages::screen::{Button, Field, Subject};
use crate::passwordless::{CodeRefusal, PresentedCode, Screening};
use crate::scripts::event;
use crate::stop::Stop;

page!(by_sms, serve);
page!(by_email, serve);

/// What the page says besides its question.
#[derive(Default)]
struct Said {
    error: Option<&'static str>,
    alert: Option<&'static str>,
    /// A script's own words.
    told: Option<String>,
    notice: Option<&'static str>,
}

async fn serve(visit: Visit) -> Result<Response, Stop> {
    let progress = visit.progress();
    let connection = progress.connection.as_deref().and_then(|name| visit.connection(name));
    let (Some(connection), Some(identifier), true) =
        (connection, progress.identifier.clone(), progress.code_sent_at.is_some() || visit.just_logged_in())
    else {
        return Ok(visit.to_first_page());
    };
    let say = |said| Ok(show(&visit, &connection, &identifier, &said));
    if !visit.posted {
        return say(Said::default());
    }
    if !visit.form_is_ours() {
        return say(Said { alert: Some("invalid-request"), ..Said::default() });
    }
    if visit.just_logged_in() {
        return Ok(visit.go(RESUME));
    }
    if visit.action() == "resend-code" {
        return match send(&visit, &connection, &identifier).await? {
            Sent::Yes => say(Said { notice: Some("resentText"), ..Said::default() }),
            Sent::JustBefore => say(Said::default()),
            Sent::No(key) => say(Said { alert: Some(key), ..Said::default() }),
            Sent::Lost => Ok(visit.lost()),
        };
    }
    let otp = typed_digits(&visit);
    if otp.is_empty() {
        return say(Said { error: Some("no-code"), ..Said::default() });
    }
    if !visit.may_try_once_more().await? {
        return say(Said { alert: Some("too-many-requests"), ..Said::default() });
    }
    match judge(&visit, &connection, identifier.clone(), otp).await? {
        Outcome::LoggedIn => Ok(visit.go(RESUME)),
        Outcome::Lost => Ok(visit.lost()),
        // Where sign-up is closed strangers have no code whose tries could be used up: that must not show.
        Outcome::Refused(CodeRefusal::Code(CodeVerdict::TooManyTries)) if !connection.signup_disabled() => {
            say(Said { error: Some("too-many-code-attempts"), ..Said::default() })
        }
        Outcome::Refused(CodeRefusal::Code(_)) => {
            say(Said { error: Some("invalid-code"), ..Said::default() })
        }
        Outcome::Refused(CodeRefusal::Denied(refusal)) => {
            say(Said { told: Some(refusal.message), ..Said::default() })
        }
        Outcome::Refused(CodeRefusal::Blocked) => {
            say(Said { alert: Some("user-blocked"), ..Said::default() })
        }
    }
}

/// The code that was typed. Codes are pasted with blanks and hyphens, and typed with digits of other scripts.
pub(super) fn typed_digits(visit: &Visit) -> String {
    visit.params.text("code").unwrap_or_default().chars().filter_map(digit).take(20).collect()
}

/// The ASCII digit of an ASCII or full-width one.
fn digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10),
        _ => None,
    }
}

enum Outcome {
    LoggedIn,
    Refused(CodeRefusal),
    Lost,
}

/// Judges the code and notes who logged in, in one transaction.
async fn judge(
    visit: &Visit,
    connection: &Arc<Connection>,
    identifier: String,
    otp: String,
) -> Result<Outcome, Stop> {
    let mut presented = PresentedCode {
        cx: visit.cx.clone(),
        client: Arc::clone(&visit.client),
        connection: Arc::clone(connection),
        identifier,
        otp,
        screened: Screening::default(),
    };
    let sent = event::Sent::typed(std::iter::empty());
    if let Err(refusal) = presented.screen("f", &sent).await? {
        return Ok(Outcome::Refused(refusal));
    }
    let code = presented.clone();
    let state_hash = visit.waiting.row.state_hash.clone();
    let write = visit.cx.app.db.write(move |tx| {
        Box::pin(async move {
            let cx = &presented.cx;
            let Some(held) = login_transactions::hold(tx, &cx.tenant.id, &state_hash, cx.now).await? else {
                return Ok((None, Outcome::Lost));
            };
            // Two posts at once: the first one has spent the code.
            if just_logged_in(cx, &held.progress) {
                return Ok((None, Outcome::LoggedIn));
            }
            match presented.judge(tx, "f").await? {
                Ok(proven) => {
                    let connection = &presented.connection.name;
                    logged_in(tx, cx, held, &proven.user.user_id, connection).await?;
                    Ok::<_, Stop>((proven.created.then_some(proven.user), Outcome::LoggedIn))
                }
                // The refusal is a value: the try it counted must be committed.
                Err(refusal) => Ok((None, Outcome::Refused(refusal))),
            }
        })
    });
    let (made, outcome) = write.await?;
    if let Some(user) = made {
        code.made(&user, &sent);
    }
    Ok(outcome)
}

fn show(visit: &Visit, connection: &Connection, identifier: &str, said: &Said) -> Response {
    let screen = if connection.strategy == "email" {
        "login-passwordless-email-code"
    } else {
        "login-passwordless-sms-otp"
    };
    let mut screen = visit.screen("login-passwordless", screen);
    let texts = screen.texts.clone();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("state", &visit.waiting.state).append_pair("connection", &connection.name);
    let edit = format!("{IDENTIFIER}?{}", query.finish());
    screen.subject = Some(Subject {
        lead: Some(screen.description.clone()),
        text: identifier.to_owned(),
        edit: Some(edit),
    });
    screen.description.clear();
    let mut form = visit.form(challenge_of(connection));
    form.hidden.push(("code_length", connection.code_length().to_string()));
    form.fields.push(Field::code(texts.get("codePlaceholder"), said.error.map(|key| texts.get(key))));
    form.buttons.push(Button { text: texts.get("buttonText"), value: "default", primary: true });
    let wait_seconds = match said.notice {
        Some(_) => super::identifier::RESEND_SECONDS,
        None => seconds_to_wait(visit),
    };
    form.resend = Some(visit.resend(&texts, wait_seconds));
    screen.form = Some(form);
    screen.alert = said.told.clone().or_else(|| said.alert.map(|key| texts.get(key)));
    screen.notice = said.notice.map(|key| texts.get(key));
    // A code is no reason to show where else to log in: that is one step back.
    visit.show(&screen)
}
