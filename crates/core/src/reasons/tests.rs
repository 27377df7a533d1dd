//! That the registry is whole: no code twice, none used that is not in it, each reached.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::page::root;
use super::{all, find};
use crate::{client_assertion, scope, script};

/// Every Rust file below a folder of the project, with its text.
fn sources(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            match path.extension() {
                _ if path.is_dir() => open.push(path),
                Some(kind) if kind == "rs" => {
                    found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
                }
                _ => {}
            }
        }
    }
    found.sort();
    found
}

fn is_test(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folders = path.components().any(|part| part.as_os_str() == "tests");
    folders
        || name.ends_with("tests.rs")
        || matches!(name, "laws.rs" | "texts.rs" | "testing.rs" | "examples.rs")
}

/// The code of a source, without the tests that stand at its end.
fn product(text: &str) -> &str {
    text.split_once("#[cfg(test)]\nmod tests {").map_or(text, |(product, _)| product)
}

fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The literals that follow each of these beginnings, white space left out.
fn literals<'a>(text: &'a str, beginnings: &[&str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    for beginning in beginnings {
        for (at, _) in text.match_indices(beginning) {
            let rest = text[at + beginning.len()..].trim_start();
            if let Some(literal) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
                found.push(literal.0);
            }
        }
    }
    found
}

/// The last argument of each call of this function, where it is a literal.
fn last_arguments<'a>(text: &'a str, call: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(call) {
        let (mut depth, mut quoted, mut before) = (1, false, ' ');
        let rest = &text[at + call.len()..];
        let end = rest.char_indices().find(|(_, c)| {
            match c {
                '"' if before != '\\' => quoted = !quoted,
                '(' if !quoted => depth += 1,
                ')' if !quoted => depth -= 1,
                _ => {}
            }
            before = *c;
            depth == 0
        });
        let arguments = end.map_or("", |(end, _)| rest[..end].trim_end().trim_end_matches(','));
        if let Some(unquoted) = arguments.strip_suffix('"')
            && let Some((_, literal)) = unquoted.rsplit_once('"')
        {
            found.push(literal);
        }
    }
    found
}

#[test]
fn codes_are_distinct_and_say_what_is_so() {
    let mut seen = BTreeSet::new();
    for (_, entry) in all() {
        assert!(is_code(entry.code) && seen.insert(entry.code), "{}", entry.code);
        assert!(entry.says.ends_with('.') && !entry.setting.is_empty(), "{}", entry.code);
        assert!(entry.remedy.is_empty() || entry.remedy.ends_with('.'), "{}", entry.code);
        assert!(!entry.says.contains('|') && !entry.remedy.contains('|'), "{} breaks its table", entry.code);
    }
}

#[test]
fn decisions_and_registry_agree() {
    for reason in scope::Reason::ALL {
        assert_eq!(find(reason.code()).map(|entry| entry.setting), Some(reason.setting()), "{reason:?}");
    }
    for reason in script::NoteReason::ALL {
        let entry = find(reason.code()).unwrap_or_else(|| panic!("{reason:?}"));
        assert_eq!(serde_json::json!(reason), entry.code, "the log has the code");
    }
    for refusal in client_assertion::Refusal::ALL {
        assert!(find(refusal.code()).is_some(), "{refusal:?}");
    }
}

#[test]
fn no_code_is_used_that_is_not_in_the_registry() {
    let beginnings = [
        "reason: ",
        ".because(",
        "\"reason\":",
        "[\"reason\"] = json!(",
        "refused(",
        "refuse(",
        "failed(",
        "Line::new(\"none\",",
        "Line::new(\"asked\",",
        "Line::new(\"not asked\",",
        "Line::new(\"later\",",
        "Line::new(\"decided\",",
        "needs_page(error,",
    ];
    let mut wrong = Vec::new();
    let mut used = 0;
    for (path, text) in sources(&["crates/core/src", "crates/oauth/src", "crates/resources/src"]) {
        if is_test(&path) {
            continue;
        }
        let text = product(&text);
        let mut codes = literals(text, &beginnings);
        for call in ["Refusal::new(", " no(", ".make(", ".refused("] {
            codes.extend(last_arguments(text, call));
        }
        // Type codes of events are words without an underscore.
        for code in codes.into_iter().filter(|code| is_code(code) && code.contains('_')) {
            used += 1;
            if find(code).is_none() {
                wrong.push(format!("{}: {code}", path.display()));
            }
        }
    }
    assert!(used > 120, "only {used} uses were found: has the way of naming reasons changed?");
    assert!(wrong.is_empty(), "not in the registry of reasons:\n{}", wrong.join("\n"));
}

/// By code, a test that reaches it: decisions of the core are made here; what the endpoints decide is named in
/// the conversation that comes to it.
fn reached() -> BTreeMap<String, String> {
    let mut reached: BTreeMap<String, String> = BTreeMap::new();
    for code in super::examples::examples().into_keys() {
        reached.insert(code.to_owned(), "core/src/reasons/examples.rs".to_owned());
    }
    for (path, text) in sources(&["crates", "tests/wire", "tests/sdk"]) {
        let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        let shown = shown.trim_start_matches("crates/").to_owned();
        if shown.starts_with("core/src/reasons/") {
            continue;
        }
        let text = if is_test(&path) {
            text.as_str()
        } else {
            text.strip_prefix(product(&text)).unwrap_or_default()
        };
        for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
            if is_code(word) && find(word).is_some() {
                reached.entry(word.to_owned()).or_insert_with(|| shown.clone());
            }
        }
    }
    // Enumerations whose tests name the variant and not its code.
    for (code, test) in [
        ("assertion", "core/src/client_assertion_tests.rs"),
        ("client_without_private_key_jwt", "core/src/client_assertion_tests.rs"),
    ] {
        for refusal in
            client_assertion::Refusal::ALL.iter().filter(|refusal| refusal.code().starts_with(code))
        {
            reached.entry(refusal.code().to_owned()).or_insert_with(|| test.to_owned());
        }
    }
    reached
}

#[test]
fn each_code_is_reached_by_a_test() {
    let reached = reached();
    let codes = all().map(|(_, entry)| entry.code);
    let missing: Vec<&str> = codes.filter(|code| !reached.contains_key(*code)).collect();
    assert!(missing.is_empty(), "no test comes to: {missing:?}");
}
