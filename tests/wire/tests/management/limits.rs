//! How often a client may call.

use gatewright_core::limits::RateLimit;
use gatewright_testkit::{Options, Server, on_every_database, with_options};
use reqwest::Method;

#[tokio::test]
async fn a_client_over_its_limit_waits_as_the_headers_say() {
    let limit = Some(RateLimit::new(3, 1, 10));
    with_options(Options { management_rate_limit: limit, ..Options::default() }, async |server: Server| {
        let admin = server.admin().await;
        let call = async || admin.call(Method::GET, "/branding", None).await;
        for left in ["2", "1", "0"] {
            let answer = call().await;
            answer.expect(200);
            assert_eq!(answer.header("x-ratelimit-limit"), "3");
            assert_eq!(answer.header("x-ratelimit-remaining"), left);
        }
        let refused = call().await;
        assert_eq!(refused.expect(429).json()["errorCode"], "too_many_requests");
        assert_eq!(refused.json()["message"], "Global limit has been reached");
        let wait: i64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=10).contains(&wait), "{wait}");
        assert_eq!(refused.header("x-ratelimit-remaining"), "0");
        let reset: i64 = refused.header("x-ratelimit-reset").parse().unwrap();

        // Refusals of other kinds count, and say so too.
        server.turn.forward_seconds(wait);
        let missing = admin.call(Method::GET, "/clients/nobody", None).await;
        assert_eq!(missing.expect(404).header("x-ratelimit-remaining"), "0");
        let later: i64 = call().await.expect(429).header("x-ratelimit-reset").parse().unwrap();
        assert!(later > reset && later - reset <= 20, "never far in the future: {reset}, {later}");

        // Another client has a bucket of its own, and so has the next tenant.
        let other = server.admin_of("acme").await;
        other.call(Method::GET, "/branding", None).await.expect(200);
        server.turn.forward_seconds(60);
        let log = admin.newest_log("api_limit").await;
        assert_eq!(log["client_name"], "Bootstrap admin");
    })
    .await;
}

#[tokio::test]
async fn dev_has_no_limit() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        for _ in 0..60 {
            let answer = admin.call(Method::GET, "/branding", None).await;
            answer.expect(200);
            assert!(!answer.headers.contains_key("x-ratelimit-limit"));
        }
    })
    .await;
}
