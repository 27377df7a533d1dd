use std::sync::Mutex;

use base64::Engine as _;
use serde_json::{Value, json};

use super::*;
use crate::addresses::OutboundPolicy;
use crate::testing::{Answer, TestServer, closed_port, loopback_client};

const CODE: &str = "493817";

fn connection(options: Value) -> Connection {
    Connection { name: "sms".into(), strategy: "sms".into(), options, ..Connection::default() }
}

fn sms() -> Sms {
    Sms {
        to: "+61400000000".into(),
        from: None,
        body: format!("Your code is {CODE}"),
        request: Some(CallerInfo { ip: "203.0.113.9".into(), user_agent: "Tester/1".into() }),
    }
}

fn messenger(twilio_base_url: &str) -> Messenger {
    let settings = MessengerSettings {
        smtp_timeout: Duration::from_secs(5),
        twilio_base_url: twilio_base_url.into(),
        gateway_timeout: Duration::from_millis(400),
        twilio_timeout: Duration::from_millis(400),
    };
    Messenger::live(loopback_client(), Clock::system(), settings)
}

async fn send(messenger: &Messenger, connection: &Connection) -> Result<Receipt, DeliveryError> {
    messenger.send_sms(&TenantId::new("acme"), connection, &sms()).await
}

/// Errors are logged and shown: neither may hold the code or a credential.
fn assert_silent(error: &DeliveryError) {
    let text = format!("{error:?} {error}");
    for secret in [CODE, "hush", "127.0.0.1", "10.0.0.1"] {
        assert!(!error.public.contains(secret), "{text}");
    }
    for secret in [CODE, "hush"] {
        assert!(!text.contains(secret), "{text}");
    }
}

mod gateway {
    use super::*;

    fn options(url: &str) -> Value {
        json!({ "provider": "sms_gateway", "gateway_url": url, "from": "Acme" })
    }

