//! The protocol's part of a client (application): what decisions read, nothing else.

use serde::Deserialize;
use serde_json::Value;

use crate::ids::Secret;
use crate::time::Timestamp;

/// The grant type that lets a client finish a passwordless login with a one-time code.
pub const PASSWORDLESS_OTP: &str = "http://auth0.com/oauth/grant-type/passwordless/otp";

/// A client as decisions see it. Built from the stored document, whose field names are the wire's;
/// members a document lacks take the defaults below.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Client {
    /// 32 characters of `[A-Za-z0-9]`.
    pub client_id: String,
    /// Shown to people; at most 200 characters.
    pub name: String,
    /// `spa`, `native`, `regular_web` or `non_interactive`.
    pub app_type: String,
    /// First-party clients may skip consent.
    pub is_first_party: bool,
    /// `false` keeps the legacy pipeline; Gatewright treats every client as conformant.
    pub oidc_conformant: bool,
    /// Registered redirect URIs, compared exactly (see [`crate::redirect`]).
    pub callbacks: Vec<String>,
    /// Origins that may use cross-origin authentication and `web_message`.
    pub web_origins: Vec<String>,
    /// Origins that may call the API from a browser.
    pub allowed_origins: Vec<String>,
    /// URLs to which `/v2/logout` may return.
    pub allowed_logout_urls: Vec<String>,
    /// Grant types this client may use.
    pub grant_types: Vec<String>,
    /// Whether `/co/authenticate` accepts this client.
    pub cross_origin_authentication: bool,
    /// `none`, `client_secret_post` or `client_secret_basic`; `none` makes a public client. See
    /// [`Client::authentication`].
    pub token_endpoint_auth_method: String,
    /// How the client proves itself without a secret; takes the place of the method above.
    pub client_authentication_methods: Option<AuthenticationMethods>,
    /// How ID tokens are signed and how long they live.
    pub jwt_configuration: JwtConfiguration,
    /// How its refresh tokens live, see [`crate::refresh`]; `None` takes the defaults of its kind.
    pub refresh_token: Option<RefreshTokenSettings>,
    /// Whether `/authorize` takes only requests that the client pushed before (RFC 9126 section 6).
    pub require_pushed_authorization_requests: bool,
    /// Until how many seconds after it was pushed a login may begin with a request; 30 by default.
    pub par_request_expiry: Option<i64>,
    /// `true` makes this client ignore an existing session.
    pub sso_disabled: bool,
    /// Its picture on the consent page.
    pub logo_uri: Option<String>,
    /// `open_redirect_protection` keeps errors on a page of ours; else they go to the callback.
    pub redirection_policy: Option<String>,
    /// Whether the confirmation page is left out; `None` leaves it to the tenant.
    pub skip_non_verifiable_callback_uri_confirmation_prompt: Option<bool>,
    /// Where to begin a login that has lost its transaction.
    pub initiate_login_uri: Option<String>,
    /// Where and when it is told that a session ended, see [`crate::backchannel`].
    pub oidc_logout: Option<OidcLogout>,
    /// What it may exchange for tokens, see [`crate::token_exchange`].
    pub token_exchange: Option<TokenExchangeSettings>,
    /// What the tenant notes on the client, for its scripts.
    pub client_metadata: serde_json::Map<String, Value>,
    /// The client secret, revealed only to authenticate the client; empty for public clients.
    #[serde(skip)]
    pub client_secret: Secret<String>,
    /// The public keys that may sign its assertions, expired ones too.
    #[serde(skip)]
    pub assertion_keys: Vec<AssertionKey>,
}

/// `client_authentication_methods` of a client: at most one of them is there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AuthenticationMethods {
    /// Assertions signed by one of these credentials.
    pub private_key_jwt: Option<CredentialIds>,
}

/// The credentials that a method uses, by their ids.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CredentialIds {
    /// Each holds the id of one.
    pub credentials: Vec<CredentialId>,
}

/// `{"id": "cred_…"}`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CredentialId {
    /// `cred_` and 22 characters.
    pub id: String,
}

/// A public key of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionKey {
    /// Its name.
    pub kid: String,
    /// The one algorithm it verifies.
    pub alg: String,
    /// The key as JSON Web Key.
    pub jwk: Value,
    /// From when on it is not used any more.
    pub expires_at: Option<Timestamp>,
}

