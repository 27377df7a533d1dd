//! The passwordless grant: a native or web client exchanges a one-time code itself.

use gatewright_testkit::{
    Admin, Answer, OTP_CREDENTIAL, PHONE, Page, Server, Start, claims, on_every_database,
};
use serde_json::{Value, json};

/// A client of this kind that may send and exchange codes; `(client_id, client_secret)`.
async fn client(admin: &Admin, app_type: &str) -> (String, String) {
    let made = admin
        .create(
            "/clients",
            json!({"name": "Phone app", "app_type": app_type, "oidc_conformant": true,
                "grant_types": [OTP_CREDENTIAL, "refresh_token"]}),
        )
        .await;
    let text = |name: &str| made[name].as_str().expect("text").to_owned();
    for name in ["sms", "email"] {
        let connection = admin.connection(name).await;
        let mut enabled = connection["enabled_clients"].as_array().cloned().unwrap_or_default();
        enabled.push(json!(text("client_id")));
        let path = format!("/connections/{}", connection["id"].as_str().expect("an id"));
        admin.patch(&path, json!({"enabled_clients": enabled})).await;
    }
    (text("client_id"), text("client_secret"))
}

async fn send(server: &Server, tool: &Page, client_id: &str) -> String {
    let mut start = Start::seed(server);
    start.client_id = client_id.to_owned();
    start.send_code(tool).await.expect(200);
    server.mailbox.code_to(PHONE)
}

async fn exchange(tool: &Page, client_id: &str, otp: &str, more: Value) -> Answer {
    let mut body = json!({"grant_type": OTP_CREDENTIAL, "client_id": client_id, "username": "+61 400 000 000",
        "otp": otp, "realm": "sms", "scope": "openid profile offline_access"});
    for (name, value) in more.as_object().expect("members") {
        body[name] = value.clone();
    }
    tool.post("/oauth/token", body).await
}

#[tokio::test]
async fn a_native_app_exchanges_a_code_and_refreshes() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        let (id, _) = client(&admin, "native").await;
        let code = send(&server, &tool, &id).await;
        let answer = exchange(&tool, &id, &code, json!({})).await;
        let tokens = answer.expect(200).json();
        assert!(answer.set_cookies().is_empty(), "no browser session begins");
        assert_eq!(tokens["scope"], "openid profile offline_access");
        let id_token = claims(tokens["id_token"].as_str().unwrap());
        assert!(id_token["sub"].as_str().unwrap().starts_with("sms|"));
        assert_eq!((&id_token["name"], id_token.get("sid")), (&json!(PHONE), None));
        let log = admin.newest_log("s").await;
        assert_eq!((&log["client_id"], &log["strategy"]), (&json!(id), &json!("sms")));
        assert_eq!(admin.newest_log("ss").await["user_id"], id_token["sub"]);
        let users = admin.get("/users").await;
        assert_eq!((users.as_array().unwrap().len(), &users[0]["logins_count"]), (1, &json!(1)));

        let again = exchange(&tool, &id, &code, json!({})).await;
        let wrong = ("invalid_grant".to_owned(), "Wrong phone number or verification code.".to_owned());
        assert_eq!(again.expect(403).error(), wrong);
        assert_eq!(admin.newest_log("fepotpft").await["details"]["decision"]["reason"], "code_used");
        let logs = admin.get("/logs?per_page=100").await;
        let failures = logs.as_array().unwrap().iter().filter(|log| log["type"] == "fepotpft").count();
        assert_eq!(failures, 1, "told once");

        let body =
            json!({"grant_type": "refresh_token", "client_id": id, "refresh_token": tokens["refresh_token"]});
        let next = tool.post("/oauth/token", body).await.expect(200).json();
        assert_eq!(next.get("refresh_token"), None, "a native app's tokens do not rotate by default");
        assert_eq!(claims(next["id_token"].as_str().unwrap())["sub"], id_token["sub"]);
    })
    .await;
}

#[tokio::test]
async fn without_scope_the_token_has_every_scope_of_the_api() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        let (id, secret) = client(&admin, "regular_web").await;
        let code = send(&server, &tool, &id).await;
        let api = json!({"audience": server.audience(), "scope": ""});
        let refused = exchange(&tool, &id, &code, api.clone()).await;
        assert_eq!(
            refused.expect(401).error().0,
            "access_denied",
            "a web application has to show its secret"
        );
        let mut with_secret = api;
        with_secret["client_secret"] = json!(secret);
        let tokens = exchange(&tool, &id, &code, with_secret).await.expect(200).json();
        let access = claims(tokens["access_token"].as_str().unwrap());
        assert!(access["scope"].as_str().unwrap().contains("read:orders"), "{access}");
        assert_eq!(access["gty"], OTP_CREDENTIAL);
    })
    .await;
}

#[tokio::test]
async fn refusals_of_the_passwordless_grant_are_named() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        let spa = exchange(&tool, server.client_id(), "123456", json!({})).await;
        assert_eq!(spa.expect(403).error().0, "unauthorized_client");

        let (id, _) = client(&admin, "native").await;
        for (more, status, text) in [
            (json!({"otp": ""}), 400, "Missing required parameter: otp"),
            (json!({"username": ""}), 400, "Missing required parameter: username"),
            (json!({"realm": ""}), 400, "Missing required parameter: realm"),
            (json!({"realm": "nowhere"}), 400, "Unknown realm nowhere."),
            (json!({"username": "nobody"}), 403, "Wrong phone number or verification code."),
        ] {
            let answer = exchange(&tool, &id, "123456", more).await;
            assert_eq!(answer.expect(status).error().1, text);
        }

        let code = send(&server, &tool, &id).await;
        exchange(&tool, &id, &code, json!({})).await.expect(200);
        let user = admin.get("/users").await[0]["user_id"].as_str().unwrap().replace('|', "%7C");
        admin.patch(&format!("/users/{user}"), json!({"blocked": true})).await;
        let code = send(&server, &tool, &id).await;
        let blocked = exchange(&tool, &id, &code, json!({})).await;
        assert_eq!(blocked.expect(401).error(), ("unauthorized".into(), "user is blocked".into()));
        assert_eq!(admin.newest_log("fepotpft").await["details"]["decision"]["reason"], "user_blocked");
    })
    .await;
}

#[tokio::test]
async fn a_code_sent_by_e_mail_is_exchanged_too() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        let (id, _) = client(&admin, "native").await;
        let ann = "ann@example.com";
        let body = json!({"client_id": id, "connection": "email", "email": ann, "send": "code"});
        tool.post("/passwordless/start", body).await.expect(200);
        let by_mail = json!({"username": ann, "realm": "email"});
        let wrong = exchange(&tool, &id, "none", by_mail.clone()).await;
        assert_eq!(wrong.expect(403).error().1, "Wrong email or verification code.");
        let code = server.mailbox.code_to(ann);
        let tokens = exchange(&tool, &id, &code, by_mail).await.expect(200).json();
        assert!(claims(tokens["id_token"].as_str().unwrap())["sub"].as_str().unwrap().starts_with("email|"));
    })
    .await;
}
