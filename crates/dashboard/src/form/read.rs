//! From what was sent to the body of a call, and from a refusal back to the controls.

use gatewright_resources::engine::ApiError;
use serde_json::{Map, Value, json};

use super::control::{Control, Kind};
use crate::sent::Sent;

/// Why a form was refused: of one control, or of the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The control's name.
    pub(crate) control: Option<&'static str>,
    pub(crate) text: String,
}

impl Refusal {
    /// Finds the control that an operation's refusal is about.
    pub(crate) fn of(controls: &[Control], error: &ApiError) -> Self {
        let text = plain(&error.message);
        let named = property(&error.message);
        let control = named.and_then(|property| {
            let about = |control: &&Control| {
                property == control.name
                    || property.strip_prefix(control.name).is_some_and(|rest| rest.starts_with(['.', '[']))
            };
            controls.iter().filter(about).max_by_key(|control| control.name.len())
        });
        Self { control: control.map(|control| control.name), text }
    }
}

/// The member that a message names: after "on property", or the one that is missing.
fn property(message: &str) -> Option<&str> {
    let after = |words: &str| message.rsplit_once(words).map(|(_, rest)| rest);
    let rest = after("on property ").or_else(|| after("Missing required property: "))?;
    let end = rest.find(|c: char| !(c.is_alphanumeric() || "_-.[]".contains(c))).unwrap_or(rest.len());
    Some(rest.get(..end)?.trim_end_matches('.')).filter(|name| !name.is_empty())
}

/// The message as it is read beside a control: without the words for programs.
fn plain(message: &str) -> String {
    let text = message.strip_prefix("Payload validation error: ").unwrap_or(message);
    let text = text.trim_end_matches('.').trim_matches('\'');
    match text.split_once("' on property ") {
        Some((problem, _)) => format!("{problem}."),
        None => format!("{text}."),
    }
}

/// A text where an object is stored is that object as JSON, for it is shown so: a colour that can be a gradient.
fn as_stored(value: Value, stored: &Value) -> Value {
    let text = value.as_str().filter(|_| stored.is_object());
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(value)
}

/// The members that differ from what is stored. Members of members are sent with their neighbours, because
/// the API replaces them whole.
///
/// # Errors
/// [`Refusal`] if a text that must be JSON is not.
pub(crate) fn body(controls: &[Control], current: &Value, sent: &Sent) -> Result<Value, Refusal> {
    let mut body = Map::new();
    for control in controls {
        let Some(value) = value(control, sent)? else { continue };
        let stored = at(current, control.name);
        let value = as_stored(value, stored);
        if same(control, &value, stored, current.is_null()) {
            continue;
        }
        let value = if control.kind == Kind::Merged { merged(value, stored) } else { value };
        let value = if control.nullable && is_blank(&value) { Value::Null } else { value };
        let mut names = control.name.split('.');
        let first = names.next().unwrap_or_default();
        let rest: Vec<&str> = names.collect();
        if rest.is_empty() {
            body.insert(first.to_owned(), value);
        } else {
            let whole = body.entry(first).or_insert_with(|| match &current[first] {
                Value::Object(members) => Value::Object(members.clone()),
                _ => json!({}),
            });
            put(whole, &rest, value);
        }
    }
    Ok(Value::Object(body))
}

fn put(whole: &mut Value, names: &[&str], value: Value) {
    let (Some((first, rest)), Value::Object(members)) = (names.split_first(), whole) else { return };
    match rest {
        [] if value.is_null() => drop(members.remove(*first)),
        [] => drop(members.insert((*first).to_owned(), value)),
        _ => put(members.entry(*first).or_insert_with(|| json!({})), rest, value),
    }
}

/// What the API must merge into `stored` so that `wanted` comes out.
fn merged(wanted: Value, stored: &Value) -> Value {
    let (Value::Object(mut members), Some(stored)) = (wanted.clone(), stored.as_object()) else {
        return wanted;
    };
    members.retain(|name, value| stored.get(name) != Some(value));
    for name in stored.keys().filter(|name| wanted.get(*name).is_none()) {
        members.insert(name.clone(), Value::Null);
    }
    members.into()
}

/// A member of a document by its dotted name.
pub(crate) fn at<'a>(document: &'a Value, name: &str) -> &'a Value {
    name.split('.').fold(document, |value, name| &value[name])
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Whether sending this would change nothing. A blank control of a new thing leaves the member to its default,
/// unless it must be there.
fn same(control: &Control, value: &Value, stored: &Value, is_new: bool) -> bool {
    if is_new {
        return is_blank(value) && !control.required || *value == Value::Bool(false);
    }
    let off = *value == Value::Bool(false) && stored.is_null();
    value == stored || off || (is_blank(value) && is_blank(stored))
}

