//! What callers are told when a provider could not be reached, in the words that SDKs may look for.

use super::{DeliveryError, DeliveryErrorKind};
use crate::guarded::OutboundError;

impl DeliveryError {
    /// Nothing was sent, because the settings do not allow it.
    /// The tenant's settings name no way that works; `detail` is for its log.
    pub fn misconfigured(detail: impl Into<String>) -> Self {
        Self {
            kind: DeliveryErrorKind::Misconfigured,
            public: "The SMS provider of this connection is not configured correctly.".into(),
            detail: detail.into(),
        }
    }
}

/// Explains why `provider` ("the SMS gateway", "Twilio") gave no answer.
///
/// Compat: the timeout's text, with the code that Node's HTTP clients give it. The other texts are ours;
/// they follow its pattern and keep the address out.
pub(super) fn no_answer(provider: &str, error: &OutboundError) -> DeliveryError {
    use DeliveryErrorKind::{Misconfigured, Temporary};
    let (kind, public) = match error {
        OutboundError::Timeout { .. } => {
            (Temporary, format!("Timeout while calling {provider}: ESOCKETTIMEDOUT"))
        }
        OutboundError::ConnectionRefused { .. } => {
            (Temporary, format!("Connection refused while calling {provider}: ECONNREFUSED"))
        }
        OutboundError::NotResolved { .. } => {
            (Temporary, format!("Host not found while calling {provider}: ENOTFOUND"))
        }
        OutboundError::NotConnected { .. } | OutboundError::Broken { .. } => {
            (Temporary, format!("Connection failed while calling {provider}"))
        }
        OutboundError::TooLarge { .. } => {
            (Temporary, format!("Unexpected response while calling {provider}: the response is too large"))
        }
        OutboundError::Refused { .. } => {
            (Misconfigured, format!("The address of {provider} is not allowed by this server"))
        }
        OutboundError::InvalidUrl(_) => (Misconfigured, format!("The URL of {provider} is not valid")),
    };
    DeliveryError { kind, public, detail: format!("{provider}: {error}") }
}
