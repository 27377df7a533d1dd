//! What is typed in for a factor: judged, counted, and noted as passed in one transaction.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatewright_core::client::Client;
use gatewright_core::mfa::{Factor, Passed, Why, otp};
use gatewright_core::user::User;
use gatewright_http::{Fault, RequestCx};
use gatewright_jose::one_time_password_step;
use gatewright_resources::authenticators::proof::{self, Otp};
use gatewright_resources::authenticators::{self, Authenticator, Proof};
use gatewright_resources::login_transactions::{self, MultiFactor};
use gatewright_resources::{guardian, logs, rate_buckets};
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

use super::super::Visit;
use super::{RECOVERY_ENROLLMENT, RECOVERY_NEW, event};
use crate::multifactor::{CODE_LIFETIME_SECONDS, Tries};
use crate::stop::Stop;

/// What is typed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The code of a message.
    Message,
    /// The code of an enrolled app.
    App,
    /// The first code of a new app.
    NewApp,
    /// A recovery code.
    RecoveryCode,
}

impl Way {
    const fn factor(self) -> Factor {
        match self {
            Self::Message => Factor::Phone,
            Self::App | Self::NewApp => Factor::Otp,
            Self::RecoveryCode => Factor::RecoveryCode,
        }
    }
}

/// What became of it.
pub(super) enum Judged {
    /// It was right, or there is nothing to type in any more: what comes next is decided anew.
    GoOn,
    /// It was right, and this page shows a new recovery code.
    Show(&'static str),
    Wrong,
    TooManyWrong,
    Lost,
}

/// What was right about it.
enum Proved {
    /// An enrolled factor.
    Enrolled,
    /// A recovery code, in whose place this one has come.
    Renewed(String),
    /// A new factor, and the time step of the code that showed it.
    New(Proof, Option<i64>),
    /// Two posts at once, or an administrator meanwhile: there is nothing to prove.
    Nothing,
}

/// Something typed in.
pub(super) struct Attempt {
    cx: RequestCx,
    client: Arc<Client>,
    user: User,
    state_hash: String,
    way: Way,
    typed: String,
}

impl Attempt {
    pub(super) fn new(visit: &Visit, user: User, way: Way, typed: String) -> Self {
        Self {
            cx: visit.cx.clone(),
            client: Arc::clone(&visit.client),
            user,
            state_hash: visit.waiting.row.state_hash.clone(),
            way,
            typed,
        }
    }

    /// Judges it in a transaction of its own.
    pub(super) async fn judge(self) -> Result<Judged, Stop> {
        let db = self.cx.app.db.clone();
        db.write(move |tx| Box::pin(self.record(tx))).await
    }

