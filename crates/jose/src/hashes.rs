//! Hashes and random tokens the protocols ask for.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright_ambient::Random;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Hex SHA-256 of a token: the form in which opaque tokens, codes and tickets are stored, so that a copy
/// of the database lets nobody in. Only for values with 128 bits or more; use
/// [`crate::MasterKey::mac`] for short ones.
pub fn token_hash(token: &str) -> String {
    digest(&SHA256, token.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares two secrets without telling by its duration where they differ. Lengths are not secret.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// `at_hash`, `c_hash` or `s_hash` of the given access token, code or state in an ID token signed with
/// RS256 or HS256: base64url of the left half of its SHA-256 (OpenID Connect Core 3.1.3.6 and 3.3.2.11).
pub fn left_half_hash(value: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, value.as_bytes()).as_ref()[..16])
}

/// The `code_challenge` of a `code_verifier` under method S256 (RFC 7636 section 4.2).
pub fn pkce_s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// An opaque token of `bytes` random bytes in base64url; 32 bytes give 43 characters.
pub fn random_token(random: &Random, bytes: usize) -> String {
    let mut drawn = Zeroizing::new(vec![0; bytes]);
    random.fill(&mut drawn);
    URL_SAFE_NO_PAD.encode(drawn.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openid_connect_core_examples() {
        // OpenID Connect Core 1.0, appendices A.3 (at_hash) and A.4 (c_hash).
        assert_eq!(left_half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(
            left_half_hash("Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"),
            "LDktKdoQak3Pk0cnXxCltA"
        );
    }

    #[test]
    fn pkce_example_of_rfc_7636_appendix_b() {
        assert_eq!(
            pkce_s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn token_hash_is_hex_sha_256() {
        // FIPS 180-2 appendix B.1.
        assert_eq!(token_hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn comparison_tells_difference_and_length() {
        assert!(constant_time_eq(b"secret", b"secret"));
        assert!(!constant_time_eq(b"secret", b"secreT"));
        assert!(!constant_time_eq(b"secret", b"secret1"));
    }

    #[test]
    fn random_tokens_have_the_asked_size_and_differ() {
        let random = Random::seeded(1);
        let first = random_token(&random, 32);
        assert_eq!(first.len(), 43);
        assert_ne!(first, random_token(&random, 32));
        assert_eq!(random_token(&random, 0), "");
    }
}
