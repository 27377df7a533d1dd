//! What log events can be searched by. Texts are compared as they are.

use super::dates::period;
use super::syntax::{Match, Refused};
use super::tree::{self, Test, Tree, pattern_is_allowed};

/// Texts of an event.
const TEXTS: &[&str] = &[
    "client_id",
    "client_name",
    "connection",
    "connection_id",
    "description",
    "hostname",
    "ip",
    "log_id",
    "organization_id",
    "strategy",
    "strategy_type",
    "type",
    "user_agent",
    "user_id",
    "user_name",
];

/// Fields that a term without one looks in.
const UNNAMED: &[&str] = &["client_name", "connection", "description", "ip", "log_id", "type", "user_name"];

/// One test of one member of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The member: `date`, or one of the texts.
    pub field: &'static str,
    /// What it is tested for.
    pub test: Test,
}

/// Reads a query over log events.
///
/// # Errors
/// [`Refused`] with a sentence for its author.
pub fn read(query: &str) -> Result<Tree<Condition>, Refused> {
    tree::read(query, |field, value| match field {
        Some(field) => condition(field, value).map(Tree::Is),
        None => UNNAMED
            .iter()
            .map(|field| condition(field, value).map(Tree::Is))
            .collect::<Result<_, _>>()
            .map(Tree::Or),
    })
}

fn condition(name: &str, value: &Match) -> Result<Condition, Refused> {
    if name == "date" {
        let test = match value {
            Match::Exists => Some(Test::Exists),
            value => Test::whole(value, period),
        };
        let test = test
            .ok_or_else(|| Refused("date is a date such as 2024-03-01 or 2024-03-01T10:20:30Z".to_owned()))?;
        return Ok(Condition { field: "date", test });
    }
    let Some(field) = TEXTS.iter().find(|known| **known == name) else {
        return Err(Refused(format!("{name} is not searchable. Fields: date, {}", TEXTS.join(", "))));
    };
    let test = match value {
        Match::Exists => Test::Exists,
        Match::Text(text) => Test::OneOf(vec![text.clone()]),
        Match::Like(pattern) => {
            pattern_is_allowed(pattern)?;
            Test::Like(pattern.clone())
        }
        Match::Range(..) => return Err(Refused(format!("{name} has no ranges, only date has"))),
    };
    Ok(Condition { field, test })
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Test, Tree};
    use super::{Condition, read};

    #[test]
    fn events_are_searched_by_their_texts_and_dates() {
        let is = |field, test| Ok(Tree::Is(Condition { field, test }));
        assert_eq!(read("type:s"), is("type", Test::OneOf(vec!["s".to_owned()])));
        assert_eq!(read("date:[1970-01-01 TO 1970-01-01]"), is("date", Test::Between(0, 86_399_999_999)));
        assert!(matches!(read("sapi"), Ok(Tree::Or(all)) if all.len() == 7));
        let refused = |query: &str| read(query).unwrap_err().0;
        assert_eq!(refused("type:[a TO b]"), "type has no ranges, only date has");
        assert_eq!(refused("date:today"), "date is a date such as 2024-03-01 or 2024-03-01T10:20:30Z");
        assert_eq!(refused("ip:*1"), "a term that begins with * needs 3 or more other characters");
        assert!(refused("details.x:1").starts_with("details.x is not searchable. Fields: date, client_id,"));
    }
}
