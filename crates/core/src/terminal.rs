//! Texts of others on a terminal.

/// The text with everything escaped that would steer a terminal or turn the order of what stands beside it: control
/// characters, and the marks of Unicode for direction and for ends of lines.
///
/// ```
/// # use gatewright_core::terminal::printable;
/// assert_eq!(printable("a\u{1b}[2Jb\u{202e}c"), "a\\u{1b}[2Jb\\u{202e}c");
/// ```
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match steers(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// JSON with the same characters escaped as JSON does it, so that it says the same to who parses it. They stand in
/// strings only: the text is one line.
///
/// ```
/// # use gatewright_core::terminal::printable_json;
/// let text = serde_json::json!({"a": "\u{9b}2J\u{202e}\u{7f}"}).to_string();
/// assert_eq!(printable_json(&text), "{\"a\":\"\\u009b2J\\u202e\\u007f\"}");
/// ```
pub fn printable_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        match steers(c) {
            true => shown.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => shown.push(c),
        }
    }
    shown
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
