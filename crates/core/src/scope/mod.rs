//! The scope decision: which of the scopes asked for go into the token, and why.
//!
//! Owns: every rule that grants, drops or refuses a scope, and the report of it. Not: whether the
//! client may use the flow at all, consent, which claims a scope opens.
//!
//! Reading order: [`decide`], then `rules.rs` (one scope, one reason), `reason.rs` (the reasons, and
//! what to do about each), `scripts.rs` (what scripts change), `report.rs` (the value that the token endpoint, the log and people read).

mod explain;
mod hints;
mod reason;
mod report;
mod rules;
mod scripts;

#[cfg(test)]
mod laws;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
mod texts;

pub use reason::{Change, ChangeAction, Explanation, Reason};
pub use report::{Audience, Origin, Outcome, ScopeEntry, ScopeRefusal, ScopeReport};
pub use scripts::after_scripts;

use crate::client::Client;
use crate::ids::{Issuer, TenantId};
use crate::resource_server::{ClientGrant, ResourceServer, SubjectType};

/// The OpenID Connect scopes that stand for claims about the user (OIDC Core 5.4). They need no API.
pub const OIDC_SCOPES: [&str; 5] = ["openid", "profile", "email", "phone", "address"];

/// Asks for a refresh token (OIDC Core 11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// Asks for a refresh token that ends with the session; not built.
pub const ONLINE_ACCESS: &str = "online_access";

/// All that a user's own token can hold for the Management API.
pub const CURRENT_USER_SCOPES: [&str; 7] = [
    "read:current_user",
    "update:current_user_metadata",
    "create:current_user_metadata",
    "delete:current_user_metadata",
    "update:current_user_identities",
    "create:current_user_device_credentials",
    "delete:current_user_device_credentials",
];

/// Most distinct scopes that one request may name.
pub const MAX_SCOPES: usize = 100;

/// Most characters of the `scope` parameter.
pub const MAX_SCOPE_CHARS: usize = 4096;

/// How the tokens will be issued; some rules differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow<'a> {
    /// `response_type=code`, with or without PKCE, and the device flow.
    Code,
    /// `response_type` of `token`, `id_token` or both: everything comes from `/authorize`.
    Implicit,
    /// `response_type` of `code` together with `token` or `id_token`.
    Hybrid,
    /// Grants where the client hands over the user's proof itself: password, password-realm,
    /// passwordless OTP, token exchange. Without `scope` they give every scope there is.
    Password,
    /// Machine to machine: the subject is the client.
    ClientCredentials,
    /// A refresh token is exchanged; `original` are the scopes granted when it was issued.
    Refresh {
        /// What the refresh token may be narrowed from.
        original: &'a [String],
    },
}

impl Flow<'_> {
    /// Whose token this flow issues.
    pub const fn subject(self) -> SubjectType {
        match self {
            Flow::ClientCredentials => SubjectType::Client,
            _ => SubjectType::User,
        }
    }

    /// The stable name used in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Flow::Code => "code",
            Flow::Implicit => "implicit",
            Flow::Hybrid => "hybrid",
            Flow::Password => "password",
            Flow::ClientCredentials => "client_credentials",
            Flow::Refresh { .. } => "refresh_token",
        }
    }
}

/// What the request asks for, as it came in.
#[derive(Clone, Copy, Debug)]
pub struct ScopeAsk<'a> {
    /// The `scope` parameter as sent; absent and empty mean the same.
    pub scope: Option<&'a str>,
    /// The audience wanted, with the tenant's default filled in; absent and empty mean the same.
    pub audience: Option<&'a str>,
    /// How the tokens will be issued.
    pub flow: Flow<'a>,
}

/// How far a third-party client is trusted (`third_party_security_mode`); read only for clients that
/// are not first-party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThirdPartyMode {
    /// Always needs a client grant, gets no OIDC identity scopes and none of the system's own APIs.
    #[default]
    Strict,
    /// Like a first-party client, as far as scopes go.
    Permissive,
}

/// Everything the decision reads. Rows that do not fit the request (another API, another client's
/// grant) are ignored, so a caller that passes too much cannot widen a token.
#[derive(Clone, Copy, Debug)]
pub struct ScopeFacts<'a> {
    /// For the texts.
    pub tenant: &'a TenantId,
    /// The issuer of this request; it names the userinfo and Management API audiences.
    pub issuer: &'a Issuer,
    /// The client that asks.
    pub client: &'a Client,
    /// Read only when the client is not first-party.
    pub third_party_mode: ThirdPartyMode,
    /// The API whose identifier equals the audience asked for, if there is one.
    pub api: Option<&'a ResourceServer>,
    /// The client's grants; those of other clients, APIs or subject types are ignored.
    pub grants: &'a [ClientGrant],
    /// The user, where one is known; used in the proposed change only.
    pub user_id: Option<&'a str>,
    /// The user's permissions on `api`, direct and through roles; read when RBAC is on.
    pub permissions: &'a [String],
}

/// Decides every requested and default scope.
///
/// The answer names each distinct requested scope exactly once, in the order of the request, and after
/// them the scopes that the flow adds when none were asked for.
///
/// # Errors
///
/// [`ScopeRefusal`] when the whole request must be refused: the API does not exist, its access policy
/// shuts this client out, a machine asks for more than it was granted, or the `scope` parameter is
/// beyond the limits. It carries the [`crate::OAuthError`] to answer with, and the same explanations
/// as a report.
pub fn decide(ask: &ScopeAsk<'_>, facts: &ScopeFacts<'_>) -> Result<ScopeReport, Box<ScopeRefusal>> {
    rules::decide(ask, facts)
}
