//! The few words in which the two engines differ.

use crate::Engine;

/// Ends a statement that takes rows to change them: others who want to wait, and see what they became.
const FOR_UPDATE: &str = " FOR UPDATE";

/// Rewrites `$1` to `?1`.
///
/// SQLite numbers a `$1` by first appearance, as a name, so `$2` before `$1` would bind wrongly; `?1`
/// is a number. Text in quotes and comments stays as it is, as does a `$` inside an identifier.
///
/// A `FOR UPDATE` at the end goes away: whoever writes is alone.
pub(crate) fn to_sqlite(sql: &str) -> String {
    let sql = sql.strip_suffix(FOR_UPDATE).map_or(sql, str::trim_end);
    let mut rewritten = String::with_capacity(sql.len());
    let mut copied = 0;
    for at in placeholders(sql) {
        rewritten.push_str(&sql[copied..at]);
        rewritten.push('?');
        copied = at + 1;
    }
    rewritten.push_str(&sql[copied..]);
    rewritten
}

/// The numbers of all placeholders, in order of appearance.
pub(crate) fn placeholder_numbers(sql: &str) -> Vec<usize> {
    let digits = |at: usize| {
        let rest = &sql[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().unwrap_or(usize::MAX)
    };
    placeholders(sql).into_iter().map(digits).collect()
}

/// Byte positions of the `$` of each placeholder.
fn placeholders(sql: &str) -> Vec<usize> {
    let bytes = sql.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        at = match bytes[at] {
            // A doubled quote inside ends one quoted part and starts the next: the same positions.
            quote @ (b'\'' | b'"') => end_of(bytes, at + 1, &[quote]),
            b'-' if bytes[at..].starts_with(b"--") => end_of(bytes, at + 2, b"\n"),
            b'/' if bytes[at..].starts_with(b"/*") => end_of(bytes, at + 2, b"*/"),
            // An identifier may hold `$`, in both engines: `a$1` is a name.
            byte if is_word(byte) && byte != b'$' => {
                bytes[at..].iter().position(|b| !is_word(*b)).map_or(bytes.len(), |n| at + n)
            }
            b'$' if bytes.get(at + 1).is_some_and(u8::is_ascii_digit) => {
                found.push(at);
                let digits = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
                at + 1 + digits
            }
            _ => at + 1,
        };
    }
    found
}

/// The position after the next `mark`, or the end of the text.
fn end_of(bytes: &[u8], from: usize, mark: &[u8]) -> usize {
    bytes[from..].windows(mark.len()).position(|w| w == mark).map_or(bytes.len(), |n| from + n + mark.len())
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// Replaces the token `{collate_c}` of composed statements: text is compared byte by byte.
pub(crate) fn expand_collation(sql: &str, engine: Engine) -> String {
    let collation = match engine {
        Engine::Sqlite => "COLLATE BINARY",
        Engine::Postgres => "COLLATE \"C\"",
    };
    sql.replace("{collate_c}", collation)
}

/// Replaces the migration tokens `{json}`, `{blob}`, `{text_c}` by the engine's types, and `{by_key}`, behind
/// a table of key columns, by what keeps the rows in the key's own tree.
pub(crate) fn expand_tokens(sql: &str, engine: Engine) -> String {
    let [json, blob, text_c, by_key] = match engine {
        Engine::Sqlite => ["TEXT", "BLOB", "TEXT COLLATE BINARY", "WITHOUT ROWID"],
        Engine::Postgres => ["JSONB", "BYTEA", "TEXT COLLATE \"C\"", ""],
    };
    sql.replace("{json}", json)
        .replace("{blob}", blob)
        .replace("{text_c}", text_c)
        .replace("{by_key}", by_key)
}

#[cfg(test)]
#[path = "dialect_tests.rs"]
mod tests;
