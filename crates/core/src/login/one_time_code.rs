//! The verdict on a one-time code that someone typed in.

use crate::errors::OAuthError;
use crate::time::Timestamp;

/// Wrong tries after which a code is dead; a new one must be asked for.
pub const MAX_TRIES: u32 = 3;

/// What is known of the newest code issued for an identifier, and of the one presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeFacts {
    /// When the code stops being good.
    pub expires_at: Timestamp,
    /// A code is good once.
    pub used: bool,
    /// Wrong tries before this one.
    pub tries_so_far: u32,
    /// Whether the code presented is the one issued, compared in constant time.
    pub hash_matches: bool,
}

/// What became of the code presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeVerdict {
    /// Right, in time, first use. Spend it in the same write that acts on it.
    Accepted,
    /// Not the code issued; this try counts.
    Wrong {
        /// Tries that remain, at least 1.
        tries_left: u32,
    },
    /// This was the last wrong try, or comes after it: even the right code is refused.
    TooManyTries,
    /// Too late.
    Expired,
    /// No code was issued for this identifier, or it was deleted since.
    Unknown,
    /// Already used.
    Used,
}

/// What the code was sent to; it names the text that callers see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeChannel {
    /// A phone number.
    Phone,
    /// An e-mail address.
    Email,
}

/// Judges a code presented for an identifier; `code` is the newest one issued for it, if any.
///
/// Count the try in the store before judging it, so that guesses made at the same time count as many;
/// `tries_so_far` is the count without this one. Counting a right or late try does no harm: the code is
/// spent or dead either way.
///
/// ```
/// # use gatewright_core::{Timestamp, login::one_time_code::{CodeFacts, CodeVerdict, verdict}};
/// let code = CodeFacts {
///     expires_at: Timestamp::from_seconds(180), used: false, tries_so_far: 0, hash_matches: true,
/// };
/// assert_eq!(verdict(Some(&code), Timestamp::from_seconds(60)), CodeVerdict::Accepted);
/// assert_eq!(verdict(Some(&code), Timestamp::from_seconds(180)), CodeVerdict::Expired);
/// ```
#[must_use]
pub fn verdict(code: Option<&CodeFacts>, now: Timestamp) -> CodeVerdict {
    let Some(code) = code else { return CodeVerdict::Unknown };
    if code.used {
        return CodeVerdict::Used;
    }
    if code.tries_so_far >= MAX_TRIES {
        return CodeVerdict::TooManyTries;
    }
    if now >= code.expires_at {
        return CodeVerdict::Expired;
    }
    if code.hash_matches {
        return CodeVerdict::Accepted;
    }
    match MAX_TRIES - code.tries_so_far - 1 {
        0 => CodeVerdict::TooManyTries,
        tries_left => CodeVerdict::Wrong { tries_left },
    }
}

impl CodeVerdict {
    /// The stable reason code for the tenant log.
    pub const fn code(self) -> &'static str {
        match self {
            CodeVerdict::Accepted => "code_accepted",
            CodeVerdict::Wrong { .. } => "code_wrong",
            CodeVerdict::TooManyTries => "code_too_many_tries",
            CodeVerdict::Expired => "code_expired",
            CodeVerdict::Unknown => "code_unknown",
            CodeVerdict::Used => "code_used",
        }
    }

    /// What was so, in a sentence for the tenant log.
    pub const fn says(self) -> &'static str {
        match self {
            CodeVerdict::Accepted => "The code was right.",
            CodeVerdict::Wrong { .. } => "The code was not the newest one sent to this address or number.",
            CodeVerdict::TooManyTries => "The code was tried wrongly three times and is dead.",
            CodeVerdict::Expired => "The code came after it had expired.",
            CodeVerdict::Unknown => "No code is waiting for this address or number.",
            CodeVerdict::Used => "The code was used before.",
        }
    }

    /// What the caller is told. One text for everything but too many tries, so that nothing is learned
    /// about which codes exist.
    pub const fn public_text(self, channel: CodeChannel) -> &'static str {
        match (self, channel) {
            // Compat: SDKs compare these texts.
            (CodeVerdict::TooManyTries, _) => {
                "You've reached the maximum number of attempts. Please try to login again."
            }
            (_, CodeChannel::Phone) => "Wrong phone number or verification code.",
            (_, CodeChannel::Email) => "Wrong email or verification code.",
        }
    }

    /// The refusal as `/oauth/token` answers it (403 `invalid_grant`); absent if accepted.
    pub fn token_error(self, channel: CodeChannel) -> Option<OAuthError> {
        let text = self.public_text(channel);
        (self != CodeVerdict::Accepted).then(|| OAuthError::invalid_grant(text).because(self.code()))
    }

    /// The refusal as `/co/authenticate` answers it (403 `access_denied`, or 429 `too_many_attempts`);
    /// absent if accepted.
    pub fn cross_origin_error(self, channel: CodeChannel) -> Option<OAuthError> {
        let text = self.public_text(channel);
        let error = match self {
            CodeVerdict::Accepted => return None,
            CodeVerdict::TooManyTries => OAuthError::new(429, "too_many_attempts", text),
            _ => OAuthError::access_denied(text),
        };
        Some(error.because(self.code()))
    }
}

#[cfg(test)]
#[path = "one_time_code_tests.rs"]
mod tests;
