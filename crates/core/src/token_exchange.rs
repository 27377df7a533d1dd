//! Token exchange, RFC 8693: what kind of exchange a request asks for, before anything is exchanged.
//!
//! [`commands`] is what comes after the Action of a profile: whose tokens it becomes.

pub mod commands;

use serde::Deserialize;

use crate::client::Client;
use crate::errors::OAuthError;

/// The grant type.
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// Namespaces of which no tenant may make token types of its own.
const RESERVED: &[&str] = &[
    "http://auth0.com",
    "https://auth0.com",
    "http://okta.com",
    "https://okta.com",
    "urn:ietf",
    "urn:auth0",
    "urn:okta",
];
const NATIVE_SOCIAL: &str = "http://auth0.com/oauth/token-type/";
/// The type of this server's own access tokens, RFC 8693 section 3.
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const LONGEST_TYPE: usize = 100;

/// The kind of profiles that an Action judges.
pub const CUSTOM_AUTHENTICATION: &str = "custom_authentication";

/// What a tenant takes in exchange for tokens: a type of its own, and the Action that judges tokens of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// `tep_` and 16 characters.
    pub id: String,
    /// For people.
    pub name: String,
    /// The `subject_token_type` of requests, one profile each.
    pub subject_token_type: String,
    /// The Action.
    pub action_id: String,
}

/// Whether a client may use profiles.
///
/// # Errors
/// `unauthorized_client`: its settings do not allow it, or it is a third party's.
pub fn may_use_profiles(client: &Client) -> Result<(), OAuthError> {
    let types = client.token_exchange.as_ref().map_or(&[][..], |settings| &settings.allow_any_profile_of_type);
    let reason = match types.iter().any(|allowed| allowed == CUSTOM_AUTHENTICATION) {
        false => "token_exchange_not_allowed",
        true if !client.is_first_party => "token_exchange_third_party",
        true => return Ok(()),
    };
    let text = "The client may not use token exchange profiles of type custom_authentication.";
    Err(OAuthError::unauthorized_client(text).because(reason))
}

/// The parameters of RFC 8693 section 2.1 that decide, as sent.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "the fields are the parameters of RFC 8693")]
pub struct Ask<'a> {
    pub subject_token: Option<&'a str>,
    pub subject_token_type: Option<&'a str>,
    pub actor_token: Option<&'a str>,
    pub actor_token_type: Option<&'a str>,
}

/// What kind of exchange is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A token that a mobile app got from a social login.
    NativeSocial,
    /// An access token of this server, for another API or for a session in a browser.
    AccessToken,
    /// A token of the tenant's own making, that a profile and its Action judge.
    Profile,
}

/// Checks the parameters.
///
/// # Errors
/// `invalid_request`, as RFC 8693 section 2.2.2 says.
pub fn kind(ask: &Ask<'_>) -> Result<Kind, OAuthError> {
    if ask.subject_token.is_none() {
        return Err(OAuthError::missing_parameter("subject_token"));
    }
    let Some(kind) = ask.subject_token_type else {
        return Err(OAuthError::missing_parameter("subject_token_type"));
    };
    // Each needs the other.
    match (ask.actor_token, ask.actor_token_type) {
        (Some(_), None) => return Err(OAuthError::missing_parameter("actor_token_type")),
        (None, Some(_)) => return Err(OAuthError::missing_parameter("actor_token")),
        _ => {}
    }
    if kind.starts_with(NATIVE_SOCIAL) && kind.len() > NATIVE_SOCIAL.len() {
        return Ok(Kind::NativeSocial);
    }
    if kind == ACCESS_TOKEN {
        return Ok(Kind::AccessToken);
    }
    if RESERVED.iter().any(|reserved| within(kind, reserved)) {
        let text = format!("Unsupported subject_token_type: {kind}");
        return Err(OAuthError::invalid_request(text).because("subject_token_type_reserved"));
    }
    let is_uri = url::Url::parse(kind).is_ok() && kind.len() <= LONGEST_TYPE;
    if !is_uri {
        let text = format!("subject_token_type must be a URI of at most {LONGEST_TYPE} characters.");
        return Err(OAuthError::invalid_request(text).because("subject_token_type_malformed"));
    }
    Ok(Kind::Profile)
}

