//! SMTP against a server on loopback that writes down what it is told, and what is refused before that.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gatewright_ambient::Clock;
use gatewright_core::email::EmailProvider;
use gatewright_core::ids::TenantId;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::Email;
use crate::addresses::OutboundPolicy;
use crate::guarded::GuardedClient;
use crate::messages::{
    Capture, CaptureScope, CapturedMessage, DeliveryError, DeliveryErrorKind, Messenger, MessengerSettings,
    Receipt,
};

/// How the fake server differs from a friendly one.
#[derive(Clone, Copy, Default)]
struct Manners {
    /// Extensions it offers, as lines of the answer to EHLO.
    offers: &'static [&'static str],
    /// Its answer to RCPT TO.
    rcpt: Option<&'static str>,
    /// It never says hello.
    silent: bool,
}

struct FakeSmtp {
    address: SocketAddr,
    said: Arc<Mutex<Vec<String>>>,
}

impl FakeSmtp {
    async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, said) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let log = Arc::clone(&said);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, manners, Arc::clone(&log)));
            }
        });
        Self { address, said }
    }

    fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    fn provider(&self, more: Value) -> EmailProvider {
        let mut credentials = json!({"smtp_host": "127.0.0.1", "smtp_port": self.address.port()});
        credentials.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let provider = json!({"name": "smtp", "default_from_address": "Tea <no-reply@tea.example>",
            "credentials": credentials});
        serde_json::from_value(provider).unwrap()
    }
}

async fn talk(stream: TcpStream, manners: Manners, log: Arc<Mutex<Vec<String>>>) {
    if manners.silent {
        tokio::time::sleep(Duration::from_secs(60)).await;
        return;
    }
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 fake\r\n").await.unwrap();
    let mut in_data = false;
    while let Ok(Some(line)) = lines.next_line().await {
        log.lock().unwrap().push(line.clone());
        let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            _ if in_data && line == "." => {
                in_data = false;
                "250 taken as 42".to_owned()
            }
            _ if in_data => continue,
            "EHLO" => {
                let mut lines: Vec<&str> = vec!["fake"];
                lines.extend(manners.offers);
                let last = lines.len() - 1;
                let line =
                    |(i, line): (usize, &&str)| format!("250{}{line}", if i == last { ' ' } else { '-' });
                lines.iter().enumerate().map(line).collect::<Vec<_>>().join("\r\n")
            }
            "AUTH" if line.eq_ignore_ascii_case("AUTH LOGIN") => "334 VXNlcm5hbWU6".to_owned(),
            "DATA" => {
                in_data = true;
                "354 go".to_owned()
            }
            "RCPT" => manners.rcpt.unwrap_or("250 ok").to_owned(),
            "STARTTLS" => "220 go".to_owned(),
            "QUIT" => "221 bye".to_owned(),
            _ if line == "dQ==" => "334 UGFzc3dvcmQ6".to_owned(),
            _ if line == "aHVzaA==" => "235 welcome".to_owned(),
            _ => "250 ok".to_owned(),
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
    }
}

fn email() -> Email {
    Email {
        to: "ann@example.com".into(),
        from: None,
        subject: "Your code – for Tea".into(),
        html: "<p>Hello <b>493817</b></p>".into(),
        text: "Hello 493817".into(),
        template: "passwordless_code",
        connection: Some("email".into()),
    }
}

fn messenger(policy: OutboundPolicy) -> Messenger {
    let settings = MessengerSettings { smtp_timeout: Duration::from_secs(5), ..MessengerSettings::default() };
    Messenger::live(GuardedClient::new(policy), Clock::system(), settings)
}

fn loopback() -> OutboundPolicy {
    OutboundPolicy { allow_loopback: true, ..OutboundPolicy::default() }
}

async fn send(policy: OutboundPolicy, provider: &EmailProvider) -> Result<Receipt, DeliveryError> {
    messenger(policy).send_email(&TenantId::new("acme"), Some(provider), &email()).await
}

#[tokio::test]
async fn a_message_arrives_with_both_parts_and_its_headers() {
    let server = FakeSmtp::start(Manners::default()).await;
    let receipt = send(loopback(), &server.provider(json!({}))).await.unwrap();
    assert_eq!((receipt.route, receipt.provider_message_id.as_deref()), ("smtp", Some("taken as 42")));
    let said = server.said();
    let has = |start: &str| said.iter().any(|line| line.starts_with(start));
    assert!(has("MAIL FROM:<no-reply@tea.example>") && has("RCPT TO:<ann@example.com>"), "{said:#?}");
    assert!(
        has("From: Tea <no-reply@tea.example>") || has("From: \"Tea\" <no-reply@tea.example>"),
        "{said:#?}"
    );
    assert!(has("To: ann@example.com") && has("Date: ") && has("Subject: "), "{said:#?}");
    assert!(has("Message-ID: <") && has("Content-Type: multipart/alternative"), "{said:#?}");
    assert!(has("Content-Type: text/plain") && has("Content-Type: text/html"), "{said:#?}");
    assert!(has("Hello 493817") && has("<p>Hello <b>493817</b></p>"), "{said:#?}");
}

#[tokio::test]
async fn credentials_are_shown_when_asked_for() {
    let server = FakeSmtp::start(Manners { offers: &["AUTH LOGIN PLAIN"], ..Manners::default() }).await;
    let provider = server.provider(json!({"smtp_user": "u", "smtp_pass": "hush"}));
    send(loopback(), &provider).await.unwrap();
    let said = server.said();
    assert!(
        said.iter().any(|line| line == "AUTH LOGIN") && said.iter().any(|line| line == "aHVzaA=="),
        "{said:#?}"
    );
}

