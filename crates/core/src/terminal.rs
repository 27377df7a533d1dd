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
        let steers = c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match steers {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}
