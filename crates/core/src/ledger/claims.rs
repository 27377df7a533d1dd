//! Where each claim of a token comes from: the protocol, the request, a scope, a script.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::resource_server::ResourceServer;
use crate::script::Verdict;
use crate::tokens::claims::scope_of;

/// Claims that are there for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClaimGroup {
    /// The reason's code.
    pub reason: &'static str,
    /// The scope or the script, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The names.
    pub claims: Vec<String>,
}

/// Claims of an ID token that the request asked for.
const OF_REQUEST: [&str; 2] = ["nonce", "auth_time"];
/// Claims of an ID token that the protocol states in any case, as far as they apply.
const OF_ID_TOKEN: [&str; 8] = ["iss", "sub", "aud", "iat", "exp", "sid", "at_hash", "c_hash"];
/// Claims of an access token that the protocol states.
const OF_ACCESS_TOKEN: [&str; 6] = ["iss", "sub", "aud", "iat", "exp", "scope"];
/// Claims of an access token that depend on the API's dialect.
const OF_DIALECT: [&str; 5] = ["azp", "gty", "client_id", "jti", "permissions"];

/// The origin of each claim of an ID token. `claims` are those that were planned; hashes of what travels
/// beside it may be missing, as they are made from what is signed.
pub fn id_token(claims: &Map<String, Value>, verdict: &Verdict) -> Vec<ClaimGroup> {
    let custom = &verdict.id_token;
    let of = |name: &str| match () {
        () if OF_ID_TOKEN.contains(&name) => ("claim_of_protocol", None),
        () if OF_REQUEST.contains(&name) => ("claim_of_request", None),
        () if custom.contains_key(name) => ("claim_of_script", Some(verdict.set_by("id_token", name))),
        () => match scope_of(name) {
            Some(_) if verdict.profile.contains_key(attribute(name)) => {
                ("claim_of_script", Some(verdict.set_by("profile", attribute(name))))
            }
            Some(scope) => ("claim_of_scope", Some(scope)),
            None => ("claim_of_protocol", None),
        },
    };
    grouped(claims, of)
}

/// The origin of each claim of an access token for an API.
pub fn access_token(claims: &Map<String, Value>, verdict: &Verdict, api: &ResourceServer) -> Vec<ClaimGroup> {
    let of = |name: &str| match () {
        () if OF_ACCESS_TOKEN.contains(&name) => ("claim_of_protocol", None),
        () if OF_DIALECT.contains(&name) => ("claim_of_dialect", Some(api.token_dialect.as_str())),
        () => ("claim_of_script", Some(verdict.set_by("access_token", name))),
    };
    grouped(claims, of)
}

fn grouped<'a>(
    claims: &Map<String, Value>,
    of: impl Fn(&str) -> (&'static str, Option<&'a str>),
) -> Vec<ClaimGroup> {
    let mut groups: Vec<ClaimGroup> = Vec::new();
    for name in claims.keys() {
        let (reason, of) = of(name);
        match groups.iter_mut().find(|group| group.reason == reason && group.of.as_deref() == of) {
            Some(group) => group.claims.push(name.clone()),
            None => groups.push(ClaimGroup { reason, of: of.map(str::to_owned), claims: vec![name.clone()] }),
        }
    }
    groups
}

/// The profile's name of a claim.
fn attribute(claim: &str) -> &str {
    if claim == "phone_number_verified" { "phone_verified" } else { claim }
}
