//! The protocol's part of a client (application): what decisions read, nothing else.

use serde::Deserialize;

use crate::ids::Secret;

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
    /// `none`, `client_secret_post` or `client_secret_basic`; `none` makes a public client.
    pub token_endpoint_auth_method: String,
    /// How ID tokens are signed and how long they live.
    pub jwt_configuration: JwtConfiguration,
    /// How its refresh tokens live, see [`crate::refresh`]; `None` takes the defaults of its kind.
    pub refresh_token: Option<RefreshTokenSettings>,
    /// `true` makes this client ignore an existing session.
    pub sso_disabled: bool,
    /// Where to begin a login that has lost its transaction.
    pub initiate_login_uri: Option<String>,
    /// The client secret, revealed only to authenticate the client; empty for public clients.
    #[serde(skip)]
    pub client_secret: Secret<String>,
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
            jwt_configuration: JwtConfiguration::default(),
            refresh_token: None,
            sso_disabled: false,
            initiate_login_uri: None,
            client_secret: Secret::default(),
        }
    }
}

impl Client {
    /// A public client holds no secret: it authenticates with its `client_id` alone.
    pub fn is_public(&self) -> bool {
        self.token_endpoint_auth_method == "none"
    }

    /// Whether the client may use this grant type.
    pub fn allows_grant(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|allowed| allowed == grant_type)
    }
}
