//! One-time passwords of authenticator apps: HMAC-SHA-1 over a counter (RFC 4226), which is the time (RFC 6238).

use aws_lc_rs::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use gatewright_core::mfa::otp::digits;

use crate::hashes::constant_time_eq;

/// The code of a counter.
pub fn one_time_password(secret: &[u8], counter: i64) -> String {
    let tag = sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret), &counter.to_be_bytes());
    let mut mac = [0; 20];
    mac.copy_from_slice(tag.as_ref());
    digits(&mac)
}

/// The step whose code was typed, if it is one of these. All of them are compared, each in constant time.
pub fn one_time_password_step(secret: &[u8], typed: &str, steps: [i64; 3]) -> Option<i64> {
    let mut found = None;
    for step in steps {
        if constant_time_eq(one_time_password(secret, step).as_bytes(), typed.as_bytes()) {
            found = found.or(Some(step));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_of_rfc_6238_appendix_b() {
        // The last six of its eight digits: a code is a remainder.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(one_time_password(SECRET, seconds / 30), code, "{seconds}");
        }
    }

    #[test]
    fn the_step_that_was_meant() {
        assert_eq!(one_time_password_step(SECRET, "287082", [1, 0, 2]), Some(1));
        assert_eq!(one_time_password_step(SECRET, "287082", [2, 1, 3]), Some(1));
        assert_eq!(one_time_password_step(SECRET, "287082", [3, 2, 4]), None);
        assert_eq!(one_time_password_step(SECRET, "", [1, 0, 2]), None);
    }
}
