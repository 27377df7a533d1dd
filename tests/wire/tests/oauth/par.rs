//! Pushed authorization requests, RFC 9126.

use futures_util::future::join_all;
use gatewright_testkit::{Admin, Answer, Form, Page, Server, claims, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

use crate::keys::{TYPE, credential, good, now, signed, with};

const CALLBACK: &str = "https://app.example/callback";
const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "Correct-horse-battery-1";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A confidential web application with people that may log in to it.
struct Web {
    id: String,
    secret: String,
    admin: Admin,
}

impl Web {
    async fn new(server: &Server, more: Value) -> Self {
        let admin = server.admin().await;
        let web = Self::another(&admin, "Web", more).await;
        let ada = json!({"connection": "Username-Password-Authentication", "email": EMAIL,
            "password": PASSWORD, "email_verified": true});
        admin.create("/users", ada).await;
        Self {
            id: web["client_id"].as_str().unwrap().into(),
            secret: web["client_secret"].as_str().unwrap_or_default().into(),
            admin,
        }
    }

    async fn another(admin: &Admin, name: &str, more: Value) -> Value {
        let mut body = json!({"name": name, "app_type": "regular_web", "callbacks": [CALLBACK]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = admin.create("/clients", body).await;
        let database = admin.connection("Username-Password-Authentication").await;
        let mut enabled = database["enabled_clients"].as_array().unwrap().clone();
        enabled.push(made["client_id"].clone());
        let path = format!("/connections/{}", database["id"].as_str().unwrap());
        admin.patch(&path, json!({"enabled_clients": enabled})).await;
        made
    }

    /// A request that may be pushed.
    fn request(&self) -> Value {
        json!({"client_id": self.id, "client_secret": self.secret, "response_type": "code",
            "redirect_uri": CALLBACK, "scope": "openid email", "state": "pushed-state", "nonce": "pushed-nonce",
            "code_challenge": CHALLENGE, "code_challenge_method": "S256"})
    }

    async fn push(&self, page: &Page) -> String {
        let answer = push(page, &self.request()).await;
        let body = answer.expect(201).json();
        assert_eq!(body["expires_in"], 30);
        assert_eq!(answer.header("cache-control"), "no-store");
        body["request_uri"].as_str().unwrap().to_owned()
    }

    fn path(&self, uri: &str) -> String {
        authorize(&self.id, uri)
    }

    async fn redeem(&self, page: &Page, code: &str) -> Answer {
        let body = json!({"grant_type": "authorization_code", "client_id": self.id, "code": code,
            "client_secret": self.secret, "code_verifier": VERIFIER, "redirect_uri": CALLBACK});
        page.post("/oauth/token", body).await
    }
}

async fn push(page: &Page, request: &Value) -> Answer {
    let fields: Vec<(&str, &str)> = request
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    page.post_form("/oauth/par", &fields).await
}

fn authorize(client_id: &str, uri: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", client_id), ("request_uri", uri)])
        .finish();
    format!("/authorize?{query}")
}

async fn fill_in(browser: &Page, page: &Answer) -> Answer {
    let form = Form::of(page.expect(200)).with("username", EMAIL).with("password", PASSWORD);
    form.submit(browser, "default").await
}

/// The page that says that a `request_uri` is no good; nothing is redirected.
#[track_caller]
fn is_unknown(answer: &Answer) {
    assert!(answer.expect(400).body.contains("request_uri"), "{}", answer.body);
    assert_eq!(answer.header("location"), "");
}

#[tokio::test]
async fn what_was_pushed_alone_counts_and_is_answered_once() {
    on_every_database(async |server: Server| {
        let web = Web::new(&server, json!({})).await;
        let browser = server.tool();
        let uri = web.push(&browser).await;
        assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"), "{uri}");

        // Parameters beside it change nothing.
        let beside = "&redirect_uri=https%3A%2F%2Fevil.example%2F&state=other&response_type=token&scope=openid&nonce=o";
        let page = browser.open(&format!("{}{beside}", web.path(&uri))).await;
        // Reloaded before the login is done: fine, and the login that is finished counts.
        let abandoned = page.clone();
        let page = browser.open(&web.path(&uri)).await;
        let answer = fill_in(&browser, &page).await;
        assert!(answer.expect(302).location().as_str().starts_with(CALLBACK));
        assert_eq!(answer.returned("state").as_deref(), Some("pushed-state"));
        assert_eq!(answer.location().fragment(), None);
        let tokens = web.redeem(&browser, &answer.returned("code").unwrap()).await.expect(200).json();
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!((&id["nonce"], &id["email"]), (&json!("pushed-nonce"), &json!(EMAIL)));

        // Answered: neither the address nor the page that was left open leads to another answer.
        is_unknown(&browser.get(&web.path(&uri)).await);
        let late = fill_in(&browser, &abandoned).await;
        assert_eq!((late.expect(400).header("location"), late.body.contains("code=")), ("", false));
        let log = web.admin.newest_log("f").await;
        assert_eq!(log["details"]["decision"]["reason"], "pushed_request_unknown");

        // A session answers the next one at once, JSON or form.
        let json = browser.post("/oauth/par", web.request()).await.expect(201).json();
        let silent = browser.get(&web.path(json["request_uri"].as_str().unwrap())).await;
        assert!(silent.expect(302).returned("code").is_some());
    })
    .await;
}

#[tokio::test]
async fn a_request_lives_briefly_and_a_login_begun_in_time_goes_on() {
    on_every_database(async |server: Server| {
        let web = Web::new(&server, json!({"par_request_expiry": 300})).await;
        let browser = server.tool();
        let answer = push(&browser, &web.request()).await;
        assert_eq!(answer.expect(201).json()["expires_in"], 300);
        let uri = answer.json()["request_uri"].as_str().unwrap().to_owned();
        let page = browser.open(&web.path(&uri)).await;
        server.turn.forward_seconds(301);
        is_unknown(&browser.get(&web.path(&uri)).await);
        // A new push forgets old ones, but not those whose login may go on.
        push(&browser, &web.request()).await.expect(201);
        let answer = fill_in(&browser, &page).await;
        assert!(answer.expect(302).returned("code").is_some());
    })
    .await;
}

#[tokio::test]
async fn a_request_belongs_to_its_client_and_tenant() {
    on_every_database(async |server: Server| {
        let web = Web::new(&server, json!({})).await;
        let browser = server.tool();
        let other = Web::another(&web.admin, "Other", json!({})).await;
        let uri = web.push(&browser).await;
        is_unknown(&browser.get(&authorize(other["client_id"].as_str().unwrap(), &uri)).await);
        is_unknown(&browser.get(&authorize("nobody", &uri)).await);
        let without = web.path(&uri).replace(&format!("client_id={}&", web.id), "");
        is_unknown(&browser.get(&without).await);
        is_unknown(&browser.get(&web.path(&format!("{uri}x"))).await);
        is_unknown(&server.page_at("acme", "http://localhost:4200").get(&web.path(&uri)).await);
        // None of these used it up. It may also come as a form.
        let page = browser.post_form("/authorize", &[("client_id", &web.id), ("request_uri", &uri)]).await;
        assert!(page.expect(302).header("location").starts_with("/u/login"), "{}", page.header("location"));
        // Other request_uris are not supported, and that is said at the callback.
        let plain = format!(
            "/authorize?client_id={}&redirect_uri={CALLBACK}&response_type=code&request_uri=https%3A%2F%2Fapp.example%2Fr",
            web.id
        );
        let refused = browser.get(&plain).await;
        assert_eq!(refused.expect(302).returned("error").as_deref(), Some("request_uri_not_supported"));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_succeed_is_refused_when_it_is_pushed() {
    on_every_database(async |server: Server| {
        let web = Web::new(&server, json!({})).await;
        let tool = server.tool();
        let cases = [
            ("redirect_uri", json!("https://evil.example/"), "invalid_request", "Callback URL mismatch."),
            ("response_type", json!("banana"), "unsupported_response_type", "banana"),
            ("response_type", Value::Null, "invalid_request", "response_type"),
            ("code_challenge", json!("short"), "invalid_request", "code_challenge"),
            ("prompt", json!("none login"), "invalid_request", "prompt"),
            ("request", json!("e30.e30."), "request_not_supported", "request"),
            ("request_uri", json!("urn:ietf:params:oauth:request_uri:x"), "invalid_request", "request_uri"),
            ("request_uri", json!("https://app.example/r"), "invalid_request", "request_uri"),
        ];
        for (name, value, error, text) in cases {
            let answer = push(&tool, &with(web.request(), name, value.clone())).await;
            let (got, description) = answer.expect(400).error();
            assert_eq!(got, error, "{name} {value}");
            assert!(description.contains(text), "{name} {value}: {description}");
        }
        let number = with(web.request(), "max_age", json!(7));
        assert_eq!(tool.post("/oauth/par", number).await.expect(400).error().0, "invalid_request");
        tool.get("/oauth/par").await.expect(405);

        for (name, value) in [("client_secret", json!("wrong")), ("client_secret", Value::Null), ("client_id", json!("nobody"))] {
            let answer = push(&tool, &with(web.request(), name, value.clone())).await;
            assert_eq!(answer.expect(401).error().0, "access_denied", "{name} {value}");
        }
        // Basic, with and without another client's id in the body.
        let basic = |body: Value| {
            let request = tool.request(Method::POST, "/oauth/par").basic_auth(&web.id, Some(&web.secret));
            tool.send(request.form(&body))
        };
        let bare = with(web.request(), "client_secret", Value::Null);
        basic(with(bare.clone(), "client_id", Value::Null)).await.expect(201);
        let other = basic(with(bare, "client_id", json!(server.client_id()))).await;
        assert_eq!(other.expect(400).error().0, "invalid_request");

        // A public client has only its id; PKCE is asked of it as at /authorize.
        let spa = json!({"client_id": server.client_id(), "redirect_uri": "http://localhost:4200/", "response_type": "code"});
        assert!(push(&tool, &spa).await.expect(400).error().1.contains("code_challenge"));
        push(&tool, &with(spa, "code_challenge", json!(CHALLENGE))).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn a_client_may_have_to_push_and_may_prove_itself_by_its_key() {
    on_every_database(async |server: Server| {
        let more = json!({"require_pushed_authorization_requests": true,
            "client_authentication_methods": {"private_key_jwt": {"credentials": [credential(0)]}}});
        let web = Web::new(&server, more).await;
        let browser = server.tool();
        let plain = with(web.request(), "client_secret", Value::Null);
        let query: Vec<(String, String)> =
            plain.as_object().unwrap().iter().map(|(n, v)| (n.clone(), v.as_str().unwrap().into())).collect();
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let refused = browser.get(&format!("/authorize?{query}")).await;
        assert_eq!(refused.expect(302).returned("error").as_deref(), Some("invalid_request"));
        assert_eq!(refused.returned("state").as_deref(), Some("pushed-state"));
        let log = web.admin.newest_log("f").await;
        assert_eq!(log["details"]["decision"]["reason"], "request_not_pushed");

        let now = now(&web.admin);
        let proven = |aud: String, jti: &str| {
            let claims = with(good(server.issuer(), &web.id, now, jti), "aud", json!(aud));
            let plain = with(plain.clone(), "client_assertion", json!(signed(&claims)));
            with(plain, "client_assertion_type", json!(TYPE))
        };
        push(&browser, &plain).await.expect(401);
        push(&browser, &proven(format!("{}oauth/par", server.issuer()), "1")).await.expect(201);
        let first = proven(server.issuer().to_owned(), "2");
        let uri = push(&browser, &first).await.expect(201).json()["request_uri"].as_str().unwrap().to_owned();
        assert_eq!(push(&browser, &first).await.expect(401).error().0, "invalid_client");

        let page = browser.open(&web.path(&uri)).await;
        let answer = fill_in(&browser, &page).await;
        let body = json!({"grant_type": "authorization_code", "code": answer.returned("code").unwrap(),
            "client_assertion_type": TYPE, "client_assertion": signed(&good(server.issuer(), &web.id, now, "3")),
            "code_verifier": VERIFIER, "redirect_uri": CALLBACK});
        let tokens = browser.post("/oauth/token", body).await.expect(200).json();
        assert!(tokens["id_token"].is_string());
    })
    .await;
}

#[tokio::test]
async fn fifty_at_once_get_one_answer() {
    on_every_database(async |server: Server| {
        let web = Web::new(&server, json!({})).await;
        let browser = server.tool();
        let uri = web.push(&browser).await;
        let page = browser.open(&web.path(&uri)).await;
        fill_in(&browser, &page).await.expect(302);
        let uri = web.push(&browser).await;
        let path = web.path(&uri);
        let answers = join_all((0..50).map(|_| browser.get(&path))).await;
        let codes = answers.iter().filter(|answer| answer.header("location").contains("code=")).count();
        assert_eq!(codes, 1);
        let others: Vec<&Answer> = answers.iter().filter(|answer| answer.status != 302).collect();
        assert_eq!(others.len(), 49);
        others.into_iter().for_each(is_unknown);
    })
    .await;
}

#[tokio::test]
async fn a_tenant_may_switch_it_off() {
    on_every_database(async |server: Server| {
        let web = Web::new(&server, json!({})).await;
        let tool = server.tool();
        let listed = async || {
            let document = tool.get("/.well-known/openid-configuration").await.json();
            document["pushed_authorization_request_endpoint"].as_str().map(str::to_owned)
        };
        assert_eq!(listed().await, Some(format!("{}oauth/par", server.issuer())));
        web.admin.patch("/tenants/settings", json!({"pushed_authorization_requests_supported": false})).await;
        assert_eq!(listed().await, None);
        push(&tool, &web.request()).await.expect(404);
    })
    .await;
}
