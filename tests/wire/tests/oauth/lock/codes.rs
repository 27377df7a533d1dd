//! Codes that a page verified, and the endpoint that came before the grants.

use gatewright_testkit::{PHONE, Page, Server, Start, claims, on_every_database};
use serde_json::{Value, json};

use super::{ANN, APP, CALLBACK, DATABASE, GOOD, begin, make_ann, own_page, refusal};

#[tokio::test]
async fn a_verified_code_is_redeemed_in_the_browser_that_verified_it() {
    on_every_database(async |server: Server| {
        let (page, start) = (own_page(&server), Start::seed(&server));
        let verify = async |page: &Page, code: &str| {
            let body = json!({"connection": "sms", "phone_number": PHONE, "verification_code": code,
                "client_id": server.client_id()});
            page.post("/passwordless/verify", body).await
        };
        let path = |code: &str| {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("client_id", server.client_id())
                .append_pair("response_type", "token id_token")
                .append_pair("redirect_uri", CALLBACK)
                .append_pair("scope", "openid profile")
                .append_pair("state", "the-state")
                .append_pair("nonce", "the-nonce")
                .append_pair("connection", "sms")
                .append_pair("phone_number", PHONE)
                .append_pair("verification_code", code)
                .finish();
            format!("/passwordless/verify_redirect?{query}")
        };
        start.send_code(&page).await.expect(200);
        let code = server.mailbox.code_to(PHONE);
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let text = "Wrong phone number or verification code.";
        assert_eq!(refusal(&verify(&page, wrong).await), (401, "invalid_user_password".into(), text.into()));

        // Looking does not use it up, however often, nor does a link that a stranger follows.
        for _ in 0..4 {
            verify(&page, &code).await.expect(200);
        }
        let stranger = own_page(&server);
        let lured = stranger.get(&path(&code)).await;
        assert_eq!(lured.expect(302).returned("error").as_deref(), Some("access_denied"));
        assert!(lured.set_cookies().is_empty());
        assert_eq!(server.admin().await.reason_of(&lured).await, "code_not_verified_here");
        let app = server.page(APP);
        assert!(
            verify(&app, &code).await.expect(200).set_cookies().is_empty(),
            "no mark from another origin"
        );
        assert_eq!(app.get(&path(&code)).await.returned("error").as_deref(), Some("access_denied"));

        let answer = page.get(&path(&code)).await;
        assert_eq!(answer.expect(302).returned("state").as_deref(), Some("the-state"));
        assert_eq!(claims(&answer.returned("id_token").unwrap())["name"], PHONE);
        assert_eq!(page.get(&path(&code)).await.returned("error").as_deref(), Some("access_denied"), "once");
        assert_eq!(refusal(&verify(&page, &code).await).0, 401, "used");

        // With the state of a login that waits, it is that login's end.
        server.turn.forward_seconds(31);
        let mut hosted = start.clone().scope("openid").with("connection", "sms");
        hosted.audience = None;
        let state = begin(&page, &hosted).await;
        start.send_code(&page).await.expect(200);
        let code = server.mailbox.code_to(PHONE);
        verify(&page, &code).await.expect(200);
        let resumed = page.get(&path(&code).replace("the-state", &state)).await;
        assert_eq!(resumed.expect(302).header("location"), format!("/authorize/resume?state={state}"));
        let answer = page.follow(resumed).await;
        assert_eq!(answer.returned("state").as_deref(), Some("the-state"));
        assert!(answer.returned("id_token").is_some());

        // Wrong looks count as tries.
        server.turn.forward_seconds(31);
        start.send_code(&page).await.expect(200);
        let code = server.mailbox.code_to(PHONE);
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for status in [401, 401, 429] {
            verify(&page, wrong).await.expect(status);
        }
        assert_eq!(refusal(&verify(&page, &code).await).1, "too_many_attempts");
        assert_eq!(
            server.admin().await.newest_log("f").await["details"]["decision"]["reason"],
            "code_too_many_tries"
        );

        let attempt =
            async |page: &Page, body: Value| refusal(&page.post("/passwordless/verify", body).await);
        let code = json!({"connection": "sms", "phone_number": PHONE, "verification_code": "1"});
        assert_eq!(attempt(&page, code.clone()).await.0, 429, "auth0.js may leave client_id out");
        assert_eq!(attempt(&server.page("https://evil.example"), code.clone()).await.0, 403);
        for (name, value, text) in [
            ("client_id", json!("nobody"), "client not found"),
            ("connection", json!(DATABASE), "The connection is not a passwordless connection."),
            ("connection", json!(null), "connection is required"),
            ("phone_number", json!(null), "phone_number is required"),
            ("verification_code", json!(7), "The parameter verification_code must be a string."),
        ] {
            let mut body = code.clone();
            body[name] = value;
            assert_eq!(attempt(&page, body).await, (400, "invalid_request".into(), text.into()));
        }
    })
    .await;
}

#[tokio::test]
async fn the_old_endpoint_of_resource_owners_takes_codes_and_passwords() {
    on_every_database(async |server: Server| {
        let user_id = make_ann(&server).await;
        let (page, start) = (server.page(APP), Start::seed(&server));
        let attempt = async |page: &Page, connection: &str, username: &str, password: &str| {
            let body = json!({"client_id": server.client_id(), "connection": connection, "username": username,
                "password": password, "scope": "openid profile", "grant_type": "password"});
            page.post("/oauth/ro", body).await
        };
        start.send_code(&page).await.expect(200);
        let code = server.mailbox.code_to(PHONE);
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let refused = attempt(&page, "sms", PHONE, wrong).await;
        let text = "Wrong phone number or verification code.";
        assert_eq!(refused.expect(403).error(), ("invalid_grant".into(), text.into()));
        // A page's right to a login by code hangs on its origin.
        for stranger in [server.tool(), server.page("https://evil.example")] {
            let refused = attempt(&stranger, "sms", PHONE, &code).await;
            assert_eq!(refused.expect(403).error().0, "unauthorized_client");
        }
        let tokens = attempt(&page, "sms", PHONE, &code).await.expect(200).json();
        assert_eq!(claims(tokens["id_token"].as_str().unwrap())["name"], PHONE);
        assert_eq!(attempt(&page, "sms", PHONE, &code).await.expect(403).error().0, "invalid_grant");

        // Passwords need their grant.
        assert_eq!(attempt(&page, DATABASE, ANN, GOOD).await.expect(403).error().0, "unauthorized_client");
        let realm = "http://auth0.com/oauth/grant-type/password-realm";
        let admin = server.admin().await;
        admin.patch(&format!("/clients/{}", server.client_id()), json!({"grant_types": [realm]})).await;
        let tokens = attempt(&page, DATABASE, ANN, GOOD).await.expect(200).json();
        assert_eq!(claims(tokens["id_token"].as_str().unwrap())["sub"], user_id.as_str());
        let wrong = attempt(&page, DATABASE, ANN, "Wrong-horse-7").await;
        assert_eq!(wrong.expect(403).error(), ("invalid_grant".into(), "Wrong email or password.".into()));
        assert_eq!(attempt(&page, "sms", PHONE, &code).await.expect(403).error().0, "unauthorized_client");
        assert_eq!(attempt(&page, "nowhere", ANN, GOOD).await.expect(400).error().0, "invalid_request");
        assert_eq!(attempt(&page, DATABASE, ANN, "").await.expect(400).error().0, "invalid_request");
        let body =
            json!({"client_id": server.client_id(), "connection": DATABASE, "username": 7, "password": GOOD});
        page.post("/oauth/ro", body).await.expect(400);
    })
    .await;
}
