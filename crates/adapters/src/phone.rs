//! One spelling for one telephone number.
//!
//! The numbering plans come from a library; the rule is ours. Its parser takes a trunk prefix off numbers
//! that begin with the same digit without having one: St Petersburg's +7 812 … lost its 8, and with it its
//! difference from another number. Here a number that the plan knows stays as it is.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use phonenumber::metadata::DATABASE;
use regex::{Regex, RegexBuilder};

#[cfg(test)]
mod tests;

/// E.164 allows 15 digits; punctuation may stand between them, but not without end.
const MAX_INPUT_BYTES: usize = 64;

/// The E.164 form of an international number, or `None` if it cannot be one.
///
/// Spaces and punctuation go, and so does a national trunk prefix after the calling code, if the number is
/// in the country's plan only without it: `+61 0400 000 000` becomes `+61400000000`. Without a leading `+`
/// the country is unknown, so there is no answer. A number outside its country's plan is kept as it is:
/// plans change, and providers know better. The result, normalised again, is itself.
///
/// The first call reads the numbering plans (6 MiB stay in memory, whatever countries are met): see [`warm`].
pub fn normalize_phone(input: &str) -> Option<String> {
    let digits = digits(input)?;
    // Calling codes have one to three digits and none is the beginning of another (ITU-T E.164).
    let (code, plan) = (1..=3).find_map(|length| {
        let code = digits.get(..length)?;
        Some((code, Plan::of(code.parse().ok()?)?))
    })?;
    let typed = &digits[code.len()..];
    let national = if plan.knows(typed) { typed } else { plan.without_trunk_prefix(typed).unwrap_or(typed) };
    // Whatever the plan says: 15 digits at most, and no number that is called from abroad is shorter.
    let possible = (7..=15).contains(&(code.len() + national.len()));
    possible.then(|| format!("+{code}{national}"))
}

/// What the countries of one calling code (25 have +1) say about their national numbers.
struct Plan {
    /// All their numbers, and nothing before or after: the library's own matching overlooks surplus digits.
    numbers: Regex,
    trunk_prefixes: Vec<&'static str>,
}

impl Plan {
    /// The plan of a calling code, if it is in use. Compiled when first met, then kept.
    fn of(code: u16) -> Option<Arc<Self>> {
        static MET: LazyLock<Mutex<HashMap<u16, Arc<Plan>>>> = LazyLock::new(Mutex::default);
        let countries = DATABASE.by_code(&code)?;
        // A panic while the lock is held cannot leave the map half written.
        let mut met = MET.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = met.get(&code) {
            return Some(Arc::clone(plan));
        }
        let patterns: Vec<String> = countries
            .iter()
            .map(|country| format!("(?:{})", country.descriptors().general().national_number().as_str()))
            .collect();
        let numbers = RegexBuilder::new(&format!("^(?:{})$", patterns.join("|")))
            .ignore_whitespace(true)
            .unicode(false)
            .build()
            .ok()?;
        let mut trunk_prefixes: Vec<_> =
            countries.iter().filter_map(|country| country.national_prefix()).collect();
        trunk_prefixes.sort_unstable();
        trunk_prefixes.dedup();
        let plan = Arc::new(Self { numbers, trunk_prefixes });
        met.insert(code, Arc::clone(&plan));
        Some(plan)
    }

    fn knows(&self, national: &str) -> bool {
        self.numbers.is_match(national)
    }

    fn without_trunk_prefix<'n>(&self, national: &'n str) -> Option<&'n str> {
        let mut stripped = self.trunk_prefixes.iter().filter_map(|prefix| national.strip_prefix(prefix));
        stripped.find(|national| self.knows(national))
    }
}

/// The digits after the leading `+`, if there is nothing else but punctuation.
fn digits(input: &str) -> Option<String> {
    let input = input.trim();
    if input.len() > MAX_INPUT_BYTES {
        return None;
    }
    let number = input.strip_prefix('+')?;
    let punctuation = |c: char| matches!(c, ' ' | '\u{a0}' | '-' | '.' | '(' | ')' | '/');
    if !number.chars().all(|c| c.is_ascii_digit() || punctuation(c)) {
        return None;
    }
    Some(number.chars().filter(char::is_ascii_digit).collect())
}

/// Reads the numbering plans, so that the first request does not wait for it. Blocks while it works: some
/// 70 ms in a release build, ten times that in a debug build.
pub fn warm() {
    let _ = normalize_phone("+12025550123");
}
