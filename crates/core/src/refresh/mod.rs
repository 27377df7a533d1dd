//! The verdict on a refresh token that a client presents: whether it is good, and what takes its place.
//!
//! Every refresh token belongs to a *family*: the one that a login issued and all that came from it by
//! rotation. A family counts generations. Only a token of the newest generation is current; one
//! generation older is let through for the leeway, so that a client that never read the answer can ask
//! again; anything older, or later, is a copy in the wrong hands, and the whole family dies (RFC 9700
//! section 4.14.2). Owns: that rule, and lifetimes. Not: rows, scopes, whose user it is.

use crate::client::Client;
use crate::errors::OAuthError;
use crate::time::Timestamp;

/// Most living families of one user at one client; the oldest beyond it are dropped.
pub const MAX_FAMILIES: usize = 200;

/// What a client's settings say now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// Whether every exchange replaces the token.
    pub rotating: bool,
    /// For how long a replaced token may be presented once more, in seconds; 0 is never.
    pub leeway_seconds: i64,
    /// Life of a family from its first token, in seconds.
    pub absolute_seconds: Option<i64>,
    /// Life of a family from its last exchange, in seconds.
    pub idle_seconds: Option<i64>,
}

impl RefreshPolicy {
    /// The policy of a client's `refresh_token` settings.
    ///
    /// Compat: a single-page application cannot have tokens that never expire.
    pub fn of(client: &Client) -> Self {
        let spa = client.app_type == "spa";
        let set = client.refresh_token.clone().unwrap_or_default();
        let unset = client.refresh_token.is_none();
        let expiring = spa || set.expiration_type == "expiring";
        let absolute = (expiring && (spa || !set.infinite_token_lifetime)).then_some(set.token_lifetime);
        let idle =
            (expiring && (spa || !set.infinite_idle_token_lifetime)).then_some(set.idle_token_lifetime);
        Self {
            rotating: set.rotation_type == "rotating" || (spa && unset),
            leeway_seconds: set.leeway.max(0),
            absolute_seconds: absolute,
            idle_seconds: idle,
        }
    }

    /// When a family that begins now ends, however often it is used.
    pub fn expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.absolute_seconds.map(|seconds| now.plus_seconds(seconds))
    }
}

/// What is known of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilyFacts<'a> {
    /// The client it was issued to.
    pub client_id: &'a str,
    /// Whether it rotated at its last exchange.
    pub rotating: bool,
    /// The newest generation; the first token is generation 0.
    pub generation: i64,
    /// When the newest generation was first issued.
    pub advanced_at: Timestamp,
    /// When it was last exchanged, or issued.
    pub last_used_at: Timestamp,
    /// Its absolute end, fixed when it began.
    pub expires_at: Option<Timestamp>,
    /// Why it was revoked, if it was.
    pub revoked_because: Option<&'a str>,
}

/// A token that was found, and its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresentedToken<'a> {
    /// The token's own generation.
    pub generation: i64,
    /// Its family.
    pub family: FamilyFacts<'a>,
}

/// What takes the place of the presented token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// Nothing: it stays good.
    Kept,
    /// A token of the next generation.
    Next,
    /// One more token of the newest generation: the presented one was replaced within the leeway.
    Beside,
}

/// What an exchange does to the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The new token, if there is one.
    pub replacement: Replacement,
    /// The family's absolute end from now on.
    pub expires_at: Option<Timestamp>,
    /// The client's settings changed between rotating and not since the last exchange: all families of
    /// the other kind of the same user, client and API end.
    pub converts: bool,
}

impl Exchange {
    /// The stable reason code for the tenant log.
    pub const fn code(&self) -> &'static str {
        match self.replacement {
            Replacement::Kept => "refresh_token_kept",
            Replacement::Next => "refresh_token_rotated",
            Replacement::Beside => "refresh_token_within_leeway",
        }
    }

    /// What was so, in a sentence for the tenant log.
    pub const fn says(&self) -> &'static str {
        match self.replacement {
            Replacement::Kept => "The token is good and stays so: this client's tokens do not rotate.",
            Replacement::Next => "The token was the newest of its family; a new one takes its place.",
            Replacement::Beside => {
                "The token had just been replaced and came again within the leeway; another new one is issued."
            }
        }
    }
}

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such token.
    Unknown,
    /// It was issued to another client.
    OtherClient,
    /// Its family was revoked.
    Revoked,
    /// The family's absolute end has come.
    Expired,
    /// Nothing was exchanged for too long.
    Idle,
    /// It had been replaced: somebody holds a copy. The family must be revoked.
    Reused,
}

