//! How values are written into the index: one text each, whose byte order is the values' order.
//!
//! The first letter is the type (`b`, `n`, `s`), so that a range of numbers never meets a text.

/// Longer texts are not searchable, in bytes: both databases limit the length of a key.
pub const LONGEST_TEXT: usize = 1000;

/// The key of a text; `None` if it is too long.
pub fn text_key(text: &str) -> Option<String> {
    (text.len() <= LONGEST_TEXT).then(|| format!("s{text}"))
}

/// The key of a truth value.
pub fn bool_key(value: bool) -> String {
    if value { "b1".to_owned() } else { "b0".to_owned() }
}

/// The key of a number. Integers beyond 2^53 are rounded.
pub fn number_key(number: f64) -> String {
    // Both zeros are one number.
    let bits = if number == 0.0 { 0 } else { number.to_bits() };
    // Negative floats order backwards, and their sign bit would put them last.
    let ordered = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
    format!("n{ordered:016x}")
}

/// A text as the fields that ignore case compare it.
pub fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// The first text after all that begin with `prefix`, in byte order; `None` if there is none.
pub fn after_prefix(prefix: &str) -> Option<String> {
    let mut letters: Vec<char> = prefix.chars().collect();
    while let Some(last) = letters.pop() {
        // The next scalar value; surrogates are none.
        let next = if last == '\u{D7FF}' { Some('\u{E000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            letters.push(next);
            return Some(letters.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{after_prefix, number_key};

    proptest! {
        #[test]
        fn keys_of_numbers_order_as_the_numbers(a in proptest::num::f64::NORMAL, b in -1000_i32..1000) {
            let b = f64::from(b);
            prop_assert_eq!(number_key(a).cmp(&number_key(b)), a.total_cmp(&b));
        }

        #[test]
        fn a_prefix_ends_before_the_text_after_it(prefix in ".{1,5}", rest in ".{0,5}") {
            let text = format!("{prefix}{rest}");
            if let Some(end) = after_prefix(&prefix) {
                prop_assert!(text < end && prefix < end);
            }
        }
    }

    #[test]
    fn zero_is_one_number() {
        assert_eq!(number_key(0.0), number_key(-0.0));
        assert!(number_key(-1.0) < number_key(0.0) && number_key(0.0) < number_key(0.5));
    }

    #[test]
    fn the_text_after_a_prefix() {
        assert_eq!(after_prefix("jo").as_deref(), Some("jp"));
        assert_eq!(after_prefix("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{10FFFF}"), None);
        assert_eq!(after_prefix("\u{D7FF}").as_deref(), Some("\u{E000}"));
        assert_eq!(after_prefix(""), None);
    }
}
