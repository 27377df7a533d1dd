//! What stands in a token, and where each claim comes from.

use askama::Template;
use gatewright_core::script::claims;
use gatewright_jose::parse_unverified;
use serde_json::Value;

use crate::view::{items, text};

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

impl TokenView {
    /// A token of an answer; `origins` are the groups of claims that the ledger keeps of it.
    pub(super) fn of(id: &'static str, title: &'static str, token: &str, origins: &[Value]) -> Self {
        let parsed = parse_unverified(token);
        let note = match &parsed {
            Some((header, _)) => {
                format!("{} signed with the key {}", text(header, "alg"), text(header, "kid"))
            }
            None => "Opaque: only this server can read it, at /userinfo.".to_owned(),
        };
        let members = parsed.map(|(_, claims)| claims).and_then(|claims| claims.as_object().cloned());
        let claims = members.into_iter().flatten().map(|(name, value)| Claim {
            origin: origin(&name, origins),
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

fn origin(name: &str, origins: &[Value]) -> String {
    let group = origins.iter().find(|group| items(group, "claims").iter().any(|claim| claim == name));
    let of = group.map_or("", |group| text(group, "of"));
    match (name, group.map(|group| text(group, "reason"))) {
        ("scope", _) => "the decision below".to_owned(),
        ("permissions", _) => "role-based access control of the API".to_owned(),
        ("org_id" | "org_name", _) => "the organization".to_owned(),
        (_, Some("claim_of_script")) => script(of),
        (_, Some("claim_of_scope")) => format!("scope {of}"),
        (_, Some("claim_of_dialect")) => format!("standard, in the dialect {of}"),
        (_, Some("claim_of_request")) => "standard, asked for".to_owned(),
        (_, Some(_)) => "standard".to_owned(),
        // Hashes are made when a token is signed; and who may not read the logs has the names alone.
        (_, None) => match gatewright_core::tokens::claims::scope_of(name) {
            Some(scope) => format!("scope {scope}"),
            None if claims::is_reserved(name) => "standard".to_owned(),
            None => "unknown".to_owned(),
        },
    }
}

/// `The action "a", line 3` as a heading has it.
fn script(of: &str) -> String {
    let plain = of.strip_prefix("The ").unwrap_or(of).replace('"', "");
    let mut letters = plain.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::origin;

    #[test]
    fn claims_have_an_origin() {
        let origins = [
            json!({"reason": "claim_of_protocol", "claims": ["iss", "sub"]}),
            json!({"reason": "claim_of_request", "claims": ["nonce"]}),
            json!({"reason": "claim_of_scope", "of": "email", "claims": ["email"]}),
            json!({"reason": "claim_of_script", "of": "The action \"add-role\", line 3", "claims": ["https://x/role"]}),
            json!({"reason": "claim_of_script", "of": "The rule \"r\"", "claims": ["nickname"]}),
        ];
        let check = |name: &str, expect: &str| assert_eq!(origin(name, &origins), expect, "{name}");
        check("iss", "standard");
        check("nonce", "standard, asked for");
        check("email", "scope email");
        check("nickname", "Rule r");
        check("https://x/role", "Action add-role, line 3");
        // What the ledger does not have.
        check("at_hash", "standard");
        check("name", "scope profile");
        check("https://x/other", "unknown");
    }
}
