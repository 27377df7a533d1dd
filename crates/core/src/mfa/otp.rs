//! One-time passwords of apps: which time steps count, what an app is told, and how its code is written.
//!
//! RFC 6238 on RFC 4226, with what authenticator apps expect: SHA-1, six digits, 30 seconds. The keyed hash itself is
//! computed where keys are used (`jose`).

use crate::time::Timestamp;

/// Digits of a code.
pub const DIGITS: u32 = 6;
/// Length of a time step in seconds.
pub const STEP_SECONDS: i64 = 30;
/// Bytes of a new secret, RFC 4226 section 4 (R6).
pub const SECRET_BYTES: usize = 20;

/// RFC 4648 section 6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The time steps whose codes are taken at a moment: its own, the one before, the one after (RFC 6238 section 6).
pub fn steps(now: Timestamp) -> [i64; 3] {
    let step = now.micros().div_euclid(STEP_SECONDS * 1_000_000);
    [step, step - 1, step + 1]
}

/// The code of a keyed hash, RFC 4226 section 5.3.
pub fn digits(mac: &[u8; 20]) -> String {
    let offset = usize::from(mac[19] & 0x0f);
    let four = [mac[offset] & 0x7f, mac[offset + 1], mac[offset + 2], mac[offset + 3]];
    let code = u32::from_be_bytes(four) % 10_u32.pow(DIGITS);
    format!("{code:06}")
}

/// Base32 without padding, as people type secrets and apps read them.
pub fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut group = [0_u8; 8];
        group[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(group);
        let characters = (chunk.len() * 8).div_ceil(5);
        for at in 0..characters {
            let index = usize::try_from((bits >> (35 - 5 * at)) & 31).unwrap_or_default();
            text.push(char::from(BASE32[index]));
        }
    }
    text
}

/// The bytes of base32 text in any case, with or without padding and blanks; `None` where it is none.
pub fn from_base32(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0_u32);
    for byte in text.bytes().filter(|byte| !matches!(byte, b' ' | b'-' | b'=')) {
        let value = BASE32.iter().position(|known| *known == byte.to_ascii_uppercase())?;
        held = (held << 5) | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

/// What a QR code tells an app: whose account it is, and the secret in base32.
pub fn uri(issuer: &str, account: &str, secret: &str) -> String {
    let (issuer, account) = (percent_encoded(issuer), percent_encoded(account));
    format!(
        "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}\
         &period={STEP_SECONDS}"
    )
}

/// RFC 3986 section 2.1, everything that is not unreserved: some apps take a plus sign for itself.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_of_rfc_4648_section_10() {
        for (plain, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(plain.as_bytes()), text);
            assert_eq!(from_base32(text).as_deref(), Some(plain.as_bytes()), "{text}");
        }
        assert_eq!(from_base32("mzxw 6ytb oi==").as_deref(), Some(&b"foobar"[..]));
        assert_eq!(from_base32("MZXW1"), None);
    }

    #[test]
    fn the_code_of_rfc_4226_section_5_4() {
        let mac = [
            0x1f, 0x86, 0x98, 0x69, 0x0e, 0x02, 0xca, 0x16, 0x61, 0x85, 0x50, 0xef, 0x7f, 0x19, 0xda, 0x8e,
            0x94, 0x5b, 0x55, 0x5a,
        ];
        assert_eq!(digits(&mac), "872921");
    }

    #[test]
    fn one_step_of_drift_each_way() {
        assert_eq!(steps(Timestamp::from_micros(59_999_999)), [1, 0, 2]);
        assert_eq!(steps(Timestamp::from_micros(60_000_000)), [2, 1, 3]);
    }

    #[test]
    fn an_app_is_told_who_and_how() {
        assert_eq!(
            uri("Ada & Co", "ada+1@example.com", "MZXW6"),
            "otpauth://totp/Ada%20%26%20Co:ada%2B1%40example.com?secret=MZXW6&issuer=Ada%20%26%20Co&algorithm=SHA1\
             &digits=6&period=30"
        );
    }
}
