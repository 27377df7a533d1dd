//! Refresh tokens: issue, rotation, leeway, lifetimes, narrowing, revocation, many at once.

use futures_util::future::join_all;
use gatewright_testkit::{Admin, Answer, Page, Server, Start, claims, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

const APP: &str = "http://localhost:4200";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const INVALID: &str = "Unknown or invalid refresh token.";
const OFFLINE: &str = "openid profile offline_access";

/// A login with the code flow; the code is not redeemed yet.
async fn code(server: &Server, page: &Page, scope: &str, audience: Option<&str>) -> String {
    let mut start = Start::seed(server)
        .scope(scope)
        .with("code_challenge", CHALLENGE)
        .with("code_challenge_method", "S256")
        .with("max_age", "9000");
    start.response_type = "code".into();
    start.audience = audience.map(str::to_owned);
    let ticket = start.ticket(server, page).await;
    let answer = page.get(&start.authorize_path(&[("login_ticket", &ticket)])).await;
    answer.expect(302).returned("code").unwrap_or_else(|| panic!("no code: {}", answer.location()))
}

async fn redeem(server: &Server, page: &Page, code: &str) -> Answer {
    let body = json!({"grant_type": "authorization_code", "client_id": server.client_id(), "code": code,
        "code_verifier": VERIFIER, "redirect_uri": "http://localhost:4200/"});
    page.post("/oauth/token", body).await
}

/// A whole login; the answer of the token endpoint.
async fn log_in(server: &Server, page: &Page, scope: &str, audience: Option<&str>) -> Value {
    let code = code(server, page, scope, audience).await;
    redeem(server, page, &code).await.expect(200).json()
}

/// As auth0-spa-js sends it.
async fn refresh(server: &Server, page: &Page, token: &str) -> Answer {
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", server.client_id()),
        ("refresh_token", token),
        ("redirect_uri", "http://localhost:4200/"),
    ];
    page.post_form("/oauth/token", &fields).await
}

#[track_caller]
fn token(tokens: &Value) -> String {
    tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("no refresh token: {tokens}")).to_owned()
}

#[track_caller]
fn invalid(answer: &Answer) {
    assert_eq!(answer.expect(403).error(), ("invalid_grant".into(), INVALID.into()));
}

/// The members given are set, the others keep their defaults.
async fn settings(server: &Server, admin: &Admin, set: Value) {
    let mut all = json!({"rotation_type": "rotating", "expiration_type": "expiring", "leeway": 0,
        "token_lifetime": 2_592_000, "idle_token_lifetime": 1_296_000});
    for (name, value) in set.as_object().expect("members") {
        all[name] = value.clone();
    }
    admin.patch(&format!("/clients/{}", server.client_id()), json!({"refresh_token": all})).await;
}

async fn reason(admin: &Admin, code: &str) -> Value {
    admin.newest_log(code).await["details"]["decision"]["reason"].clone()
}

#[tokio::test]
async fn a_refresh_token_rotates_and_a_replaced_one_ends_its_family() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let first = log_in(&server, &page, OFFLINE, None).await;
        assert_eq!(first["scope"], OFFLINE);
        server.turn.forward_seconds(60);
        let answer = refresh(&server, &page, &token(&first)).await;
        let second = answer.expect(200).json();
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("access-control-allow-origin"), APP);
        assert_eq!((&second["scope"], &second["token_type"]), (&json!(OFFLINE), &json!("Bearer")));
        assert_ne!(token(&second), token(&first));

        // OpenID Connect Core section 12.2.
        let id = |tokens: &Value| claims(tokens["id_token"].as_str().unwrap());
        let (before, after) = (id(&first), id(&second));
        for same in ["iss", "sub", "aud", "auth_time", "sid"] {
            assert!(!before[same].is_null() && before[same] == after[same], "{same}: {before} {after}");
        }
        assert!(after["iat"].as_i64().unwrap() >= before["iat"].as_i64().unwrap() + 60);
        assert_eq!(after.get("nonce"), None);
        let opened =
            page.request(Method::GET, "/userinfo").bearer_auth(second["access_token"].as_str().unwrap());
        assert_eq!(page.send(opened).await.expect(200).json()["sub"], after["sub"]);

        let log = admin.newest_log("sertft").await;
        let told = &log["details"]["decision"]["refresh_token"];
        assert_eq!(told["reason"], "refresh_token_rotated");
        assert_eq!((&told["generation"], &told["newest_generation"]), (&json!(0), &json!(0)));

        let third = refresh(&server, &page, &token(&second)).await.expect(200).json();
        invalid(&refresh(&server, &page, &token(&first)).await);
        let log = admin.newest_log("ferrt").await;
        assert_eq!(log["details"]["decision"]["reason"], "refresh_token_reused");
        assert_eq!(log["details"]["decision"]["refresh_token"]["newest_generation"], 2);
        assert_eq!(log["user_id"], after["sub"]);
        invalid(&refresh(&server, &page, &token(&third)).await);
        assert_eq!(reason(&admin, "fertft").await, "refresh_token_revoked");
        invalid(&refresh(&server, &page, "never issued").await);
        assert_eq!(reason(&admin, "fertft").await, "refresh_token_unknown");
        let missing = page
            .post("/oauth/token", json!({"grant_type": "refresh_token", "client_id": server.client_id()}));
        assert_eq!(missing.await.expect(400).error().1, "Missing required parameter: refresh_token");
    })
    .await;
}

