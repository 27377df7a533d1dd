//! The hosted login as a browser without scripts goes through it.

use gatewright_testkit::{Answer, Form, PHONE, Page, Server, Start, claims, on_every_database};
use serde_json::json;

const CALLBACK: &str = "http://localhost:4200/";
const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "Correct-horse-battery-1";

/// What an application asks for in these conversations.
fn start(server: &Server) -> Start {
    let mut start = Start::seed(server).scope("openid profile");
    start.audience = None;
    start
}

async fn make_ada(server: &Server) -> String {
    let ada = json!({
        "connection": "Username-Password-Authentication", "email": EMAIL, "password": PASSWORD,
        "email_verified": true,
    });
    server.admin().await.create("/users", ada).await["user_id"].as_str().expect("an id").to_owned()
}

/// Opens the login and types the number; returns the page that asks for the code.
async fn to_code_page(browser: &Page, start: &Start) -> Answer {
    let page = browser.open(&start.authorize_path(&[("connection", "sms")])).await;
    let form = Form::of(page.expect(200)).with("username", "+61 0400 000 000");
    let code_page = form.submit(browser, "default").await;
    assert!(code_page.expect(200).body.contains("login-passwordless-sms-otp"), "{}", code_page.body);
    code_page
}

async fn log_in_by_sms(server: &Server, browser: &Page, start: &Start) -> Answer {
    let code_page = to_code_page(browser, start).await;
    let code = server.mailbox.code_to(PHONE);
    Form::of(&code_page).with("code", &code).submit(browser, "default").await
}

async fn log_in_by_password(browser: &Page, path: &str) -> Answer {
    let page = browser.open(path).await;
    let form = Form::of(page.expect(200)).with("username", EMAIL).with("password", PASSWORD);
    form.submit(browser, "default").await
}

#[track_caller]
fn at_callback(answer: &Answer) -> String {
    let location = answer.expect(302).location();
    assert!(location.as_str().starts_with(CALLBACK), "{location}");
    assert_eq!(answer.returned("state").as_deref(), Some("the-state"));
    location.to_string()
}

#[tokio::test]
async fn a_login_by_sms_code_begins_a_session() {
    on_every_database(async |server: Server| {
        let (browser, start) = (server.tool(), start(&server));
        let answer = log_in_by_sms(&server, &browser, &start).await;
        at_callback(&answer);
        let id = claims(&answer.returned("id_token").expect("an ID token"));
        assert_eq!((&id["name"], &id["nonce"]), (&json!(PHONE), &json!("the-nonce")));
        let again = browser.get(&start.authorize_path(&[])).await;
        let silent = claims(&again.expect(302).returned("id_token").expect("single sign-on"));
        assert_eq!((&silent["sub"], &silent["sid"]), (&id["sub"], &id["sid"]));
        // connection=sms always asks.
        let asked = browser.open(&start.authorize_path(&[("connection", "sms")])).await;
        assert!(asked.expect(200).body.contains("id=\"login-id\""), "{}", asked.body);
        let log = server.admin().await.newest_log("s").await;
        assert_eq!(log["connection"], "sms");
    })
    .await;
}

