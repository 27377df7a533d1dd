//! Certificates by which clients would authenticate (RFC 8705), as people hand them over.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright_core::Timestamp;
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use crate::JoseError;
use crate::public_key::LONGEST_PEM;

/// A certificate of a client's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// SHA-256 of the certificate in base64url (RFC 8705 section 3.1, `x5t#S256`).
    pub thumbprint: String,
    /// Its subject: a line `TYPE=value` for each attribute, in the certificate's order. Compat: Auth0's form.
    pub subject: String,
    /// The end of its life.
    pub ends: Timestamp,
}

impl ClientCertificate {
    /// Reads a `CERTIFICATE` in PEM (RFC 7468 section 5). Nobody's signature on it is checked.
    ///
    /// # Errors
    /// `InvalidPublicKey` for anything else.
    pub fn from_pem(pem: &str) -> Result<Self, JoseError> {
        read(pem).ok_or(JoseError::InvalidPublicKey)
    }
}

fn read(text: &str) -> Option<ClientCertificate> {
    if text.len() > LONGEST_PEM {
        return None;
    }
    let (_, pem) = parse_x509_pem(text.as_bytes()).ok()?;
    let (rest, certificate) = X509Certificate::from_der(&pem.contents).ok()?;
    if pem.label != "CERTIFICATE" || !rest.is_empty() {
        return None;
    }
    Some(ClientCertificate {
        thumbprint: URL_SAFE_NO_PAD.encode(digest(&SHA256, &pem.contents)),
        subject: lines(certificate.subject()),
        ends: Timestamp::from_seconds(certificate.validity().not_after.timestamp()),
    })
}

fn lines(name: &X509Name<'_>) -> String {
    let line = |attribute: &AttributeTypeAndValue<'_>| {
        let oid = attribute.attr_type();
        let kind = oid2abbrev(oid, oid_registry()).map_or_else(|_| oid.to_id_string(), str::to_owned);
        format!("{kind}={}", attribute.as_str().unwrap_or_default())
    };
    name.iter_attributes().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing_key::tests::KEYS;

    #[test]
    fn a_certificate_is_known_by_its_thumbprint_subject_and_end() {
        let key = &KEYS[0].1;
        let read = ClientCertificate::from_pem(&key.certificate_pem()).unwrap();
        assert_eq!(read.thumbprint, URL_SAFE_NO_PAD.encode(digest(&SHA256, key.certificate_der())));
        assert!(read.subject.starts_with("CN="), "{}", read.subject);
        let (_, parsed) = X509Certificate::from_der(key.certificate_der()).unwrap();
        assert_eq!(read.ends.seconds(), parsed.validity().not_after.timestamp());
        for other in ["", "CERTIFICATE", &key.certificate_pem().replace("CERTIFICATE", "PUBLIC KEY")] {
            assert_eq!(ClientCertificate::from_pem(other), Err(JoseError::InvalidPublicKey), "{other}");
        }
    }
}
