use gatewright_ambient::Random;
use rcgen::{KeyPair as EcPair, PKCS_ECDSA_P256_SHA256};

use super::*;
use crate::signing_key::tests::KEYS;

fn pem(label: &str, der: &[u8]) -> String {
    use base64::engine::general_purpose::STANDARD;
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

#[test]
fn the_three_forms_of_one_key_are_one_key() {
    let signing = &KEYS[0].1;
    let certificate = signing.certificate_pem();
    let (_, parsed) = X509Certificate::from_der(signing.certificate_der()).unwrap();
    let info = parsed.public_key();
    let of_certificate = PublicKey::from_pem(&certificate).unwrap();
    let of_info = PublicKey::from_pem(&pem("PUBLIC KEY", info.raw)).unwrap();
    let of_rsa = PublicKey::from_pem(&pem("RSA PUBLIC KEY", &info.subject_public_key.data)).unwrap();

    let jwk = signing.jwk();
    assert_eq!((&of_info.jwk["n"], &of_info.jwk["e"]), (&jwk["n"], &jwk["e"]));
    assert_eq!(of_info.certificate_ends, None);
    assert_eq!(of_rsa, of_info);
    assert!(of_certificate.certificate_ends.is_some());
    assert_eq!(PublicKey { certificate_ends: None, ..of_certificate }, of_info);
    assert_eq!(of_info.thumbprint.len(), 43);
}

#[test]
fn other_keys_and_other_texts_are_refused() {
    let (_, parsed) = X509Certificate::from_der(KEYS[0].1.certificate_der()).unwrap();
    let raw = parsed.public_key().raw;
    let ec = EcPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let small = aws_small_key();
    for text in [
        String::new(),
        "ssh-rsa AAAA".to_owned(),
        pem("PUBLIC KEY", b"nonsense"),
        pem("PRIVATE KEY", &KEYS[0].0.pkcs8),
        pem("PUBLIC KEY", &[raw, b"more"].concat()),
        pem("CERTIFICATE", raw),
        ec.public_key_pem(),
        pem("RSA PUBLIC KEY", &small),
        format!("{}{}", pem("PUBLIC KEY", raw), " ".repeat(LONGEST_PEM)),
    ] {
        assert_eq!(PublicKey::from_pem(&text), Err(JoseError::InvalidPublicKey), "{text}");
    }
}

/// A well-formed RSA public key of 1024 bits: SEQUENCE of two INTEGERs.
fn aws_small_key() -> Vec<u8> {
    let mut modulus = vec![0_u8; 129];
    modulus[1..].copy_from_slice(&Random::seeded(3).bytes::<128>());
    modulus[1] |= 0x80;
    let mut body = vec![0x02, 0x81, 129];
    body.extend(modulus);
    body.extend([0x02, 0x03, 1, 0, 1]);
    let length = u8::try_from(body.len()).unwrap();
    [vec![0x30, 0x81, length], body].concat()
}
