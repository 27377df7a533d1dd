//! What users got and how it is taken away: sessions, refresh tokens, blocks; and what is counted of it.

use gatewright_testkit::{Admin, Answer, Page, Server, Start, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

const APP: &str = "http://localhost:4200";
const DATABASE: &str = "Username-Password-Authentication";
const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";
const ANN: &str = "ann@example.com";
const GOOD: &str = "Correct-horse-7";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A login with the code flow, and its refresh token.
async fn log_in(server: &Server, page: &Page) -> String {
    let mut start = Start::seed(server)
        .scope("openid offline_access")
        .with("code_challenge", CHALLENGE)
        .with("code_challenge_method", "S256");
    start.response_type = "code".into();
    start.audience = None;
    let ticket = start.ticket(server, page).await;
    let answer = page.get(&start.authorize_path(&[("login_ticket", &ticket)])).await;
    let code = answer.expect(302).returned("code").expect("a code");
    let body = json!({"grant_type": "authorization_code", "client_id": server.client_id(), "code": code,
        "code_verifier": VERIFIER, "redirect_uri": "http://localhost:4200/"});
    let tokens = page.post("/oauth/token", body).await.expect(200).json();
    tokens["refresh_token"].as_str().expect("a refresh token").to_owned()
}

async fn refresh(server: &Server, page: &Page, token: &str) -> Answer {
    let body =
        json!({"grant_type": "refresh_token", "client_id": server.client_id(), "refresh_token": token});
    page.post("/oauth/token", body).await
}

async fn the_user(admin: &Admin) -> String {
    let users = admin.get("/users?connection=sms").await;
    users[0]["user_id"].as_str().expect("a user").replace('|', "%7C")
}

#[tokio::test]
async fn access_is_revoked_whole_and_in_parts() {
    on_every_database(async |server: Server| {
        let (admin, page) = (server.admin().await, server.page(APP));
        let first = log_in(&server, &page).await;
        let user = the_user(&admin).await;
        let sessions = async || {
            let list = admin.get(&format!("/users/{user}/sessions")).await;
            list["sessions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|session| session["id"].clone())
                .collect::<Vec<_>>()
        };
        let revoke = async |body: Value| {
            admin.call(Method::POST, &format!("/users/{user}/revoke-access"), Some(body)).await.expect(202);
        };
        revoke(json!({"preserve_refresh_tokens": true})).await;
        assert!(sessions().await.is_empty());
        let kept = refresh(&server, &page, &first).await;
        let first = kept.expect(200).json()["refresh_token"].as_str().map_or(first, str::to_owned);

        // Another browser; its session takes its own tokens along, and no others.
        let other = server.page(APP);
        let second = log_in(&server, &other).await;
        let session = sessions().await[0].clone();
        revoke(json!({"session_id": "somebody-elses"})).await;
        assert_eq!(sessions().await.len(), 1);
        revoke(json!({"session_id": session})).await;
        assert!(sessions().await.is_empty());
        refresh(&server, &other, &second).await.expect(403);
        let kept = refresh(&server, &page, &first).await;
        let first = kept.expect(200).json()["refresh_token"].as_str().map_or(first, str::to_owned);

        log_in(&server, &other).await;
        revoke(json!({})).await;
        assert!(sessions().await.is_empty());
        refresh(&server, &page, &first).await.expect(403);
    })
    .await;
}

#[tokio::test]
async fn sessions_and_refresh_tokens_take_notes_and_tokens_are_revoked_together() {
    on_every_database(async |server: Server| {
        let (admin, page) = (server.admin().await, server.page(APP));
        let secret = log_in(&server, &page).await;
        let user = the_user(&admin).await;
        let listed = admin.get(&format!("/users/{user}/sessions")).await;
        let session = format!("/sessions/{}", listed["sessions"][0]["id"].as_str().unwrap());
        let noted = admin.patch(&session, json!({"session_metadata": {"device": "lent"}})).await;
        assert_eq!(noted["session_metadata"], json!({"device": "lent"}));
        assert_eq!(admin.get(&session).await["session_metadata"], json!({"device": "lent"}));
        let cleared = admin.patch(&session, json!({"session_metadata": null})).await;
        assert_eq!(cleared.get("session_metadata"), None);
        admin.call(Method::PATCH, &session, Some(json!({}))).await.expect(400);
        let nobodys =
            admin.call(Method::PATCH, "/sessions/none", Some(json!({"session_metadata": {}}))).await;
        nobodys.expect(404);

        let of_user = format!("/refresh-tokens?user_id={user}");
        let tokens = admin.get(&of_user).await;
        let token = tokens["refresh_tokens"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(tokens["refresh_tokens"].as_array().unwrap().len(), 1);
        assert_eq!(admin.get(&format!("{of_user}&client_id=another")).await["refresh_tokens"], json!([]));
        admin.call(Method::GET, "/refresh-tokens", None).await.expect(400);
        let path = format!("/refresh-tokens/{token}");
        let noted = admin.patch(&path, json!({"refresh_token_metadata": {"reason": "test"}})).await;
        assert_eq!(noted["refresh_token_metadata"], json!({"reason": "test"}));

        let revoke = async |body: Value| admin.call(Method::POST, "/refresh-tokens/revoke", Some(body)).await;
        for refused in
            [json!({}), json!({"ids": [token], "user_id": "x"}), json!({"user_id": "x", "audience": "y"})]
        {
            revoke(refused).await.expect(400);
        }
        revoke(json!({"client_id": "another"})).await.expect(202);
        assert_eq!(admin.get(&of_user).await["refresh_tokens"].as_array().unwrap().len(), 1);
        revoke(json!({"client_id": server.client_id()})).await.expect(202);
        assert_eq!(admin.get(&of_user).await["refresh_tokens"], json!([]));
        refresh(&server, &page, &secret).await.expect(403);
        admin.call(Method::PATCH, &path, Some(json!({"refresh_token_metadata": {}}))).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn a_blocked_account_is_shown_and_unblocked() {
    on_every_database(async |server: Server| {
        let (admin, page) = (server.admin().await, server.page(APP));
        let new = json!({"connection": DATABASE, "email": ANN, "password": GOOD});
        let user = admin.create("/users", new).await["user_id"].as_str().unwrap().replace('|', "%7C");
        let protection = "/attack-protection/brute-force-protection";
        admin.patch(protection, json!({"enabled": true, "shields": ["block"], "max_attempts": 2})).await;
        let log_in = async |password: &str| {
            let body = json!({"client_id": server.client_id(), "username": ANN, "password": password,
                "realm": DATABASE, "credential_type": REALM});
            page.post("/co/authenticate", body).await.status
        };
        let by_identifier = format!("/user-blocks?identifier={ANN}");
        for path in [by_identifier.clone(), format!("/user-blocks/{user}")] {
            assert_eq!(admin.get(&path).await, json!({"blocked_for": []}));
            for _ in 0..2 {
                assert_eq!(log_in("Wrong-horse-7").await, 403);
            }
            assert_eq!(log_in(GOOD).await, 429);
            for shown in [&by_identifier, &format!("/user-blocks/{user}")] {
                let block = admin.get(shown).await["blocked_for"][0].clone();
                assert_eq!((&block["identifier"], &block["connection"]), (&json!(ANN), &json!(DATABASE)));
                assert!(block["ip"].is_string(), "{block}");
            }
            admin.call(Method::DELETE, &path, None).await.expect(204);
            assert_eq!(admin.get(&path).await, json!({"blocked_for": []}));
            assert_eq!(log_in(GOOD).await, 200);
        }
        admin.call(Method::GET, "/user-blocks", None).await.expect(400);
        admin.call(Method::GET, "/user-blocks/auth0%7Cnobody", None).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn a_blocked_address_is_shown_and_unblocked() {
    on_every_database(async |server: Server| {
        let (admin, page) = (server.admin().await, server.page(APP));
        let stage = json!({"pre-login": {"max_attempts": 1, "rate": 3_600_000},
            "pre-user-registration": {"max_attempts": 50, "rate": 1200}});
        let change = json!({"enabled": true, "shields": ["block"], "allowlist": [], "stage": stage});
        admin.patch("/attack-protection/suspicious-ip-throttling", change).await;
        let path = "/anomaly/blocks/ips/127.0.0.1";
        admin.call(Method::GET, path, None).await.expect(404);
        let body = json!({"client_id": server.client_id(), "username": ANN, "password": "Wrong-horse-7",
            "realm": DATABASE, "credential_type": REALM});
        page.post("/co/authenticate", body.clone()).await.expect(403);
        page.post("/co/authenticate", body.clone()).await.expect(429);
        admin.call(Method::GET, path, None).await.expect(200);
        admin.call(Method::GET, "/anomaly/blocks/ips/127.0.0.2", None).await.expect(404);
        admin.call(Method::DELETE, path, None).await.expect(204);
        admin.call(Method::GET, path, None).await.expect(404);
        page.post("/co/authenticate", body).await.expect(403);
        admin.call(Method::GET, "/anomaly/blocks/ips/nonsense", None).await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn logins_and_sign_ups_are_counted() {
    on_every_database(async |server: Server| {
        let (admin, page) = (server.admin().await, server.page(APP));
        assert_eq!(admin.get("/stats/active-users").await, 0);
        log_in(&server, &page).await;
        let form =
            json!({"client_id": server.client_id(), "connection": DATABASE, "email": ANN, "password": GOOD});
        page.post("/dbconnections/signup", form).await.expect(200);
        assert_eq!(admin.get("/stats/active-users").await, 1);
        let days = admin.get("/stats/daily").await;
        let days = days.as_array().unwrap();
        assert_eq!(days.len(), 31);
        let today = &days[30];
        let logged = admin.get("/logs?q=type:s&include_totals=true").await["total"].clone();
        assert_eq!((&today["logins"], &today["signups"]), (&logged, &json!(2)), "by phone and by form");
        assert!(logged.as_i64().unwrap() > 0);
        assert_eq!(days[0]["logins"], 0);
        let day = today["date"].as_str().unwrap()[..10].replace('-', "");
        let one = admin.get(&format!("/stats/daily?from={day}&to={day}")).await;
        assert_eq!(one, json!([today]));
        for refused in ["from=yesterday", "from=20240101&to=20231231", "from=20100101", "from=20241301"] {
            admin.call(Method::GET, &format!("/stats/daily?{refused}"), None).await.expect(400);
        }
    })
    .await;
}

#[tokio::test]
async fn a_user_has_no_second_factor_yet() {
    on_every_database(async |server: Server| {
        let (admin, page) = (server.admin().await, server.page(APP));
        let tokens = Start::seed(&server).scope("openid read:current_user").log_in(&server, &page).await;
        let user = the_user(&admin).await;
        assert_eq!(admin.get(&format!("/users/{user}/enrollments")).await, json!([]));
        let path = format!("/api/v2/users/{user}/enrollments");
        let own = page.send(page.request(Method::GET, &path).bearer_auth(tokens.access_token())).await;
        assert_eq!(own.expect(200).json(), json!([]));
        let methods = admin.get(&format!("/users/{user}/authentication-methods?include_totals=true")).await;
        assert_eq!((&methods["total"], &methods["authenticators"]), (&json!(0), &json!([])));
        for (method, path) in [
            (Method::DELETE, "authentication-methods"),
            (Method::DELETE, "authenticators"),
            (Method::DELETE, "multifactor/duo"),
            (Method::POST, "multifactor/actions/invalidate-remember-browser"),
        ] {
            admin.call(method.clone(), &format!("/users/{user}/{path}"), None).await.expect(204);
            admin.call(method, &format!("/users/auth0%7Cnobody/{path}"), None).await.expect(404);
        }
        admin.call(Method::DELETE, &format!("/users/{user}/multifactor/made-up"), None).await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn connections_of_a_client_and_a_user_of_a_connection() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let path = format!("/clients/{}/connections", server.client_id());
        let all = admin.get(&path).await["connections"].clone();
        let names: Vec<&str> =
            all.as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
        assert!(names.contains(&"sms") && names.contains(&DATABASE), "{names:?}");
        assert!(all.as_array().unwrap().iter().all(|one| one.get("options").is_none()));
        let sms = admin.get(&format!("{path}?strategy=sms&take=1")).await;
        assert_eq!((&sms["connections"][0]["name"], sms.get("next")), (&json!("sms"), None));
        let first = admin.get(&format!("{path}?take=1")).await;
        let rest = admin.get(&format!("{path}?from={}", first["next"].as_str().unwrap())).await;
        assert_eq!(rest["connections"].as_array().unwrap().len(), names.len() - 1);
        admin.call(Method::GET, "/clients/none/connections", None).await.expect(404);

        let database = admin.connection(DATABASE).await["id"].as_str().unwrap().to_owned();
        let new = json!({"connection": DATABASE, "email": ANN, "password": GOOD});
        let user = admin.create("/users", new).await["user_id"].as_str().unwrap().replace('|', "%7C");
        let delete = async |connection: &str, email: &str| {
            let path = format!("/connections/{connection}/users?email={email}");
            admin.call(Method::DELETE, &path, None).await
        };
        delete(&database, "bob@example.com").await.expect(204);
        admin.get(&format!("/users/{user}")).await;
        delete(&database, "Ann@Example.com").await.expect(204);
        admin.call(Method::GET, &format!("/users/{user}"), None).await.expect(404);
        delete("con_none", ANN).await.expect(404);
        let sms = admin.connection("sms").await["id"].as_str().unwrap().to_owned();
        delete(&sms, ANN).await.expect(400);
    })
    .await;
}