/// How a client proves that it is itself at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Not at all: a public client.
    None,
    /// With its secret, in the body or in a header.
    Secret,
    /// With an assertion signed by its private key.
    PrivateKeyJwt,
    /// With a certificate, which is not built: nothing is accepted.
    Certificate,
}

/// `jwt_configuration` of a client.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct JwtConfiguration {
    /// `RS256`, or `HS256` with the client secret as key.
    pub alg: String,
    /// Lifetime of an ID token in seconds.
    pub lifetime_in_seconds: i64,
}

impl Default for JwtConfiguration {
    fn default() -> Self {
        Self { alg: "RS256".into(), lifetime_in_seconds: 36_000 }
    }
}

/// `refresh_token` of a client. Durations are seconds.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct RefreshTokenSettings {
    /// `rotating` or `non-rotating`.
    pub rotation_type: String,
    /// `expiring` or `non-expiring`; the latter makes both lifetimes endless.
    pub expiration_type: String,
    /// For how long a replaced token may be presented once more.
    pub leeway: i64,
    /// Absolute lifetime, from issue.
    pub token_lifetime: i64,
    /// `true` lifts the absolute lifetime.
    pub infinite_token_lifetime: bool,
    /// Lifetime from the last exchange.
    pub idle_token_lifetime: i64,
    /// `true` lifts the idle lifetime.
    pub infinite_idle_token_lifetime: bool,
}

impl Default for RefreshTokenSettings {
    fn default() -> Self {
        Self {
            rotation_type: "non-rotating".into(),
            expiration_type: "non-expiring".into(),
            leeway: 0,
            token_lifetime: 2_592_000,
            infinite_token_lifetime: false,
            idle_token_lifetime: 1_296_000,
            infinite_idle_token_lifetime: false,
        }
    }
}

/// `oidc_logout` of a client.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct OidcLogout {
    /// Where logout tokens are posted.
    pub backchannel_logout_urls: Vec<String>,
    /// Which ends of a session are told.
    pub backchannel_logout_initiators: Option<LogoutInitiators>,
}

/// `backchannel_logout_initiators` of a client.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct LogoutInitiators {
    /// `all`, or else `custom`.
    pub mode: String,
    /// The names of those chosen.
    pub selected_initiators: Vec<String>,
}

/// `token_exchange` of a client.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct TokenExchangeSettings {
    /// Kinds of profiles of which it may use every one.
    pub allow_any_profile_of_type: Vec<String>,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            client_id: String::new(),
            name: String::new(),
            app_type: "regular_web".into(),
            is_first_party: true,
            oidc_conformant: true,
            callbacks: Vec::new(),
            web_origins: Vec::new(),
            allowed_origins: Vec::new(),
            allowed_logout_urls: Vec::new(),
            grant_types: Vec::new(),
            cross_origin_authentication: false,
            token_endpoint_auth_method: "client_secret_post".into(),
            client_authentication_methods: None,
            jwt_configuration: JwtConfiguration::default(),
            refresh_token: None,
            require_pushed_authorization_requests: false,
            par_request_expiry: None,
            sso_disabled: false,
            logo_uri: None,
            redirection_policy: None,
            skip_non_verifiable_callback_uri_confirmation_prompt: None,
            initiate_login_uri: None,
            oidc_logout: None,
            token_exchange: None,
            client_metadata: serde_json::Map::new(),
            client_secret: Secret::default(),
            assertion_keys: Vec::new(),
        }
    }
}

impl Client {
    /// A public client holds no secret: it authenticates with its `client_id` alone.
    pub fn is_public(&self) -> bool {
        self.authentication() == Authentication::None
    }

    /// How the client authenticates: the one way that is registered.
    pub fn authentication(&self) -> Authentication {
        match &self.client_authentication_methods {
            Some(AuthenticationMethods { private_key_jwt: Some(_) }) => Authentication::PrivateKeyJwt,
            Some(_) => Authentication::Certificate,
            None if self.token_endpoint_auth_method == "none" => Authentication::None,
            None => Authentication::Secret,
        }
    }

    /// Whether its ID tokens are signed with HS256 under its secret. A client that keeps no secret, or
    /// authenticates with a key, gets RS256 whatever it is configured for.
    pub fn signs_with_secret(&self) -> bool {
        self.jwt_configuration.alg == "HS256"
            && self.authentication() == Authentication::Secret
            && !self.client_secret.reveal().is_empty()
    }

    /// Whether the client may use this grant type.
    pub fn allows_grant(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|allowed| allowed == grant_type)
    }
}
