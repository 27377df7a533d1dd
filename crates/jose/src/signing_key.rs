//! A tenant's RSA signing key.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use jsonwebtoken::DecodingKey;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{JoseError, certificate, jwk, jws};

/// Characters of a `kid`: 126 random bits.
const KID_CHARACTERS: usize = 21;

/// The smallest RSA modulus accepted for RS256, in bytes (RFC 7518 section 3.3: 2048 bits).
const MIN_MODULUS_BYTES: usize = 256;

/// A freshly generated key, to be stored.
pub struct NewSigningKey {
    /// The key's public name, opaque.
    pub kid: String,
    /// The private key in PKCS #8 DER. Secret: seal it with [`crate::MasterKey::seal`] before it is stored.
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// The self-signed certificate over the public key, in DER. Public.
    pub certificate_der: Vec<u8>,
}

impl fmt::Debug for NewSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// A key ready to sign and to verify, parsed once. Share it in an `Arc`.
pub struct SigningKey {
    kid: String,
    pair: rsa::KeyPair,
    verifying: DecodingKey,
    certificate_der: Vec<u8>,
    jwk: Value,
}

impl SigningKey {
    /// Generates an RSA-2048 key and a self-signed certificate for `common_name` (the tenant's host),
    /// valid from `now` for 13 years. Takes a few hundred milliseconds of CPU: call it off the reactor.
    pub fn generate_rsa(
        random: &Random,
        now: Timestamp,
        common_name: &str,
    ) -> Result<NewSigningKey, JoseError> {
        let failed = |_| JoseError::Generation("the cryptographic library failed".to_owned());
        let pair = rsa::KeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
        let mut kid = URL_SAFE_NO_PAD.encode(random.bytes::<16>());
        kid.truncate(KID_CHARACTERS);
        Ok(NewSigningKey {
            kid,
            pkcs8: Zeroizing::new(pkcs8.as_ref().to_vec()),
            certificate_der: certificate::self_signed(&pair, random, now, common_name)?,
        })
    }

    /// Parses a stored key. `InvalidSigningKey` if `pkcs8` is not an RSA private key of 2048 bits or more,
    /// `InvalidCertificate` if the certificate is not over its public key.
    pub fn load(kid: &str, pkcs8: &[u8], certificate_der: &[u8]) -> Result<Self, JoseError> {
        let pair = rsa::KeyPair::from_pkcs8(pkcs8).map_err(|_| JoseError::InvalidSigningKey)?;
        if pair.public_modulus_len() < MIN_MODULUS_BYTES {
            return Err(JoseError::InvalidSigningKey);
        }
        if !certificate::certifies(certificate_der, &pair) {
            return Err(JoseError::InvalidCertificate);
        }
        let verifying = DecodingKey::from_rsa_der(pair.public_key().as_ref());
        let jwk = jwk::rsa_jwk(kid, &verifying, certificate_der)?;
        Ok(Self { kid: kid.to_owned(), pair, verifying, certificate_der: certificate_der.to_vec(), jwk })
    }

    /// The key's public name, the `kid` of every token it signs.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key as published in `/.well-known/jwks.json`: `kty`, `use`, `alg`, `kid`, `n`, `e`,
    /// `x5t` and `x5c`.
    pub fn jwk(&self) -> Value {
        self.jwk.clone()
    }

    /// The certificate in DER, as `/cer` serves it.
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate_der
    }

    /// The certificate in PEM (RFC 7468), as `/pem` serves it; lines end with `\n`.
    pub fn certificate_pem(&self) -> String {
        let base64 = STANDARD.encode(&self.certificate_der);
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        for line in base64.as_bytes().chunks(64) {
            pem.extend(line.iter().copied().map(char::from));
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }

    /// Signs claims with RS256 as a compact token whose header is `alg`, `typ` (such as `JWT` or `at+jwt`)
    /// and `kid`. Takes about a quarter of a millisecond of CPU: in request handlers use
    /// [`crate::SignPool`].
    pub fn sign(&self, typ: &str, claims: &Value) -> Result<String, JoseError> {
        let input = jws::signing_input(&json!({ "alg": "RS256", "typ": typ, "kid": self.kid }), claims);
        let signature = self.sign_bytes(input.as_bytes())?;
        Ok(jws::with_signature(input, &signature))
    }

    /// The bare RSASSA-PKCS1-v1_5 SHA-256 signature of a message, the floor below which no token can be
    /// signed: for measurements, and for signatures that are not tokens.
    pub fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, JoseError> {
        raw_sign(&self.pair, message)
    }

    pub(crate) fn verifying(&self) -> &DecodingKey {
        &self.verifying
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2).
pub(crate) fn raw_sign(pair: &rsa::KeyPair, message: &[u8]) -> Result<Vec<u8>, JoseError> {
    let mut signature = vec![0; pair.public_modulus_len()];
    // This padding draws nothing; the argument is there for the sake of PSS.
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::default(), message, &mut signature)
        .map_err(|_| JoseError::Signing)?;
    Ok(signature)
}

#[cfg(test)]
pub(crate) mod tests;
