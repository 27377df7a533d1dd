//! Client authentication, RFC 6749 section 2.3, the same at every endpoint that asks for it.
//!
//! A client uses the one method it is registered with: `none`, a secret (`client_secret_post` or
//! `client_secret_basic`), or an assertion signed by its private key (`private_key_jwt`). One answer for
//! every failure, so that nothing is learned about which clients exist; why is in the log.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatewright_core::OAuthError;
use gatewright_core::client::{Authentication, Client};
use gatewright_core::client_assertion::{self, ASSERTION_TYPE, Place, Refusal};
use gatewright_http::{Params, RequestCx};
use gatewright_jose::{constant_time_eq, parse_assertion, token_hash, verify_assertion};
use gatewright_resources::client_assertions;
use percent_encoding::percent_decode_str;
use serde_json::json;

use crate::stop::Stop;
use crate::{events, grants};

/// The parameters that authenticate a client, all text.
pub(crate) const PARAMS: [&str; 4] =
    ["client_id", "client_secret", "client_assertion", "client_assertion_type"];

/// Credentials as sent.
struct Presented {
    client_id: String,
    secret: Option<String>,
}

/// The client that makes this request, proven by its secret or its private key unless it is public.
///
/// An assertion is spent by this call, whatever becomes of the request: it is good once (RFC 7523 section
/// 3), and its client makes another with no more trouble than this one.
pub(crate) async fn authenticate(
    cx: &RequestCx,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Arc<Client>, Stop> {
    params.all_text(&PARAMS)?;
    if params.has("client_assertion") || params.has("client_assertion_type") {
        return by_assertion(cx, headers, params).await;
    }
    Ok(by_secret(cx, headers, params)?)
}

fn by_secret(cx: &RequestCx, headers: &HeaderMap, params: &Params) -> Result<Arc<Client>, OAuthError> {
    let presented = presented(headers, params)?;
    let failed = |reason: &'static str| OAuthError::client_authentication_failed().because(reason);
    let client = cx.tenant.client(&presented.client_id).ok_or_else(|| failed("client_unknown"))?;
    match client.authentication() {
        // A public client that sends a secret anyway is let in: its SDK may not know better.
        Authentication::None => return Ok(Arc::clone(client)),
        Authentication::Secret => {}
        Authentication::PrivateKeyJwt => return Err(failed("client_assertion_missing")),
        Authentication::Certificate => return Err(failed("client_certificates_not_built")),
    }
    let secret = presented.secret.ok_or_else(|| failed("client_secret_missing"))?;
    let expected = client.client_secret.reveal();
    if expected.is_empty() || !constant_time_eq(secret.as_bytes(), expected.as_bytes()) {
        return Err(failed("client_secret_wrong"));
    }
    Ok(Arc::clone(client))
}

async fn by_assertion(cx: &RequestCx, headers: &HeaderMap, params: &Params) -> Result<Arc<Client>, Stop> {
    if params.text("client_assertion_type") != Some(ASSERTION_TYPE) {
        let text = format!("client_assertion_type must be {ASSERTION_TYPE}.");
        return Err(OAuthError::invalid_request(text).into());
    }
    let text =
        params.text("client_assertion").ok_or_else(|| OAuthError::missing_parameter("client_assertion"))?;
    // RFC 6749 section 2.3: not more than one method in a request.
    if params.text("client_secret").is_some() || headers.contains_key(header::AUTHORIZATION) {
        let text = "A request authenticates its client in one way: with client_assertion or with a secret.";
        return Err(OAuthError::invalid_request(text).into());
    }
    match prove(cx, params, text).await? {
        Ok(client) => Ok(client),
        Err((client, refusal)) => {
            log_refusal(cx, params, client.as_deref(), refusal).await?;
            let error = OAuthError::new(401, "invalid_client", "The client assertion is not valid.");
            Err(error.because(refusal.code()).into())
        }
    }
}

/// A refusal, and the client that the assertion names, if there is one.
type Refused = (Option<Arc<Client>>, Refusal);

async fn prove(cx: &RequestCx, params: &Params, text: &str) -> Result<Result<Arc<Client>, Refused>, Stop> {
    let assertion = match parse_assertion(text.as_bytes()) {
        Ok(assertion) => assertion,
        Err(refusal) => return Ok(Err((None, refusal))),
    };
    let Some(client) = cx.tenant.client(&assertion.subject) else {
        return Ok(Err((None, Refusal::UnknownClient)));
    };
    let signed = || {
        if client.authentication() != Authentication::PrivateKeyJwt {
            return Err(Refusal::WrongMethod);
        }
        let audiences = audiences(cx);
        let place = Place { client_id: params.text("client_id"), audiences: &audiences, now: cx.now };
        client_assertion::judge(&assertion, &place)?;
        let keys = client_assertion::candidates(&assertion, &client.assertion_keys, cx.now)?;
        verify_assertion(text, &keys)
    };
    if let Err(refusal) = signed() {
        return Ok(Err((Some(Arc::clone(client)), refusal)));
    }
    let until = client_assertion::remembered_until(&assertion);
    let (within, client_id, jti_hash) = (cx.clone(), client.client_id.clone(), token_hash(&assertion.id));
    let spend = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let (tenant, now) = (&within.tenant.id, within.now);
            client_assertions::spend(tx, tenant, &client_id, &jti_hash, until, now).await
        })
    });
    Ok(if spend.await? { Ok(Arc::clone(client)) } else { Err((Some(Arc::clone(client)), Refusal::Reused)) })
}

/// What an assertion may call this server: its issuer, its token endpoint, or where requests are pushed
/// (RFC 7523 section 3, item 3; RFC 9126 section 2).
fn audiences(cx: &RequestCx) -> [String; 3] {
    [cx.issuer.as_str().to_owned(), cx.issuer.join("oauth/token"), cx.issuer.join("oauth/par")]
}

/// Tells the tenant's owner why. What nobody signed is not worth a row unless it names a client.
async fn log_refusal(
    cx: &RequestCx,
    params: &Params,
    client: Option<&Client>,
    refusal: Refusal,
) -> Result<(), Stop> {
    let Some(client) = client else { return Ok(()) };
    let grant = params.text("grant_type").and_then(|name| grants::named(name).ok());
    let code = grant.map_or("f", |grant| grant.events.1);
    let mut event = events::event(cx, code, Some(client));
    event.description = Some("The client assertion is not valid.".to_owned());
    event.details = json!({"decision": {"reason": refusal.code(), "says": refusal.to_string()}});
    events::write(cx, event).await
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
