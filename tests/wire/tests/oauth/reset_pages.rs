//! A forgotten password on the hosted pages, and the pages behind mailed links.

use gatewright_testkit::{Answer, Form, Page, Server, Start, claims, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

const DATABASE: &str = "Username-Password-Authentication";
const CALLBACK: &str = "http://localhost:4200/";
const ANN: &str = "ann@example.com";
const NOBODY: &str = "nobody@example.com";
const GOOD: &str = "Correct-horse-7";
const NEW: &str = "Other-horse-88";

fn start(server: &Server) -> Start {
    let mut start = Start::seed(server).scope("openid email");
    start.audience = None;
    start
}

async fn make_ann(server: &Server) {
    let user = json!({"connection": DATABASE, "email": ANN, "password": GOOD, "email_verified": false,
        "verify_email": false});
    server.admin().await.create("/users", user).await;
}

/// A link on a page whose address begins so.
#[track_caller]
fn link(page: &Answer, path: &str) -> String {
    let start = format!("href=\"{path}");
    let rest = page.body.split_once(&start).unwrap_or_else(|| panic!("no link to {path}: {}", page.body)).1;
    format!("{path}{}", rest.split('"').next().unwrap()).replace("&#38;", "&")
}

/// From the login to the page that asks whose password was forgotten.
async fn forgot(browser: &Page, start: &Start) -> Answer {
    let login = browser.open(&start.authorize_path(&[("login_hint", ANN)])).await;
    let page = browser.open(&link(login.expect(200), "/u/reset-password/request?state=")).await;
    assert!(page.expect(200).body.contains("id=\"reset-password-request\""), "{}", page.body);
    page
}

async fn choose(browser: &Page, page: &Answer, password: &str, again: &str) -> Answer {
    let form = Form::of(page).with("password", password).with("re-enter-password", again);
    form.press(browser, "default").await
}

async fn template(server: &Server, name: &str, change: Value) {
    let mut template = json!({"template": name, "body": "<a href=\"{{ url }}\">Go</a>", "from": "",
        "subject": "S", "syntax": "liquid", "enabled": true});
    for (name, value) in change.as_object().unwrap() {
        template[name] = value.clone();
    }
    server.admin().await.call(Method::POST, "/email-templates", Some(template)).await.expect(200);
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_and_the_login_goes_on() {
    on_every_database(async |server: Server| {
        make_ann(&server).await;
        let (browser, start) = (server.tool(), start(&server));
        let page = forgot(&browser, &start).await;
        assert_eq!(Form::of(&page).value("username"), Some(ANN), "what is known is filled in");
        let sent = Form::of(&page).submit(&browser, "default").await;
        assert!(sent.expect(200).body.contains("id=\"reset-password-email\"") && sent.body.contains(ANN));
        let mail = server.mailbox.link_to(ANN, 1).await;
        let page = browser.get(mail.trim_end_matches('#')).await;
        assert!(page.expect(200).body.contains("id=\"reset-password\"") && page.body.contains(ANN));
        assert!(
            page.body.contains("autocomplete=\"new-password\"")
                && page.body.contains("At least 8 characters")
        );
        assert_eq!(
            (page.header("referrer-policy"), page.header("cache-control")),
            ("no-referrer", "no-store")
        );
        for (password, again, text) in [
            ("", "", "Enter a new password"),
            (NEW, "", "once more"),
            (NEW, GOOD, "not the same"),
            ("weak", "weak", "class=\"missing\" data-rule=\"lengthAtLeast\""),
        ] {
            let answer = choose(&browser, &page, password, again).await;
            assert!(answer.expect(400).body.contains(text), "{}", answer.body);
            assert_eq!(Form::of(&answer).value("password"), Some(""));
        }
        let done = choose(&browser, &page, NEW, NEW).await;
        assert!(done.expect(200).body.contains("id=\"reset-password-success\""), "{}", done.body);
        // Back to the login that was left, filled in.
        let login = browser.open(&link(&done, "/u/login?state=")).await;
        assert_eq!(Form::of(login.expect(200)).value("username"), Some(ANN));
        let answer = Form::of(&login).with("password", NEW).submit(&browser, "default").await;
        assert!(answer.expect(302).location().as_str().starts_with(CALLBACK));
        assert_eq!(answer.returned("state").as_deref(), Some("the-state"));
        let id = claims(&answer.returned("id_token").unwrap());
        assert_eq!((&id["email"], &id["email_verified"]), (&json!(ANN), &json!(true)));

        let used = choose(&browser, &page, NEW, NEW).await;
        assert!(used.expect(400).body.contains("id=\"reset-password-error\""), "{}", used.body);
    })
    .await;
}

#[tokio::test]
async fn another_browser_is_not_led_into_a_login_that_it_did_not_begin() {
    on_every_database(async |server: Server| {
        make_ann(&server).await;
        let (browser, start, other) = (server.tool(), start(&server), server.tool());
        let page = forgot(&browser, &start).await;
        Form::of(&page).submit(&browser, "default").await.expect(200);
        let mail = server.mailbox.link_to(ANN, 1).await;
        let page = other.get(mail.trim_end_matches('#')).await;
        let done = choose(&other, &page, NEW, NEW).await;
        assert!(done.expect(200).body.contains("id=\"reset-password-success\""));
        assert!(!done.body.contains("/u/login"), "{}", done.body);
        assert!(done.set_cookies().is_empty());
    })
    .await;
}

#[tokio::test]
async fn known_and_unknown_accounts_get_the_same_answer() {
    on_every_database(async |server: Server| {
        make_ann(&server).await;
        let mut seen = Vec::new();
        for email in [ANN, NOBODY] {
            let browser = server.tool();
            let page = forgot(&browser, &start(&server)).await;
            let before = server.passwords_hashed();
            let form = Form::of(&page).with("username", &email.to_uppercase());
            let pressed = form.press(&browser, "default").await;
            assert_eq!(server.passwords_hashed(), before);
            let sent = browser.follow(pressed.clone()).await;
            let (state, csrf) = (
                Form::of(&sent).value("state").unwrap().to_owned(),
                Form::of(&sent).value("csrf").unwrap().to_owned(),
            );
            let nonce = sent.body.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();
            let words =
                sent.body.replace(email, "EMAIL").replace(&state, "").replace(&csrf, "").replace(nonce, "");
            seen.push((pressed.status, sent.status, words));
        }
        assert_eq!(seen[0], seen[1]);
        server.mailbox.link_to(ANN, 1).await;
        assert!(server.mailbox.to(NOBODY).is_empty());
        assert_eq!(
            server.admin().await.newest_log("fcpr").await["details"]["decision"]["reason"],
            "user_unknown"
        );
    })
    .await;
}

#[tokio::test]
async fn a_link_is_asked_for_every_half_minute_and_ten_times_an_hour() {
    on_every_database(async |server: Server| {
        make_ann(&server).await;
        let browser = server.tool();
        let page = forgot(&browser, &start(&server)).await;
        for (typed, text) in [("", "Enter your email address"), ("ann", "Enter an email address such as")] {
            let answer = Form::of(&page).with("username", typed).submit(&browser, "default").await;
            assert!(answer.expect(400).body.contains(text), "{}", answer.body);
        }
        let sent = Form::of(&page).submit(&browser, "default").await;
        server.mailbox.link_to(ANN, 1).await;
        let early = Form::of(&sent).submit(&browser, "resend-code").await;
        assert!(early.expect(200).body.contains("ask for a new email in"), "{}", early.body);
        server.turn.forward_seconds(31);
        Form::of(&sent).submit(&browser, "resend-code").await.expect(200);
        server.mailbox.link_to(ANN, 2).await;
        for _ in 2..10 {
            Form::of(&page).submit(&browser, "default").await.expect(200);
        }
        let more = Form::of(&page).submit(&browser, "default").await;
        assert!(more.expect(400).body.contains("many emails already"), "{}", more.body);
    })
    .await;
}

#[tokio::test]
async fn mailed_pages_speak_the_readers_language_and_end_where_the_tenant_says() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        admin.patch("/tenants/settings", json!({"enabled_locales": ["en", "fr", "ja"]})).await;
        let url = "https://done.example/{{ application.name | url_encode }}?from={{ application.callback_domain }}#top";
        template(&server, "reset_email", json!({"resultUrl": url, "includeEmailInRedirect": true})).await;
        template(&server, "verify_email", json!({"resultUrl": "http://plain.example/{{ application.clientID }}"})).await;
        make_ann(&server).await;
        let browser = server.tool();
        let page = forgot(&browser, &start(&server)).await;
        Form::of(&page).submit(&browser, "default").await.expect(200);
        let mail = server.mailbox.to(ANN).len();
        assert!(mail <= 1);
        let link = {
            let body = loop {
                if let Some(message) = server.mailbox.to(ANN).first() {
                    break message.body.clone();
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            };
            let start = body.find("https://").unwrap();
            body[start..].split(['#', ')']).next().unwrap().to_owned()
        };
        let french = browser.request(Method::GET, &link).header("accept-language", "fr-CA");
        let page = browser.send(french).await;
        assert!(page.expect(200).body.contains("<html lang=\"fr\">") && page.body.contains("Nouveau mot de passe"));
        let done = choose(&browser, &page, NEW, NEW).await.expect(302).location();
        assert_eq!((done.host_str(), done.path(), done.fragment()), (Some("done.example"), "/My%20SPA", Some("top")));
        let query: Vec<(String, String)> = done.query_pairs().into_owned().collect();
        let get = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!((get("from"), get("success"), get("email")), (Some("http://localhost:3000"), Some("true"), Some(ANN)));
        assert!(get("message").is_some());

        // An address that is not safe is not gone to.
        let sign_up = json!({"client_id": server.client_id(), "connection": DATABASE, "email": "eve@example.com", "password": GOOD});
        server.page("http://localhost:4200").post("/dbconnections/signup", sign_up).await.expect(200);
        let body = loop {
            if let Some(message) = server.mailbox.to("eve@example.com").first() {
                break message.body.clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        };
        let start = body.find("https://").unwrap();
        let link = body[start..].split(['#', ')']).next().unwrap().to_owned();
        let japanese = browser.request(Method::GET, &link).header("accept-language", "ja");
        let page = browser.send(japanese).await;
        assert!(page.expect(200).body.contains("<html lang=\"ja\">") && page.body.contains("eve@example.com"));
        let done = Form::of(&page).press(&browser, "default").await;
        assert!(done.expect(200).body.contains("is confirmed"), "{}", done.body);
    })
    .await;
}
