use serde_json::json;

use super::*;

fn at(seconds: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
    Timestamp::from_micros((seconds * 1_000_000.0) as i64)
}

#[test]
fn masks_are_filled_and_weak_ones_replaced() {
    for (device_flow, drawn, code) in [
        (json!(null), "WDJBMJHT", "WDJB-MJHT"),
        (json!({"charset": "digits"}), "12345678", "1234-5678"),
        (json!({"charset": "digits", "mask": "***-***-***"}), "123456789", "123-456-789"),
        (json!({"charset": "base20", "mask": "*** ***"}), "BCDFGH", "BCD FGH"),
        // 20^4 and 10^7 codes could be tried out.
        (json!({"charset": "base20", "mask": "****"}), "WDJBMJHT", "WDJB-MJHT"),
        (json!({"charset": "digits", "mask": "***-****"}), "12345678", "1234-5678"),
        (json!({"charset": "base20", "mask": ""}), "WDJBMJHT", "WDJB-MJHT"),
    ] {
        let format = UserCodeFormat::of(&json!({ "device_flow": device_flow }));
        assert_eq!(format.places(), drawn.len(), "{device_flow}");
        assert_eq!(format.fill(drawn), code, "{device_flow}");
        assert_eq!(format.shown(drawn), code, "{device_flow}");
        // One that was given out before the setting was changed.
        assert_eq!(format.shown("WDJBMJ8HTBB"), "WDJBMJ8HTBB", "{device_flow}");
    }
    assert_eq!(UserCodeFormat::of(&json!({})).charset, Charset::Base20);
    assert_eq!(UserCodeFormat::of(&json!({"device_flow": {"charset": "digits"}})).charset, Charset::Digits);
}

#[test]
fn what_is_typed_is_read_leniently() {
    for (typed, code) in [
        ("WDJB-MJHT", Some("WDJBMJHT")),
        ("wdjb mjht", Some("WDJBMJHT")),
        (" w.d_j–b/mjht\n", Some("WDJBMJHT")),
        ("ＷＤＪＢ－ｍｊｈｔ", Some("WDJBMJHT")),
        ("", None),
        ("- -", None),
        ("äöü", None),
    ] {
        assert_eq!(normal(typed).as_deref(), code, "{typed:?}");
    }
    assert_eq!(normal(&"B".repeat(201)), None);
}

#[test]
fn a_device_is_told_how_far_its_code_has_come() {
    let denied = State::Denied("no".to_owned());
    let slow = |interval_seconds| Answer::SlowDown { interval_seconds };
    for (state, interval_seconds, polled_at, now, expect) in [
        (State::Pending, 5, None, 0.0, Answer::Pending),
        (State::Pending, 5, Some(0.0), 5.0, Answer::Pending),
        // The network makes some arrive a little early.
        (State::Pending, 5, Some(0.0), 4.0, Answer::Pending),
        (State::Pending, 5, Some(0.0), 3.9, slow(10)),
        (State::Pending, 10, Some(0.0), 8.0, slow(15)),
        (State::Pending, 58, Some(0.0), 0.0, slow(60)),
        (State::Pending, 60, Some(0.0), 0.0, slow(60)),
        (State::Pending, 5, None, 899.9, Answer::Pending),
        (State::Pending, 5, None, 900.0, Answer::Expired),
        // An answer is given however soon it is asked for.
        (State::Allowed, 5, Some(0.0), 0.1, Answer::Tokens),
        (State::Allowed, 5, None, 900.0, Answer::Expired),
        (denied.clone(), 5, Some(0.0), 0.1, Answer::Denied("no".to_owned())),
        (denied, 5, None, 900.0, Answer::Expired),
        (State::Spent, 5, None, 1.0, Answer::Spent),
        (State::Spent, 5, None, 900.0, Answer::Spent),
    ] {
        let polled_at = polled_at.map(at);
        let asked = Asked { state, expires_at: at(900.0), polled_at, interval_seconds };
        assert_eq!(answer(&asked, at(now)), expect, "{asked:?} at {now}");
    }
}

#[test]
fn errors_have_the_documented_codes_and_statuses() {
    for (answer, status, code) in [
        (Answer::Pending, 403, "authorization_pending"),
        (Answer::SlowDown { interval_seconds: 10 }, 429, "slow_down"),
        (Answer::Denied("no".to_owned()), 403, "access_denied"),
        (Answer::Expired, 403, "expired_token"),
        (Answer::Spent, 403, "invalid_grant"),
    ] {
        let error = answer.error(5).expect("an error");
        assert_eq!((error.status, &*error.code), (status, code));
    }
    assert_eq!(Answer::Tokens.error(5), None);
    let text = Answer::SlowDown { interval_seconds: 10 }.error(5).expect("an error").description;
    assert!(text.contains("of 5 seconds"), "the interval that held: {text}");
}
