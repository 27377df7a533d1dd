//! What is typed in for a factor: counted, judged, and noted as passed, in the caller's transaction.
//!
//! The same for the pages and for the MFA API: what is asked for is a [`MultiFactor`], kept in a login transaction or
//! with an MFA token, whose hash binds its secrets.

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
use gatewright_resources::login_transactions::MultiFactor;
use gatewright_resources::{guardian, logs, rate_buckets};
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

use super::{CODE_LIFETIME_SECONDS, Tries, event};
use crate::stop::Stop;

/// What is typed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
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
pub(crate) enum Judged {
    /// It was right.
    Passed {
        /// The recovery code that came with it.
        recovery_code: Option<String>,
        /// The factor is new.
        enrolled: bool,
    },
    /// There is nothing to prove any more, or never was.
    Nothing,
    /// The reason.
    Wrong(&'static str),
    TooManyWrong,
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
pub(crate) struct Attempt {
    pub(crate) cx: RequestCx,
    pub(crate) client: Arc<Client>,
    pub(crate) user: User,
    /// The hash of the state token or of the MFA token.
    pub(crate) binding: String,
    pub(crate) way: Way,
    pub(crate) typed: String,
}

impl Attempt {
    /// Judges it. The wrong try is counted before it is looked at, so that guesses made at the same time count as many.
    /// The caller keeps what has become of `asked`.
    pub(crate) async fn on(&self, tx: &mut Tx, asked: &mut MultiFactor) -> Result<Judged, Stop> {
        let (tenant, now) = (&self.cx.tenant.id, self.cx.now);
        let (user_id, factor) = (&self.user.user_id, self.way.factor());
        if !asked.challenge.contains(&factor) && !asked.enroll.contains(&factor) {
            return Ok(Judged::Nothing);
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
                return Ok(Judged::Wrong(reason));
            }
        };
        rate_buckets::give_back(tx, tenant, tries.bucket, tries.limit, user_id).await?;
        let (mut recovery_code, mut is_new) = (None, false);
        match proved {
            Proved::Nothing => return Ok(Judged::Nothing),
            Proved::Enrolled => {}
            Proved::Renewed(code) => recovery_code = Some(code),
            Proved::New(proof, step) => {
                let enrolled = authenticators::of_user(tx, tenant, user_id).await?;
                if !self.may_enroll(asked, &enrolled) {
                    (asked.code, asked.otp_secret_sealed) = (None, None);
                    return Ok(Judged::Nothing);
                }
                self.enroll(tx, &proof, step).await?;
                recovery_code = self.first_recovery_code(tx, asked, &enrolled).await?;
                is_new = true;
            }
        }
        (asked.code, asked.otp_secret_sealed) = (None, None);
        asked.challenge.clear();
        asked.enroll.clear();
        asked.passed.retain(|passed| passed.factor != factor);
        asked.passed.push(Passed { factor, at: now });
        self.log(tx, tries.succeeded, json!({})).await?;
        Ok(Judged::Passed { recovery_code, enrolled: is_new })
    }

    /// Whether it is right; else the reason.
    async fn prove(&self, tx: &mut Tx, asked: &MultiFactor) -> Result<Result<Proved, &'static str>, Stop> {
        let (cx, tenant, now) = (&self.cx, &self.cx.tenant.id, self.cx.now);
        let (user_id, typed) = (self.user.user_id.as_str(), self.typed.as_str());
        Ok(match self.way {
            Way::Message => {
                // Two posts at once: the first one has spent the code.
                let Some(code) = &asked.code else { return Ok(Ok(Proved::Nothing)) };
                let context = message_context(cx, &self.binding);
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
                let secret = open(cx, &secret_context(cx, &self.binding), sealed)?;
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

    /// The recovery code that comes with the first factor, where the tenant gives one: the client of the MFA API was
    /// told it when the enrollment began.
    async fn first_recovery_code(
        &self,
        tx: &mut Tx,
        asked: &MultiFactor,
        before: &[Authenticator],
    ) -> Result<Option<String>, Stop> {
        let (cx, user_id) = (&self.cx, self.user.user_id.as_str());
        if !gives_recovery_code(cx, before) {
            return Ok(None);
        }
        let code = match &asked.recovery_code_sealed {
            Some(sealed) => open_text(cx, &recovery_context(cx, &self.binding), sealed)?,
            None => proof::draw_recovery_code(&cx.app.random),
        };
        let keys = (&*cx.app.master_key, &cx.app.random);
        proof::set_recovery_code(tx, &cx.tenant.id, keys, (user_id, &code), cx.now).await?;
        Ok(Some(code))
    }

    async fn log(&self, tx: &mut Tx, code: &'static str, decision: Value) -> Result<(), StoreError> {
        let mut event = event(&self.cx, &self.client, &self.user, self.way.factor(), code);
        if decision.as_object().is_some_and(|members| !members.is_empty()) {
            event.details["decision"] = decision;
        }
        logs::append(tx, &self.cx.tenant.id, self.cx.now, &self.cx.app.random, &event).await.map(drop)
    }
}

/// Whether a recovery code comes with the user's next factor.
pub(crate) fn gives_recovery_code(cx: &RequestCx, enrolled: &[Authenticator]) -> bool {
    let given = guardian::enabled(&cx.tenant).0.contains(&Factor::RecoveryCode);
    given && !enrolled.iter().any(|found| found.factor == Factor::RecoveryCode)
}

/// What binds the code of a message to its login.
pub(crate) fn message_context(cx: &RequestCx, binding: &str) -> String {
    format!("{}/mfa_code/{binding}", cx.tenant.id)
}

/// What binds the secret of a new app to its login.
pub(crate) fn secret_context(cx: &RequestCx, binding: &str) -> String {
    format!("{}/mfa_secret/{binding}", cx.tenant.id)
}

/// What binds a recovery code that is shown to its login.
pub(crate) fn recovery_context(cx: &RequestCx, binding: &str) -> String {
    format!("{}/mfa_recovery_code/{binding}", cx.tenant.id)
}

/// A secret as [`MultiFactor`] keeps it.
pub(crate) fn seal(cx: &RequestCx, context: &str, secret: &[u8]) -> String {
    STANDARD.encode(cx.app.master_key.seal(&cx.app.random, context, secret))
}

/// The secret that [`seal`] sealed.
pub(crate) fn open(cx: &RequestCx, context: &str, sealed: &str) -> Result<Vec<u8>, Fault> {
    let sealed = STANDARD.decode(sealed).map_err(Fault::internal)?;
    Ok(cx.app.master_key.open(context, &sealed).map_err(Fault::internal)?.to_vec())
}

/// The same of a text.
pub(crate) fn open_text(cx: &RequestCx, context: &str, sealed: &str) -> Result<String, Fault> {
    String::from_utf8(open(cx, context, sealed)?).map_err(Fault::internal)
}
