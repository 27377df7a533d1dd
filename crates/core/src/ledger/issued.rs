//! The ledger of tokens that are issued, at either endpoint.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{AudienceFacts, ClaimGroup, Line};
use crate::client::Client;
use crate::resource_server::ResourceServer;
use crate::script::Verdict;
use crate::tokens::Channel;
use crate::tokens::access_token::AccessTokenPlan;

/// What is known when tokens are planned.
#[derive(Clone, Copy, Debug)]
pub struct IssuedFacts<'a> {
    /// The client.
    pub client: &'a Client,
    /// The API, where the access token is for one.
    pub api: Option<&'a ResourceServer>,
    /// Where the audience comes from.
    pub audience: AudienceFacts<'a>,
    /// Through what the tokens travel.
    pub channel: Channel,
    /// The access token, if there is one.
    pub access: Option<&'a AccessTokenPlan>,
    /// The claims of the ID token, if there is one.
    pub id_token: Option<&'a Map<String, Value>>,
    /// What scripts did.
    pub verdict: &'a Verdict,
    /// Tokens of machines have no permissions of a user.
    pub machine: bool,
}

/// Members of `details.decision`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Issued {
    /// For whom the access token is.
    pub audience: Line,
    /// Whether permissions are stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Line>,
    /// How long tokens live.
    pub lifetime: Vec<Line>,
    /// Where their claims come from.
    pub claims: Claims,
}

/// See [`Issued`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// Of the ID token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub id_token: Vec<ClaimGroup>,
    /// Of the access token; an opaque one has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub access_token: Vec<ClaimGroup>,
}

/// The ledger of what is issued.
pub fn issued(facts: IssuedFacts<'_>) -> Issued {
    let mut lifetime = Vec::new();
    let mut claims = Claims::default();
    if let Some(plan) = facts.access {
        let seconds = plan.lifetime_seconds();
        lifetime.push(super::access_token_lifetime(facts.api, facts.channel, seconds));
        if let (AccessTokenPlan::Jwt { claims: Value::Object(of_token), .. }, Some(api)) = (plan, facts.api) {
            claims.access_token = super::access_token(of_token, facts.verdict, api);
        }
    }
    if let Some(of_token) = facts.id_token {
        lifetime.push(super::id_token_lifetime(facts.client));
        claims.id_token = super::id_token(of_token, facts.verdict);
    }
    let permissions = super::permissions(facts.api).filter(|_| facts.access.is_some() && !facts.machine);
    Issued { audience: super::audience(facts.audience), permissions, lifetime, claims }
}
