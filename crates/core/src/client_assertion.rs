//! `private_key_jwt`: what a client's assertion has to say (RFC 7523 section 3, OpenID Connect Core
//! section 9).
//!
//! Parsing and signatures are `gatewright_jose`'s; whether an assertion was used before is a row. This is
//! the rest: who, for whom, and when.

use crate::client::AssertionKey;
use crate::time::Timestamp;

/// `client_assertion_type` of a JWT, RFC 7523 section 2.2.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Algorithms that a key can be registered for (RFC 7518 section 3.1); no others are taken.
pub const ALGORITHMS: [&str; 3] = ["RS256", "RS384", "PS256"];

/// By how many seconds a client's clock may be off.
pub const SKEW_SECONDS: i64 = 30;

/// The longest life of an assertion in seconds, from now. Compat: five minutes.
pub const LONGEST_LIFE_SECONDS: i64 = 300;

/// The longest `jti` in bytes.
const LONGEST_ID: usize = 255;

/// Header and claims of an assertion, parsed but not believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assertion {
    /// The header's `alg`.
    pub alg: String,
    /// The header's `kid`.
    pub kid: Option<String>,
    /// `iss`.
    pub issuer: String,
    /// `sub`: the client.
    pub subject: String,
    /// Every member of `aud`.
    pub audience: Vec<String>,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `nbf`.
    pub not_before: Option<Timestamp>,
    /// `iat`.
    pub issued_at: Option<Timestamp>,
    /// `jti`: names the assertion, which is good once.
    pub id: String,
}

/// Why an assertion is refused. The caller learns none of it; the log does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each has its sentence")]
pub enum Refusal {
    #[error("It is not a JWT in compact form with text claims iss, sub, jti, an audience and exp.")]
    Malformed,
    #[error("Its header names an algorithm that client assertions are not signed with.")]
    WrongAlgorithm,
    #[error("iss, sub and client_id are not the same client.")]
    WrongClient,
    #[error("There is no such client.")]
    UnknownClient,
    #[error("The client does not authenticate with private_key_jwt.")]
    WrongMethod,
    #[error("aud is not this server's issuer or token endpoint, or names another server too.")]
    WrongAudience,
    #[error("exp has passed.")]
    Expired,
    #[error("exp is more than five minutes ahead.")]
    TooLong,
    #[error("nbf or iat lies ahead: is the client's clock right?")]
    NotYetValid,
    #[error("No key of the client that is alive has this kid and algorithm.")]
    UnknownKey,
    #[error("No key of the client made its signature.")]
    BadSignature,
    #[error("Its jti was used before: every request needs an assertion of its own.")]
    Reused,
}

impl Refusal {
    /// Every refusal, for documentation and tests.
    pub const ALL: &[Self] = &[
        Self::Malformed,
        Self::WrongAlgorithm,
        Self::WrongClient,
        Self::UnknownClient,
        Self::WrongMethod,
        Self::WrongAudience,
        Self::Expired,
        Self::TooLong,
        Self::NotYetValid,
        Self::UnknownKey,
        Self::BadSignature,
        Self::Reused,
    ];

    /// A stable name for the log.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "assertion_malformed",
            Self::WrongAlgorithm => "assertion_algorithm",
            Self::WrongClient => "assertion_of_other_client",
            Self::UnknownClient => "client_unknown",
            Self::WrongMethod => "client_without_private_key_jwt",
            Self::WrongAudience => "assertion_audience",
            Self::Expired => "assertion_expired",
            Self::TooLong => "assertion_lives_too_long",
            Self::NotYetValid => "assertion_not_yet_valid",
            Self::UnknownKey => "assertion_key_unknown",
            Self::BadSignature => "assertion_signature",
            Self::Reused => "assertion_reused",
        }
    }
}

/// Where and when an assertion is presented.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The `client_id` parameter, if one was sent.
    pub client_id: Option<&'a str>,
    /// Names of this server, any of which `aud` may hold.
    pub audiences: &'a [String],
    /// The present moment.
    pub now: Timestamp,
}

/// Holds the claims against the place. The signature is checked afterwards.
///
/// Every member of `aud` must name this server: an assertion that another server may use too could be
/// carried from there to here.
pub fn judge(assertion: &Assertion, place: &Place<'_>) -> Result<(), Refusal> {
    if !ALGORITHMS.contains(&assertion.alg.as_str()) {
        return Err(Refusal::WrongAlgorithm);
    }
    let named = place.client_id.unwrap_or(&assertion.subject);
    if assertion.issuer != assertion.subject || assertion.subject != named {
        return Err(Refusal::WrongClient);
    }
    let ours = |audience: &String| place.audiences.contains(audience);
    if assertion.audience.is_empty() || !assertion.audience.iter().all(ours) {
        return Err(Refusal::WrongAudience);
    }
    if assertion.id.is_empty() || assertion.id.len() > LONGEST_ID {
        return Err(Refusal::Malformed);
    }
    let latest = place.now.plus_seconds(SKEW_SECONDS);
    if [assertion.not_before, assertion.issued_at].into_iter().flatten().any(|start| start > latest) {
        return Err(Refusal::NotYetValid);
    }
    // RFC 7519 section 4.1.4: not "on or after" exp.
    if place.now >= remembered_until(assertion) {
        return Err(Refusal::Expired);
    }
    if assertion.expires_at > latest.plus_seconds(LONGEST_LIFE_SECONDS) {
        return Err(Refusal::TooLong);
    }
    Ok(())
}

/// The moment from which the assertion is refused as expired: until then its use is remembered.
pub fn remembered_until(assertion: &Assertion) -> Timestamp {
    assertion.expires_at.plus_seconds(SKEW_SECONDS)
}

/// The client's keys that may have signed it: alive, of its algorithm, of its `kid` if it has one.
pub fn candidates<'a>(
    assertion: &Assertion,
    keys: &'a [AssertionKey],
    now: Timestamp,
) -> Result<Vec<&'a AssertionKey>, Refusal> {
    let fits = |key: &&AssertionKey| {
        key.alg == assertion.alg
            && assertion.kid.as_ref().is_none_or(|kid| *kid == key.kid)
            && key.expires_at.is_none_or(|end| now < end)
    };
    let found: Vec<&AssertionKey> = keys.iter().filter(fits).collect();
    if found.is_empty() { Err(Refusal::UnknownKey) } else { Ok(found) }
}

#[cfg(test)]
#[path = "client_assertion_tests.rs"]
mod tests;
