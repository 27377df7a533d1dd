//! SMS gateways that work, fail, and hang: the caller learns, nothing is lost, the next try works.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use gatewright_testkit::{Options, PHONE, Server, Start};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const APP: &str = "http://localhost:4200";

/// A gateway on loopback that answers with a status, or not at all when it is 0.
struct Gateway {
    url: String,
    status: Arc<AtomicU16>,
    received: mpsc::UnboundedReceiver<(String, Value)>,
}

impl Gateway {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/sms", listener.local_addr().unwrap());
        let status = Arc::new(AtomicU16::new(200));
        let (sender, received) = mpsc::unbounded_channel();
        let told = Arc::clone(&status);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (status, sender) = (told.load(Ordering::Relaxed), sender.clone());
                tokio::spawn(async move {
                    let mut text = Vec::new();
                    loop {
                        let mut part = [0; 4096];
                        let read = socket.read(&mut part).await.unwrap_or(0);
                        text.extend_from_slice(&part[..read]);
                        let whole = String::from_utf8_lossy(&text).into_owned();
                        if let Some((head, body)) = whole.split_once("\r\n\r\n")
                            && let Ok(body) = serde_json::from_str::<Value>(body)
                        {
                            let _ = sender.send((head.to_owned(), body));
                            break;
                        }
                        if read == 0 {
                            return;
                        }
                    }
                    if status == 0 {
                        std::future::pending::<()>().await;
                    }
                    let answer =
                        format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    let _ = socket.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { url, status, received }
    }
}

async fn use_gateway(server: &Server, url: &str) {
    let admin = server.admin().await;
    let connection = admin.connection("sms").await;
    let options = json!({
        "name": "sms", "provider": "sms_gateway", "gateway_url": url, "from": "Gatewright",
        "template": "Code for {{ application.name }}: @@password@@", "syntax": "liquid", "forward_req_info": true,
        "gateway_authentication": {"method": "bearer", "subject": "s", "audience": "a", "secret": "0123456789abcdef"},
    });
    let path = format!("/connections/{}", connection["id"].as_str().unwrap());
    admin.patch(&path, json!({"options": options})).await;
}

async fn server() -> Server {
    Server::start(Options { captures: false, ..Options::default() }).await
}

fn code_in(body: &Value) -> String {
    body["body"].as_str().unwrap().rsplit(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_gateway_gets_the_documented_request() {
    let (server, mut gateway) = (server().await, Gateway::start().await);
    use_gateway(&server, &gateway.url).await;
    let (page, start) = (server.page(APP), Start::seed(&server));
    start.send_code(&page).await.expect(200);
    let (head, body) = gateway.received.recv().await.unwrap();
    assert_eq!((&body["recipient"], &body["sender"]), (&json!(PHONE), &json!("Gatewright")));
    assert!(body["body"].as_str().unwrap().starts_with("Code for "), "{body}");
    assert!(body["req"]["ip"].is_string(), "{body}");
    assert!(head.to_lowercase().contains("authorization: bearer ey"), "{head}");
    start.authenticate(&page, &code_in(&body)).await.expect(200);
    assert_eq!(server.admin().await.newest_log("cs").await["details"]["body"]["phone_number"], PHONE);
}

#[tokio::test]
async fn a_failing_gateway_is_told_to_the_caller_and_the_older_code_stays_good() {
    let (server, mut gateway) = (server().await, Gateway::start().await);
    use_gateway(&server, &gateway.url).await;
    let (page, start) = (server.page(APP), Start::seed(&server));
    start.send_code(&page).await.expect(200);
    let sent = code_in(&gateway.received.recv().await.unwrap().1);
    // 0 takes the request and never answers.
    for (status, text) in [(500, "500"), (0, "Timeout"), (401, "401")] {
        gateway.status.store(status, Ordering::Relaxed);
        let refused = start.send_code(&page).await;
        let (error, description) = refused.expect(400).error();
        assert_eq!(error, "sms_provider_error");
        assert!(description.contains(text), "{description}");
    }
    let notice = server.admin().await.newest_log("fn").await;
    assert!(notice["details"]["error"]["message"].as_str().unwrap().contains("401"), "{notice:#}");
    start.authenticate(&page, &sent).await.expect(200);

    gateway.status.store(200, Ordering::Relaxed);
    while gateway.received.try_recv().is_ok() {}
    start.send_code(&page).await.expect(200);
    let next = code_in(&gateway.received.recv().await.unwrap().1);
    start.authenticate(&page, &next).await.expect(200);
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_told_to_the_caller() {
    let server = server().await;
    use_gateway(&server, "http://127.0.0.1:1/sms").await;
    let answer = Start::seed(&server).send_code(&server.page(APP)).await;
    assert_eq!(answer.expect(400).error().0, "sms_provider_error");
}
