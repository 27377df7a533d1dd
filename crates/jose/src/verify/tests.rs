use std::sync::LazyLock;

use aws_lc_rs::signature::KeyPair as _;
use base64::engine::general_purpose::URL_SAFE;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::sign_hs256;
use crate::signing_key::tests::{KEYS, NOW};

const ISSUER: &str = "https://acme.example:8443/";
const EXPECT: Expect<'static> =
    Expect { issuer: ISSUER, audience: Some("https://api/"), now: NOW, leeway_seconds: 0 };

static TRUSTED: LazyLock<[Arc<SigningKey>; 1]> = LazyLock::new(|| [Arc::clone(&KEYS[0].1)]);

fn good_claims() -> Value {
    let now = NOW.seconds();
    json!({ "iss": ISSUER, "sub": "sms|1", "aud": "https://api/", "iat": now, "exp": now + 60 })
}

/// The good claims with some replaced; `null` removes one.
fn with(changes: Value) -> Value {
    let mut claims = good_claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn check(token: &str) -> Result<Value, VerifyError> {
    verify(token, TRUSTED.as_slice(), &EXPECT)
}

fn check_with(changes: Value) -> Result<Value, VerifyError> {
    check(&TRUSTED[0].sign("JWT", &with(changes)).unwrap())
}

/// A token with any header, signed with the trusted key whatever the header says.
fn signed_as(header: &str, claims: &str) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = TRUSTED[0].sign_bytes(input.as_bytes()).unwrap();
    jws::with_signature(input, &signature)
}

#[test]
fn example_of_rfc_7515_appendix_a_2() {
    let key = DecodingKey::from_rsa_components(
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        "AQAB",
    )
    .unwrap();
    let token = "eyJhbGciOiJSUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
        cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujG\
        bds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K\
        0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6\
        LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    assert_eq!(
        signed_claims(token, &key).unwrap(),
        json!({ "iss": "joe", "exp": 1_300_819_380, "http://example.com/is_root": true })
    );
    let altered = token.replacen("cC4h", "cC4i", 1);
    assert_eq!(signed_claims(&altered, &key), Err(VerifyError::BadSignature));
}

#[test]
fn what_we_sign_we_accept() {
    assert_eq!(check_with(json!({})), Ok(good_claims()));
}

#[test]
fn the_key_is_found_by_kid_among_several() {
    let token = KEYS[1].1.sign("JWT", &good_claims()).unwrap();
    assert_eq!(check(&token), Err(VerifyError::UnknownKey));
    let both = [Arc::clone(&KEYS[0].1), Arc::clone(&KEYS[1].1)];
    assert_eq!(verify(&token, &both, &EXPECT), Ok(good_claims()));
    assert_eq!(verify(&token, &[], &EXPECT), Err(VerifyError::UnknownKey));
}

#[test]
fn another_key_under_a_trusted_kid_is_a_bad_signature() {
    let (new, _) = &KEYS[1];
    let impostor = SigningKey::load(TRUSTED[0].kid(), &new.pkcs8, &new.certificate_der).unwrap();
    let token = impostor.sign("JWT", &good_claims()).unwrap();
    assert_eq!(check(&token), Err(VerifyError::BadSignature));
}

#[test]
fn alg_none_is_refused() {
    for alg in ["none", "None", "NONE", "nOnE"] {
        let header = json!({ "alg": alg, "typ": "JWT", "kid": TRUSTED[0].kid() });
        let input = jws::signing_input(&header, &good_claims());
        assert_eq!(check(&format!("{input}.")), Err(VerifyError::WrongAlgorithm), "{alg}");
        let signed = signed_as(&header.to_string(), &good_claims().to_string());
        assert_eq!(check(&signed), Err(VerifyError::WrongAlgorithm), "{alg}");
    }
}

#[test]
fn hs256_with_the_public_key_as_secret_is_refused() {
    let public_der =
        aws_lc_rs::rsa::KeyPair::from_pkcs8(&KEYS[0].0.pkcs8).unwrap().public_key().as_ref().to_vec();
    for secret in [public_der.as_slice(), TRUSTED[0].certificate_pem().as_bytes(), b""] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        let kid = TRUSTED[0].kid();
        for (alg, refusal) in [("HS256", VerifyError::WrongAlgorithm), ("RS256", VerifyError::BadSignature)] {
            let input = jws::signing_input(&json!({ "alg": alg, "typ": "JWT", "kid": kid }), &good_claims());
            let tag = aws_lc_rs::hmac::sign(&key, input.as_bytes());
            assert_eq!(check(&jws::with_signature(input, tag.as_ref())), Err(refusal));
        }
        assert_eq!(check(&sign_hs256(secret, "JWT", &good_claims())), Err(VerifyError::WrongAlgorithm));
    }
}

