//! The self-signed certificate published beside each signing key, as `x5c` and for download.

use std::time::Duration;

use aws_lc_rs::rsa;
use aws_lc_rs::signature::KeyPair;
use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use rcgen::{CertificateParams, DnType, PKCS_RSA_SHA256, PublicKeyData, SerialNumber, SignatureAlgorithm};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::JoseError;
use crate::signing_key::raw_sign;

/// How long certificates are valid. Nobody replaces a key because its certificate runs out: clients read
/// `n` and `e`, so the date only has to outlive any key.
const VALID_SECONDS: i64 = 13 * 366 * 24 * 3600;

/// The longest common name (RFC 5280 appendix A.1, ub-common-name).
const MAX_COMMON_NAME: usize = 64;

/// Lets the certificate builder sign with the key pair at hand instead of parsing it again.
struct Signer<'a>(&'a rsa::KeyPair);

impl PublicKeyData for Signer<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

impl rcgen::SigningKey for Signer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        raw_sign(self.0, message).map_err(|_| rcgen::Error::RingUnspecified)
    }
}

/// A certificate for the key in DER, valid from `now`, with `common_name` as subject and issuer.
pub(crate) fn self_signed(
    pair: &rsa::KeyPair,
    random: &Random,
    now: Timestamp,
    common_name: &str,
) -> Result<Vec<u8>, JoseError> {
    let mut parameters = CertificateParams::default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    parameters.not_before = epoch + since_epoch(now);
    parameters.not_after = epoch + since_epoch(now.plus_seconds(VALID_SECONDS));
    let common_name: String = common_name.chars().take(MAX_COMMON_NAME).collect();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    let mut serial: [u8; 16] = random.bytes();
    // Positive and without leading zero, whatever was drawn (RFC 5280 section 4.1.2.2).
    serial[0] = serial[0] & 0x7f | 0x40;
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    let certificate =
        parameters.self_signed(&Signer(pair)).map_err(|error| JoseError::Generation(error.to_string()))?;
    Ok(certificate.der().to_vec())
}

/// Whether the DER is a certificate over exactly this RSA public key.
pub(crate) fn certifies(certificate_der: &[u8], pair: &rsa::KeyPair) -> bool {
    X509Certificate::from_der(certificate_der).is_ok_and(|(rest, certificate)| {
        rest.is_empty()
            && certificate.public_key().subject_public_key.data.as_ref() == pair.public_key().as_ref()
    })
}

/// Time since 1970; earlier moments become 1970.
fn since_epoch(moment: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(moment.seconds()).unwrap_or(0))
}
