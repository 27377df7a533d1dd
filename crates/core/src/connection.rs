//! The protocol's part of a connection: where a user's identity comes from.

use serde::Deserialize;
use serde_json::Value;

/// A connection as decisions see it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Connection {
    /// `con_` and 16 characters.
    pub id: String,
    /// Unique in the tenant, e.g. `sms` or `Username-Password-Authentication`.
    pub name: String,
    /// `sms`, `email`, `auth0` (database), ...
    pub strategy: String,
    /// Shown on login pages instead of the name.
    pub display_name: Option<String>,
    /// Clients that may use it.
    pub enabled_clients: Vec<String>,
    /// Every third-party client may use it too; the snapshot of a tenant adds them to the list above.
    pub is_domain_connection: bool,
    /// What the tenant notes on the connection, for its scripts.
    pub metadata: serde_json::Map<String, Value>,
    /// The strategy's settings, as stored.
    pub options: Value,
}

impl Connection {
    /// Whether this client may use the connection.
    pub fn is_enabled_for(&self, client_id: &str) -> bool {
        self.enabled_clients.iter().any(|enabled| enabled == client_id)
    }

    /// The text option of this name, if it is there and not empty.
    pub fn text_option(&self, name: &str) -> Option<&str> {
        self.options.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Whether people without an account may make one here.
    pub fn signup_disabled(&self) -> bool {
        self.options.get("disable_signup").and_then(Value::as_bool).unwrap_or(false)
    }

    /// Digits of a one-time code; 6 unless `totp.length` says otherwise (4 to 12).
    pub fn code_length(&self) -> usize {
        let length = self.totp("length").unwrap_or(6);
        usize::try_from(length.clamp(4, 12)).unwrap_or(6)
    }

    /// Life of a one-time code in seconds; 180 unless `totp.time_step` says otherwise.
    pub fn code_lifetime_seconds(&self) -> i64 {
        self.totp("time_step").unwrap_or(180).clamp(30, 86_400)
    }

    fn totp(&self, name: &str) -> Option<i64> {
        self.options.get("totp")?.get(name)?.as_i64()
    }
}
