//! Signing up on the hosted pages.

use gatewright_testkit::{Answer, Form, Page, Server, Start, claims, on_every_database};
use serde_json::{Value, json};

const DATABASE: &str = "Username-Password-Authentication";
const CALLBACK: &str = "http://localhost:4200/";
const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
const GOOD: &str = "Correct-horse-7";

fn start(server: &Server) -> Start {
    let mut start = Start::seed(server).scope("openid email");
    start.audience = None;
    start.with("screen_hint", "signup")
}

async fn options(server: &Server, change: Value) {
    let admin = server.admin().await;
    let connection = admin.connection(DATABASE).await;
    let mut options = connection["options"].clone();
    for (name, value) in change.as_object().unwrap() {
        options[name] = value.clone();
    }
    let path = format!("/connections/{}", connection["id"].as_str().unwrap());
    admin.patch(&path, json!({"options": options})).await;
}

async fn make(server: &Server, email: &str) {
    let user = json!({"connection": DATABASE, "email": email, "password": GOOD, "email_verified": true});
    server.admin().await.create("/users", user).await;
}

async fn users(server: &Server, email: &str) -> Value {
    server.admin().await.get(&format!("/users-by-email?email={email}")).await
}

async fn tell_of_accounts(server: &Server) {
    let flags = json!({"flags": {"enable_public_signup_user_exists_error": true}});
    server.admin().await.patch("/tenants/settings", flags).await;
}

/// Opens the page and sends it in.
async fn sign_up(server: &Server, browser: &Page, email: &str, password: &str) -> Answer {
    let page = browser.open(&start(server).authorize_path(&[])).await;
    assert!(page.expect(200).body.contains("id=\"signup\""), "{}", page.body);
    Form::of(&page).with("email", email).with("password", password).submit(browser, "default").await
}

