//! Public keys of others, as people hand them over: PEM files.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright_core::Timestamp;
use serde_json::{Value, json};
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::{PublicKey as Parsed, RSAPublicKey};
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::{JoseError, jwk_thumbprint};

/// The longest PEM text that is read, in bytes: a certificate with a long chain of names is a quarter.
pub(crate) const LONGEST_PEM: usize = 16 * 1024;

/// RSA keys from 2048 bits (RFC 7518 section 3.3) to 8192, above which a check costs too much.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// An RSA public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// `kty`, `n` and `e` (RFC 7518 section 6.3.1).
    pub jwk: Value,
    /// Its SHA-256 thumbprint (RFC 7638).
    pub thumbprint: String,
    /// The end of the certificate's life, if it came in one.
    pub certificate_ends: Option<Timestamp>,
}

impl PublicKey {
    /// Reads `PUBLIC KEY` (RFC 7468 section 13), `RSA PUBLIC KEY` (RFC 8017 appendix A.1.1) or
    /// `CERTIFICATE`. A certificate is a way to hand over a key: nobody's signature on it is checked.
    ///
    /// # Errors
    /// `InvalidPublicKey` for anything else, other kinds of keys, and RSA keys of unfit size.
    pub fn from_pem(pem: &str) -> Result<Self, JoseError> {
        read(pem).ok_or(JoseError::InvalidPublicKey)
    }
}

fn read(text: &str) -> Option<PublicKey> {
    if text.len() > LONGEST_PEM {
        return None;
    }
    let (_, pem) = parse_x509_pem(text.as_bytes()).ok()?;
    match pem.label.as_str() {
        "PUBLIC KEY" => {
            let (rest, info) = SubjectPublicKeyInfo::from_der(&pem.contents).ok()?;
            rest.is_empty().then(|| of_info(&info, None))?
        }
        "RSA PUBLIC KEY" => {
            let (rest, rsa) = RSAPublicKey::from_der(&pem.contents).ok()?;
            rest.is_empty().then(|| of_rsa(&rsa, None))?
        }
        "CERTIFICATE" => {
            let (_, certificate) = X509Certificate::from_der(&pem.contents).ok()?;
            let ends = Timestamp::from_seconds(certificate.validity().not_after.timestamp());
            of_info(certificate.public_key(), Some(ends))
        }
        _ => None,
    }
}

fn of_info(info: &SubjectPublicKeyInfo<'_>, ends: Option<Timestamp>) -> Option<PublicKey> {
    match info.parsed().ok()? {
        Parsed::RSA(rsa) => of_rsa(&rsa, ends),
        _ => None,
    }
}

fn of_rsa(rsa: &RSAPublicKey<'_>, certificate_ends: Option<Timestamp>) -> Option<PublicKey> {
    let (modulus, exponent) = (positive(rsa.modulus), positive(rsa.exponent));
    // An even or huge exponent makes no RSA signature.
    let sound = exponent.len() <= 4 && exponent.last().is_some_and(|last| last % 2 == 1) && exponent != [1];
    if !MODULUS_BYTES.contains(&modulus.len()) || !sound {
        return None;
    }
    let jwk = json!({
        "kty": "RSA", "n": URL_SAFE_NO_PAD.encode(modulus), "e": URL_SAFE_NO_PAD.encode(exponent),
    });
    let thumbprint = jwk_thumbprint(&jwk)?;
    Some(PublicKey { jwk, thumbprint, certificate_ends })
}

/// The bytes of a DER integer without the zeros that make it positive (RFC 7518 section 2,
/// Base64urlUInt).
fn positive(integer: &[u8]) -> &[u8] {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    &integer[zeros..]
}

#[cfg(test)]
#[path = "public_key_tests.rs"]
mod tests;
