//! Tokens that somebody presents: as bare text, and with a good signature over bytes of their choice.

use std::sync::{Arc, LazyLock};

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_jose::{Expect, SigningKey, parse_unverified, verify};
use serde_json::Value;

const ISSUER: &str = "https://tenant.example.com/";
const NOW: i64 = 1_790_000_000;

static KEY: LazyLock<Arc<SigningKey>> = LazyLock::new(|| {
    let now = Timestamp::from_seconds(NOW);
    let new =
        SigningKey::generate_rsa(&Random::system(), now, "tenant.example.com").expect("a key can be made");
    let key = SigningKey::load(&new.kid, &new.pkcs8, &new.certificate_der).expect("our own key can be read");
    Arc::new(key)
});

/// Whatever the text: no token is accepted that this server did not sign, and a signed one only while it
/// is valid.
pub fn run(data: &[u8]) {
    let expect =
        Expect { issuer: ISSUER, audience: None, now: Timestamp::from_seconds(NOW), leeway_seconds: 0 };
    let keys = [Arc::clone(&KEY)];
    let text = String::from_utf8_lossy(data);
    let _ = parse_unverified(&text);
    assert!(verify(&text, &keys, &expect).is_err(), "nobody signed this: {text}");

    // The claims are the attacker's where one of our own features signs what a caller sent.
    let Ok(claims @ Value::Object(_)) = serde_json::from_slice::<Value>(data) else { return };
    let Ok(token) = KEY.sign("JWT", &claims) else { return };
    if let Ok(read) = verify(&token, &keys, &expect) {
        assert_eq!(read, claims);
        assert_eq!(read["iss"], ISSUER);
        assert!(read["exp"].as_f64().is_some_and(|exp| exp > NOW as f64), "expired: {read}");
    }
}
