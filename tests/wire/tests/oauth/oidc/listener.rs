//! A client's back-channel endpoint on loopback: keeps what is posted, answers what it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

pub(super) struct Listener {
    pub(super) url: String,
    status: Arc<AtomicU16>,
    received: mpsc::UnboundedReceiver<Received>,
}

/// One request.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) head: String,
    pub(super) body: String,
}

impl Received {
    /// The `logout_token`, the only parameter of the form.
    pub(super) fn logout_token(&self) -> String {
        let head = self.head.to_ascii_lowercase();
        assert!(head.starts_with("post /backchannel http/1.1"), "{head}");
        assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect();
        let [(name, value)] = &pairs[..] else { panic!("one parameter: {pairs:?}") };
        assert_eq!(name, "logout_token");
        value.clone()
    }
}

impl Listener {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/backchannel", listener.local_addr().unwrap());
        let status = Arc::new(AtomicU16::new(200));
        let (sender, received) = mpsc::unbounded_channel();
        let told = Arc::clone(&status);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (status, sender) = (Arc::clone(&told), sender.clone());
                tokio::spawn(async move {
                    let mut text = String::new();
                    let (head, body) = loop {
                        let mut part = [0; 4096];
                        let read = socket.read(&mut part).await.unwrap_or(0);
                        text.push_str(&String::from_utf8_lossy(&part[..read]));
                        if read == 0 {
                            return;
                        }
                        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                        let length = head.lines().find_map(|line| {
                            let (name, value) = line.split_once(':')?;
                            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
                        });
                        if body.len() >= length.unwrap_or(0) {
                            break (head.to_owned(), body.to_owned());
                        }
                    };
                    let status = status.load(Ordering::Relaxed);
                    let _ = sender.send(Received { head, body });
                    let answer =
                        format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    let _ = socket.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { url, status, received }
    }

    pub(super) fn answer(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    /// What came by now, if anything.
    pub(super) fn already(&mut self) -> Option<Received> {
        self.received.try_recv().ok()
    }

    /// The next request; waits up to half a minute for it.
    pub(super) async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(Duration::from_secs(30), self.received.recv()).await;
        next.expect("a request in time").expect("the listener lives")
    }

    /// The claims of the next logout token.
    pub(super) async fn next_claims(&mut self) -> Value {
        gatewright_testkit::claims(&self.next().await.logout_token())
    }
}
