//! Whether a login asks for a second factor, for which one, and why.
//!
//! Owns: the decision from policy, scripts, `acr_values` and what the user has enrolled. Does not own: sending and
//! judging codes (the authorization server), which commands scripts gave ([`crate::script`]).
//!
//! Reading order: [`Factor`], [`Standing`], [`Decision`], [`at_end`], [`of_commands`]; the codes of apps in [`otp`].

mod factor;
pub mod otp;
#[cfg(test)]
mod tests;

pub use self::factor::{Factor, covered_number};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::errors::OAuthError;
use crate::time::Timestamp;

/// The value of `acr_values` that asks for a second factor, and of `acr` after one.
pub const ACR: &str = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";

/// A factor that was passed, as sessions remember it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Which one.
    pub factor: Factor,
    /// When.
    pub at: Timestamp,
}

/// What the tenant offers and what this login's user has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Factors that are switched on, of those that this server has.
    pub enabled: Vec<Factor>,
    /// Some factor is switched on, be it one that this server lacks.
    pub any_switched_on: bool,
    /// Factors that the user has enrolled.
    pub enrolled: Vec<Factor>,
    /// Factors passed in this login.
    pub passed: Vec<Factor>,
    /// Factors passed earlier in the session that this login goes on with.
    pub passed_before: Vec<Factor>,
}

impl Standing {
    fn has_passed(&self, factor: Factor) -> bool {
        self.passed.contains(&factor) || self.passed_before.contains(&factor)
    }
}

/// Who asks for a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The request, with `acr_values`.
    Request,
    /// A script, with `api.multifactor.enable` or `context.multifactor`.
    Script,
    /// The tenant's policy.
    Policy,
    /// A script, with `api.authentication.challengeWith` or `challengeWithAny`.
    Challenge,
    /// A script, with `api.authentication.enrollWith` or `enrollWithAny`.
    Enrollment,
}

impl Why {
    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Request => "mfa_by_acr_values",
            Self::Script => "mfa_by_script",
            Self::Policy => "mfa_by_policy",
            Self::Challenge => "mfa_challenge_by_script",
            Self::Enrollment => "mfa_enrollment_by_script",
        }
    }
}

/// A factor that must be passed before the login goes on. One of the two lists is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Who wants it.
    pub why: Why,
    /// Enrolled factors of which one must be passed.
    pub challenge: Vec<Factor>,
    /// Factors of which one must be enrolled.
    pub enroll: Vec<Factor>,
}

/// What becomes of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes on; the reason's code.
    GoesOn(&'static str),
    /// A factor first.
    Ask(Ask),
    /// It cannot go on.
    Refused(OAuthError),
}

/// What became of a second factor, in a word, by the reason's code.
pub fn outcome_of(code: &str) -> &'static str {
    match code {
        "mfa_passed" | "mfa_passed_in_session" => "passed",
        "mfa_not_asked" | "mfa_lifted_by_script" | "mfa_no_factor_enabled" => "not asked",
        "mfa_by_acr_values" | "mfa_by_script" | "mfa_by_policy" => "asked",
        "mfa_challenge_by_script" | "mfa_enrollment_by_script" => "asked",
        _ => "refused",
    }
}

/// What decides at the end of the pipeline.
#[derive(Clone, Debug)]
pub struct EndFacts<'a> {
    /// `acr_values` asks for it.
    pub by_request: bool,
    /// The provider that the last script named, `none` included.
    pub by_script: Option<&'a str>,
    /// The tenant's policy is to ask at every login.
    pub by_policy: bool,
    /// What there is.
    pub standing: &'a Standing,
}

/// Decides once every script has run.
///
/// The request's wish holds whatever scripts say; scripts override the policy in both directions. A factor that the
/// session remembers is enough for the policy only: who asks with `acr_values` or in a script means this login.
pub fn at_end(facts: &EndFacts<'_>) -> Decision {
    let standing = facts.standing;
    let why = match (facts.by_request, facts.by_script, facts.by_policy) {
        (true, _, _) => Why::Request,
        (false, Some("none"), _) => return Decision::GoesOn("mfa_lifted_by_script"),
        (false, Some(_), _) => Why::Script,
        (false, None, true) => Why::Policy,
        (false, None, false) => return Decision::GoesOn("mfa_not_asked"),
    };
    let offered: &[Factor] = match (why, facts.by_script) {
        (Why::Script, Some("any" | "guardian")) | (Why::Request | Why::Policy, _) => &standing.enabled,
        // google-authenticator and duo name one provider.
        (_, Some("google-authenticator")) if standing.enabled.contains(&Factor::Otp) => &[Factor::Otp],
        _ => &[],
    };
    if !standing.passed.is_empty() {
        return Decision::GoesOn("mfa_passed");
    }
    if why == Why::Policy && !standing.passed_before.is_empty() {
        return Decision::GoesOn("mfa_passed_in_session");
    }
    // OpenID Connect Core section 5.5.1.1: `acr_values` is a wish. A policy without a factor asks for nothing.
    if why != Why::Script && !standing.any_switched_on {
        return Decision::GoesOn("mfa_no_factor_enabled");
    }
    let challenge: Vec<Factor> =
        offered.iter().copied().filter(|factor| standing.enrolled.contains(factor)).collect();
    // Who has nothing but a recovery code has no factor.
    if challenge.iter().any(|factor| factor.stands_alone()) {
        return Decision::Ask(Ask { why, challenge, enroll: Vec::new() });
    }
    let enroll: Vec<Factor> = offered.iter().copied().filter(|factor| factor.stands_alone()).collect();
    match enroll.is_empty() {
        false => Decision::Ask(Ask { why, challenge: Vec::new(), enroll }),
        true => Decision::Refused(no_factor()),
    }
}

