//! `/mfa/authenticators`: what the user has enrolled.

use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_core::mfa::{Factor, covered_number};
use gatewright_http::{RequestCx, respond};
use gatewright_resources::authenticators::Authenticator;
use serde_json::{Value, json};

use super::{bearer, find};
use crate::stop::Stop;

pub(crate) async fn list(cx: RequestCx, headers: HeaderMap) -> Result<Response, Stop> {
    let waits = find(&cx, bearer(&headers)?, None).await?;
    let shown: Vec<Value> = waits.enrolled.iter().map(show).collect();
    Ok(respond::json_no_store(200, &Value::from(shown)))
}

fn show(found: &Authenticator) -> Value {
    let kind = match found.factor {
        Factor::Otp => "otp",
        Factor::Phone => "oob",
        Factor::RecoveryCode => "recovery-code",
    };
    let mut shown = json!({
        "id": found.authenticator_id, "authenticator_type": kind, "type": found.factor.name(), "active": true,
    });
    if let Some(number) = &found.phone_number {
        shown["name"] = json!(covered_number(number));
        // Compat: SDKs know it by one name or the other.
        shown["oob_channel"] = json!("sms");
        shown["oob_channels"] = json!("sms");
    }
    shown
}

/// A factor goes only by a token that was given after it was passed, and there are none of those.
pub(crate) async fn remove(cx: RequestCx, headers: HeaderMap) -> Result<Response, Stop> {
    find(&cx, bearer(&headers)?, None).await?;
    let text = "Insufficient scope, expected remove:authenticators: access tokens of the MFA API are not built in \
                this version. An administrator can remove authenticators.";
    Err(OAuthError::new(403, "insufficient_scope", text).into())
}
