//! Sessions across clients, how long they live, and what administrators see and end of them.

use gatewright_testkit::{Form, Page, Server, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

use crate::oidc::checks::{self, Tokens};
use crate::oidc::op::{ADA, Op, type_password};

fn encoded(user_id: &str) -> String {
    user_id.replace('|', "%7C")
}

/// Logs in with a refresh token.
async fn log_in_offline(op: &Op<'_>, browser: &Page) -> Tokens {
    op.log_in(browser, &op.ask().scope("openid offline_access")).await
}

/// Lets the dev tenant's API have refresh tokens.
async fn allow_offline_access(op: &Op<'_>) {
    let apis = op.admin.get("/resource-servers?per_page=50").await;
    let audience = op.server.audience();
    let api = apis.as_array().unwrap().iter().find(|api| api["identifier"] == audience).expect("the API");
    let path = format!("/resource-servers/{}", api["id"].as_str().unwrap());
    op.admin.patch(&path, json!({"allow_offline_access": true})).await;
}

async fn refreshes(op: &Op<'_>, tokens: &Tokens) -> bool {
    let refresh_token = tokens.refresh_token.as_deref().expect("a refresh token");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    let answer = op.token(&op.rp, &fields).await;
    if answer.status != 200 {
        assert_eq!(answer.expect(403).error().0, "invalid_grant");
    }
    answer.status == 200
}

/// Whether the browser goes on without a page, also at the other client.
async fn is_logged_in(op: &Op<'_>, browser: &Page) -> bool {
    let mut answers = Vec::new();
    for rp in [&op.rp, &op.other] {
        let mut ask = op.ask().with("prompt", "none");
        ask.rp = rp.clone();
        let answer = browser.get(&ask.path()).await;
        let error = answer.returned("error");
        if error.is_some() {
            assert_eq!(checks::error(&ask, &answer), "login_required");
        }
        answers.push(error.is_none());
    }
    assert_eq!(answers[0], answers[1], "one session for all clients");
    answers[0]
}

#[tokio::test]
async fn an_administrator_sees_a_session_and_deletes_it() {
    on_every_database(async |server: Server| {
        let op = Op::prepare(&server).await;
        let browser = op.browser();
        let tokens = log_in_offline(&op, &browser).await;
        server.turn.forward_seconds(60);
        assert!(is_logged_in(&op, &browser).await);
        let sid = tokens.id()["sid"].as_str().unwrap();
        let path = format!("/sessions/{sid}");
        let session = op.admin.get(&path).await;
        let mut names: Vec<&str> = session.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        let expected = [
            "authenticated_at",
            "authentication",
            "clients",
            "cookie",
            "created_at",
            "device",
            "expires_at",
            "id",
            "idle_expires_at",
            "last_interacted_at",
            "updated_at",
            "user_id",
        ];
        assert_eq!(names, expected);
        assert_eq!((&session["id"], &session["user_id"]), (&json!(sid), &json!(op.user_id)));
        assert_eq!(session["authentication"]["methods"][0]["name"], "pwd");
        assert_eq!(session["device"]["initial_ip"], "127.0.0.1");
        assert_eq!(session["cookie"]["mode"], "persistent");
        let mut clients = [op.rp.client_id.clone(), op.other.client_id.clone()];
        clients.sort_unstable();
        let shown: Vec<&Value> =
            session["clients"].as_array().unwrap().iter().map(|client| &client["client_id"]).collect();
        assert_eq!(shown, clients.iter().collect::<Vec<_>>());
        let text = |name: &str| session[name].as_str().unwrap().to_owned();
        assert!(text("authenticated_at") < text("last_interacted_at"));
        assert!(text("last_interacted_at") < text("idle_expires_at"));
        assert!(text("idle_expires_at") < text("expires_at"));

        // Another tenant's administrator finds nothing, and ends nothing.
        let acme = server.admin_of("acme").await;
        acme.call(Method::GET, &path, None).await.expect(404);
        acme.call(Method::DELETE, &path, None).await.expect(202);
        let user = format!("/users/{}", encoded(&op.user_id));
        acme.call(Method::GET, &format!("{user}/sessions"), None).await.expect(404);
        assert!(is_logged_in(&op, &browser).await);

        op.admin.call(Method::DELETE, &path, None).await.expect(202);
        assert!(!is_logged_in(&op, &browser).await);
        op.admin.call(Method::GET, &path, None).await.expect(404);
        op.admin.call(Method::DELETE, &path, None).await.expect(202);
        assert!(refreshes(&op, &tokens).await, "refresh tokens outlive a session that is deleted");
    })
    .await;
}

#[tokio::test]
async fn the_sessions_of_a_user_come_in_pages_and_end_together() {
    on_every_database(async |server: Server| {
        let op = Op::prepare(&server).await;
        let browsers = [op.browser(), op.browser(), op.browser()];
        let mut sids = Vec::new();
        for browser in &browsers {
            sids.push(op.log_in(browser, &op.ask()).await.id()["sid"].as_str().unwrap().to_owned());
        }
        sids.sort_unstable();
        let path = format!("/users/{}/sessions", encoded(&op.user_id));
        let ids = |page: &Value| -> Vec<String> {
            let sessions = page["sessions"].as_array().unwrap();
            sessions.iter().map(|session| session["id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(ids(&op.admin.get(&path).await), sids);
        let first = op.admin.get(&format!("{path}?take=2")).await;
        assert_eq!(ids(&first), sids[..2]);
        let rest = op.admin.get(&format!("{path}?take=2&from={}", first["next"].as_str().unwrap())).await;
        assert_eq!((ids(&rest), rest.get("next")), (sids[2..].to_vec(), None));
        let fields = op.admin.get(&format!("{path}?fields=id&take=1")).await;
        assert_eq!(fields["sessions"], json!([{"id": sids[0]}]));
        op.admin.call(Method::GET, "/users/auth0%7Cnobody/sessions", None).await.expect(404);

        op.admin.call(Method::DELETE, &path, None).await.expect(202);
        for browser in &browsers {
            assert!(!is_logged_in(&op, browser).await);
        }
        assert_eq!(op.admin.get(&path).await, json!({"sessions": []}));
    })
    .await;
}

#[tokio::test]
async fn revoking_a_session_ends_its_refresh_tokens_too() {
    on_every_database(async |server: Server| {
        let op = Op::prepare(&server).await;
        let (browser, elsewhere) = (op.browser(), op.browser());
        let first = log_in_offline(&op, &browser).await;
        let other = log_in_offline(&op, &elsewhere).await;
        // A second login in the same browser is a session of its own, which takes the first one over.
        server.turn.forward_seconds(60);
        let again = op.ask().scope("openid offline_access").with("prompt", "login");
        let second = op.log_in(&browser, &again).await;
        let sid = second.id()["sid"].as_str().unwrap();
        assert!(refreshes(&op, &first).await && refreshes(&op, &second).await);
        op.admin.call(Method::POST, &format!("/sessions/{sid}/revoke"), None).await.expect(202);
        assert!(!is_logged_in(&op, &browser).await);
        assert!(!refreshes(&op, &second).await && !refreshes(&op, &first).await);
        assert!(is_logged_in(&op, &elsewhere).await && refreshes(&op, &other).await);
        op.admin.call(Method::POST, &format!("/sessions/{sid}/revoke"), None).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn an_administrator_sees_refresh_tokens_and_deletes_them() {
    on_every_database(async |server: Server| {
        let op = Op::prepare(&server).await;
        allow_offline_access(&op).await;
        let (browser, elsewhere) = (op.browser(), op.browser());
        let mut ask = op.ask().scope("openid offline_access read:orders");
        ask.extra.push(("audience".to_owned(), server.audience().to_owned()));
        let first = op.log_in(&browser, &ask).await;
        let second = log_in_offline(&op, &elsewhere).await;
        let path = format!("/users/{}/refresh-tokens", encoded(&op.user_id));
        let page = op.admin.get(&path).await;
        let tokens = page["tokens"].as_array().unwrap();
        assert_eq!((tokens.len(), page.get("next")), (2, None));
        let sid = &first.id()["sid"];
        let of_first = tokens.iter().find(|token| token["session_id"] == *sid).expect("by its session");
        assert_eq!(
            (&of_first["user_id"], &of_first["client_id"]),
            (&json!(op.user_id), &json!(op.rp.client_id))
        );
        assert_eq!((&of_first["rotating"], &of_first["expires_at"]), (&json!(false), &Value::Null));
        let server_of = &of_first["resource_servers"][0];
        assert_eq!(server_of["audience"], server.audience());
        assert!(server_of["scopes"].as_str().unwrap().contains("read:orders"), "{server_of}");
        let one = op.admin.get(&format!("{path}?take=1")).await;
        let next = one["next"].as_str().unwrap();
        assert_eq!(op.admin.get(&format!("{path}?take=1&from={next}")).await["tokens"][0], tokens[1]);

        let token = format!("/refresh-tokens/{}", of_first["id"].as_str().unwrap());
        assert_eq!(op.admin.get(&token).await, *of_first);
        let acme = server.admin_of("acme").await;
        acme.call(Method::GET, &token, None).await.expect(404);
        acme.call(Method::DELETE, &token, None).await.expect(202);
        assert!(refreshes(&op, &first).await);
        assert!(op.admin.get(&token).await["last_exchanged_at"].is_string());
        op.admin.call(Method::DELETE, &token, None).await.expect(202);
        op.admin.call(Method::GET, &token, None).await.expect(404);
        assert!(!refreshes(&op, &first).await && refreshes(&op, &second).await);
        op.admin.call(Method::DELETE, &path, None).await.expect(202);
        assert!(!refreshes(&op, &second).await);
        assert_eq!(op.admin.get(&path).await, json!({"tokens": []}));
        assert!(is_logged_in(&op, &browser).await, "sessions go on");
    })
    .await;
}

#[tokio::test]
async fn grants_are_listed_and_taken_back() {
    on_every_database(async |server: Server| {
        let op = Op::prepare(&server).await;
        allow_offline_access(&op).await;
        let mut ask = op.ask().scope("openid offline_access read:orders").with("prompt", "consent");
        ask.extra.push(("audience".to_owned(), server.audience().to_owned()));
        let consented = async |browser: &Page| {
            let page = browser.open(&ask.path()).await;
            let page = if page.body.contains("type=\"password\"") {
                type_password(browser, &page, ADA).await
            } else {
                page
            };
            let answer = Form::of(page.expect(200)).submit(browser, "accept").await;
            op.finish(&ask, &answer).await
        };
        let browser = op.browser();
        let tokens = consented(&browser).await;
        let grants = op.admin.get(&format!("/grants?user_id={}", encoded(&op.user_id))).await;
        let [grant] = &grants.as_array().unwrap()[..] else { panic!("one grant: {grants}") };
        let mut names: Vec<&str> = grant.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["audience", "clientID", "id", "scope", "user_id"]);
        assert_eq!((&grant["clientID"], &grant["user_id"]), (&json!(op.rp.client_id), &json!(op.user_id)));
        assert_eq!(grant["audience"], server.audience());
        assert!(grant["scope"].as_array().unwrap().contains(&json!("read:orders")), "{grant}");
        let total = op.admin.get("/grants?include_totals=true&per_page=10&page=0").await;
        assert_eq!((&total["total"], &total["grants"][0]), (&json!(1), grant));
        assert_eq!(op.admin.get("/grants?client_id=nobody").await, json!([]));
        assert_eq!(server.admin_of("acme").await.get("/grants").await, json!([]));

        let path = format!("/grants/{}", grant["id"].as_str().unwrap());
        server.admin_of("acme").await.call(Method::DELETE, &path, None).await.expect(204);
        assert!(refreshes(&op, &tokens).await);
        op.admin.call(Method::DELETE, &path, None).await.expect(204);
        assert_eq!(op.admin.get("/grants").await, json!([]));
        assert!(!refreshes(&op, &tokens).await, "what was allowed is not any more");

        let tokens = consented(&browser).await;
        op.admin.call(Method::DELETE, "/grants", None).await.expect(400);
        let of_user = format!("/grants?user_id={}", encoded(&op.user_id));
        op.admin.call(Method::DELETE, &of_user, None).await.expect(204);
        assert_eq!(op.admin.get("/grants").await, json!([]));
        assert!(!refreshes(&op, &tokens).await);
    })
    .await;
}

#[tokio::test]
async fn a_session_that_is_not_persistent_ends_with_the_browser_and_earlier() {
    on_every_database(async |server: Server| {
        let op = Op::prepare(&server).await;
        let cookie = async || {
            let browser = op.browser();
            let page = browser.open(&op.ask().path()).await;
            let answer = type_password(&browser, &page, ADA).await;
            let cookies = answer.set_cookies();
            let session = cookies.iter().find(|cookie| cookie.starts_with("gatewright_session=")).copied();
            (session.expect("a session cookie").to_owned(), browser)
        };
        let (persistent, _) = cookie().await;
        assert!(persistent.contains("Max-Age=604800"), "{persistent}");
        let mode = json!({
            "session_cookie": {"mode": "non-persistent"},
            "ephemeral_session_lifetime": 3, "idle_ephemeral_session_lifetime": 2,
        });
        op.admin.patch("/tenants/settings", mode).await;
        let (passing, browser) = cookie().await;
        assert!(!passing.contains("Max-Age") && !passing.contains("Expires"), "{passing}");
        let sessions = op.admin.get(&format!("/users/{}/sessions", encoded(&op.user_id))).await;
        let modes: Vec<&Value> =
            sessions["sessions"].as_array().unwrap().iter().map(|one| &one["cookie"]["mode"]).collect();
        assert!(modes.contains(&&json!("non-persistent")) && modes.contains(&&json!("persistent")));
        server.turn.forward_seconds(100 * 60);
        assert!(is_logged_in(&op, &browser).await, "used within two hours");
        server.turn.forward_seconds(70 * 60);
        assert!(is_logged_in(&op, &browser).await);
        server.turn.forward_seconds(20 * 60);
        assert!(!is_logged_in(&op, &browser).await, "three hours are the end");
        let (_, browser) = cookie().await;
        server.turn.forward_seconds(121 * 60);
        assert!(!is_logged_in(&op, &browser).await, "idle for two hours");
    })
    .await;
}

#[tokio::test]
async fn lowered_limits_count_at_the_next_use_and_raised_ones_for_later_sessions() {
    on_every_database(async |server: Server| {
        let op = Op::prepare(&server).await;
        let log_in = async || {
            let browser = op.browser();
            op.log_in(&browser, &op.ask()).await;
            browser
        };
        let lifetime = async |hours: i64| {
            op.admin.patch("/tenants/settings", json!({"session_lifetime": hours})).await;
        };
        lifetime(4).await;
        let browser = log_in().await;
        lifetime(20).await;
        server.turn.forward_seconds(3 * 3600);
        assert!(is_logged_in(&op, &browser).await);
        server.turn.forward_seconds(2 * 3600);
        assert!(!is_logged_in(&op, &browser).await, "its end was fixed when it began");
        let browser = log_in().await;
        server.turn.forward_seconds(2 * 3600);
        assert!(is_logged_in(&op, &browser).await);
        lifetime(1).await;
        assert!(!is_logged_in(&op, &browser).await);
    })
    .await;
}
