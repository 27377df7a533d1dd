//! Why: what was decided, or would be, as a table that people read.
//!
//! Owns: what can be asked about ([`given`]), the rows of a decision that was recorded ([`recorded`]) or is
//! made up from a request ([`preview`]), deciding a record again ([`again`], its scopes by [`replay`], its request
//! from what the log keeps of it, [`asked`]), the text of the table ([`table`]). Does not own: deciding, fetching, changing settings.
//!
//! Reading order: [`Report`], [`recorded`], [`again`].

pub mod again;
pub mod apply;
pub mod asked;
pub mod given;
pub mod preview;
pub mod recorded;
pub mod replay;
pub mod table;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::reasons;

/// One thing that was decided: what it is, what became of it, why, and what would change it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What kind of thing: `scope`, `claim`, `audience`, `lifetime`, `refresh_token`, `prompt`, `redirect`,
    /// `permissions`, `login`, `multifactor`, `request`, `script`; decided again also `client`, `connection`.
    pub kind: String,
    /// Its name, e.g. the scope.
    pub item: String,
    /// What became of it: `granted`, `added`, `dropped`, `refused`, or a word of its kind.
    pub outcome: String,
    /// The stable code, see `docs/reasons.md`.
    pub reason: String,
    /// A sentence: what is so.
    pub says: String,
    /// The setting that decided.
    pub setting: Option<String>,
    /// Which one: the id of the resource that has the setting.
    pub setting_id: Option<String>,
    /// What to do about it; absent where nothing has to be done.
    pub remedy: Option<String>,
    /// The smallest change of a setting that would do it, as [`crate::scope::Change`] writes it.
    pub change: Option<Value>,
    /// What has to be changed besides, for `change` alone would not do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further_changes: Vec<Value>,
    /// Decided again: what became of it when it was recorded. The members above say what would become of it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Then>,
    /// Asked to be decided again, and not: why it stands as it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
}

/// How a row that is decided again was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Then {
    /// See [`Row::outcome`]; `absent` where the record has no such row.
    pub outcome: String,
    /// See [`Row::reason`].
    pub reason: String,
    /// See [`Row::says`].
    pub says: String,
}

impl Then {
    /// Of a row as it was recorded.
    pub(crate) fn of(row: &Row) -> Self {
        Self { outcome: row.outcome.clone(), reason: row.reason.clone(), says: row.says.clone() }
    }

    /// Whether the row came out otherwise by now.
    pub fn differs(&self, now: &Row) -> bool {
        // A lifetime has its seconds in its sentence.
        let numbers = now.kind == "lifetime" && self.says != now.says;
        self.outcome != now.outcome || self.reason != now.reason || numbers
    }
}

impl Row {
    /// A row whose words are those of the registry.
    pub fn new(kind: &str, item: &str, outcome: &str, reason: &str) -> Self {
        let entry = reasons::find(reason);
        let text = |words: Option<&str>| words.filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            kind: kind.to_owned(),
            item: item.to_owned(),
            outcome: outcome.to_owned(),
            reason: reason.to_owned(),
            says: entry.map(|entry| entry.says.to_owned()).unwrap_or_default(),
            setting: text(entry.map(|entry| entry.setting)),
            remedy: text(entry.map(|entry| entry.remedy)),
            ..Self::default()
        }
    }

    /// The changes that together would do it, in the order in which they can be made.
    pub fn changes(&self) -> Vec<&Value> {
        in_order(self.proposed())
    }

    fn proposed(&self) -> impl Iterator<Item = &Value> {
        self.change.iter().chain(&self.further_changes)
    }

    /// Whether it came out as it was wanted.
    pub fn is_good(&self) -> bool {
        !matches!(self.outcome.as_str(), "dropped" | "refused" | "ignored" | "none")
    }

    /// The same with what a record says of its own, which wins over the registry.
    #[must_use]
    pub(crate) fn with(mut self, record: &Value) -> Self {
        let text = |name: &str| record[name].as_str().map(str::to_owned);
        self.says = text("says").unwrap_or(self.says);
        self.setting = text("setting").or(self.setting);
        self.setting_id = text("setting_id").or(self.setting_id);
        self.remedy = match self.is_good() {
            true => None,
            false => text("remedy").or(self.remedy),
        };
        self.change = record.get("change").filter(|change| !change.is_null()).cloned();
        self.further_changes = record["further_changes"].as_array().cloned().unwrap_or_default();
        self
    }
}

/// The answer to "why".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What was asked about: `authorize_url`, `token`, `refresh_token`, `log_event`, `reason`.
    pub about: String,
    /// `recorded`: as it was decided then; `now`: against the configuration of this moment.
    pub basis: String,
    /// Facts for the head of the table, in order: client, user, time.
    pub facts: Vec<(String, String)>,
    /// The whole in a sentence.
    pub verdict: String,
    /// What was decided.
    pub rows: Vec<Row>,
    /// What is different now from what was recorded, where both were asked for.
    pub differs: Vec<String>,
}

impl Report {
    /// The changes that the rows propose, each once, in an order in which they can be made: a grant holds what
    /// its API defines.
    pub fn changes(&self) -> Vec<&Value> {
        in_order(self.rows.iter().flat_map(Row::proposed))
    }
}

fn in_order<'a>(changes: impl Iterator<Item = &'a Value>) -> Vec<&'a Value> {
    let mut all: Vec<&Value> = Vec::new();
    for change in changes {
        if !all.contains(&change) {
            all.push(change);
        }
    }
    let order = ["resource-servers", "clients", "client-grants", "users"];
    all.sort_by_key(|change| order.iter().position(|resource| change["resource"] == **resource));
    all
}