    #[tokio::test]
    async fn posts_the_documented_body() {
        let server = TestServer::start(Answer::Status(200, "whatever".into())).await;
        let receipt = send(&messenger(""), &connection(options(&server.url("/sms?x=1")))).await.unwrap();
        assert_eq!(receipt, Receipt { route: "sms_gateway", provider_message_id: None });
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.line, "POST /sms?x=1 HTTP/1.1");
        assert_eq!(seen.header("content-type"), Some("application/json"));
        assert_eq!(seen.header("authorization"), None);
        assert_eq!(
            serde_json::from_str::<Value>(&seen.body).unwrap(),
            json!({ "recipient": "+61400000000", "body": "Your code is 493817", "sender": "Acme" })
        );
    }

    #[tokio::test]
    async fn tells_who_asked_only_when_told_to() {
        let server = TestServer::start(Answer::Status(200, String::new())).await;
        let mut options = options(&server.url("/"));
        options["forward_req_info"] = json!(true);
        send(&messenger(""), &connection(options)).await.unwrap();
        let body: Value = serde_json::from_str(&server.seen()[0].body).unwrap();
        assert_eq!(body["req"], json!({ "ip": "203.0.113.9", "user-agent": "Tester/1" }));
    }

    #[tokio::test]
    async fn signs_its_token() {
        let server = TestServer::start(Answer::Status(200, String::new())).await;
        let encoded = base64::engine::general_purpose::STANDARD.encode("hush-\u{1}\u{2}");
        let cases = [
            (
                json!({ "method": "bearer", "subject": "me", "audience": "you", "secret": "hush" }),
                "hush".to_owned(),
            ),
            (
                json!({ "subject": "me", "audience": "you", "secret": encoded, "secret_base64_encoded": true }),
                "hush-\u{1}\u{2}".to_owned(),
            ),
        ];
        for (authentication, key) in cases {
            let mut options = options(&server.url("/"));
            options["gateway_authentication"] = authentication;
            send(&messenger(""), &connection(options)).await.unwrap();
            let seen = server.seen().pop().unwrap();
            let token = seen.header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
            let claims = claims(token);
            assert_eq!((&claims["sub"], &claims["aud"]), (&json!("me"), &json!("you")));
            let (issued_at, expires_at) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
            assert_eq!(expires_at - issued_at, 300);
            assert!((issued_at - Clock::system().now().seconds()).abs() < 60);
            assert_eq!(claims.as_object().unwrap().len(), 4);
            // The same claims under the same key give the same token (HS256 has no randomness).
            assert_eq!(token, gatewright_jose::sign_hs256(key.as_bytes(), "JWT", &claims));
        }
    }

    fn claims(token: &str) -> Value {
        let payload = token.split('.').nth(1).unwrap();
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn only_the_status_counts() {
        for status in [200, 201, 202, 204, 299] {
            let server = TestServer::start(Answer::Status(status, String::new())).await;
            assert!(send(&messenger(""), &connection(options(&server.url("/")))).await.is_ok(), "{status}");
        }
        use DeliveryErrorKind::*;
        let refusals = [
            (302, Misconfigured, "Unexpected response while calling the SMS gateway: 302"),
            (400, Permanent, "Unexpected response while calling the SMS gateway: 400"),
            (401, Misconfigured, "Authentication failed while calling the SMS gateway: 401"),
            (404, Misconfigured, "Unexpected response while calling the SMS gateway: 404"),
            (429, Temporary, "Unexpected response while calling the SMS gateway: 429"),
            (500, Temporary, "Unexpected response while calling the SMS gateway: 500"),
            (503, Temporary, "Unexpected response while calling the SMS gateway: 503"),
        ];
        for (status, kind, public) in refusals {
            // A gateway may repeat what it was sent.
            let server = TestServer::start(Answer::Status(status, sms().body)).await;
            let error = send(&messenger(""), &connection(options(&server.url("/")))).await.unwrap_err();
            assert_eq!((error.kind, error.public.as_str()), (kind, public));
            assert_silent(&error);
        }
    }

    #[tokio::test]
    async fn says_why_there_was_no_answer() {
        use DeliveryErrorKind::*;
        let silent = TestServer::start(Answer::Silence).await;
        let stalling = TestServer::start(Answer::Stalls).await;
        let endless = TestServer::start(Answer::Endless).await;
        let closed = format!("http://127.0.0.1:{}/", closed_port().await);
        let cases = [
            (silent.url("/"), Temporary, "Timeout while calling the SMS gateway: ESOCKETTIMEDOUT"),
            (stalling.url("/"), Temporary, "Timeout while calling the SMS gateway: ESOCKETTIMEDOUT"),
            (closed, Temporary, "Connection refused while calling the SMS gateway: ECONNREFUSED"),
            (
                endless.url("/"),
                Temporary,
                "Unexpected response while calling the SMS gateway: the response is too large",
            ),
            (
                "http://10.0.0.1/".into(),
                Misconfigured,
                "The address of the SMS gateway is not allowed by this server",
            ),
            ("http://u:hush@example.com/".into(), Misconfigured, "The URL of the SMS gateway is not valid"),
            ("not a url".into(), Misconfigured, "The URL of the SMS gateway is not valid"),
        ];
        for (url, kind, public) in cases {
            let error = send(&messenger(""), &connection(options(&url))).await.unwrap_err();
            assert_eq!((error.kind, error.public.as_str()), (kind, public), "{url}");
            assert_silent(&error);
        }
        let error = send(&messenger(""), &connection(options("http://10.0.0.1/"))).await.unwrap_err();
        assert!(
            error.detail.contains("GATEWRIGHT_OUTBOUND_ALLOW") && error.detail.contains("10.0.0.1:80"),
            "{error}"
        );
    }

    /// A gateway on the operator's own network is refused unless it is listed.
    #[tokio::test]
    async fn keeps_to_the_policy() {
        let server = TestServer::start(Answer::Status(200, String::new())).await;
        let strict = GuardedClient::new(OutboundPolicy::default());
        let messenger = Messenger::live(strict, Clock::system(), MessengerSettings::default());
        let error = send(&messenger, &connection(options(&server.url("/")))).await.unwrap_err();
        assert_eq!(error.kind, DeliveryErrorKind::Misconfigured);
        assert!(server.seen().is_empty());
    }

    /// A failed try leaves nothing behind that would stop the next.
    #[tokio::test]
    async fn the_next_try_works() {
        let messenger = messenger("");
        let broken = TestServer::start(Answer::Raw(Vec::new())).await;
        send(&messenger, &connection(options(&broken.url("/")))).await.unwrap_err();
        let server = TestServer::start(Answer::Status(200, String::new())).await;
        send(&messenger, &connection(options(&server.url("/")))).await.unwrap();
    }
}

mod twilio {
    use super::*;

    fn options() -> Value {
        json!({ "provider": "twilio", "twilio_sid": "AC123", "twilio_token": "hush", "from": "+15005550006" })
    }

