//! ID tokens that come back as a hint of who is meant (`id_token_hint`).

use gatewright_core::OAuthError;
use gatewright_http::RequestCx;
use gatewright_jose::{Expect, parse_unverified, verify, verify_hs256};
use serde_json::Value;

/// How long ago a hint may have expired: for ever, in practice (RP-Initiated Logout section 2).
const LEEWAY_SECONDS: i64 = 10 * 365 * 86_400;

/// The claims of an ID token of this tenant, however old, under whichever key it was signed.
///
/// # Errors
/// `invalid_request`: it is none, or the client that its signature rests on has another secret by now.
pub(crate) fn claims(cx: &RequestCx, hint: &str) -> Result<Value, OAuthError> {
    let expect =
        Expect { issuer: cx.issuer.as_str(), audience: None, now: cx.now, leeway_seconds: LEEWAY_SECONDS };
    // What the token says of itself chooses the key, no more: HS256 is taken from the clients it is used for.
    let secret =
        parse_unverified(hint).filter(|(header, _)| header["alg"] == "HS256").and_then(|(_, claims)| {
            let client = cx.tenant.client(claims["aud"].as_str()?)?;
            client.signs_with_secret().then(|| client.client_secret.reveal().clone())
        });
    let verified = match secret {
        Some(secret) => verify_hs256(hint, secret.as_bytes(), &expect),
        None => verify(hint, cx.tenant.signing_keys(), &expect),
    };
    verified.map_err(|error| {
        tracing::debug!(%error, "An id_token_hint was not taken.");
        OAuthError::invalid_request("The id_token_hint is not an ID token of this server.")
            .because("id_token_hint_invalid")
    })
}
