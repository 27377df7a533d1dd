//! One file per endpoint, each one plain function that reads like its specification.

pub(crate) mod account_links;
pub(crate) mod authorize;
pub(crate) mod challenge;
pub(crate) mod client_js;
pub(crate) mod co_authenticate;
pub(crate) mod dbconnections;
pub(crate) mod device;
pub(crate) mod discovery;
pub(crate) mod geoloc;
pub(crate) mod jwks;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod mfa;
pub(crate) mod oidc_logout;
pub(crate) mod passwordless_start;
pub(crate) mod passwordless_verify;
pub(crate) mod register;
pub(crate) mod resource_owner;
pub(crate) mod revoke;
pub(crate) mod ssodata;
pub(crate) mod token;
pub(crate) mod userinfo;
