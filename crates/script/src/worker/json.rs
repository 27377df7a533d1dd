//! Values of scripts as JSON text that crosses safely.

use rquickjs::{Ctx, Error, Exception, Value};

/// How deep arrays and objects may be nested: readers of JSON give up at 128, and what crosses is wrapped.
const DEEPEST: usize = 100;

/// A value as `JSON.stringify` would write it, whatever the script made of that; null where there is no text.
///
/// # Errors
/// What a `toJSON` or a getter threw, a cycle, or nesting beyond [`DEEPEST`].
pub(super) fn text<'js>(ctx: &Ctx<'js>, value: Value<'js>) -> Result<String, Error> {
    let Some(text) = ctx.json_stringify(value)? else { return Ok("null".to_owned()) };
    let text = text.to_string()?;
    crossing(text).ok_or_else(|| Exception::throw_range(ctx, "The value is nested too deeply"))
}

/// Half a surrogate pair is written as an escape, and no other character of that range is; strict readers
/// refuse it, so it becomes the replacement character. `None` if the text is nested too deeply.
fn crossing(mut text: String) -> Option<String> {
    let (mut depth, mut in_string, mut lone) = (0_usize, false, Vec::new());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], in_string) {
            (b'\\', true) => {
                if bytes.get(at + 1) == Some(&b'u') && matches!(bytes.get(at + 2), Some(b'd' | b'D')) {
                    lone.push(at);
                }
                at += 1;
            }
            (b'"', _) => in_string = !in_string,
            (b'[' | b'{', false) => {
                depth += 1;
                if depth > DEEPEST {
                    return None;
                }
            }
            (b']' | b'}', false) => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    for at in lone {
        // \ud7ff and below are characters, written as such, but no harm would be done.
        text.replace_range(at + 2..at + 6, "fffd");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogates_and_deep_nesting_do_not_cross() {
        assert_eq!(
            crossing(r#"{"a":"\ud800x","b":"\\ud800"}"#.into()).unwrap(),
            r#"{"a":"\ufffdx","b":"\\ud800"}"#
        );
        assert_eq!(crossing("[".repeat(101)), None);
        let brackets = format!("\"{}\"", "[".repeat(500));
        assert_eq!(crossing(brackets.clone()), Some(brackets));
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert!(serde_json::from_str::<serde_json::Value>(&crossing(deep).unwrap()).is_ok());
    }
}
