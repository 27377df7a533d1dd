//! A decision as the log keeps it, as rows.

use serde_json::Value;

use super::Row;

/// Members of `details.decision` that are lists of rows of one kind or single rows.
const MEMBERS: [(&str, &str); 8] = [
    ("login", "login"),
    ("prompt", "prompt"),
    ("multifactor", "multifactor"),
    ("redirect", "redirect"),
    ("audience", "audience"),
    ("permissions", "permissions"),
    ("lifetime", "lifetime"),
    ("refresh_token", "refresh_token"),
];

/// The rows of `details.decision`: the refusal of the whole first, then scopes, then the rest.
pub fn rows(decision: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    // A refusal of the scope decision is told by its report, which has the names of the case.
    let scope = &decision["scope"];
    if let Some(reason) = decision["reason"].as_str().filter(|reason| scope["reason"] != **reason) {
        rows.push(Row::new("request", "", outcome_of(reason), reason).with(decision));
    }
    rows.extend(scope_rows(scope));
    for (member, kind) in MEMBERS {
        match &decision[member] {
            Value::Array(items) => rows.extend(items.iter().filter_map(|item| row(kind, item))),
            item => rows.extend(row(kind, item)),
        }
    }
    for token in ["id_token", "access_token"] {
        let groups = decision["claims"][token].as_array().into_iter().flatten();
        for group in groups {
            let names = group["claims"].as_array().into_iter().flatten().filter_map(Value::as_str);
            rows.extend(names.map(|name| claim_row(token, name, group)));
        }
    }
    rows.extend(script_rows(&decision["scripts"]));
    rows
}

/// The rows of a scope report or refusal.
pub fn scope_rows(scope: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    // A refusal has its own explanation besides those of its scopes.
    if let Some(reason) = scope["reason"].as_str() {
        rows.push(Row::new("request", "", "refused", reason).with(scope));
    }
    for entry in scope["entries"].as_array().into_iter().flatten() {
        let text = |name: &str| entry[name].as_str().unwrap_or_default();
        let outcome = match (text("outcome"), text("origin")) {
            ("granted", "script") => "added",
            (outcome, _) => outcome,
        };
        rows.push(Row::new("scope", text("scope"), outcome, text("reason")).with(entry));
    }
    rows
}

/// A reason that stands alone is a refusal, unless it tells of something that went well.
pub fn outcome_of(reason: &str) -> &'static str {
    match crate::reasons::find(reason) {
        Some(entry) if entry.remedy.is_empty() => "done",
        _ => "refused",
    }
}

pub(super) fn row(kind: &str, record: &Value) -> Option<Row> {
    let reason = record["reason"].as_str()?;
    let text = |name: &str| record[name].as_str();
    let outcome = text("outcome").unwrap_or_else(|| match kind {
        "multifactor" => crate::mfa::outcome_of(reason),
        _ => outcome_of(reason),
    });
    let item = text("item").or(text("by")).unwrap_or_default();
    let mut row = Row::new(kind, item, outcome, reason).with(record);
    let shown = shown(kind, record);
    if !shown.is_empty() {
        row.says = format!("{} {shown}", row.says).trim().to_owned();
    }
    Some(row)
}

/// What a record says in numbers and names besides its reason.
fn shown(kind: &str, record: &Value) -> String {
    let text = |name: &str| record[name].as_str();
    match kind {
        "lifetime" => record["seconds"].as_i64().map(|seconds| format!("{seconds} seconds.")),
        "redirect" => text("callback")
            .filter(|callback| callback.contains('*'))
            .map(|callback| format!("It is {callback}.")),
        "refresh_token" => family(record),
        _ => None,
    }
    .unwrap_or_default()
}

/// The family tree: which generation was presented, which is the newest, since when.
fn family(record: &Value) -> Option<String> {
    let id = record["family_id"].as_str()?;
    let text = |name: &str| record[name].as_str();
    let mut told = format!("Family {id}");
    if let (Some(mine), Some(newest)) = (record["generation"].as_i64(), record["newest_generation"].as_i64())
    {
        told.push_str(&format!(", generation {mine} of {newest}"));
    }
    for (name, words) in [
        ("issued_at", "issued"),
        ("advanced_at", "newest generation made"),
        ("last_used_at", "last used"),
        ("expires_at", "ends"),
        ("revoked_because", "revoked because"),
    ] {
        if let Some(value) = text(name) {
            told.push_str(&format!(", {words} {value}"));
        }
    }
    Some(told + ".")
}

pub(super) fn claim_row(token: &str, name: &str, group: &Value) -> Row {
    let reason = group["reason"].as_str().unwrap_or_default();
    let mut row = Row::new("claim", &format!("{token} {name}"), "stated", reason);
    row.remedy = None;
    if let Some(of) = group["of"].as_str() {
        row.says = match reason {
            "claim_of_scope" => format!("The scope {of} opens it."),
            "claim_of_script" => format!("{of} set it."),
            _ => row.says,
        };
    }
    row
}

fn script_rows(scripts: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    for note in scripts["ignored"].as_array().into_iter().flatten() {
        let text = |name: &str| note[name].as_str().unwrap_or_default();
        let item = format!("{} {}", text("command"), text("about"));
        rows.push(Row::new("script", item.trim(), "ignored", text("reason")).with(note));
    }
    rows
}