#[tokio::test]
async fn an_offer_of_tls_is_taken_and_a_certificate_of_nobody_is_not() {
    let server = FakeSmtp::start(Manners { offers: &["STARTTLS"], ..Manners::default() }).await;
    let error = send(loopback(), &server.provider(json!({}))).await.unwrap_err();
    let said = server.said();
    assert!(said.iter().any(|line| line == "STARTTLS"), "{said:#?}");
    assert!(!said.iter().any(|line| line.contains("493817") || line.starts_with("MAIL")), "{said:#?}");
    assert_eq!(error.public, "The e-mail could not be sent.");
}

#[tokio::test]
async fn addresses_that_are_not_allowed_are_not_called() {
    let server = FakeSmtp::start(Manners::default()).await;
    for host in ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "169.254.169.254", "10.1.2.3"] {
        let mut provider = server.provider(json!({}));
        provider.credentials["smtp_host"] = json!(host);
        let error = send(OutboundPolicy::default(), &provider).await.unwrap_err();
        assert_eq!(error.kind, DeliveryErrorKind::Misconfigured, "{host}: {error}");
        assert!(
            error.detail.contains("was not called") && error.detail.contains("outbound.allow"),
            "{error}"
        );
        assert!(!error.public.contains(host), "the public text names no address");
    }
    assert!(server.said().is_empty());
    let listed = OutboundPolicy { allow: vec![server.address.to_string().parse().unwrap()], ..loopback() };
    send(OutboundPolicy { allow_loopback: false, ..listed }, &server.provider(json!({}))).await.unwrap();
}

#[tokio::test]
async fn refusals_and_silence_are_told_apart() {
    let kind_of = async |rcpt: &'static str| {
        let server = FakeSmtp::start(Manners { rcpt: Some(rcpt), ..Manners::default() }).await;
        send(loopback(), &server.provider(json!({}))).await.unwrap_err().kind
    };
    assert_eq!(kind_of("550 nobody").await, DeliveryErrorKind::Permanent);
    assert_eq!(kind_of("450 later").await, DeliveryErrorKind::Temporary);
    assert_eq!(kind_of("530 log in first").await, DeliveryErrorKind::Misconfigured);

    let silent = FakeSmtp::start(Manners { silent: true, ..Manners::default() }).await;
    let settings =
        MessengerSettings { smtp_timeout: Duration::from_millis(300), ..MessengerSettings::default() };
    let messenger = Messenger::live(GuardedClient::new(loopback()), Clock::system(), settings);
    let provider = silent.provider(json!({}));
    let error = messenger.send_email(&TenantId::new("acme"), Some(&provider), &email()).await.unwrap_err();
    assert_eq!(error.kind, DeliveryErrorKind::Temporary, "{error}");
}

#[tokio::test]
async fn providers_that_cannot_deliver_say_why() {
    let check = async |provider: Value, expect: &str| {
        let provider: EmailProvider = serde_json::from_value(provider).unwrap();
        let error = send(loopback(), &provider).await.unwrap_err();
        assert!(error.detail.contains(expect), "{error}");
        assert_eq!(error.kind, DeliveryErrorKind::Misconfigured);
    };
    check(json!({"name": "sendgrid", "credentials": {"api_key": "k"}}), "sendgrid").await;
    check(json!({"name": "smtp", "enabled": false}), "switched off").await;
    check(json!({"name": "smtp", "credentials": {}}), "smtp_host").await;
    check(json!({"name": "smtp", "credentials": {"smtp_host": "h", "smtp_port": 70000}}), "smtp_port").await;
    check(json!({"name": "smtp", "credentials": {"smtp_host": "h", "smtp_user": "u"}}), "smtp_pass").await;
    let no_sender = json!({"name": "smtp", "credentials": {"smtp_host": "127.0.0.1"}});
    check(no_sender, "default_from_address").await;
    let error = messenger(loopback()).send_email(&TenantId::new("acme"), None, &email()).await.unwrap_err();
    assert!(error.detail.contains("/api/v2/emails/provider"), "{error}");
}

#[derive(Default)]
struct Kept(Mutex<Vec<CapturedMessage>>);

impl Capture for Kept {
    fn capture(
        &self,
        message: CapturedMessage,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        self.0.lock().unwrap().push(message);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[tokio::test]
async fn captured_messages_are_whole_and_a_configured_provider_wins_over_the_inbox() {
    let kept = Arc::new(Kept::default());
    let capturing = messenger(loopback()).with_capture(kept.clone(), CaptureScope::Unconfigured);
    let receipt = capturing.send_email(&TenantId::new("acme"), None, &email()).await.unwrap();
    assert_eq!(receipt.route, "capture");
    let message = kept.0.lock().unwrap().pop().unwrap();
    assert_eq!((message.channel, message.to.as_str()), ("email", "ann@example.com"));
    assert_eq!(message.subject.as_deref(), Some("Your code – for Tea"));
    assert_eq!((message.body.as_str(), message.html.is_some()), ("Hello 493817", true));
    assert!(!format!("{message:?} {:?}", email()).contains("493817"));

    let server = FakeSmtp::start(Manners::default()).await;
    let provider = server.provider(json!({}));
    let receipt = capturing.send_email(&TenantId::new("acme"), Some(&provider), &email()).await.unwrap();
    assert_eq!(receipt.route, "smtp");
    let everything = messenger(loopback()).with_capture(kept.clone(), CaptureScope::Everything);
    let receipt = everything.send_email(&TenantId::new("acme"), Some(&provider), &email()).await.unwrap();
    assert_eq!(receipt.route, "capture");
    assert_eq!(kept.0.lock().unwrap()[0].from.as_deref(), Some("Tea <no-reply@tea.example>"));
}
