//! The why-table: each thing that was decided, what became of it, the reason, the remedy.
//!
//! The rows are those of `gatewright explain` ([`gatewright_core::explain::recorded`]): whatever a flow records as
//! its decision reads the same on the command line and here. A remedy that a change of a setting would be can be
//! pressed ([`crate::remedy`]).

use askama::Template;
use gatewright_core::explain::{Report, Row, Then, apply, recorded};
use serde_json::{Value, json};

use crate::api::encoded;
use crate::session::CSRF;
use crate::view::text;

/// The table.
#[derive(Template)]
#[template(path = "why.html")]
pub(crate) struct WhyTable {
    pub(crate) title: String,
    pub(crate) rows: Vec<WhyRow>,
    pub(crate) remedies: Remedies,
}

/// What becomes of a remedy that is pressed.
#[derive(Clone, Debug, Default)]
pub(crate) enum Remedies {
    /// None can be pressed.
    #[default]
    Read,
    /// It is confirmed and made, then the browser goes back.
    Pressed {
        /// The token of this session's forms.
        csrf: String,
        /// The page it was pressed on.
        back: String,
    },
    /// Nobody is logged in who could make it; this page of the dashboard shows the same.
    Elsewhere(String),
}

/// One thing that was decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct WhyRow {
    pub(crate) name: String,
    /// `granted`, `added`, `dropped`, `refused`, or a word of its kind.
    pub(crate) outcome: String,
    pub(crate) reason: String,
    pub(crate) says: String,
    pub(crate) remedy: String,
    /// The changes of settings that together would be the remedy, as a JSON array in the order in which they can be
    /// made.
    pub(crate) changes: Option<String>,
    /// Decided again: what became of it then, where that was something else.
    pub(crate) then: Option<Then>,
    /// Why it was not decided again.
    pub(crate) kept: Option<String>,
    /// It was decided again.
    pub(crate) is_again: bool,
    /// Where the setting is that decided, and its name.
    pub(crate) place: Option<(String, String)>,
    /// Another request that would not have this reason.
    pub(crate) instead: Option<(String, String)>,
}

impl From<Row> for WhyRow {
    fn from(row: Row) -> Self {
        let changes = row.changes();
        let can_be_made = !changes.is_empty() && changes.iter().all(|change| apply::plan(change).is_some());
        let changes = can_be_made.then(|| json!(changes).to_string());
        let is_again = row.then.is_some();
        Self {
            place: place(row.change.as_ref().unwrap_or(&Value::Null), row.setting.as_deref()),
            changes,
            is_again,
            name: named(&row),
            then: row.then.clone().filter(|then| then.differs(&row)),
            kept: row.kept,
            outcome: row.outcome,
            reason: row.reason,
            says: row.says,
            remedy: row.remedy.unwrap_or_default(),
            instead: None,
        }
    }
}

/// What a row is about, in words.
fn named(row: &Row) -> String {
    match row.kind.as_str() {
        "scope" => row.item.clone(),
        "claim" => row.item.split_once(' ').map_or(&*row.item, |(_, claim)| claim).to_owned(),
        "request" => "the request".to_owned(),
        "login" => "login".to_owned(),
        kind => format!("{} {}", kind.replace('_', " "), row.item.replace('_', " ")).trim().to_owned(),
    }
}

/// The page of the dashboard on which a proposed change is made.
fn place(change: &Value, setting: Option<&str>) -> Option<(String, String)> {
    let id = change["id"].as_str().or_else(|| change["value"]["client_id"].as_str())?;
    let path = match text(change, "resource") {
        "clients" => "applications",
        "users" => "users",
        "resource-servers" => "apis",
        _ => return None,
    };
    Some((format!("/dashboard/{path}/{}", encoded(id)), setting?.to_owned()))
}

/// The rows of a preview: what is refused, and the scopes.
pub(crate) fn report_rows(report: &Report) -> Vec<WhyRow> {
    let told = report.rows.iter().filter(|row| row.kind == "scope" || row.kind == "request");
    told.cloned().map(WhyRow::from).collect()
}

