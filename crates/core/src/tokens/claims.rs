//! The standard claims of a user, by scope (OpenID Connect Core section 5.4).

use serde_json::{Map, Value};

use crate::time::Timestamp;
use crate::user::User;

/// What standard claims look like: a setting of the tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClaimTypes {
    /// As Auth0 has them: `updated_at` is ISO 8601 text, which SDKs show; claims come from the profile.
    #[default]
    Auth0,
    /// As OpenID Connect Core section 5.1 has them: `updated_at` counts seconds. What the profile has no
    /// member for comes from `user_metadata`, and a value of another type is left out.
    Strict,
}

/// The JSON type of a claim, OpenID Connect Core section 5.1.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Flag,
    Object,
    Seconds,
}

/// Each claim with the scope that opens it, the profile attribute it is read from, and its type.
const CLAIMS: &[(&str, &str, &str, Type)] = &[
    ("profile", "name", "name", Type::Text),
    ("profile", "given_name", "given_name", Type::Text),
    ("profile", "family_name", "family_name", Type::Text),
    ("profile", "middle_name", "middle_name", Type::Text),
    ("profile", "nickname", "nickname", Type::Text),
    ("profile", "preferred_username", "preferred_username", Type::Text),
    ("profile", "profile", "profile", Type::Text),
    ("profile", "picture", "picture", Type::Text),
    ("profile", "website", "website", Type::Text),
    ("profile", "gender", "gender", Type::Text),
    ("profile", "birthdate", "birthdate", Type::Text),
    ("profile", "zoneinfo", "zoneinfo", Type::Text),
    ("profile", "locale", "locale", Type::Text),
    ("profile", "updated_at", "updated_at", Type::Seconds),
    ("email", "email", "email", Type::Text),
    ("email", "email_verified", "email_verified", Type::Flag),
    ("phone", "phone_number", "phone_number", Type::Text),
    ("phone", "phone_number_verified", "phone_verified", Type::Flag),
    ("address", "address", "address", Type::Object),
];

/// Claims that `user_metadata` may fill: those that profiles have no member for. What identifies a user,
/// or was verified, is never read from there: users may write it themselves.
const FROM_METADATA: &[&str] = &[
    "middle_name",
    "preferred_username",
    "profile",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "address",
];

/// The claims that these scopes open, as far as the user has them. Empty texts are left out, and a
/// verified flag is not stated about something the user has not.
pub fn standard(user: &User, scopes: &[&str], types: ClaimTypes) -> Map<String, Value> {
    let mut claims = Map::new();
    for (scope, claim, attribute, kind) in CLAIMS {
        if !scopes.contains(scope) {
            continue;
        }
        let of_profile = user.profile.get(*attribute).filter(|value| !is_empty(value));
        let value = match types {
            ClaimTypes::Auth0 => of_profile.cloned(),
            ClaimTypes::Strict => {
                let value = of_profile.or_else(|| of_metadata(user, claim).filter(|value| !is_empty(value)));
                value.and_then(|value| typed(value, *kind))
            }
        };
        if let Some(value) = value {
            claims.insert((*claim).to_owned(), value);
        }
    }
    for (flag, about) in [("email_verified", "email"), ("phone_number_verified", "phone_number")] {
        if !claims.contains_key(about) {
            claims.remove(flag);
        }
    }
    claims
}

/// The scope that opens a standard claim; `None` for a claim that is none.
pub fn scope_of(claim: &str) -> Option<&'static str> {
    CLAIMS.iter().find(|(_, name, ..)| *name == claim).map(|(scope, ..)| *scope)
}

fn of_metadata<'a>(user: &'a User, claim: &str) -> Option<&'a Value> {
    FROM_METADATA.contains(&claim).then(|| user.profile.get("user_metadata")?.get(claim)).flatten()
}

/// The value in the claim's type, if it can have that.
fn typed(value: &Value, kind: Type) -> Option<Value> {
    match (kind, value) {
        (Type::Text, Value::String(_)) | (Type::Flag, Value::Bool(_)) => Some(value.clone()),
        // Section 5.1.1: every member of an address is text.
        (Type::Object, Value::Object(parts)) => parts.values().all(Value::is_string).then(|| value.clone()),
        (Type::Seconds, Value::String(text)) => {
            Timestamp::parse_iso8601(text).map(|moment| moment.seconds().into())
        }
        (Type::Seconds, Value::Number(_)) => Some(value.clone()),
        _ => None,
    }
}

/// The answer of `/userinfo`: `sub` and the standard claims.
pub fn userinfo(user: &User, scopes: &[&str], types: ClaimTypes) -> Value {
    let mut claims = standard(user, scopes, types);
    claims.insert("sub".to_owned(), Value::String(user.user_id.clone()));
    Value::Object(claims)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}
