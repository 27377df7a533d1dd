//! Verification of tokens this server issued.

use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright_core::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use crate::{SigningKey, VerifyError, jws};

/// Longer tokens are refused unread: a request's worth of work is spent only on plausible ones.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// What a token has to say to be accepted.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    /// `iss`, compared exactly, trailing slash included.
    pub issuer: &'a str,
    /// A member `aud` has to have, be it a string or an array; `None` accepts any or no audience.
    pub audience: Option<&'a str>,
    /// The present moment; the system's clock is not read.
    pub now: Timestamp,
    /// Seconds by which `exp`, `nbf` and `iat` may be off. 0 for tokens this very server checks.
    pub leeway_seconds: i64,
}

/// The part of a header that decides. A field that appears twice is an error.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// Verifies a compact token signed with RS256 by one of `keys` and returns its claims.
///
/// Refused before any cryptography: tokens longer than [`MAX_TOKEN_BYTES`], other serializations than the
/// compact one, other algorithms (RFC 8725 section 3.1), headers with `crit` (none of whose extensions is
/// understood here, RFC 7515 section 4.1.11), and a `kid` that names none of the keys. Keys inside
/// the header (`jwk`, `jku`, `x5u`, `x5c`) are never looked at. `iss` and `exp` are required; `nbf` and
/// `iat` are checked when present.
pub fn verify(token: &str, keys: &[Arc<SigningKey>], expect: &Expect<'_>) -> Result<Value, VerifyError> {
    let (header, _, _) = checked_parts(token)?;
    let header = header_with(header, "RS256")?;
    let kid = header.kid.ok_or(VerifyError::UnknownKey)?;
    let key = keys.iter().find(|key| key.kid() == kid).ok_or(VerifyError::UnknownKey)?;
    let claims = signed_claims(token, key.verifying())?;
    check_claims(&claims, expect)?;
    Ok(claims)
}

/// Verifies a compact token signed with HS256 under a client's secret, as [`crate::sign_hs256`] does, and
/// returns its claims. The same is refused as by [`verify`], but a `kid` says nothing here. An empty secret
/// verifies nothing.
pub fn verify_hs256(token: &str, secret: &[u8], expect: &Expect<'_>) -> Result<Value, VerifyError> {
    let (header, payload, signature) = checked_parts(token)?;
    header_with(header, "HS256")?;
    let message = &token.as_bytes()[..token.len() - signature.len() - 1];
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| VerifyError::Malformed)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    // Compared in constant time by the library.
    if secret.is_empty() || hmac::verify(&key, message, &signature).is_err() {
        return Err(VerifyError::BadSignature);
    }
    let claims = jws::object(payload).ok_or(VerifyError::Malformed)?;
    check_claims(&claims, expect)?;
    Ok(claims)
}

fn checked_parts(token: &str) -> Result<(&str, &str, &str), VerifyError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(VerifyError::Malformed);
    }
    jws::split(token).ok_or(VerifyError::Malformed)
}

fn header_with(part: &str, alg: &str) -> Result<Header, VerifyError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| VerifyError::Malformed)?;
    let header: Header = serde_json::from_slice(&bytes).map_err(|_| VerifyError::Malformed)?;
    if header.alg != alg {
        return Err(VerifyError::WrongAlgorithm);
    }
    if header.crit.is_some() {
        return Err(VerifyError::Malformed);
    }
    Ok(header)
}

/// The claims, once the RS256 signature over them has been found right.
fn signed_claims(token: &str, key: &DecodingKey) -> Result<Value, VerifyError> {
    let (_, payload, signature) = checked_parts(token)?;
    let message = &token.as_bytes()[..token.len() - signature.len() - 1];
    match jsonwebtoken::crypto::verify(signature, message, key, Algorithm::RS256) {
        Ok(true) => jws::object(payload).ok_or(VerifyError::Malformed),
        Ok(false) | Err(_) => Err(VerifyError::BadSignature),
    }
}

fn check_claims(claims: &Value, expect: &Expect<'_>) -> Result<(), VerifyError> {
    if claims["iss"].as_str() != Some(expect.issuer) {
        return Err(VerifyError::WrongIssuer);
    }
    if let Some(audience) = expect.audience {
        let matches = match &claims["aud"] {
            Value::String(single) => single == audience,
            Value::Array(several) => several.iter().any(|member| member.as_str() == Some(audience)),
            _ => false,
        };
        if !matches {
            return Err(VerifyError::WrongAudience);
        }
    }
    let latest = expect.now.plus_seconds(expect.leeway_seconds);
    for name in ["nbf", "iat"] {
        if numeric_date(claims, name)?.is_some_and(|start| start > latest) {
            return Err(VerifyError::NotYetValid);
        }
    }
    let end = numeric_date(claims, "exp")?.ok_or(VerifyError::Malformed)?;
    // "On or after" the moment of exp the token must not be accepted (RFC 7519 section 4.1.4).
    if expect.now >= end.plus_seconds(expect.leeway_seconds) {
        return Err(VerifyError::Expired);
    }
    Ok(())
}

/// A NumericDate (RFC 7519 section 2): seconds, possibly with a fraction. `Malformed` if it is anything
/// else; an absent claim is `None`.
fn numeric_date(claims: &Value, name: &str) -> Result<Option<Timestamp>, VerifyError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(Some(match number.as_i64() {
            Some(seconds) => Timestamp::from_seconds(seconds),
            // The conversion saturates, so huge values mean "for ever" and not "wrapped around".
            None => Timestamp::from_micros((number.as_f64().unwrap_or(f64::MAX) * 1e6) as i64),
        })),
        Some(_) => Err(VerifyError::Malformed),
    }
}

#[cfg(test)]
mod tests;