    /// The wrong try is counted before it is looked at, so that guesses made at the same time count as many.
    async fn record(self, tx: &mut Tx) -> Result<Judged, Stop> {
        let (cx, tenant, now) = (&self.cx, &self.cx.tenant.id, self.cx.now);
        let Some(mut held) = login_transactions::hold(tx, tenant, &self.state_hash, now).await? else {
            return Ok(Judged::Lost);
        };
        let user_id = &self.user.user_id;
        let asked = held.progress.multifactor.as_mut().filter(|asked| asked.user_id == *user_id);
        let Some(asked) = asked else { return Ok(Judged::Lost) };
        let factor = self.way.factor();
        if !asked.challenge.contains(&factor) && !asked.enroll.contains(&factor) {
            return Ok(Judged::GoOn);
        }
        let tries = Tries::of(factor);
        if !rate_buckets::take(tx, tenant, tries.bucket, tries.limit, user_id, now).await?.allowed {
            self.log(tx, tries.exceeded, json!({})).await?;
            return Ok(Judged::TooManyWrong);
        }
        let proved = match self.prove(tx, asked).await? {
            Ok(proved) => proved,
            Err(reason) => {
                self.log(tx, tries.failed, json!({ "reason": reason })).await?;
                return Ok(Judged::Wrong);
            }
        };
        rate_buckets::give_back(tx, tenant, tries.bucket, tries.limit, user_id).await?;
        let mut page = None;
        match proved {
            Proved::Nothing => return Ok(Judged::GoOn),
            Proved::Enrolled => {}
            Proved::Renewed(code) => {
                asked.recovery_code_sealed = Some(seal_recovery_code(cx, &self.state_hash, &code));
                page = Some(RECOVERY_NEW);
            }
            Proved::New(proof, step) => {
                let enrolled = authenticators::of_user(tx, tenant, user_id).await?;
                if !self.may_enroll(asked, &enrolled) {
                    (asked.code, asked.otp_secret_sealed) = (None, None);
                    login_transactions::set_progress(tx, tenant, &self.state_hash, &held.progress).await?;
                    return Ok(Judged::GoOn);
                }
                self.enroll(tx, &proof, step).await?;
                if let Some(code) = self.first_recovery_code(tx, &enrolled).await? {
                    asked.recovery_code_sealed = Some(seal_recovery_code(cx, &self.state_hash, &code));
                    page = Some(RECOVERY_ENROLLMENT);
                }
            }
        }
        (asked.code, asked.otp_secret_sealed) = (None, None);
        asked.challenge.clear();
        asked.enroll.clear();
        asked.passed.retain(|passed| passed.factor != factor);
        asked.passed.push(Passed { factor, at: now });
        login_transactions::set_progress(tx, tenant, &self.state_hash, &held.progress).await?;
        self.log(tx, tries.succeeded, json!({})).await?;
        Ok(page.map_or(Judged::GoOn, Judged::Show))
    }

    /// Whether it is right; else the reason.
    async fn prove(&self, tx: &mut Tx, asked: &MultiFactor) -> Result<Result<Proved, &'static str>, Stop> {
        let (cx, tenant, now) = (&self.cx, &self.cx.tenant.id, self.cx.now);
        let (user_id, typed) = (self.user.user_id.as_str(), self.typed.as_str());
        Ok(match self.way {
            Way::Message => {
                // Two posts at once: the first one has spent the code.
                let Some(code) = &asked.code else { return Ok(Ok(Proved::Nothing)) };
                let context = message_context(cx, &self.state_hash);
                let right = cx.app.master_key.mac_matches(&context, typed.as_bytes(), &code.mac);
                if !right || code.sent_at.plus_seconds(CODE_LIFETIME_SECONDS) <= now {
                    return Ok(Err(if right { "code_expired" } else { "code_wrong" }));
                }
                match &code.authenticator_id {
                    None => Ok(Proved::New(Proof::Phone(code.to.clone()), None)),
                    Some(id) if authenticators::used(tx, tenant, user_id, id, now).await? => {
                        Ok(Proved::Enrolled)
                    }
                    Some(_) => Ok(Proved::Nothing),
                }
            }
            Way::App => {
                match proof::spend_otp(tx, tenant, &cx.app.master_key, (user_id, typed), now).await? {
                    Otp::Right => Ok(Proved::Enrolled),
                    Otp::Spent => Err("code_used"),
                    Otp::Wrong => Err("code_wrong"),
                }
            }
            Way::NewApp => {
                let Some(sealed) = &asked.otp_secret_sealed else { return Ok(Ok(Proved::Nothing)) };
                let secret = open(cx, &secret_context(cx, &self.state_hash), sealed)?;
                match one_time_password_step(&secret, typed, otp::steps(now)) {
                    Some(step) => Ok(Proved::New(Proof::Otp(secret), Some(step))),
                    None => Err("code_wrong"),
                }
            }
            Way::RecoveryCode => {
                let keys = (&*cx.app.master_key, &cx.app.random);
                let renewed = proof::spend_recovery_code(tx, tenant, keys, (user_id, typed), now).await?;
                renewed.map(Proved::Renewed).ok_or("code_wrong")
            }
        })
    }