#[tokio::test]
async fn offline_access_needs_the_api_and_the_grant_type() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let none = log_in(&server, &page, "openid", None).await;
        assert_eq!(none.get("refresh_token"), None);

        let scope = "openid offline_access read:orders";
        let refused = log_in(&server, &page, scope, Some(server.audience())).await;
        assert_eq!((refused.get("refresh_token"), &refused["scope"]), (None, &json!("openid read:orders")));
        let apis = admin.get("/resource-servers?per_page=50").await;
        let api = apis.as_array().unwrap().iter().find(|api| api["identifier"] == server.audience()).unwrap();
        let path = format!("/resource-servers/{}", api["id"].as_str().unwrap());
        admin.patch(&path, json!({"allow_offline_access": true})).await;
        let allowed = log_in(&server, &page, scope, Some(server.audience())).await;

        let body = json!({"grant_type": "refresh_token", "client_id": server.client_id(),
            "refresh_token": token(&allowed), "audience": server.management_audience()});
        let again = page.post("/oauth/token", body).await.expect(200).json();
        let access = claims(again["access_token"].as_str().unwrap());
        assert_eq!(access["aud"][0], server.audience(), "the audience of the request is ignored");
        assert_eq!((&access["gty"], &access["scope"]), (&json!("refresh_token"), &json!(scope)));

        let without = json!({"grant_types": ["authorization_code"]});
        let client = format!("/clients/{}", server.client_id());
        let all = admin.get(&client).await["grant_types"].clone();
        admin.patch(&client, without).await;
        assert_eq!(
            refresh(&server, &page, &token(&again)).await.expect(403).error().0,
            "unauthorized_client"
        );
        admin.patch(&client, json!({"grant_types": all})).await;
        refresh(&server, &page, &token(&again)).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn scopes_can_be_narrowed_and_never_widened() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let first = log_in(&server, &page, OFFLINE, None).await;
        let ask = async |token: String, scope: &str| {
            let body = json!({"grant_type": "refresh_token", "client_id": server.client_id(),
                "refresh_token": token, "scope": scope});
            page.post("/oauth/token", body).await.expect(200).json()
        };
        let narrowed = ask(token(&first), "openid").await;
        assert_eq!(narrowed["scope"], "openid");
        let wider = ask(token(&narrowed), "openid email phone").await;
        assert_eq!(wider["scope"], "openid", "what was not granted at first is dropped");
        assert!(claims(wider["id_token"].as_str().unwrap()).get("phone_number").is_none());
        let without = ask(token(&wider), "profile").await;
        assert_eq!((&without["scope"], without.get("id_token")), (&json!("profile"), None));
        let whole = refresh(&server, &page, &token(&without)).await.expect(200).json();
        assert_eq!(whole["scope"], OFFLINE, "narrowing is for one exchange");
    })
    .await;
}

#[tokio::test]
async fn within_the_leeway_the_token_just_replaced_is_good_again() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        settings(&server, &admin, json!({"leeway": 600})).await;
        let first = log_in(&server, &page, OFFLINE, None).await;
        let second = refresh(&server, &page, &token(&first)).await.expect(200).json();
        server.turn.forward_seconds(500);
        let again = refresh(&server, &page, &token(&first)).await.expect(200).json();
        assert_ne!(token(&again), token(&second));
        let told = admin.newest_log("sertft").await["details"]["decision"]["refresh_token"].clone();
        assert_eq!(told["reason"], "refresh_token_within_leeway");
        refresh(&server, &page, &token(&again)).await.expect(200);
        // Now it is the one before last.
        invalid(&refresh(&server, &page, &token(&first)).await);
        assert_eq!(reason(&admin, "ferrt").await, "refresh_token_reused");

        let first = log_in(&server, &page, OFFLINE, None).await;
        let second = refresh(&server, &page, &token(&first)).await.expect(200).json();
        server.turn.forward_seconds(601);
        invalid(&refresh(&server, &page, &token(&first)).await);
        invalid(&refresh(&server, &page, &token(&second)).await);
    })
    .await;
}

