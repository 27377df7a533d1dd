//! Passwordless e-mail: codes, links, and what becomes of them.

use gatewright_testkit::{Answer, OTP_CREDENTIAL, Options, Page, Server, claims, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

const APP: &str = "http://localhost:4200";
const ANN: &str = "ann@example.com";

fn start(server: &Server, more: Value) -> Value {
    let mut body = json!({"client_id": server.client_id(), "connection": "email", "email": ANN});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn auth_params(response_type: &str) -> Value {
    json!({"authParams": {"response_type": response_type, "redirect_uri": APP, "scope": "openid profile email offline_access",
        "state": "the-state", "nonce": "the-nonce"}})
}

async fn authenticate(server: &Server, page: &Page, email: &str, otp: &str) -> Answer {
    let body = json!({"client_id": server.client_id(), "username": email, "otp": otp, "realm": "email",
        "credential_type": OTP_CREDENTIAL});
    page.post("/co/authenticate", body).await
}

/// The path of the link in the newest message.
fn link_to(server: &Server, email: &str) -> String {
    let body = server.mailbox.to(email).pop().expect("a message").body;
    let link =
        body.split_whitespace().find(|word| word.starts_with(server.issuer())).expect("a link").to_owned();
    format!("/{}", link.strip_prefix(server.issuer()).unwrap())
}

async fn send_link(server: &Server, page: &Page, response_type: &str) -> String {
    page.post("/passwordless/start", start(server, auth_params(response_type))).await.expect(200);
    link_to(server, ANN)
}

#[tokio::test]
async fn a_code_logs_in_under_one_spelling_of_the_address() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let body = start(&server, json!({"send": "code", "email": " Ann@Example.COM "}));
        let answer = page.post("/passwordless/start", body).await;
        let answer = answer.expect(200).json();
        assert_eq!((&answer["email"], &answer["email_verified"]), (&json!(ANN), &json!(false)));
        assert_eq!(answer["_id"].as_str().unwrap().len(), 24);
        let message = server.mailbox.to(ANN).pop().unwrap();
        assert_eq!((message.channel, message.connection.as_deref()), ("email", Some("email")));
        assert_eq!(message.subject.as_deref(), Some("Your verification code for My SPA"));
        let code = server.mailbox.code_to(ANN);
        assert!(message.html.unwrap().contains(&code));

        let wrong = authenticate(&server, &page, ANN, "000000x").await;
        assert_eq!(
            wrong.expect(403).error(),
            ("access_denied".into(), "Wrong email or verification code.".into())
        );
        let ticket = authenticate(&server, &page, "ANN@example.com", &code).await;
        let ticket = ticket.expect(200).json()["login_ticket"].as_str().unwrap().to_owned();
        let path = format!(
            "/authorize?client_id={}&response_type=id_token&redirect_uri={APP}&scope=openid%20profile%20email\
             &state=s&nonce=n&response_mode=web_message&prompt=none&login_ticket={ticket}",
            server.client_id()
        );
        let id = claims(page.get(&path).await.web_message()["id_token"].as_str().unwrap());
        assert_eq!(
            (&id["email"], &id["email_verified"], &id["nickname"]),
            (&json!(ANN), &json!(true), &json!("ann"))
        );

        let user = server.admin().await.get("/users").await[0].clone();
        assert!(user["user_id"].as_str().unwrap().starts_with("email|"));
        assert_eq!((&user["name"], &user["email_verified"]), (&json!(ANN), &json!(true)));
        assert!(user["picture"].as_str().unwrap().starts_with("https://s.gravatar.com/avatar/"));
        let log = server.admin().await.newest_log("cls").await;
        assert_eq!((&log["details"]["body"]["send"], &log["user_name"]), (&json!("code"), &json!(ANN)));
    })
    .await;
}

