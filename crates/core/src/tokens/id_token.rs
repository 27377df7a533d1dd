//! ID tokens, OpenID Connect Core section 2.

use serde_json::{Map, Value, json};

use super::claims;
use crate::client::Client;
use crate::ids::Issuer;
use crate::mfa;
use crate::time::Timestamp;
use crate::user::User;

/// What an ID token is made from.
#[derive(Clone, Debug)]
pub struct IdTokenFacts<'a> {
    /// The issuer of the request.
    pub issuer: &'a Issuer,
    /// The client it is for.
    pub client: &'a Client,
    /// Who logged in.
    pub user: &'a User,
    /// The granted scopes.
    pub scopes: &'a [&'a str],
    /// Repeated from the request.
    pub nonce: Option<&'a str>,
    /// The session, where there is one.
    pub session_id: Option<&'a str>,
    /// When the user authenticated; given only if the request asked (`max_age`, `prompt=login`).
    pub auth_time: Option<Timestamp>,
    /// Hash of the access token that travels with it.
    pub at_hash: Option<&'a str>,
    /// Hash of the code that travels with it.
    pub c_hash: Option<&'a str>,
    /// A second factor was passed in this very login.
    pub multifactor: bool,
    /// What standard claims look like.
    pub claim_types: claims::ClaimTypes,
    /// Claims that scripts set; those of the protocol win.
    pub custom: &'a Map<String, Value>,
    /// The moment of issue.
    pub now: Timestamp,
}

/// The claims of the ID token.
///
/// Compat: profile and e-mail claims are in it in every flow, not only when no access token is issued.
pub fn plan(facts: &IdTokenFacts<'_>) -> Value {
    let mut token: Map<String, Value> = claims::standard(facts.user, facts.scopes, facts.claim_types);
    token.extend(facts.custom.clone());
    let lifetime = facts.client.jwt_configuration.lifetime_in_seconds;
    let mut claim = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            token.insert(name.to_owned(), value);
        }
    };
    claim("iss", Some(json!(facts.issuer.as_str())));
    claim("sub", Some(json!(facts.user.user_id)));
    claim("aud", Some(json!(facts.client.client_id)));
    claim("iat", Some(json!(facts.now.seconds())));
    claim("exp", Some(json!(facts.now.plus_seconds(lifetime).seconds())));
    claim("nonce", facts.nonce.map(Value::from));
    claim("sid", facts.session_id.map(Value::from));
    claim("auth_time", facts.auth_time.map(|moment| json!(moment.seconds())));
    claim("at_hash", facts.at_hash.map(Value::from));
    claim("c_hash", facts.c_hash.map(Value::from));
    // RFC 8176 section 2; Compat: both are there only right after a factor was passed.
    claim("acr", facts.multifactor.then(|| json!(mfa::ACR)));
    claim("amr", facts.multifactor.then(|| json!(["mfa"])));
    Value::Object(token)
}
