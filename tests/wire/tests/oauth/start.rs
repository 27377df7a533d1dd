//! `/passwordless/start` and `/co/authenticate`: bad input, foreign pages, limits, and what they give away.

use gatewright_testkit::{OTP_CREDENTIAL, PHONE, Server, Start, on_every_database};
use serde_json::{Value, json};

const APP: &str = "http://localhost:4200";

fn good(server: &Server) -> Value {
    json!({"client_id": server.client_id(), "connection": "sms", "phone_number": PHONE, "send": "code"})
}

fn changed(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

#[tokio::test]
async fn bad_requests_are_named_and_send_nothing() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let without = |name: &str| {
            let mut body = good(&server);
            body.as_object_mut().unwrap().remove(name);
            body
        };
        let cases = [
            (without("client_id"), "bad.client_id"),
            (changed(good(&server), "client_id", json!("nobody")), "bad.client_id"),
            (without("connection"), "bad.connection"),
            (changed(good(&server), "connection", json!("telepathy")), "bad.connection"),
            (
                changed(good(&server), "connection", json!("Username-Password-Authentication")),
                "bad.connection",
            ),
            (without("phone_number"), "bad.phone_number"),
            (changed(good(&server), "phone_number", json!("0400 nonsense")), "bad.phone_number"),
            (changed(good(&server), "phone_number", json!("+1")), "bad.phone_number"),
            (changed(good(&server), "phone_number", json!(61_400_000_000_i64)), "bad.request"),
            (changed(good(&server), "authParams", json!("x")), "bad.authParams"),
        ];
        for (body, code) in cases {
            let answer = page.post("/passwordless/start", body.clone()).await;
            assert_eq!(answer.expect(400).error().0, code, "{body}");
            assert_eq!(answer.header("access-control-allow-origin"), APP, "the page can read why");
        }
        for (content_type, body) in [
            ("application/json", "{\"client_id\": "),
            ("application/json", "[]"),
            ("application/json", ""),
            ("text/plain", "hello"),
        ] {
            let answer = page.post_raw("/passwordless/start", content_type, body).await;
            assert_eq!(answer.expect(400).error().0, "bad.request", "{body}");
        }
        let nul = changed(good(&server), "phone_number", json!("+61400\u{0}000000"));
        page.post("/passwordless/start", nul).await.expect(400);
        let huge = format!("{{\"client_id\":\"{}\"}}", "x".repeat(100_000));
        page.post_raw("/passwordless/start", "application/json", huge).await.expect(413);
        assert!(server.mailbox.to(PHONE).is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_answer_says_nothing_about_whether_the_number_is_known() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let before = page.post("/passwordless/start", good(&server)).await.expect(200).json();
        Start::seed(&server).log_in(&server, &page).await;
        let after = page.post("/passwordless/start", good(&server)).await.expect(200).json();
        assert_eq!(before, after);
        let user_id = server.admin().await.get("/users").await[0]["user_id"].as_str().unwrap().to_owned();
        assert_ne!(format!("sms|{}", after["_id"].as_str().unwrap()), user_id);
    })
    .await;
}

#[tokio::test]
async fn foreign_pages_are_refused() {
    on_every_database(async |server: Server| {
        let foreign = server.page("https://evil.example");
        let answer = foreign.post("/passwordless/start", good(&server)).await;
        assert_eq!(answer.expect(403).error().1, "Origin https://evil.example is not allowed.");
        assert_eq!(answer.header("access-control-allow-origin"), "");
        assert!(server.mailbox.to(PHONE).is_empty());

        let body = json!({"client_id": server.client_id(), "username": PHONE, "otp": "123456", "realm": "sms",
            "credential_type": OTP_CREDENTIAL});
        let answer = foreign.post("/co/authenticate", body.clone()).await;
        assert_eq!(answer.expect(403).body, "Origin https://evil.example is not allowed.");
        let nobody = server.tool().post("/co/authenticate", body).await;
        assert_eq!(nobody.expect(403).body, "Origin null is not allowed.");
    })
    .await;
}

