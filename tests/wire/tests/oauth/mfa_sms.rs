//! A phone as the second factor, as a browser without scripts goes through it.

use gatewright_core::mfa::ACR;
use gatewright_testkit::{Admin, Answer, Form, Page, Server, Start, claims, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "Correct-horse-battery-1";
const NUMBER: &str = "+61400111222";
const CALLBACK: &str = "http://localhost:4200/";

fn start(server: &Server) -> Start {
    let mut start = Start::seed(server).scope("openid");
    start.audience = None;
    start
}

async fn put(admin: &Admin, path: &str, body: Value) {
    admin.call(Method::PUT, path, Some(body)).await.expect(200);
}

/// Makes Ada, and switches text messages on; her id.
async fn prepare(server: &Server) -> (Admin, String) {
    let admin = server.admin().await;
    let ada = json!({
        "connection": "Username-Password-Authentication", "email": EMAIL, "password": PASSWORD,
        "email_verified": true,
    });
    let ada = admin.create("/users", ada).await["user_id"].as_str().unwrap().to_owned();
    put(&admin, "/guardian/factors/sms", json!({ "enabled": true })).await;
    (admin, ada)
}

async fn always(admin: &Admin) {
    put(admin, "/guardian/policies", json!(["all-applications"])).await;
}

/// The first factor; the page that comes next.
async fn by_password(browser: &Page, path: &str) -> Answer {
    let page = browser.open(path).await;
    let form = Form::of(page.expect(200)).with("username", EMAIL).with("password", PASSWORD);
    form.submit(browser, "default").await
}

/// Types the number on the page that asks for one, and the code on the next.
async fn enroll(server: &Server, browser: &Page, page: &Answer) -> Answer {
    assert!(page.expect(200).body.contains("id=\"mfa-sms-enrollment\""), "{}", page.body);
    let code_page = Form::of(page).with("phone", "+61 400 111 222").submit(browser, "default").await;
    assert!(code_page.expect(200).body.contains("id=\"mfa-sms-challenge\""), "{}", code_page.body);
    assert!(code_page.body.contains(NUMBER) && code_page.body.contains("/u/mfa-sms-enrollment"));
    pass(server, browser, &code_page).await
}

/// Types the code that was sent.
async fn pass(server: &Server, browser: &Page, code_page: &Answer) -> Answer {
    let code = server.mailbox.code_to(NUMBER);
    Form::of(code_page).with("code", &code).submit(browser, "default").await
}

#[track_caller]
fn id_token(answer: &Answer) -> Value {
    let location = answer.expect(302).location();
    assert!(location.as_str().starts_with(CALLBACK), "{location}");
    claims(&answer.returned("id_token").unwrap_or_else(|| panic!("no ID token in {location}")))
}

#[track_caller]
fn is_challenge(page: &Answer) {
    assert!(page.expect(200).body.contains("id=\"mfa-sms-challenge\""), "{}", page.body);
    assert!(page.body.contains("XXXXXXX1222") && !page.body.contains(NUMBER), "{}", page.body);
}

/// `details.decision.multifactor` of the newest event of a type.
async fn told(admin: &Admin, code: &str) -> Value {
    admin.newest_log(code).await["details"]["decision"]["multifactor"].clone()
}

#[tokio::test]
async fn the_policy_asks_for_a_number_once_and_for_a_code_at_every_login() {
    on_every_database(async |server: Server| {
        let (admin, ada) = prepare(&server).await;
        let (browser, path) = (server.tool(), start(&server).authorize_path(&[]));
        // A factor alone asks for nothing.
        let id = id_token(&by_password(&server.tool(), &path).await);
        assert_eq!((id.get("amr"), id.get("acr")), (None, None));
        assert_eq!(told(&admin, "s").await, json!({ "reason": "mfa_not_asked" }));

        always(&admin).await;
        let page = by_password(&browser, &path).await;
        let id = id_token(&enroll(&server, &browser, &page).await);
        assert_eq!((&id["amr"], &id["acr"]), (&json!(["mfa"]), &json!(ACR)));
        let expect = json!({ "reason": "mfa_passed", "asked_by": "mfa_by_policy", "passed": ["phone"] });
        assert_eq!(told(&admin, "s").await, expect);
        for code in ["gd_start_enroll", "gd_send_sms", "gd_enrollment_complete", "gd_auth_succeed"] {
            let log = admin.newest_log(code).await;
            assert_eq!(
                (&log["user_id"], &log["client_id"]),
                (&json!(ada), &json!(server.client_id())),
                "{code}"
            );
        }
        let message = server.mailbox.to(NUMBER).pop().unwrap().body;
        assert!(message.contains("verify your enrollment"), "{message}");

        // The session remembers it: nobody is asked again, and no token says that it was just passed.
        let silent = browser.get(&start(&server).authorize_path(&[("prompt", "none")])).await;
        let silent = id_token(&silent);
        assert_eq!((&silent["sid"], silent.get("amr")), (&id["sid"], None));
        assert_eq!(told(&admin, "ssa").await, json!({ "reason": "mfa_passed_in_session" }));

        // Another browser: the number is known, and is not shown.
        let other = server.tool();
        let page = by_password(&other, &path).await;
        is_challenge(&page);
        let message = server.mailbox.to(NUMBER).pop().unwrap().body;
        assert!(!message.contains("verify your enrollment"), "{message}");
        // To look at the page again sends nothing.
        let sent = server.mailbox.to(NUMBER).len();
        let state = Form::of(&page).value("state").unwrap().to_owned();
        is_challenge(&other.get(&format!("/u/mfa-sms-challenge?state={state}")).await);
        assert_eq!(server.mailbox.to(NUMBER).len(), sent);
        assert_eq!(id_token(&pass(&server, &other, &page).await)["amr"], json!(["mfa"]));
        assert_eq!(admin.newest_log("gd_start_auth").await["user_id"], ada);
    })
    .await;
}

#[tokio::test]
async fn a_request_asks_with_acr_values_even_where_the_session_has_passed_one() {
    on_every_database(async |server: Server| {
        let (admin, _) = prepare(&server).await;
        let (browser, asking) = (server.tool(), start(&server).with("acr_values", ACR).authorize_path(&[]));
        let page = by_password(&browser, &asking).await;
        id_token(&enroll(&server, &browser, &page).await);
        assert_eq!(told(&admin, "s").await["asked_by"], "mfa_by_acr_values");
        let again = browser.open(&asking).await;
        is_challenge(&again);
        // Nothing may be shown: SDKs know this error by its text.
        let silent = browser.get(&format!("{asking}&prompt=none")).await;
        assert_eq!(silent.returned("error").as_deref(), Some("login_required"));
        assert_eq!(
            silent.returned("error_description").as_deref(),
            Some("Multifactor authentication required")
        );
        assert_eq!(admin.newest_log("fsa").await["details"]["decision"]["reason"], "mfa_by_acr_values");
        // Where no factor is on it is a wish.
        put(&admin, "/guardian/factors/sms", json!({ "enabled": false })).await;
        assert_eq!(id_token(&browser.get(&asking).await).get("amr"), None);
        assert_eq!(told(&admin, "s").await["reason"], "mfa_no_factor_enabled");
    })
    .await;
}

#[tokio::test]
async fn what_is_typed_wrongly_is_told() {
    on_every_database(async |server: Server| {
        let (admin, ada) = prepare(&server).await;
        always(&admin).await;
        let browser = server.tool();
        let page = by_password(&browser, &start(&server).authorize_path(&[])).await;
        for (typed, text) in [("", "Enter your phone number"), ("0400", "with its country code")] {
            let answer = Form::of(&page).with("phone", typed).submit(&browser, "default").await;
            assert!(answer.expect(400).body.contains(text), "{}", answer.body);
            assert!(answer.body.contains("role=\"alert\"") && answer.body.contains("aria-invalid=\"true\""));
        }
        let code_page = Form::of(&page).with("phone", NUMBER).submit(&browser, "default").await;
        let code = server.mailbox.code_to(NUMBER);
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let no_code = Form::of(&code_page).with("code", "").submit(&browser, "default").await;
        assert!(no_code.expect(400).body.contains("Enter the code"), "{}", no_code.body);
        let refused = Form::of(&code_page).with("code", wrong).submit(&browser, "default").await;
        assert!(refused.expect(400).body.contains("not right"), "{}", refused.body);
        assert_eq!(admin.newest_log("gd_auth_failed").await["details"]["decision"]["reason"], "code_wrong");
        // A form that no page of this login made is none.
        let forged = Form::of(&code_page).with("csrf", "f00").with("code", &code);
        let forged = forged.submit(&browser, "default").await;
        assert!(forged.expect(400).body.contains("out of date"), "{}", forged.body);
        // Another browser cannot go on with this login.
        let stranger = server.tool();
        Form::of(&code_page).with("code", &code).submit(&stranger, "default").await.expect(400);
        // Nor does the login go on without the factor.
        let state = Form::of(&code_page).value("state").unwrap().to_owned();
        let around = browser.get(&format!("/authorize/resume?state={state}")).await;
        let next = around.expect(302).headers["location"].to_str().unwrap();
        assert!(next.starts_with("/u/mfa-sms-enrollment?"), "{next}");
        // A code is good for five minutes.
        server.turn.forward_seconds(300);
        let late = Form::of(&code_page).with("code", &code).submit(&browser, "default").await;
        assert!(late.expect(400).body.contains("not right"), "{}", late.body);
        assert_eq!(admin.newest_log("gd_auth_failed").await["details"]["decision"]["reason"], "code_expired");
        let methods = admin.get(&format!("/users/{}/authentication-methods", ada.replace('|', "%7C"))).await;
        assert_eq!(methods, json!([]), "nothing is enrolled before its code was right");
        // Another one makes the old one worthless.
        let again = Form::of(&code_page).submit(&browser, "resend-code").await;
        assert!(again.expect(200).body.contains("We sent a new code"), "{}", again.body);
        let old = Form::of(&again).with("code", &code).submit(&browser, "default").await;
        assert!(old.expect(400).body.contains("not right") || code == server.mailbox.code_to(NUMBER));
        id_token(&pass(&server, &browser, &again).await);
    })
    .await;
}

#[tokio::test]
async fn wrong_codes_and_messages_are_limited_for_the_user() {
    on_every_database(async |server: Server| {
        let (admin, _) = prepare(&server).await;
        always(&admin).await;
        let (browser, path) = (server.tool(), start(&server).authorize_path(&[]));
        let page = by_password(&browser, &path).await;
        id_token(&enroll(&server, &browser, &page).await);
        // A factor that was passed counts as no wrong try: ten are left. New logins and browsers bring none back.
        let mut code_page = by_password(&server.tool(), &path).await;
        for number in 0..10 {
            let browser = server.tool();
            code_page = by_password(&browser, &path).await;
            let code = server.mailbox.code_to(NUMBER);
            let wrong = if code == "000000" { "000001" } else { "000000" };
            if number < 8 {
                let answer = Form::of(&code_page).with("code", wrong).submit(&browser, "default").await;
                assert!(answer.expect(400).body.contains("not right"), "{number}: {}", answer.body);
            }
        }
        // The tenth message of this user was sent a page ago.
        assert!(code_page.body.contains("many messages to you already"), "{}", code_page.body);
        assert_eq!(server.mailbox.to(NUMBER).len(), 10);
        server.turn.forward_seconds(3600);
        let browser = server.tool();
        let page = by_password(&browser, &path).await;
        is_challenge(&page);
        assert_eq!(server.mailbox.to(NUMBER).len(), 11);
        // The hour has brought all ten back.
        let code = server.mailbox.code_to(NUMBER);
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for _ in 0..10 {
            let answer = Form::of(&page).with("code", wrong).submit(&browser, "default").await;
            assert!(answer.expect(400).body.contains("not right"), "{}", answer.body);
        }
        let refused = pass(&server, &browser, &page).await;
        assert!(refused.expect(400).body.contains("Too many wrong codes"), "{}", refused.body);
        admin.newest_log("gd_otp_rate_limit_exceed").await;
        server.turn.forward_seconds(299);
        assert!(pass(&server, &browser, &page).await.expect(400).body.contains("Too many wrong codes"));
    })
    .await;
}

#[tokio::test]
async fn the_factor_is_the_users_and_an_administrator_can_take_it_away() {
    on_every_database(async |server: Server| {
        let (admin, ada) = prepare(&server).await;
        always(&admin).await;
        let (browser, path) = (server.tool(), start(&server).authorize_path(&[]));
        // Somebody else who knows the password is on the same way, with another number.
        let other = server.tool();
        let page = by_password(&other, &path).await;
        let late = Form::of(&page).with("phone", "+61400999888").submit(&other, "default").await;
        let late_code = server.mailbox.code_to("+61400999888");
        let page = by_password(&browser, &path).await;
        id_token(&enroll(&server, &browser, &page).await);
        is_challenge(&Form::of(&late).with("code", &late_code).submit(&other, "default").await);
        let user = format!("/users/{}", ada.replace('|', "%7C"));
        let methods = admin.get(&format!("{user}/authentication-methods")).await;
        assert_eq!(methods.as_array().unwrap().len(), 1, "{methods}");
        let (method, enrollments) = (&methods[0], admin.get(&format!("{user}/enrollments")).await);
        assert_eq!(
            (&method["type"], &method["phone_number"]),
            (&json!("phone"), &json!(NUMBER)),
            "{methods}"
        );
        assert!(method["id"].as_str().unwrap().starts_with("sms|dev_"), "{methods}");
        assert_eq!((&enrollments[0]["id"], &enrollments[0]["status"]), (&method["id"], &json!("confirmed")));
        is_challenge(&by_password(&server.tool(), &path).await);
        admin.call(Method::DELETE, &format!("{user}/authenticators"), None).await.expect(204);
        assert_eq!(admin.get(&format!("{user}/enrollments")).await, json!([]));
        let again = by_password(&server.tool(), &path).await;
        assert!(again.expect(200).body.contains("id=\"mfa-sms-enrollment\""), "{}", again.body);
    })
    .await;
}

#[tokio::test]
async fn where_no_page_can_be_shown_nobody_comes_in_without_it() {
    on_every_database(async |server: Server| {
        let (admin, _) = prepare(&server).await;
        always(&admin).await;
        admin.patch("/tenants/settings", json!({ "default_directory": "Username-Password-Authentication" })).await;
        let grants = json!({ "grant_types": ["implicit", "password"] });
        admin.patch(&format!("/clients/{}", server.client_id()), grants).await;
        let body = json!({
            "grant_type": "password", "client_id": server.client_id(), "username": EMAIL, "password": PASSWORD,
            "scope": "openid",
        });
        let answer = server.tool().post("/oauth/token", body).await;
        assert_eq!(answer.expect(403).error().0, "mfa_required");
        let decision = admin.newest_log("mfar").await["details"]["decision"].clone();
        assert_eq!(decision["reason"], "mfa_by_policy");
        // Only a factor that this server lacks is on.
        put(&admin, "/guardian/factors/sms", json!({ "enabled": false })).await;
        put(&admin, "/guardian/factors/push-notification", json!({ "enabled": true })).await;
        let refused = by_password(&server.tool(), &start(&server).authorize_path(&[])).await;
        assert_eq!(refused.expect(302).returned("error").as_deref(), Some("access_denied"));
        assert_eq!(admin.newest_log("f").await["details"]["decision"]["reason"], "mfa_no_factor");
        // Calls are not built, and text messages are not among the ways of the phone.
        put(&admin, "/guardian/factors/push-notification", json!({ "enabled": false })).await;
        put(&admin, "/guardian/factors/sms", json!({ "enabled": true })).await;
        put(&admin, "/guardian/factors/phone/message-types", json!({ "message_types": ["voice"] })).await;
        let refused = by_password(&server.tool(), &start(&server).authorize_path(&[])).await;
        assert_eq!(refused.expect(302).returned("error").as_deref(), Some("access_denied"));
    })
    .await;
}
