//! The documented HTTP gateway: a JSON POST to a URL of the tenant's, with a bearer token if wanted.

use std::time::Duration;

use gatewright_core::Timestamp;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use serde_json::{Map, Value, json};

use super::failures::no_answer;
use super::route::{BearerAuthentication, GatewayRoute};
use super::{DeliveryError, DeliveryErrorKind, Receipt, Sms};
use crate::guarded::{GuardedClient, OutboundRequest};

const PROVIDER: &str = "the SMS gateway";

/// Life of the bearer token in seconds: enough for the request and for clocks that differ a little.
const TOKEN_LIFETIME_SECONDS: i64 = 300;

/// The answer's body does not count, so little of it is read.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;

pub(super) async fn send(
    client: &GuardedClient,
    route: &GatewayRoute,
    sms: &Sms,
    now: Timestamp,
    timeout: Duration,
) -> Result<Receipt, DeliveryError> {
    let mut request = OutboundRequest::new(Method::POST, route.url.as_str());
    request.timeout = timeout;
    request.max_response_bytes = MAX_RESPONSE_BYTES;
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request.headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
    if let Some(authentication) = &route.authentication {
        request.headers.insert(AUTHORIZATION, bearer(authentication, now));
    }
    request.body = body(route, sms).to_string().into_bytes();

    let response = client.send(request).await.map_err(|error| no_answer(PROVIDER, &error))?;
    match response.status {
        200..=299 => Ok(Receipt { route: "sms_gateway", provider_message_id: None }),
        status => Err(refused(status)),
    }
}

/// Compat: `recipient`, `body`, `sender`, and `req` only with `forward_req_info`.
fn body(route: &GatewayRoute, sms: &Sms) -> Value {
    let mut body = json!({
        "recipient": sms.to,
        "body": sms.body,
        "sender": sms.from.as_ref().or(route.from.as_ref()),
    });
    if let (true, Some(caller)) = (route.forward_req_info, &sms.request) {
        body["req"] = json!({ "ip": caller.ip, "user-agent": caller.user_agent });
    }
    body
}

fn bearer(authentication: &BearerAuthentication, now: Timestamp) -> HeaderValue {
    let issued_at = now.seconds();
    let mut claims = Map::new();
    if let Some(subject) = &authentication.subject {
        claims.insert("sub".into(), json!(subject));
    }
    if let Some(audience) = &authentication.audience {
        claims.insert("aud".into(), json!(audience));
    }
    claims.insert("iat".into(), json!(issued_at));
    claims.insert("exp".into(), json!(issued_at + TOKEN_LIFETIME_SECONDS));
    let token = gatewright_jose::sign_hs256(authentication.secret.reveal(), "JWT", &Value::Object(claims));
    let mut header = HeaderValue::try_from(format!("Bearer {token}"))
        .expect("a compact JWS holds only letters, digits, '-', '_' and '.' (RFC 7515 section 7.1)");
    header.set_sensitive(true);
    header
}

/// Compat: only the status counts, and these texts. The body stays unread: it may repeat the code.
fn refused(status: u16) -> DeliveryError {
    let public = match status {
        401 => format!("Authentication failed while calling {PROVIDER}: 401"),
        _ => format!("Unexpected response while calling {PROVIDER}: {status}"),
    };
    let kind = match status {
        408 | 425 | 429 | 500.. => DeliveryErrorKind::Temporary,
        // A redirect is not followed, so the URL is not the gateway's.
        300..=399 | 401 | 403 | 404 | 405 => DeliveryErrorKind::Misconfigured,
        _ => DeliveryErrorKind::Permanent,
    };
    DeliveryError { kind, public, detail: format!("{PROVIDER} answered with status {status}") }
}
