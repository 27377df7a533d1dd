//! `gatewright dev` as a whole: its listeners, its inbox, its health, its end.

use std::time::Duration;

use gatewright::config::Config;
use gatewright::{DevServer, RunningDev, start_dev};
use gatewright_ambient::{Clock, Random};
use serde_json::Value;
use tokio::time::Instant;

use crate::wire::{Answer, Kept, call};

/// A server in memory on free ports, without TLS.
async fn dev(tenants: &[&str]) -> RunningDev {
    dev_with(Config::dev_defaults(), tenants).await
}

async fn dev_with(mut config: Config, tenants: &[&str]) -> RunningDev {
    config.server.port = None;
    config.server.http_port = Some(0);
    config.ops.port = 0;
    config.dev.ephemeral = true;
    config.dev.tenants = tenants.iter().map(|&name| name.to_owned()).collect();
    let (clock, random) = (Clock::system(), Random::system());
    start_dev(DevServer { config, clock, random, capture: None, workers: None, discreet: false })
        .await
        .unwrap()
}

/// A request to the tenant at `host`.
async fn at(
    dev: &RunningDev,
    host: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let address = dev.server.http_address().unwrap();
    let host = format!("{host}:{}", address.port());
    call(address, &host, method, path, headers, body).await
}

async fn send_code(dev: &RunningDev, tenant: usize, number: &str) {
    let tenant = &dev.screen.tenants[tenant];
    let host = tenant.issuer.split("://").nth(1).unwrap().split(':').next().unwrap();
    let body = format!(
        r#"{{"client_id":"{}","connection":"sms","phone_number":"{number}","send":"code"}}"#,
        tenant.client_id
    );
    let headers = [("content-type", "application/json")];
    let answer = at(dev, host, "POST", "/passwordless/start", &headers, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn messages(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["messages"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_appear_in_the_inbox_of_their_tenant_only() {
    let dev = dev(&["acme"]).await;
    send_code(&dev, 0, "+61400000000").await;
    send_code(&dev, 1, "+61400000001").await;
    let own = messages(&at(&dev, "localhost", "GET", "/dev/inbox.json", &[], "").await);
    assert_eq!(own.len(), 1);
    assert_eq!(own[0]["to"], "+61400000000");
    assert_eq!((&own[0]["channel"], &own[0]["connection"]), (&"sms".into(), &"sms".into()));
    let theirs = messages(&at(&dev, "acme.localhost", "GET", "/dev/inbox.json", &[], "").await);
    assert_eq!(theirs[0]["to"], "+61400000001");
    let unknown = at(&dev, "nobody.localhost", "GET", "/dev/inbox.json", &[], "").await;
    assert_eq!(unknown.status, 421);
    dev.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_ends_as_soon_as_its_message_is_there() {
    let dev = dev(&[]).await;
    send_code(&dev, 0, "+61400000000").await;
    let first = messages(&at(&dev, "localhost", "GET", "/dev/inbox.json?wait=30", &[], "").await);
    let after = first[0]["id"].as_str().unwrap();
    let path = format!("/dev/inbox.json?to=%2B61400000002&after={after}&wait=30");
    let began = Instant::now();
    let (answer, ()) = tokio::join!(at(&dev, "localhost", "GET", &path, &[], ""), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        send_code(&dev, 0, "+61400000001").await;
        send_code(&dev, 0, "+61400000002").await;
    });
    let found = messages(&answer);
    assert_eq!(found.len(), 1, "only the message that was waited for");
    assert_eq!(found[0]["to"], "+61400000002");
    assert!(found[0]["id"].as_str().unwrap().parse::<i64>().unwrap() > after.parse().unwrap());
    assert!(began.elapsed() < Duration::from_secs(15));
    let began = Instant::now();
    let path = "/dev/inbox.json?to=%2B61499999999&wait=1";
    assert!(messages(&at(&dev, "localhost", "GET", path, &[], "").await).is_empty());
    assert!((900..5000).contains(&began.elapsed().as_millis()));
    dev.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inbox_is_emptied_by_its_own_page_only() {
    let dev = dev(&[]).await;
    send_code(&dev, 0, "+61400000000").await;
    let foreign = [("origin", "https://evil.example")];
    for (method, path) in [("DELETE", "/dev/inbox.json"), ("POST", "/dev/inbox")] {
        assert_eq!(at(&dev, "localhost", method, path, &foreign, "").await.status, 403);
    }
    let listed = at(&dev, "localhost", "GET", "/dev/inbox.json", &foreign, "").await;
    assert!(listed.header("access-control-allow-origin").is_none());
    assert_eq!(messages(&listed).len(), 1);
    assert_eq!(at(&dev, "localhost", "DELETE", "/dev/inbox.json", &[], "").await.status, 204);
    assert!(messages(&at(&dev, "localhost", "GET", "/dev/inbox.json", &[], "").await).is_empty());
    let refused = at(&dev, "localhost", "GET", "/dev/inbox.json?after=x", &[], "").await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"], "invalid_request");
    dev.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_the_code_under_a_strict_policy() {
    let dev = dev(&[]).await;
    send_code(&dev, 0, "+61400000000").await;
    let code = messages(&at(&dev, "localhost", "GET", "/dev/inbox.json", &[], "").await)[0]["body"].clone();
    let code: String = code.as_str().unwrap().chars().filter(char::is_ascii_digit).collect();
    let page = at(&dev, "localhost", "GET", "/dev/inbox", &[], "").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains(&format!(">{code}</output>")), "{}", page.body);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'nonce-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let second = at(&dev, "localhost", "GET", "/dev/inbox", &[], "").await;
    assert_ne!(second.header("content-security-policy"), Some(policy), "a nonce is used once");
    dev.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_have_a_listener_of_their_own() {
    let dev = dev(&[]).await;
    let ops = dev.server.addresses.ops;
    at(&dev, "localhost", "GET", "/.well-known/openid-configuration", &[], "").await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(call(ops, "ops", "GET", path, &[], "").await.status, 200, "{path}");
        assert_eq!(at(&dev, "localhost", "GET", path, &[], "").await.status, 404, "{path} is not public");
    }
    let metrics = call(ops, "ops", "GET", "/metrics", &[], "").await;
    let counted = "gatewright_http_requests_total{method=\"GET\",route=\"/.well-known/openid-configuration\"";
    assert!(metrics.body.contains(counted), "{}", metrics.body);
    assert!(!metrics.body.contains("/readyz"), "paths nobody declared make no labels");
    dev.server.app.db.close().await;
    assert_eq!(call(ops, "ops", "GET", "/readyz", &[], "").await.status, 503);
    assert_eq!(call(ops, "ops", "GET", "/healthz", &[], "").await.status, 200);
    dev.server.stop().await;
}

// A tool that was busy for minutes asks on the connection it still knows as open.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_may_be_idle_for_the_configured_time_after_each_request() {
    let mut config = Config::dev_defaults();
    assert_eq!(config.server.idle_seconds, 300);
    config.server.idle_seconds = 3;
    let dev = dev_with(config, &[]).await;
    let address = dev.server.http_address().unwrap();
    let host = format!("localhost:{}", address.port());
    let mut kept = Kept::open(address).await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        assert_eq!(kept.ask(&host, "/.well-known/jwks.json").await.unwrap(), 200);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let idle_since = Instant::now() - Duration::from_secs(1);
    kept.closed().await;
    assert!((2900..20_000).contains(&idle_since.elapsed().as_millis()), "{:?}", idle_since.elapsed());
    dev.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_sends_those_who_wait_home_with_an_answer() {
    let dev = dev(&[]).await;
    let address = dev.server.http_address().unwrap();
    let host = format!("localhost:{}", address.port());
    let waiting =
        tokio::spawn(async move { call(address, &host, "GET", "/dev/inbox.json?wait=60", &[], "").await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    dev.server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(messages(&waiting.await.unwrap()).is_empty());
    assert!(std::net::TcpStream::connect(address).is_err(), "the port is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_data_is_there_at_the_next_start() {
    let folder = std::env::temp_dir().join(format!("gatewright-dev-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let start = |tenants: &'static [&'static str]| {
        let mut config = Config::dev_defaults();
        config.server.port = Some(0);
        config.server.http_port = Some(0);
        config.ops.port = 0;
        config.dev.data_dir = folder.clone();
        config.dev.tenants = tenants.iter().map(|&name| name.to_owned()).collect();
        let (clock, random) = (Clock::system(), Random::system());
        start_dev(DevServer { config, clock, random, capture: None, workers: None, discreet: false })
    };
    let first = start(&["acme"]).await.unwrap();
    send_code(&first, 0, "+61400000000").await;
    let refused = start(&[]).await.err().unwrap().to_string();
    assert!(refused.contains("in use by another process"), "{refused}");
    let clients = |dev: &RunningDev| {
        let tenants = dev.screen.tenants.iter();
        tenants.map(|tenant| (tenant.id.clone(), tenant.client_id.clone())).collect::<Vec<_>>()
    };
    let made = clients(&first);
    first.server.stop().await;
    let second = start(&[]).await.unwrap();
    assert_eq!(clients(&second), made);
    assert_eq!(made.len(), 2);
    assert_eq!(messages(&at(&second, "localhost", "GET", "/dev/inbox.json", &[], "").await).len(), 1);
    second.server.stop().await;
    std::fs::remove_dir_all(&folder).unwrap();
}