/// A script's command to ask for a factor now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorCommand {
    /// To enroll one, else to pass an enrolled one.
    pub enroll: bool,
    /// Types of factors, the preferred one first.
    pub factors: Vec<String>,
}

/// Decides about the commands of one script, which stand in a queue: the first that is not fulfilled is asked for.
///
/// Factors that are switched off, unknown or (for a challenge) not enrolled are left out; if none is left, the login
/// is refused.
pub fn of_commands(commands: &[FactorCommand], standing: &Standing) -> Decision {
    for command in commands {
        let named: Vec<Factor> = command.factors.iter().filter_map(|name| Factor::of(name)).collect();
        let fulfilled = |factor: &Factor| match command.enroll {
            true => standing.enrolled.contains(factor),
            false => standing.has_passed(*factor),
        };
        if named.iter().any(fulfilled) {
            continue;
        }
        let possible = |factor: &Factor| {
            standing.enabled.contains(factor) && (command.enroll || standing.enrolled.contains(factor))
        };
        let left: Vec<Factor> = named.into_iter().filter(possible).collect();
        return match (left.is_empty(), command.enroll) {
            (true, false) => Decision::Refused(not_enrolled()),
            (true, true) => Decision::Refused(no_factor()),
            (false, false) => Decision::Ask(Ask { why: Why::Challenge, challenge: left, enroll: Vec::new() }),
            (false, true) => Decision::Ask(Ask { why: Why::Enrollment, challenge: Vec::new(), enroll: left }),
        };
    }
    Decision::GoesOn("mfa_passed")
}

/// A factor is needed where no page can be shown.
///
/// Compat: SDKs compare the text, and keep their session then.
pub fn page_needed(why: &'static str) -> OAuthError {
    let mut error = OAuthError::login_required();
    error.description = "Multifactor authentication required".into();
    error.because(why)
}

/// A factor is needed before the token endpoint gives tokens; the client asks for it with the token.
pub fn required(ask: &Ask, mfa_token: &str) -> OAuthError {
    let types = |factors: &[Factor]| -> Vec<Value> {
        factors.iter().map(|factor| json!({ "type": factor.name() })).collect()
    };
    let mut requirements = json!({});
    for (member, factors) in [("challenge", &ask.challenge), ("enroll", &ask.enroll)] {
        if !factors.is_empty() {
            requirements[member] = types(factors).into();
        }
    }
    OAuthError::new(403, "mfa_required", "Multifactor authentication required")
        .with("mfa_token", mfa_token.into())
        .with("mfa_requirements", requirements)
        .because(ask.why.code())
}

/// No login of this client waits with this token: it is unknown, another client's, or was used.
pub fn token_unknown() -> OAuthError {
    OAuthError::invalid_grant("Malformed mfa_token").because("mfa_token_unknown")
}

/// The login has waited too long.
pub fn token_expired() -> OAuthError {
    OAuthError::new(403, "expired_token", "mfa_token is expired").because("mfa_token_expired")
}

/// What is proved is nothing that this login asks for, or nothing was begun.
pub fn not_asked() -> OAuthError {
    OAuthError::invalid_grant("This login does not wait for a code of this factor.")
        .because("mfa_factor_not_asked")
}

/// Too many wrong codes of one user.
pub fn too_many_codes() -> OAuthError {
    OAuthError::too_many_requests("Too many failed codes. Wait for some minutes before retrying.")
        .because("mfa_codes_limited")
}

/// A factor is needed, and the grant has no way to ask for one.
pub fn not_in_grant() -> OAuthError {
    OAuthError::access_denied(
        "A second factor is required, and this grant cannot ask for one on this server.",
    )
    .because("mfa_not_in_grant")
}

fn no_factor() -> OAuthError {
    let text = "A second factor is required, and none that this server supports is enabled.";
    OAuthError::access_denied(text).because("mfa_no_factor")
}

fn not_enrolled() -> OAuthError {
    let text = "A second factor is required that the user has not enrolled, or that is not enabled.";
    OAuthError::access_denied(text).because("mfa_not_enrolled")
}
