//! Client assertions (RFC 7523): parsing, and the signature of a client's own key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright_core::Timestamp;
use gatewright_core::client::AssertionKey;
use gatewright_core::client_assertion::{Assertion, Refusal};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use crate::{MAX_TOKEN_BYTES, jws};

/// The part of a header that decides. A member that appears twice is an error, here and below.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: Number,
    nbf: Option<Number>,
    iat: Option<Number>,
    jti: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Reads header and claims of an assertion. The signature is not looked at: see [`verify_assertion`].
///
/// Refused are texts longer than [`MAX_TOKEN_BYTES`], other serializations than the compact one, headers
/// with `crit` (RFC 7515 section 4.1.11), and claims that are missing, of the wrong type or there twice.
pub fn parse_assertion(bytes: &[u8]) -> Result<Assertion, Refusal> {
    if bytes.len() > MAX_TOKEN_BYTES {
        return Err(Refusal::Malformed);
    }
    let token = std::str::from_utf8(bytes).map_err(|_| Refusal::Malformed)?;
    let (header, claims, _) = jws::split(token).ok_or(Refusal::Malformed)?;
    let header: Header = part(header)?;
    if header.crit.is_some() {
        return Err(Refusal::Malformed);
    }
    let claims: Claims = part(claims)?;
    let moment = |number: Option<&Number>| number.map(timestamp);
    Ok(Assertion {
        alg: header.alg,
        kid: header.kid,
        issuer: claims.iss,
        subject: claims.sub,
        audience: match claims.aud {
            Audience::One(audience) => vec![audience],
            Audience::Several(audiences) => audiences,
        },
        expires_at: timestamp(&claims.exp),
        not_before: moment(claims.nbf.as_ref()),
        issued_at: moment(claims.iat.as_ref()),
        id: claims.jti,
    })
}

fn part<T: DeserializeOwned>(part: &str) -> Result<T, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::Malformed)
}

/// A NumericDate (RFC 7519 section 2). Saturates.
fn timestamp(number: &Number) -> Timestamp {
    match number.as_i64() {
        Some(seconds) => Timestamp::from_seconds(seconds),
        None => Timestamp::from_micros((number.as_f64().unwrap_or(f64::MAX) * 1e6) as i64),
    }
}

/// Whether one of these keys, each under its own algorithm, made the signature of the assertion.
///
/// Keys that the header offers (`jwk`, `jku`, `x5u`, `x5c`) are never looked at.
pub fn verify_assertion(assertion: &str, keys: &[&AssertionKey]) -> Result<(), Refusal> {
    let (_, _, signature) = jws::split(assertion).ok_or(Refusal::Malformed)?;
    let message = &assertion.as_bytes()[..assertion.len() - signature.len() - 1];
    let signed_by = |key: &&AssertionKey| {
        let (Some(algorithm), Some(verifying)) = (algorithm(&key.alg), verifying(&key.jwk)) else {
            return false;
        };
        matches!(jsonwebtoken::crypto::verify(signature, message, &verifying, algorithm), Ok(true))
    };
    if keys.iter().any(signed_by) { Ok(()) } else { Err(Refusal::BadSignature) }
}

fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "PS256" => Algorithm::PS256,
        _ => return None,
    })
}

fn verifying(jwk: &Value) -> Option<DecodingKey> {
    DecodingKey::from_rsa_components(jwk["n"].as_str()?, jwk["e"].as_str()?).ok()
}

#[cfg(test)]
#[path = "client_assertion_tests.rs"]
mod tests;
