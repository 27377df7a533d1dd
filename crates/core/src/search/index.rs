//! What the search index holds of a user: one entry for each value of each searchable attribute that
//! the user's row has no column for.
//!
//! Entries are few because every write of a user pays for them: attributes that change with each login
//! (dates, counts) and those with two values (verified or not) are read from the row instead.

use serde_json::{Map, Value};

use super::value::{bool_key, folded, number_key, text_key};

/// Values of one user that are searchable at most; what is beyond is stored, but not found.
pub const MOST_ENTRIES: usize = 100;

/// Longer paths are not searchable, in bytes.
pub const LONGEST_PATH: usize = 200;

/// Attributes that compare without regard to case.
const FOLDED: &[&str] = &["name", "given_name", "family_name", "nickname"];

/// Attributes that compare as they are.
const EXACT: &[&str] = &["username", "last_ip", "blocked"];

/// One searchable value of a user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The attribute: `name`, or `app_metadata.subscription.plan`.
    pub path: String,
    /// Its value, as [`value`](super::value) writes it.
    pub value: String,
}

/// The entries of a user, sorted, none twice. Arrays are transparent; null, empty lists and empty objects
/// are not there.
pub fn index_entries(user: &Map<String, Value>) -> Vec<Entry> {
    let mut found = Found(Vec::new());
    for name in FOLDED {
        if let Some(text) = user.get(*name).and_then(Value::as_str) {
            found.add(name, text_key(&folded(text)));
        }
    }
    for name in EXACT {
        if let Some(value) = user.get(*name) {
            found.leaves(name, value);
        }
    }
    if let Some(domain) = user.get("email").and_then(Value::as_str).and_then(domain_of) {
        found.add("email.domain", text_key(&domain));
    }
    for name in ["app_metadata", "user_metadata"] {
        if let Some(value) = user.get(name) {
            found.leaves(name, value);
        }
    }
    let mut entries = found.0;
    entries.sort_unstable();
    entries.dedup();
    entries
}

/// What stands behind the `@` of an e-mail address, as `email.domain` compares it.
pub fn domain_of(email: &str) -> Option<String> {
    email.rsplit_once('@').map(|(_, domain)| folded(domain))
}

struct Found(Vec<Entry>);

impl Found {
    fn add(&mut self, path: &str, value: Option<String>) {
        if let Some(value) = value
            && path.len() <= LONGEST_PATH
            && self.0.len() < MOST_ENTRIES
        {
            self.0.push(Entry { path: path.to_owned(), value });
        }
    }

    fn leaves(&mut self, path: &str, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(value) => self.add(path, Some(bool_key(*value))),
            Value::Number(number) => self.add(path, number.as_f64().map(number_key)),
            Value::String(text) => self.add(path, text_key(text)),
            Value::Array(items) => items.iter().for_each(|item| self.leaves(path, item)),
            Value::Object(members) => {
                for (name, value) in members {
                    self.leaves(&format!("{path}.{name}"), value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{MOST_ENTRIES, index_entries};

    fn check(user: serde_json::Value, expect: &[&str]) {
        let entries = index_entries(user.as_object().unwrap());
        let shown: Vec<String> =
            entries.iter().map(|entry| format!("{}={}", entry.path, entry.value)).collect();
        assert_eq!(shown, expect, "{user}");
    }

    #[test]
    fn searchable_values_are_entries() {
        check(json!({}), &[]);
        check(
            json!({"user_id": "auth0|1", "email": "Jo@Example.com", "name": "Jo DOE", "username": "Jo",
                   "logins_count": 3, "picture": "https://x", "email_verified": true, "blocked": true}),
            &["blocked=b1", "email.domain=sexample.com", "name=sjo doe", "username=sJo"],
        );
        check(
            json!({"user_metadata": {"a": [1, "x", {"b": "Y"}, 1], "empty": {}, "none": null, "list": []},
                   "app_metadata": {"deep": {"er": {"flag": false}}}}),
            &[
                "app_metadata.deep.er.flag=b0",
                "user_metadata.a=nbff0000000000000",
                "user_metadata.a=sx",
                "user_metadata.a.b=sY",
            ],
        );
        check(json!({"name": "x".repeat(1001), "app_metadata": {"p".repeat(200): 1}}), &[]);
    }

    #[test]
    fn a_user_has_a_bounded_number_of_entries() {
        let many: Vec<u32> = (0..1000).collect();
        let user = json!({"name": "jo", "app_metadata": {"role": "r"}, "user_metadata": {"many": many}});
        let entries = index_entries(user.as_object().unwrap());
        assert_eq!(entries.len(), MOST_ENTRIES);
        assert!(entries.iter().any(|entry| entry.path == "app_metadata.role"));
    }
}