    #[tokio::test]
    async fn posts_a_form_with_the_accounts_credentials() {
        let server = TestServer::start(Answer::Status(201, json!({ "sid": "SM1" }).to_string())).await;
        let receipt = send(&messenger(&server.url("/")), &connection(options())).await.unwrap();
        assert_eq!(receipt.provider_message_id.as_deref(), Some("SM1"));
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.line, "POST /2010-04-01/Accounts/AC123/Messages.json HTTP/1.1");
        // base64("AC123:hush")
        assert_eq!(seen.header("authorization"), Some("Basic QUMxMjM6aHVzaA=="));
        assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(seen.body, "To=%2B61400000000&Body=Your+code+is+493817&From=%2B15005550006");
    }

    #[tokio::test]
    async fn prefers_the_messaging_service() {
        let server = TestServer::start(Answer::Status(201, "not json".into())).await;
        let mut options = options();
        options["messaging_service_sid"] = json!("MG9");
        let receipt = send(&messenger(&server.url("")), &connection(options)).await.unwrap();
        assert_eq!(receipt.provider_message_id, None);
        let body = server.seen().pop().unwrap().body;
        assert!(body.ends_with("&MessagingServiceSid=MG9") && !body.contains("From="), "{body}");
    }

    #[tokio::test]
    async fn passes_the_code_of_an_error_on() {
        use DeliveryErrorKind::*;
        let problem =
            |code: u32, message: &str| json!({ "code": code, "message": message, "status": 400 }).to_string();
        let cases = [
            (
                400,
                problem(21211, "The 'To' number is not a valid phone number."),
                Permanent,
                "The 'To' number is not a valid phone number. (Code: 21211)",
            ),
            (
                400,
                problem(21606, "The 'From' number is not yours."),
                Misconfigured,
                "The 'From' number is not yours. (Code: 21606)",
            ),
            (401, problem(20003, "Authenticate"), Misconfigured, "Authenticate (Code: 20003)"),
            (429, problem(20429, "Too Many Requests"), Temporary, "Too Many Requests (Code: 20429)"),
            (400, problem(21610, ""), Permanent, "The message was refused. (Code: 21610)"),
            (
                400,
                problem(30007, &format!("Filtered: {}", sms().body)),
                Permanent,
                "The message was refused. (Code: 30007)",
            ),
            (500, "<html>".into(), Temporary, "Unexpected response while calling Twilio: 500"),
            (
                404,
                json!({ "code": "none" }).to_string(),
                Permanent,
                "Unexpected response while calling Twilio: 404",
            ),
        ];
        for (status, body, kind, public) in cases {
            let server = TestServer::start(Answer::Status(status, body)).await;
            let error = send(&messenger(&server.url("")), &connection(options())).await.unwrap_err();
            assert_eq!((error.kind, error.public.as_str()), (kind, public));
            assert_silent(&error);
        }
        let silent = TestServer::start(Answer::Silence).await;
        let error = send(&messenger(&silent.url("")), &connection(options())).await.unwrap_err();
        assert_eq!(
            (error.kind, error.public.as_str()),
            (Temporary, "Timeout while calling Twilio: ESOCKETTIMEDOUT")
        );
        assert_silent(&error);
    }
}

mod routes {
    use super::*;

    fn route(options: Value) -> Result<SmsRoute, String> {
        SmsRoute::from_options(&connection(options)).map_err(|error| {
            assert_eq!(error.kind, DeliveryErrorKind::Misconfigured);
            assert_silent(&error);
            error.detail
        })
    }

    #[test]
    fn reads_who_delivers() {
        assert_eq!(route(json!({})), Ok(SmsRoute::Capture));
        assert_eq!(route(Value::Null), Ok(SmsRoute::Capture));
        assert_eq!(route(json!({ "provider": "", "from": "Acme", "template": "x" })), Ok(SmsRoute::Capture));
        let twilio = SmsRoute::Twilio(TwilioRoute {
            account_sid: "AC1".into(),
            auth_token: gatewright_core::ids::Secret::new("hush".into()),
            sender: TwilioSender::From("+1".into()),
        });
        let options =
            json!({ "twilio_sid": "AC1", "twilio_token": "hush", "from": "+1", "messaging_service_sid": "" });
        assert_eq!(route(options), Ok(twilio), "an absent provider is Twilio");
        let gateway = SmsRoute::Gateway(GatewayRoute {
            url: "https://sms.example/".into(),
            from: None,
            authentication: None,
            forward_req_info: false,
        });
        let options = json!({
            "provider": "sms_gateway", "gateway_url": "https://sms.example/", "gateway_authentication": {},
            "twilio_sid": "left behind",
        });
        assert_eq!(route(options), Ok(gateway));
    }

