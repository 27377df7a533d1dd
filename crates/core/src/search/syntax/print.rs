//! The tree as a text that reads as the same tree.

use std::fmt;

use super::{Bound, Clause, Match};

impl fmt::Display for Clause {
    /// A text that [`parse`] reads as the same tree.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("*:*"),
            Self::Term(Some(field), Match::Exists) => write!(f, "_exists_:{}", escaped(field)),
            Self::Term(field, value) => {
                if let Some(field) = field {
                    write!(f, "{}:", escaped(field))?;
                }
                write!(f, "{value}")
            }
            Self::And(all) => joined(f, all, " AND "),
            Self::Or(all) => joined(f, all, " OR "),
            Self::Not(one) => write!(f, "NOT {one}"),
        }
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("*"),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Like(pattern) => {
                let parts: Vec<String> = pattern.0.iter().map(|part| escaped(part)).collect();
                f.write_str(&parts.join("*"))
            }
            Self::Range(low, high) => {
                let bracket = |bound: &Option<Bound>, inclusive, exclusive| match bound {
                    Some(bound) if !bound.inclusive => exclusive,
                    _ => inclusive,
                };
                let shown = |bound: &Option<Bound>| match bound {
                    Some(bound) => quoted(&bound.value),
                    None => "*".to_owned(),
                };
                let (open, close) = (bracket(low, '[', '{'), bracket(high, ']', '}'));
                write!(f, "{open}{} TO {}{close}", shown(low), shown(high))
            }
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, clauses: &[Clause], word: &str) -> fmt::Result {
    let shown: Vec<String> = clauses.iter().map(Clause::to_string).collect();
    write!(f, "({})", shown.join(word))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if !letter.is_alphanumeric() && !matches!(letter, '.' | '_' | '@') {
            shown.push('\\');
        }
        shown.push(letter);
    }
    shown
}
