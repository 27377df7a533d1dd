use super::*;
use crate::addresses::AllowEntry;
use crate::testing::{Answer, TestServer, closed_port, loopback_client};

fn get(url: impl Into<String>) -> OutboundRequest {
    let mut request = OutboundRequest::new(Method::GET, url);
    request.timeout = Duration::from_millis(500);
    request.max_response_bytes = 1000;
    request
}

fn client(allow: &str) -> GuardedClient {
    GuardedClient::new(OutboundPolicy {
        allow_loopback: false,
        allow: AllowEntry::parse_list(allow).unwrap(),
    })
}

#[tokio::test]
async fn brings_back_status_headers_and_body() {
    let server = TestServer::start(Answer::Raw(
        b"HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 5\r\nconnection: close\r\n\r\nlater"
            .to_vec(),
    ))
    .await;
    let mut request = OutboundRequest::new(Method::POST, server.url("/path?q=1"));
    request.headers.insert("x-test", "yes".parse().unwrap());
    request.body = b"hello".to_vec();
    let response = loopback_client().send(request).await.unwrap();
    assert_eq!((response.status, response.body.as_slice()), (503, b"later".as_slice()));
    assert_eq!(response.headers["retry-after"], "7");

    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.line, "POST /path?q=1 HTTP/1.1");
    assert_eq!((seen.header("x-test"), seen.body.as_str()), (Some("yes"), "hello"));
    assert!(seen.header("user-agent").unwrap().starts_with("gatewright/"));
    assert_eq!(seen.header("accept-encoding"), None, "a packed answer could grow without bound");
}

