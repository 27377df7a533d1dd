//! `q` on the list of custom domains: there are few, so they are searched one by one.

use gatewright_core::search::syntax::{Clause, Match, parse};
use serde_json::Value;

use crate::engine::{ApiError, Map};

const SEARCHABLE: &[&str] = &["custom_domain_id", "domain", "is_default", "primary", "status", "type"];

/// Keeps the domains that a query describes.
pub(super) fn narrow(domains: &mut Vec<Map>, query: &str) -> Result<(), ApiError> {
    let refused = |problem: String| ApiError::invalid_query(format_args!("'{problem}' on property q"));
    let clause = parse(query).map_err(|error| refused(error.to_string()))?;
    check(&clause).map_err(refused)?;
    domains.retain(|domain| holds(&clause, domain));
    Ok(())
}

/// Refuses what cannot be searched, so that nothing is found for a reason that nobody sees.
fn check(clause: &Clause) -> Result<(), String> {
    match clause {
        Clause::Everything => Ok(()),
        Clause::Term(Some(field), _) if !SEARCHABLE.contains(&field.as_str()) => {
            Err(format!("{field} cannot be searched"))
        }
        Clause::Term(_, Match::Range(..)) => Err("ranges are not supported".to_owned()),
        Clause::Term(..) => Ok(()),
        Clause::And(clauses) | Clause::Or(clauses) => clauses.iter().try_for_each(check),
        Clause::Not(clause) => check(clause),
    }
}

fn holds(clause: &Clause, domain: &Map) -> bool {
    match clause {
        Clause::Everything => true,
        Clause::Term(Some(field), wanted) => domain.get(field).is_some_and(|value| is(value, wanted)),
        Clause::Term(None, wanted) => domain.get("domain").is_some_and(|value| is(value, wanted)),
        Clause::And(clauses) => clauses.iter().all(|clause| holds(clause, domain)),
        Clause::Or(clauses) => clauses.iter().any(|clause| holds(clause, domain)),
        Clause::Not(clause) => !holds(clause, domain),
    }
}

fn is(value: &Value, wanted: &Match) -> bool {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match wanted {
        Match::Exists => true,
        Match::Text(wanted) => text.eq_ignore_ascii_case(wanted),
        Match::Like(pattern) => pattern.map(str::to_ascii_lowercase).matches(&text),
        Match::Range(..) => false,
    }
}
