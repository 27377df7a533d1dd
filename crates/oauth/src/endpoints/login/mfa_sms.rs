//! `/u/mfa-sms-enrollment` and `/u/mfa-sms-challenge`: a phone as the second factor.
//!
//! The login is known by its first factor and waits. Nothing is stored of a number before its code was typed in; an
//! enrolled number is shown by its last digits only.

mod code;

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_adapters::normalize_phone;
use gatewright_core::mfa::Factor;
use gatewright_core::user::User;
use gatewright_http::{Fault, RequestCx};
use gatewright_resources::authenticators::{self, Authenticator};
use gatewright_resources::login_transactions::{FactorCode, MultiFactor};
use gatewright_resources::users;
use gatewright_store::StoreError;

use self::code::{Attempt, Judged, Sent, send};
use super::challenge::typed_digits;
use super::identifier::RESEND_SECONDS;
use super::{MFA_SMS_CHALLENGE, MFA_SMS_ENROLLMENT, RESUME, Visit, page};
use crate::multifactor::DIGITS;
use crate::pages::screen::{Button, Field, Kind, Subject};
use crate::session;
use crate::stop::Stop;

page!(mfa_sms_enrollment, enrollment);
page!(mfa_sms_challenge, challenge);

/// What a page says besides its question.
#[derive(Default)]
struct Said {
    error: Option<&'static str>,
    alert: Option<&'static str>,
    notice: Option<&'static str>,
}

/// Whose second factor it is, and what is asked for.
struct Asked {
    user: User,
    asked: MultiFactor,
    /// The enrolled phone that is challenged.
    enrolled: Option<Authenticator>,
}

/// What this page is about; `None` where the login asks for no factor, or somebody else is known by now.
async fn asked(visit: &Visit) -> Result<Option<Asked>, Stop> {
    let Some(asked) = visit.progress().multifactor.clone() else { return Ok(None) };
    if asked.challenge.is_empty() && asked.enroll.is_empty() {
        return Ok(None);
    }
    let (cx, progress) = (visit.cx.clone(), visit.progress().clone());
    let presented = session::presented(&cx);
    let read = visit.cx.app.db.read(move |tx| {
        Box::pin(async move {
            let tenant = &cx.tenant.id;
            let user_id = match (progress.login, progress.session_id) {
                (Some(login), _) => login.user_id,
                (None, Some(id)) => {
                    let session = session::live(tx, &cx, &presented).await?;
                    let session = session.filter(|session| session.session_id == id);
                    let Some(session) = session else { return Ok(None) };
                    session.user_id
                }
                (None, None) => return Ok(None),
            };
            if user_id != asked.user_id {
                return Ok(None);
            }
            let Some(document) = users::by_id(tx, tenant, &user_id).await? else { return Ok(None) };
            let enrolled = authenticators::of_user(tx, tenant, &user_id).await?;
            Ok::<_, StoreError>(Some((document, asked, enrolled)))
        })
    });
    let Some((document, asked, enrolled)) = read.await? else { return Ok(None) };
    let user = serde_json::from_value(document).map_err(Fault::internal)?;
    let wanted = asked.challenge.contains(&Factor::Phone);
    let enrolled = enrolled.into_iter().find(|found| wanted && found.factor == Factor::Phone);
    Ok(Some(Asked { user, asked, enrolled }))
}

async fn enrollment(visit: Visit) -> Result<Response, Stop> {
    let about = asked(&visit).await?;
    let Some(Asked { user, .. }) = about.filter(|about| about.asked.enroll.contains(&Factor::Phone)) else {
        return Ok(visit.go(RESUME));
    };
    let say = |said: Said| Ok(show_enrollment(&visit, &said));
    if !visit.posted {
        return say(Said::default());
    }
    if !visit.form_is_ours() {
        return say(Said { alert: Some("invalid-request"), ..Said::default() });
    }
    let typed = visit.params.text("phone").unwrap_or_default().trim();
    if typed.is_empty() {
        return say(Said { error: Some("no-phone"), ..Said::default() });
    }
    let Some(number) = normalize_phone(typed) else {
        return say(Said { error: Some("invalid-phone-format"), ..Said::default() });
    };
    match send(&visit, &user, number, None).await? {
        Sent::Yes | Sent::JustBefore => Ok(visit.go(MFA_SMS_CHALLENGE)),
        Sent::No(key) => say(Said { alert: Some(key), ..Said::default() }),
        Sent::Lost => Ok(visit.lost()),
    }
}