#[tokio::test]
async fn wrong_numbers_and_codes_are_told_and_counted() {
    on_every_database(async |server: Server| {
        let (browser, start) = (server.tool(), start(&server));
        let page = browser.open(&start.authorize_path(&[("connection", "sms")])).await;
        for (typed, text) in
            [("", "Enter your phone number"), ("0400", "with its country code"), (EMAIL, "country code")]
        {
            let answer = Form::of(&page).with("username", typed).submit(&browser, "default").await;
            assert!(answer.expect(400).body.contains(text), "{}", answer.body);
            assert!(answer.body.contains("role=\"alert\"") && answer.body.contains("aria-invalid=\"true\""));
            assert!(answer.body.contains("<title>Error:"), "the title says so too");
        }
        let code_page = to_code_page(&browser, &start).await;
        let code = server.mailbox.code_to(PHONE);
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let try_code =
            async |typed: &str| Form::of(&code_page).with("code", typed).submit(&browser, "default").await;
        assert!(try_code("").await.expect(400).body.contains("Enter the code"));
        for _ in 0..2 {
            assert!(try_code(wrong).await.expect(400).body.contains("not right"));
        }
        for typed in [wrong, &code] {
            assert!(try_code(typed).await.expect(400).body.contains("tried too often"));
        }
        // A new code, once the wait is over; the old one stays dead.
        let early = Form::of(&code_page).press(&browser, "resend-code").await;
        assert!(early.expect(200).body.contains("ask for a new code in"), "{}", early.body);
        assert_eq!(server.mailbox.to(PHONE).len(), 1);
        server.turn.forward_seconds(31);
        let resent = Form::of(&code_page).press(&browser, "resend-code").await;
        assert!(resent.expect(200).body.contains("We sent a new code"), "{}", resent.body);
        let spaced = server.mailbox.code_to(PHONE);
        let spaced = format!(" {} {} ", &spaced[..3], &spaced[3..]);
        at_callback(&try_code(&spaced).await);
        let log = server.admin().await.newest_log("f").await;
        assert_eq!(log["details"]["decision"]["reason"], "code_too_many_tries");
    })
    .await;
}

#[tokio::test]
async fn a_login_by_password_on_one_page_and_on_two() {
    on_every_database(async |server: Server| {
        let user_id = make_ada(&server).await;
        let (browser, start) = (server.tool(), start(&server));
        let page = browser.open(&start.authorize_path(&[("login_hint", "ada@exam\"ple.com")])).await;
        assert!(page.expect(200).body.contains("id=\"login\""), "{}", page.body);
        assert_eq!(Form::of(&page).value("username"), Some("ada@exam\"ple.com"));
        let form = Form::of(&page).with("username", EMAIL);
        for (typed, text) in [("", "Enter your password"), ("wrong", "Wrong email or password")] {
            let answer = form.clone().with("password", typed).submit(&browser, "default").await;
            assert!(answer.expect(400).body.contains(text), "{}", answer.body);
            assert_eq!(Form::of(&answer).value("username"), Some(EMAIL), "what was typed stays");
            assert_eq!(Form::of(&answer).value("password"), Some(""), "but never a password");
        }
        let nobody = form.clone().with("username", "nobody@example.com").with("password", "wrong");
        assert!(
            nobody.submit(&browser, "default").await.expect(400).body.contains("Wrong email or password")
        );
        let answer = form.with("password", PASSWORD).submit(&browser, "default").await;
        at_callback(&answer);
        let id = claims(&answer.returned("id_token").expect("an ID token"));
        assert_eq!(id["sub"], json!(user_id));
        let encoded = user_id.replace('|', "%7C");
        let ada = server.admin().await.get(&format!("/users/{encoded}")).await;
        assert_eq!(ada["logins_count"], 1);
    })
    .await;
}

#[tokio::test]
async fn identifier_first_asks_on_two_pages() {
    on_every_database(async |server: Server| {
        make_ada(&server).await;
        server.admin().await.patch("/prompts", json!({"identifier_first": true})).await;
        let (browser, start) = (server.tool(), start(&server));
        let page = browser.open(&start.authorize_path(&[])).await;
        assert!(page.expect(200).body.contains("id=\"login-id\""), "{}", page.body);
        // Nobody learns here whether the account exists.
        for typed in ["nobody@example.com", EMAIL] {
            let next = Form::of(&page).with("username", typed).submit(&browser, "default").await;
            assert!(next.expect(200).body.contains("id=\"login-password\""), "{}", next.body);
            assert!(next.body.contains(typed), "{}", next.body);
            let wrong = Form::of(&next).with("password", "wrong").submit(&browser, "default").await;
            assert!(wrong.expect(400).body.contains("Wrong email or password"), "{}", wrong.body);
        }
        let next = browser.get(Form::of(&page).action()).await;
        assert!(next.expect(400).body.contains("Please start again"), "without a state there is no login");
        let next = Form::of(&page).with("username", EMAIL).submit(&browser, "default").await;
        at_callback(&Form::of(&next).with("password", PASSWORD).submit(&browser, "default").await);
    })
    .await;
}

