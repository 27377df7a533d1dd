//! The value of the scope decision, as the token endpoint, the tenant log and people read it.

use serde::Serialize;

use super::reason::{Explanation, Reason};
use crate::errors::OAuthError;
use crate::terminal::printable;

/// For whom the access token is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Audience {
    /// No API: an opaque token, good at `/userinfo` only.
    Opaque,
    /// A JWT for one API.
    Api {
        /// The API's identifier.
        identifier: String,
        /// `true` makes `aud` an array of the API and `/userinfo`: `openid` was granted and the API
        /// signs with a key pair that `/userinfo` can check.
        with_userinfo: bool,
    },
}

/// How a scope came to be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The request named it.
    Requested,
    /// The flow adds it because the request named none.
    Default,
    /// A script added it.
    Script,
}

/// What became of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// In the token.
    Granted,
    /// Left out; the request goes on.
    Dropped,
    /// The whole request was refused.
    Refused,
}

impl Outcome {
    /// The word used in logs and tables.
    pub const fn word(self) -> &'static str {
        match self {
            Outcome::Granted => "granted",
            Outcome::Dropped => "dropped",
            Outcome::Refused => "refused",
        }
    }
}

/// One scope, what became of it, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScopeEntry {
    /// The scope as the request wrote it.
    pub scope: String,
    /// Asked for, or added.
    pub origin: Origin,
    /// In the token or not.
    pub outcome: Outcome,
    /// Why, for people: a sentence, a remedy, a change to a setting.
    #[serde(flatten)]
    pub why: Explanation,
}

impl ScopeEntry {
    /// The one reason for the outcome.
    pub fn reason(&self) -> Reason {
        self.why.reason
    }
}

/// What was decided for a request that may go on.
///
/// As JSON, in the `details` of a log event:
///
/// ```json
/// { "flow": "implicit",
///   "audience": { "kind": "api", "identifier": "https://…/api/v2/", "with_userinfo": true },
///   "entries": [ { "scope": "read:users", "origin": "requested", "outcome": "dropped",
///                  "reason": "end_user_token_limit", "setting": "…", "says": "…", "remedy": "…",
///                  "change": null } ] }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScopeReport {
    /// [`super::Flow::name`].
    pub flow: &'static str,
    /// For whom the access token is.
    pub audience: Audience,
    /// Requested scopes in request order, then defaults.
    pub entries: Vec<ScopeEntry>,
}

impl ScopeReport {
    /// The scopes that go into the token, in request order.
    pub fn granted(&self) -> Vec<&str> {
        let granted = self.entries.iter().filter(|entry| entry.outcome == Outcome::Granted);
        granted.map(|entry| entry.scope.as_str()).collect()
    }

    /// Whether this scope goes into the token.
    pub fn grants(&self, scope: &str) -> bool {
        self.granted().contains(&scope)
    }

    /// The granted scopes joined by spaces: the `scope` of the token and of the reply.
    pub fn scope_text(&self) -> String {
        self.granted().join(" ")
    }

    /// The report as an aligned plain text table, remedies on lines of their own.
    pub fn table(&self) -> String {
        table(&self.entries)
    }
}

/// A request refused by the scope decision, with the same explanations as a report.
///
/// As JSON it has the members of [`ScopeReport`], with `audience` as the text that was asked for (or
/// null) and these besides: `error`, `error_description`, and the explanation of the refusal itself
/// (`reason`, `setting`, `says`, `remedy`, `change`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScopeRefusal {
    /// What the caller is told.
    #[serde(flatten, serialize_with = "wire_members")]
    pub error: OAuthError,
    /// Why, for the owner of the client; never sent to the caller.
    #[serde(flatten)]
    pub why: Explanation,
    /// [`super::Flow::name`].
    pub flow: &'static str,
    /// The audience asked for, as the request wrote it.
    pub audience: Option<String>,
    /// Every requested scope; empty when the `scope` parameter itself was beyond the limits.
    pub entries: Vec<ScopeEntry>,
}

impl ScopeRefusal {
    /// The refusal and what became of each scope as plain text.
    pub fn table(&self) -> String {
        let mut text = format!("refused  {}  {}\n", self.why.reason.code(), printable(&self.why.says));
        if let Some(remedy) = &self.why.remedy {
            text.push_str(&format!("         remedy: {}\n", printable(remedy)));
        }
        text + &table(&self.entries)
    }
}

fn wire_members<S: serde::Serializer>(error: &OAuthError, serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeMap;
    let mut members = serializer.serialize_map(Some(2))?;
    members.serialize_entry("error", &error.code)?;
    members.serialize_entry("error_description", &error.description)?;
    members.end()
}

/// Neighbours granted for the same reason share a line; they need no sentence.
fn table(entries: &[ScopeEntry]) -> String {
    let mut rows: Vec<(String, &ScopeEntry)> = Vec::new();
    for entry in entries {
        let name = printable(&entry.scope);
        match rows.last_mut() {
            Some((names, first)) if alike(first, entry) => {
                names.push_str(", ");
                names.push_str(&name);
            }
            _ => rows.push((name, entry)),
        }
    }
    // A long line of names must not push every other row to the right.
    let width = rows.iter().map(|(names, _)| names.chars().count()).filter(|w| *w <= 44).max().unwrap_or(0);
    let codes = rows.iter().map(|(_, entry)| entry.reason().code().len()).max().unwrap_or(0);
    let mut text = String::new();
    for (names, entry) in rows {
        let (outcome, code) = (entry.outcome.word(), entry.reason().code());
        let says = if entry.outcome == Outcome::Granted { String::new() } else { printable(&entry.why.says) };
        let line = format!("{names:width$}  {outcome:7}  {code:codes$}  {says}");
        text.push_str(line.trim_end());
        text.push('\n');
        if let Some(remedy) = &entry.why.remedy {
            text.push_str(&format!("{:width$}  remedy: {}\n", "", printable(remedy)));
        }
    }
    text
}

fn alike(first: &ScopeEntry, next: &ScopeEntry) -> bool {
    first.outcome == Outcome::Granted
        && next.outcome == Outcome::Granted
        && first.reason() == next.reason()
        && first.origin == next.origin
}