/// Every spelling of an address that the URL standard knows, and names that lead to one.
#[tokio::test]
async fn refuses_addresses_that_are_not_public() {
    let server = TestServer::start(Answer::Status(200, String::new())).await;
    let port = server.address.port();
    let hosts = [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "017700000001",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "0.0.0.0",
        "0",
        "[::]",
        "10.0.0.1",
        "192.168.0.1",
        "172.16.0.1",
        "169.254.169.254",
        "2852039166",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[fe80::1]",
        "[fd00::1]",
        "[ff02::1]",
        "localhost",
        "LOCALHOST",
    ];
    for host in hosts {
        let error = client("").send(get(format!("http://{host}:{port}/"))).await.unwrap_err();
        assert!(matches!(error, OutboundError::Refused { .. }), "{host}: {error:?}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_refusal_names_the_address_and_the_setting() {
    let error = client("").send(get("http://localhost:4200/x?token=secret")).await.unwrap_err().to_string();
    for part in ["localhost:4200", "a loopback address", "outbound.allow", "GATEWRIGHT_OUTBOUND_ALLOW"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(!error.contains("secret"), "{error}");
}

#[tokio::test]
async fn exceptions_hold_for_their_port_only() {
    let server = TestServer::start(Answer::Status(204, String::new())).await;
    let other = TestServer::start(Answer::Status(204, String::new())).await;
    let port = server.address.port();
    for allow in [format!("127.0.0.1:{port}"), format!("localhost:{port}"), "127.0.0.0/8".to_owned()] {
        let client = client(&allow);
        let host = if allow.starts_with("127") { "127.0.0.1" } else { "localhost" };
        let response = client.send(get(format!("http://{host}:{port}/"))).await.unwrap();
        assert_eq!(response.status, 204, "{allow}");
        let elsewhere = client.send(get(format!("http://{host}:{}/", other.address.port()))).await;
        assert_eq!(elsewhere.is_ok(), allow.contains('/'), "{allow}");
    }
    // An address with a port also opens names that lead to that address, on that port.
    let by_address = client(&format!("127.0.0.1:{port}"));
    assert_eq!(by_address.send(get(format!("http://localhost:{port}/"))).await.unwrap().status, 204);
    let error =
        by_address.send(get(format!("http://localhost:{}/", other.address.port()))).await.unwrap_err();
    assert!(matches!(error, OutboundError::Refused { .. }), "{error:?}");
    // A name opens itself only, not the address behind it.
    let by_name = client(&format!("localhost:{port}"));
    let error = by_name.send(get(format!("http://127.0.0.1:{port}/"))).await.unwrap_err();
    assert!(matches!(error, OutboundError::Refused { .. }), "{error:?}");
}

#[test]
fn a_name_keeps_only_its_public_addresses() {
    let answers = |list: &[&str]| -> Vec<SocketAddr> {
        list.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect()
    };
    let policy = OutboundPolicy::default();
    let mixed = answers(&["10.0.0.1", "1.1.1.1", "::1", "2606:4700::1"]);
    let checked = check_answers(&policy, "mixed.example", 80, mixed).unwrap();
    assert_eq!(checked, answers(&["1.1.1.1", "2606:4700::1"]));
    let refused = check_answers(&policy, "bad.example", 80, answers(&["10.0.0.1", "::1"])).unwrap_err();
    assert_eq!(refused.address, IpAddr::from([10, 0, 0, 1]));
    assert!(check_answers(&policy, "none.example", 80, Vec::new()).unwrap().is_empty());
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let private = TestServer::start(Answer::Status(200, "secret".into())).await;
    for status in [301, 302, 303, 307, 308] {
        let location =
            format!("HTTP/1.1 {status} Moved\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", private.url("/"));
        let server = TestServer::start(Answer::Raw(location.into_bytes())).await;
        assert_eq!(loopback_client().send(get(server.url("/"))).await.unwrap().status, status);
    }
    assert!(private.seen().is_empty());
}

#[tokio::test]
async fn refuses_urls_that_are_not_plain_http() {
    let urls = [
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:1",
        "data:,x",
        "/path",
        "",
        "http://",
        "http://user@example.com/",
        "http://user:hunter2@example.com/",
        "http://:hunter2@example.com/",
        "http://example.com:99999/",
        "http://exa mple.com/",
        "http://[::1/",
    ];
    for url in urls {
        let error = loopback_client().send(get(url)).await.unwrap_err();
        assert!(matches!(error, OutboundError::InvalidUrl(_)), "{url}: {error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn waits_no_longer_than_told() {
    for answer in [Answer::Silence, Answer::Stalls] {
        let server = TestServer::start(answer).await;
        let error = loopback_client().send(get(server.url("/"))).await.unwrap_err();
        assert!(matches!(error, OutboundError::Timeout { seconds: 0.5, .. }), "{error:?}");
        assert_eq!(server.seen().len(), 1, "a request is sent once");
    }
}

#[tokio::test]
async fn reads_no_more_than_told() {
    let sizes = [(1000, true), (1001, false)];
    for (size, fits) in sizes {
        let server = TestServer::start(Answer::Status(200, "x".repeat(size))).await;
        let result = loopback_client().send(get(server.url("/"))).await;
        assert_eq!(result.is_ok(), fits, "{size}");
    }
    let endless = TestServer::start(Answer::Endless).await;
    let error = loopback_client().send(get(endless.url("/"))).await.unwrap_err();
    assert!(matches!(error, OutboundError::TooLarge { limit: 1000, .. }), "{error:?}");
    let huge = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n".to_vec();
    let server = TestServer::start(Answer::Raw(huge)).await;
    assert!(loopback_client().send(get(server.url("/"))).await.is_err());
}

#[tokio::test]
async fn tells_failures_apart() {
    let refused = loopback_client().send(get(format!("http://127.0.0.1:{}/", closed_port().await))).await;
    assert!(matches!(refused, Err(OutboundError::ConnectionRefused { .. })), "{refused:?}");

    let unknown = loopback_client().send(get("http://no-such-name.invalid/")).await;
    assert!(
        matches!(unknown, Err(OutboundError::NotResolved { .. } | OutboundError::Timeout { .. })),
        "{unknown:?}"
    );

    let nonsense = TestServer::start(Answer::Raw(b"SSH-2.0-OpenSSH\r\n".to_vec())).await;
    let broken = loopback_client().send(get(nonsense.url("/"))).await;
    assert!(matches!(broken, Err(OutboundError::Broken { .. })), "{broken:?}");

    let plain = TestServer::start(Answer::Status(200, String::new())).await;
    let no_tls = loopback_client().send(get(plain.url("/").replace("http:", "https:"))).await;
    assert!(
        matches!(no_tls, Err(OutboundError::NotConnected { .. } | OutboundError::Timeout { .. })),
        "{no_tls:?}"
    );
}

/// TLS works although nothing installed a provider for the process, and certificates are checked: one
/// that nobody vouches for ends the handshake.
#[tokio::test]
async fn checks_certificates_without_a_process_wide_provider() {
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.map(drop).unwrap_err().to_string()
    });

    let mut request = get(format!("https://localhost:{port}/"));
    request.timeout = Duration::from_secs(20);
    let error = loopback_client().send(request).await.unwrap_err();
    let OutboundError::NotConnected { cause, .. } = &error else { panic!("{error:?}") };
    assert!(cause.to_lowercase().contains("certificate"), "{cause}");
    let alert = server.await.unwrap();
    assert!(alert.to_lowercase().contains("alert"), "{alert}");
}
