//! `/u/mfa-…`: the pages of second factors.
//!
//! The login is known by its first factor and waits. Nothing of a new factor is kept with its user before it was
//! proved. [`attempt`] judges what is typed in, whatever the factor; each factor's file has its pages.

mod attempt;
mod options;
mod otp;
mod recovery;
mod sms;
mod sms_code;

use gatewright_core::mfa::Factor;
use gatewright_core::user::User;
use gatewright_http::Fault;
use gatewright_resources::authenticators::{self, Authenticator};
use gatewright_resources::login_transactions::{self, MultiFactor};
use gatewright_resources::logs::{self, LogEvent};
use gatewright_resources::users;
use gatewright_store::StoreError;

pub(crate) use options::{mfa_begin_enroll_options, mfa_login_options};
pub(crate) use otp::{mfa_otp_challenge, mfa_otp_enrollment};
pub(crate) use recovery::{mfa_recovery_code_challenge, mfa_recovery_code_enrollment, mfa_recovery_code_new};
pub(crate) use sms::{mfa_sms_challenge, mfa_sms_enrollment};

use super::Visit;
use crate::multifactor::event;
use crate::pages::screen::Link;
use crate::pages::texts::Texts;
use crate::session;
use crate::stop::Stop;

/// The page that asks for a phone number.
const SMS_ENROLLMENT: &str = "/u/mfa-sms-enrollment";
/// The page that asks for the code sent to a phone.
const SMS_CHALLENGE: &str = "/u/mfa-sms-challenge";
/// The page that shows the secret for an app.
const OTP_ENROLLMENT: &str = "/u/mfa-otp-enrollment";
/// The page that asks for the code of an app.
const OTP_CHALLENGE: &str = "/u/mfa-otp-challenge";
/// The page that shows a recovery code.
const RECOVERY_ENROLLMENT: &str = "/u/mfa-recovery-code-enrollment";
/// The page that asks for a recovery code.
const RECOVERY_CHALLENGE: &str = "/u/mfa-recovery-code-challenge";
/// The page that shows the recovery code that came in place of a used one.
const RECOVERY_NEW: &str = "/u/mfa-recovery-code-challenge-new-code";
/// The page to choose among factors that are enrolled.
const LOGIN_OPTIONS: &str = "/u/mfa-login-options";
/// The page to choose among factors that can be enrolled.
pub(crate) const ENROLL_OPTIONS: &str = "/u/mfa-begin-enroll-options";

/// The page that challenges a factor.
pub(crate) const fn challenge_page(factor: Factor) -> &'static str {
    match factor {
        Factor::Otp => OTP_CHALLENGE,
        Factor::Phone => SMS_CHALLENGE,
        Factor::RecoveryCode => RECOVERY_CHALLENGE,
    }
}

/// The page that enrolls a factor.
pub(crate) const fn enrollment_page(factor: Factor) -> &'static str {
    match factor {
        Factor::Otp => OTP_ENROLLMENT,
        Factor::Phone => SMS_ENROLLMENT,
        Factor::RecoveryCode => RECOVERY_ENROLLMENT,
    }
}

/// What a page says besides its question.
#[derive(Default)]
struct Said {
    error: Option<&'static str>,
    alert: Option<&'static str>,
    notice: Option<&'static str>,
}

impl Said {
    fn error(key: &'static str) -> Self {
        Self { error: Some(key), ..Self::default() }
    }

    fn alert(key: &'static str) -> Self {
        Self { alert: Some(key), ..Self::default() }
    }
}

/// Whose second factor it is, and what is asked for.
struct About {
    user: User,
    asked: MultiFactor,
    enrolled: Vec<Authenticator>,
}

impl About {
    /// The enrolled factor that is challenged.
    fn challenged(&self, factor: Factor) -> Option<&Authenticator> {
        self.enrolled.iter().find(|found| found.factor == factor && self.asked.challenge.contains(&factor))
    }

    /// Whether this factor is to be enrolled.
    fn enrolls(&self, factor: Factor) -> bool {
        self.asked.enroll.contains(&factor)
    }

    /// The way to another factor, where there is a choice.
    fn other_ways(&self, visit: &Visit, texts: &Texts) -> Vec<Link> {
        let page = match (self.asked.challenge.len(), self.asked.enroll.len()) {
            (2.., _) => LOGIN_OPTIONS,
            (_, 2..) => ENROLL_OPTIONS,
            _ => return Vec::new(),
        };
        vec![Link { lead: None, text: texts.get("pickAuthenticatorText"), href: visit.href(page) }]
    }
}

/// What a page is about; `None` where no factor was asked for, or somebody else is known by now.
async fn about(visit: &Visit) -> Result<Option<About>, Stop> {
    let Some(asked) = visit.progress().multifactor.clone() else { return Ok(None) };
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
    Ok(Some(About { user, asked, enrolled }))
}

/// Tells in the log that a challenge was shown, once in a login; `false` if its life is over.
async fn note_challenge(visit: &Visit, user: &User, factor: Factor) -> Result<bool, Stop> {
    if visit.progress().multifactor.as_ref().is_some_and(|asked| asked.challenged.contains(&factor)) {
        return Ok(true);
    }
    let started = event(&visit.cx, &visit.client, user, factor, "gd_start_auth");
    change_and_log(visit, started, move |asked| asked.challenged.push(factor)).await
}

/// Changes what is known of this login's factor and writes an event; `false` if its life is over.
async fn change_and_log(
    visit: &Visit,
    event: LogEvent,
    change: impl FnOnce(&mut MultiFactor) + Send + 'static,
) -> Result<bool, Stop> {
    let (cx, state_hash) = (visit.cx.clone(), visit.waiting.row.state_hash.clone());
    let write = visit.cx.app.db.write(move |tx| {
        Box::pin(async move {
            let tenant = &cx.tenant.id;
            let held = login_transactions::hold(tx, tenant, &state_hash, cx.now).await?;
            let Some(mut held) = held else { return Ok(false) };
            let Some(multifactor) = &mut held.progress.multifactor else { return Ok(false) };
            change(multifactor);
            login_transactions::set_progress(tx, tenant, &state_hash, &held.progress).await?;
            logs::append(tx, tenant, cx.now, &cx.app.random, &event).await?;
            Ok::<_, Stop>(true)
        })
    });
    write.await
}
