//! The JSON Schema (2020-12, as OpenAPI 3.1 uses it) of what is declared.

use serde_json::{Value, json};

use super::Map;
use super::field::{Accepted, Field, Shape};
use super::format::Format;
use super::validate::Purpose;

/// The schema of an object with the members that `purpose` accepts.
pub fn body(fields: &'static [Field], purpose: Purpose) -> Value {
    let accepted = |field: &&Field| match field.accepted {
        Accepted::Always => true,
        Accepted::OnCreate => purpose == Purpose::Create,
        Accepted::OnUpdate => purpose == Purpose::Update,
    };
    object(fields.iter().filter(accepted), purpose == Purpose::Create, false)
}

/// The schema of an object that is answered: every member, none of them promised.
pub fn answer(fields: &'static [Field], id: Option<&str>) -> Value {
    let mut schema = object(fields.iter(), false, true);
    if let Some(id) = id {
        schema["properties"][id] = json!({"type": "string"});
    }
    schema
}

fn object(fields: impl Iterator<Item = &'static Field>, requires: bool, open: bool) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for field in fields {
        properties.insert(field.name.to_owned(), member(field));
        if field.required && requires {
            required.push(field.name);
        }
    }
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if !open {
        schema["additionalProperties"] = json!(false);
    }
    schema
}

/// The schema of a list of these.
pub(super) fn list(of: Value) -> Value {
    json!({"type": "array", "items": of})
}

/// The schema of one member.
pub fn member(field: &Field) -> Value {
    let mut schema = shape(&field.shape);
    if field.nullable {
        match schema.get("type").cloned() {
            Some(of) => schema["type"] = json!([of, "null"]),
            None => schema = json!({"anyOf": [schema, {"type": "null"}]}),
        }
    }
    if !field.hint.is_empty() {
        schema["description"] = field.hint.into();
    }
    schema
}

/// The schema of a value.
pub fn shape(shape: &Shape) -> Value {
    let mut schema = match shape {
        Shape::Any => return json!({}),
        Shape::OneOf(names) => return json!({"enum": names}),
        Shape::List { of, .. } => json!({"type": "array", "items": self::shape(of)}),
        Shape::Object { fields, open } => object(fields.iter(), true, *open),
        Shape::TextMap { max_members, .. } => json!({"type": "object", "maxProperties": max_members}),
        other => json!({"type": other.type_name()}),
    };
    let mut limit = |name: &str, value: Value| schema[name] = value;
    match shape {
        Shape::Text { min, max, format } => {
            if *min > 0 {
                limit("minLength", json!(min));
            }
            if *max < usize::MAX {
                limit("maxLength", json!(max));
            }
            match format {
                Format::Any => {}
                pattern if pattern.is_pattern() => limit("pattern", json!(pattern.name())),
                format => limit("format", json!(format.name())),
            }
        }
        Shape::Int { min, max } => {
            if *min > i64::MIN {
                limit("minimum", json!(min));
            }
            if *max < i64::MAX {
                limit("maximum", json!(max));
            }
        }
        Shape::List { min, .. } if *min > 0 => limit("minItems", json!(min)),
        _ => {}
    }
    schema
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::field::{BOOL, SOME_TEXT, field};

    const FIELDS: &[Field] = &[
        field("name", Shape::text(1, 20)).required().hint("Its name"),
        field("kind", Shape::OneOf(&["a", "b"])).immutable().nullable(),
        field("url", Shape::format(Format::Url)).nullable(),
        field("country", Shape::format(Format::CountryCode)).only_on_update(),
        field("port", Shape::Int { min: 1, max: 65_535 }),
        field("items", Shape::List { of: &SOME_TEXT, min: 1 }),
        field("nested", Shape::object(&[field("on", BOOL).required()])),
    ];

    #[test]
    fn a_declaration_has_a_schema() {
        let create = json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 20, "description": "Its name"},
                "kind": {"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]},
                "url": {"type": ["string", "null"], "format": "strict-uri"},
                "port": {"type": "integer", "minimum": 1, "maximum": 65535},
                "items": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
                "nested": {
                    "type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"],
                    "additionalProperties": false,
                },
            },
            "required": ["name"],
            "additionalProperties": false,
        });
        assert_eq!(body(FIELDS, Purpose::Create), create);
        let update = body(FIELDS, Purpose::Update);
        assert_eq!(update.get("required"), None);
        assert_eq!(update["properties"]["country"], json!({"type": "string", "pattern": "^[A-Z]{2}$"}));
        assert_eq!(update["properties"].get("kind"), None);
        let answered = answer(FIELDS, Some("id"));
        assert_eq!((answered.get("required"), answered.get("additionalProperties")), (None, None));
        assert_eq!(answered["properties"]["id"], json!({"type": "string"}));
    }
}