impl Refusal {
    /// The stable reason code for the tenant log.
    pub const fn code(self) -> &'static str {
        match self {
            Refusal::Unknown => "refresh_token_unknown",
            Refusal::OtherClient => "refresh_token_of_other_client",
            Refusal::Revoked => "refresh_token_revoked",
            Refusal::Expired => "refresh_token_expired",
            Refusal::Idle => "refresh_token_idle_too_long",
            Refusal::Reused => "refresh_token_reused",
        }
    }

    /// What was so, in a sentence for the tenant log.
    pub const fn says(self) -> &'static str {
        match self {
            Refusal::Unknown => "No such refresh token was issued, or it was removed since.",
            Refusal::OtherClient => "The refresh token was issued to another client.",
            Refusal::Revoked => "The refresh token's family was revoked before.",
            Refusal::Expired => "The refresh token's absolute lifetime is over.",
            Refusal::Idle => "The refresh token was not used for longer than the idle lifetime.",
            Refusal::Reused => {
                "The refresh token had been replaced by a newer one. Somebody may hold a stolen copy, so \
                 every token of its family is revoked."
            }
        }
    }

    /// What the caller is told: one text for all, so that nothing is learned about which tokens exist.
    ///
    /// Compat: SDKs look for "invalid refresh token" in it.
    pub fn error(self) -> OAuthError {
        OAuthError::invalid_grant("Unknown or invalid refresh token.").because(self.code())
    }
}

/// Judges a refresh token that `client_id` presents; `None` is a token that was not found.
///
/// Act on the answer in the transaction that holds the family's row, so that of two exchanges at once
/// the second sees the generation that the first made.
///
/// ```
/// # use gatewright_core::{Timestamp, refresh::*};
/// let at = Timestamp::from_seconds;
/// let policy = RefreshPolicy { rotating: true, leeway_seconds: 0, absolute_seconds: None, idle_seconds: None };
/// let family = FamilyFacts {
///     client_id: "app", rotating: true, generation: 1, advanced_at: at(10), last_used_at: at(10),
///     expires_at: None, revoked_because: None,
/// };
/// let judge = |generation| verdict(Some(&PresentedToken { generation, family }), "app", &policy, at(11));
/// assert_eq!(judge(1).map(|exchange| exchange.replacement), Ok(Replacement::Next));
/// assert_eq!(judge(0), Err(Refusal::Reused));
/// ```
///
/// # Errors
/// The [`Refusal`]; after [`Refusal::Reused`] revoke the family.
pub fn verdict(
    presented: Option<&PresentedToken<'_>>,
    client_id: &str,
    policy: &RefreshPolicy,
    now: Timestamp,
) -> Result<Exchange, Refusal> {
    let Some(PresentedToken { generation, family }) = presented else { return Err(Refusal::Unknown) };
    if family.client_id != client_id {
        return Err(Refusal::OtherClient);
    }
    if family.revoked_because.is_some() {
        return Err(Refusal::Revoked);
    }
    if family.expires_at.is_some_and(|end| now >= end) {
        return Err(Refusal::Expired);
    }
    // Compat: the idle lifetime is today's setting, not the one at issue.
    if policy.idle_seconds.is_some_and(|idle| now >= family.last_used_at.plus_seconds(idle)) {
        return Err(Refusal::Idle);
    }
    let in_leeway = policy.leeway_seconds > 0
        && now <= family.advanced_at.plus_seconds(policy.leeway_seconds)
        && generation.checked_add(1) == Some(family.generation);
    let replacement = match () {
        () if *generation == family.generation && policy.rotating => Replacement::Next,
        () if *generation == family.generation => Replacement::Kept,
        () if in_leeway => Replacement::Beside,
        () => return Err(Refusal::Reused),
    };
    Ok(Exchange {
        replacement,
        // Compat: a lifetime set later takes hold at the next exchange, and for good.
        expires_at: family.expires_at.or_else(|| policy.expires_at(now)),
        converts: family.rotating != policy.rotating,
    })
}

#[cfg(test)]
mod tests;
