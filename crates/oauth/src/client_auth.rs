//! Client authentication at the token endpoint, RFC 6749 section 2.3.
//!
//! Built: `none`, `client_secret_post`, `client_secret_basic`. One answer for every failure, so that
//! nothing is learned about which clients exist.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_http::{Params, RequestCx};
use gatewright_jose::constant_time_eq;
use percent_encoding::percent_decode_str;

/// Credentials as sent.
struct Presented {
    client_id: String,
    secret: Option<String>,
}

/// The client that makes this request, proven by its secret unless it is public.
pub(crate) fn authenticate(
    cx: &RequestCx,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Arc<Client>, OAuthError> {
    if params.has("client_assertion") {
        let text =
            "Client authentication by client_assertion (private_key_jwt) is not built in this version.";
        return Err(OAuthError::new(401, "invalid_client", text).because("client_assertion_not_built"));
    }
    let presented = presented(headers, params)?;
    let failed = |reason: &'static str| OAuthError::client_authentication_failed().because(reason);
    let client = cx.tenant.client(&presented.client_id).ok_or_else(|| failed("client_unknown"))?;
    if client.is_public() {
        // A public client that sends a secret anyway is let in: its SDK may not know better.
        return Ok(Arc::clone(client));
    }
    let secret = presented.secret.ok_or_else(|| failed("client_secret_missing"))?;
    let expected = client.client_secret.reveal();
    if expected.is_empty() || !constant_time_eq(secret.as_bytes(), expected.as_bytes()) {
        return Err(failed("client_secret_wrong"));
    }
    Ok(Arc::clone(client))
}

/// Basic first, then the body. Compat: golang.org/x/oauth2 tries Basic and then repeats in the body, so
/// both work for every confidential client whatever method it is registered with.
fn presented(headers: &HeaderMap, params: &Params) -> Result<Presented, OAuthError> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let basic = value.to_str().ok().and_then(basic_credentials);
        return basic.ok_or_else(|| {
            OAuthError::client_authentication_failed().because("authorization_header_malformed")
        });
    }
    let client_id = params.text("client_id").ok_or_else(|| OAuthError::missing_parameter("client_id"))?;
    Ok(Presented { client_id: client_id.to_owned(), secret: params.text("client_secret").map(str::to_owned) })
}

/// RFC 6749 section 2.3.1: both parts are form-encoded before they are joined.
fn basic_credentials(header: &str) -> Option<Presented> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (client_id, secret) = decoded.split_once(':')?;
    let plain = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8().ok().map(|text| text.into_owned())
    };
    Some(Presented { client_id: plain(client_id)?, secret: Some(plain(secret)?) })
}

#[cfg(test)]
mod tests {
    use super::basic_credentials;

    #[test]
    fn basic_credentials_are_form_decoded() {
        // "a%2Bb:s%3As" in base64
        let presented = basic_credentials("Basic YSUyQmI6cyUzQXM=").unwrap();
        assert_eq!((presented.client_id.as_str(), presented.secret.as_deref()), ("a+b", Some("s:s")));
        assert!(basic_credentials("Bearer x").is_none());
        assert!(basic_credentials("Basic !!").is_none());
    }
}
