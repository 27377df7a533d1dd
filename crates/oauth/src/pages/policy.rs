//! The list of what a new password must hold, and its meter.
//!
//! The list is there without scripts; what a refused password lacked is marked in it. Where scripts run,
//! the marks and the meter follow what is typed.

use gatewright_core::connection::Connection;
use gatewright_core::password_policy::{PasswordPolicy, Rule};

use super::texts::Texts;

/// What is shown below the field of a new password.
pub(crate) struct Policy {
    pub(crate) title: String,
    pub(crate) rules: Vec<Line>,
}

/// A rule in words.
pub(crate) struct Line {
    pub(crate) code: &'static str,
    /// The number that the rule names, for scripts.
    pub(crate) count: u64,
    pub(crate) text: String,
    /// Whether the password that was sent keeps it; unknown before one was.
    pub(crate) holds: Option<bool>,
    pub(crate) items: Vec<Self>,
}

impl Policy {
    /// The policy of a connection; `sent` is the password that was refused.
    pub(crate) fn of(connection: &Connection, texts: &Texts, sent: Option<&str>) -> Self {
        let rules = PasswordPolicy::of(&connection.options).rules(sent.unwrap_or_default());
        let line = |rule: &Rule| Line::of(rule, texts, sent.is_some());
        Self { title: texts.get("passwordSecurityText"), rules: rules.iter().map(line).collect() }
    }
}

impl Line {
    fn of(rule: &Rule, texts: &Texts, judged: bool) -> Self {
        let mut numbers = rule.numbers();
        let (count, of) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        let texts_with = texts.clone().with("count", count.to_string()).with("of", of.to_string());
        Self {
            code: rule.code(),
            count,
            text: texts_with.get(&format!("rule-{}", rule.code())),
            holds: judged.then_some(rule.holds()),
            items: rule.items().iter().map(|item| Self::of(item, texts, judged)).collect(),
        }
    }

    /// The class of its mark.
    pub(crate) fn mark(&self) -> &'static str {
        match self.holds {
            Some(true) => "held",
            Some(false) => "missing",
            None => "",
        }
    }
}
