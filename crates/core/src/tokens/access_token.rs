//! Access tokens: opaque without an API, a JWT for one.

use serde_json::{Map, Value, json};

use super::Channel;
use crate::ids::Issuer;
use crate::resource_server::ResourceServer;
use crate::scope::Audience;
use crate::time::Timestamp;

/// Life of an opaque token from the token endpoint, in seconds. Not configurable, as at Auth0.
pub const OPAQUE_LIFETIME_SECONDS: i64 = 86_400;
/// Life of an opaque token from `/authorize`, in seconds.
pub const OPAQUE_LIFETIME_WEB_SECONDS: i64 = 7_200;

/// What an access token is made from.
#[derive(Clone, Debug)]
pub struct AccessTokenFacts<'a> {
    /// The issuer of the request.
    pub issuer: &'a Issuer,
    /// `user_id`, or `<client_id>@clients` for a machine.
    pub subject: &'a str,
    /// The client it is issued to.
    pub client_id: &'a str,
    /// For whom it is.
    pub audience: &'a Audience,
    /// The API, when the audience is one.
    pub api: Option<&'a ResourceServer>,
    /// The granted scopes, space-separated.
    pub scope: &'a str,
    /// All permissions of the subject on the API; stated only by the `*_authz` dialects under RBAC.
    pub permissions: &'a [String],
    /// Through what it travels.
    pub channel: Channel,
    /// The `gty` claim; `None` for code and implicit flows.
    pub grant: Option<&'a str>,
    /// The moment of issue.
    pub now: Timestamp,
    /// A random value for `jti`, used by the RFC 9068 dialects.
    pub jti: &'a str,
    /// Claims that scripts set; those of the protocol win.
    pub custom: &'a Map<String, Value>,
}

/// An access token to make.
#[derive(Clone, Debug, PartialEq)]
pub enum AccessTokenPlan {
    /// A random string that the server remembers.
    Opaque {
        /// `expires_in`.
        lifetime_seconds: i64,
    },
    /// A signed token.
    Jwt {
        /// The `typ` header.
        typ: &'static str,
        /// The claims.
        claims: Value,
        /// `expires_in`.
        lifetime_seconds: i64,
    },
}

impl AccessTokenPlan {
    /// `expires_in` of the answer, in seconds.
    pub const fn lifetime_seconds(&self) -> i64 {
        match self {
            Self::Opaque { lifetime_seconds } | Self::Jwt { lifetime_seconds, .. } => *lifetime_seconds,
        }
    }
}

/// Life of an access token in seconds; without an API it is opaque.
pub fn lifetime_seconds(api: Option<&ResourceServer>, channel: Channel) -> i64 {
    match (api, channel) {
        (None, Channel::Front) => OPAQUE_LIFETIME_WEB_SECONDS,
        (None, Channel::Back) => OPAQUE_LIFETIME_SECONDS,
        (Some(api), Channel::Front) => api.token_lifetime_for_web.min(api.token_lifetime),
        (Some(api), Channel::Back) => api.token_lifetime,
    }
}

/// Plans the access token.
pub fn plan(facts: &AccessTokenFacts<'_>) -> AccessTokenPlan {
    let (Audience::Api { identifier, with_userinfo }, Some(api)) = (facts.audience, facts.api) else {
        return AccessTokenPlan::Opaque { lifetime_seconds: lifetime_seconds(None, facts.channel) };
    };
    let lifetime_seconds = lifetime_seconds(Some(api), facts.channel);
    let rfc9068 = api.token_dialect.starts_with("rfc9068");
    let audience = if *with_userinfo {
        json!([identifier, facts.issuer.userinfo_audience()])
    } else {
        json!(identifier)
    };
    let mut claims = facts.custom.clone();
    let mut claim = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    claim("iss", json!(facts.issuer.as_str()));
    claim("sub", json!(facts.subject));
    claim("aud", audience);
    claim("iat", json!(facts.now.seconds()));
    claim("exp", json!(facts.now.plus_seconds(lifetime_seconds).seconds()));
    // Compat: an empty scope is left out, not stated as "".
    if !facts.scope.is_empty() {
        claim("scope", json!(facts.scope));
    }
    if rfc9068 {
        // RFC 9068 section 2.2.
        claim("client_id", json!(facts.client_id));
        claim("jti", json!(facts.jti));
    } else {
        claim("azp", json!(facts.client_id));
        if let Some(grant) = facts.grant {
            claim("gty", json!(grant));
        }
    }
    if api.enforce_policies && api.token_dialect.ends_with("_authz") {
        claim("permissions", json!(facts.permissions));
    }
    let typ = if rfc9068 { "at+jwt" } else { "JWT" };
    AccessTokenPlan::Jwt { typ, claims: Value::Object(claims), lifetime_seconds }
}
