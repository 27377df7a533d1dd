//! Second factors in a login: what there is, whether one is asked for, and the codes of messages.
//!
//! Owns: gathering the facts for `gatewright_core::mfa`, limits of messages and of wrong codes, the message itself.
//! Does not own: the pages (`endpoints::login::mfa`), what scripts may ask for (`gatewright_core::script`).

pub(crate) mod attempt;
pub(crate) mod message;

use gatewright_core::client::Client;
use gatewright_core::limits::RateLimit;
use gatewright_core::mfa::{Ask, Decision, EndFacts, Factor, Passed, Standing, at_end};
use gatewright_core::user::User;
use gatewright_core::{Timestamp, mfa};
use gatewright_http::RequestCx;
use gatewright_resources::login_transactions::{MultiFactor, Progress};
use gatewright_resources::logs::LogEvent;
use gatewright_resources::sessions::Session;
use gatewright_resources::{authenticators, guardian};
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

use crate::endpoints::login::mfa as mfa_pages;
use crate::events;
use crate::scripts::login as login_scripts;

/// Messages to one user: ten at once, one more an hour.
pub(crate) const MESSAGES: RateLimit = RateLimit::new(10, 1, 3600);
/// The bucket of [`MESSAGES`].
pub(crate) const MESSAGES_BUCKET: &str = "mfa_messages";
/// How wrong tries of one user are counted and told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tries {
    /// Ten at once, one more every six minutes. Success does not bring them back.
    pub(crate) limit: RateLimit,
    /// The bucket of [`Self::limit`].
    pub(crate) bucket: &'static str,
    /// The event of a right one.
    pub(crate) succeeded: &'static str,
    /// The event of a wrong one.
    pub(crate) failed: &'static str,
    /// The event of one too many.
    pub(crate) exceeded: &'static str,
}

impl Tries {
    /// Those of a factor: recovery codes are counted by themselves.
    pub(crate) const fn of(factor: Factor) -> Self {
        let limit = RateLimit::new(10, 10, 3600);
        match factor {
            Factor::Otp | Factor::Phone => Self {
                limit,
                bucket: "mfa_wrong_codes",
                succeeded: "gd_auth_succeed",
                failed: "gd_auth_failed",
                exceeded: "gd_otp_rate_limit_exceed",
            },
            Factor::RecoveryCode => Self {
                limit,
                bucket: "mfa_wrong_recovery_codes",
                succeeded: "gd_recovery_succeed",
                failed: "gd_recovery_failed",
                exceeded: "gd_recovery_rate_limit_exceed",
            },
        }
    }
}

/// Digits of a code.
pub(crate) const DIGITS: usize = 6;
/// Life of a code in seconds.
pub(crate) const CODE_LIFETIME_SECONDS: i64 = 300;

/// A user's way to a second factor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Factors {
    pub(crate) standing: Standing,
    /// What has been passed in this login.
    pub(crate) passed: Vec<Passed>,
    /// What has been passed in the session that the login goes on with, this login's included.
    pub(crate) of_session: Vec<Passed>,
    /// Why one was asked for in this login, if one was.
    asked_by: Option<String>,
}

impl Factors {
    /// How the user authenticated besides the first factor: the factor's type, and when.
    pub(crate) fn methods(&self) -> impl Iterator<Item = (Factor, Timestamp)> {
        self.of_session.iter().map(|passed| (passed.factor, passed.at))
    }

    /// Whether an ID token says that a factor was passed.
    pub(crate) fn just_passed(&self) -> bool {
        !self.passed.is_empty()
    }

    /// What the log says, under `details.decision.multifactor`.
    pub(crate) fn ledger(&self, reason: &str) -> Value {
        let mut told = json!({ "reason": reason });
        if let Some(why) = &self.asked_by {
            told["asked_by"] = json!(why);
        }
        if !self.passed.is_empty() {
            told["passed"] = json!(self.passed.iter().map(|passed| passed.factor.name()).collect::<Vec<_>>());
        }
        told
    }
}

