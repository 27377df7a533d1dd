//! `/u/mfa-sms-enrollment` and `/u/mfa-sms-challenge`: a phone as the second factor.
//!
//! Nothing is stored of a number before its code was typed in; an enrolled number is shown by its last digits only.

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_adapters::normalize_phone;
use gatewright_core::mfa::{Factor, covered_number};
use gatewright_http::RequestCx;
use gatewright_resources::authenticators::Authenticator;
use gatewright_resources::login_transactions::FactorCode;

use super::super::challenge::typed_digits;
use super::super::identifier::{RESEND_SECONDS, Sent};
use super::super::{RESUME, Visit, page};
use super::attempt::judge;
use super::otp::{answer, finish};
use super::sms_code::send;
use super::{About, SMS_CHALLENGE, SMS_ENROLLMENT, Said, about};
use crate::multifactor::DIGITS;
use crate::multifactor::attempt::Way;
use crate::pages::screen::{Button, Field, Kind, Subject};
use crate::stop::Stop;

page!(mfa_sms_enrollment, enrollment);
page!(mfa_sms_challenge, challenge);

async fn enrollment(visit: Visit) -> Result<Response, Stop> {
    let Some(about) = about(&visit).await?.filter(|about| about.enrolls(Factor::Phone)) else {
        return Ok(visit.go(RESUME));
    };
    let say = |said: Said| Ok(show_enrollment(&visit, &about, &said));
    if !visit.posted {
        return say(Said::default());
    }
    if !visit.form_is_ours() {
        return say(Said::alert("invalid-request"));
    }
    let typed = visit.params.text("phone").unwrap_or_default().trim();
    if typed.is_empty() {
        return say(Said::error("no-phone"));
    }
    let Some(number) = normalize_phone(typed) else {
        return say(Said::error("invalid-phone-format"));
    };
    match send(&visit, &about.user, number, None).await? {
        Sent::Yes | Sent::JustBefore => Ok(visit.go(SMS_CHALLENGE)),
        Sent::No(key) => say(Said::alert(key)),
        Sent::Lost => Ok(visit.lost()),
    }
}

async fn challenge(visit: Visit) -> Result<Response, Stop> {
    let Some(about) = about(&visit).await? else { return Ok(visit.go(RESUME)) };
    let (to, authenticator_id) = match (about.challenged(Factor::Phone), &about.asked.code) {
        (Some(Authenticator { authenticator_id, phone_number: Some(number), .. }), _) => {
            (number.clone(), Some(authenticator_id.clone()))
        }
        (None, Some(FactorCode { to, authenticator_id: None, .. })) => (to.clone(), None),
        // The number was removed meanwhile, or none was typed yet.
        _ if about.enrolls(Factor::Phone) => return Ok(visit.go(SMS_ENROLLMENT)),
        _ => return Ok(visit.go(RESUME)),
    };
    let here = Challenge { visit: &visit, about: &about, to: &to, enrolled: authenticator_id.is_some() };
    let sent_at = about.asked.code.as_ref().map(|code| code.sent_at);
    let mut wait_seconds = sent_at.map_or(0, |at| seconds_to_wait(&visit, at));
    if visit.posted && !visit.form_is_ours() {
        return Ok(here.show(&Said::alert("invalid-request"), wait_seconds));
    }
    let again = visit.posted && visit.action() == "resend-code";
    if again || sent_at.is_none() {
        let said = match send(&visit, &about.user, to.clone(), authenticator_id).await? {
            Sent::Yes => {
                wait_seconds = RESEND_SECONDS;
                Said { notice: again.then_some("resentText"), ..Said::default() }
            }
            Sent::JustBefore => Said::default(),
            Sent::No(key) => Said::alert(key),
            Sent::Lost => return Ok(visit.lost()),
        };
        return Ok(here.show(&said, wait_seconds));
    }
    if !visit.posted {
        return Ok(here.show(&Said::default(), wait_seconds));
    }
    let typed = typed_digits(&visit);
    if typed.is_empty() {
        return Ok(here.show(&Said::error("no-code"), wait_seconds));
    }
    let judged = judge(&visit, about.user.clone(), Way::Message, typed).await?;
    answer(&visit, judged, |said| here.show(&said, wait_seconds))
}

fn seconds_to_wait(visit: &Visit, sent_at: gatewright_core::Timestamp) -> i64 {
    let micros = sent_at.plus_seconds(RESEND_SECONDS).micros() - visit.cx.now.micros();
    (micros.max(0) + 999_999) / 1_000_000
}

/// The page of a code.
struct Challenge<'a> {
    visit: &'a Visit,
    about: &'a About,
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
            true => (covered_number(self.to), None),
            false => (self.to.to_owned(), Some(visit.href(SMS_ENROLLMENT))),
        };
        screen.subject = Some(Subject { lead, text, edit });
        let mut form = visit.form(SMS_CHALLENGE);
        form.hidden.push(("code_length", DIGITS.to_string()));
        form.fields.push(Field::code(texts.get("codePlaceholder"), said.error.map(|key| texts.get(key))));
        form.buttons.push(Button { text: texts.get("buttonText"), value: "default", primary: true });
        form.resend = Some(visit.resend(&texts, wait_seconds));
        screen.form = Some(form);
        finish(visit, self.about, screen, &texts, said)
    }
}

fn show_enrollment(visit: &Visit, about: &About, said: &Said) -> Response {
    let mut screen = visit.screen("mfa-sms", "mfa-sms-enrollment");
    let texts = screen.texts.clone();
    let typed = visit.params.text("phone").filter(|typed| typed.len() <= 40 && visit.posted);
    let mut form = visit.form(SMS_ENROLLMENT);
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
    finish(visit, about, screen, &texts, said)
}
