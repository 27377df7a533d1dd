//! Identifiers with a type of their own, so that one cannot be passed for another.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names a tenant in every row and every query, e.g. `localhost` or `acme`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(String);

impl TenantId {
    /// Wraps a tenant's name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value that must never be printed or logged; its `Debug` form is dots.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself; the call marks the place where a secret is used.
    pub const fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The issuer of a tenant as one request sees it: scheme, host and port, with a trailing slash.
///
/// Compat: the issuer is the host that the request used, port included, and always ends in `/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Issuer(String);

impl Issuer {
    /// From a scheme (`https`) and a host with optional port (`localhost:8443`).
    pub fn new(scheme: &str, host: &str) -> Self {
        Self(format!("{scheme}://{host}/"))
    }

    /// The issuer as it stands in `iss`, with the trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The origin, without the trailing slash.
    pub fn origin(&self) -> &str {
        self.0.trim_end_matches('/')
    }

    /// Host and port: what SDKs call the domain.
    pub fn domain(&self) -> &str {
        self.origin().split_once("://").map_or("", |(_, host)| host)
    }

    /// `true` when the request came over TLS, here or at a trusted proxy.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// The URL of a path below this issuer; `path` has no leading slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The audience of the Management API at this issuer.
    pub fn management_audience(&self) -> String {
        self.join("api/v2/")
    }

    /// The audience that makes a token valid at `/userinfo`.
    pub fn userinfo_audience(&self) -> String {
        self.join("userinfo")
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
