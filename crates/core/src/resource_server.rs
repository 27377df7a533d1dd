//! The protocol's part of a resource server (API), and of a grant on it.

use serde::{Deserialize, Serialize};

use crate::errors::OAuthError;

/// A scope that an API defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeDefinition {
    /// The scope's name, e.g. `read:orders`.
    pub value: String,
    /// For people; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// Who needs a client grant to get a token for an API (`subject_type_authorization`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessPolicy {
    /// No grant is needed.
    #[default]
    AllowAll,
    /// Only clients with a grant.
    RequireClientGrant,
    /// Nobody.
    DenyAll,
}

/// `subject_type_authorization.user` or `.client`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SubjectPolicy {
    /// The policy for this kind of subject.
    pub policy: AccessPolicy,
}

/// `subject_type_authorization` of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SubjectTypeAuthorization {
    /// For tokens on behalf of a user; `allow_all` unless set.
    pub user: SubjectPolicy,
    /// For machine-to-machine tokens; `require_client_grant` unless set.
    pub client: SubjectPolicy,
}

impl Default for SubjectTypeAuthorization {
    fn default() -> Self {
        Self {
            user: SubjectPolicy { policy: AccessPolicy::AllowAll },
            client: SubjectPolicy { policy: AccessPolicy::RequireClientGrant },
        }
    }
}

/// An API as decisions see it.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct ResourceServer {
    /// 24 hex characters.
    pub id: String,
    /// The audience of its tokens. For the system's own APIs this is the full URL at the issuer of
    /// the request, see [`crate::ids::Issuer::management_audience`].
    pub identifier: String,
    /// Shown to people.
    pub name: String,
    /// The scopes it defines.
    pub scopes: Vec<ScopeDefinition>,
    /// `RS256` (default), `HS256`, ...
    pub signing_alg: String,
    /// Lifetime of access tokens in seconds.
    pub token_lifetime: i64,
    /// Lifetime in seconds of access tokens issued by the implicit and hybrid flows.
    pub token_lifetime_for_web: i64,
    /// Whether refresh tokens may be issued for it.
    pub allow_offline_access: bool,
    /// Role-based access control: a user's scopes are cut to the permissions they hold.
    pub enforce_policies: bool,
    /// `access_token`, `access_token_authz`, `rfc9068_profile` or `rfc9068_profile_authz`.
    pub token_dialect: String,
    /// Whether verifiable first-party clients skip consent.
    pub skip_consent_for_verifiable_first_party_clients: bool,
    /// Who needs a grant.
    pub subject_type_authorization: SubjectTypeAuthorization,
    /// One of the server's own APIs, such as the Management API.
    pub is_system: bool,
}

impl Default for ResourceServer {
    fn default() -> Self {
        Self {
            id: String::new(),
            identifier: String::new(),
            name: String::new(),
            scopes: Vec::new(),
            signing_alg: "RS256".into(),
            token_lifetime: 86_400,
            token_lifetime_for_web: 7_200,
            allow_offline_access: false,
            enforce_policies: false,
            token_dialect: "access_token".into(),
            skip_consent_for_verifiable_first_party_clients: true,
            subject_type_authorization: SubjectTypeAuthorization::default(),
            is_system: false,
        }
    }
}

impl ResourceServer {
    /// Whether the API defines this scope.
    pub fn defines(&self, scope: &str) -> bool {
        self.scopes.iter().any(|definition| definition.value == scope)
    }
}

/// An API whose tokens this version cannot sign is refused rather than signed otherwise.
///
/// # Errors
/// `invalid_request` with `signing_alg_not_built`.
pub fn signing_alg_supported(api: Option<&ResourceServer>) -> Result<(), OAuthError> {
    match api {
        Some(api) if api.signing_alg != "RS256" => Err(OAuthError::invalid_request(format!(
            "The API \"{}\" asks for {} tokens; only RS256 is built in this version.",
            api.identifier, api.signing_alg
        ))
        .because("signing_alg_not_built")),
        _ => Ok(()),
    }
}

/// Whose tokens a client grant is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// Machine-to-machine tokens.
    #[default]
    Client,
    /// Tokens on behalf of a user.
    User,
}

/// A client grant: what a client may ask of an API.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClientGrant {
    /// `cgr_` and 16 characters.
    pub id: String,
    /// The client that holds it.
    pub client_id: String,
    /// The API's identifier.
    pub audience: String,
    /// The scopes granted.
    pub scope: Vec<String>,
    /// Whose tokens it is for.
    pub subject_type: SubjectType,
    /// Grants every scope the API defines, future ones too.
    pub allow_all_scopes: bool,
}
