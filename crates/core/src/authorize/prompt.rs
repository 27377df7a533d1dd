//! Whether the user must be asked, and whether that is allowed.

use crate::client::Client;
use crate::errors::OAuthError;
use crate::time::Timestamp;

use super::Request;

/// `prompt`, OpenID Connect Core section 3.1.2.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Nothing may be shown.
    pub none: bool,
    /// The user must log in although signed in.
    pub login: bool,
    /// The user must consent anew.
    pub consent: bool,
    /// The user must choose an account.
    pub select_account: bool,
}

impl Prompt {
    /// Reads the space-separated values. `none` stands alone.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let mut prompt = Self::default();
        for value in text.split(' ').filter(|value| !value.is_empty()) {
            match value {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                other => {
                    return Err(OAuthError::invalid_request(format!("Unknown prompt: {other}"))
                        .because("prompt_malformed"));
                }
            }
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
            let text = "prompt none cannot be combined with other values.";
            return Err(OAuthError::invalid_request(text).because("prompt_malformed"));
        }
        Ok(prompt)
    }
}

/// What is known of the user when `/authorize` begins.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoginFacts {
    /// A login ticket was sent, and this is whether it may be used.
    pub ticket_usable: Option<bool>,
    /// When the user of the browser's live session authenticated.
    pub session_authenticated_at: Option<Timestamp>,
    /// Whether the request's `id_token_hint` names another user.
    pub session_of_other_user: bool,
    /// Whether that was at the connection that the request names.
    pub session_at_connection: bool,
}

/// How to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The ticket's user logs in now.
    UseTicket,
    /// The session's user goes on.
    UseSession,
    /// The user must log in; the reason goes to the log.
    Login(LoginReason),
}

/// Why the user must log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginReason {
    /// No live session in this browser.
    NoSession,
    /// The login ticket cannot be used.
    TicketUnusable,
    /// `prompt=login` or `select_account`.
    PromptAsked,
    /// More than `max_age` seconds since the user authenticated.
    MaxAgeExceeded,
    /// The client does not take part in single sign-on.
    SsoDisabled,
    /// `id_token_hint` names another user than the session's.
    OtherUserHinted,
    /// `connection=sms` and `connection=email` always ask, silent probes aside.
    PasswordlessConnection,
}

impl LoginReason {
    /// Every reason, for documentation and tests.
    pub const ALL: &[Self] = &[
        Self::NoSession,
        Self::TicketUnusable,
        Self::PromptAsked,
        Self::MaxAgeExceeded,
        Self::SsoDisabled,
        Self::OtherUserHinted,
        Self::PasswordlessConnection,
    ];

    /// The stable code, for the log.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoSession => "no_session",
            Self::TicketUnusable => "login_ticket_unusable",
            Self::PromptAsked => "prompt_asked",
            Self::MaxAgeExceeded => "max_age_exceeded",
            Self::SsoDisabled => "sso_disabled",
            Self::OtherUserHinted => "other_user_hinted",
            Self::PasswordlessConnection => "passwordless_connection",
        }
    }
}

/// Decides how the request goes on. A ticket wins over another user's session: it is the later login.
pub fn next(request: &Request, client: &Client, facts: LoginFacts, now: Timestamp) -> Step {
    match facts.ticket_usable {
        Some(true) => return Step::UseTicket,
        Some(false) => return Step::Login(LoginReason::TicketUnusable),
        None => {}
    }
    let Some(authenticated_at) = facts.session_authenticated_at else {
        return Step::Login(LoginReason::NoSession);
    };
    if request.prompt.login || request.prompt.select_account {
        return Step::Login(LoginReason::PromptAsked);
    }
    // OpenID Connect Core section 3.1.2.1: only the user of the hint may go on silently.
    if facts.session_of_other_user {
        return Step::Login(LoginReason::OtherUserHinted);
    }
    if client.sso_disabled {
        return Step::Login(LoginReason::SsoDisabled);
    }
    // A person who is sent to a passwordless connection is always asked. A silent probe shows nothing, so
    // it is answered from a session of that connection: Lock's "last time you logged in with" needs it.
    let passwordless = matches!(request.connection.as_deref(), Some("sms" | "email"));
    if passwordless && !(request.prompt.none && facts.session_at_connection) {
        return Step::Login(LoginReason::PasswordlessConnection);
    }
    match request.max_age_seconds {
        Some(max_age) if authenticated_at.plus_seconds(max_age) < now => {
            Step::Login(LoginReason::MaxAgeExceeded)
        }
        _ => Step::UseSession,
    }
}
