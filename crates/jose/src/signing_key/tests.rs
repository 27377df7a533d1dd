use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;
use crate::{Expect, SignPool, verify};

/// Generating RSA keys is slow, so the tests share two.
pub(crate) static KEYS: LazyLock<[(NewSigningKey, Arc<SigningKey>); 2]> = LazyLock::new(|| {
    [1, 2].map(|seed| {
        let new = SigningKey::generate_rsa(&Random::seeded(seed), NOW, "acme.example:8443").unwrap();
        let key = SigningKey::load(&new.kid, &new.pkcs8, &new.certificate_der).unwrap();
        (new, Arc::new(key))
    })
});

/// 2026-10-14T22:13:20Z.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_792_016_000);

#[test]
fn kid_is_21_base64url_characters_and_differs() {
    let [(first, _), (second, _)] = &*KEYS;
    assert_eq!(first.kid.len(), 21);
    assert!(first.kid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
    assert_ne!(first.kid, second.kid);
}

#[test]
fn the_certificate_is_valid_for_the_key_the_host_and_thirteen_years() {
    let (new, key) = &KEYS[0];
    let (rest, certificate) = X509Certificate::from_der(&new.certificate_der).unwrap();
    assert!(rest.is_empty());
    certificate.verify_signature(None).unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=acme.example:8443");
    assert_eq!(certificate.issuer(), certificate.subject());
    assert_eq!(certificate.validity().not_before.timestamp(), NOW.seconds());
    assert!(certificate.validity().not_after.timestamp() > NOW.seconds() + 10 * 366 * 24 * 3600);
    assert_eq!(certificate.public_key().subject_public_key.data.as_ref(), key.pair.public_key().as_ref());
    assert_eq!(certificate.raw_serial().len(), 16);
}

#[test]
fn serial_numbers_differ_and_long_hosts_are_cut() {
    let (_, key) = &KEYS[0];
    let random = Random::seeded(3);
    let host = "a".repeat(200);
    let [first, second] = [(); 2].map(|()| certificate::self_signed(&key.pair, &random, NOW, &host).unwrap());
    let (_, first) = X509Certificate::from_der(&first).unwrap();
    let (_, second) = X509Certificate::from_der(&second).unwrap();
    assert_ne!(first.raw_serial(), second.raw_serial());
    assert_eq!(first.subject().to_string(), format!("CN={}", "a".repeat(64)));
}

#[test]
fn the_jwk_has_what_clients_read() {
    let (new, key) = &KEYS[0];
    let jwk = key.jwk();
    let mut names: Vec<_> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["alg", "e", "kid", "kty", "n", "use", "x5c", "x5t"]);
    assert_eq!((&jwk["kty"], &jwk["use"], &jwk["alg"]), (&json!("RSA"), &json!("sig"), &json!("RS256")));
    assert_eq!(jwk["kid"], json!(new.kid));
    assert_eq!(jwk["e"], json!("AQAB"));
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    assert_eq!(modulus.len(), 256);
    assert_ne!(modulus[0], 0);
    assert_eq!(STANDARD.decode(jwk["x5c"][0].as_str().unwrap()).unwrap(), new.certificate_der);
    let thumbprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, &new.certificate_der);
    assert_eq!(URL_SAFE_NO_PAD.decode(jwk["x5t"].as_str().unwrap()).unwrap(), thumbprint.as_ref());
}

#[test]
fn a_client_with_only_the_jwk_accepts_the_token() {
    let (_, key) = &KEYS[0];
    let claims = json!({ "iss": "https://acme.example:8443/", "aud": "app", "exp": 4_102_444_800_i64 });
    let token = key.sign("JWT", &claims).unwrap();
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(key.jwk()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&["app"]);
    let read =
        jsonwebtoken::decode::<Value>(&token, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).unwrap();
    assert_eq!(read.claims, claims);
    assert_eq!(read.header.typ.as_deref(), Some("JWT"));
    assert_eq!(read.header.kid.as_deref(), Some(key.kid()));
}

#[test]
fn the_header_has_three_fields_and_the_given_typ() {
    let (_, key) = &KEYS[0];
    let token = key.sign("at+jwt", &json!({})).unwrap();
    let (header, claims) = crate::parse_unverified(&token).unwrap();
    assert_eq!(header, json!({ "alg": "RS256", "typ": "at+jwt", "kid": key.kid() }));
    assert_eq!(claims, json!({}));
}

#[test]
fn the_pem_holds_the_certificate() {
    let (new, key) = &KEYS[0];
    let pem = key.certificate_pem();
    assert!(pem.lines().all(|line| line.len() <= 64));
    let (_, parsed) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    assert_eq!(parsed.label, "CERTIFICATE");
    assert_eq!(parsed.contents, new.certificate_der);
}

#[test]
fn load_refuses_nonsense_and_a_certificate_of_another_key() {
    let [(first, _), (second, _)] = &*KEYS;
    let load = |pkcs8: &[u8], certificate: &[u8]| SigningKey::load("kid", pkcs8, certificate).unwrap_err();
    assert_eq!(load(b"", &first.certificate_der), JoseError::InvalidSigningKey);
    assert_eq!(load(&first.pkcs8[1..], &first.certificate_der), JoseError::InvalidSigningKey);
    assert_eq!(load(&first.pkcs8, b""), JoseError::InvalidCertificate);
    assert_eq!(load(&first.pkcs8, &second.certificate_der), JoseError::InvalidCertificate);
}

#[test]
fn nothing_secret_is_printed() {
    let (new, key) = &KEYS[0];
    assert_eq!(format!("{new:?}"), format!("NewSigningKey {{ kid: {:?}, .. }}", new.kid));
    assert_eq!(format!("{key:?}"), format!("SigningKey {{ kid: {:?}, .. }}", new.kid));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pool_signs_for_many_at_once() {
    let (_, key) = &KEYS[0];
    let pool = SignPool::new(2);
    let signing: Vec<_> = (0..40)
        .map(|number| {
            let (pool, key) = (pool.clone(), Arc::clone(key));
            tokio::spawn(async move {
                let claims = json!({ "iss": "https://a/", "exp": 4_102_444_800_i64, "number": number });
                pool.sign(key, "JWT", claims).await.unwrap()
            })
        })
        .collect();
    let expect = Expect { issuer: "https://a/", audience: None, now: NOW, leeway_seconds: 0 };
    for (number, token) in signing.into_iter().enumerate() {
        let claims = verify(&token.await.unwrap(), std::slice::from_ref(key), &expect).unwrap();
        assert_eq!(claims["number"], json!(number));
    }
}

#[tokio::test]
async fn callers_that_give_up_do_not_block_the_pool() {
    let (_, key) = &KEYS[0];
    let pool = SignPool::new(0);
    for _ in 0..20 {
        let mut signing = Box::pin(pool.sign(Arc::clone(key), "JWT", json!({})));
        // Polled once, so that the work is under way or in line, then dropped.
        tokio::select! { biased; _ = &mut signing => {}, () = std::future::ready(()) => {} }
    }
    let token = pool.sign(Arc::clone(key), "JWT", json!({ "still": "here" })).await.unwrap();
    assert_eq!(crate::parse_unverified(&token).unwrap().1, json!({ "still": "here" }));
}
