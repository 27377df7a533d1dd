//! Delivery of text messages, and of e-mail (its parts are in [`crate::email`]).
//!
//! A connection's options say who delivers ([`SmsRoute`]): the documented HTTP gateway, Twilio, or
//! nobody, in which case the message is captured. The caller of `/passwordless/start` waits for the
//! outcome, so there is one attempt and no queue; a failure comes back as a [`DeliveryError`] whose
//! public text is what Auth0 would say.
//!
//! Not here: writing the text (see [`crate::templates`]), and keeping captured messages.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use gatewright_ambient::Clock;
use gatewright_core::connection::Connection;
use gatewright_core::ids::TenantId;
use thiserror::Error;

use crate::guarded::GuardedClient;

mod failures;
mod route;
mod sms_gateway;
#[cfg(test)]
mod tests;
mod twilio;

pub use route::{BearerAuthentication, GatewayRoute, SmsRoute, TwilioRoute, TwilioSender};

/// A text message, ready to go.
#[derive(Clone, PartialEq, Eq)]
pub struct Sms {
    /// The recipient's number, E.164.
    pub to: String,
    /// Overrides the connection's `from`.
    pub from: Option<String>,
    /// The rendered text. It usually holds a one-time code, so it is never logged.
    pub body: String,
    /// Who asked for the message: told to a gateway whose connection has `forward_req_info`.
    pub request: Option<CallerInfo>,
}

/// Leaves out the text, which holds the code, and the number, which is personal.
impl std::fmt::Debug for Sms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sms").field("from", &self.from).finish_non_exhaustive()
    }
}

/// The request that caused a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerInfo {
    /// The caller's address.
    pub ip: String,
    /// The caller's `User-Agent` header, empty if there was none.
    pub user_agent: String,
}

/// Proof that somebody took the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// `sms_gateway`, `twilio`, `smtp` or `capture`.
    pub route: &'static str,
    /// The provider's own name for the message, if it gave one.
    pub provider_message_id: Option<String>,
}

/// Why a message was not delivered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct DeliveryError {
    /// Whether another try can help.
    pub kind: DeliveryErrorKind,
    /// What the caller is told: the `error_description` of `sms_provider_error`, or of the refusal of an
    /// e-mail. Names no address.
    pub public: String,
    /// For the operator's log. Holds neither the text of the message nor a credential.
    pub detail: String,
}

/// Whether another try can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryErrorKind {
    /// The next try may work: a timeout, an overloaded provider.
    Temporary,
    /// This message will not be taken: a number that does not exist.
    Permanent,
    /// The connection's settings or the server's have to be changed first.
    Misconfigured,
}

/// A message that was kept instead of sent.
#[derive(Clone, PartialEq, Eq)]
pub struct CapturedMessage {
    /// The tenant that wrote it.
    pub tenant: TenantId,
    /// `sms` or `email`.
    pub channel: &'static str,
    /// The recipient's number or address.
    pub to: String,
    /// The sender as the provider would have been told it.
    pub from: Option<String>,
    /// An e-mail's subject.
    pub subject: Option<String>,
    /// The plain text, code included.
    pub body: String,
    /// An e-mail's HTML.
    pub html: Option<String>,
    /// The connection's name; an e-mail may be sent for none.
    pub connection: Option<String>,
}

/// Shows the addressing only: the text holds a code.
impl std::fmt::Debug for CapturedMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CapturedMessage")
            .field("tenant", &self.tenant)
            .field("channel", &self.channel)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// Keeps messages: the inbox of `gatewright dev`, the mailbox of a test.
pub trait Capture: Send + Sync {
    /// Keeps one message. An error (in words, for the log) fails the delivery.
    fn capture(
        &self,
        message: CapturedMessage,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>>;
}

/// Which messages are captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureScope {
    /// All of them; no provider is ever called.
    Everything,
    /// Those of connections without a provider; the rest is sent.
    Unconfigured,
}

