//! What users can be searched by, and what a term means for each field.

use super::dates::period;
use super::syntax::{Bound, Match, Pattern, Refused};
use super::tree::{self, Edge, Test, Tree, pattern_is_allowed};
use super::value::{bool_key, folded, number_key, text_key};

/// An attribute of users, by where its values are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// A text of the user itself.
    Text(Text),
    /// A number or time of the user itself, times in microseconds.
    Number(Number),
    /// `email_verified` or `phone_verified`.
    Flag(&'static str),
    /// A text of any of the user's identities.
    Identity(Identity),
    /// A path in the [index](super::index), whose texts are written as [keys](super::value).
    Indexed(String),
}

/// A text of the user itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// Compared without regard to the case of ASCII letters.
    Email,
    /// As it is.
    PhoneNumber,
    /// As it is.
    UserId,
}

/// A number or time of the user itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// When the user was made.
    CreatedAt,
    /// When it was changed last.
    UpdatedAt,
    /// When it logged in last.
    LastLogin,
    /// How often.
    LoginsCount,
}

/// A text of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The connection's name.
    Connection,
    /// The strategy.
    Provider,
    /// The id at the provider.
    UserId,
}

/// One test of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The field.
    pub field: Field,
    /// What it is tested for.
    pub test: Test,
}

/// Fields that a term without one looks in.
const UNNAMED: &[&str] =
    &["email", "name", "given_name", "family_name", "nickname", "username", "phone_number", "user_id"];

/// Everything that has a name of its own.
const NAMES: &str = "email, email.domain, email_verified, name, given_name, family_name, nickname, username, \
    phone_number, phone_verified, user_id, identities.connection, identities.provider, identities.user_id, \
    created_at, updated_at, last_login, last_ip, logins_count, blocked, app_metadata.* and user_metadata.*";

/// Reads a query over users.
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

/// What the values of a field are.
enum Kind {
    /// Text, compared after this.
    Text(fn(&str) -> String),
    Whole,
    Time,
    Truth,
    /// Whatever it was given.
    Any,
}

fn condition(name: &str, value: &Match) -> Result<Condition, Refused> {
    let as_is: fn(&str) -> String = str::to_owned;
    let (field, kind) = match name {
        "email" => (Field::Text(Text::Email), Kind::Text(str::to_ascii_lowercase)),
        "phone_number" => (Field::Text(Text::PhoneNumber), Kind::Text(as_is)),
        "user_id" => (Field::Text(Text::UserId), Kind::Text(as_is)),
        "created_at" => (Field::Number(Number::CreatedAt), Kind::Time),
        "updated_at" => (Field::Number(Number::UpdatedAt), Kind::Time),
        "last_login" => (Field::Number(Number::LastLogin), Kind::Time),
        "logins_count" => (Field::Number(Number::LoginsCount), Kind::Whole),
        "email_verified" => (Field::Flag("email_verified"), Kind::Truth),
        "phone_verified" => (Field::Flag("phone_verified"), Kind::Truth),
        "identities.connection" => (Field::Identity(Identity::Connection), Kind::Text(as_is)),
        "identities.provider" => (Field::Identity(Identity::Provider), Kind::Text(as_is)),
        "identities.user_id" => (Field::Identity(Identity::UserId), Kind::Text(as_is)),
        "name" | "given_name" | "family_name" | "nickname" | "email.domain" => {
            (Field::Indexed(name.to_owned()), Kind::Text(folded))
        }
        "username" | "last_ip" => (Field::Indexed(name.to_owned()), Kind::Text(as_is)),
        "blocked" => (Field::Indexed(name.to_owned()), Kind::Truth),
        _ if is_metadata(name) => (Field::Indexed(name.to_owned()), Kind::Any),
        _ => return Err(Refused(format!("{name} is not searchable. Fields: {NAMES}"))),
    };
    let test = match (value, kind) {
        (Match::Exists, _) => Test::Exists,
        (Match::Like(_) | Match::Range(..), _) if name.starts_with("user_metadata") => {
            return Err(Refused(format!(
                "{name} is compared as a whole: user_metadata has no wildcards and no ranges"
            )));
        }
        (Match::Like(pattern), Kind::Text(compared)) => like(&pattern.map(compared))?,
        (Match::Like(pattern), Kind::Any) => like(pattern)?,
        (Match::Like(_), _) => return Err(Refused(format!("{name} is no text, so it has no wildcards"))),
        (_, Kind::Text(compared)) => text_test(&field, value, compared),
        (_, Kind::Any) => any_test(value),
        (_, Kind::Truth) => truth_test(name, &field, value)?,
        (_, Kind::Whole) => {
            Test::whole(value, |text| text.parse().ok().map(|number: i64| (number, number.saturating_add(1))))
                .ok_or_else(|| Refused(format!("{name} is a whole number")))?
        }
        (_, Kind::Time) => Test::whole(value, period)
            .ok_or_else(|| Refused(format!("{name} is a date such as 2024-03-01 or 2024-03-01T10:20:30Z")))?,
    };
    Ok(Condition { field, test })
}