/// Whether a URI is in a namespace, however its scheme and host are written.
fn within(uri: &str, namespace: &str) -> bool {
    let uri = uri.to_ascii_lowercase();
    let rest = uri.strip_prefix(namespace);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '?', '#']))
}

impl Kind {
    /// What is missing in this version, in words; `None` where nothing is.
    pub const fn not_built(self) -> Option<&'static str> {
        match self {
            Self::NativeSocial => Some("Native social logins are not built in this version."),
            Self::AccessToken => Some("The exchange of access tokens is not built in this version."),
            Self::Profile => None,
        }
    }

    /// The tenant log's type code of a failure.
    pub const fn failure_event(self) -> &'static str {
        match self {
            Self::NativeSocial => "fens",
            Self::AccessToken => "failed_on_behalf_of_token_exchange",
            Self::Profile => "fecte",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ask, Kind, kind, may_use_profiles};
    use crate::client::{Client, TokenExchangeSettings};

    #[test]
    fn only_first_party_clients_that_are_allowed_use_profiles() {
        let settings = |kind: &str| {
            Some(TokenExchangeSettings { allow_any_profile_of_type: vec![kind.to_owned()] })
        };
        for (token_exchange, is_first_party, reason) in [
            (settings("custom_authentication"), true, None),
            (settings("custom_authentication"), false, Some("token_exchange_third_party")),
            (settings("on_behalf_of_token_exchange"), true, Some("token_exchange_not_allowed")),
            (Some(TokenExchangeSettings::default()), true, Some("token_exchange_not_allowed")),
            (None, true, Some("token_exchange_not_allowed")),
        ] {
            let client = Client { token_exchange, is_first_party, ..Client::default() };
            let got = may_use_profiles(&client).err().map(|error| error.reason.unwrap_or_default());
            assert_eq!(got.as_deref(), reason, "{client:?}");
        }
    }

    #[test]
    fn the_kind_of_an_exchange_is_read_off_the_type_of_its_token() {
        let access_token = "urn:ietf:params:oauth:token-type:access_token";
        for (subject_token_type, expect) in [
            ("http://acme.com/legacy-token", Ok(Kind::Profile)),
            ("urn:acme:legacy-token", Ok(Kind::Profile)),
            ("http://auth0.company.example/token", Ok(Kind::Profile)),
            ("urn:ietfish:x", Ok(Kind::Profile)),
            ("http://auth0.com/oauth/token-type/apple-authz-code", Ok(Kind::NativeSocial)),
            (access_token, Ok(Kind::AccessToken)),
            ("http://auth0.com/oauth/token-type/", Err("subject_token_type_reserved")),
            ("https://AUTH0.com/x", Err("subject_token_type_reserved")),
            ("https://okta.com", Err("subject_token_type_reserved")),
            ("urn:okta:x", Err("subject_token_type_reserved")),
            ("urn:ietf:params:oauth:token-type:saml2", Err("subject_token_type_reserved")),
            ("legacy", Err("subject_token_type_malformed")),
        ] {
            let ask = Ask {
                subject_token: Some("t"),
                subject_token_type: Some(subject_token_type),
                ..Ask::default()
            };
            let got = kind(&ask).map_err(|error| error.reason.unwrap_or_default().into_owned());
            assert_eq!(got, expect.map_err(str::to_owned), "{subject_token_type}");
        }
        let long = format!("urn:acme:{}", "x".repeat(100));
        let ask = Ask { subject_token: Some("t"), subject_token_type: Some(&long), ..Ask::default() };
        assert!(kind(&ask).is_err());
    }

    #[test]
    fn what_is_missing_is_named() {
        let whole =
            Ask { subject_token: Some("t"), subject_token_type: Some("urn:acme:x"), ..Ask::default() };
        for (ask, missing) in [
            (Ask::default(), "subject_token"),
            (Ask { subject_token_type: None, ..whole }, "subject_token_type"),
            (Ask { actor_token: Some("a"), ..whole }, "actor_token_type"),
            (Ask { actor_token_type: Some("urn:acme:a"), ..whole }, "actor_token"),
        ] {
            let error = kind(&ask).expect_err("something is missing");
            assert_eq!(error.description, format!("Missing required parameter: {missing}"));
        }
        let both = Ask { actor_token: Some("a"), actor_token_type: Some("urn:acme:a"), ..whole };
        assert_eq!(kind(&both), Ok(Kind::Profile));
    }
}