/// Gathers them for a user. `session`: the one that the login goes on with; `progress`: of its transaction.
pub(crate) async fn of_user(
    tx: &mut Tx,
    cx: &RequestCx,
    user_id: &str,
    session: Option<&Session>,
    progress: Option<&Progress>,
) -> Result<Factors, StoreError> {
    let (enabled, any_switched_on) = guardian::enabled(&cx.tenant);
    let mut enrolled = Vec::new();
    for found in authenticators::of_user(tx, &cx.tenant.id, user_id).await? {
        if !enrolled.contains(&found.factor) {
            enrolled.push(found.factor);
        }
    }
    let here = progress.and_then(|progress| progress.multifactor.as_ref());
    let here = here.filter(|here| here.user_id == user_id);
    let passed = here.map(|here| here.passed.clone()).unwrap_or_default();
    let before = session.map(|session| session.factors.clone()).unwrap_or_default();
    let names = |list: &[Passed]| list.iter().map(|passed| passed.factor).collect();
    let standing = Standing {
        enabled,
        any_switched_on,
        enrolled,
        passed: names(&passed),
        passed_before: names(&before),
    };
    let mut of_session = before;
    of_session.retain(|old| passed.iter().all(|new| new.factor != old.factor));
    of_session.extend(passed.iter().cloned());
    let asked_by = here.map(|here| here.why.clone()).filter(|why| !why.is_empty());
    Ok(Factors { standing, passed, of_session, asked_by })
}

/// Whether a factor is on, or a script looks at them.
pub(crate) fn matter(cx: &RequestCx) -> bool {
    guardian::enabled(&cx.tenant).1 || login_scripts::any(cx)
}

/// The same in a transaction of its own. Where no factor is on and no script looks, nothing is fetched.
pub(crate) async fn find(
    cx: &RequestCx,
    user_id: &str,
    session: Option<&Session>,
    progress: Option<&Progress>,
) -> Result<Factors, StoreError> {
    if !matter(cx) {
        return Ok(Factors::default());
    }
    let (within, user_id) = (cx.clone(), user_id.to_owned());
    let (session, progress) = (session.cloned(), progress.cloned());
    let read = cx.app.db.read(move |tx| {
        Box::pin(async move { of_user(tx, &within, &user_id, session.as_ref(), progress.as_ref()).await })
    });
    read.await
}

/// Whether this `acr_values` asks for a factor.
pub(crate) fn asked_for(acr_values: Option<&str>) -> bool {
    acr_values.is_some_and(|values| values.split_whitespace().any(|value| value == mfa::ACR))
}

/// Decides once every script has run; `by_script` is what they said.
pub(crate) fn decide(
    factors: &Factors,
    by_request: bool,
    by_script: Option<&str>,
    by_policy: bool,
) -> Decision {
    at_end(&EndFacts { by_request, by_script, by_policy, standing: &factors.standing })
}

/// The page of what is asked for.
pub(crate) fn page(cx: &RequestCx, ask: &Ask) -> &'static str {
    if let Some(factor) = ask.challenge.first() {
        return mfa_pages::challenge_page(*factor);
    }
    let flags = cx.tenant.settings.get("flags");
    let lists = flags.is_some_and(|flags| flags["mfa_show_factor_list_on_enrollment"] == true);
    match ask.enroll.as_slice() {
        [_, _, ..] if lists => mfa_pages::ENROLL_OPTIONS,
        [factor, ..] => mfa_pages::enrollment_page(*factor),
        // Nothing is asked for without a factor.
        [] => mfa_pages::ENROLL_OPTIONS,
    }
}

/// Notes in a transaction what is asked for.
pub(crate) fn note(progress: Progress, user_id: &str, ask: &Ask) -> Progress {
    let before = progress.multifactor.filter(|before| before.user_id == user_id).unwrap_or_default();
    let multifactor = MultiFactor {
        user_id: user_id.to_owned(),
        why: ask.why.code().to_owned(),
        challenge: ask.challenge.clone(),
        enroll: ask.enroll.clone(),
        ..before
    };
    Progress { multifactor: Some(multifactor), ..progress }
}

/// An event about the second factor of a user.
pub(crate) fn event(
    cx: &RequestCx,
    client: &Client,
    user: &User,
    factor: Factor,
    code: &'static str,
) -> LogEvent {
    let mut event = events::event(cx, code, Some(client));
    event.user_id = Some(user.user_id.clone());
    event.user_name = user.text("name").map(str::to_owned);
    event.details = json!({ "factor": factor.name() });
    event
}

/// As apps list the account.
pub(crate) fn account(user: &User) -> &str {
    let names = ["email", "username", "phone_number", "name"];
    names.into_iter().find_map(|name| user.text(name)).unwrap_or(&user.user_id)
}
