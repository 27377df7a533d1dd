//! Brute-force protection and suspicious IP throttling, as the tenant's settings steer them.

use futures_util::future::join_all;
use gatewright_testkit::{Answer, Page, Server, Start, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

const APP: &str = "http://localhost:4200";
const DATABASE: &str = "Username-Password-Authentication";
const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";
const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
const GOOD: &str = "Correct-horse-7";
const BRUTE_FORCE: &str = "/attack-protection/brute-force-protection";
const SUSPICIOUS_IP: &str = "/attack-protection/suspicious-ip-throttling";

async fn sign_up(server: &Server, page: &Page, email: &str) -> Answer {
    let form =
        json!({"client_id": server.client_id(), "connection": DATABASE, "email": email, "password": GOOD});
    page.post("/dbconnections/signup", form).await
}

async fn log_in(server: &Server, page: &Page, username: &str, password: &str) -> Answer {
    let body = json!({"client_id": server.client_id(), "username": username, "password": password,
        "realm": DATABASE, "credential_type": REALM});
    page.post("/co/authenticate", body).await
}

async fn set(server: &Server, path: &str, change: Value) {
    server.admin().await.patch(path, change).await;
}

async fn fail(server: &Server, page: &Page, username: &str, times: usize) {
    for _ in 0..times {
        let answer = log_in(server, page, username, "Wrong-horse-7").await;
        assert_eq!(answer.expect(403).error().0, "access_denied");
    }
}

async fn blocked(server: &Server, page: &Page, username: &str, reason: &str) {
    let answer = log_in(server, page, username, GOOD).await;
    assert_eq!(answer.expect(429).error().0, "too_many_attempts");
    let (code, admin) =
        (if reason == "account_blocked" { "limit_wc" } else { "limit_mu" }, server.admin().await);
    let event = admin.newest_log(code).await;
    assert_eq!(
        (&event["details"]["decision"]["reason"], &event["user_name"]),
        (&json!(reason), &json!(username))
    );
}

#[tokio::test]
async fn an_account_is_blocked_after_ten_failures_in_a_row() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        for email in [ANN, BOB] {
            sign_up(&server, &page, email).await.expect(200);
        }
        // A success begins the count anew.
        fail(&server, &page, ANN, 9).await;
        log_in(&server, &page, ANN, GOOD).await.expect(200);
        server.turn.forward_seconds(120);
        fail(&server, &page, ANN, 10).await;
        blocked(&server, &page, ANN, "account_blocked").await;
        // No hash is made for who is blocked, and others are not.
        let before = server.passwords_hashed();
        log_in(&server, &page, " ANN@example.com", GOOD).await.expect(429);
        assert_eq!(server.passwords_hashed(), before);
        log_in(&server, &page, BOB, GOOD).await.expect(200);
        // Somebody who does not exist is blocked in the same words.
        fail(&server, &page, "nobody@example.com", 10).await;
        let nobody = log_in(&server, &page, "nobody@example.com", GOOD).await;
        assert_eq!(nobody.body, log_in(&server, &page, ANN, GOOD).await.body);
        // The hosted page says so too.
        let mut start = Start::seed(&server).scope("openid");
        start.audience = None;
        let browser = server.tool();
        let form = gatewright_testkit::Form::of(&browser.open(&start.authorize_path(&[])).await);
        let form = form.with("username", ANN).with("password", GOOD);
        let said = form.press(&browser, "default").await;
        assert!(said.body.contains("blocked after too many attempts"), "{}", said.body);

        // It lasts, and is over thirty days after the last failure.
        server.turn.forward_seconds(29 * 86_400);
        log_in(&server, &page, ANN, GOOD).await.expect(429);
        server.turn.forward_seconds(86_401);
        log_in(&server, &page, ANN, GOOD).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_higher_number_or_a_new_password_ends_a_block() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        sign_up(&server, &page, ANN).await.expect(200);
        set(&server, BRUTE_FORCE, json!({"max_attempts": 2})).await;
        fail(&server, &page, ANN, 2).await;
        blocked(&server, &page, ANN, "account_blocked").await;
        set(&server, BRUTE_FORCE, json!({"max_attempts": 3})).await;
        fail(&server, &page, ANN, 1).await;
        blocked(&server, &page, ANN, "account_blocked").await;
        let admin = server.admin().await;
        let users = admin.get(&format!("/users-by-email?email={ANN}")).await;
        let path = format!("/users/{}", users[0]["user_id"].as_str().unwrap().replace('|', "%7C"));
        admin.patch(&path, json!({"password": "Another-horse-8", "connection": DATABASE})).await;
        log_in(&server, &page, ANN, "Another-horse-8").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn attempts_at_the_same_time_do_not_slip_through() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        sign_up(&server, &page, ANN).await.expect(200);
        set(&server, BRUTE_FORCE, json!({"max_attempts": 3})).await;
        log_in(&server, &page, ANN, GOOD).await.expect(200);
        let before = server.passwords_hashed();
        let tries = (0..12).map(|_| log_in(&server, &page, ANN, "Wrong-horse-7"));
        let judged = join_all(tries).await.iter().filter(|answer| answer.status == 403).count();
        assert_eq!((judged, server.passwords_hashed() - before), (3, 3));
    })
    .await;
}

