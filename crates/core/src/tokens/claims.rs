//! The standard claims of a user, by scope (OpenID Connect Core section 5.4).

use serde_json::{Map, Value};

use crate::user::User;

/// Each claim with the scope that opens it and the profile attribute it is read from.
const CLAIMS: &[(&str, &str, &str)] = &[
    ("profile", "name", "name"),
    ("profile", "given_name", "given_name"),
    ("profile", "family_name", "family_name"),
    ("profile", "middle_name", "middle_name"),
    ("profile", "nickname", "nickname"),
    ("profile", "preferred_username", "preferred_username"),
    ("profile", "profile", "profile"),
    ("profile", "picture", "picture"),
    ("profile", "website", "website"),
    ("profile", "gender", "gender"),
    ("profile", "birthdate", "birthdate"),
    ("profile", "zoneinfo", "zoneinfo"),
    ("profile", "locale", "locale"),
    // Compat: ISO 8601 text, where OpenID Connect says seconds; SDKs show it as text.
    ("profile", "updated_at", "updated_at"),
    ("email", "email", "email"),
    ("email", "email_verified", "email_verified"),
    ("phone", "phone_number", "phone_number"),
    ("phone", "phone_number_verified", "phone_verified"),
    ("address", "address", "address"),
];

/// The claims that these scopes open, as far as the user has them. Empty texts are left out, and a
/// verified flag is not stated about something the user has not.
pub fn standard(user: &User, scopes: &[&str]) -> Map<String, Value> {
    let mut claims = Map::new();
    for (scope, claim, attribute) in CLAIMS {
        let value = user.profile.get(*attribute).filter(|value| !is_empty(value));
        let (true, Some(value)) = (scopes.contains(scope), value) else { continue };
        claims.insert((*claim).to_owned(), value.clone());
    }
    for (flag, about) in [("email_verified", "email"), ("phone_number_verified", "phone_number")] {
        if !claims.contains_key(about) {
            claims.remove(flag);
        }
    }
    claims
}

/// The answer of `/userinfo`: `sub` and the standard claims.
pub fn userinfo(user: &User, scopes: &[&str]) -> Value {
    let mut claims = standard(user, scopes);
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