#[tokio::test]
async fn preflights_are_answered_for_the_origins_of_clients() {
    on_every_database(async |server: Server| {
        let preflight = async |origin: &str, path: &str| {
            let page = server.page(origin);
            let request = page.request(reqwest::Method::OPTIONS, path);
            page.send(request.header("access-control-request-method", "POST")).await
        };
        let good = preflight(APP, "/co/authenticate").await;
        assert_eq!(good.header("access-control-allow-origin"), APP);
        assert_eq!(good.header("access-control-allow-credentials"), "true");
        assert!(good.header("access-control-allow-headers").contains("auth0-client"));
        let start = preflight(APP, "/passwordless/start").await;
        assert_eq!(
            (start.header("access-control-allow-origin"), start.header("access-control-allow-credentials")),
            (APP, "")
        );
        let foreign = preflight("https://evil.example", "/co/authenticate").await;
        assert_eq!(foreign.header("access-control-allow-origin"), "");
        let keys = server.page("https://anyone.example").get("/.well-known/jwks.json").await;
        assert_eq!(keys.expect(200).header("access-control-allow-origin"), "*");
    })
    .await;
}

#[tokio::test]
async fn fifty_starts_from_one_address_and_no_more() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        for _ in 0..50 {
            page.post("/passwordless/start", good(&server)).await.expect(200);
        }
        let answer = page.post("/passwordless/start", good(&server)).await;
        assert_eq!(answer.expect(429).error().0, "too_many_requests");
        assert_eq!(server.mailbox.to(PHONE).len(), 50);
        server.turn.forward_seconds(73);
        page.post("/passwordless/start", good(&server)).await.expect(200);
        page.post("/passwordless/start", good(&server)).await.expect(429);
    })
    .await;
}

#[tokio::test]
async fn cross_origin_login_holds_to_its_body_and_its_client() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let body = json!({"client_id": server.client_id(), "username": PHONE, "otp": "123456", "realm": "sms",
            "credential_type": OTP_CREDENTIAL});
        let all_and_only = "Invalid request body. All and only of client_id, credential_type, username, otp, realm are required.";
        for wrong in [
            changed(body.clone(), "otp", json!("")),
            changed(body.clone(), "username", json!(7)),
            changed(body.clone(), "extra", json!("x")),
            json!({}),
        ] {
            let answer = page.post("/co/authenticate", wrong).await;
            assert_eq!(answer.expect(400).error(), ("invalid_request".into(), all_and_only.into()));
        }
        let realm = page.post("/co/authenticate", changed(body.clone(), "realm", json!("fax"))).await;
        assert_eq!(realm.expect(400).error().1, "Unknown realm fax.");
        let kind = page.post("/co/authenticate", changed(body.clone(), "credential_type", json!("x"))).await;
        assert_eq!(kind.expect(400).error().0, "unsupported_credential_type");
        let client = page.post("/co/authenticate", changed(body.clone(), "client_id", json!("nobody"))).await;
        assert_eq!(client.expect(401).error().0, "unauthorized_client");

        let path = format!("/clients/{}", server.client_id());
        server.admin().await.patch(&path, json!({"cross_origin_authentication": false})).await;
        let off = page.post("/co/authenticate", body).await;
        assert_eq!(off.expect(401).error(), ("unauthorized_client".into(), "Cross origin login not allowed.".into()));
    })
    .await;
}

#[tokio::test]
async fn closed_sign_up_lets_known_numbers_in_only() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        Start::seed(&server).log_in(&server, &page).await;
        let admin = server.admin().await;
        let connection = admin.connection("sms").await;
        let mut options = connection["options"].clone();
        options["disable_signup"] = json!(true);
        admin
            .patch(
                &format!("/connections/{}", connection["id"].as_str().unwrap()),
                json!({"options": options}),
            )
            .await;
        page.post("/passwordless/start", good(&server)).await.expect(200);
        let unknown = changed(good(&server), "phone_number", json!("+61400000001"));
        let answer = page.post("/passwordless/start", unknown).await;
        assert_eq!(answer.expect(400).error(), ("bad.connection".into(), "Public signup is disabled".into()));
    })
    .await;
}