#[tokio::test]
async fn a_login_is_answered_once() {
    on_every_database(async |server: Server| {
        let (browser, start) = (server.tool(), start(&server));
        let code_page = to_code_page(&browser, &start).await;
        // Reloading the page and going back to it changes nothing.
        let form = Form::of(&code_page).with("code", &server.mailbox.code_to(PHONE));
        let first = form.press(&browser, "default").await;
        let resume = first.expect(302).header("location").to_owned();
        assert!(resume.starts_with("/authorize/resume?state="), "{resume}");
        // The button pressed twice: the second answer leads to the same place.
        let second = form.press(&browser, "default").await;
        assert_eq!(second.expect(302).header("location"), resume);
        at_callback(&browser.get(&resume).await);
        let again = browser.get(&resume).await;
        assert!(again.expect(400).body.contains("Please start again"), "{}", again.body);
        let back = form.press(&browser, "default").await;
        assert!(back.expect(400).body.contains("Please start again"), "{}", back.body);
        assert_eq!(back.header("location"), "");
    })
    .await;
}

#[tokio::test]
async fn a_page_belongs_to_one_browser_and_lives_an_hour() {
    on_every_database(async |server: Server| {
        let (browser, start) = (server.tool(), start(&server));
        let path = start.authorize_path(&[("connection", "sms")]);
        let to_page = browser.get(&path).await;
        let page_path = to_page.expect(302).header("location").to_owned();
        let state = page_path.split_once("state=").expect("a state").1.to_owned();
        // Somebody else's browser, with no cookie and with one of its own.
        let other = server.tool();
        for _ in 0..2 {
            let refused = other.get(&page_path).await;
            assert!(refused.expect(400).body.contains("another browser"), "{}", refused.body);
            let resumed = other.get(&format!("/authorize/resume?state={state}")).await;
            assert!(resumed.expect(400).body.contains("another browser"), "{}", resumed.body);
            other.get(&path).await.expect(302);
        }
        // A form that another site made up.
        let page = browser.get(&page_path).await;
        let forged =
            Form::of(&page).with("csrf", "0000").with("username", PHONE).press(&browser, "default").await;
        assert!(forged.expect(400).body.contains("out of date"), "{}", forged.body);
        assert!(server.mailbox.to(PHONE).is_empty());
        // Resuming without having logged in leads back.
        let early = browser.get(&format!("/authorize/resume?state={state}")).await;
        assert_eq!(early.expect(302).header("location"), page_path);

        server.turn.forward_seconds(3_601);
        let late = browser.get(&page_path).await;
        assert!(late.expect(400).body.contains("no longer valid"), "{}", late.body);
        let admin = server.admin().await;
        admin
            .patch("/tenants/settings", json!({"default_redirection_uri": "https://app.example/start"}))
            .await;
        let anew = browser.get(&page_path).await.expect(302).location();
        assert_eq!(anew.path(), "/start");
        let uri = json!({"initiate_login_uri": "https://app.example/login?x=1"});
        admin.patch(&format!("/clients/{}", server.client_id()), uri).await;
        let anew = browser.get(&page_path).await.expect(302).location();
        let query: Vec<(String, String)> = anew.query_pairs().into_owned().collect();
        assert_eq!(query, [("x".into(), "1".into()), ("iss".into(), server.issuer().to_owned())]);
        assert_eq!(browser.get("/u/login?state=nonsense").await.expect(302).location().path(), "/start");
    })
    .await;
}

