//! The why-table: each thing that was decided, what became of it, the reason, the remedy.
//!
//! It reads the `decision` member of a log event as it is, so whatever a flow records there, in the shape of the
//! scope report or as a single reason, is shown without this page knowing of it.

use askama::Template;
use gatewright_core::explain::Report;
use serde_json::{Value, json};

use crate::api::encoded;
use crate::view::text;

/// The table.
#[derive(Template)]
#[template(path = "why.html")]
pub(crate) struct WhyTable {
    pub(crate) title: String,
    pub(crate) rows: Vec<WhyRow>,
}

/// One thing that was decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WhyRow {
    pub(crate) name: String,
    /// `granted`, `added`, `dropped`, `refused`, or empty where a reason stands alone.
    pub(crate) outcome: String,
    pub(crate) reason: String,
    pub(crate) says: String,
    pub(crate) remedy: String,
    /// Where the setting is that decided, and its name.
    pub(crate) place: Option<(String, String)>,
    /// Another request that would not have this reason.
    pub(crate) instead: Option<(String, String)>,
}

impl WhyRow {
    fn of(name: &str, entry: &Value) -> Self {
        let outcome = match (text(entry, "outcome"), text(entry, "origin")) {
            ("granted", "default" | "script") => "added",
            (outcome, _) => outcome,
        };
        Self {
            name: name.to_owned(),
            outcome: outcome.to_owned(),
            reason: text(entry, "reason").to_owned(),
            says: text(entry, "says").to_owned(),
            remedy: text(entry, "remedy").to_owned(),
            place: place(&entry["change"], text(entry, "setting")),
            instead: None,
        }
    }
}

/// The page of the dashboard on which a proposed change is made.
fn place(change: &Value, setting: &str) -> Option<(String, String)> {
    let id = change["id"].as_str().or_else(|| change["value"]["client_id"].as_str())?;
    let path = match text(change, "resource") {
        "clients" => "applications",
        "users" => "users",
        "resource-servers" => "apis",
        _ => return None,
    };
    Some((format!("/dashboard/{path}/{}", encoded(id)), setting.to_owned()))
}

/// The rows of a scope report, or of a refusal of the scope decision.
pub(crate) fn scope_rows(report: &Value) -> Vec<WhyRow> {
    let entries = report["entries"].as_array().into_iter().flatten();
    let mut rows: Vec<WhyRow> = entries.map(|entry| WhyRow::of(text(entry, "scope"), entry)).collect();
    if report["error"].is_string() {
        let mut whole = WhyRow::of("the request", report);
        whole.outcome = "refused".to_owned();
        rows.insert(0, whole);
    }
    rows
}

/// The rows of a preview: what is refused, and the scopes.
pub(crate) fn report_rows(report: &Report) -> Vec<WhyRow> {
    let told = report.rows.iter().filter(|row| row.kind == "scope" || row.kind == "request");
    told.map(|row| {
        let name = if row.kind == "request" { "the request" } else { &row.item };
        WhyRow::of(name, &json!(row))
    })
    .collect()
}

/// The tables of a `decision`: that of the scopes first.
pub(crate) fn tables(decision: &Value) -> Vec<WhyTable> {
    let mut tables = Vec::new();
    let rows = scope_rows(&decision["scope"]);
    if !rows.is_empty() {
        let audience = &decision["scope"]["audience"];
        let audience = audience["identifier"].as_str().or_else(|| audience.as_str());
        let of = audience.map_or_else(|| "for /userinfo only".to_owned(), |api| format!("for {api}"));
        tables.push(WhyTable { title: format!("Scopes {of}"), rows });
    }
    let mut others = Vec::new();
    if decision["reason"].is_string() {
        others.push(WhyRow::of("the request", decision));
    }
    for (name, part) in decision.as_object().into_iter().flatten().filter(|(name, _)| *name != "scope") {
        match part {
            Value::Object(_) if part["reason"].is_string() => others.push(WhyRow::of(name, part)),
            Value::Array(parts) => {
                let named = |part: &Value| {
                    let names = ["name", "claim", "scope", "permission", "id", "script"];
                    let own = names.into_iter().find_map(|member| part[member].as_str()).unwrap_or(name);
                    WhyRow::of(own, part)
                };
                others.extend(parts.iter().filter(|part| part["reason"].is_string()).map(named));
            }
            _ => {}
        }
    }
    if !others.is_empty() {
        tables.push(WhyTable { title: "What else was decided".to_owned(), rows: others });
    }
    tables
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::tables;

    #[test]
    fn a_decision_becomes_tables() {
        let decision = json!({
            "scope": {"audience": {"kind": "api", "identifier": "https://x/api/v2/"}, "entries": [
                {"scope": "openid", "origin": "requested", "outcome": "granted", "reason": "oidc_standard"},
                {"scope": "read:users", "origin": "requested", "outcome": "dropped", "reason": "end_user_token_limit",
                 "says": "No.", "remedy": "Ask.", "setting": "client.x", "change": {"resource": "clients", "id": "a|b"}},
            ]},
            "login": {"by": "session", "reason": "session_alive", "says": "Alive."},
            "claims": [{"claim": "https://x/role", "reason": "added_by_script"}],
        });
        let tables = tables(&decision);
        assert_eq!(tables[0].title, "Scopes for https://x/api/v2/");
        let dropped = &tables[0].rows[1];
        assert_eq!((dropped.outcome.as_str(), dropped.remedy.as_str()), ("dropped", "Ask."));
        assert_eq!(dropped.place.as_ref().unwrap().0, "/dashboard/applications/a%7Cb");
        let names: Vec<&str> = tables[1].rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(
            names,
            ["claims", "login"].map(|name| if name == "claims" { "https://x/role" } else { name })
        );
    }
}
