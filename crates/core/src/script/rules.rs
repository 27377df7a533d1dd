//! What Rules left in `user` and `context`.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::actions::redirect;
use super::claims::{self, Token};
use super::{Change, ScopeChange, ScriptFacts, Verdict};
use crate::errors::OAuthError;

/// Root attributes of a profile that tokens state; what a rule assigns to them counts for this login.
const ATTRIBUTES: &[&str] = &[
    "name",
    "given_name",
    "family_name",
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
    "email",
    "email_verified",
    "phone_number",
    "phone_verified",
    "address",
];

/// Members of `context` that count when rules have run.
const MEMBERS: &[&str] = &["idToken", "accessToken", "primaryUser", "multifactor", "redirect"];

/// Of what rules leave behind, the members that [`judge`] looks at: no others need to be sent back.
pub const TOLD: Told = Told { user: ATTRIBUTES, context: MEMBERS };

/// Names of members of `user` and `context`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Told {
    user: &'static [&'static str],
    context: &'static [&'static str],
}

/// Of what rules are shown, what [`judge`] compares.
pub fn compared<'a>(user: impl Fn(&str) -> Option<&'a Value>, protocol: &str) -> Value {
    let attribute = |name: &&str| Some(((*name).to_owned(), user(name)?.clone()));
    let user: Map<String, Value> = ATTRIBUTES.iter().filter_map(attribute).collect();
    json!({ "user": user, "context": { "protocol": protocol } })
}

/// What the rules come to: `before` is what they were shown, as far as it is [`compared`], `after` is
/// `{"user", "context"}` as they left it, `by` names them.
pub fn judge(by: &str, before: &Value, after: &Value, facts: &ScriptFacts) -> Verdict {
    let mut verdict = Verdict::default();
    let context = &after["context"];
    for (member, token) in
        [("idToken", Token::Id), ("accessToken", Token::Access { system: facts.system_api })]
    {
        let command = format!("context.{member}");
        for (name, value) in context[member].as_object().into_iter().flatten() {
            if name == "scope" && member == "accessToken" {
                continue;
            }
            let claims = match token {
                Token::Id => &mut verdict.id_token,
                Token::Access { .. } => &mut verdict.access_token,
            };
            let done =
                claims::allowed(name, token).and_then(|()| claims::insert(claims, name, value.clone()));
            match done {
                Ok(()) => {
                    verdict.note_set(by, if token == Token::Id { "id_token" } else { "access_token" }, name)
                }
                Err(reason) => verdict.note(by, &command, name, reason),
            }
        }
    }
    if let Some(scopes) = scopes(&context["accessToken"]["scope"]) {
        verdict.scopes.push(ScopeChange { by: by.to_owned(), change: Change::Set { scopes } });
    }
    verdict.profile = changed(&before["user"], &after["user"]);
    for name in verdict.profile.keys().cloned().collect::<Vec<_>>() {
        verdict.note_set(by, "profile", &name);
    }
    verdict.primary_user = context["primaryUser"].as_str().map(str::to_owned);
    verdict.multifactor = context["multifactor"]["provider"].as_str().map(str::to_owned);
    if let Some(url) = context["redirect"]["url"].as_str() {
        // A rule that runs again when the browser has come back may ask once more: that is not heard.
        if before["context"]["protocol"] != "redirect-callback" {
            redirect(&mut verdict, by, url, facts);
        }
    }
    verdict
}

/// A rule may give a list or, as the token has it, a text.
fn scopes(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(scopes) => Some(scopes.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        Value::String(scopes) => Some(scopes.split_whitespace().map(str::to_owned).collect()),
        _ => None,
    }
}

fn changed(before: &Value, after: &Value) -> Map<String, Value> {
    let differs = |name: &&&str| after.is_object() && before.get(**name) != after.get(**name);
    let value = |name: &&str| ((*name).to_owned(), after.get(*name).cloned().unwrap_or_default());
    ATTRIBUTES.iter().filter(differs).map(value).collect()
}

/// Whether a rule's code looks at `auth0.accessToken`. It may look where it does not, never the other way round
/// as long as it is written as the documents have it.
pub fn uses_access_token(code: &str) -> bool {
    let dense: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    let ways = [
        "auth0.accessToken",
        "auth0?.accessToken",
        "auth0['accessToken']",
        "auth0[\"accessToken\"]",
        "}=auth0",
    ];
    ways.iter().any(|way| dense.contains(way))
}

/// The refusal that an exception of a rule stands for.
///
/// Compat: `UnauthorizedError` becomes `unauthorized`, anything else that a rule gives to its callback
/// `access_denied`, with its own text.
pub fn refusal(name: &str, message: &str) -> OAuthError {
    let message: String = message.chars().take(1000).collect();
    match name {
        "UnauthorizedError" => OAuthError::new(401, "unauthorized", message),
        _ => OAuthError::access_denied(message),
    }
    .because("denied_by_script")
}