#[tokio::test]
async fn idle_and_absolute_lifetimes_end_a_family() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let set = async |set: Value| settings(&server, &server.admin().await, set).await;
        let reason = async || reason(&server.admin().await, "fertft").await;
        set(json!({"token_lifetime": 100_000, "idle_token_lifetime": 40_000})).await;
        let mut tokens = log_in(&server, &page, OFFLINE, None).await;
        for _ in 0..2 {
            server.turn.forward_seconds(39_000);
            tokens = refresh(&server, &page, &token(&tokens)).await.expect(200).json();
        }
        server.turn.forward_seconds(22_001);
        invalid(&refresh(&server, &page, &token(&tokens)).await);
        assert_eq!(reason().await, "refresh_token_expired");

        let tokens = log_in(&server, &page, OFFLINE, None).await;
        server.turn.forward_seconds(40_000);
        invalid(&refresh(&server, &page, &token(&tokens)).await);
        assert_eq!(reason().await, "refresh_token_idle_too_long");
        // The idle lifetime is the setting of today.
        set(json!({"token_lifetime": 100_000, "idle_token_lifetime": 50_000})).await;
        refresh(&server, &page, &token(&tokens)).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn tokens_that_do_not_rotate_stay_and_turning_rotation_on_converts_one() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        settings(&server, &admin, json!({"rotation_type": "non-rotating"})).await;
        let kept = log_in(&server, &page, OFFLINE, None).await;
        let other = log_in(&server, &page, OFFLINE, None).await;
        for _ in 0..2 {
            let answer = refresh(&server, &page, &token(&kept)).await.expect(200).json();
            assert_eq!(answer.get("refresh_token"), None);
        }
        let shared = token(&kept);
        for answer in join_all((0..10).map(|_| refresh(&server, &page, &shared))).await {
            answer.expect(200);
        }
        settings(&server, &admin, json!({})).await;
        let rotated = refresh(&server, &page, &token(&kept)).await.expect(200).json();
        invalid(&refresh(&server, &page, &token(&other)).await);
        assert_eq!(
            admin.newest_log("fertft").await["details"]["decision"]["refresh_token"]["revoked_because"],
            "refresh_token_rotation_changed"
        );
        refresh(&server, &page, &token(&rotated)).await.expect(200);
        invalid(&refresh(&server, &page, &token(&kept)).await);
    })
    .await;
}

#[tokio::test]
async fn of_fifty_exchanges_at_once_one_wins_or_the_leeway_lets_all_through() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let first = token(&log_in(&server, &page, OFFLINE, None).await);
        let answers = join_all((0..50).map(|_| refresh(&server, &page, &first))).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!((won.len(), lost.len()), (1, 49));
        lost.iter().for_each(|answer| invalid(answer));
        // Of two who hold one token, nobody can tell the thief: both are out.
        invalid(&refresh(&server, &page, &token(&won[0].json())).await);

        settings(&server, &admin, json!({"leeway": 60})).await;
        let first = token(&log_in(&server, &page, OFFLINE, None).await);
        let answers = join_all((0..50).map(|_| refresh(&server, &page, &first))).await;
        let mut news: Vec<String> = answers.iter().map(|answer| token(&answer.expect(200).json())).collect();
        refresh(&server, &page, &news[0]).await.expect(200);
        news.sort();
        news.dedup();
        assert_eq!(news.len(), 50, "every answer has a token of its own");
    })
    .await;
}

