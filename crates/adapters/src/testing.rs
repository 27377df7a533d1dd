//! A loopback HTTP server for this crate's tests: it records requests and answers with raw bytes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::addresses::OutboundPolicy;
use crate::guarded::GuardedClient;

/// What the server does with each request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Status and body.
    Status(u16, String),
    /// Bytes as they are; the connection closes afterwards.
    Raw(Vec<u8>),
    /// A head that promises more than comes, then silence.
    Stalls,
    /// Nothing at all.
    Silence,
    /// A body without end.
    Endless,
}

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl TestServer {
    pub(crate) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone(), Arc::clone(&log)));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(mut stream: tokio::net::TcpStream, answer: Answer, log: Arc<Mutex<Vec<Seen>>>) {
    let Some(seen) = read(&mut stream).await else { return };
    log.lock().unwrap().push(seen);
    let pause = || tokio::time::sleep(Duration::from_secs(60));
    match answer {
        Answer::Status(status, body) => {
            let head = format!(
                "HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
        Answer::Raw(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Answer::Stalls => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this").await;
            pause().await;
        }
        Answer::Silence => pause().await,
        Answer::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
        }
    }
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut tokio::net::TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
            let line = head.lines().next()?.to_owned();
            let mut seen = Seen { line, head, body: String::new() };
            let length: usize = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                seen.body = String::from_utf8(bytes[end + 4..end + 4 + length].to_vec()).ok()?;
                return Some(seen);
            }
        }
        let read = stream.read(&mut chunk).await.ok()?;
        if read == 0 {
            return None;
        }
        bytes.extend_from_slice(&chunk[..read]);
    }
}

/// A client that may call the loopback interface and nothing else that is not public.
pub(crate) fn loopback_client() -> GuardedClient {
    GuardedClient::new(OutboundPolicy { allow_loopback: true, allow: Vec::new() })
}

/// A port on which nobody listens: bound, then let go.
pub(crate) async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}