/// Addresses and times of the providers.
#[derive(Clone, Debug)]
pub struct MessengerSettings {
    /// Where Twilio's REST API is, without a path: `https://api.twilio.com`.
    pub twilio_base_url: String,
    /// How long an SMS gateway may take to answer: 30 seconds, as documented.
    pub gateway_timeout: Duration,
    /// How long Twilio may take to answer: 15 seconds.
    pub twilio_timeout: Duration,
    /// How long an SMTP server may take for one whole message: 30 seconds.
    pub smtp_timeout: Duration,
}

impl Default for MessengerSettings {
    fn default() -> Self {
        Self {
            twilio_base_url: "https://api.twilio.com".into(),
            gateway_timeout: Duration::from_secs(30),
            twilio_timeout: Duration::from_secs(15),
            smtp_timeout: Duration::from_secs(30),
        }
    }
}

/// Sends messages. Cloning shares connections.
#[derive(Clone)]
pub struct Messenger {
    pub(crate) client: GuardedClient,
    pub(crate) clock: Clock,
    pub(crate) settings: Arc<MessengerSettings>,
    pub(crate) capture: Option<(Arc<dyn Capture>, CaptureScope)>,
}

impl std::fmt::Debug for Messenger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messenger").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Messenger {
    /// Sends through the connections' providers. The clock dates the tokens that gateways are shown.
    pub fn live(client: GuardedClient, clock: Clock, settings: MessengerSettings) -> Self {
        Self { client, clock, settings: Arc::new(settings), capture: None }
    }

    /// Captures messages in addition to, or instead of, sending them.
    #[must_use]
    pub fn with_capture(mut self, capture: Arc<dyn Capture>, scope: CaptureScope) -> Self {
        self.capture = Some((capture, scope));
        self
    }

    /// Whether no message leaves the server, whoever would deliver it.
    pub fn captures_everything(&self) -> bool {
        matches!(self.capture, Some((_, CaptureScope::Everything)))
    }

    /// The HTTP client behind it, for what else leaves the server.
    pub fn outbound(&self) -> &GuardedClient {
        &self.client
    }

    /// Delivers one message and waits until the provider has answered.
    ///
    /// Errors: the provider refused, did not answer, or the connection's options do not say who it is.
    pub async fn send_sms(
        &self,
        tenant: &TenantId,
        connection: &Connection,
        sms: &Sms,
    ) -> Result<Receipt, DeliveryError> {
        if let Some((capture, CaptureScope::Everything)) = &self.capture {
            return keep(capture.as_ref(), tenant, connection, sms).await;
        }
        match SmsRoute::from_options(connection)? {
            SmsRoute::Gateway(route) => {
                let timeout = self.settings.gateway_timeout;
                sms_gateway::send(&self.client, &route, sms, self.clock.now(), timeout).await
            }
            SmsRoute::Twilio(route) => {
                let MessengerSettings { twilio_base_url, twilio_timeout, .. } = self.settings.as_ref();
                twilio::send(&self.client, twilio_base_url, &route, sms, *twilio_timeout).await
            }
            SmsRoute::Capture => match &self.capture {
                Some((capture, _)) => keep(capture.as_ref(), tenant, connection, sms).await,
                None => Err(DeliveryError::misconfigured(
                    "the connection names no SMS provider: set options.provider to sms_gateway or twilio",
                )),
            },
        }
    }
}

async fn keep(
    capture: &dyn Capture,
    tenant: &TenantId,
    connection: &Connection,
    sms: &Sms,
) -> Result<Receipt, DeliveryError> {
    let message = CapturedMessage {
        tenant: tenant.clone(),
        channel: "sms",
        to: sms.to.clone(),
        from: sms.from.clone().or_else(|| connection.text_option("from").map(str::to_owned)),
        subject: None,
        body: sms.body.clone(),
        html: None,
        connection: Some(connection.name.clone()),
    };
    kept(capture, message).await
}

/// Hands a message to whoever captures.
pub(crate) async fn kept(capture: &dyn Capture, message: CapturedMessage) -> Result<Receipt, DeliveryError> {
    match capture.capture(message).await {
        Ok(()) => Ok(Receipt { route: "capture", provider_message_id: None }),
        Err(cause) => Err(DeliveryError {
            kind: DeliveryErrorKind::Temporary,
            public: "The message could not be stored.".into(),
            detail: format!("the message could not be captured: {cause}"),
        }),
    }
}
