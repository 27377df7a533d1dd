//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): which clients are told that a session
//! ended, with what, and how often it is tried.
//!
//! Owns: initiators, the logout token's claims, what an answer means, the pauses between attempts. Does
//! not own: which clients took part in a session, the queue, sending.

use serde_json::{Value, json};

use crate::client::Client;
use crate::time::Timestamp;

/// The member of `events` that makes a JWT a logout token (section 2.4).
pub const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Life of a logout token: section 2.4 asks for two minutes at most.
const TOKEN_LIFETIME_SECONDS: i64 = 120;

/// Pauses before the second and later attempts, in seconds; after the last one nobody tries again.
const PAUSES_SECONDS: &[i64] = &[10, 60, 300, 1_800, 7_200];

/// Why a session ended, by Auth0's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiator {
    /// The user logged out at this server.
    RpLogout,
    /// An upstream provider ended it.
    IdpLogout,
    /// The user has a new password.
    PasswordChanged,
    /// It was idle too long, or came to its absolute end.
    SessionExpired,
    /// An administrator ended it, or another user logged in with the same browser.
    SessionRevoked,
    /// The user was deleted.
    AccountDeleted,
    /// The user has another e-mail address, phone number or user name.
    EmailIdentifierChanged,
}

impl Initiator {
    /// Every initiator.
    pub const ALL: &[Self] = &[
        Self::RpLogout,
        Self::IdpLogout,
        Self::PasswordChanged,
        Self::SessionExpired,
        Self::SessionRevoked,
        Self::AccountDeleted,
        Self::EmailIdentifierChanged,
    ];

    /// Its name in `selected_initiators`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RpLogout => "rp-logout",
            Self::IdpLogout => "idp-logout",
            Self::PasswordChanged => "password-changed",
            Self::SessionExpired => "session-expired",
            Self::SessionRevoked => "session-revoked",
            Self::AccountDeleted => "account-deleted",
            Self::EmailIdentifierChanged => "email-identifier-changed",
        }
    }
}

/// Where a client is told that a session ended for this reason; empty if it does not want to know.
///
/// Compat: logouts are always told; a client that names no initiators hears of those, and of upstream ones.
pub fn urls(client: &Client, initiator: Initiator) -> Vec<&str> {
    let Some(logout) = &client.oidc_logout else { return Vec::new() };
    let wanted = match &logout.backchannel_logout_initiators {
        _ if initiator == Initiator::RpLogout => true,
        None => initiator == Initiator::IdpLogout,
        Some(chosen) if chosen.mode == "all" => true,
        Some(chosen) => chosen.selected_initiators.iter().any(|name| name == initiator.name()),
    };
    if !wanted {
        return Vec::new();
    }
    logout.backchannel_logout_urls.iter().map(String::as_str).filter(|url| !url.is_empty()).collect()
}

/// What a logout token is made from.
#[derive(Clone, Copy, Debug)]
pub struct LogoutTokenFacts<'a> {
    /// The issuer that the client knows.
    pub issuer: &'a str,
    /// The client it is for.
    pub client_id: &'a str,
    /// Whose session it was.
    pub user_id: &'a str,
    /// The `sid` of the client's ID tokens.
    pub sid: &'a str,
    /// A random value: one per attempt, since a client may refuse a token that it has seen.
    pub jti: &'a str,
    /// The moment of issue.
    pub now: Timestamp,
}

/// The claims of a logout token, section 2.4. There is never a `nonce`: it would pass for an ID token.
pub fn logout_token(facts: &LogoutTokenFacts<'_>) -> Value {
    json!({
        "iss": facts.issuer,
        "sub": facts.user_id,
        "aud": facts.client_id,
        "iat": facts.now.seconds(),
        "exp": facts.now.plus_seconds(TOKEN_LIFETIME_SECONDS).seconds(),
        "jti": facts.jti,
        "events": {EVENT: {}},
        "sid": facts.sid,
    })
}

/// What became of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The client knows.
    Delivered,
    /// Trying again would not help.
    Refused,
    /// It may work later.
    Failed,
}

/// What an HTTP status means, section 2.8: 200 is success, and 204 where a framework makes that of an empty
/// answer; 400 says that the token itself was refused.
pub const fn verdict(status: u16) -> Verdict {
    match status {
        200 | 204 => Verdict::Delivered,
        400 => Verdict::Refused,
        _ => Verdict::Failed,
    }
}

/// When a delivery that failed `attempts` times is tried again, or `None` to give up.
pub fn next_attempt(attempts: i64, now: Timestamp) -> Option<Timestamp> {
    let done = usize::try_from(attempts).ok()?.checked_sub(1)?;
    PAUSES_SECONDS.get(done).map(|pause| now.plus_seconds(*pause))
}

#[cfg(test)]
#[path = "backchannel_tests.rs"]
mod tests;
