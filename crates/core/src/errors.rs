//! `OAuthError`: every protocol refusal, its code, text and status, once.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::scope::Change;

/// A protocol refusal, as RFC 6749 sections 4.1.2.1 and 5.2 shape it. The public text is part of the
/// value; how it reaches the caller (redirect, body, page) is decided where it is answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {description}")]
pub struct OAuthError {
    /// The `error` member.
    pub code: Cow<'static, str>,
    /// The `error_description` member.
    pub description: Cow<'static, str>,
    /// The HTTP status when it is answered as a body.
    pub status: u16,
    /// What decided, for the tenant log and the owner of the client; never sent to the caller.
    pub reason: Option<Cow<'static, str>>,
    /// The change of a setting that would lift it, where the decision knows one; for the owner too.
    pub change: Option<Box<Change>>,
    /// Further members of a body, such as `mfa_token`.
    pub members: Option<Box<Map<String, Value>>>,
}

impl OAuthError {
    /// An error with its code, text and HTTP status.
    pub fn new(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            code: code.into(),
            description: description.into(),
            status,
            reason: None,
            change: None,
            members: None,
        }
    }

    /// Adds a member of the body.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.members.get_or_insert_default().insert(name.to_owned(), value);
        self
    }

    /// Adds what decided, for the log only.
    #[must_use]
    pub fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Adds the change of a setting that would lift the refusal, for the log only.
    #[must_use]
    pub fn lifted_by(mut self, change: Option<Change>) -> Self {
        self.change = change.map(Box::new);
        self
    }

    /// 400: the request lacks or misuses a parameter.
    pub fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "invalid_request", description)
    }

    /// 400: a parameter that must be there is not.
    pub fn missing_parameter(name: &str) -> Self {
        Self::invalid_request(format!("Missing required parameter: {name}")).because("parameter_missing")
    }

    /// 401: unknown client, or wrong or missing client secret. One text for all, so that nothing is
    /// learned about which clients exist.
    pub fn client_authentication_failed() -> Self {
        Self::new(401, "access_denied", "Unauthorized")
    }

    /// 403: the code, ticket or token presented is not valid.
    ///
    /// Compat: 403, where RFC 6749 says 400.
    pub fn invalid_grant(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(403, "invalid_grant", description)
    }

    /// 403: the client may not use this grant type or response type.
    pub fn unauthorized_client(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(403, "unauthorized_client", description)
    }

    /// 403: refused by policy.
    pub fn access_denied(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(403, "access_denied", description)
    }

    /// `prompt=none` cannot be answered without asking the user to log in.
    pub fn login_required() -> Self {
        Self::new(403, "login_required", "Login required")
    }

    /// The account is blocked. Compat: SDKs compare this text.
    pub fn user_blocked() -> Self {
        Self::new(401, "unauthorized", "user is blocked")
    }

    /// 429: a limit was reached.
    pub fn too_many_requests(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(429, "too_many_requests", description)
    }
}
