//! `/u/mfa-sms-enrollment` and `/u/mfa-sms-challenge`: a phone as the second factor.
//!
//! The login is known by its first factor and waits. Nothing is stored of a number before its code was typed in; an
//! enrolled number is shown by its last digits only.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_adapters::normalize_phone;
use gatewright_core::mfa::{Factor, Passed};
use gatewright_core::user::User;
use gatewright_http::{Fault, RequestCx};
use gatewright_resources::authenticators::{self, Authenticator};
use gatewright_resources::login_transactions::{self, FactorCode, MultiFactor};
use gatewright_resources::logs::{self, LogEvent};
use gatewright_resources::{rate_buckets, users};
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

use super::challenge::typed_digits;
use super::identifier::RESEND_SECONDS;
use super::{MFA_SMS_CHALLENGE, MFA_SMS_ENROLLMENT, RESUME, Visit, page};
use crate::multifactor::message::Message;
use crate::multifactor::{
    CODE_LIFETIME_SECONDS, DIGITS, MESSAGES, MESSAGES_BUCKET, WRONG_CODES, WRONG_CODES_BUCKET,
};
use crate::pages::screen::{Button, Field, Kind, Subject};
use crate::stop::Stop;
use crate::{events, session};

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
    let attempt = Attempt {
        cx: visit.cx.clone(),
        client: Arc::clone(&visit.client),
        user: about.user,
        state_hash: visit.waiting.row.state_hash.clone(),
        context: context(&visit),
        typed,
    };
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

/// What binds a code to its login.
fn context(visit: &Visit) -> String {
    format!("{}/mfa_code/{}", visit.cx.tenant.id, visit.waiting.row.state_hash)
}

fn seconds_to_wait(visit: &Visit, sent_at: gatewright_core::Timestamp) -> i64 {
    let micros = sent_at.plus_seconds(RESEND_SECONDS).micros() - visit.cx.now.micros();
    (micros.max(0) + 999_999) / 1_000_000
}

/// What came of sending a code.
enum Sent {
    Yes,
    /// One is on its way.
    JustBefore,
    /// The key of the text that says why not.
    No(&'static str),
    Lost,
}

/// Draws, keeps and sends a code. It counts before it is sent, so that no two pages send one at once.
async fn send(
    visit: &Visit,
    user: &User,
    to: String,
    authenticator_id: Option<String>,
) -> Result<Sent, Stop> {
    let cx = &visit.cx;
    let code = cx.app.random.digits(DIGITS);
    let mac = cx.app.master_key.mac(&context(visit), code.as_bytes()).to_vec();
    let enrollment = authenticator_id.is_none();
    let kept = FactorCode { to: to.clone(), authenticator_id, mac: mac.clone(), sent_at: cx.now };
    let started = about(cx, visit, user, if enrollment { "gd_start_enroll" } else { "gd_start_auth" });
    let (within, state_hash, user_id) =
        (cx.clone(), visit.waiting.row.state_hash.clone(), user.user_id.clone());
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let (tenant, now) = (&within.tenant.id, within.now);
            let Some(mut held) = login_transactions::hold(tx, tenant, &state_hash, now).await? else {
                return Ok(Some(Sent::Lost));
            };
            let Some(multifactor) = &mut held.progress.multifactor else { return Ok(Some(Sent::Lost)) };
            let before = multifactor.code.as_ref().filter(|before| before.to == kept.to);
            if before.is_some_and(|before| before.sent_at.plus_seconds(RESEND_SECONDS) > now) {
                return Ok(Some(Sent::JustBefore));
            }
            if !rate_buckets::take(tx, tenant, MESSAGES_BUCKET, MESSAGES, &user_id, now).await?.allowed {
                return Ok(Some(Sent::No("too-many-sms")));
            }
            let first = multifactor.code.is_none();
            multifactor.code = Some(kept);
            login_transactions::set_progress(tx, tenant, &state_hash, &held.progress).await?;
            if first {
                logs::append(tx, tenant, now, &within.app.random, &started).await?;
            }
            Ok::<_, Stop>(None)
        })
    });
    if let Some(not) = write.await? {
        return Ok(not);
    }
    let message =
        Message { client: &visit.client, user, enrollment, code: &code, to: &to, language: visit.language };
    let delivery = message.send(cx).await?;
    events::count_message("sms", &delivery.sent);
    let failed = delivery.sent.as_ref().err();
    let mut event =
        about(cx, visit, user, if failed.is_some() { "gd_send_sms_failure" } else { "gd_send_sms" });
    event.details["message"] = json!({ "to": to, "action": message.action() });
    if let Some(error) = failed {
        event.details["error"] = json!({ "message": error.public, "detail": error.detail });
    }
    if let Some(scripts) = &delivery.scripts {
        event.details["decision"] = json!({ "scripts": scripts });
    }
    events::write(cx, event).await?;
    if failed.is_none() {
        return Ok(Sent::Yes);
    }
    // A code that went nowhere does not make anybody wait for the next one.
    let taken_back = visit.change(move |progress| {
        if let Some(multifactor) = &mut progress.multifactor {
            multifactor.code.take_if(|code| code.mac == mac);
        }
    });
    Ok(if taken_back.await? { Sent::No("send-code-failed") } else { Sent::Lost })
}

