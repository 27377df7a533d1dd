//! OpenID Connect Back-Channel Logout 1.0, and every end of a session that clients are told of.

use gatewright_testkit::{Server, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

use super::checks;
use super::listener::Listener;
use super::op::{ADA, EVE, LOGGED_OUT, Op, Rp, path, type_password};

/// Lets a client be told of some ends of sessions.
async fn listen(op: &Op<'_>, rp: &Rp, initiators: Value) -> Listener {
    let listener = Listener::start().await;
    let logout = json!({
        "backchannel_logout_urls": [listener.url], "backchannel_logout_initiators": initiators,
    });
    op.admin.patch(&format!("/clients/{}", rp.client_id), json!({"oidc_logout": logout})).await;
    listener
}

fn all() -> Value {
    json!({"mode": "all"})
}

async fn wait_for_log(op: &Op<'_>, code: &str, count: usize) -> Vec<Value> {
    for _ in 0..300 {
        let logs = op.admin.get(&format!("/logs?per_page=100&q=type%3A{code}")).await;
        let logs = logs.as_array().unwrap().clone();
        if logs.len() >= count {
            return logs;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("no {count} log entries of type {code}")
}

#[tokio::test]
async fn discovery_says_that_clients_are_told() {
    on_every_database(async |server: Server| {
        let document = Op::prepare(&server).await.discovery().await;
        assert_eq!(document["backchannel_logout_supported"], true);
        assert_eq!(document["backchannel_logout_session_supported"], true);
    })
    .await;
}

#[tokio::test]
async fn a_logout_is_told_to_every_client_that_took_part_before_the_user_goes_on() {
    on_every_database(async |server: Server| {
        let op = Op::prepare(&server).await;
        let mut first =
            listen(&op, &op.rp, json!({"mode": "custom", "selected_initiators": ["rp-logout"]})).await;
        let mut second = listen(&op, &op.other, json!({"mode": "custom", "selected_initiators": []})).await;
        for endpoint in ["/oidc/logout", "/v2/logout"] {
            let browser = op.browser();
            let one = op.log_in(&browser, &op.ask()).await;
            let mut ask = op.ask();
            ask.rp = op.other.clone();
            let two = op.silently(&browser, &ask).await;
            assert_eq!(one.id()["sid"], two.id()["sid"], "one session");
            // A session that is not ended, of the same user elsewhere.
            op.log_in(&op.browser(), &op.ask()).await;

            let answer = match endpoint {
                "/oidc/logout" => {
                    let hint = [("id_token_hint", one.id_text()), ("post_logout_redirect_uri", LOGGED_OUT)];
                    browser.get(&path(endpoint, &hint)).await
                }
                _ => {
                    let back = [("client_id", &*op.rp.client_id), ("returnTo", LOGGED_OUT)];
                    browser.get(&path(endpoint, &back)).await
                }
            };
            assert_eq!(answer.expect(302).header("location"), LOGGED_OUT);
            for (listener, rp) in [(&mut first, &op.rp), (&mut second, &op.other)] {
                let received = listener.already().expect("told before the redirect");
                let token = received.logout_token();
                let (header, claims) = gatewright_jose::parse_unverified(&token).unwrap();
                assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!("RS256")));
                let keys = server.tool().get("/.well-known/jwks.json").await.json();
                checks::signed_by_one_key(&token, &header, &keys);
                let mut names: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
                names.sort_unstable();
                assert_eq!(names, ["aud", "events", "exp", "iat", "iss", "jti", "sid", "sub"], "no nonce");
                assert_eq!(claims["iss"], server.issuer());
                assert_eq!(claims["aud"], rp.client_id);
                assert_eq!(claims["sub"], op.user_id);
                assert_eq!(claims["sid"], one.id()["sid"]);
                assert_eq!(
                    claims["events"],
                    json!({"http://schemas.openid.net/event/backchannel-logout": {}})
                );
                assert!(listener.already().is_none(), "once");
            }
            let mut silent = op.ask().with("prompt", "none");
            silent.state = None;
            let answer = browser.get(&silent.path()).await;
            assert_eq!(checks::error(&silent, &answer), "login_required");
        }
        let told = op.admin.newest_log("slo").await["details"]["backchannel_logout_clients"].clone();
        assert_eq!(told.as_array().unwrap().len(), 2);
        let logs = wait_for_log(&op, "oidc_backchannel_logout_succeeded", 4).await;
        assert!(logs.iter().all(|log| log["details"]["attempt"] == 1 && log["user_id"] == *op.user_id));
    })
    .await;
}

#[tokio::test]
async fn clients_are_told_of_the_ends_that_they_chose() {
    on_every_database(async |server: Server| {
        let op = Op::prepare(&server).await;
        let mut every = listen(&op, &op.rp, all()).await;
        let chosen = json!({"mode": "custom", "selected_initiators": ["rp-logout", "password-changed"]});
        let mut some = listen(&op, &op.other, chosen).await;
        let log_in = async || {
            let browser = op.browser();
            let mut ask = op.ask();
            ask.rp = op.other.clone();
            op.log_in(&browser, &ask).await;
            (op.silently(&browser, &op.ask()).await.id()["sid"].as_str().unwrap().to_owned(), browser)
        };
        op.admin.patch("/tenants/settings", json!({"idle_session_lifetime": 1})).await;
        let user = format!("/users/{}", op.user_id.replace('|', "%7C"));

        let (sid, _browser) = log_in().await;
        op.admin.call(Method::DELETE, &format!("/sessions/{sid}"), None).await.expect(202);
        assert_eq!(every.next_claims().await["sid"], *sid);

        let (sid, _browser) = log_in().await;
        op.admin.call(Method::DELETE, &format!("{user}/sessions"), None).await.expect(202);
        assert_eq!(every.next_claims().await["sid"], *sid);

        let (sid, _browser) = log_in().await;
        server.turn.forward_seconds(2 * 3600);
        assert_eq!(every.next_claims().await["sid"], *sid, "idle for two hours");

        // Somebody else logs in with the same browser.
        let (sid, browser) = log_in().await;
        let page = browser.open(&op.ask().with("prompt", "login").path()).await;
        type_password(&browser, &page, EVE).await.expect(302);
        assert_eq!(every.next_claims().await["sid"], *sid);
        // The user logs in again: nobody is told, until the session that went on ends.
        let (sid, browser) = log_in().await;
        let again = op.ask().with("prompt", "login");
        let page = browser.open(&again.path()).await;
        let newer = op.finish(&again, &type_password(&browser, &page, ADA).await).await.id()["sid"].clone();
        assert_ne!(newer, *sid);
        browser.get("/v2/logout").await.expect(200);
        let mut told = [every.next_claims().await["sid"].clone(), every.next_claims().await["sid"].clone()];
        told.sort_by_key(Value::to_string);
        let mut expected = [json!(sid), newer];
        expected.sort_by_key(Value::to_string);
        assert_eq!(told, expected, "one token for each sid that the client knows");
        assert_eq!(some.next_claims().await["sid"], *sid, "a logout, and nothing before it");

        let (sid, _browser) = log_in().await;
        op.admin.patch(&user, json!({"password": "Correct-horse-battery-3"})).await;
        assert_eq!(every.next_claims().await["sid"], *sid);
        assert_eq!(some.next_claims().await["sid"], *sid);
        op.admin.patch(&user, json!({"password": "Correct-horse-battery-1"})).await;

        let (sid, _browser) = log_in().await;
        op.admin.patch(&user, json!({"phone_number": "+442079460001"})).await;
        assert_eq!(every.next_claims().await["sid"], *sid);
        let (sid, _browser) = log_in().await;
        op.admin.patch(&user, json!({"name": "Ada King"})).await;
        op.admin.call(Method::DELETE, &user, None).await.expect(204);
        assert_eq!(every.next_claims().await["sid"], *sid);

        let logs = wait_for_log(&op, "oidc_backchannel_logout_succeeded", 11).await;
        let mut reasons: Vec<&str> =
            logs.iter().map(|log| log["details"]["initiator"].as_str().unwrap()).collect();
        reasons.sort_unstable();
        let expected = [
            "account-deleted",
            "email-identifier-changed",
            "password-changed",
            "password-changed",
            "rp-logout",
            "rp-logout",
            "rp-logout",
            "session-expired",
            "session-revoked",
            "session-revoked",
            "session-revoked",
        ];
        assert_eq!(reasons, expected);
        assert!(every.already().is_none() && some.already().is_none());
    })
    .await;
}

#[tokio::test]
async fn what_fails_is_tried_again_and_logged_and_given_up_at_last() {
    on_every_database(async |server: Server| {
        let op = Op::prepare(&server).await;
        let mut listener = listen(&op, &op.rp, all()).await;
        listener.answer(503);
        let browser = op.browser();
        let tokens = op.log_in(&browser, &op.ask()).await;
        browser.get("/v2/logout").await.expect(200);
        let mut seen = vec![listener.next_claims().await];
        for pause in [10, 60, 300, 1_800] {
            wait_for_log(&op, "oidc_backchannel_logout_failed", seen.len()).await;
            server.turn.forward_seconds(pause + 1);
            seen.push(listener.next_claims().await);
        }
        let mut ids: Vec<String> = seen.iter().map(|claims| claims["jti"].to_string()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 5, "each attempt has a token of its own");
        assert!(seen.iter().all(|claims| claims["sid"] == tokens.id()["sid"]));
        wait_for_log(&op, "oidc_backchannel_logout_failed", 5).await;
        server.turn.forward_seconds(7_201);
        listener.next().await;
        let logs = wait_for_log(&op, "oidc_backchannel_logout_failed", 6).await;
        assert_eq!(logs[0]["details"]["next_attempt_at"], Value::Null, "given up: {}", logs[0]);
        assert!(logs[1]["details"]["next_attempt_at"].is_string());
        assert_eq!(logs[0]["description"], "The client answered 503.");

        // It works later; 400 says that trying again is no use; an address that is not there.
        let fail = async |listener: &mut Listener, status: u16| {
            listener.answer(status);
            let browser = op.browser();
            op.log_in(&browser, &op.ask()).await;
            browser.get("/v2/logout").await.expect(200);
            listener.next().await;
        };
        fail(&mut listener, 500).await;
        let failed = wait_for_log(&op, "oidc_backchannel_logout_failed", 7).await;
        listener.answer(204);
        server.turn.forward_seconds(11);
        listener.next().await;
        wait_for_log(&op, "oidc_backchannel_logout_succeeded", 1).await;
        assert!(failed[0]["details"]["next_attempt_at"].is_string());
        fail(&mut listener, 400).await;
        let refused = wait_for_log(&op, "oidc_backchannel_logout_failed", 8).await;
        assert_eq!(refused[0]["details"]["next_attempt_at"], Value::Null);
        server.turn.forward_seconds(10_000);
        fail(&mut listener, 200).await;
        assert!(listener.already().is_none());
    })
    .await;
}