#[tokio::test]
async fn prompt_login_and_max_age_are_satisfied_by_the_login_they_cause() {
    on_every_database(async |server: Server| {
        make_ada(&server).await;
        let (browser, start) = (server.tool(), start(&server));
        at_callback(&log_in_by_password(&browser, &start.authorize_path(&[])).await);
        server.turn.forward_seconds(60);
        let first = claims(&browser.get(&start.authorize_path(&[])).await.returned("id_token").unwrap());
        for more in [("prompt", "login"), ("max_age", "30"), ("max_age", "0")] {
            server.turn.forward_seconds(60);
            let path = start.authorize_path(&[more]);
            let answer = log_in_by_password(&browser, &path).await;
            at_callback(&answer);
            let id = claims(&answer.returned("id_token").unwrap());
            assert_ne!(id["sid"], first["sid"], "{more:?}");
            let age = id["iat"].as_i64().unwrap() - id["auth_time"].as_i64().unwrap();
            assert!((0..5).contains(&age), "{more:?} {id}");
        }
        let patient = browser.get(&start.authorize_path(&[("max_age", "3600")])).await;
        at_callback(&patient);
        let none = browser.get(&start.authorize_path(&[("prompt", "none")])).await;
        at_callback(&none);
    })
    .await;
}

#[tokio::test]
async fn a_third_party_client_gets_what_the_user_allows() {
    on_every_database(async |server: Server| {
        make_ada(&server).await;
        let (browser, mut start) = (server.tool(), start(&server).scope("read:orders"));
        start.audience = Some(server.audience().to_owned());
        let admin = server.admin().await;
        // A third-party client gets no identity, and of an API what the tenant grants.
        let grant = json!({
            "client_id": server.client_id(), "audience": server.audience(), "subject_type": "user",
            "scope": ["read:orders", "write:orders"],
        });
        admin.create("/client-grants", grant).await;
        admin.patch(&format!("/clients/{}", server.client_id()), json!({"is_first_party": false})).await;
        let consent = log_in_by_password(&browser, &start.authorize_path(&[])).await;
        assert!(consent.expect(200).body.contains("Allow My SPA?"), "{}", consent.body);
        assert!(
            consent.body.contains("Orders: Read orders") && consent.body.contains(EMAIL),
            "{}",
            consent.body
        );

        let declined = Form::of(&consent).submit(&browser, "deny").await;
        at_callback(&declined);
        assert_eq!(declined.returned("error").as_deref(), Some("access_denied"));
        let again = Form::of(&consent).submit(&browser, "accept").await;
        assert!(again.expect(400).body.contains("Please start again"), "{}", again.body);

        let consent = log_in_by_password(&browser, &start.authorize_path(&[])).await;
        let accepted = Form::of(&consent).submit(&browser, "accept").await;
        at_callback(&accepted);
        assert!(accepted.returned("access_token").is_some());
        // Asked once; again only for what is new, or when the application wants it. But anybody can wait at
        // localhost, so the user sees who is about to know them.
        let confirm = browser.open(&start.authorize_path(&[])).await;
        assert!(confirm.expect(200).body.contains("Continue to My SPA?"), "{}", confirm.body);
        assert!(confirm.body.contains(EMAIL), "{}", confirm.body);
        let state = Form::of(&confirm).value("state").unwrap().to_owned();
        let around = browser.get(&format!("/authorize/resume?state={state}")).await;
        assert!(
            around.expect(302).header("location").starts_with("/u/confirmation?state="),
            "no way round it"
        );
        at_callback(&Form::of(&confirm).submit(&browser, "accept").await);
        let confirm = browser.open(&start.authorize_path(&[])).await;
        let no = Form::of(&confirm).submit(&browser, "deny").await;
        at_callback(&no);
        assert_eq!(no.returned("error").as_deref(), Some("access_denied"));
        let silent = browser.get(&start.authorize_path(&[("prompt", "none")])).await;
        assert_eq!(silent.returned("error").as_deref(), Some("interaction_required"));
        assert_eq!(admin.reason_of(&silent).await, "confirmation_missing");
        let client = format!("/clients/{}", server.client_id());
        let protect = json!({"redirection_policy": "open_redirect_protection"});
        admin.patch(&client, protect).await;
        let confirm = browser.open(&start.authorize_path(&[])).await;
        let no = Form::of(&confirm).submit(&browser, "deny").await;
        assert!(no.expect(403).body.contains("User did not authorize the request"), "{}", no.body);
        assert_eq!(no.header("location"), "");
        let skip = json!({"redirection_policy": "allow_always",
            "skip_non_verifiable_callback_uri_confirmation_prompt": true});
        admin.patch(&client, skip).await;
        at_callback(&browser.get(&start.authorize_path(&[])).await);
        let more = start.clone().scope("read:orders write:orders");
        let silent = browser.get(&more.authorize_path(&[("prompt", "none")])).await;
        assert_eq!(silent.returned("error").as_deref(), Some("consent_required"));
        assert_eq!(admin.reason_of(&silent).await, "consent_missing");
        let asked = browser.open(&more.authorize_path(&[])).await;
        assert!(asked.expect(200).body.contains("Orders: Write orders"), "{}", asked.body);
        assert!(!asked.body.contains("Orders: Read orders"), "{}", asked.body);
        at_callback(&Form::of(&asked).submit(&browser, "accept").await);
        let asked = browser.open(&more.authorize_path(&[("prompt", "consent")])).await;
        assert!(asked.expect(200).body.contains("Orders: Read orders"), "{}", asked.body);
        at_callback(&Form::of(&asked).submit(&browser, "accept").await);
    })
    .await;
}

