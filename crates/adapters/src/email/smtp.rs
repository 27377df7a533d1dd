//! SMTP, by the tenant's `smtp_*` credentials, within the operator's rules for outgoing connections.
//!
//! The host is resolved here and its addresses are checked; the connection goes to a checked address,
//! while the certificate must be the host's. TLS is always asked for. Only a server that the operator
//! has let in from a network of his own (a loopback or private address) may go without, and it is then
//! shown no password, unless it is on this very machine.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use gatewright_core::Timestamp;
use gatewright_core::email::EmailProvider;
use gatewright_core::ids::Secret;
use gatewright_jose::token_hash;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use serde_json::Value;

use super::Email;
use crate::addresses::{AddressKind, OutboundPolicy};
use crate::guarded::{OutboundError, check_answers};
use crate::messages::{DeliveryError, DeliveryErrorKind, Receipt};

/// The port of mail submission with STARTTLS (RFC 6409).
const SUBMISSION: u16 = 587;
/// The port on which TLS begins at once (RFC 8314).
const SUBMISSIONS: u16 = 465;

/// Where and as whom to hand in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SmtpRoute {
    host: String,
    port: u16,
    login: Option<(String, Secret<String>)>,
}

impl SmtpRoute {
    /// Reads a provider's record.
    pub(super) fn from_provider(provider: &EmailProvider) -> Result<Self, DeliveryError> {
        if !provider.enabled {
            return Err(DeliveryError::email_misconfigured("the tenant's e-mail provider is switched off"));
        }
        if provider.name != "smtp" {
            return Err(DeliveryError::email_misconfigured(format!(
                "the tenant's e-mail provider is \"{}\", which this version of Gatewright stores but does not \
                 deliver through; smtp delivers",
                provider.name
            )));
        }
        let text = |name: &str| {
            provider
                .credentials
                .get(name)
                .and_then(Value::as_str)
                .map(str::trim)
                .filter(|text| !text.is_empty())
        };
        let host = text("smtp_host")
            .ok_or_else(|| DeliveryError::email_misconfigured("the e-mail provider has no smtp_host"))?;
        let port = match provider.credentials.get("smtp_port") {
            None | Some(Value::Null) => SUBMISSION,
            Some(port) => {
                port.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0).ok_or_else(
                    || DeliveryError::email_misconfigured("smtp_port is not a port from 1 to 65535"),
                )?
            }
        };
        // A password may begin or end with a space, so it is taken as it is.
        let password = provider.credentials.get("smtp_pass").and_then(Value::as_str);
        let login = match (text("smtp_user"), password) {
            (Some(user), Some(password)) => Some((user.to_owned(), Secret::new(password.to_owned()))),
            (None, None) => None,
            _ => {
                let text = "the e-mail provider needs both smtp_user and smtp_pass, or neither";
                return Err(DeliveryError::email_misconfigured(text));
            }
        };
        Ok(Self { host: host.to_owned(), port, login })
    }

    fn target(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// Hands in one message; the time is for all of it.
pub(super) async fn send(
    policy: &OutboundPolicy,
    route: &SmtpRoute,
    from: Option<&str>,
    email: &Email,
    now: Timestamp,
    timeout: Duration,
) -> Result<Receipt, DeliveryError> {
    let message = message(from, email, now)?;
    let delivered = async {
        let address = checked_address(policy, route).await?;
        let host = route.host.clone();
        // It reads the system's certificates, which takes a while.
        let tls = tokio::task::spawn_blocking(move || TlsParameters::new(host)).await;
        let tls =
            tls.map_err(|error| error.to_string()).and_then(|tls| tls.map_err(|error| error.to_string()));
        let tls = tls.map_err(|error| {
            DeliveryError::email_misconfigured(format!("TLS to {} cannot be set up: {error}", route.target()))
        })?;
        let transport = transport(route, address, tls, timeout);
        transport.send(message).await.map_err(|error| refused(route, &error))
    };
    match tokio::time::timeout(timeout, delivered).await {
        Ok(response) => {
            let said = response?;
            Ok(Receipt { route: "smtp", provider_message_id: said.message().next().map(str::to_owned) })
        }
        Err(_) => Err(DeliveryError::of_email(
            DeliveryErrorKind::Temporary,
            OutboundError::Timeout { target: route.target(), seconds: timeout.as_secs_f64() }.to_string(),
        )),
    }
}

/// The first address of the host that may be called.
async fn checked_address(policy: &OutboundPolicy, route: &SmtpRoute) -> Result<IpAddr, DeliveryError> {
    let target = route.target();
    let host = route.host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&route.host);
    let answers: Vec<SocketAddr> = match tokio::net::lookup_host((host, route.port)).await {
        Ok(answers) => answers.collect(),
        Err(error) => {
            let error = OutboundError::NotResolved { target, cause: error.to_string() };
            return Err(DeliveryError::of_email(DeliveryErrorKind::Temporary, error.to_string()));
        }
    };
    let checked = check_answers(policy, host, route.port, answers).map_err(|refused| {
        let (address, kind) = (refused.address, refused.kind.says());
        DeliveryError::email_misconfigured(
            OutboundError::Refused { target: target.clone(), address, kind }.to_string(),
        )
    })?;
    // IPv4 first: servers whose IPv6 has no reverse name are often taken for senders of spam.
    let first = checked.iter().find(|address| address.is_ipv4()).or(checked.first());
    first.map(SocketAddr::ip).ok_or_else(|| {
        let error = OutboundError::NotResolved { target, cause: "it has no address".into() };
        DeliveryError::of_email(DeliveryErrorKind::Temporary, error.to_string())
    })
}

