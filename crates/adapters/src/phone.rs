//! One spelling for one telephone number.

use phonenumber::Mode;

#[cfg(test)]
mod tests;

/// E.164 allows 15 digits; spaces and punctuation may stand between them, but not without end.
const MAX_INPUT_BYTES: usize = 64;

/// The E.164 form of an international number, or `None` if it cannot be one.
///
/// Spaces and punctuation go, and so does a national trunk prefix after the country code:
/// `+61 0400 000 000` becomes `+61400000000`. Without a leading `+` the country is unknown, so there is
/// no answer. The result, normalised again, is itself.
///
/// The first call reads the numbering plans: call [`warm`] in the background at start.
pub fn normalize_phone(input: &str) -> Option<String> {
    let input = input.trim();
    if input.len() > MAX_INPUT_BYTES || !input.starts_with('+') {
        return None;
    }
    // The parser also takes letters ("1-800-FLOWERS") and extensions; a message goes to digits only.
    let accepted = |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '.' | '(' | ')' | '/');
    if !input.chars().all(accepted) {
        return None;
    }
    let number = phonenumber::parse(None, input).ok()?;
    let normalised = phonenumber::format(&number).mode(Mode::E164).to_string();
    let digits = normalised.strip_prefix('+')?;
    let possible = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    possible.then_some(normalised)
}

/// Reads the numbering plans, so that the first request does not wait for it. Blocks while it works.
pub fn warm() {
    let _ = normalize_phone("+12025550123");
}
