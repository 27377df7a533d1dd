//! `/u/mfa-otp-enrollment` and `/u/mfa-otp-challenge`: an authenticator app as the second factor.
//!
//! The secret of a new app is drawn when its page is first looked at, and stays sealed in the login transaction until a
//! code of it was typed in.

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::mfa::{Factor, otp};
use gatewright_http::RequestCx;

use super::super::challenge::typed_digits;
use super::super::{RESUME, Visit, page};
use super::attempt::{Judged, judge};
use super::{About, OTP_CHALLENGE, OTP_ENROLLMENT, Said, about, change_and_log, note_challenge};
use crate::multifactor::attempt::{Way, open, seal, secret_context};
use crate::multifactor::{account, event};
use crate::pages::qr::Qr;
use crate::pages::screen::{Button, Code, Field, Form, Screen, company};
use crate::pages::texts::Texts;
use crate::stop::Stop;

page!(mfa_otp_enrollment, enrollment);
page!(mfa_otp_challenge, challenge);

async fn enrollment(visit: Visit) -> Result<Response, Stop> {
    let Some(about) = about(&visit).await?.filter(|about| about.enrolls(Factor::Otp)) else {
        return Ok(visit.go(RESUME));
    };
    let Some(secret) = secret(&visit, &about).await? else { return Ok(visit.lost()) };
    let page = Enrollment { visit: &visit, about: &about, secret: otp::base32(&secret) };
    match typed(&visit) {
        Typed::Nothing => Ok(page.show(&Said::default())),
        Typed::Not(said) => Ok(page.show(&said)),
        Typed::Code(typed) => {
            let judged = judge(&visit, about.user.clone(), Way::NewApp, typed).await?;
            answer(&visit, judged, |said| page.show(&said))
        }
    }
}

async fn challenge(visit: Visit) -> Result<Response, Stop> {
    let Some(about) = about(&visit).await?.filter(|about| about.challenged(Factor::Otp).is_some()) else {
        return Ok(visit.go(RESUME));
    };
    let show = |said: Said| {
        let mut screen = visit.screen("mfa-otp", "mfa-otp-challenge");
        let texts = screen.texts.clone();
        screen.form = Some(code_form(&visit, OTP_CHALLENGE, &texts, &said));
        finish(&visit, &about, screen, &texts, &said)
    };
    match typed(&visit) {
        Typed::Nothing if !note_challenge(&visit, &about.user, Factor::Otp).await? => Ok(visit.lost()),
        Typed::Nothing => Ok(show(Said::default())),
        Typed::Not(said) => Ok(show(said)),
        Typed::Code(typed) => {
            let judged = judge(&visit, about.user.clone(), Way::App, typed).await?;
            answer(&visit, judged, show)
        }
    }
}

/// What a visit brings.
pub(super) enum Typed {
    /// It is a look.
    Nothing,
    Not(Said),
    Code(String),
}

/// The digits that were typed in.
fn typed(visit: &Visit) -> Typed {
    if !visit.posted {
        return Typed::Nothing;
    }
    if !visit.form_is_ours() {
        return Typed::Not(Said::alert("invalid-request"));
    }
    match typed_digits(visit) {
        typed if typed.is_empty() => Typed::Not(Said::error("no-code")),
        typed => Typed::Code(typed),
    }
}

/// Where the browser goes once a code was judged.
pub(super) fn answer(
    visit: &Visit,
    judged: Judged,
    show: impl FnOnce(Said) -> Response,
) -> Result<Response, Stop> {
    Ok(match judged {
        Judged::GoOn => visit.go(RESUME),
        Judged::Show(page) => visit.go(page),
        Judged::Lost => visit.lost(),
        Judged::Wrong => show(Said::error("invalid-code")),
        Judged::TooManyWrong => show(Said::alert("too-many-failures-mfa")),
    })
}

/// The secret of the new app, drawn where there is none yet; `None` if the login is over.
async fn secret(visit: &Visit, about: &About) -> Result<Option<Vec<u8>>, Stop> {
    let cx = &visit.cx;
    let context = secret_context(cx, &visit.waiting.row.state_hash);
    if let Some(sealed) = &about.asked.otp_secret_sealed {
        return Ok(Some(open(cx, &context, sealed)?));
    }
    let secret: [u8; otp::SECRET_BYTES] = cx.app.random.bytes();
    let sealed = seal(cx, &context, &secret);
    let started = event(cx, &visit.client, &about.user, Factor::Otp, "gd_start_enroll");
    let kept = change_and_log(visit, started, move |asked| asked.otp_secret_sealed = Some(sealed)).await?;
    Ok(kept.then(|| secret.to_vec()))
}

/// The page of a new app.
struct Enrollment<'a> {
    visit: &'a Visit,
    about: &'a About,
    secret: String,
}

impl Enrollment<'_> {
    fn show(&self, said: &Said) -> Response {
        let visit = self.visit;
        let mut screen = visit.screen("mfa-otp", "mfa-otp-enrollment-qr");
        let texts = screen.texts.clone();
        let uri = otp::uri(&company(&visit.cx), account(&self.about.user), &self.secret);
        screen.qr = Qr::of(&uri, texts.get("altText"));
        screen.code =
            Some(Code { label: texts.get("codeEnrollmentText"), text: grouped(&self.secret), long: true });
        screen.form = Some(code_form(visit, OTP_ENROLLMENT, &texts, said));
        finish(visit, self.about, screen, &texts, said)
    }
}

/// Letters in groups of four, as people copy them.
pub(super) fn grouped(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn code_form(visit: &Visit, action: &'static str, texts: &Texts, said: &Said) -> Form {
    let mut form = visit.form(action);
    form.hidden.push(("code_length", otp::DIGITS.to_string()));
    form.fields.push(Field::code(texts.get("placeholder"), said.error.map(|key| texts.get(key))));
    form.buttons.push(Button { text: texts.get("buttonText"), value: "default", primary: true });
    form
}

/// Adds what every page of a factor has.
pub(super) fn finish(
    visit: &Visit,
    about: &About,
    mut screen: Screen,
    texts: &Texts,
    said: &Said,
) -> Response {
    screen.links = about.other_ways(visit, texts);
    screen.alert = said.alert.map(|key| texts.get(key));
    screen.notice = said.notice.map(|key| texts.get(key));
    visit.show(&screen)
}
