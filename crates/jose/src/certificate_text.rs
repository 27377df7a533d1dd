//! A certificate in the forms that people and old tools read: PEM, PKCS #7, fingerprint.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// PEM (RFC 7468) with CRLF line ends, the way the Management API shows it.
pub fn certificate_pem(certificate_der: &[u8]) -> String {
    pem("CERTIFICATE", certificate_der)
}

/// The certificate alone in a PKCS #7 message without signers (RFC 2315 section 9), as PEM with CRLF line ends.
pub fn certificate_pkcs7(certificate_der: &[u8]) -> String {
    // 1.2.840.113549.1.7.2 and .1: signed data, and data.
    const SIGNED_DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    const DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
    const VERSION_1: &[u8] = &[0x02, 0x01, 0x01];
    const EMPTY_SET: &[u8] = &[0x31, 0x00];
    let content = der(0x30, &[DATA]);
    let certificates = der(0xa0, &[certificate_der]);
    let signed = der(0x30, &[VERSION_1, EMPTY_SET, &content, &certificates, EMPTY_SET]);
    pem("PKCS7", &der(0x30, &[SIGNED_DATA, &der(0xa0, &[&signed])]))
}

/// The SHA-1 of the certificate in capital hexadecimal digits. Nothing rests on its collision resistance: it is a
/// name for people to compare.
pub fn certificate_thumbprint(certificate_der: &[u8]) -> String {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate_der);
    hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}

fn pem(label: &str, bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN {label}-----\r\n{}\r\n-----END {label}-----\r\n", lines.join("\r\n"))
}

/// One DER element: tag, length (X.690 section 8.1.3), parts.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
            // At most eight bytes of length: the count fits.
            #[expect(clippy::cast_possible_truncation, reason = "a length has at most 8 bytes")]
            out.push(0x80 | bytes.len() as u8);
            out.extend(bytes);
        }
    }
    out.extend(parts.concat());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_or_long() {
        assert_eq!(der(0x30, &[&[1, 2]]), [0x30, 2, 1, 2]);
        assert_eq!(der(0x30, &[&[0; 127]])[..2], [0x30, 127]);
        assert_eq!(der(0x30, &[&[0; 128]])[..3], [0x30, 0x81, 128]);
        assert_eq!(der(0x30, &[&[0; 300], &[0; 2]])[..4], [0x30, 0x82, 1, 46]);
    }

    /// Read back by hand: the whole is as long as it says, and ends in the certificate and an empty set.
    #[test]
    fn the_message_holds_the_certificate() {
        let certificate: Vec<u8> = (0..=255).cycle().take(700).collect();
        let text = certificate_pkcs7(&certificate);
        let inner: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
        let bytes = STANDARD.decode(inner).unwrap();
        assert_eq!(bytes[..2], [0x30, 0x82]);
        assert_eq!(usize::from(bytes[2]) << 8 | usize::from(bytes[3]), bytes.len() - 4);
        assert!(bytes.ends_with(&[&certificate[..], &[0x31, 0]].concat()));
        assert!(text.starts_with("-----BEGIN PKCS7-----\r\n") && text.ends_with("-----END PKCS7-----\r\n"));
        assert!(text.split("\r\n").all(|line| line.len() <= 64));
    }

    #[test]
    fn a_thumbprint_is_of_the_whole_certificate() {
        // FIPS 180-2 appendix A.1.
        assert_eq!(certificate_thumbprint(b"abc"), "A9993E364706816ABA3E25717850C26C9CD0D89D");
    }
}