#[tokio::test]
async fn a_link_logs_in_once_and_begins_a_session() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let link = send_link(&server, &page, "token id_token").await;
        assert!(link.starts_with("/passwordless/verify_redirect?"), "{link}");
        page.send(page.request(Method::HEAD, &link)).await.expect(204);

        let answer = page.get(&link).await;
        answer.expect(302);
        assert!(answer.location().as_str().starts_with(&format!("{APP}/#")), "{}", answer.location());
        assert_eq!(answer.returned("state").as_deref(), Some("the-state"));
        let id = claims(&answer.returned("id_token").unwrap());
        assert_eq!((&id["email"], &id["nonce"]), (&json!(ANN), &json!("the-nonce")));
        assert_eq!(answer.returned("scope").as_deref(), Some("openid profile email"));
        assert!(answer.set_cookies().iter().any(|cookie| cookie.starts_with("gatewright_session=")));
        let log = server.admin().await.newest_log("s").await;
        assert_eq!(log["details"]["decision"]["login"]["reason"], "link_followed");

        let silent = format!(
            "/authorize?client_id={}&response_type=id_token&redirect_uri={APP}&scope=openid&nonce=n&prompt=none",
            server.client_id()
        );
        assert!(page.get(&silent).await.returned("id_token").is_some(), "the session is there");

        let again = page.get(&link).await;
        assert_eq!(again.expect(302).returned("error").as_deref(), Some("access_denied"));
        let text = again.returned("error_description");
        assert_eq!(text.as_deref(), Some("Wrong email or verification code."));
        assert_eq!(again.returned("state").as_deref(), Some("the-state"));
        assert!(again.returned("access_token").is_none() && again.set_cookies().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_link_never_leads_to_a_refresh_token() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let verifier = "a".repeat(50);
        let mut params = auth_params("code");
        params["authParams"]["code_challenge"] = json!(gatewright_jose::pkce_s256(&verifier));
        params["authParams"]["code_challenge_method"] = json!("S256");
        page.post("/passwordless/start", start(&server, params)).await.expect(200);
        let answer = page.get(&link_to(&server, ANN)).await;
        let code = answer.expect(302).returned("code").expect("a code");
        let exchange = json!({"grant_type": "authorization_code", "client_id": server.client_id(), "code": code,
            "redirect_uri": APP, "code_verifier": verifier});
        let tokens = page.post("/oauth/token", exchange).await.expect(200).json();
        assert!(tokens["access_token"].is_string() && tokens.get("refresh_token").is_none(), "{tokens}");
        assert_eq!(tokens["scope"], "openid profile email");
    })
    .await;
}

#[tokio::test]
async fn links_lead_to_registered_callbacks_only() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let evil = json!({"authParams": {"redirect_uri": "https://evil.example/", "response_type": "token"}});
        let answer = page.post("/passwordless/start", start(&server, evil)).await;
        assert_eq!(answer.expect(400).error().0, "bad.authParams");
        let nested = json!({"authParams": {"scope": ["openid"]}});
        page.post("/passwordless/start", start(&server, nested)).await.expect(400);
        let send = page.post("/passwordless/start", start(&server, json!({"send": "pigeon"}))).await;
        assert_eq!(send.expect(400).error().0, "bad.send");
        for email in ["ann", "ann@example.com,bob@example.com", "ann@example.com\r\nBcc: bob@example.com"] {
            let answer = page.post("/passwordless/start", start(&server, json!({"email": email}))).await;
            assert_eq!(answer.expect(400).error().0, "bad.email", "{email}");
        }
        assert!(server.mailbox.to(ANN).is_empty());

        let link = send_link(&server, &page, "token").await;
        let bent = link.replace("http%3A%2F%2Flocalhost%3A4200", "https%3A%2F%2Fevil.example");
        assert_ne!(bent, link);
        let answer = page.get(&bent).await;
        assert!(answer.status == 403 && answer.header("location").is_empty(), "{}", answer.status);
        let stranger = link.replace(ANN.replace('@', "%40").as_str(), "eve%40example.com");
        assert_eq!(page.get(&stranger).await.returned("error").as_deref(), Some("access_denied"));
        assert!(
            page.get(&link).await.expect(302).returned("access_token").is_some(),
            "the link itself is still good"
        );

        // Without authParams the first callback is meant.
        page.post("/passwordless/start", start(&server, json!({}))).await.expect(200);
        assert!(page.get(&link_to(&server, ANN)).await.expect(302).returned("access_token").is_some());
    })
    .await;
}