    /// Who has enrolled a factor meanwhile must pass it: nobody adds one beside it with the password alone. A script
    /// may ask for a further one.
    fn may_enroll(&self, asked: &MultiFactor, enrolled: &[Authenticator]) -> bool {
        let (enabled, _) = guardian::enabled(&self.cx.tenant);
        let by_script = asked.why == Why::Enrollment.code();
        !enrolled
            .iter()
            .any(|found| found.factor == self.way.factor() || (!by_script && enabled.contains(&found.factor)))
    }

    async fn enroll(&self, tx: &mut Tx, proof: &Proof, step: Option<i64>) -> Result<(), StoreError> {
        let (cx, tenant, user_id) = (&self.cx, &self.cx.tenant.id, self.user.user_id.as_str());
        let keys = (&*cx.app.master_key, &cx.app.random);
        let new = authenticators::insert(tx, tenant, keys, user_id, proof, (cx.now, true)).await?;
        if let Some(step) = step {
            proof::spend_first_step(tx, tenant, (user_id, &new.authenticator_id), step, cx.now).await?;
        }
        self.log(tx, "gd_enrollment_complete", json!({})).await
    }

    /// The recovery code that comes with the first factor, where the tenant gives one.
    async fn first_recovery_code(
        &self,
        tx: &mut Tx,
        before: &[Authenticator],
    ) -> Result<Option<String>, StoreError> {
        let (cx, tenant) = (&self.cx, &self.cx.tenant.id);
        let given = guardian::enabled(&cx.tenant).0.contains(&Factor::RecoveryCode);
        if !given || before.iter().any(|found| found.factor == Factor::RecoveryCode) {
            return Ok(None);
        }
        let keys = (&*cx.app.master_key, &cx.app.random);
        proof::renew_recovery_code(tx, tenant, keys, &self.user.user_id, cx.now).await.map(Some)
    }

    async fn log(&self, tx: &mut Tx, code: &'static str, decision: Value) -> Result<(), StoreError> {
        let mut event = event(&self.cx, &self.client, &self.user, self.way.factor(), code);
        if decision.as_object().is_some_and(|members| !members.is_empty()) {
            event.details["decision"] = decision;
        }
        logs::append(tx, &self.cx.tenant.id, self.cx.now, &self.cx.app.random, &event).await.map(drop)
    }
}

/// What binds the code of a message to its login.
pub(super) fn message_context(cx: &RequestCx, state_hash: &str) -> String {
    format!("{}/mfa_code/{state_hash}", cx.tenant.id)
}

/// What binds the secret of a new app to its login.
pub(super) fn secret_context(cx: &RequestCx, state_hash: &str) -> String {
    format!("{}/mfa_secret/{state_hash}", cx.tenant.id)
}

/// What binds a recovery code that is shown to its login.
pub(super) fn recovery_context(cx: &RequestCx, state_hash: &str) -> String {
    format!("{}/mfa_recovery_code/{state_hash}", cx.tenant.id)
}

fn seal_recovery_code(cx: &RequestCx, state_hash: &str, code: &str) -> String {
    seal(cx, &recovery_context(cx, state_hash), code.as_bytes())
}

/// A secret as a login transaction keeps it.
pub(super) fn seal(cx: &RequestCx, context: &str, secret: &[u8]) -> String {
    STANDARD.encode(cx.app.master_key.seal(&cx.app.random, context, secret))
}

/// The secret that [`seal`] sealed.
pub(super) fn open(cx: &RequestCx, context: &str, sealed: &str) -> Result<Vec<u8>, Fault> {
    let sealed = STANDARD.decode(sealed).map_err(Fault::internal)?;
    Ok(cx.app.master_key.open(context, &sealed).map_err(Fault::internal)?.to_vec())
}
