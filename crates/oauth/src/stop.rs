//! Why a handler stops: refused, or failed. The one place where an [`OAuthError`] becomes a body.

use axum::response::{IntoResponse, Response};
use gatewright_core::OAuthError;
use gatewright_http::params::ParamsError;
use gatewright_http::respond::Reason;
use gatewright_http::{Fault, respond};
use gatewright_jose::JoseError;
use gatewright_store::StoreError;
use serde_json::{Value, json};

use crate::events::merge;

/// Ends a handler before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The caller did something that is not allowed.
    Refused(OAuthError),
    /// The server could not do its work.
    Fault(Fault),
}

impl From<OAuthError> for Stop {
    fn from(error: OAuthError) -> Self {
        Self::Refused(error)
    }
}

impl From<ParamsError> for Stop {
    fn from(error: ParamsError) -> Self {
        Self::Refused(OAuthError::invalid_request(error.to_string()))
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        // A caller can send a NUL inside JSON text; no engine stores it, and that is the caller's fault.
        match error {
            StoreError::NulCharacter => {
                Self::Refused(OAuthError::invalid_request("A parameter holds a NUL character."))
            }
            error => Self::Fault(error.into()),
        }
    }
}

impl From<JoseError> for Stop {
    fn from(error: JoseError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl IntoResponse for Stop {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(error) => refused(&error),
            Self::Fault(fault) => fault.into_response(),
        }
    }
}

/// The body of a refusal, RFC 6749 section 5.2. No `WWW-Authenticate`: openid-client would look there
/// and never read the JSON.
fn refused(error: &OAuthError) -> Response {
    tracing::info!(error = %error.code, reason = error.reason.as_deref(), "{}", error.description);
    let mut body = json!({"error": error.code, "error_description": error.description});
    if let Some(members) = &error.members {
        merge(&mut body, Value::Object((**members).clone()));
    }
    let mut response = respond::json_no_store(error.status, &body);
    let reason = error.reason.as_deref().unwrap_or("request_invalid");
    response.extensions_mut().insert(Reason(reason.to_owned()));
    response
}
