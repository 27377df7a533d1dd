//! A query whose fields are known and whose values have their types.

use super::syntax::{Clause, Match, Pattern, Refused, parse};

/// More conditions than this are refused: a term without a field is one for each field it looks in.
const MOST_CONDITIONS: usize = 200;

/// A query over conditions `C`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree<C> {
    /// No condition.
    Everything,
    /// One condition.
    Is(C),
    /// All of these.
    And(Vec<Self>),
    /// Any of these.
    Or(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
}

/// What one field is tested for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It has a value.
    Exists,
    /// It is this truth value.
    Is(bool),
    /// It is one of these texts.
    OneOf(Vec<String>),
    /// It matches a pattern.
    Like(Pattern),
    /// It is a text in this range of bytes.
    Within(Option<Edge>, Option<Edge>),
    /// It is a whole number (or time) from the first to the last.
    Between(i64, i64),
}

/// The end of a range of texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The text.
    pub text: String,
    /// Whether it belongs to the range.
    pub inclusive: bool,
}

/// Reads a query and gives each term its meaning.
///
/// # Errors
/// [`Refused`] by the syntax or by `meaning`, or because the whole is too complex.
pub fn read<C>(
    query: &str,
    meaning: impl Fn(Option<&str>, &Match) -> Result<Tree<C>, Refused>,
) -> Result<Tree<C>, Refused> {
    let tree = typed(&parse(query)?, &meaning)?;
    if tree.conditions() > MOST_CONDITIONS {
        return Err(Refused("the query is too complex: name the fields of its terms".to_owned()));
    }
    Ok(tree)
}

fn typed<C>(
    clause: &Clause,
    meaning: &impl Fn(Option<&str>, &Match) -> Result<Tree<C>, Refused>,
) -> Result<Tree<C>, Refused> {
    let all = |clauses: &[Clause]| -> Result<Vec<Tree<C>>, Refused> {
        clauses.iter().map(|clause| typed(clause, meaning)).collect()
    };
    Ok(match clause {
        Clause::Everything => Tree::Everything,
        Clause::Term(field, value) => meaning(field.as_deref(), value)?,
        Clause::And(clauses) => Tree::And(all(clauses)?),
        Clause::Or(clauses) => Tree::Or(all(clauses)?),
        Clause::Not(clause) => Tree::Not(Box::new(typed(clause, meaning)?)),
    })
}

impl<C> Tree<C> {
    fn conditions(&self) -> usize {
        match self {
            Self::Everything => 0,
            Self::Is(_) => 1,
            Self::And(all) | Self::Or(all) => all.iter().map(Self::conditions).sum(),
            Self::Not(one) => one.conditions(),
        }
    }

    /// What must all hold: the members of nested `And`, or the tree itself.
    pub fn conjuncts(&self) -> Vec<&Self> {
        match self {
            Self::Everything => Vec::new(),
            Self::And(all) => all.iter().flat_map(Self::conjuncts).collect(),
            other => vec![other],
        }
    }
}

/// Compat: a `*` in front of a text reads the whole index, so it needs at least this much text.
const SHORTEST_AFTER_STAR: usize = 3;

/// Whether a pattern may be asked for.
///
/// # Errors
/// [`Refused`] if it begins with `*` and too little follows.
pub(super) fn pattern_is_allowed(pattern: &Pattern) -> Result<(), Refused> {
    let longest = pattern.parts().iter().map(|part| part.chars().count()).max().unwrap_or(0);
    if pattern.prefix().is_empty() && longest < SHORTEST_AFTER_STAR {
        let why = format!("a term that begins with * needs {SHORTEST_AFTER_STAR} or more other characters");
        return Err(Refused(why));
    }
    Ok(())
}
