//! A proposed change as calls of the Management API: what to read first, what to send then.

use serde_json::{Map, Value, json};

use crate::terminal::printable;

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The HTTP method.
    pub method: &'static str,
    /// The path below `/api/v2`, encoded.
    pub path: String,
    /// The body.
    pub body: Value,
}

/// A change that can be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan<'a> {
    change: &'a Value,
    resource: &'a str,
    id: Option<&'a str>,
}

/// Reads a change as reports have it; `None` where the user or the resource is not known.
pub fn plan(change: &Value) -> Option<Plan<'_>> {
    let resource = change["resource"].as_str()?;
    let id = change["id"].as_str();
    // No path names such an id: clients resolve these segments before they send.
    if id.is_some_and(|id| matches!(id, "." | ".." | "")) {
        return None;
    }
    (id.is_some() || change["action"] == "create").then_some(Plan { change, resource, id })
}

impl Plan<'_> {
    /// In words, for the question before it; safe on a terminal.
    pub fn says(&self) -> String {
        let value = &self.change["value"];
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let field = self.change["field"].as_str().unwrap_or_default();
        let of = format!("{} {}", self.resource, self.id.unwrap_or_default());
        printable(&match self.change["action"].as_str() {
            Some("append") => format!("add {shown} to {field} of {of}"),
            Some("set") => format!("set {field} of {of} to {shown}"),
            _ => format!("create in {} {shown}", self.resource),
        })
    }

    /// The path to read before it is known what to send.
    pub fn reads(&self) -> Option<String> {
        let by_addition = self.change["action"] == "create" || self.is_permission();
        let id = self.id.filter(|_| !by_addition)?;
        Some(format!("/{}/{}", encoded(self.resource), encoded(id)))
    }

    /// What to send; `current` is what the path of [`Plan::reads`] answered.
    pub fn call(&self, current: &Value) -> Call {
        let value = self.change["value"].clone();
        let path = match self.id {
            Some(id) => format!("/{}/{}", encoded(self.resource), encoded(id)),
            None => format!("/{}", encoded(self.resource)),
        };
        let field = self.change["field"].as_str().unwrap_or_default();
        match self.change["action"].as_str() {
            Some("append") if self.is_permission() => {
                Call { method: "POST", path: path + "/permissions", body: json!({"permissions": [value]}) }
            }
            Some("append") => {
                let mut items = current[field].as_array().cloned().unwrap_or_default();
                if !items.contains(&value) {
                    items.push(value);
                }
                Call { method: "PATCH", path, body: json!({ field: items }) }
            }
            Some("set") => Call { method: "PATCH", path, body: set(current, field, value) },
            _ => Call { method: "POST", path, body: value },
        }
    }

    fn is_permission(&self) -> bool {
        self.resource == "users" && self.change["field"] == "permissions"
    }
}

/// An object with the field set, nested where it has dots; members beside a nested one stay as they are.
fn set(current: &Value, field: &str, value: Value) -> Value {
    match field.split_once('.') {
        None => json!({ field: value }),
        Some((first, rest)) => {
            let mut inner = current[first].as_object().cloned().unwrap_or_else(Map::new);
            if let Value::Object(changed) = set(&current[first], rest, value) {
                inner.extend(changed);
            }
            json!({ first: inner })
        }
    }
}

/// One segment of a path.
fn encoded(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(byte))
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::plan;
    use serde_json::{Value, json};

    #[test]
    fn changes_become_calls() {
        let check = |change: Value, current: Value, expect: (&str, &str, &str, Value)| {
            let plan = plan(&change).unwrap();
            let call = plan.call(&current);
            let reads = plan.reads().unwrap_or_default();
            assert_eq!((reads.as_str(), call.method, call.path.as_str(), call.body), expect, "{change}");
        };
        check(
            json!({"resource": "clients", "id": "a", "action": "append", "field": "callbacks", "value": "u"}),
            json!({"callbacks": ["t"]}),
            ("/clients/a", "PATCH", "/clients/a", json!({"callbacks": ["t", "u"]})),
        );
        check(
            json!({"resource": "resource-servers", "id": "r", "action": "set",
                   "field": "subject_type_authorization.user.policy", "value": "allow_all"}),
            json!({"subject_type_authorization": {"user": {"policy": "deny_all"}, "client": {"policy": "x"}}}),
            (
                "/resource-servers/r",
                "PATCH",
                "/resource-servers/r",
                json!({"subject_type_authorization": {
                "user": {"policy": "allow_all"}, "client": {"policy": "x"}}}),
            ),
        );
        check(
            json!({"resource": "users", "id": "sms|1", "action": "append", "field": "permissions",
                   "value": {"permission_name": "p"}}),
            Value::Null,
            ("", "POST", "/users/sms%7C1/permissions", json!({"permissions": [{"permission_name": "p"}]})),
        );
        check(
            json!({"resource": "client-grants", "id": null, "action": "create", "value": {"scope": []}}),
            Value::Null,
            ("", "POST", "/client-grants", json!({"scope": []})),
        );
        let nobody = json!({"resource": "users", "id": null, "action": "append", "field": "permissions"});
        assert_eq!(plan(&nobody), None);
        for id in ["..", ".", ""] {
            let change =
                json!({"resource": "clients", "id": id, "action": "set", "field": "name", "value": "x"});
            assert_eq!(plan(&change), None, "{id:?}");
        }
        let evil = json!({"resource": "clients", "id": "a\u{1b}[2J", "action": "set", "field": "f\u{202e}",
                          "value": "\u{7}"});
        assert_eq!(plan(&evil).unwrap().says(), "set f\\u{202e} of clients a\\u{1b}[2J to \\u{7}");
    }
}
