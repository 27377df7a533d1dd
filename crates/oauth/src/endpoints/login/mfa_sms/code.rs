//! The code of a message: drawn, sent, and judged when it is typed in.

use std::sync::Arc;

use gatewright_core::client::Client;
use gatewright_core::mfa::{Factor, Passed};
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_resources::authenticators::{self, Authenticator};
use gatewright_resources::login_transactions::{self, FactorCode};
use gatewright_resources::logs::{self, LogEvent};
use gatewright_resources::rate_buckets;
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

use super::super::Visit;
use super::super::identifier::RESEND_SECONDS;
use crate::events;
use crate::multifactor::message::Message;
use crate::multifactor::{
    CODE_LIFETIME_SECONDS, DIGITS, MESSAGES, MESSAGES_BUCKET, WRONG_CODES, WRONG_CODES_BUCKET,
};
use crate::stop::Stop;

/// What binds a code to its login.
fn context(visit: &Visit) -> String {
    format!("{}/mfa_code/{}", visit.cx.tenant.id, visit.waiting.row.state_hash)
}

/// What came of sending a code.
pub(super) enum Sent {
    Yes,
    /// One is on its way.
    JustBefore,
    /// The key of the text that says why not.
    No(&'static str),
    Lost,
}

/// Draws, keeps and sends a code. It counts before it is sent, so that no two pages send one at once.
pub(super) async fn send(
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
    let started =
        event(cx, &visit.client, user, if enrollment { "gd_start_enroll" } else { "gd_start_auth" });
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
        event(cx, &visit.client, user, if failed.is_some() { "gd_send_sms_failure" } else { "gd_send_sms" });
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
fn event(cx: &RequestCx, client: &Client, user: &User, code: &'static str) -> LogEvent {
    let mut event = events::event(cx, code, Some(client));
    event.user_id = Some(user.user_id.clone());
    event.user_name = user.text("name").map(str::to_owned);
    event.details = json!({ "factor": Factor::Phone.name() });
    event
}

/// What became of a code that was typed in.
pub(super) enum Judged {
    /// It was right, or there is nothing to type in any more: what comes next is decided anew.
    GoOn,
    Wrong,
    TooManyWrong,
    Lost,
}

/// A code that was typed in.
pub(super) struct Attempt {
    cx: RequestCx,
    client: Arc<Client>,
    user: User,
    state_hash: String,
    context: String,
    typed: String,
}

impl Attempt {
    pub(super) fn new(visit: &Visit, user: User, typed: String) -> Self {
        Self {
            cx: visit.cx.clone(),
            client: Arc::clone(&visit.client),
            user,
            state_hash: visit.waiting.row.state_hash.clone(),
            context: context(visit),
            typed,
        }
    }

    /// Judges it and notes the factor as passed, in one transaction. The wrong try is counted before it is looked
    /// at, so that guesses made at the same time count as many.
    pub(super) async fn record(self, tx: &mut Tx) -> Result<Judged, Stop> {
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