fn is_metadata(name: &str) -> bool {
    let mut parts = name.splitn(2, '.');
    matches!(parts.next(), Some("app_metadata" | "user_metadata"))
}

fn like(pattern: &Pattern) -> Result<Test, Refused> {
    pattern_is_allowed(pattern)?;
    Ok(Test::Like(pattern.clone()))
}

/// A text, or a range of texts; in the index they are keys.
fn text_test(field: &Field, value: &Match, compared: fn(&str) -> String) -> Test {
    let key = |text: &str| match field {
        Field::Indexed(_) => format!("s{}", compared(text)),
        _ => compared(text),
    };
    let edge = |bound: &Bound| Edge { text: key(&bound.value), inclusive: bound.inclusive };
    match (value, field) {
        (Match::Text(text), _) => Test::OneOf(vec![key(text)]),
        (Match::Range(low, high), Field::Indexed(_)) => {
            typed_range('s', low.as_ref().map(edge), high.as_ref().map(edge))
        }
        (Match::Range(low, high), _) => Test::Within(low.as_ref().map(edge), high.as_ref().map(edge)),
        _ => Test::Exists,
    }
}

/// A value that may be text, number or truth value: whatever the term can be read as.
fn any_test(value: &Match) -> Test {
    match value {
        Match::Text(text) => {
            let mut keys: Vec<String> = text_key(text).into_iter().collect();
            keys.extend(number(text).map(number_key));
            keys.extend(text.parse().ok().map(bool_key));
            Test::OneOf(keys)
        }
        Match::Range(low, high) => {
            let numeric = [low, high].into_iter().flatten().all(|bound| number(&bound.value).is_some());
            let key = |text: &str| match number(text).filter(|_| numeric) {
                Some(number) => number_key(number),
                None => format!("s{text}"),
            };
            let edge = |bound: &Bound| Edge { text: key(&bound.value), inclusive: bound.inclusive };
            match (low, high) {
                (None, None) => Test::Exists,
                _ => typed_range(
                    if numeric { 'n' } else { 's' },
                    low.as_ref().map(edge),
                    high.as_ref().map(edge),
                ),
            }
        }
        _ => Test::Exists,
    }
}

/// A range of keys that does not leave its type.
fn typed_range(kind: char, low: Option<Edge>, high: Option<Edge>) -> Test {
    let first = Edge { text: kind.to_string(), inclusive: true };
    let after =
        Edge { text: char::from_u32(u32::from(kind) + 1).unwrap_or(kind).to_string(), inclusive: false };
    Test::Within(Some(low.unwrap_or(first)), Some(high.unwrap_or(after)))
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn truth_test(name: &str, field: &Field, value: &Match) -> Result<Test, Refused> {
    let Match::Text(text) = value else {
        return Err(Refused(format!("{name} is true or false, so it has no ranges")));
    };
    let truth = text.parse().map_err(|_| Refused(format!("{name} is true or false")))?;
    Ok(match field {
        Field::Indexed(_) => Test::OneOf(vec![bool_key(truth)]),
        _ => Test::Is(truth),
    })
}

impl Test {
    /// A value or a range of whole numbers. `span` reads a text as the first number that it names and the
    /// first after it.
    pub(super) fn whole(value: &Match, span: impl Fn(&str) -> Option<(i64, i64)>) -> Option<Self> {
        match value {
            Match::Text(text) => span(text).map(|(from, after)| Self::Between(from, after - 1)),
            Match::Range(low, high) => {
                let from = match low {
                    None => i64::MIN,
                    Some(low) => {
                        let (from, after) = span(&low.value)?;
                        if low.inclusive { from } else { after }
                    }
                };
                let to = match high {
                    None => i64::MAX,
                    Some(high) => {
                        let (from, after) = span(&high.value)?;
                        if high.inclusive { after - 1 } else { from.saturating_sub(1) }
                    }
                };
                Some(Self::Between(from, to))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "users_tests.rs"]
mod tests;
