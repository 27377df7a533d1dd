//! Delivery of e-mail: what a message is, who delivers it, and the texts of messages ([`texts`]).
//!
//! The caller waits for the outcome, as with SMS: one attempt, no queue. Only SMTP delivers
//! ([`smtp`]), besides the tenant's own Action, which is not called here; the other providers that the Management API can store are refused with words that say so.

use gatewright_core::email::EmailProvider;
use gatewright_core::ids::TenantId;

use crate::messages::{
    CaptureScope, CapturedMessage, DeliveryError, DeliveryErrorKind, Messenger, Receipt, kept,
};

mod smtp;
#[cfg(test)]
mod tests;
pub mod texts;

pub use texts::{Composed, EmailKind, OwnText, compose};

/// An e-mail, ready to go.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    /// The one recipient: a bare address.
    pub to: String,
    /// The sender, `name@host` or `Name <name@host>`; without one, the provider's default.
    pub from: Option<String>,
    /// The subject, one line.
    pub subject: String,
    /// The HTML part.
    pub html: String,
    /// The plain part, which says the same.
    pub text: String,
    /// What kind of message it is, for logs: `verify_email`, `passwordless_email`, ...
    pub template: &'static str,
    /// The name of the connection that it is sent for, if it is sent for one.
    pub connection: Option<String>,
}

/// Leaves out the texts, which hold codes and links, and the address, which is personal.
impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Email").field("template", &self.template).finish_non_exhaustive()
    }
}

/// What callers are told whatever went wrong: the provider is no business of theirs.
pub const PUBLIC: &str = "The e-mail could not be sent.";

impl DeliveryError {
    fn of_email(kind: DeliveryErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, public: PUBLIC.into(), detail: detail.into() }
    }

    fn email_misconfigured(detail: impl Into<String>) -> Self {
        Self::of_email(DeliveryErrorKind::Misconfigured, detail)
    }
}

impl Messenger {
    /// Whether somebody takes this tenant's e-mail.
    pub fn takes_email(&self, provider: Option<&EmailProvider>) -> bool {
        self.capture.is_some() || provider.is_some_and(|provider| provider.enabled)
    }

    /// Delivers one e-mail through the tenant's provider and waits until it was taken.
    ///
    /// # Errors
    /// The provider is missing, off, of a kind that is not built, not allowed by the operator's rules for
    /// outgoing connections, or refused the message.
    pub async fn send_email(
        &self,
        tenant: &TenantId,
        provider: Option<&EmailProvider>,
        email: &Email,
    ) -> Result<Receipt, DeliveryError> {
        match (&self.capture, provider) {
            (Some((capture, CaptureScope::Everything)), _) | (Some((capture, _)), None) => {
                kept(capture.as_ref(), captured(tenant, provider, email)).await
            }
            (_, Some(provider)) => {
                let route = smtp::SmtpRoute::from_provider(provider)?;
                let (policy, timeout) = (self.client.policy(), self.settings.smtp_timeout);
                smtp::send(policy, &route, sender(Some(provider), email), email, self.clock.now(), timeout)
                    .await
            }
            (None, None) => Err(DeliveryError::email_misconfigured(
                "the tenant has no e-mail provider: set one with POST /api/v2/emails/provider",
            )),
        }
    }
}

fn sender<'a>(provider: Option<&'a EmailProvider>, email: &'a Email) -> Option<&'a str> {
    let default = || provider.and_then(|provider| provider.default_from_address.as_deref());
    email.from.as_deref().filter(|from| !from.is_empty()).or_else(default)
}

fn captured(tenant: &TenantId, provider: Option<&EmailProvider>, email: &Email) -> CapturedMessage {
    CapturedMessage {
        tenant: tenant.clone(),
        channel: "email",
        to: email.to.clone(),
        from: sender(provider, email).map(str::to_owned),
        subject: Some(email.subject.clone()),
        body: email.text.clone(),
        html: Some(email.html.clone()),
        connection: email.connection.clone(),
    }
}
