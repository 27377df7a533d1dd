//! The query language, a subset of Lucene's: text to tree, and back.
//!
//! ```text
//! sequence = any+              clauses side by side: any of them; `+` must, `-` must not
//! any      = both (OR both)*       also ||
//! both     = one (AND one)*        also &&
//! one      = NOT one | - one | + one | [field:] value      also !
//! value    = word | "phrase" | wild*card | [a TO b] | {a TO b} | ( sequence )
//! ```
//!
//! `_exists_:field` and `field:*` ask whether there is a value. A backslash takes the next letter as it is.
//!
//! Reading order: this file (the tree), `parser` (the grammar above), `reader` (words, phrases and ranges), `print`
//! (the tree as text).

mod parser;
mod print;
mod reader;

use self::parser::Parser;

/// Longer queries are refused, in bytes.
pub const LONGEST_QUERY: usize = 4096;
/// More terms in a query are refused.
pub const MOST_TERMS: usize = 64;

/// Why a query is refused; a sentence for its author.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// Part of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clause {
    /// `*:*`
    Everything,
    /// A field, if one is named, and what it must be.
    Term(Option<String>, Match),
    /// All of at least two.
    And(Vec<Self>),
    /// Any of at least two.
    Or(Vec<Self>),
    /// What does not match.
    Not(Box<Self>),
}

/// What a field must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// Anything at all.
    Exists,
    /// This value.
    Text(String),
    /// A text with these parts.
    Like(Pattern),
    /// Between two values; an open end is `None`.
    Range(Option<Bound>, Option<Bound>),
}

/// The end of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The value.
    pub value: String,
    /// Whether it belongs to the range.
    pub inclusive: bool,
}

/// Text with wildcards: what stands before, between and behind the `*`. At least two parts; only the
/// first and the last may be empty, and not both of two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<String>);

impl Pattern {
    /// From its parts; `None` if they have not the form that [`Pattern`] tells.
    pub fn new(parts: Vec<String>) -> Option<Self> {
        let middle_is_empty = |parts: &[String]| parts.iter().any(String::is_empty);
        match parts.as_slice() {
            [] | [_] => None,
            [first, last] if first.is_empty() && last.is_empty() => None,
            [_, middle @ .., _] if middle_is_empty(middle) => None,
            _ => Some(Self(parts)),
        }
    }

    /// The parts.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// What every match begins with.
    pub fn prefix(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Whether it is a prefix and nothing else.
    pub fn is_prefix(&self) -> bool {
        self.0.len() == 2 && self.0.last().is_some_and(String::is_empty)
    }

    /// The same with every part changed.
    #[must_use]
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        Self(self.0.iter().map(|part| change(part)).collect())
    }

    /// Whether a text matches.
    pub fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.0.as_slice() else { return false };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        for part in middle {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

/// Reads a query.
///
/// # Errors
/// [`Refused`] if it is not one, or is too long or too complex.
pub fn parse(query: &str) -> Result<Clause, Refused> {
    if query.len() > LONGEST_QUERY {
        return refuse(format!("the query is longer than {LONGEST_QUERY} bytes"));
    }
    let mut parser = Parser::new(query);
    parser.whole()
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Refused> {
    Err(Refused(why.into()))
}

#[cfg(test)]
#[path = "syntax_tests.rs"]
mod tests;