    #[test]
    fn names_the_option_that_is_wrong() {
        let gateway = |authentication: Value| json!({ "provider": "sms_gateway", "gateway_url": "https://x/", "gateway_authentication": authentication });
        let cases = [
            (json!({ "provider": "carrier-pigeon" }), "options.provider is \"carrier-pigeon\""),
            (json!({ "provider": "sms_gateway" }), "options.gateway_url"),
            (json!({ "provider": "sms_gateway", "gateway_url": 7 }), "options.gateway_url"),
            (gateway(json!({ "subject": "me" })), "gateway_authentication.secret"),
            (gateway(json!({ "method": "basic", "secret": "hush" })), "gateway_authentication.method"),
            (gateway(json!({ "secret": "hush!", "secret_base64_encoded": true })), "is not base64"),
            (gateway(json!("hush")), "gateway_authentication.secret"),
            (json!({ "provider": "twilio" }), "options.twilio_sid"),
            (json!({ "twilio_sid": "AC1" }), "options.twilio_token"),
            (json!({ "twilio_sid": "AC1", "twilio_token": "hush" }), "options.messaging_service_sid"),
            (json!({ "twilio_sid": "../AC1", "twilio_token": "hush", "from": "+1" }), "options.twilio_sid"),
        ];
        for (options, expected) in cases {
            let detail = route(options.clone()).unwrap_err();
            assert!(detail.contains(expected), "{options}: {detail}");
        }
    }

    #[test]
    fn prints_no_secrets() {
        let options = json!({
            "provider": "sms_gateway", "gateway_url": "https://x/",
            "gateway_authentication": { "secret": "hush" },
        });
        assert!(!format!("{:?}", route(options)).contains("104, 117"), "the bytes of \"hush\"");
        assert!(!format!("{:?}", sms()).contains(CODE));
    }
}

mod capture {
    use super::*;

    #[derive(Default)]
    struct Mailbox {
        messages: Mutex<Vec<CapturedMessage>>,
        fails: bool,
    }

    impl Capture for Mailbox {
        fn capture(
            &self,
            message: CapturedMessage,
        ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
            Box::pin(async move {
                if self.fails {
                    return Err("the disk is full".into());
                }
                self.messages.lock().unwrap().push(message);
                Ok(())
            })
        }
    }

    #[tokio::test]
    async fn keeps_messages_of_connections_without_a_provider() {
        let mailbox = Arc::new(Mailbox::default());
        let messenger = messenger("").with_capture(mailbox.clone(), CaptureScope::Unconfigured);
        let receipt = send(&messenger, &connection(json!({ "from": "Acme" }))).await.unwrap();
        assert_eq!(receipt.route, "capture");
        let kept = mailbox.messages.lock().unwrap().pop().unwrap();
        assert_eq!(
            kept,
            CapturedMessage {
                tenant: TenantId::new("acme"),
                channel: "sms",
                to: "+61400000000".into(),
                from: Some("Acme".into()),
                body: "Your code is 493817".into(),
                connection: Some("sms".into()),
                subject: None,
                html: None,
            }
        );
        assert!(!format!("{kept:?}").contains(CODE));

        let server = TestServer::start(Answer::Status(200, String::new())).await;
        let options = json!({ "provider": "sms_gateway", "gateway_url": server.url("/") });
        assert_eq!(send(&messenger, &connection(options)).await.unwrap().route, "sms_gateway");
        assert_eq!(server.seen().len(), 1);
        assert!(mailbox.messages.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn can_keep_everything() {
        let mailbox = Arc::new(Mailbox::default());
        let messenger = messenger("").with_capture(mailbox.clone(), CaptureScope::Everything);
        let server = TestServer::start(Answer::Status(200, String::new())).await;
        let options = json!({ "provider": "sms_gateway", "gateway_url": server.url("/") });
        assert_eq!(send(&messenger, &connection(options)).await.unwrap().route, "capture");
        assert!(server.seen().is_empty());
        assert_eq!(mailbox.messages.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn fails_when_nobody_keeps_the_message() {
        let error = send(&messenger(""), &connection(json!({}))).await.unwrap_err();
        assert_eq!(error.kind, DeliveryErrorKind::Misconfigured);
        let full = Arc::new(Mailbox { fails: true, ..Mailbox::default() });
        let messenger = messenger("").with_capture(full, CaptureScope::Everything);
        let error = send(&messenger, &connection(json!({}))).await.unwrap_err();
        assert_eq!(error.kind, DeliveryErrorKind::Temporary);
        assert!(error.detail.contains("the disk is full"));
        assert_silent(&error);
    }
}
