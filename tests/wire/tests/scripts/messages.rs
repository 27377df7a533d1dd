//! Messages that the tenant's own Action delivers: the custom e-mail and phone providers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use gatewright_testkit::{OTP_CREDENTIAL, Options, PHONE, Server, with_options};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::stage::{APP, action_with, bind};

const ANN: &str = "ann@example.com";
const DATABASE: &str = "Username-Password-Authentication";

/// A service on loopback that takes JSON and answers a status.
pub(crate) struct Service {
    pub(crate) url: String,
    status: Arc<AtomicU16>,
    received: mpsc::UnboundedReceiver<Value>,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/send", listener.local_addr().unwrap());
        let status = Arc::new(AtomicU16::new(200));
        let (sender, received) = mpsc::unbounded_channel();
        let told = Arc::clone(&status);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (status, sender) = (told.load(Ordering::Relaxed), sender.clone());
                tokio::spawn(async move {
                    let (mut text, mut part) = (Vec::new(), [0; 4096]);
                    loop {
                        let read = socket.read(&mut part).await.unwrap_or(0);
                        text.extend_from_slice(&part[..read]);
                        let whole = String::from_utf8_lossy(&text).into_owned();
                        let body = whole.split_once("\r\n\r\n").map(|(_, body)| serde_json::from_str(body));
                        if let Some(Ok(body)) = body {
                            let _ = sender.send(body);
                            break;
                        }
                        if read == 0 {
                            return;
                        }
                    }
                    let answer =
                        format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    let _ = socket.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { url, status, received }
    }

    pub(crate) fn answers(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Value {
        self.received.recv().await.expect("the service runs")
    }

    /// How many more there are.
    fn more(&mut self) -> usize {
        std::iter::from_fn(|| self.received.try_recv().ok()).count()
    }
}

/// Binds an Action that hands messages to the service.
async fn deliver_by(server: &Server, trigger: &str, export: &str, service: &Service) -> String {
    let admin = server.admin().await;
    let code = format!(
        "exports.{export} = async (event, api) => {{
            console.log('sending', event.notification);
            const {{ secrets, ...shown }} = event;
            const answer = await fetch(secrets.URL, {{
                method: 'POST', headers: {{ 'content-type': 'application/json' }}, body: JSON.stringify(shown),
            }});
            if (answer.status === 503) api.notification.retry('busy');
            if (answer.status === 410) api.notification.drop('gone');
            if (answer.status === 500) throw new Error('cannot send ' + (event.notification.as_text || event.notification.text));
        }};"
    );
    let secrets = json!([{ "name": "URL", "value": service.url }]);
    let id = action_with(&admin, trigger, json!({ "name": "Sends", "code": code, "secrets": secrets })).await;
    bind(&admin, trigger, &[&id]).await;
    id
}

fn uncaptured() -> Options {
    Options { captures: false, ..Options::default() }
}

#[tokio::test]
async fn the_custom_email_provider_is_an_action() {
    with_options(uncaptured(), async |server: Server| {
        let (admin, page) = (server.admin().await, server.page(APP));
        let provider = json!({ "name": "custom", "credentials": {}, "default_from_address": "Acme <no-reply@acme.example>" });
        admin.create("/emails/provider", provider).await;
        let start = async || {
            let body = json!({ "client_id": server.client_id(), "connection": "email", "email": ANN, "send": "code" });
            page.post("/passwordless/start", body).await
        };
        // Nobody is bound: as with every provider that cannot deliver.
        assert_eq!(start().await.expect(400).error().0, "email_provider_error");
        let detail = admin.newest_log("fn").await["details"]["error"]["detail"].clone();
        assert!(detail.as_str().unwrap().contains("no action is bound"), "{detail}");

        let mut service = Service::start().await;
        deliver_by(&server, "custom-email-provider", "onExecuteCustomEmailProvider", &service).await;
        start().await.expect(200);
        let event = service.message().await;
        let mail = &event["notification"];
        assert_eq!((&mail["to"], &mail["from"]), (&json!(ANN), &json!("Acme <no-reply@acme.example>")));
        assert_eq!((&mail["message_type"], &mail["locale"]), (&json!("verification_code"), &json!("en")));
        assert_eq!((&event["connection"]["name"], &event["client"]["client_id"]), (&json!("email"), &json!(server.client_id())));
        let text = mail["text"].as_str().unwrap().to_owned();
        let code = text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6).unwrap().to_owned();
        assert!(mail["html"].as_str().unwrap().contains(&code) && mail["subject"].is_string());
        let log = admin.newest_log("cls").await;
        let run = &log["details"]["decision"]["scripts"]["runs"][0];
        assert_eq!((&run["name"], &run["trigger"]), (&json!("Sends"), &json!("custom-email-provider")));
        assert!(run["console"][0].as_str().unwrap().contains("*****"), "{run:#}");
        assert!(!log.to_string().contains(&code), "codes are not logged");
        let execution = log["details"]["actions"]["executions"][0].as_str().unwrap().to_owned();
        assert_eq!(admin.get(&format!("/actions/executions/{execution}")).await["trigger_id"], "custom-email-provider");
        let answer = page.post("/co/authenticate", json!({
            "client_id": server.client_id(), "credential_type": OTP_CREDENTIAL, "username": ANN, "otp": code, "realm": "email",
        }))
        .await;
        answer.expect(200);

        // It is tried again five times, and not once more.
        service.answers(503);
        assert_eq!(start().await.expect(400).error(), ("email_provider_error".into(), "The e-mail could not be sent.".into()));
        assert_eq!(service.more(), 6);
        let log = admin.newest_log("fn").await;
        assert_eq!(log["details"]["decision"]["scripts"]["runs"].as_array().unwrap().len(), 6);
        assert!(log["details"]["error"]["detail"].as_str().unwrap().ends_with("busy"), "{log:#}");
        // What it drops is its own decision.
        service.answers(410);
        start().await.expect(200);
        assert_eq!(service.more(), 1);
        let commands = admin.newest_log("cls").await["details"]["decision"]["scripts"]["runs"][0]["commands"].clone();
        assert_eq!(commands[0]["type"], "notification.drop");
        // What it throws stays in the log, without the code.
        service.answers(500);
        assert_eq!(start().await.expect(400).error().0, "email_provider_error");
        let sent = service.message().await["notification"]["text"].as_str().unwrap().to_owned();
        let code = sent.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6).unwrap().to_owned();
        let log = admin.newest_log("fn").await;
        let error = log["details"]["decision"]["scripts"]["runs"][0]["error"]["message"].as_str().unwrap().to_owned();
        assert!(error.starts_with("cannot send") && !log.to_string().contains(&code), "{log:#}");
    })
    .await;
}

