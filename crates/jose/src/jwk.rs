//! Public keys as JSON Web Keys (RFC 7517) and their thumbprints (RFC 7638).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};

use crate::JoseError;

/// The entry of `/.well-known/jwks.json` for an RSA signing key.
pub(crate) fn rsa_jwk(kid: &str, key: &DecodingKey, certificate_der: &[u8]) -> Result<Value, JoseError> {
    let public =
        Jwk::from_decoding_key(key, Some(Algorithm::RS256)).map_err(|_| JoseError::InvalidSigningKey)?;
    let AlgorithmParameters::RSA(rsa) = public.algorithm else { return Err(JoseError::InvalidSigningKey) };
    // x5t is a SHA-1 thumbprint by definition (RFC 7517 section 4.8): a name for the certificate, on
    // whose collision resistance nothing here rests.
    let thumbprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate_der);
    Ok(json!({
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": kid,
        "n": rsa.n,
        "e": rsa.e,
        "x5t": URL_SAFE_NO_PAD.encode(thumbprint),
        // Standard base64 here, unlike everywhere else in JOSE (RFC 7517 section 4.7).
        "x5c": [STANDARD.encode(certificate_der)],
    }))
}

/// The SHA-256 thumbprint of a public key in base64url (RFC 7638), `jkt` in DPoP. `None` if the value is
/// not an RSA, EC (P-256, P-384, P-521) or Ed25519 key.
pub fn jwk_thumbprint(jwk: &Value) -> Option<String> {
    let jwk: Jwk = serde_json::from_value(jwk.clone()).ok()?;
    // A symmetric key would hash too, but a hash of a secret is not a public name.
    if matches!(jwk.algorithm, AlgorithmParameters::OctetKey(_)) {
        return None;
    }
    jwk.thumbprint(ThumbprintHash::SHA256).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprint_example_of_rfc_7638_section_3_1() {
        let jwk = json!({
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
            "e": "AQAB",
            "alg": "RS256",
            "kid": "2011-04-29",
        });
        assert_eq!(jwk_thumbprint(&jwk).as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    }

    #[test]
    fn no_thumbprint_of_secrets_or_nonsense() {
        assert_eq!(jwk_thumbprint(&json!({ "kty": "oct", "k": "c2VjcmV0" })), None);
        assert_eq!(jwk_thumbprint(&json!({ "kty": "RSA" })), None);
        assert_eq!(jwk_thumbprint(&json!([])), None);
    }
}