#[tokio::test]
async fn only_codes_means_the_oldest_connection_first_and_the_other_one_click_away() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let database = admin.connection("Username-Password-Authentication").await;
        let path = format!("/connections/{}", database["id"].as_str().unwrap());
        admin.patch(&path, json!({"enabled_clients": []})).await;
        // The one for e-mail is made anew, so that it is the younger one.
        let email = admin.connection("email").await;
        let path = format!("/connections/{}", email["id"].as_str().unwrap());
        admin.call(reqwest::Method::DELETE, &path, None).await.expect(204);
        server.turn.forward_seconds(1);
        let email = json!({"name": "email", "strategy": "email", "enabled_clients": [server.client_id()]});
        admin.create("/connections", email).await;
        let (browser, start) = (server.tool(), start(&server));
        let page = browser.open(&start.authorize_path(&[])).await;
        assert!(page.expect(200).body.contains("type=\"tel\""), "{}", page.body);
        let link = page.body.split("href=\"").skip(1).find(|link| link.contains("connection=email"));
        let link = link.expect("a link to the other way").split('"').next().unwrap().replace("&#38;", "&");
        let by_email = browser.get(&link).await;
        assert!(by_email.expect(200).body.contains("type=\"email\""), "{}", by_email.body);
        let code_page =
            Form::of(&by_email).with("username", " Ada@Example.com").submit(&browser, "default").await;
        assert!(code_page.expect(200).body.contains("login-passwordless-email-code"), "{}", code_page.body);
        let code = server.mailbox.code_to(EMAIL);
        let answer = Form::of(&code_page).with("code", &code).submit(&browser, "default").await;
        at_callback(&answer);
        assert_eq!(claims(&answer.returned("id_token").unwrap())["name"], EMAIL);

        let foreign = start.authorize_path(&[("connection", "Username-Password-Authentication")]);
        let refused = server.tool().get(&foreign).await;
        assert_eq!(refused.expect(302).returned("error").as_deref(), Some("invalid_request"));
    })
    .await;
}

#[tokio::test]
async fn pages_speak_the_language_of_their_reader_and_load_nothing() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        admin.patch("/tenants/settings", json!({"enabled_locales": ["en", "de", "ja"]})).await;
        let (browser, start) = (server.tool(), start(&server));
        let page = browser.open(&start.authorize_path(&[("ui_locales", "ja de")])).await;
        assert!(page.expect(200).body.contains("<html lang=\"ja\">"), "{}", page.body);
        let path = browser.get(&start.authorize_path(&[])).await.expect(302).header("location").to_owned();
        let german =
            browser.request(reqwest::Method::GET, &path).header("accept-language", "de-CH, en;q=0.5");
        let page = browser.send(german).await;
        assert!(page.expect(200).body.contains("Willkommen"), "{}", page.body);
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(policy.contains("form-action 'self' https: http:;"), "{policy}");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("cache-control"), "no-store");
        for outside in ["src=\"http", "href=\"http", "@import", "url("] {
            assert!(!page.body.contains(outside), "{outside}");
        }
    })
    .await;
}