/// What a control holds; `None` if it was left as it must be, such as a secret that is not to change.
fn value(control: &Control, sent: &Sent) -> Result<Option<Value>, Refusal> {
    let typed = sent.text(control.name);
    Ok(Some(match control.kind {
        Kind::Toggle => json!(typed.is_some()),
        Kind::Checks(_) => sent.all(control.name).collect::<Vec<_>>().into(),
        Kind::Lines => {
            let lines = typed.unwrap_or_default().lines().map(str::trim);
            lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().into()
        }
        Kind::Secret => match typed.filter(|text| !text.is_empty()) {
            Some(text) => text.into(),
            None => return Ok(None),
        },
        Kind::Number => {
            let text = typed.unwrap_or_default().trim();
            // What is no number is sent as it is: the operation says so in its own words.
            let whole = text.parse::<i64>().map(Value::from);
            let number = whole.or_else(|_| text.parse::<f64>().map(Value::from));
            number.ok().filter(Value::is_number).unwrap_or_else(|| text.into())
        }
        Kind::Json | Kind::Merged => {
            let text = typed.unwrap_or_default().trim();
            let text = if text.is_empty() { "{}" } else { text };
            let parsed = serde_json::from_str(text).map_err(|error| Refusal {
                control: Some(control.name),
                text: format!("This is not JSON: {error}."),
            });
            parsed?
        }
        Kind::Text | Kind::Choice(_) => typed.unwrap_or_default().trim().into(),
        Kind::Code => typed.unwrap_or_default().into(),
    }))
}

#[cfg(test)]
mod tests {
    use gatewright_resources::engine::ApiError;
    use serde_json::{Value, json};

    use super::super::control::{Kind, control};
    use super::{Control, Refusal, body};
    use crate::sent::Sent;

    const CONTROLS: &[Control] = &[
        control("name", "Name", Kind::Text).required(),
        control("description", "Description", Kind::Text),
        control("callbacks", "Callbacks", Kind::Lines),
        control("jwt.lifetime", "Lifetime", Kind::Number),
        control("sso", "SSO", Kind::Toggle),
        control("metadata", "Metadata", Kind::Json),
        control("uri", "URI", Kind::Text).nullable(),
    ];

    fn check(current: Value, sent: &str, expect: Value) {
        let sent = Sent::parse(sent.as_bytes()).unwrap();
        assert_eq!(body(CONTROLS, &current, &sent).unwrap(), expect);
    }

    #[test]
    fn only_what_differs_is_sent() {
        let stored = json!({"name": "A", "callbacks": ["https://a"], "jwt": {"lifetime": 60, "alg": "RS256"}, "sso": true, "uri": "x"});
        check(
            stored.clone(),
            "name=A&description=&callbacks=https://a&jwt.lifetime=60&sso=on&metadata={}&uri=x",
            json!({}),
        );
        check(
            stored.clone(),
            "name=B&callbacks=https://a%0D%0A%0D%0Ahttps://b&jwt.lifetime=90&sso=on&metadata=&uri=",
            json!({"name": "B", "callbacks": ["https://a", "https://b"], "jwt": {"lifetime": 90, "alg": "RS256"}, "uri": null}),
        );
        check(
            stored,
            "name=A&callbacks=&jwt.lifetime=soon&uri=x&metadata={\"a\":1}",
            json!({"callbacks": [], "jwt": {"lifetime": "soon", "alg": "RS256"}, "sso": false, "metadata": {"a": 1}}),
        );
        // What is an object where the form has a text stays one.
        let gradient = json!({"uri": {"start": "#fff"}});
        check(gradient.clone(), "uri={\"start\":\"%23fff\"}", json!({}));
        check(gradient, "uri=%23000", json!({"uri": "#000"}));
        check(Value::Null, "name=&description=&jwt.lifetime=", json!({"name": ""}));
    }

    #[test]
    fn a_merged_object_is_sent_as_its_changes() {
        const METADATA: &[Control] = &[control("m", "M", Kind::Merged)];
        let stored = json!({"m": {"a": 1, "b": 2, "c": {"x": 1}}});
        let check = |sent: &str, expect: Value| {
            let sent = Sent::parse(sent.as_bytes()).unwrap();
            assert_eq!(body(METADATA, &stored, &sent).unwrap(), expect);
        };
        check("m={\"a\":1,\"c\":{\"y\":2},\"d\":4}", json!({"m": {"b": null, "c": {"y": 2}, "d": 4}}));
        check("m={\"a\":1,\"b\":2,\"c\":{\"x\":1}}", json!({}));
        check("m=", json!({"m": {"a": null, "b": null, "c": null}}));
    }

    #[test]
    fn what_is_no_json_is_refused_at_its_control() {
        let sent = Sent::parse(b"name=A&metadata={").unwrap();
        let refusal = body(CONTROLS, &Value::Null, &sent).unwrap_err();
        assert_eq!(refusal.control, Some("metadata"));
    }

    #[test]
    fn a_refusal_comes_back_to_its_control() {
        let check = |message: &'static str, control: Option<&str>, text: &str| {
            let refusal = Refusal::of(CONTROLS, &ApiError::new(400, message));
            assert_eq!((refusal.control, refusal.text.as_str()), (control, text));
        };
        check(
            "Payload validation error: 'String is too short (0 chars), minimum 1' on property name (The name of the client).",
            Some("name"),
            "String is too short (0 chars), minimum 1.",
        );
        check(
            "Payload validation error: 'Object didn't pass validation for format x: y' on property callbacks[0].",
            Some("callbacks"),
            "Object didn't pass validation for format x: y.",
        );
        check(
            "Payload validation error: 'Missing required property: name'.",
            Some("name"),
            "Missing required property: name.",
        );
        check("The user already exists.", None, "The user already exists.");
    }
}