#[tokio::test]
async fn the_newest_is_good_three_tries_are_enough_and_links_are_no_codes() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let old = send_link(&server, &page, "token").await;
        let link = send_link(&server, &page, "token").await;
        assert_eq!(page.get(&old).await.returned("error").as_deref(), Some("access_denied"));
        let secret = link.rsplit_once("verification_code=").unwrap().1.to_owned();
        authenticate(&server, &page, ANN, &secret).await.expect(403);
        authenticate(&server, &page, ANN, "x").await.expect(429);
        let dead = page.get(&link).await;
        let text = dead.returned("error_description").unwrap();
        assert_eq!(text, "You've reached the maximum number of attempts. Please try to login again.");

        let link = send_link(&server, &page, "token").await;
        page.post("/passwordless/start", start(&server, json!({"send": "code"}))).await.expect(200);
        assert!(page.get(&link).await.returned("error").is_some(), "a code replaced it");
        let link = send_link(&server, &page, "token").await;
        server.turn.forward_seconds(181);
        assert!(page.get(&link).await.returned("error").is_some(), "too late");
    })
    .await;
}

#[tokio::test]
async fn the_connections_own_words_are_used() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let admin = server.admin().await;
        let path = format!("/connections/{}", admin.connection("email").await["id"].as_str().unwrap());
        let own = async |body: &str| {
            let options = json!({"email": {"from": "{{ application.name }} <tea@tea.example>", "syntax": "liquid",
                "subject": "{% if send == 'code' %}Code {{ code }}{% else %}Come in{% endif %}", "body": body}});
            admin.patch(&path, json!({"options": options})).await;
        };
        let newest = || server.mailbox.to(ANN).pop().unwrap();
        own("<p>Hi {{ user.email }}: {{ code }} {{ request_language }}</p>").await;
        let request = page.request(Method::POST, "/passwordless/start").header("x-request-language", "de");
        page.send(request.json(&start(&server, json!({"send": "code"})))).await.expect(200);
        let code = server.mailbox.code_to(ANN);
        assert_eq!(newest().subject, Some(format!("Code {code}")));
        assert_eq!(newest().body.trim(), format!("Hi {ANN}: {code} de"));
        assert_eq!(newest().from.as_deref(), Some("My SPA <tea@tea.example>"));
        // A body without a place for the link cannot carry it.
        assert!(send_link(&server, &page, "token").await.contains("verification_code="));
        assert_eq!(newest().subject.as_deref(), Some("Come in"));
        own("{% if %}").await;
        let broken = page.post("/passwordless/start", start(&server, json!({"send": "code"}))).await;
        assert_eq!(broken.expect(400).error().0, "bad.connection");
        assert_eq!(admin.reason_of(&broken).await, "template_fails");
    })
    .await;
}

#[tokio::test]
async fn a_provider_that_cannot_deliver_is_named_in_the_log_and_the_inbox_shows_e_mails() {
    let server = Server::start(Options { captures: false, ..Options::default() }).await;
    let page = server.page(APP);
    page.post("/passwordless/start", start(&server, json!({}))).await.expect(200);
    let inbox = server.tool();
    let listed = inbox.get("/dev/inbox.json").await.expect(200).json();
    let message = listed["messages"][0].clone();
    assert_eq!((&message["channel"], &message["to"]), (&json!("email"), &json!(ANN)));
    assert_eq!(message["subject"], "Log in to My SPA");
    let html = inbox.get(&format!("/dev/inbox/{}/html", message["id"].as_str().unwrap())).await;
    assert!(html.expect(200).body.contains("verification_code="));
    let policy = html.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
    inbox.get("/dev/inbox/1/html").await.expect(404);
    let shown = inbox.get("/dev/inbox").await;
    assert!(shown.expect(200).body.contains("target=\"_blank\""), "the link can be followed");

    let admin = server.admin().await;
    admin.create("/emails/provider", json!({"name": "sendgrid", "credentials": {"api_key": "k"}})).await;
    let answer = page.post("/passwordless/start", start(&server, json!({}))).await;
    let error = ("email_provider_error".into(), "The e-mail could not be sent.".into());
    assert_eq!(answer.expect(400).error(), error);
    let log = admin.newest_log("fn").await;
    assert!(log["details"]["error"]["detail"].as_str().unwrap().contains("sendgrid"), "{log:#}");
    // What was sent before is still good.
    let link = message["body"].as_str().unwrap();
    let link = link.split_whitespace().find(|word| word.starts_with(server.issuer())).unwrap();
    let path = format!("/{}", link.strip_prefix(server.issuer()).unwrap());
    assert!(page.get(&path).await.expect(302).returned("access_token").is_some());
}
