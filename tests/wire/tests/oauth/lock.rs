//! Logins on pages of this host with forms of their own, as auth0.js and Lock make them there.

mod codes;
mod pages;

use gatewright_testkit::{Answer, Form, Page, Server, Start, claims, on_every_database};
use serde_json::{Value, json};

const APP: &str = "http://localhost:4200";
const CALLBACK: &str = "http://localhost:4200/";
const DATABASE: &str = "Username-Password-Authentication";
const ANN: &str = "ann@example.com";
const GOOD: &str = "Correct-horse-7";
const LOGIN: &str = "/usernamepassword/login";

/// A page of the tenant's own host.
fn own_page(server: &Server) -> Page {
    server.page(server.issuer().trim_end_matches('/'))
}

async fn make_ann(server: &Server) -> String {
    let ann = json!({"connection": DATABASE, "email": ANN, "password": GOOD, "email_verified": true});
    server.admin().await.create("/users", ann).await["user_id"].as_str().unwrap().to_owned()
}

/// What auth0.js sends, with other members in the place of some.
fn body(server: &Server, change: Value) -> Value {
    let mut body = json!({
        "client_id": server.client_id(), "redirect_uri": CALLBACK, "tenant": "localhost:8443",
        "response_type": "token id_token", "scope": "openid email", "state": "the-state",
        "nonce": "the-nonce", "connection": DATABASE, "username": ANN, "password": GOOD,
        "_csrf": "", "_intstate": "deprecated", "popup": false,
    });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// The three hidden fields of the form.
fn fields(answer: &Answer) -> [(&'static str, String); 3] {
    answer.expect(200);
    assert!(answer.header("content-type").starts_with("text/html"));
    assert!(answer.body.starts_with("<form "), "the SDK submits the first element: {}", answer.body);
    let form = Form::of(answer);
    ["wa", "wresult", "wctx"].map(|name| (name, form.value(name).unwrap().to_owned()))
}

async fn call_back(page: &Page, fields: &[(&'static str, String); 3]) -> Answer {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    page.post_form("/login/callback", &fields).await
}

/// `(status, code, description)` of a refusal.
fn refusal(answer: &Answer) -> (u16, String, String) {
    let body = answer.json();
    assert_eq!(body["statusCode"], answer.status, "{body}");
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (answer.status, text("code"), text("description"))
}

#[tokio::test]
async fn a_page_of_this_host_logs_its_user_in() {
    on_every_database(async |server: Server| {
        let user_id = make_ann(&server).await;
        let page = own_page(&server);
        let form = fields(&page.post(LOGIN, body(&server, json!({}))).await);
        let context: Value = serde_json::from_str(&form[2].1).unwrap();
        assert_eq!((&context["protocol"], &context["connection"]), (&json!("oauth2"), &json!(DATABASE)));
        assert!(!form[2].1.contains(GOOD));
        let answer = call_back(&page, &form).await;
        assert!(answer.expect(302).location().as_str().starts_with(CALLBACK));
        assert_eq!(answer.returned("state").as_deref(), Some("the-state"));
        let id = claims(&answer.returned("id_token").unwrap());
        assert_eq!(
            (&id["sub"], &id["nonce"], &id["email"]),
            (&json!(user_id), &json!("the-nonce"), &json!(ANN))
        );

        // The session is the host's: another application is logged in without a word.
        let mut start = Start::seed(&server).scope("openid");
        start.audience = None;
        let silent = page.get(&start.authorize_path(&[("prompt", "none")])).await;
        assert_eq!(claims(&silent.returned("id_token").unwrap())["sid"], id["sid"]);
        let log = server.admin().await.newest_log("s").await;
        assert_eq!((&log["user_id"], &log["connection"]), (&json!(user_id), &json!(DATABASE)));

        // `realm`, `email`, and the tenant's default directory.
        let other = json!({"connection": null, "realm": DATABASE, "username": null, "email": ANN});
        fields(&page.post(LOGIN, body(&server, other)).await);
        let unset = page.post(LOGIN, body(&server, json!({"connection": null}))).await;
        assert_eq!(refusal(&unset).1, "invalid_request");
        server.admin().await.patch("/tenants/settings", json!({"default_directory": DATABASE})).await;
        fields(&page.post(LOGIN, body(&server, json!({"connection": null}))).await);

        // A code, for a page of an application that has a challenge ready.
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let code =
            json!({"response_type": "code", "code_challenge": challenge, "code_challenge_method": "S256"});
        let answer = call_back(&page, &fields(&page.post(LOGIN, body(&server, code)).await)).await;
        assert!(answer.expect(302).returned("code").is_some());
    })
    .await;
}

#[tokio::test]
async fn what_is_no_login_gets_no_form() {
    on_every_database(async |server: Server| {
        make_ann(&server).await;
        let page = own_page(&server);
        let attempt = async |change: Value| refusal(&page.post(LOGIN, body(&server, change)).await);

        // Nothing tells a wrong password from an unknown account.
        let before = server.passwords_hashed();
        let wrong = attempt(json!({"password": "Wrong-horse-7"})).await;
        let unknown = attempt(json!({"username": "nobody@example.com"})).await;
        assert_eq!(wrong, (401, "invalid_user_password".into(), "Wrong email or password.".into()));
        assert_eq!(wrong, unknown);
        assert_eq!(server.passwords_hashed() - before, 2);

        // Nor is a password looked at before the request is known to be good.
        let before = server.passwords_hashed();
        for (change, text) in [
            (json!({"client_id": "nobody"}), "client not found"),
            (json!({"client_id": null}), "client_id is required"),
            (json!({"connection": "sms"}), "Unknown realm sms."),
            (json!({"connection": "nowhere"}), "Unknown realm nowhere."),
            (json!({"username": ""}), "username is required"),
            (json!({"password": null}), "password is required"),
            (json!({"password": 7}), "The parameter password must be a string."),
            (json!({"redirect_uri": "https://evil.example/"}), "Callback URL mismatch."),
            (json!({"response_type": null}), "response_type"),
            (json!({"response_type": "code"}), "code_challenge"),
            (json!({"nonce": null}), "nonce"),
            (json!({"prompt": "dance"}), "Unknown prompt"),
            (json!({"organization": "org_1"}), "Organizations"),
        ] {
            let (status, code, description) = attempt(change.clone()).await;
            assert_eq!((status, code.as_str()), (400, "invalid_request"), "{change}");
            assert!(description.contains(text), "{change}: {description}");
        }
        assert_eq!(server.passwords_hashed(), before);
        page.post_raw(LOGIN, "application/json", "{").await.expect(400);
        page.post_raw(LOGIN, "text/plain", "x").await.expect(400);

        // Pages of other origins are refused, the application's own too: the form would be of no use there.
        for origin in [APP, "https://evil.example", "null"] {
            let answer = server.page(origin).post(LOGIN, body(&server, json!({}))).await;
            assert_eq!(
                refusal(&answer),
                (403, "unauthorized".into(), format!("Origin {origin} is not allowed."))
            );
            assert_eq!(answer.header("access-control-allow-origin"), "");
        }
        assert_eq!(server.passwords_hashed(), before);

        let admin = server.admin().await;
        let users = admin.get(&format!("/users-by-email?email={ANN}")).await;
        let path = format!("/users/{}", users[0]["user_id"].as_str().unwrap().replace('|', "%7C"));
        admin.patch(&path, json!({"blocked": true})).await;
        assert_eq!(attempt(json!({})).await, (401, "unauthorized".into(), "user is blocked".into()));
        assert_eq!(attempt(json!({"password": "x"})).await.1, "invalid_user_password");
        // A slow machine earns a try every six seconds meanwhile.
        let mut tries = 0;
        while attempt(json!({"password": "x"})).await.0 != 429 {
            tries += 1;
            assert!(tries < 60, "nobody is made to pause");
        }
        assert_eq!(attempt(json!({})).await.1, "too_many_attempts");
    })
    .await;
}

#[tokio::test]
async fn a_form_is_good_once_unchanged_and_in_its_own_browser() {
    on_every_database(async |server: Server| {
        make_ann(&server).await;
        let page = own_page(&server);
        let form = async || fields(&page.post(LOGIN, body(&server, json!({}))).await);

        // Changed: nowhere to go but a page.
        let good = form().await;
        let evil = good[2].1.replace("openid email", "openid email offline_access");
        assert_ne!(evil, good[2].1);
        let evil_state = good[2].1.replace("the-state", "my-state");
        for changed in [
            [good[0].clone(), good[1].clone(), ("wctx", evil)],
            [good[0].clone(), good[1].clone(), ("wctx", evil_state)],
            [good[0].clone(), good[1].clone(), ("wctx", "{}".to_owned())],
            [good[0].clone(), ("wresult", "x".repeat(43)), good[2].clone()],
            [good[0].clone(), ("wresult", String::new()), good[2].clone()],
            [("wa", "wsignout1.0".to_owned()), good[1].clone(), good[2].clone()],
        ] {
            let answer = call_back(&page, &changed).await;
            assert_eq!(
                (answer.expect(400).header("location"), answer.set_cookies().len()),
                ("", 0),
                "{changed:?}"
            );
        }

        // A form on another site, and another browser.
        assert_eq!(
            call_back(&server.page("https://evil.example"), &good).await.expect(403).header("location"),
            ""
        );
        let stranger = call_back(&own_page(&server), &good).await;
        assert_eq!(stranger.expect(302).returned("error").as_deref(), Some("login_required"));
        assert!(stranger.set_cookies().is_empty());
        let log = server.admin().await.newest_log("f").await;
        assert_eq!(log["details"]["decision"]["login"]["reason"], "ticket_unbound", "{log}");

        // None of that used it up; using it does.
        assert!(call_back(&page, &good).await.expect(302).returned("access_token").is_some());
        let again = call_back(&page, &good).await;
        assert_eq!(again.expect(302).returned("error").as_deref(), Some("login_required"));
        assert_eq!(again.returned("state").as_deref(), Some("the-state"));

        // Many at once: one is the first.
        let many = form().await;
        let answers = futures_util::future::join_all((0..8).map(|_| call_back(&page, &many))).await;
        let logged_in = answers.iter().filter(|answer| answer.expect(302).returned("id_token").is_some());
        assert_eq!(logged_in.count(), 1);

        let late = form().await;
        server.turn.forward_seconds(121);
        assert_eq!(call_back(&page, &late).await.returned("error").as_deref(), Some("login_required"));

        // Another tenant knows nothing of it.
        let there = server.page_at("acme", server.issuer_of("acme").trim_end_matches('/'));
        let good = form().await;
        let request =
            there.request(reqwest::Method::POST, "/login/callback").header("cookie", page.cookies());
        let sent: Vec<(&str, &str)> = good.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(there.send(request.form(&sent)).await.expect(400).header("location"), "");
        let foreign = there.post(LOGIN, body(&server, json!({}))).await;
        assert_eq!(refusal(&foreign).2, "client not found");
        let mine = json!({"client_id": server.client_id_of("acme")});
        assert_eq!(refusal(&there.post(LOGIN, body(&server, mine)).await).0, 401);
    })
    .await;
}

/// Goes to the hosted pages; returns the state of the login there.
async fn begin(page: &Page, start: &Start) -> String {
    let answer = page.get(&start.authorize_path(&[])).await;
    let target = answer.expect(302).header("location").to_owned();
    target.split_once("?state=").unwrap_or_else(|| panic!("no login page: {target}")).1.to_owned()
}

#[tokio::test]
async fn a_form_answers_the_login_whose_page_it_is() {
    on_every_database(async |server: Server| {
        let user_id = make_ann(&server).await;
        let page = own_page(&server);
        let mut start = Start::seed(&server).scope("openid");
        start.audience = None;
        let state = begin(&page, &start).await;

        // The address of the classic page leads to the page there is.
        let classic = page.get(&format!("/login?state={state}&client={}", server.client_id())).await;
        assert_eq!(classic.expect(302).header("location"), format!("/u/login?state={state}"));
        let lost = server.tool().get(&format!("/login?state={state}")).await;
        assert!(lost.expect(400).body.contains("another browser"), "{}", lost.body);
        page.get("/login").await.expect(400);

        // What the body asks for does not count: the login knows.
        let change =
            json!({"state": state, "redirect_uri": "https://evil.example/", "scope": "openid email"});
        let form = fields(&page.post(LOGIN, body(&server, change)).await);
        let resumed = call_back(&page, &form).await;
        assert_eq!(resumed.expect(302).header("location"), format!("/authorize/resume?state={state}"));
        // Pressed twice, the second press comes to the same place.
        let twice = call_back(&page, &form).await;
        assert_eq!(twice.expect(302).header("location"), resumed.header("location"));
        let answer = page.follow(resumed).await;
        assert_eq!(answer.returned("state").as_deref(), Some("the-state"));
        assert_eq!(claims(&answer.returned("id_token").unwrap())["sub"], user_id.as_str());
        assert_eq!(
            claims(&answer.returned("id_token").unwrap()).get("email"),
            None,
            "openid alone was asked for"
        );
        assert!(call_back(&page, &form).await.expect(400).body.contains("<html"), "the login is over");

        // The state of another browser, of a login that is over, of another application.
        let admin = server.admin().await;
        let refused = async |page: &Page, change: Value| {
            let answer = page.post(LOGIN, body(&server, change)).await;
            (refusal(&answer).0, refusal(&answer).2, admin.reason_of(&answer).await)
        };
        let over = "The login is over. Begin it anew at the application.";
        assert_eq!(
            refused(&page, json!({"state": state})).await,
            (400, over.to_owned(), "login_over".to_owned())
        );
        let ours = begin(&page, &start.clone().with("prompt", "login")).await;
        let stranger = refused(&own_page(&server), json!({"state": ours})).await;
        assert_eq!((stranger.0, &*stranger.2), (403, "other_browser"));
        let client = json!({"name": "Other", "app_type": "spa", "callbacks": [CALLBACK]});
        let other = admin.create("/clients", client).await;
        let connection = admin.connection(DATABASE).await;
        let enabled = json!({"enabled_clients": [server.client_id(), other["client_id"]]});
        admin.patch(&format!("/connections/{}", connection["id"].as_str().unwrap()), enabled).await;
        let change = json!({"state": ours, "client_id": other["client_id"]});
        let text = "The state belongs to a login of another application.";
        assert_eq!(refused(&page, change).await, (400, text.to_owned(), "state_of_other_client".to_owned()));

        let by_sms = begin(&page, &start.clone().with("connection", "sms")).await;
        let text = "The application asked for a login at another connection.";
        let elsewhere = refused(&page, json!({"state": by_sms})).await;
        assert_eq!(elsewhere, (400, text.to_owned(), "other_connection".to_owned()));

        // The form in another browser does nothing to the login.
        let form = fields(&page.post(LOGIN, body(&server, json!({"state": ours}))).await);
        assert!(call_back(&own_page(&server), &form).await.expect(400).body.contains("another browser"));
        let answer = page.follow(call_back(&page, &form).await).await;
        assert!(answer.returned("id_token").is_some());
    })
    .await;
}