#[tokio::test]
async fn another_client_cannot_use_it_and_its_try_harms_nobody() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let tokens = log_in(&server, &page, OFFLINE, None).await;
        let other = admin.create("/clients", json!({"name": "Other", "app_type": "native"})).await;
        let body = json!({"grant_type": "refresh_token", "client_id": other["client_id"],
            "refresh_token": token(&tokens)});
        invalid(&server.tool().post("/oauth/token", body).await);
        assert_eq!(reason(&admin, "fertft").await, "refresh_token_of_other_client");
        refresh(&server, &page, &token(&tokens)).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_blocked_user_gets_nothing_and_loses_nothing_a_deleted_one_everything() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let tokens = log_in(&server, &page, OFFLINE, None).await;
        let sub = claims(tokens["id_token"].as_str().unwrap())["sub"].as_str().unwrap().replace('|', "%7C");
        let path = format!("/users/{sub}");
        admin.patch(&path, json!({"blocked": true})).await;
        let refused = refresh(&server, &page, &token(&tokens)).await;
        assert_eq!(refused.expect(401).error(), ("unauthorized".into(), "user is blocked".into()));
        admin.patch(&path, json!({"blocked": false})).await;
        let tokens = refresh(&server, &page, &token(&tokens)).await.expect(200).json();
        admin.call(Method::DELETE, &path, None).await.expect(204);
        invalid(&refresh(&server, &page, &token(&tokens)).await);
    })
    .await;
}

#[tokio::test]
async fn a_code_that_comes_again_takes_back_what_it_gave() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let code = code(&server, &page, OFFLINE, None).await;
        let tokens = redeem(&server, &page, &code).await.expect(200).json();
        let userinfo = async || {
            let request = page.request(Method::GET, "/userinfo");
            page.send(request.bearer_auth(tokens["access_token"].as_str().unwrap())).await
        };
        userinfo().await.expect(200);

        // A client that it was not issued to cannot end anything.
        let other = admin.create("/clients", json!({"name": "Other", "app_type": "native"})).await;
        let body = json!({"grant_type": "authorization_code", "client_id": other["client_id"], "code": code});
        server.tool().post("/oauth/token", body).await.expect(403);
        userinfo().await.expect(200);

        server.turn.forward_seconds(30);
        let again = redeem(&server, &page, &code).await;
        assert_eq!(again.expect(403).error(), ("invalid_grant".into(), "Invalid authorization code".into()));
        userinfo().await.expect(401);
        invalid(&refresh(&server, &page, &token(&tokens)).await);
        let log = admin.newest_log("feacft").await;
        assert_eq!(log["details"]["decision"]["reason"], "code_reused");
        assert_eq!(log["details"]["decision"]["revoked"]["access_tokens"], 1);
    })
    .await;
}

#[tokio::test]
async fn a_client_gives_up_its_own_tokens_and_learns_nothing_of_others() {
    on_every_database(async |server: Server| {
        let (page, admin, tool) = (server.page(APP), server.admin().await, server.tool());
        let give_up = async |client: &str, token: &str| {
            let body = json!({"client_id": client, "token": token, "token_type_hint": "refresh_token"});
            page.post("/oauth/revoke", body).await
        };
        let first = log_in(&server, &page, OFFLINE, None).await;
        let second = refresh(&server, &page, &token(&first)).await.expect(200).json();
        let beside = log_in(&server, &page, OFFLINE, None).await;

        let unknown = give_up(server.client_id(), "never issued").await;
        let other = admin.create("/clients", json!({"name": "Other", "app_type": "native"})).await;
        let others = give_up(other["client_id"].as_str().unwrap(), &token(&second)).await;
        for answer in [&unknown, &others] {
            assert_eq!(answer.expect(200).body, "");
        }
        let second = refresh(&server, &page, &token(&second)).await.expect(200).json();

        // Any token of the family ends all of it, a replaced one too.
        let form = [("client_id", server.client_id()), ("token", &*token(&first))];
        let answer = page.post_form("/oauth/revoke", &form).await;
        assert_eq!(answer.expect(200).header("access-control-allow-origin"), APP);
        invalid(&refresh(&server, &page, &token(&second)).await);
        assert_eq!(
            admin.newest_log("fertft").await["details"]["decision"]["refresh_token"]["revoked_because"],
            "revoked_by_client"
        );
        assert_eq!(reason(&admin, "srrt").await, "revoked_by_client");
        let beside = refresh(&server, &page, &token(&beside)).await.expect(200).json();

        admin.patch("/tenants/settings", json!({"flags": {"revoke_refresh_token_grant": true}})).await;
        let last = log_in(&server, &page, OFFLINE, None).await;
        give_up(server.client_id(), &token(&last)).await.expect(200);
        invalid(&refresh(&server, &page, &token(&beside)).await);

        let missing = tool.post("/oauth/revoke", json!({"client_id": server.client_id()})).await;
        assert_eq!(missing.expect(400).error().1, "Missing required parameter: token");
        let nobody = tool.post("/oauth/revoke", json!({"client_id": "nobody", "token": "x"})).await;
        assert_eq!(nobody.expect(401).error().0, "access_denied");
    })
    .await;
}
