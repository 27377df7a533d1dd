//! `/authorize`: what a request must satisfy before anybody is asked to log in.
//!
//! Owns: the ordered list of [`CHECKS`], what they make of the raw parameters ([`Request`]), where a
//! refusal goes ([`Refusal`]), whether a login is needed ([`prompt`]), how the answer travels
//! ([`response`]). Does not own: scopes ([`crate::scope`]), tokens ([`crate::tokens`]).
//! Reading order: this file, `checks`, `prompt`, `response`.

mod checks;
pub mod prompt;
pub mod pushed;
pub mod remedy;
pub mod response;

#[cfg(test)]
mod tests;

use crate::client::Client;
use crate::errors::OAuthError;
use crate::reasons::change::{ChangeFacts, change};
use crate::scope::Flow;

use checks::CHECKS;
pub use prompt::Prompt;
pub use response::{ResponseMode, ResponseTypes};

/// The parameters of `/authorize` that decisions read, as sent. Absent and empty are the same.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields are the parameters of RFC 6749, RFC 7636 and OpenID Connect")]
pub struct Ask {
    pub client_id: Option<String>,
    pub redirect_uri: Option<String>,
    pub response_type: Option<String>,
    pub response_mode: Option<String>,
    pub owp: Option<String>,
    pub scope: Option<String>,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub audience: Option<String>,
    pub prompt: Option<String>,
    pub max_age: Option<String>,
    pub code_challenge: Option<String>,
    pub code_challenge_method: Option<String>,
    pub login_ticket: Option<String>,
    pub connection: Option<String>,
    pub organization: Option<String>,
    pub request: Option<String>,
    pub request_uri: Option<String>,
    /// No parameter: the client pushed these (RFC 9126).
    pub pushed: bool,
}

impl Ask {
    /// Collects the parameters; `param` returns one by its name on the wire.
    pub fn read(param: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            client_id: param("client_id"),
            redirect_uri: param("redirect_uri"),
            response_type: param("response_type"),
            response_mode: param("response_mode"),
            owp: param("owp"),
            scope: param("scope"),
            state: param("state"),
            nonce: param("nonce"),
            audience: param("audience"),
            prompt: param("prompt"),
            max_age: param("max_age"),
            code_challenge: param("code_challenge"),
            code_challenge_method: param("code_challenge_method"),
            login_ticket: param("login_ticket"),
            connection: param("connection"),
            organization: param("organization"),
            request: param("request"),
            request_uri: param("request_uri"),
            pushed: false,
        }
    }
}

/// A request that passed every check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// One of the client's callbacks.
    pub redirect_uri: String,
    /// What to return.
    pub response_types: ResponseTypes,
    /// How to return it.
    pub response_mode: ResponseMode,
    /// Echoed in every answer.
    pub state: Option<String>,
    /// Repeated in the ID token.
    pub nonce: Option<String>,
    /// The scopes asked for, as sent.
    pub scope: Option<String>,
    /// The API asked for.
    pub audience: Option<String>,
    /// What may and must be shown to the user.
    pub prompt: Prompt,
    /// At most this many seconds may have passed since the user authenticated.
    pub max_age_seconds: Option<i64>,
    /// The PKCE challenge and its method (RFC 7636).
    pub pkce: Option<Pkce>,
    /// Proof of a login on the application's own page.
    pub login_ticket: Option<String>,
    /// The connection the user must come from.
    pub connection: Option<String>,
}

impl Request {
    /// How its tokens travel.
    pub const fn flow(&self) -> Flow<'static> {
        match (self.response_types.code, self.response_types.has_token_or_id_token()) {
            (true, true) => Flow::Hybrid,
            (true, false) => Flow::Code,
            (false, _) => Flow::Implicit,
        }
    }
}

/// A PKCE challenge, RFC 7636 section 4.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pkce {
    /// `code_challenge`.
    pub challenge: String,
    /// `S256` or `plain`.
    pub method: &'static str,
}

/// Where a refusal goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no safe place to redirect to: show a page (RFC 6749 section 4.1.2.1).
    Page(OAuthError),
    /// Back to the client, in its response mode, with its state.
    Redirect(Box<ErrorRedirect>),
}

/// An error on its way back to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorRedirect {
    /// A checked callback.
    pub redirect_uri: String,
    /// How the error travels.
    pub response_mode: ResponseMode,
    /// The request's state.
    pub state: Option<String>,
    /// What is refused.
    pub error: OAuthError,
}

/// Holds a request against every check, in order. `client` is the one that `client_id` names, if any.
pub fn check(ask: &Ask, client: Option<&Client>) -> Result<Request, Refusal> {
    let mut draft = checks::Draft::new(ask, client);
    for (_name, check) in CHECKS {
        if let Err(error) = check(&mut draft) {
            let facts = client.map(|client| ChangeFacts::of(client, ask)).unwrap_or_default();
            let lifted_by = change(error.reason.as_deref().unwrap_or_default(), &facts);
            return Err(draft.refuse(error.lifted_by(lifted_by)));
        }
    }
    Ok(draft.finish())
}
