//! What scripts make of the scopes that were decided.

use super::reason::{Explanation, Reason};
use super::report::{Origin, Outcome, ScopeEntry, ScopeReport};
use super::{MAX_SCOPE_CHARS, OFFLINE_ACCESS};
use crate::script::{Change, ScopeChange};

/// Carries out the changes that scripts asked for, in order.
///
/// A token for one of the system's own APIs keeps what was decided: a script cannot widen what a user may do
/// to the tenant. Nor can one ask for refresh tokens, which the client or the API may not have.
#[must_use]
pub fn after_scripts(mut report: ScopeReport, changes: &[ScopeChange], system_api: bool) -> ScopeReport {
    for ScopeChange { by, change } in changes {
        match change {
            Change::Add { scope } => add(&mut report, scope, by, system_api),
            Change::Remove { scope } => remove(&mut report, scope, by),
            Change::Set { scopes } => {
                let granted: Vec<String> = report.granted().into_iter().map(str::to_owned).collect();
                for scope in granted.iter().filter(|scope| !scopes.contains(scope)) {
                    remove(&mut report, scope, by);
                }
                for scope in scopes {
                    add(&mut report, scope, by, system_api);
                }
            }
        }
    }
    report
}

fn add(report: &mut ScopeReport, scope: &str, by: &str, system_api: bool) {
    if report.grants(scope) || scope.is_empty() {
        return;
    }
    let refused = system_api || scope == OFFLINE_ACCESS || !is_scope(scope);
    let (outcome, why) = if refused {
        let says = match (system_api, scope == OFFLINE_ACCESS) {
            (true, _) => format!("{by} added it, but scripts cannot add scopes of the system's own APIs."),
            (_, true) => format!("{by} added it, but refresh tokens have to be asked for."),
            _ => format!("{by} added it, but it is no scope."),
        };
        let remedy = match (system_api, scope == OFFLINE_ACCESS) {
            (true, _) => {
                "ask for a *:current_user* scope, or call the API from a back end with a token of its own."
            }
            (_, true) => "ask for offline_access in the request.",
            _ => "use visible ASCII characters without spaces, quotes and backslashes.",
        };
        (Outcome::Dropped, explained(Reason::ScriptScopeIgnored, says, Some(remedy)))
    } else {
        (Outcome::Granted, explained(Reason::AddedByScript, format!("{by} added it."), None))
    };
    let scope: String = scope.chars().take(MAX_SCOPE_CHARS).collect();
    match report.entries.iter_mut().find(|entry| entry.scope == scope) {
        Some(entry) => {
            entry.outcome = outcome;
            entry.why = why;
        }
        None => report.entries.push(ScopeEntry { scope, origin: Origin::Script, outcome, why }),
    }
}

fn remove(report: &mut ScopeReport, scope: &str, by: &str) {
    let granted = |entry: &&mut ScopeEntry| entry.scope == scope && entry.outcome == Outcome::Granted;
    if let Some(entry) = report.entries.iter_mut().find(granted) {
        entry.outcome = Outcome::Dropped;
        let remedy = "change the script, or unbind it.";
        entry.why = explained(Reason::RemovedByScript, format!("{by} removed it."), Some(remedy));
    }
}

fn explained(reason: Reason, says: String, remedy: Option<&str>) -> Explanation {
    let remedy = remedy.map(str::to_owned);
    Explanation { reason, setting_id: None, says, remedy, change: None, further: Vec::new() }
}

/// RFC 6749 section 3.3.
fn is_scope(scope: &str) -> bool {
    scope.len() <= 255 && scope.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::super::report::Audience;
    use super::*;

    fn report(granted: &[&str], dropped: &[&str]) -> ScopeReport {
        let entry = |scope: &&str, outcome| ScopeEntry {
            scope: (*scope).to_owned(),
            origin: Origin::Requested,
            outcome,
            why: explained(Reason::OidcStandard, "x.".into(), None),
        };
        let entries = granted.iter().map(|scope| entry(scope, Outcome::Granted));
        let entries = entries.chain(dropped.iter().map(|scope| entry(scope, Outcome::Dropped)));
        ScopeReport { flow: "code", audience: Audience::Opaque, entries: entries.collect() }
    }

    fn change(change: Change) -> ScopeChange {
        ScopeChange { by: "The action \"A\"".into(), change }
    }

    #[test]
    fn scripts_add_remove_and_replace() {
        let changes = [
            change(Change::Add { scope: "read:x".into() }),
            change(Change::Add { scope: "new".into() }),
            change(Change::Remove { scope: "email".into() }),
        ];
        let after = after_scripts(report(&["openid", "email"], &["read:x"]), &changes, false);
        assert_eq!(after.granted(), ["openid", "read:x", "new"]);
        assert_eq!(after.entries[1].reason(), Reason::RemovedByScript);
        assert_eq!(after.entries[2].reason(), Reason::AddedByScript);
        assert_eq!(after.entries[3].origin, Origin::Script);
        let set = [change(Change::Set { scopes: vec!["a".into(), "openid".into()] })];
        assert_eq!(after_scripts(after, &set, false).granted(), ["openid", "a"]);
    }

    #[test]
    fn scripts_cannot_widen_tokens_of_the_system() {
        let changes = [
            change(Change::Add { scope: "read:users".into() }),
            change(Change::Set { scopes: vec!["update:users".into()] }),
        ];
        let after = after_scripts(report(&["openid"], &["read:users"]), &changes, true);
        assert!(after.granted().is_empty());
        assert_eq!(after.entries[1].reason(), Reason::ScriptScopeIgnored);
        assert_eq!(after.entries[2].reason(), Reason::ScriptScopeIgnored);
    }

    #[test]
    fn what_is_no_scope_and_refresh_tokens_are_not_added() {
        for scope in ["offline_access", "a b", "a\"b", "\u{e9}"] {
            let after =
                after_scripts(report(&[], &[]), &[change(Change::Add { scope: scope.into() })], false);
            assert_eq!(after.entries[0].reason(), Reason::ScriptScopeIgnored, "{scope}");
        }
    }
}
