//! Query strings: validation, both styles of paging, projection.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Map;
use super::error::ApiError;
use super::field::{BOOL, Field, Shape, TEXT, field};
use super::validate;

/// Parameters that every `GET` accepts.
pub const COMMON: &[Field] = &[
    field("page", Shape::Int { min: 0, max: i64::MAX })
        .hint("Page index of the results to return. First page is 0."),
    field("per_page", Shape::Int { min: 0, max: 100 }).hint("Number of results per page."),
    field("include_totals", BOOL),
    field("take", Shape::Int { min: 1, max: 100 }).hint("Number of results per page."),
    field("from", TEXT),
    field("fields", TEXT),
    field("include_fields", BOOL),
];

/// A validated query.
#[derive(Clone, Debug, Default)]
pub struct Query(BTreeMap<String, Vec<String>>);

/// How a list is cut into pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paging {
    /// `page` (from 0) and `per_page`.
    Offset {
        /// Which page.
        page: i64,
        /// Most items on it.
        per_page: i64,
        /// Whether the answer is an object with totals rather than a bare array.
        include_totals: bool,
    },
    /// `take` and `from`, an opaque place in the list.
    Checkpoint {
        /// Most items.
        take: i64,
        /// Where to go on, if not at the beginning.
        from: Option<String>,
    },
}

impl Paging {
    /// How many items to skip; 0 for checkpoint paging.
    pub fn offset(&self) -> i64 {
        match self {
            Self::Offset { page, per_page, .. } => page.saturating_mul(*per_page),
            Self::Checkpoint { .. } => 0,
        }
    }

    /// Most items to answer.
    pub fn limit(&self) -> i64 {
        match self {
            Self::Offset { per_page, .. } => *per_page,
            Self::Checkpoint { take, .. } => *take,
        }
    }

    /// The body of an offset page: a bare array, or an object with exact totals.
    pub fn offset_body(&self, plural: &str, items: Vec<Value>, total: i64) -> Value {
        match self {
            Self::Offset { include_totals: true, per_page, .. } => json!({
                "start": self.offset(),
                "limit": per_page,
                "length": items.len(),
                "total": total,
                plural: items,
            }),
            _ => Value::Array(items),
        }
    }
}

/// Cuts rows of which one more than `take` was asked for, and tells whether that one was there.
pub fn cut<T>(rows: &mut Vec<T>, take: i64) -> bool {
    let take = usize::try_from(take).unwrap_or(usize::MAX);
    let more = rows.len() > take;
    rows.truncate(take);
    more
}

/// The body of a page by checkpoint. Compat: the last page has no `next`.
pub fn checkpoint_body(plural: &str, items: Vec<Value>, next: Option<String>) -> Value {
    let mut body = json!({ plural: items });
    if let Some(next) = next {
        body["next"] = next.into();
    }
    body
}

impl Query {
    /// Parses and checks a query string against the operation's parameters and the common ones.
    ///
    /// # Errors
    /// 400 `invalid_query_string` naming the parameter.
    pub fn parse(raw: &str, fields: &'static [Field]) -> Result<Self, ApiError> {
        let mut values = BTreeMap::<String, Vec<String>>::new();
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(raw)
            .map_err(|_| ApiError::invalid_query("'The query is not well-formed'"))?;
        for (name, value) in pairs {
            let name = without_index(&name);
            let Some(field) = fields.iter().chain(COMMON).find(|field| field.name == name) else {
                return Err(ApiError::invalid_query(format_args!(
                    "'Additional properties not allowed: {name}'"
                )));
            };
            if value.contains('\0') {
                return Err(ApiError::invalid_query("'The character U+0000 is not allowed'"));
            }
            let (shape, repeatable) = match &field.shape {
                Shape::List { of, .. } => (*of, true),
                shape => (shape, false),
            };
            validate::shape_matches(&typed(&value, shape), shape, name, field.hint)
                .map_err(ApiError::invalid_query)?;
            let known = values.entry(name.to_owned()).or_default();
            if !known.is_empty() && !repeatable {
                return Err(ApiError::invalid_query(format_args!(
                    "'Expected type {} but found type array' on property {name}",
                    shape.type_name()
                )));
            }
            known.push(value);
        }
        Ok(Self(values))
    }

    /// The parameter's text, if given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.first().map(String::as_str)
    }

    /// Every value of a parameter that may be repeated.
    pub fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The parameter as a truth value, if given.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.text(name).map(|text| text == "true")
    }

    /// The parameter as a whole number, if given.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// How the list is cut. Compat: `take` or `from` wins over `page` and `include_totals`.
    pub fn paging(&self) -> Paging {
        if self.text("take").is_some() || self.text("from").is_some() {
            let from = self.text("from").filter(|from| !from.is_empty()).map(str::to_owned);
            return Paging::Checkpoint { take: self.int("take").unwrap_or(50), from };
        }
        Paging::Offset {
            page: self.int("page").unwrap_or(0),
            per_page: self.int("per_page").unwrap_or(50),
            include_totals: self.bool("include_totals").unwrap_or(false),
        }
    }

    /// How many items to answer, and the checkpoint to go on after (empty at the beginning), for lists that
    /// know no other paging.
    pub fn checkpoint(&self) -> (i64, &str) {
        (self.int("take").unwrap_or(50), self.text("from").unwrap_or_default())
    }

    /// Keeps (`include_fields` absent or true) or removes (false) the first-level members named in
    /// `fields`.
    pub fn project(&self, document: Map) -> Map {
        let Some(fields) = self.text("fields").filter(|fields| !fields.is_empty()) else { return document };
        let named: Vec<&str> = fields.split(',').map(str::trim).collect();
        let keep = self.bool("include_fields").unwrap_or(true);
        document.into_iter().filter(|(name, _)| named.contains(&name.as_str()) == keep).collect()
    }
}

/// A parameter's name without what some clients add to those that may be repeated: `strategy[]`, `strategy[0]`.
fn without_index(name: &str) -> &str {
    let Some((list, index)) = name.strip_suffix(']').and_then(|rest| rest.split_once('[')) else {
        return name;
    };
    if index.bytes().all(|byte| byte.is_ascii_digit()) { list } else { name }
}

/// A query value as the JSON type its shape expects, or as text if it cannot be that.
pub(super) fn typed(text: &str, shape: &Shape) -> Value {
    let other = match shape {
        Shape::Int { .. } | Shape::Number => text.parse::<i64>().ok().map(Value::from),
        Shape::Bool => match text {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        _ => None,
    };
    other.unwrap_or_else(|| Value::from(text))
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