/// An event about the second factor of a user.
fn about(cx: &RequestCx, visit: &Visit, user: &User, code: &'static str) -> LogEvent {
    event(cx, &visit.client, user, code)
}

fn event(
    cx: &RequestCx,
    client: &gatewright_core::client::Client,
    user: &User,
    code: &'static str,
) -> LogEvent {
    let mut event = events::event(cx, code, Some(client));
    event.user_id = Some(user.user_id.clone());
    event.user_name = user.text("name").map(str::to_owned);
    event.details = json!({ "factor": Factor::Phone.name() });
    event
}

/// What became of a code that was typed in.
enum Judged {
    /// It was right, or there is nothing to type in any more: what comes next is decided anew.
    GoOn,
    Wrong,
    TooManyWrong,
    Lost,
}

/// A code that was typed in.
struct Attempt {
    cx: RequestCx,
    client: Arc<gatewright_core::client::Client>,
    user: User,
    state_hash: String,
    context: String,
    typed: String,
}

impl Attempt {
    /// Judges it and notes the factor as passed, in one transaction. The wrong try is counted before it is looked
    /// at, so that guesses made at the same time count as many.
    async fn record(self, tx: &mut Tx) -> Result<Judged, Stop> {
        let (cx, tenant, now) = (&self.cx, &self.cx.tenant.id, self.cx.now);
        let Some(mut held) = login_transactions::hold(tx, tenant, &self.state_hash, now).await? else {
            return Ok(Judged::Lost);
        };
        let asked = held.progress.multifactor.as_mut().filter(|asked| asked.user_id == self.user.user_id);
        let Some(asked) = asked else { return Ok(Judged::Lost) };
        // Two posts at once: the first one has spent the code.
        let Some(code) = asked.code.clone() else { return Ok(Judged::GoOn) };
        let user_id = &self.user.user_id;
        if !rate_buckets::take(tx, tenant, WRONG_CODES_BUCKET, WRONG_CODES, user_id, now).await?.allowed {
            self.log(tx, "gd_otp_rate_limit_exceed", json!({})).await?;
            return Ok(Judged::TooManyWrong);
        }
        let right = cx.app.master_key.mac_matches(&self.context, self.typed.as_bytes(), &code.mac);
        let expired = code.sent_at.plus_seconds(CODE_LIFETIME_SECONDS) <= now;
        if !right || expired {
            let reason = if right { "code_expired" } else { "code_wrong" };
            self.log(tx, "gd_auth_failed", json!({ "reason": reason })).await?;
            return Ok(Judged::Wrong);
        }
        rate_buckets::give_back(tx, tenant, WRONG_CODES_BUCKET, WRONG_CODES, user_id).await?;
        if let Some(authenticator_id) = &code.authenticator_id {
            // It has been removed meanwhile.
            if !authenticators::used(tx, tenant, user_id, authenticator_id, now).await? {
                return Ok(Judged::GoOn);
            }
        } else {
            // Who has enrolled a phone meanwhile must pass it: nobody adds one beside it with the password alone.
            let enrolled = authenticators::of_user(tx, tenant, user_id).await?;
            if enrolled.iter().any(|found| found.factor == Factor::Phone) {
                asked.code = None;
                login_transactions::set_progress(tx, tenant, &self.state_hash, &held.progress).await?;
                return Ok(Judged::GoOn);
            }
            let new = Authenticator {
                authenticator_id: format!("sms|dev_{}", cx.app.random.alphanumeric(16)),
                factor: Factor::Phone,
                phone_number: Some(code.to),
                created_at: now,
                last_auth_at: None,
            };
            authenticators::insert(tx, tenant, user_id, &new).await?;
            self.log(tx, "gd_enrollment_complete", json!({})).await?;
        }
        asked.code = None;
        asked.challenge.clear();
        asked.enroll.clear();
        asked.passed.retain(|passed| passed.factor != Factor::Phone);
        asked.passed.push(Passed { factor: Factor::Phone, at: now });
        login_transactions::set_progress(tx, tenant, &self.state_hash, &held.progress).await?;
        self.log(tx, "gd_auth_succeed", json!({})).await?;
        Ok(Judged::GoOn)
    }

    async fn log(&self, tx: &mut Tx, code: &'static str, decision: Value) -> Result<(), StoreError> {
        let mut event = event(&self.cx, &self.client, &self.user, code);
        if decision.as_object().is_some_and(|members| !members.is_empty()) {
            event.details["decision"] = decision;
        }
        logs::append(tx, &self.cx.tenant.id, self.cx.now, &self.cx.app.random, &event).await.map(drop)
    }
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