/// The tables of a `decision`: that of the scopes first, the claims last.
pub(crate) fn tables(decision: &Value, remedies: &Remedies) -> Vec<WhyTable> {
    tables_of(recorded::rows(decision), decision, remedies)
}

/// The same of rows that were made of it, such as those of a decision made again.
pub(crate) fn tables_of(rows: Vec<Row>, decision: &Value, remedies: &Remedies) -> Vec<WhyTable> {
    let (mut scopes, mut others, mut id_token, mut access_token) = (vec![], vec![], vec![], vec![]);
    for row in rows {
        let rows = match row.kind.as_str() {
            // The refusal of the scopes stands above them.
            "request" if decision["scope"]["reason"] == row.reason.as_str() => &mut scopes,
            "scope" => &mut scopes,
            "claim" if row.item.starts_with("id_token ") => &mut id_token,
            "claim" => &mut access_token,
            _ => &mut others,
        };
        add(rows, row);
    }
    let audience = &decision["scope"]["audience"];
    let audience = audience["identifier"].as_str().or_else(|| audience.as_str());
    let of = audience.map_or_else(|| "for /userinfo only".to_owned(), |api| format!("for {api}"));
    let all = [
        (format!("Scopes {of}"), scopes),
        ("What else was decided".to_owned(), others),
        ("Where the claims of the ID token come from".to_owned(), id_token),
        ("Where the claims of the access token come from".to_owned(), access_token),
    ];
    let some = all.into_iter().filter(|(_, rows)| !rows.is_empty());
    some.map(|(title, rows)| WhyTable { title, rows, remedies: remedies.clone() }).collect()
}

/// Adds a row. Claims that come from the same place share one.
fn add(rows: &mut Vec<WhyRow>, row: Row) {
    let is_claim = row.kind == "claim";
    let row = WhyRow::from(row);
    match rows.last_mut() {
        Some(last)
            if is_claim
                && (&last.reason, &last.says, &last.then, &last.kept)
                    == (&row.reason, &row.says, &row.then, &row.kept) =>
        {
            last.name = format!("{} {}", last.name, row.name);
        }
        _ => rows.push(row),
    }
}

impl WhyTable {
    const fn csrf_name() -> &'static str {
        CSRF
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Remedies, tables};

    #[test]
    fn a_decision_becomes_tables() {
        let decision = json!({
            "scope": {"audience": {"kind": "api", "identifier": "https://x/api/v2/"}, "entries": [
                {"scope": "openid", "origin": "requested", "outcome": "granted", "reason": "oidc_standard"},
                {"scope": "read:users", "origin": "requested", "outcome": "dropped", "reason": "end_user_token_limit",
                 "says": "No.", "remedy": "Ask.", "setting": "client.x",
                 "change": {"resource": "clients", "id": "a|b", "action": "set", "field": "x", "value": 1}},
                {"scope": "drink", "origin": "requested", "outcome": "dropped", "reason": "permission_missing",
                 "change": {"resource": "users", "id": null, "action": "append", "field": "permissions", "value": {}}},
            ]},
            "login": {"by": "session", "reason": "session_alive", "says": "Alive."},
            "claims": {"id_token": [{"reason": "claim_of_scope", "of": "profile", "claims": ["name", "nickname"]}]},
        });
        let tables = tables(&decision, &Remedies::Read);
        assert_eq!(tables[0].title, "Scopes for https://x/api/v2/");
        let dropped = &tables[0].rows[1];
        assert_eq!((dropped.outcome.as_str(), dropped.remedy.as_str()), ("dropped", "Ask."));
        assert_eq!(dropped.place.as_ref().unwrap().0, "/dashboard/applications/a%7Cb");
        assert!(dropped.changes.as_ref().is_some_and(|changes| changes.starts_with("[{")));
        // Nobody knows yet who will log in, so nobody can be given the permission.
        assert_eq!(tables[0].rows[2].changes, None);
        assert_eq!(tables[1].rows[0].name, "login");
        assert_eq!(tables[2].rows.len(), 1);
        assert_eq!(tables[2].rows[0].name, "name nickname");
    }
}