fn transport(
    route: &SmtpRoute,
    address: IpAddr,
    tls: TlsParameters,
    timeout: Duration,
) -> AsyncSmtpTransport<Tokio1Executor> {
    let may_be_plain = match AddressKind::of(address) {
        None => false,
        Some(AddressKind::Loopback) => true,
        Some(_) => route.login.is_none(),
    };
    let tls = match route.port {
        SUBMISSIONS => Tls::Wrapper(tls),
        _ if may_be_plain => Tls::Opportunistic(tls),
        _ => Tls::Required(tls),
    };
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.to_string())
        .port(route.port)
        .timeout(Some(timeout))
        .tls(tls);
    let Some((user, password)) = &route.login else { return builder.build() };
    builder
        .credentials(Credentials::new(user.clone(), password.reveal().clone()))
        .authentication(vec![Mechanism::Login, Mechanism::Plain])
        .build()
}

fn message(from: Option<&str>, email: &Email, now: Timestamp) -> Result<Message, DeliveryError> {
    let from = from.ok_or_else(|| {
        DeliveryError::email_misconfigured("no sender: set default_from_address of the e-mail provider")
    })?;
    let from: Mailbox = from
        .parse()
        .map_err(|_| DeliveryError::email_misconfigured("the sender is not an e-mail address"))?;
    let to = email.to.parse().map_err(|_| {
        DeliveryError::of_email(DeliveryErrorKind::Permanent, "the recipient is not an e-mail address")
    })?;
    let id = message_id(&from, email, now);
    let part = |kind, text: &str| SinglePart::builder().header(kind).body(text.to_owned());
    let micros = u64::try_from(now.micros()).unwrap_or_default();
    Message::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        // A line break would begin another header.
        .subject(email.subject.split(char::is_control).collect::<Vec<_>>().join(" "))
        .date(UNIX_EPOCH + Duration::from_micros(micros))
        .message_id(Some(id))
        .multipart(
            MultiPart::alternative()
                .singlepart(part(ContentType::TEXT_PLAIN, &email.text))
                .singlepart(part(ContentType::TEXT_HTML, &email.html)),
        )
        .map_err(|error| DeliveryError::of_email(DeliveryErrorKind::Permanent, error.to_string()))
}

/// Unique without telling anything: made from the time, the recipient and a count.
fn message_id(from: &Mailbox, email: &Email, now: Timestamp) -> String {
    static SENT: AtomicU64 = AtomicU64::new(0);
    let count = SENT.fetch_add(1, Ordering::Relaxed);
    let hash = token_hash(&format!("{}/{count}/{}/{}", now.micros(), std::process::id(), email.to));
    format!("<{}@{}>", hash.get(..32).unwrap_or(&hash), from.email.domain())
}

/// Why the server did not take the message. An SMTP reply may quote the recipient, never the text.
fn refused(route: &SmtpRoute, error: &lettre::transport::smtp::Error) -> DeliveryError {
    let kind = match (error.is_permanent(), error.status()) {
        // 530 to 538: authentication is missing, wrong or too weak.
        (true, Some(code)) if (530..540).contains(&u16::from(code)) => DeliveryErrorKind::Misconfigured,
        (true, _) => DeliveryErrorKind::Permanent,
        _ => DeliveryErrorKind::Temporary,
    };
    let mut detail = format!("the SMTP server {}: {error}", route.target());
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        detail.push_str(": ");
        detail.push_str(&cause.to_string());
        next = cause.source();
    }
    DeliveryError::of_email(kind, detail)
}
