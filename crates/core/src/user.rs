//! The protocol's part of a user: what goes into tokens.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A user as decisions see it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct User {
    /// `provider|local`, the `sub` of tokens.
    pub user_id: String,
    /// Refused at every login while `true`.
    pub blocked: bool,
    /// Every root attribute of the profile (`name`, `email`, `phone_number`, ...), as the
    /// Management API shows it, without `user_metadata`, `app_metadata` and `identities`.
    #[serde(flatten)]
    pub profile: Map<String, Value>,
}

impl User {
    /// A text attribute of the profile, if present and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.profile.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }
}