async fn challenge(visit: Visit) -> Result<Response, Stop> {
    let Some(about) = asked(&visit).await? else { return Ok(visit.go(RESUME)) };
    let (to, authenticator_id) = match (&about.enrolled, &about.asked.code) {
        (Some(Authenticator { authenticator_id, phone_number: Some(number), .. }), _) => {
            (number.clone(), Some(authenticator_id.clone()))
        }
        (None, Some(FactorCode { to, authenticator_id: None, .. })) => (to.clone(), None),
        // The number was removed meanwhile, or none was typed yet.
        _ if about.asked.enroll.contains(&Factor::Phone) => return Ok(visit.go(MFA_SMS_ENROLLMENT)),
        _ => return Ok(visit.go(RESUME)),
    };
    let here = Challenge { visit: &visit, to: &to, enrolled: authenticator_id.is_some() };
    let sent_at = about.asked.code.as_ref().map(|code| code.sent_at);
    let mut wait_seconds = sent_at.map_or(0, |at| seconds_to_wait(&visit, at));
    if visit.posted && !visit.form_is_ours() {
        return Ok(here.show(&Said { alert: Some("invalid-request"), ..Said::default() }, wait_seconds));
    }
    let again = visit.posted && visit.action() == "resend-code";
    if again || sent_at.is_none() {
        let said = match send(&visit, &about.user, to.clone(), authenticator_id).await? {
            Sent::Yes => {
                wait_seconds = RESEND_SECONDS;
                Said { notice: again.then_some("resentText"), ..Said::default() }
            }
            Sent::JustBefore => Said::default(),
            Sent::No(key) => Said { alert: Some(key), ..Said::default() },
            Sent::Lost => return Ok(visit.lost()),
        };
        return Ok(here.show(&said, wait_seconds));
    }
    if !visit.posted {
        return Ok(here.show(&Said::default(), wait_seconds));
    }
    let typed = typed_digits(&visit);
    if typed.is_empty() {
        return Ok(here.show(&Said { error: Some("no-code"), ..Said::default() }, wait_seconds));
    }
    let attempt = Attempt::new(&visit, about.user, typed);
    let judged = visit.cx.app.db.write(move |tx| Box::pin(attempt.record(tx))).await?;
    Ok(match judged {
        Judged::GoOn => visit.go(RESUME),
        Judged::Lost => visit.lost(),
        Judged::Wrong => here.show(&Said { error: Some("invalid-code"), ..Said::default() }, wait_seconds),
        Judged::TooManyWrong => {
            here.show(&Said { alert: Some("too-many-failures-mfa"), ..Said::default() }, wait_seconds)
        }
    })
}

fn seconds_to_wait(visit: &Visit, sent_at: gatewright_core::Timestamp) -> i64 {
    let micros = sent_at.plus_seconds(RESEND_SECONDS).micros() - visit.cx.now.micros();
    (micros.max(0) + 999_999) / 1_000_000
}

/// The page of a code.
struct Challenge<'a> {
    visit: &'a Visit,
    to: &'a str,
    /// The number is enrolled, else it is about to be.
    enrolled: bool,
}

impl Challenge<'_> {
    fn show(&self, said: &Said, wait_seconds: i64) -> Response {
        let visit = self.visit;
        let mut screen = visit.screen("mfa-sms", "mfa-sms-challenge");
        let texts = screen.texts.clone();
        let lead = Some(std::mem::take(&mut screen.description));
        let (text, edit) = match self.enrolled {
            // Compat: who has the first factor only does not learn the number.
            true => (format!("XXXXXXX{}", last_digits(self.to)), None),
            false => (self.to.to_owned(), Some(visit.href(MFA_SMS_ENROLLMENT))),
        };
        screen.subject = Some(Subject { lead, text, edit });
        let mut form = visit.form(MFA_SMS_CHALLENGE);
        form.hidden.push(("code_length", DIGITS.to_string()));
        form.fields.push(Field::code(texts.get("codePlaceholder"), said.error.map(|key| texts.get(key))));
        form.buttons.push(Button { text: texts.get("buttonText"), value: "default", primary: true });
        form.resend = Some(visit.resend(&texts, wait_seconds));
        screen.form = Some(form);
        screen.alert = said.alert.map(|key| texts.get(key));
        screen.notice = said.notice.map(|key| texts.get(key));
        visit.show(&screen)
    }
}

/// The last four characters.
fn last_digits(number: &str) -> &str {
    number.get(number.len().saturating_sub(4)..).unwrap_or_default()
}

fn show_enrollment(visit: &Visit, said: &Said) -> Response {
    let mut screen = visit.screen("mfa-sms", "mfa-sms-enrollment");
    let texts = screen.texts.clone();
    let typed = visit.params.text("phone").filter(|typed| typed.len() <= 40 && visit.posted);
    let mut form = visit.form(MFA_SMS_ENROLLMENT);
    form.fields.push(Field {
        kind: Kind::Phone,
        name: "phone",
        label: texts.get("phonePlaceholder"),
        value: typed.unwrap_or_default().to_owned(),
        // The error says what the hint says.
        hint: said.error.is_none().then(|| texts.get("phoneHint")),
        error: said.error.map(|key| texts.get(key)),
        focus: true,
        last: true,
    });
    form.buttons.push(Button { text: texts.get("buttonText"), value: "default", primary: true });
    screen.form = Some(form);
    screen.alert = said.alert.map(|key| texts.get(key));
    visit.show(&screen)
}
