//! Secrets of an action: names are shown, values are kept apart and sealed.

use serde_json::{Value, json};

use super::text;
use crate::engine::field::{Shape, TEXT, field};
use crate::engine::{ApiError, Map};

/// The member, never shown, that holds the values by name.
pub(crate) const VALUES: &str = "secret_values";

/// A secret in a body. Without a value it keeps the one it has.
pub(super) const SECRET: Shape = Shape::object(&[
    field("name", Shape::text(1, 255)).required(),
    field("value", TEXT),
    field("updated_at", TEXT),
]);

/// Takes the values out of the list that a body sent, and keeps those that it did not repeat.
pub(super) fn take(action: &mut Map, before: &Map, now: &str) -> Result<(), ApiError> {
    let sent = match action.remove("secrets") {
        Some(Value::Array(sent)) => sent,
        _ => Vec::new(),
    };
    let (mut shown, mut values) = (Vec::new(), Map::new());
    for secret in sent.iter().filter_map(Value::as_object) {
        let name = text(secret, "name");
        if values.contains_key(name) {
            return Err(ApiError::invalid_body(format_args!(
                "'Two secrets are named {name}' on property secrets"
            )));
        }
        let (value, updated_at) = match secret.get("value") {
            Some(value) => (value.clone(), Value::from(now)),
            None => kept(before, name).ok_or_else(|| {
                ApiError::invalid_body(format_args!("'The secret {name} needs a value' on property secrets"))
            })?,
        };
        values.insert(name.to_owned(), value);
        shown.push(json!({ "name": name, "updated_at": updated_at }));
    }
    action.insert("secrets".to_owned(), shown.into());
    action.insert(VALUES.to_owned(), values.into());
    Ok(())
}

/// The value that a secret has, and since when.
fn kept(before: &Map, name: &str) -> Option<(Value, Value)> {
    let value = before.get(VALUES)?.get(name)?;
    let shown = before.get("secrets")?.as_array()?.iter().find(|secret| secret["name"] == name)?;
    Some((value.clone(), shown["updated_at"].clone()))
}