#[test]
fn headers_that_leave_doubt_are_refused() {
    let kid = TRUSTED[0].kid();
    let claims = good_claims().to_string();
    for (header, refusal) in [
        (r#"{"alg":"RS256"}"#.to_owned(), VerifyError::UnknownKey),
        (r#"{"alg":"RS256","kid":"other"}"#.to_owned(), VerifyError::UnknownKey),
        (r#"{"alg":"RS256","kid":1}"#.to_owned(), VerifyError::Malformed),
        (format!(r#"{{"kid":"{kid}"}}"#), VerifyError::Malformed),
        (format!(r#"{{"alg":"none","alg":"RS256","kid":"{kid}"}}"#), VerifyError::Malformed),
        (format!(r#"{{"alg":"RS256","kid":"{kid}","crit":["b64"],"b64":false}}"#), VerifyError::Malformed),
        (format!(r#"{{"alg":"RS384","kid":"{kid}"}}"#), VerifyError::WrongAlgorithm),
        (format!(r#"{{"alg":"PS256","kid":"{kid}"}}"#), VerifyError::WrongAlgorithm),
        (format!(r#"{{"alg":"rs256","kid":"{kid}"}}"#), VerifyError::WrongAlgorithm),
        ("[]".to_owned(), VerifyError::Malformed),
    ] {
        assert_eq!(check(&signed_as(&header, &claims)), Err(refusal), "{header}");
    }
    // The same way of signing with a plain header is accepted, so the refusals above are the header's.
    assert!(check(&signed_as(&format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#), &claims)).is_ok());
}

#[test]
fn other_forms_than_the_compact_one_are_refused() {
    let token = TRUSTED[0].sign("JWT", &good_claims()).unwrap();
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts")
    };
    let json_form = json!({ "protected": header, "payload": payload, "signature": signature }).to_string();
    for text in [
        String::new(),
        "..".to_owned(),
        "opaque-access-token".to_owned(),
        json_form,
        format!("{header}.{payload}"),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!(" {token}"),
        format!("{token}\n"),
    ] {
        assert!(check(&text).is_err(), "{text}");
    }
}

#[test]
fn one_token_has_one_spelling() {
    let mut padded = 0;
    for typ in ["J", "JW", "JWT"] {
        let token = TRUSTED[0].sign(typ, &good_claims()).unwrap();
        assert!(check(&token).is_ok());
        let (header, rest) = token.split_once('.').unwrap();
        let with_padding = URL_SAFE.encode(URL_SAFE_NO_PAD.decode(header).unwrap());
        if with_padding != header {
            padded += 1;
            assert_eq!(check(&format!("{with_padding}.{rest}")), Err(VerifyError::Malformed));
        }
        // 256 bytes leave four bits of the last character unused; they have to be zero.
        let last = *token.as_bytes().last().unwrap();
        assert!(b"AQgw".contains(&last), "{last}");
        let stray = format!("{}{}", &token[..token.len() - 1], char::from(last + 1));
        assert_eq!(check(&stray), Err(VerifyError::BadSignature));
    }
    assert_eq!(padded, 2, "two of three lengths need padding");
}

#[test]
fn size_is_limited_to_the_byte() {
    let empty = TRUSTED[0].sign("JWT", &with(json!({ "pad": "" }))).unwrap().len();
    // Base64 makes four characters of three bytes, so step by three around the limit.
    let fill = (MAX_TOKEN_BYTES - empty) / 4 * 3;
    let sizes: Vec<_> = (fill - 6..fill + 9)
        .map(|pad| {
            let token = TRUSTED[0].sign("JWT", &with(json!({ "pad": "x".repeat(pad) }))).unwrap();
            assert_eq!(check(&token).is_ok(), token.len() <= MAX_TOKEN_BYTES, "{}", token.len());
            token.len()
        })
        .collect();
    assert!(sizes[0] <= MAX_TOKEN_BYTES && sizes[sizes.len() - 1] > MAX_TOKEN_BYTES);
}

#[test]
fn claims_that_are_no_object_are_refused() {
    let header = json!({ "alg": "RS256", "kid": TRUSTED[0].kid() }).to_string();
    for claims in ["[]", "null", "\"text\"", "", "{", "\u{0}"] {
        assert_eq!(check(&signed_as(&header, claims)), Err(VerifyError::Malformed), "{claims}");
    }
}

#[test]
fn the_issuer_is_compared_exactly() {
    for issuer in [
        json!("https://acme.example:8443"),
        json!("https://ACME.example:8443/"),
        json!([ISSUER]),
        json!(null),
    ] {
        assert_eq!(check_with(json!({ "iss": issuer })), Err(VerifyError::WrongIssuer), "{issuer}");
    }
}

#[test]
fn the_audience_may_be_a_string_or_in_an_array() {
    for audience in [
        json!("https://api/"),
        json!(["https://api/"]),
        json!(["https://api/", "https://acme/userinfo"]),
        json!([1, "https://api/"]),
    ] {
        assert!(check_with(json!({ "aud": audience })).is_ok(), "{audience}");
    }
    for audience in [
        json!("https://api"),
        json!(["other"]),
        json!([]),
        json!({ "https://api/": 1 }),
        json!(null),
        json!("https://api/ other"),
    ] {
        assert_eq!(check_with(json!({ "aud": audience })), Err(VerifyError::WrongAudience), "{audience}");
        let any = Expect { audience: None, ..EXPECT };
        let token = TRUSTED[0].sign("JWT", &with(json!({ "aud": audience }))).unwrap();
        assert!(verify(&token, TRUSTED.as_slice(), &any).is_ok(), "{audience}");
    }
}

#[test]
fn times_are_checked_against_the_given_moment() {
    let now = NOW.seconds();
    for (changes, result) in [
        (json!({ "exp": now + 1 }), Ok(())),
        (json!({ "exp": now }), Err(VerifyError::Expired)),
        (json!({ "exp": now - 1 }), Err(VerifyError::Expired)),
        (json!({ "exp": 0 }), Err(VerifyError::Expired)),
        (json!({ "exp": -1 }), Err(VerifyError::Expired)),
        (json!({ "exp": i64::MIN }), Err(VerifyError::Expired)),
        (json!({ "exp": i64::MAX }), Ok(())),
        (json!({ "exp": u64::MAX }), Ok(())),
        (json!({ "exp": 1e300 }), Ok(())),
        (json!({ "exp": now as f64 + 0.5 }), Ok(())),
        (json!({ "exp": now as f64 - 0.5 }), Err(VerifyError::Expired)),
        (json!({ "exp": null }), Err(VerifyError::Malformed)),
        (json!({ "exp": (now + 60).to_string() }), Err(VerifyError::Malformed)),
        (json!({ "exp": true }), Err(VerifyError::Malformed)),
        (json!({ "nbf": now }), Ok(())),
        (json!({ "nbf": now + 1 }), Err(VerifyError::NotYetValid)),
        (json!({ "nbf": 1e300 }), Err(VerifyError::NotYetValid)),
        (json!({ "nbf": "soon" }), Err(VerifyError::Malformed)),
        (json!({ "iat": null }), Ok(())),
        (json!({ "iat": now + 1 }), Err(VerifyError::NotYetValid)),
        (json!({ "iat": [] }), Err(VerifyError::Malformed)),
    ] {
        assert_eq!(check_with(changes.clone()).map(|_| ()), result, "{changes}");
    }
}

#[test]
fn leeway_widens_both_ends() {
    let now = NOW.seconds();
    let lenient = Expect { leeway_seconds: 60, ..EXPECT };
    for (changes, result) in [
        (json!({ "exp": now - 59 }), Ok(())),
        (json!({ "exp": now - 60 }), Err(VerifyError::Expired)),
        (json!({ "nbf": now + 60 }), Ok(())),
        (json!({ "nbf": now + 61 }), Err(VerifyError::NotYetValid)),
        (json!({ "iat": now + 60 }), Ok(())),
        (json!({ "iat": now + 61 }), Err(VerifyError::NotYetValid)),
    ] {
        let token = TRUSTED[0].sign("JWT", &with(changes.clone())).unwrap();
        assert_eq!(verify(&token, TRUSTED.as_slice(), &lenient).map(|_| ()), result, "{changes}");
    }
    let endless = Expect { leeway_seconds: i64::MAX, ..EXPECT };
    let token = TRUSTED[0].sign("JWT", &with(json!({ "exp": 1 }))).unwrap();
    assert!(verify(&token, TRUSTED.as_slice(), &endless).is_ok());
}

#[test]
fn the_systems_clock_is_not_read() {
    // Long past for the system's clock and far ahead of it: only the given moment counts.
    for seconds in [86_400, 32_503_680_000] {
        let claims = json!({ "iss": ISSUER, "iat": seconds, "exp": seconds + 60 });
        let token = TRUSTED[0].sign("JWT", &claims).unwrap();
        let at = |now| Expect { audience: None, now: Timestamp::from_seconds(now), ..EXPECT };
        assert_eq!(verify(&token, TRUSTED.as_slice(), &at(seconds + 59)), Ok(claims));
        assert_eq!(verify(&token, TRUSTED.as_slice(), &at(seconds + 60)), Err(VerifyError::Expired));
        assert_eq!(verify(&token, TRUSTED.as_slice(), &at(seconds - 1)), Err(VerifyError::NotYetValid));
    }
}

#[test]
fn codes_are_distinct() {
    let all = [
        VerifyError::Malformed,
        VerifyError::WrongAlgorithm,
        VerifyError::UnknownKey,
        VerifyError::BadSignature,
        VerifyError::Expired,
        VerifyError::NotYetValid,
        VerifyError::WrongIssuer,
        VerifyError::WrongAudience,
    ];
    let codes: std::collections::HashSet<_> = all.iter().map(|error| error.code()).collect();
    assert_eq!(codes.len(), all.len());
}

proptest! {
    #[test]
    fn any_changed_byte_is_refused(at: prop::sample::Index, mask in 1..=127_u8) {
        static TOKEN: LazyLock<String> = LazyLock::new(|| TRUSTED[0].sign("JWT", &good_claims()).unwrap());
        let mut bytes = TOKEN.clone().into_bytes();
        let at = at.index(bytes.len());
        // A mask below 128 keeps the text ASCII, so that it stays a string.
        bytes[at] ^= mask;
        prop_assert!(check(&String::from_utf8(bytes).unwrap()).is_err());
    }

    #[test]
    fn any_cut_token_is_refused(at: prop::sample::Index) {
        let token = TRUSTED[0].sign("JWT", &good_claims()).unwrap();
        prop_assert!(check(&token[..at.index(token.len())]).is_err());
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        prop_assert!(check(&text).is_err());
        let _ = crate::parse_unverified(&text);
    }

    #[test]
    fn claims_come_back_as_they_went_in(name in "[a-z:/.]{1,30}", value in ".{0,50}") {
        prop_assume!(good_claims().get(&name).is_none() && name != "nbf");
        let claims = with(json!({ name: value }));
        prop_assert_eq!(check(&TRUSTED[0].sign("JWT", &claims).unwrap()), Ok(claims));
    }
}

#[test]
fn hs256_is_verified_with_the_clients_secret_only() {
    let token = sign_hs256(b"client-secret", "JWT", &good_claims());
    assert_eq!(verify_hs256(&token, b"client-secret", &EXPECT), Ok(good_claims()));
    assert_eq!(verify_hs256(&token, b"another", &EXPECT), Err(VerifyError::BadSignature));
    assert_eq!(
        verify_hs256(&sign_hs256(b"", "JWT", &good_claims()), b"", &EXPECT),
        Err(VerifyError::BadSignature)
    );
    let rs256 = TRUSTED[0].sign("JWT", &good_claims()).unwrap();
    assert_eq!(verify_hs256(&rs256, b"client-secret", &EXPECT), Err(VerifyError::WrongAlgorithm));
    let other = sign_hs256(b"s", "JWT", &with(json!({ "iss": "https://other/" })));
    assert_eq!(verify_hs256(&other, b"s", &EXPECT), Err(VerifyError::WrongIssuer));
    let (input, _) = token.rsplit_once('.').unwrap();
    assert_eq!(verify_hs256(&format!("{input}."), b"client-secret", &EXPECT), Err(VerifyError::BadSignature));
}