#[tokio::test]
async fn what_only_watches_or_excepts_an_address_blocks_nobody() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        sign_up(&server, &page, ANN).await.expect(200);
        set(&server, BRUTE_FORCE, json!({"max_attempts": 2, "shields": []})).await;
        fail(&server, &page, ANN, 3).await;
        let event = server.admin().await.newest_log("limit_wc").await;
        assert_eq!(event["user_name"], ANN);
        set(&server, BRUTE_FORCE, json!({"shields": ["block"], "allowlist": ["127.0.0.0/8", "::1"]})).await;
        fail(&server, &page, ANN, 3).await;
        set(&server, BRUTE_FORCE, json!({"allowlist": [], "enabled": false})).await;
        fail(&server, &page, ANN, 3).await;
        set(&server, BRUTE_FORCE, json!({"enabled": true, "mode": "count_per_identifier"})).await;
        fail(&server, &page, ANN, 2).await;
        blocked(&server, &page, ANN, "account_blocked").await;
        // A connection may opt out.
        let admin = server.admin().await;
        let connection = admin.connection(DATABASE).await;
        let mut options = connection["options"].clone();
        options["brute_force_protection"] = json!(false);
        let path = format!("/connections/{}", connection["id"].as_str().unwrap());
        admin.patch(&path, json!({ "options": options })).await;
        server.turn.forward_seconds(120);
        log_in(&server, &page, ANN, GOOD).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn an_address_whose_logins_fail_is_slowed_down() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        for email in [ANN, BOB] {
            sign_up(&server, &page, email).await.expect(200);
        }
        let stage = json!({"pre-login": {"max_attempts": 3, "rate": 60_000}});
        set(&server, SUSPICIOUS_IP, json!({ "stage": stage })).await;
        // Logins that succeed do not count.
        for _ in 0..5 {
            log_in(&server, &page, BOB, GOOD).await.expect(200);
        }
        for name in ["a@example.com", "b@example.com", "c@example.com"] {
            fail(&server, &page, name, 1).await;
        }
        blocked(&server, &page, ANN, "address_throttled").await;
        server.turn.forward_seconds(60);
        log_in(&server, &page, ANN, GOOD).await.expect(200);
        set(&server, SUSPICIOUS_IP, json!({"shields": ["admin_notification"]})).await;
        fail(&server, &page, "d@example.com", 1).await;
        fail(&server, &page, "e@example.com", 1).await;
        assert_eq!(server.admin().await.newest_log("limit_mu").await["user_name"], "e@example.com");
        // Another tenant has its own counts.
        let other = server.page_at("acme", APP);
        let asked = json!({"client_id": server.client_id_of("acme"), "username": ANN, "password": "x",
            "realm": DATABASE, "credential_type": REALM});
        other.post("/co/authenticate", asked).await.expect(403);
    })
    .await;
}

#[tokio::test]
async fn an_address_may_make_as_many_accounts_as_the_tenant_says() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let stage = json!({"pre-user-registration": {"max_attempts": 2, "rate": 60_000}});
        set(&server, SUSPICIOUS_IP, json!({ "stage": stage })).await;
        for number in 0..2 {
            sign_up(&server, &page, &format!("p{number}@example.com")).await.expect(200);
        }
        assert_eq!(sign_up(&server, &page, ANN).await.expect(429).json()["code"], "too_many_requests");
        assert_eq!(
            server.admin().await.newest_log("limit_mu").await["details"]["decision"]["reason"],
            "too_many_signups"
        );
        server.turn.forward_seconds(60);
        sign_up(&server, &page, ANN).await.expect(200);
        sign_up(&server, &page, BOB).await.expect(429);
        let off = json!({"enabled": false});
        server.admin().await.call(Method::PATCH, SUSPICIOUS_IP, Some(off)).await.expect(200);
        sign_up(&server, &page, BOB).await.expect(200);
    })
    .await;
}
