use serde_json::json;

use super::{Initiator, LogoutTokenFacts, Verdict, logout_token, next_attempt, urls, verdict};
use crate::client::Client;
use crate::time::Timestamp;

fn client(oidc_logout: serde_json::Value) -> Client {
    serde_json::from_value(json!({"client_id": "c", "oidc_logout": oidc_logout})).unwrap()
}

#[test]
fn a_client_hears_of_what_it_chose() {
    use Initiator::{IdpLogout, PasswordChanged, RpLogout, SessionExpired};
    let url = "https://app.example/logout";
    let some = |initiators| json!({"backchannel_logout_urls": ["", url], "backchannel_logout_initiators": initiators});
    let cases = [
        (json!(null), vec![]),
        (json!({}), vec![]),
        (json!({"backchannel_logout_urls": [url]}), vec![RpLogout, IdpLogout]),
        (some(json!(null)), vec![RpLogout, IdpLogout]),
        (some(json!({"mode": "custom", "selected_initiators": []})), vec![RpLogout]),
        (
            some(json!({"mode": "custom", "selected_initiators": ["password-changed", "of-the-future"]})),
            vec![RpLogout, PasswordChanged],
        ),
        (some(json!({"selected_initiators": ["session-expired"]})), vec![RpLogout, SessionExpired]),
        (some(json!({"mode": "all"})), Initiator::ALL.to_vec()),
    ];
    for (oidc_logout, expect) in cases {
        let client = client(oidc_logout.clone());
        for initiator in Initiator::ALL {
            let told = urls(&client, *initiator);
            let wanted = if expect.contains(initiator) { vec![url] } else { vec![] };
            assert_eq!(told, wanted, "{oidc_logout} {initiator:?}");
        }
    }
}

#[test]
fn a_logout_token_has_exactly_its_claims() {
    let facts = LogoutTokenFacts {
        issuer: "https://login.example/",
        client_id: "c",
        user_id: "auth0|1",
        sid: "s",
        jti: "j",
        now: Timestamp::from_seconds(1_000),
    };
    let expected = json!({
        "iss": "https://login.example/", "sub": "auth0|1", "aud": "c", "iat": 1_000, "exp": 1_120, "jti": "j",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "sid": "s",
    });
    assert_eq!(logout_token(&facts), expected);
}

#[test]
fn only_some_failures_are_tried_again_and_not_for_ever() {
    let cases = [
        (200, Verdict::Delivered),
        (204, Verdict::Delivered),
        (202, Verdict::Failed),
        (302, Verdict::Failed),
        (400, Verdict::Refused),
        (404, Verdict::Failed),
        (429, Verdict::Failed),
        (500, Verdict::Failed),
        (503, Verdict::Failed),
    ];
    for (status, expect) in cases {
        assert_eq!(verdict(status), expect, "{status}");
    }
    let now = Timestamp::from_seconds(0);
    let pauses: Vec<Option<i64>> =
        (0..=7).map(|attempts| next_attempt(attempts, now).map(Timestamp::seconds)).collect();
    assert_eq!(
        pauses,
        [None, Some(10), Some(60), Some(300), Some(1_800), Some(7_200), None, None],
        "by the number of attempts made"
    );
}
