//! Links that callers bring to users themselves.

use gatewright_testkit::{Admin, Answer, Form, Page, Server, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

const DATABASE: &str = "Username-Password-Authentication";
const ANN: &str = "ann@example.com";
const NEW: &str = "Other-horse-88";

async fn make_ann(admin: &Admin) -> String {
    let user = json!({"connection": DATABASE, "email": ANN, "password": "Correct-horse-7"});
    admin.create("/users", user).await["user_id"].as_str().unwrap().to_owned()
}

/// Makes a ticket and returns its link.
async fn ticket(admin: &Admin, path: &str, body: Value) -> String {
    let answer = admin.create(path, body).await;
    assert_eq!(answer.as_object().unwrap().len(), 1);
    let link = answer["ticket"].as_str().unwrap().to_owned();
    assert!(link.ends_with('#'), "{link}");
    link.trim_end_matches('#').to_owned()
}

async fn choose(browser: &Page, link: &str) -> Answer {
    let page = browser.get(link).await;
    let form = Form::of(page.expect(200)).with("password", NEW).with("re-enter-password", NEW);
    form.press(browser, "default").await
}

async fn confirm(browser: &Page, link: &str) -> Answer {
    let page = browser.get(link).await;
    Form::of(page.expect(200)).press(browser, "default").await
}

async fn user(admin: &Admin, user_id: &str) -> Value {
    admin.get(&format!("/users/{}", user_id.replace('|', "%7C"))).await
}

#[tokio::test]
async fn a_password_is_chosen_at_a_ticket_and_proves_no_address_unless_said() {
    on_every_database(async |server: Server| {
        let (admin, browser) = (server.admin().await, server.tool());
        let user_id = make_ann(&admin).await;
        let link = ticket(&admin, "/tickets/password-change", json!({"user_id": user_id})).await;
        assert!(link.starts_with(&format!("{}u/reset-verify?ticket=", server.issuer())), "{link}");
        choose(&browser, &link).await.expect(200);
        let after = user(&admin, &user_id).await;
        assert_eq!(after["email_verified"], json!(false));
        assert!(after["last_password_reset"].is_string());
        // It is spent, and nothing of it is in the log.
        browser.get(&link).await.expect(400);
        let logged = admin.newest_log("sapi").await;
        assert_eq!(logged["details"]["response"]["body"]["ticket"], "*****");
        // Nothing was mailed.
        assert!(server.mailbox.to(ANN).is_empty());

        // By connection and address; where the browser goes is the caller's to say.
        let connection = admin.connection(DATABASE).await["id"].clone();
        let body = json!({"connection_id": connection, "email": "Ann@Example.com", "mark_email_as_verified": true,
            "result_url": "https://app.example/done?x=1", "includeEmailInRedirect": true});
        let link = ticket(&admin, "/tickets/password-change", body).await;
        let gone = choose(&browser, &link).await;
        let target = gone.expect(302).location();
        assert_eq!(target.host_str(), Some("app.example"));
        let query: Vec<_> = target.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
        assert!(query.contains(&"success=true".to_owned()) && query.contains(&format!("email={ANN}")), "{query:?}");
        assert_eq!(user(&admin, &user_id).await["email_verified"], json!(true));
    })
    .await;
}

#[tokio::test]
async fn an_address_is_verified_at_a_ticket() {
    on_every_database(async |server: Server| {
        let (admin, browser) = (server.admin().await, server.tool());
        let user_id = make_ann(&admin).await;
        let local = user_id.strip_prefix("auth0|").unwrap();
        let body = json!({"user_id": user_id, "result_url": "https://app.example/", "ttl_sec": 60,
            "identity": {"user_id": local, "provider": "auth0"}});
        let late = ticket(&admin, "/tickets/email-verification", body.clone()).await;
        assert!(late.starts_with(&format!("{}u/email-verification?ticket=", server.issuer())), "{late}");
        server.turn.forward_seconds(61);
        browser.get(&late).await.expect(400);
        let link = ticket(&admin, "/tickets/email-verification", body).await;
        let target = confirm(&browser, &link).await.expect(302).location();
        assert!(!target.query().unwrap().contains("email="), "{target}");
        assert_eq!(user(&admin, &user_id).await["email_verified"], json!(true));
        // The application's name is on the page.
        let client_id = server.client_id();
        let body = json!({"user_id": user_id, "client_id": client_id, "ttl_sec": 0});
        let link = ticket(&admin, "/tickets/email-verification", body).await;
        confirm(&browser, &link).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn tickets_that_cannot_be_made_say_why() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let user_id = make_ann(&admin).await;
        let phone = json!({"connection": "sms", "phone_number": "+610400000000"});
        let phone = admin.create("/users", phone).await["user_id"].clone();
        let connection = admin.connection(DATABASE).await["id"].clone();
        let other = json!({"user_id": "other", "provider": "auth0"});
        let (change, verify) = ("/tickets/password-change", "/tickets/email-verification");
        for (path, body, status, word) in [
            (change, json!({}), 400, "user_id"),
            (change, json!({"user_id": user_id, "email": ANN}), 400, "user_id"),
            (change, json!({"user_id": "auth0|nobody"}), 404, "inexistent_user"),
            (change, json!({"connection_id": connection, "email": "nobody@example.com"}), 404, "inexistent_user"),
            (change, json!({"connection_id": "con_0000000000000000", "email": ANN}), 404, "inexistent_connection"),
            (change, json!({"user_id": phone}), 400, "no e-mail address"),
            (change, json!({"user_id": user_id, "organization_id": "org_1"}), 400, "organization_id"),
            (change, json!({"user_id": user_id, "client_id": "nobody"}), 404, "inexistent_client"),
            (verify, json!({"user_id": "auth0|nobody"}), 404, "inexistent_user"),
            (verify, json!({"user_id": user_id, "identity": other}), 400, "identity"),
            (verify, json!({"user_id": user_id, "ttl_sec": -1}), 400, "ttl_sec"),
            (verify, json!({"user_id": user_id, "result_url": "javascript:x"}), 400, "result_url"),
            (
                verify,
                json!({"user_id": user_id, "client_id": server.client_id(), "result_url": "https://app.example/"}),
                400,
                "result_url",
            ),
        ] {
            let answer = admin.call(Method::POST, path, Some(body.clone())).await;
            assert!(answer.expect(status).body.contains(word), "{body}: {}", answer.body);
        }
        // Another tenant's user is nobody here.
        let acme = server.admin_of("acme").await;
        acme.call(Method::POST, verify, Some(json!({"user_id": user_id}))).await.expect(404);
        // The host of the link may be named, if it is the tenant's.
        for (host, status) in [("localhost", 201), ("login.example.com", 400)] {
            let answer = admin.post_naming(host, verify, json!({"user_id": user_id})).await;
            answer.expect(status);
        }
    })
    .await;
}
