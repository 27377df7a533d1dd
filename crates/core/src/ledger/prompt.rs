//! Why the user was asked something on the way, or was not.

use super::Line;
use crate::client::Client;

/// What happened on the way to the answer.
#[derive(Clone, Copy, Debug)]
pub struct PromptFacts<'a> {
    /// The client.
    pub client: &'a Client,
    /// Why the user had to log in, if they had to.
    pub login_reason: Option<&'static str>,
    /// How the user is known: `session_alive`, `login_page`, or a ticket's verdict.
    pub known_by: &'static str,
    /// `prompt=consent` was asked for.
    pub consent_asked_for: bool,
    /// The consent page was shown, and answered with yes.
    pub consented: bool,
    /// The confirmation page was shown, and answered with yes.
    pub confirmed: bool,
}

/// A line for the login, the consent and, for third-party clients, the confirmation.
pub fn prompts(facts: PromptFacts<'_>) -> Vec<Line> {
    let client = facts.client;
    let client_id = Some(client.client_id.as_str());
    let login = match facts.login_reason {
        Some(reason) => Line::new("asked", reason, None),
        None => Line::new("not asked", facts.known_by, None),
    };
    let consent = match () {
        () if facts.consented => Line::new("asked", "consent_given_now", client_id),
        () if client.is_first_party && !facts.consent_asked_for => {
            Line::new("not asked", "consent_first_party", client_id)
        }
        () => Line::new("not asked", "consent_given_before", client_id),
    };
    let mut lines = vec![login.of("login"), consent.of("consent")];
    if !client.is_first_party {
        let (outcome, reason) = match facts.confirmed {
            true => ("asked", "confirmation_given"),
            false => ("not asked", "confirmation_not_needed"),
        };
        lines.push(Line::new(outcome, reason, client_id).of("confirmation"));
    }
    lines
}
