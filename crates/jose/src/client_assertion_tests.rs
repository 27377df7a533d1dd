use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding,
};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::PublicKey;
use crate::signing_key::tests::{KEYS, NOW};

static PAIR: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::from_pkcs8(&KEYS[0].0.pkcs8).unwrap());

fn key(alg: &str) -> AssertionKey {
    let public = PublicKey::from_pem(&KEYS[0].1.certificate_pem()).unwrap();
    AssertionKey { kid: public.thumbprint, alg: alg.into(), jwk: public.jwk, expires_at: None }
}

fn claims() -> Value {
    let now = NOW.seconds();
    json!({"iss": "app", "sub": "app", "aud": "https://login.example/", "iat": now, "exp": now + 60, "jti": "1"})
}

fn signed(header: &Value, claims: &str, encoding: &'static dyn RsaEncoding) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims));
    let mut signature = vec![0; PAIR.public_modulus_len()];
    PAIR.sign(encoding, &SystemRandom::default(), input.as_bytes(), &mut signature).unwrap();
    jws::with_signature(input, &signature)
}

#[test]
fn each_algorithm_is_verified_as_itself_and_as_no_other() {
    let encodings: [(&str, &'static dyn RsaEncoding); 4] = [
        ("RS256", &RSA_PKCS1_SHA256),
        ("RS384", &RSA_PKCS1_SHA384),
        ("PS256", &RSA_PSS_SHA256),
        ("RS512", &RSA_PKCS1_SHA512),
    ];
    for (alg, encoding) in encodings {
        let token = signed(&json!({"alg": alg, "kid": "k"}), &claims().to_string(), encoding);
        let parsed = parse_assertion(token.as_bytes()).unwrap();
        assert_eq!((parsed.alg.as_str(), parsed.kid.as_deref()), (alg, Some("k")));
        assert_eq!((parsed.subject.as_str(), parsed.audience[0].as_str()), ("app", "https://login.example/"));
        for other in ["RS256", "RS384", "PS256", "RS512", "HS256", "none"] {
            let fits = alg == other && alg != "RS512";
            let expect = if fits { Ok(()) } else { Err(Refusal::BadSignature) };
            assert_eq!(verify_assertion(&token, &[&key(other)]), expect, "{alg} as {other}");
        }
    }
}

#[test]
fn one_of_several_keys_is_enough_and_none_is_not() {
    let token = signed(&json!({"alg": "RS256"}), &claims().to_string(), &RSA_PKCS1_SHA256);
    let other = PublicKey::from_pem(&KEYS[1].1.certificate_pem()).unwrap();
    let other = AssertionKey { jwk: other.jwk, ..key("RS256") };
    assert_eq!(verify_assertion(&token, &[&other, &key("RS256")]), Ok(()));
    assert_eq!(verify_assertion(&token, &[&other]), Err(Refusal::BadSignature));
    assert_eq!(verify_assertion(&token, &[]), Err(Refusal::BadSignature));
    let broken = AssertionKey { jwk: json!({"kty": "oct", "k": "AAAA"}), ..key("RS256") };
    assert_eq!(verify_assertion(&token, &[&broken]), Err(Refusal::BadSignature));

    let (signed_part, signature) = token.rsplit_once('.').unwrap();
    let changed = format!("{}.{signature}", signed_part.replacen("eyJ", "eyI", 1));
    assert_eq!(verify_assertion(&changed, &[&key("RS256")]), Err(Refusal::BadSignature));
    assert_eq!(verify_assertion(&format!("{signed_part}."), &[&key("RS256")]), Err(Refusal::BadSignature));
}

#[test]
fn what_is_no_assertion_is_malformed() {
    let header = json!({"alg": "RS256"});
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        claims.to_string()
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        claims.to_string()
    };
    let parse =
        |header: &Value, claims: &str| parse_assertion(signed(header, claims, &RSA_PKCS1_SHA256).as_bytes());
    for name in ["iss", "sub", "aud", "exp", "jti"] {
        assert_eq!(parse(&header, &without(name)), Err(Refusal::Malformed), "{name}");
        assert_eq!(parse(&header, &with(name, json!({}))), Err(Refusal::Malformed), "{name}");
        assert_eq!(parse(&header, &with(name, json!(null))), Err(Refusal::Malformed), "{name}");
    }
    for name in ["nbf", "iat"] {
        assert_eq!(parse(&header, &with(name, json!("soon"))), Err(Refusal::Malformed), "{name}");
        assert!(parse(&header, &without(name)).is_ok(), "{name}");
    }
    let twice = claims().to_string().replacen('{', "{\"sub\":\"other\",", 1);
    assert_eq!(parse(&header, &twice), Err(Refusal::Malformed));
    for header in [json!({}), json!({"alg": 1}), json!({"alg": "RS256", "crit": ["x"]}), json!([])] {
        assert_eq!(parse(&header, &claims().to_string()), Err(Refusal::Malformed), "{header}");
    }
    let long = parse(&header, &with("jti", json!("x".repeat(MAX_TOKEN_BYTES))));
    assert_eq!(long, Err(Refusal::Malformed));
    for text in [&b""[..], b".", b"..", b"a.b", b"a.b.c", b"a.b.c.d", b"\xff\xfe.x.y", b"e30.e30."] {
        assert_eq!(parse_assertion(text), Err(Refusal::Malformed), "{text:?}");
    }
    let huge = parse(&header, &with("exp", json!(1e300))).unwrap();
    assert_eq!(huge.expires_at, Timestamp::from_micros(i64::MAX));
    let two = parse(&header, &with("aud", json!(["a", "b"]))).unwrap();
    assert_eq!(two.audience, ["a", "b"]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_assertion(&bytes);
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let _ = verify_assertion(text, &[&key("RS256")]);
        }
    }
}
