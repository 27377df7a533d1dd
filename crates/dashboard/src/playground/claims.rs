//! What stands in a token, and where each claim comes from.

use askama::Template;
use gatewright_jose::parse_unverified;
use serde_json::Value;

use crate::view::text;

/// A token taken apart.
#[derive(Template)]
#[template(path = "token.html")]
pub(super) struct TokenView {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) note: String,
    pub(super) claims: Vec<Claim>,
    pub(super) raw: String,
}

/// One claim.
pub(super) struct Claim {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) origin: String,
}

/// Claims that the scope beside them opens (OpenID Connect Core, section 5.4).
const BY_SCOPE: &[(&str, &[&str])] = &[
    ("email", &["email", "email_verified"]),
    ("phone", &["phone_number", "phone_number_verified", "phone_verified"]),
    ("address", &["address"]),
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
];

/// Claims that say what the token is.
const STANDARD: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "azp",
    "sid",
    "nonce",
    "auth_time",
    "at_hash",
    "c_hash",
    "s_hash",
    "jti",
    "acr",
    "amr",
    "client_id",
    "gty",
];

impl TokenView {
    /// A token of an answer; `runs` are the scripts that ran for it, as the log keeps them.
    pub(super) fn of(id: &'static str, title: &'static str, token: &str, runs: &[Value]) -> Self {
        let parsed = parse_unverified(token);
        let note = match &parsed {
            Some((header, _)) => {
                format!("{} signed with the key {}", text(header, "alg"), text(header, "kid"))
            }
            None => "Opaque: only this server can read it, at /userinfo.".to_owned(),
        };
        let members = parsed.map(|(_, claims)| claims).and_then(|claims| claims.as_object().cloned());
        let claims = members.into_iter().flatten().map(|(name, value)| Claim {
            origin: origin(&name, &value, runs),
            value: shown(&name, &value),
            name,
        });
        Self { id, title, note, claims: claims.collect(), raw: token.to_owned() }
    }
}

fn shown(name: &str, value: &Value) -> String {
    let is_time = matches!(name, "iat" | "exp" | "nbf" | "auth_time");
    match value.as_i64().filter(|_| is_time) {
        Some(seconds) => {
            format!("{seconds} ({})", gatewright_core::Timestamp::from_seconds(seconds).iso8601())
        }
        None => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
    }
}

fn origin(name: &str, value: &Value, runs: &[Value]) -> String {
    if let Some(run) = runs.iter().rev().find(|run| sets(run, name, value)) {
        let kind = match text(run, "kind") {
            "rule" => "Rule",
            "hook" => "Hook",
            _ => "Action",
        };
        return format!("{kind} {}", text(run, "name"));
    }
    if let Some((scope, _)) = BY_SCOPE.iter().find(|(_, claims)| claims.contains(&name)) {
        return format!("scope {scope}");
    }
    match name {
        "scope" => "the decision below".to_owned(),
        "permissions" => "role-based access control of the API".to_owned(),
        "org_id" | "org_name" => "the organization".to_owned(),
        _ if STANDARD.contains(&name) => "standard".to_owned(),
        _ => "unknown".to_owned(),
    }
}

/// Whether a script's commands name this claim.
fn sets(run: &Value, name: &str, value: &Value) -> bool {
    fn holds(command: &Value, name: &str) -> bool {
        match command {
            Value::String(text) => text == name,
            Value::Array(parts) => parts.iter().any(|part| holds(part, name)),
            // A rule's claims are members; those of a profile have names that any member may have.
            Value::Object(members) => {
                members.iter().any(|(key, part)| (key == name && name.contains(':')) || holds(part, name))
            }
            _ => false,
        }
    }
    // A command that sets a scope names it; the claim that holds all scopes is of the decision.
    name != "scope"
        && !STANDARD.contains(&name)
        && !value.is_null()
        && run["commands"].as_array().is_some_and(|commands| commands.iter().any(|one| holds(one, name)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::origin;

    #[test]
    fn claims_have_an_origin() {
        let runs = [json!({"kind": "action", "name": "add-role", "commands": [
            {"set_custom_claim": {"token": "id_token", "name": "https://x/role", "value": "tea"}}
        ]})];
        let check = |name: &str, expect: &str| assert_eq!(origin(name, &json!("v"), &runs), expect);
        check("iss", "standard");
        check("email", "scope email");
        check("nickname", "scope profile");
        check("name", "scope profile");
        check("https://x/role", "Action add-role");
        check("https://x/other", "unknown");
    }
}
