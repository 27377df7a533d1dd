//! The grant types of `/oauth/token`: one file each, and the registry that the token endpoint and
//! discovery read.

mod authorization_code;
mod client_credentials;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_http::{Params, RequestCx};
use serde::Serialize;

use crate::stop::Stop;

/// A grant type.
pub(crate) struct Grant {
    /// `grant_type` on the wire.
    pub(crate) name: &'static str,
    /// Its own parameters, all text.
    pub(crate) params: &'static [&'static str],
    /// Turns what the client presents into tokens.
    pub(crate) redeem: Redeem,
}

type Redeem = fn(RequestCx, Arc<Client>, Params) -> Pin<Box<dyn Future<Output = Result<Issued, Stop>> + Send>>;

/// Every grant type that is built.
static GRANTS: &[&Grant] = &[&authorization_code::GRANT, &client_credentials::GRANT];

/// The answer of the token endpoint, RFC 6749 section 5.1.
#[derive(Debug, Serialize)]
pub(crate) struct Issued {
    pub(crate) access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id_token: Option<String>,
    pub(crate) scope: String,
    pub(crate) expires_in: i64,
    pub(crate) token_type: &'static str,
}

/// The grant of this name.
pub(crate) fn named(name: &str) -> Result<&'static Grant, OAuthError> {
    let found = GRANTS.iter().copied().find(|grant| grant.name == name);
    found.ok_or_else(|| OAuthError::new(403, "unsupported_grant_type", format!("Unsupported grant type: {name}")))
}

/// The names of all grants.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    GRANTS.iter().map(|grant| grant.name)
}
