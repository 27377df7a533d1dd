//! The second factors that this server has, and their names.

use serde::{Deserialize, Serialize};

/// A second factor that this server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Factor {
    /// Codes that an app computes from a shared secret and the time (RFC 6238).
    Otp,
    /// Codes by text message.
    Phone,
    /// A code kept on paper, good once.
    RecoveryCode,
}

/// A phone number for someone who has passed the first factor only: they do not learn more than its end.
///
/// Compat: as Auth0 writes it.
pub fn covered_number(number: &str) -> String {
    let end = number.get(number.len().saturating_sub(4)..).unwrap_or_default();
    format!("XXXXXXX{end}")
}

impl Factor {
    /// Every factor, the one that is offered first at the front.
    pub const ALL: &'static [Self] = &[Self::Otp, Self::Phone, Self::RecoveryCode];

    /// As scripts and `event.user.enrolledFactors` name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Otp => "otp",
            Self::Phone => "phone",
            Self::RecoveryCode => "recovery-code",
        }
    }

    /// As `/guardian/factors` names its switch.
    pub const fn switch(self) -> &'static str {
        match self {
            Self::Otp => "otp",
            Self::Phone => "sms",
            Self::RecoveryCode => "recovery-code",
        }
    }

    /// As authentication methods of the Management API name it.
    pub const fn method(self) -> &'static str {
        match self {
            Self::Otp => "totp",
            Self::Phone => "phone",
            Self::RecoveryCode => "recovery-code",
        }
    }

    /// What the ids of its authenticators begin with.
    pub const fn id_prefix(self) -> &'static str {
        match self {
            Self::Otp => "totp|dev_",
            Self::Phone => "sms|dev_",
            Self::RecoveryCode => "recovery-code|dev_",
        }
    }

    /// Whether it is a factor without another one: a recovery code only stands in for one.
    pub const fn stands_alone(self) -> bool {
        !matches!(self, Self::RecoveryCode)
    }

    /// The factor of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|factor| factor.name() == name)
    }
}
