//! Client assertions (`private_key_jwt`): the reader, and the rules over whatever it read.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright_core::Timestamp;
use gatewright_core::client_assertion::{ALGORITHMS, LONGEST_LIFE_SECONDS, Place, SKEW_SECONDS, judge};
use gatewright_jose::{MAX_TOKEN_BYTES, parse_assertion, verify_assertion};

const NOW: i64 = 1_790_000_000;

static AUDIENCES: LazyLock<Vec<String>> =
    LazyLock::new(|| ["", "oauth/token"].map(|path| format!("https://tenant.example.com/{path}")).into());

/// Whatever the text: what passes names this server and one client, lives now and not for long; and
/// without a registered key no signature is good.
pub fn run(data: &[u8]) {
    read(data);
    // The same bytes as the claims of an assertion, so that base64 is not in the way.
    let mut token = URL_SAFE_NO_PAD.encode(br#"{"alg":"RS256","kid":"k"}"#);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(data, &mut token);
    token.push_str(".AAAA");
    read(token.as_bytes());
}

fn read(text: &[u8]) {
    let Ok(assertion) = parse_assertion(text) else { return };
    assert!(text.len() <= MAX_TOKEN_BYTES);
    assert!(verify_assertion(&String::from_utf8_lossy(text), &[]).is_err());
    let now = Timestamp::from_seconds(NOW);
    let place = Place { client_id: Some("client"), audiences: &AUDIENCES, now };
    if judge(&assertion, &place).is_ok() {
        assert_eq!((assertion.issuer.as_str(), assertion.subject.as_str()), ("client", "client"));
        assert!(ALGORITHMS.contains(&assertion.alg.as_str()));
        assert!(assertion.audience.iter().all(|audience| AUDIENCES.contains(audience)));
        assert!(!assertion.id.is_empty());
        assert!(assertion.expires_at.plus_seconds(SKEW_SECONDS) > now);
        assert!(assertion.expires_at <= now.plus_seconds(LONGEST_LIFE_SECONDS + SKEW_SECONDS));
    }
}
