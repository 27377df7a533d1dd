//! The device authorization grant, RFC 8628: codes that people type, and what a device that asks is told.

use serde_json::Value;

use crate::errors::OAuthError;
use crate::time::Timestamp;

/// The grant type of a device code.
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Life of both codes in seconds.
pub const LIFETIME_SECONDS: i64 = 900;
/// Seconds that a device waits between two questions, until it is told otherwise.
pub const INTERVAL_SECONDS: i64 = 5;

/// What is added for a question that came too soon, RFC 8628 section 3.5.
const SLOW_DOWN_SECONDS: i64 = 5;
/// The interval grows no further: the user's answer must not wait for minutes.
const LONGEST_INTERVAL_SECONDS: i64 = 60;
/// A device that waits exactly its interval may still arrive a little early: the network is not even.
const EARLY_MICROS: i64 = 1_000_000;

const USUAL_MASK: &str = "****-****";

/// What user codes are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// Twenty consonants.
    Base20,
    /// Decimal digits.
    Digits,
}

impl Charset {
    /// Fewer places could be guessed within the limits on guesses: 26 bits (RFC 8628 section 5.1).
    const fn fewest_places(self) -> usize {
        match self {
            Self::Base20 => 6,
            Self::Digits => 8,
        }
    }
}

/// The tenant setting `device_flow`: how user codes look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCodeFormat {
    /// What they are made of.
    pub charset: Charset,
    mask: String,
}

impl UserCodeFormat {
    /// Reads the tenant's settings. Compat: a mask with too few places is replaced by the usual one.
    pub fn of(settings: &Value) -> Self {
        let charset = match settings.pointer("/device_flow/charset").and_then(Value::as_str) {
            Some("digits") => Charset::Digits,
            _ => Charset::Base20,
        };
        let mask = settings.pointer("/device_flow/mask").and_then(Value::as_str).unwrap_or(USUAL_MASK);
        let enough = mask.matches('*').count() >= charset.fewest_places();
        Self { charset, mask: if enough { mask } else { USUAL_MASK }.to_owned() }
    }

    /// How many characters are drawn.
    pub fn places(&self) -> usize {
        self.mask.matches('*').count()
    }

    /// Puts the drawn characters into the mask.
    pub fn fill(&self, drawn: &str) -> String {
        let mut drawn = drawn.chars();
        self.mask.chars().filter_map(|place| if place == '*' { drawn.next() } else { Some(place) }).collect()
    }

    /// A code in its normal form as a device shows it, however it was typed.
    pub fn shown(&self, normal: &str) -> String {
        let only_marks = !self.mask.chars().any(char::is_alphanumeric);
        if only_marks && normal.len() == self.places() { self.fill(normal) } else { normal.to_owned() }
    }
}

/// A user code as it is compared: letters and digits only, in upper case. `None` if nothing of what was
/// typed can be a code.
///
/// ```
/// # use gatewright_core::device::normal;
/// assert_eq!(normal(" wdjb-mjht ").as_deref(), Some("WDJBMJHT"));
/// assert_eq!(normal("１２３４").as_deref(), Some("1234"));
/// assert_eq!(normal("--"), None);
/// ```
pub fn normal(typed: &str) -> Option<String> {
    let narrow = |c: char| match c {
        // Full-width forms, as Japanese keyboards write them.
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        c => c,
    };
    let plain = typed.chars().take(100).map(narrow).filter(char::is_ascii_alphanumeric);
    let code: String = plain.map(|c| c.to_ascii_uppercase()).collect();
    (!code.is_empty() && typed.len() <= 200).then_some(code)
}

/// How far a device code has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has decided yet.
    Pending,
    /// The user allowed it.
    Allowed,
    /// It was refused; this is what the device is told.
    Denied(String),
    /// Tokens were issued for it.
    Spent,
}

/// A device code as a question found it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// How far it has come.
    pub state: State,
    /// The end of its life.
    pub expires_at: Timestamp,
    /// When it was asked about before.
    pub polled_at: Option<Timestamp>,
    /// How long the device has to wait between two questions.
    pub interval_seconds: i64,
}

/// What a device is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Tokens.
    Tokens,
    /// Not yet.
    Pending,
    /// Not yet, and it asked too soon: from now on it has to wait for this many seconds.
    SlowDown {
        /// Seconds.
        interval_seconds: i64,
    },
    /// No; with the reason in words.
    Denied(String),
    /// Too late.
    Expired,
    /// The tokens were fetched before.
    Spent,
}

/// Decides what a device is told. Who has waited long enough does not matter once there is an answer:
/// `slow_down` is a kind of `authorization_pending` (RFC 8628 section 3.5).
#[must_use]
pub fn answer(asked: &Asked, now: Timestamp) -> Answer {
    match &asked.state {
        State::Spent => Answer::Spent,
        _ if asked.expires_at <= now => Answer::Expired,
        State::Allowed => Answer::Tokens,
        State::Denied(why) => Answer::Denied(why.clone()),
        State::Pending => match asked.polled_at {
            Some(before) if too_soon(before, asked.interval_seconds, now) => Answer::SlowDown {
                interval_seconds: (asked.interval_seconds + SLOW_DOWN_SECONDS).min(LONGEST_INTERVAL_SECONDS),
            },
            _ => Answer::Pending,
        },
    }
}

fn too_soon(before: Timestamp, interval_seconds: i64, now: Timestamp) -> bool {
    now.micros() + EARLY_MICROS < before.plus_seconds(interval_seconds).micros()
}

impl Answer {
    /// The error that a device is told; `None` if it gets tokens. `waited_for` is the interval that held.
    ///
    /// Compat: 403 and 429, where RFC 6749 section 5.2 says 400.
    pub fn error(&self, waited_for: i64) -> Option<OAuthError> {
        Some(match self {
            Self::Tokens => return None,
            Self::Pending => {
                OAuthError::new(403, "authorization_pending", "User has yet to authorize device code.")
                    .because("device_code_pending")
            }
            Self::SlowDown { .. } => {
                let text =
                    format!("You are polling faster than the specified interval of {waited_for} seconds.");
                OAuthError::new(429, "slow_down", text).because("device_code_polled_too_fast")
            }
            Self::Denied(why) => OAuthError::access_denied(why.clone()).because("device_code_denied"),
            Self::Expired => OAuthError::new(403, "expired_token", "The device code has expired.")
                .because("device_code_expired"),
            Self::Spent => unknown().because("device_code_spent"),
        })
    }
}

/// The one answer to a device code that never was, is another client's, or was exchanged before.
pub fn unknown() -> OAuthError {
    OAuthError::invalid_grant("Invalid or expired device code.")
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
