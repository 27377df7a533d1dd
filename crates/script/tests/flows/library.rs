//! What scripts find in the library, by known answers.

mod crypto;
mod globals;
mod http;
mod modules;

use serde_json::Value;

use crate::common::*;

/// Runs the body of an Action and gives back what it logged as JSON.
pub(crate) fn logs(body: &str) -> Vec<Value> {
    parse(console(post_login(&format!(
        "const show = (v) => console.log(JSON.stringify(v) ?? 'null'); {body}"
    ))))
}

pub(crate) fn parse(lines: Vec<String>) -> Vec<Value> {
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| Value::from(line.as_str())))
        .collect()
}

/// Checks expressions against what they must give, as JSON. All of them run in one script.
pub(crate) fn expect(preamble: &str, cases: &[(&str, Value)]) {
    let lines: Vec<_> = cases
        .iter()
        .map(|(expression, _)| {
            format!("try {{ show(await ({expression})); }} catch (e) {{ show(`threw ${{e.name}}: ${{e.message}}`); }}\n")
        })
        .collect();
    let found = logs(&format!("{preamble}\n{}", lines.concat()));
    assert_eq!(found.len(), cases.len(), "{found:?}");
    for ((expression, expected), found) in cases.iter().zip(&found) {
        assert_eq!(found, expected, "{expression}");
    }
}