/// The newest of `count` messages, which are sent after the answer.
async fn message(server: &Server, to: &str, count: usize) -> String {
    for _ in 0..200 {
        if let Some(message) = server.mailbox.to(to).get(count - 1) {
            return message.body.clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no message number {count} to {to}");
}

fn code_in(message: &str) -> String {
    let mut words = message.split(|c: char| !c.is_ascii_digit());
    words.find(|word| word.len() == 6).expect("a code").to_owned()
}

fn wrong(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

#[track_caller]
fn at_callback(answer: &Answer) -> Value {
    let location = answer.expect(302).location();
    assert!(location.as_str().starts_with(CALLBACK), "{location}");
    claims(&answer.returned("id_token").expect("an ID token"))
}

/// A page without what differs between two visits of it.
fn words(answer: &Answer, email: &str) -> String {
    let mut text = answer.body.replace(email, "EMAIL");
    for name in ["state", "csrf"] {
        if let Some(value) = Form::of(answer).value(name) {
            text = text.replace(value, name);
        }
    }
    let nonce = answer.body.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();
    text.replace(nonce, "NONCE")
}

#[tokio::test]
async fn a_code_proves_the_address_and_then_there_is_an_account() {
    on_every_database(async |server: Server| {
        let browser = server.tool();
        let asked = sign_up(&server, &browser, " Ann@Example.com", GOOD).await;
        assert!(asked.expect(200).body.contains("id=\"email-identifier-challenge\""), "{}", asked.body);
        assert!(asked.body.contains("autocomplete=\"one-time-code\"") && asked.body.contains(ANN));
        assert_eq!(users(&server, ANN).await, json!([]), "nothing is made before the address is proved");
        let code = code_in(&message(&server, ANN, 1).await);
        let answer = Form::of(&asked).with("code", wrong(&code)).submit(&browser, "default").await;
        assert!(answer.expect(400).body.contains("not right"), "{}", answer.body);
        assert_eq!(
            server.admin().await.newest_log("fs").await["details"]["decision"]["reason"],
            "code_wrong"
        );
        let done = Form::of(&asked).with("code", &code).press(&browser, "default").await;
        // The button pressed twice leads to the same place.
        let again = Form::of(&asked).with("code", &code).press(&browser, "default").await;
        assert_eq!(done.expect(302).header("location"), again.expect(302).header("location"));
        let id = at_callback(&browser.follow(done).await);
        assert_eq!((&id["email"], &id["email_verified"]), (&json!(ANN), &json!(true)));
        let log = server.admin().await.newest_log("ss").await;
        assert_eq!((&log["user_id"], &log["connection"]), (&id["sub"], &json!(DATABASE)));
        assert_eq!(log["details"]["decision"]["reason"], "address_proved_by_code");
        // The password is the one that was typed, and the session is alive.
        let other = server.tool();
        let mut plain = Start::seed(&server).scope("openid email");
        plain.audience = None;
        let login = other.open(&plain.authorize_path(&[])).await;
        let form = Form::of(&login).with("username", ANN).with("password", GOOD);
        assert_eq!(at_callback(&form.submit(&other, "default").await)["sub"], id["sub"]);
        assert_eq!(at_callback(&browser.get(&plain.authorize_path(&[])).await)["sub"], id["sub"]);
    })
    .await;
}

#[tokio::test]
async fn an_address_that_got_an_account_while_its_code_was_on_the_way_gets_no_second_one() {
    on_every_database(async |server: Server| {
        let browser = server.tool();
        let asked = sign_up(&server, &browser, ANN, GOOD).await;
        let code = code_in(&message(&server, ANN, 1).await);
        make(&server, ANN).await;
        let refused = Form::of(&asked).with("code", &code).submit(&browser, "default").await;
        assert!(refused.expect(400).body.contains("role=\"alert\""), "{}", refused.body);
        let log = server.admin().await.newest_log("fs").await;
        assert_eq!(
            (&log["details"]["decision"]["reason"], &log["user_name"]),
            (&json!("taken_meanwhile"), &json!(ANN))
        );
        assert_eq!(users(&server, ANN).await.as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_address_with_an_account_gets_the_same_pages_and_the_same_work() {
    on_every_database(async |server: Server| {
        make(&server, ANN).await;
        let mut seen: Vec<(Vec<(u16, String)>, u64)> = Vec::new();
        for email in [ANN, BOB] {
            let browser = server.tool();
            let page = browser.open(&start(&server).authorize_path(&[])).await;
            let before = server.passwords_hashed();
            let form = Form::of(&page).with("email", email).with("password", GOOD);
            let pressed = form.press(&browser, "default").await;
            let hashed = server.passwords_hashed() - before;
            let asked = browser.follow(pressed.clone()).await;
            let mut answers = vec![(pressed.status, String::new()), (asked.status, words(&asked, email))];
            for _ in 0..4 {
                let answer = Form::of(&asked).with("code", "123").submit(&browser, "default").await;
                answers.push((answer.status, words(&answer, email)));
            }
            let early = Form::of(&asked).submit(&browser, "resend-code").await;
            answers.push((early.status, words(&early, email)));
            seen.push((answers, hashed));
        }
        assert_eq!(seen[0], seen[1]);
        assert_eq!(seen[0].1, 1, "the password is hashed either way");
        assert!(seen[0].0.last().unwrap().0 == 200 && seen[0].0[5].1.contains("tried too often"));
        // Only the mailbox knows.
        assert!(message(&server, ANN, 1).await.contains("account with this address"));
        assert!(
            !message(&server, ANN, 1)
                .await
                .split_whitespace()
                .any(|word| word.len() == 6 && word.parse::<u32>().is_ok())
        );
        code_in(&message(&server, BOB, 1).await);
    })
    .await;
}

#[tokio::test]
async fn a_code_lives_for_a_while_and_a_new_one_replaces_it() {
    on_every_database(async |server: Server| {
        let browser = server.tool();
        let asked = sign_up(&server, &browser, ANN, GOOD).await;
        let first = code_in(&message(&server, ANN, 1).await);
        server.turn.forward_seconds(31);
        let resent = Form::of(&asked).submit(&browser, "resend-code").await;
        assert!(resent.expect(200).body.contains("We sent a new code"), "{}", resent.body);
        let second = code_in(&message(&server, ANN, 2).await);
        if first != second {
            let old = Form::of(&asked).with("code", &first).submit(&browser, "default").await;
            assert!(old.expect(400).body.contains("not right"));
        }
        server.turn.forward_seconds(901);
        let late = Form::of(&asked).with("code", &second).submit(&browser, "default").await;
        assert!(late.expect(400).body.contains("its time is over"), "{}", late.body);
        // A message every half minute, and five an hour.
        for count in 3..=5 {
            server.turn.forward_seconds(31);
            Form::of(&asked).submit(&browser, "resend-code").await.expect(200);
            message(&server, ANN, count).await;
        }
        server.turn.forward_seconds(31);
        let more = Form::of(&asked).submit(&browser, "resend-code").await;
        assert!(
            more.expect(200).body.contains("We sent a new code"),
            "one came back in a quarter of an hour"
        );
        message(&server, ANN, 6).await;
        server.turn.forward_seconds(31);
        let more = Form::of(&asked).submit(&browser, "resend-code").await;
        assert!(more.expect(400).body.contains("many emails already"), "{}", more.body);
        let code = code_in(&message(&server, ANN, 6).await);
        at_callback(&Form::of(&asked).with("code", &code).submit(&browser, "default").await);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_the_form_is_told_at_its_fields() {
    on_every_database(async |server: Server| {
        let browser = server.tool();
        let page = browser.open(&start(&server).authorize_path(&[("login_hint", ANN)])).await;
        assert_eq!(Form::of(&page).value("email"), Some(ANN), "login_hint fills it in");
        for attributes in
            ["autocomplete=\"username\"", "autocomplete=\"new-password\"", "At least 8 characters"]
        {
            assert!(page.body.contains(attributes), "{attributes}");
        }
        let send = async |email: &str, password: &str| {
            Form::of(&page).with("email", email).with("password", password).submit(&browser, "default").await
        };
        for (email, password, text) in [
            ("", GOOD, "id=\"email-error\" role=\"alert\">Enter your email address"),
            ("ann", GOOD, "Enter an email address such as"),
            (ANN, "", "id=\"password-error\" role=\"alert\">Enter your password"),
            ("", "", "id=\"password-error\" role=\"alert\">Enter your password"),
            (ANN, "short", "This password is too weak"),
        ] {
            let answer = send(email, password).await;
            assert!(answer.expect(400).body.contains(text), "{email} {password}: {}", answer.body);
            assert_eq!(Form::of(&answer).value("email"), Some(email), "what was typed stays");
            assert_eq!(Form::of(&answer).value("password"), Some(""), "but never a password");
            assert!(answer.body.contains("<title>Error:"));
        }
        // The rules say which of them the password lacks: also without scripts.
        let weak = send(ANN, "longenough").await;
        assert!(weak.expect(400).body.contains("aria-describedby=\"password-error rules rules-list\""));
        assert!(
            weak.body.contains("class=\"held\" data-rule=\"lengthAtLeast\" data-count=\"8\""),
            "{}",
            weak.body
        );
        assert!(weak.body.contains("class=\"missing\" data-rule=\"containsAtLeast\" data-count=\"3\""));
        assert!(weak.body.contains("class=\"held\" data-rule=\"lowerCase\""));
        assert!(weak.body.contains("Missing:") && weak.body.contains("Fulfilled:"));
        options(&server, json!({"password_no_personal_info": {"enable": true}})).await;
        assert!(
            send("annabel@example.com", "1x-Annabel").await.expect(400).body.contains("something about you")
        );
        let forged = Form::of(&page).with("csrf", "0").with("email", ANN).with("password", GOOD);
        assert!(forged.submit(&browser, "default").await.expect(400).body.contains("out of date"));
        assert!(server.mailbox.to(ANN).is_empty());
    })
    .await;
}

#[tokio::test]
async fn identifier_first_signs_up_on_two_pages() {
    on_every_database(async |server: Server| {
        server.admin().await.patch("/prompts", json!({"identifier_first": true})).await;
        options(&server, json!({"requires_username": true})).await;
        let browser = server.tool();
        let page = browser.open(&start(&server).authorize_path(&[])).await;
        assert!(page.expect(200).body.contains("id=\"signup-id\""), "{}", page.body);
        let form = Form::of(&page).with("email", ANN);
        for (name, text) in
            [("", "Choose a username"), ("much-too-long-a-name", "1 to 15 characters"), ("a@b", "no @")]
        {
            let answer = form.clone().with("username", name).submit(&browser, "default").await;
            assert!(answer.expect(400).body.contains(text), "{}", answer.body);
        }
        let next = form.with("username", "Annie").submit(&browser, "default").await;
        assert!(
            next.expect(200).body.contains("id=\"signup-password\"") && next.body.contains(ANN),
            "{}",
            next.body
        );
        let back = browser.get(Form::of(&page).action()).await;
        assert!(back.expect(400).body.contains("Please start again"), "without a state there is no sign-up");
        let weak = Form::of(&next).with("password", "weak").submit(&browser, "default").await;
        assert!(weak.expect(400).body.contains("too weak"), "{}", weak.body);
        let asked = Form::of(&next).with("password", GOOD).submit(&browser, "default").await;
        let code = code_in(&message(&server, ANN, 1).await);
        at_callback(&Form::of(&asked).with("code", &code).submit(&browser, "default").await);
        assert_eq!(users(&server, ANN).await[0]["username"], "annie");
    })
    .await;
}

#[tokio::test]
async fn a_tenant_that_tells_of_accounts_signs_up_at_once() {
    on_every_database(async |server: Server| {
        tell_of_accounts(&server).await;
        make(&server, BOB).await;
        let browser = server.tool();
        let taken = sign_up(&server, &browser, BOB, GOOD).await;
        assert!(
            taken.expect(400).body.contains("There is an account with this email address"),
            "{}",
            taken.body
        );
        let done =
            Form::of(&taken).with("email", ANN).with("password", GOOD).submit(&browser, "default").await;
        let id = at_callback(&done);
        assert_eq!((&id["email"], &id["email_verified"]), (&json!(ANN), &json!(false)));
        // Compat: the link that proves the address goes out all the same.
        let link = server.mailbox.link_to(ANN, 1).await;
        assert!(link.contains("/u/email-verification?ticket="), "{link}");
    })
    .await;
}

#[tokio::test]
async fn nobody_is_led_to_a_sign_up_that_is_closed() {
    on_every_database(async |server: Server| {
        let mut plain = Start::seed(&server).scope("openid");
        plain.audience = None;
        let browser = server.tool();
        let open = browser.open(&plain.authorize_path(&[])).await;
        assert!(open.expect(200).body.contains("href=\"/u/signup?state="), "{}", open.body);
        assert!(open.body.contains("href=\"/u/reset-password/request?state="));
        let state = Form::of(&open).value("state").unwrap().to_owned();
        // A login by codes has nothing to sign up for, and no password to forget.
        let sms =
            browser.open(&plain.authorize_path(&[("connection", "sms"), ("screen_hint", "signup")])).await;
        assert!(sms.expect(200).body.contains("id=\"login-id\""), "{}", sms.body);
        assert!(!sms.body.contains("/u/signup") && !sms.body.contains("/u/reset-password"));

        options(&server, json!({"disable_signup": true, "disable_self_service_change_password": true})).await;
        let closed = browser.open(&start(&server).authorize_path(&[])).await;
        assert!(closed.expect(200).body.contains("id=\"login\""), "{}", closed.body);
        assert!(!closed.body.contains("/u/signup") && !closed.body.contains("/u/reset-password"));
        for path in [
            "/u/signup",
            "/u/signup/identifier",
            "/u/signup/password",
            "/u/email-identifier/challenge",
            "/u/reset-password/request",
            "/u/reset-password/email",
        ] {
            let away = browser.get(&format!("{path}?state={state}")).await;
            assert!(away.expect(302).header("location").starts_with("/u/login?state="), "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn codes_typed_in_from_one_address_are_limited_whatever_the_login() {
    on_every_database(async |server: Server| {
        let mut tried = 0;
        let refused = 'all: loop {
            let browser = server.tool();
            let page = browser.open(&Start::seed(&server).authorize_path(&[("connection", "sms")])).await;
            let phone = format!("+6140000{:04}", tried);
            let code_page = Form::of(&page).with("username", &phone).submit(&browser, "default").await;
            for _ in 0..10 {
                tried += 1;
                let answer = Form::of(&code_page).with("code", "1").submit(&browser, "default").await;
                if answer.expect(400).body.contains("too many attempts") {
                    break 'all answer;
                }
                assert!(tried <= 50, "{}", answer.body);
            }
        };
        assert_eq!(tried, 51);
        assert!(refused.body.contains("role=\"alert\""));
        server.turn.forward_seconds(6);
        let browser = server.tool();
        let page = browser.open(&Start::seed(&server).authorize_path(&[("connection", "sms")])).await;
        let code_page = Form::of(&page).with("username", "+61400009999").submit(&browser, "default").await;
        let answer = Form::of(&code_page).with("code", "1").submit(&browser, "default").await;
        assert!(answer.expect(400).body.contains("not right"), "{}", answer.body);
    })
    .await;
}