#[tokio::test]
async fn links_to_new_passwords_go_through_it_too() {
    with_options(uncaptured(), async |server: Server| {
        let (admin, page) = (server.admin().await, server.page(APP));
        admin.create("/emails/provider", json!({ "name": "custom", "credentials": {} })).await;
        let mut service = Service::start().await;
        deliver_by(&server, "custom-email-provider", "onExecuteCustomEmailProvider", &service).await;
        let user = json!({ "connection": DATABASE, "email": ANN, "password": "Correct-horse-7" });
        let user = admin.create("/users", user).await;
        service.answers(500);
        let body = json!({ "client_id": server.client_id(), "connection": DATABASE, "email": ANN });
        page.post("/dbconnections/change_password", body.clone()).await.expect(200);
        let event = service.message().await;
        assert_eq!(
            (&event["notification"]["message_type"], &event["user"]["user_id"]),
            (&json!("reset_email"), &user["user_id"])
        );
        let link = event["notification"]["text"].as_str().unwrap().to_owned();
        let ticket = link
            .split("ticket=")
            .nth(1)
            .unwrap()
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
            .next()
            .unwrap()
            .to_owned();
        assert!(ticket.len() > 20, "{link}");
        let mut log = Value::Null;
        for _ in 0..50 {
            let logs = admin.get("/logs?per_page=50&sort=date:-1").await;
            if let Some(found) = logs.as_array().unwrap().iter().find(|log| log["type"] == "fn") {
                log = found.clone();
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert_eq!(log["details"]["template"], "reset_email", "{log:#}");
        assert!(!log.to_string().contains(&ticket), "links are not logged");
    })
    .await;
}

#[tokio::test]
async fn the_custom_phone_provider_serves_connections_that_name_none() {
    with_options(uncaptured(), async |server: Server| {
        let (admin, page) = (server.admin().await, server.page(APP));
        let start = async || {
            let body = json!({ "client_id": server.client_id(), "connection": "sms", "phone_number": PHONE, "send": "code" });
            page.post("/passwordless/start", body).await
        };
        // Nothing is configured: the inbox of `gatewright dev` takes it.
        start().await.expect(200);
        let mut service = Service::start().await;
        deliver_by(&server, "custom-phone-provider", "onExecuteCustomPhoneProvider", &service).await;
        let provider = json!({ "name": "custom", "credentials": {}, "configuration": { "delivery_methods": ["text"], "default_from": "+15550100" } });
        let provider = admin.create("/branding/phone/providers", provider).await;
        start().await.expect(200);
        let event = service.message().await;
        let message = &event["notification"];
        let code = message["code"].as_str().unwrap().to_owned();
        assert_eq!((&message["recipient"], &message["from"]), (&json!(PHONE), &json!("+15550100")));
        assert_eq!((&message["delivery_method"], &message["message_type"]), (&json!("text"), &json!("otp_verify")));
        assert!(message["as_text"].as_str().unwrap().contains(&code) && message["as_voice"].is_string());
        let log = admin.newest_log("cs").await;
        assert_eq!(log["details"]["decision"]["scripts"]["runs"][0]["name"], "Sends");
        assert!(!log.to_string().contains(&code), "codes are not logged");
        page.post("/co/authenticate", json!({
            "client_id": server.client_id(), "credential_type": OTP_CREDENTIAL, "username": PHONE, "otp": code, "realm": "sms",
        }))
        .await
        .expect(200);

        service.answers(500);
        let (error, text) = start().await.expect(400).error();
        assert_eq!((error.as_str(), text.as_str()), ("sms_provider_error", "The phone provider could not send the message."));
        assert!(!admin.newest_log("fn").await.to_string().contains(service.message().await["notification"]["code"].as_str().unwrap()));

        // A provider that is switched off, and a connection with one of its own, do not come here.
        let path = format!("/branding/phone/providers/{}", provider["id"].as_str().unwrap());
        admin.patch(&path, json!({ "disabled": true })).await;
        start().await.expect(200);
        assert_eq!(service.more(), 0);
        admin.call(Method::DELETE, &path, None).await.expect(204);
    })
    .await;
}
