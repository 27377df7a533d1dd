//! Hides secrets in what is written to the log.

use serde_json::Value;

/// What a secret is replaced with.
pub(super) const STARS: &str = "*****";

/// Names whose values are secrets, besides those that end in `secret` or `password`.
const SECRET_NAMES: &[&str] = &[
    "access_token",
    "api_key",
    "auth_token",
    "authorization",
    "aws_secret_access_key",
    "client_assertion",
    "configuration",
    "credentials",
    "datadogApiKey",
    "httpAuthorization",
    "httpCustomHeaders",
    "id_token",
    "key",
    "p12",
    "private_key",
    "privateKey",
    "refresh_token",
    "sasKey",
    "secret_key",
    "secrets",
    "segmentWriteKey",
    "server_credentials",
    "server_key",
    "signing_key",
    "skey",
    "splunkToken",
    "storageAccessKey",
    "sumoSourceAddress",
    "ticket",
    "twilio_token",
];

/// A copy in which every member whose name says that it is secret holds stars.
pub fn masked(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                (name.clone(), if is_secret(name, value) { STARS.into() } else { masked(value) })
            })
            .collect(),
        other => other.clone(),
    }
}

/// A secret's name alone is not enough: `require_password: true` hides nothing.
fn is_secret(name: &str, value: &Value) -> bool {
    let lower = name.to_ascii_lowercase();
    let named = lower.ends_with("secret") || lower.ends_with("password") || SECRET_NAMES.contains(&name);
    named && !matches!(value, Value::Null | Value::Bool(_))
        // A client's `refresh_token` is a group of settings, a token is text.
        && !(name == "refresh_token" && value.is_object())
}

#[cfg(test)]
mod tests {
    use super::masked;
    use serde_json::json;

    #[test]
    fn secrets_are_hidden_at_any_depth_and_settings_are_not() {
        let shown = masked(&json!({
            "client_secret": "s", "name": "n", "refresh_token": {"leeway": 0},
            "identities": [{"access_token": "t", "provider": "x"}],
            "options": {"twilio_token": "t", "gateway_authentication": {"secret": "s", "audience": "a"},
                        "requires_password": true, "from": "+1"},
        }));
        assert_eq!(
            shown,
            json!({
                "client_secret": "*****", "name": "n", "refresh_token": {"leeway": 0},
                "identities": [{"access_token": "*****", "provider": "x"}],
                "options": {"twilio_token": "*****", "gateway_authentication": {"secret": "*****", "audience": "a"},
                            "requires_password": true, "from": "+1"},
            })
        );
    }
}
