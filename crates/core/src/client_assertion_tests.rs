use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn good() -> Assertion {
    Assertion {
        alg: "RS256".into(),
        kid: Some("k1".into()),
        issuer: "app".into(),
        subject: "app".into(),
        audience: vec!["https://login.example/".into()],
        expires_at: NOW.plus_seconds(60),
        not_before: None,
        issued_at: Some(NOW),
        id: "j".into(),
    }
}

fn audiences() -> [String; 2] {
    ["https://login.example/".into(), "https://login.example/oauth/token".into()]
}

#[test]
fn claims_are_held_against_client_place_and_time() {
    type Change = fn(&mut Assertion);
    let cases: &[(&str, Change, Result<(), Refusal>)] = &[
        ("good", |_| {}, Ok(())),
        ("token endpoint", |a| a.audience = vec!["https://login.example/oauth/token".into()], Ok(())),
        ("both", |a| a.audience = audiences().into(), Ok(())),
        ("no kid", |a| a.kid = None, Ok(())),
        ("none", |a| a.alg = "none".into(), Err(Refusal::WrongAlgorithm)),
        ("hmac", |a| a.alg = "HS256".into(), Err(Refusal::WrongAlgorithm)),
        ("other algorithm", |a| a.alg = "RS512".into(), Err(Refusal::WrongAlgorithm)),
        ("other issuer", |a| a.issuer = "other".into(), Err(Refusal::WrongClient)),
        ("other subject", |a| a.subject = "other".into(), Err(Refusal::WrongClient)),
        (
            "other client",
            |a| {
                a.issuer = "other".into();
                a.subject = "other".into();
            },
            Err(Refusal::WrongClient),
        ),
        ("no audience", |a| a.audience.clear(), Err(Refusal::WrongAudience)),
        ("other audience", |a| a.audience = vec!["https://x/".into()], Err(Refusal::WrongAudience)),
        ("no slash", |a| a.audience = vec!["https://login.example".into()], Err(Refusal::WrongAudience)),
        ("one of them other", |a| a.audience.push("https://x/".into()), Err(Refusal::WrongAudience)),
        ("no id", |a| a.id.clear(), Err(Refusal::Malformed)),
        ("long id", |a| a.id = "x".repeat(256), Err(Refusal::Malformed)),
        ("longest id", |a| a.id = "x".repeat(255), Ok(())),
        ("slow clock", |a| a.expires_at = NOW.plus_seconds(-29), Ok(())),
        ("expired", |a| a.expires_at = NOW.plus_seconds(-30), Err(Refusal::Expired)),
        ("five minutes on a fast clock", |a| a.expires_at = NOW.plus_seconds(330), Ok(())),
        ("longer", |a| a.expires_at = NOW.plus_seconds(331), Err(Refusal::TooLong)),
        ("for ever", |a| a.expires_at = Timestamp::from_micros(i64::MAX), Err(Refusal::TooLong)),
        ("nbf a little ahead", |a| a.not_before = Some(NOW.plus_seconds(8)), Ok(())),
        ("nbf ahead", |a| a.not_before = Some(NOW.plus_seconds(61)), Err(Refusal::NotYetValid)),
        ("iat ahead", |a| a.issued_at = Some(NOW.plus_seconds(31)), Err(Refusal::NotYetValid)),
        ("iat long ago", |a| a.issued_at = Some(NOW.plus_seconds(-9000)), Ok(())),
    ];
    for (name, change, expect) in cases {
        let mut assertion = good();
        change(&mut assertion);
        let place = Place { client_id: Some("app"), audiences: &audiences(), now: NOW };
        assert_eq!(judge(&assertion, &place), *expect, "{name}");
    }
    let unnamed = Place { client_id: None, audiences: &audiences(), now: NOW };
    assert_eq!(judge(&good(), &unnamed), Ok(()));
}

#[test]
fn what_is_accepted_is_remembered_as_long_as_it_would_be_accepted() {
    let place = |now| Place { client_id: None, audiences: &[], now };
    for seconds in [-29, 0, 60, 330] {
        let assertion = Assertion { expires_at: NOW.plus_seconds(seconds), ..good() };
        let names = audiences();
        let at_end = Place { audiences: &names, ..place(remembered_until(&assertion)) };
        assert_eq!(judge(&assertion, &at_end), Err(Refusal::Expired), "{seconds}");
    }
}

#[test]
fn keys_are_chosen_by_kid_algorithm_and_life() {
    let key = |kid: &str, alg: &str, end: Option<i64>| AssertionKey {
        kid: kid.into(),
        alg: alg.into(),
        jwk: json!({}),
        expires_at: end.map(|seconds| NOW.plus_seconds(seconds)),
    };
    let keys = [
        key("k1", "RS256", None),
        key("k2", "RS256", Some(1)),
        key("k3", "PS256", None),
        key("k4", "RS256", Some(0)),
    ];
    let kids = |kid: Option<&str>, alg: &str| {
        let assertion = Assertion { kid: kid.map(str::to_owned), alg: alg.into(), ..good() };
        candidates(&assertion, &keys, NOW)
            .map(|found| found.iter().map(|key| key.kid.clone()).collect::<Vec<_>>())
    };
    assert_eq!(kids(Some("k1"), "RS256").unwrap(), ["k1"]);
    assert_eq!(kids(None, "RS256").unwrap(), ["k1", "k2"]);
    assert_eq!(kids(None, "PS256").unwrap(), ["k3"]);
    assert_eq!(kids(Some("k4"), "RS256"), Err(Refusal::UnknownKey), "expired");
    assert_eq!(kids(Some("k1"), "PS256"), Err(Refusal::UnknownKey), "other algorithm");
    assert_eq!(kids(Some("k9"), "RS256"), Err(Refusal::UnknownKey));
}
