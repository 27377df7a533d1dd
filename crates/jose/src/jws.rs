//! JWS in compact form (RFC 7515 section 3.1): assembly, and reading without verification.
//!
//! The library used for verification parses and checks the private key on every signature, which costs
//! more than half of the throughput; assembling the three parts is short enough to do here.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The first two parts of a token, over which the signature is made (RFC 7515 section 5.1).
pub(crate) fn signing_input(header: &Value, claims: &Value) -> String {
    let mut input = URL_SAFE_NO_PAD.encode(header.to_string());
    input.push('.');
    URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut input);
    input
}

/// Appends the signature as third part.
pub(crate) fn with_signature(mut input: String, signature: &[u8]) -> String {
    input.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut input);
    input
}

/// Signs claims with HS256 for a client registered for it; the secret is the UTF-8 bytes of its
/// `client_secret`. The header carries no `kid`, since the client knows its only key.
pub fn sign_hs256(secret: &[u8], typ: &str, claims: &Value) -> String {
    let input = signing_input(&json!({ "alg": "HS256", "typ": typ }), claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    with_signature(input, tag.as_ref())
}

/// Reads header and claims of a compact token **without checking the signature**: for tools that show a
/// token, and for finding out which key or tenant to ask. `None` if it is not a JWT. Never decide
/// anything by the result.
pub fn parse_unverified(token: &str) -> Option<(Value, Value)> {
    let (header, claims, _signature) = split(token)?;
    let header: Value = object(header)?;
    let claims: Value = object(claims)?;
    Some((header, claims))
}

/// The three parts of a compact token; `None` for any other number of parts.
pub(crate) fn split(token: &str) -> Option<(&str, &str, &str)> {
    let mut parts = token.split('.');
    let three = (parts.next()?, parts.next()?, parts.next()?);
    parts.next().is_none().then_some(three)
}

/// A base64url part holding a JSON object. Padding and stray trailing bits are refused, so that one
/// token has one spelling.
pub(crate) fn object(part: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hs256_is_what_the_verifying_library_accepts() {
        use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
        let claims = json!({ "sub": "sms|1", "exp": 4_102_444_800_i64 });
        let token = sign_hs256(b"client-secret", "JWT", &claims);
        let validation = Validation::new(Algorithm::HS256);
        let read = decode::<Value>(&token, &DecodingKey::from_secret(b"client-secret"), &validation).unwrap();
        assert_eq!(read.claims, claims);
        assert_eq!(parse_unverified(&token).unwrap().0, json!({ "alg": "HS256", "typ": "JWT" }));
        assert!(decode::<Value>(&token, &DecodingKey::from_secret(b"another"), &validation).is_err());
    }

    #[test]
    fn parse_unverified_refuses_what_is_no_jwt() {
        let token = sign_hs256(b"k", "JWT", &json!({ "a": 1 }));
        assert_eq!(parse_unverified(&token).unwrap().1, json!({ "a": 1 }));
        let two_parts = token.rsplit_once('.').unwrap().0;
        for text in ["", ".", "..", "a.b.c", "opaque", two_parts, &format!("{token}.x"), "W10.W10.x"] {
            assert!(parse_unverified(text).is_none(), "{text}");
        }
    }
}
