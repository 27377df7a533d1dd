//! Checks bodies and query values against their fields.

use serde_json::Value;

use super::Map;
use super::field::{Accepted, Field, Shape};

/// Which operation a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Required members must be there.
    Create,
    /// Everything is optional, but at the first level only: nested objects are replaced whole.
    Update,
}

/// Checks a whole body. Answers the first problem found, in the words of the API's messages and
/// without the leading "Payload validation error".
pub fn body(value: Value, fields: &'static [Field], purpose: Purpose) -> Result<Map, String> {
    no_nul(&value)?;
    let Value::Object(members) = value else {
        return Err(wrong_type("object", &value, "", ""));
    };
    members_match(&members, fields, false, purpose, "")?;
    Ok(members)
}

/// Checks a body that is a list of objects.
pub fn list(value: Value, fields: &'static [Field]) -> Result<Vec<Map>, String> {
    no_nul(&value)?;
    let Value::Array(items) = value else {
        return Err(wrong_type("array", &value, "", ""));
    };
    let mut checked = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let path = format!("[{index}]");
        let Value::Object(members) = item else {
            return Err(wrong_type("object", &item, &path, ""));
        };
        members_match(&members, fields, false, Purpose::Create, &path)?;
        checked.push(members);
    }
    Ok(checked)
}

/// Checks a body of another shape than an object with members of known names.
pub fn whole(value: &Value, shape: &'static Shape) -> Result<(), String> {
    no_nul(value)?;
    shape_matches(value, shape, "", "")
}

fn members_match(
    members: &Map,
    fields: &'static [Field],
    open: bool,
    purpose: Purpose,
    path: &str,
) -> Result<(), String> {
    let accepted = |field: &&Field| match field.accepted {
        Accepted::Always => true,
        Accepted::OnCreate => purpose == Purpose::Create,
        Accepted::OnUpdate => purpose == Purpose::Update,
    };
    if purpose == Purpose::Create
        && let Some(missing) = fields.iter().find(|field| field.required && !members.contains_key(field.name))
    {
        return Err(format!("'Missing required property: {}'{}", missing.name, on_property(path, "")));
    }
    for (name, value) in members {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match fields.iter().filter(accepted).find(|field| field.name == name) {
            Some(field) if value.is_null() && field.nullable => {}
            Some(field) => shape_matches(value, &field.shape, &path, field.hint)?,
            None if open => {}
            None => return Err(format!("'Additional properties not allowed: {name}'{}", parent(&path))),
        }
    }
    Ok(())
}

/// Checks one value.
pub fn shape_matches(value: &Value, shape: &'static Shape, path: &str, hint: &str) -> Result<(), String> {
    let at = || on_property(path, hint);
    let wrong = || wrong_type(shape.type_name(), value, path, hint);
    match shape {
        Shape::Any => Ok(()),
        Shape::File => value.get("bytes").and_then(Value::as_u64).map(|_| ()).ok_or_else(wrong),
        Shape::Bool => value.as_bool().map(|_| ()).ok_or_else(wrong),
        Shape::Number => value.as_f64().map(|_| ()).ok_or_else(wrong),
        Shape::Int { min, max } => {
            let number = whole_number(value).ok_or_else(wrong)?;
            if number < *min {
                return Err(format!("'Value {number} is less than minimum {min}'{}", at()));
            }
            if number > *max {
                return Err(format!("'Value {number} is greater than maximum {max}'{}", at()));
            }
            Ok(())
        }
        Shape::OneOf(allowed) => {
            let text = value.as_str().ok_or_else(wrong)?;
            if allowed.contains(&text) {
                return Ok(());
            }
            Err(format!("'No enum match for: {}'{}", shown(text), at()))
        }
        Shape::Text { min, max, format } => {
            let text = value.as_str().ok_or_else(wrong)?;
            let length = text.chars().count();
            if length < *min {
                return Err(format!("'String is too short ({length} chars), minimum {min}'{}", at()));
            }
            if length > *max {
                return Err(format!("'String is too long ({length} chars), maximum {max}'{}", at()));
            }
            if format.matches(text) {
                return Ok(());
            }
            let name = format.name();
            Err(match format.is_pattern() {
                true => format!("'String does not match pattern: {name}'{}", at()),
                false => {
                    format!("'Object didn't pass validation for format {name}: {}'{}", shown(text), at())
                }
            })
        }
        Shape::List { of, min } => {
            let items = value.as_array().ok_or_else(wrong)?;
            if items.len() < *min {
                return Err(format!("'Array is too short ({}), minimum {min}'{}", items.len(), at()));
            }
            items
                .iter()
                .enumerate()
                .try_for_each(|(index, item)| shape_matches(item, of, &format!("{path}[{index}]"), hint))
        }
        Shape::Object { fields, open } => {
            let members = value.as_object().ok_or_else(wrong)?;
            members_match(members, fields, *open, Purpose::Create, path)
        }
        Shape::TextMap { max_members, max_length } => {
            let members = value.as_object().ok_or_else(wrong)?;
            if members.len() > *max_members {
                let problem =
                    format!("Too many properties defined ({}), maximum {max_members}", members.len());
                return Err(format!("'{problem}'{}", at()));
            }
            for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
                let path = format!("{path}.{name}");
                let text = value.as_str().ok_or_else(|| wrong_type("string", value, &path, hint))?;
                let length = text.chars().count();
                if length > *max_length || name.chars().count() > *max_length {
                    let problem = format!("String is too long ({length} chars), maximum {max_length}");
                    return Err(format!("'{problem}'{}", on_property(&path, hint)));
                }
            }
            Ok(())
        }
    }
}

/// A JSON number without a fraction; `1.0` counts.
fn whole_number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let float = value.as_f64()?;
        // Within 2^53 every whole float is exact, so the cast loses nothing.
        (float.fract() == 0.0 && float.abs() < 9.0e15).then_some(float as i64)
    })
}

/// PostgreSQL cannot store U+0000 in text or JSON, so nothing may hold it.
pub(crate) fn no_nul(value: &Value) -> Result<(), String> {
    let clean = match value {
        Value::String(text) => !text.contains('\0'),
        Value::Array(items) => return items.iter().try_for_each(no_nul),
        Value::Object(members) => {
            members.values().try_for_each(no_nul)?;
            !members.keys().any(|name| name.contains('\0'))
        }
        _ => true,
    };
    if clean { Ok(()) } else { Err("'The character U+0000 is not allowed'".to_owned()) }
}

fn wrong_type(expected: &str, found: &Value, path: &str, hint: &str) -> String {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if !number.is_i64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    format!("'Expected type {expected} but found type {found}'{}", on_property(path, hint))
}

fn on_property(path: &str, hint: &str) -> String {
    match (path, hint) {
        ("", _) => String::new(),
        (path, "") => format!(" on property {path}"),
        (path, hint) => format!(" on property {path} ({hint})"),
    }
}

/// Where an unknown member was found: the object that holds it, or nothing at the first level.
fn parent(path: &str) -> String {
    path.rsplit_once('.').map_or_else(String::new, |(parent, _)| on_property(parent, ""))
}

/// At most 100 characters of what the caller sent.
fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
