//! The device flow: a television without a keyboard, and the browser of its user.

use futures_util::future::join_all;
use gatewright_testkit::{Admin, Answer, Form, Page, Server, claims, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "Correct-horse-battery-1";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const WRONG: &str = "The code is not right, or its time is over.";

/// A television: a public client with the grant, and a user who can log in to it.
struct Tv {
    tool: Page,
    admin: Admin,
    client_id: String,
    user_id: String,
}

impl Tv {
    async fn new(server: &Server) -> Self {
        let admin = server.admin().await;
        let tv = json!({"name": "Living room TV", "app_type": "native", "token_endpoint_auth_method": "none",
            "grant_types": [DEVICE_CODE, "refresh_token"]});
        let client_id = admin.create("/clients", tv).await["client_id"].as_str().unwrap().to_owned();
        let connection = admin.connection("Username-Password-Authentication").await;
        let mut enabled = connection["enabled_clients"].as_array().unwrap().clone();
        enabled.push(json!(client_id));
        let path = format!("/connections/{}", connection["id"].as_str().unwrap());
        admin.patch(&path, json!({"enabled_clients": enabled})).await;
        let ada = json!({"connection": "Username-Password-Authentication", "email": EMAIL, "password": PASSWORD,
            "email_verified": true});
        let user_id = admin.create("/users", ada).await["user_id"].as_str().unwrap().to_owned();
        Self { tool: server.tool(), admin, client_id, user_id }
    }

    async fn change(&self, settings: Value) {
        self.admin.patch(&format!("/clients/{}", self.client_id), settings).await;
    }

    async fn ask(&self, more: Value) -> Answer {
        let mut body = json!({"client_id": self.client_id, "scope": "openid profile email"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.tool.post("/oauth/device/code", body).await
    }

    async fn codes(&self, more: Value) -> Codes {
        let answer = self.ask(more).await.expect(200).json();
        let text =
            |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("{name}: {answer}")).to_owned();
        let codes = (text("device_code"), text("user_code"), text("verification_uri_complete"));
        Codes { device: codes.0, user: codes.1, complete: codes.2 }
    }

    async fn poll(&self, codes: &Codes) -> Answer {
        let fields =
            [("grant_type", DEVICE_CODE), ("client_id", &*self.client_id), ("device_code", &codes.device)];
        self.tool.post_form("/oauth/token", &fields).await
    }
}

struct Codes {
    device: String,
    user: String,
    complete: String,
}

/// Types a code and comes to the next page.
async fn enter(browser: &Page, typed: &str) -> Answer {
    let page = browser.open("/activate").await;
    assert!(page.expect(200).body.contains("id=\"device-code-activation\""), "{}", page.body);
    Form::of(&page).with("code", typed).submit(browser, "default").await
}

async fn confirm(browser: &Page, codes: &Codes) -> Answer {
    let page = enter(browser, &codes.user).await;
    assert!(page.expect(200).body.contains("id=\"device-code-confirmation\""), "{}", page.body);
    assert!(page.body.contains(&format!("<strong>{}</strong>", codes.user)), "{}", page.body);
    Form::of(&page).submit(browser, "confirm").await
}

async fn log_in(browser: &Page, page: &Answer) -> Answer {
    let form = Form::of(page.expect(200)).with("username", EMAIL).with("password", PASSWORD);
    form.submit(browser, "default").await
}

#[track_caller]
fn is_screen(answer: &Answer, screen: &str) {
    assert!(
        answer.body.contains(&format!("id=\"{screen}\"")),
        "{} {}\n{}",
        answer.asked,
        answer.status,
        answer.body
    );
}

#[track_caller]
fn pending(answer: &Answer) {
    let text = "User has yet to authorize device code.";
    assert_eq!(answer.expect(403).error(), ("authorization_pending".into(), text.into()));
}

#[track_caller]
fn invalid(answer: &Answer) {
    assert_eq!(
        answer.expect(403).error(),
        ("invalid_grant".into(), "Invalid or expired device code.".into())
    );
}

#[tokio::test]
async fn a_television_gets_tokens_once_its_user_has_logged_in() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let asked = tv.ask(json!({"scope": "openid profile email offline_access"})).await;
        let answer = asked.expect(200).json();
        assert_eq!(asked.header("cache-control"), "no-store");
        assert_eq!((&answer["expires_in"], &answer["interval"]), (&json!(900), &json!(5)));
        let uri = format!("{}activate", server.issuer());
        let user_code = answer["user_code"].as_str().unwrap().to_owned();
        assert_eq!(answer["verification_uri"], json!(uri));
        assert_eq!(answer["verification_uri_complete"], json!(format!("{uri}?user_code={user_code}")));
        let shape: String =
            user_code.chars().map(|c| if "BCDFGHJKLMNPQRSTVWXZ".contains(c) { '*' } else { c }).collect();
        assert_eq!(shape, "****-****");
        let device = answer["device_code"].as_str().unwrap().to_owned();
        let codes = Codes { device, user: user_code, complete: String::new() };

        pending(&tv.poll(&codes).await);
        let login = confirm(&browser, &codes).await;
        is_screen(&login, "login");
        assert!(login.body.contains("Living room TV"), "{}", login.body);
        server.turn.forward_seconds(5);
        pending(&tv.poll(&codes).await);
        let done = log_in(&browser, &login).await;
        is_screen(done.expect(200), "device-code-activation-allowed");
        assert!(done.body.contains("Your device is connected"), "{}", done.body);

        // The answer is there, however soon it is asked for.
        let tokens = tv.poll(&codes).await;
        assert_eq!(tokens.expect(200).header("cache-control"), "no-store");
        let tokens = tokens.json();
        assert_eq!(tokens["scope"], "openid profile email offline_access");
        assert_eq!(tokens["token_type"], "Bearer");
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(
            (&id["sub"], &id["aud"], &id["email"]),
            (&json!(tv.user_id), &json!(tv.client_id), &json!(EMAIL))
        );
        assert_eq!((id.get("nonce"), id.get("auth_time")), (None, None));
        let info =
            tv.tool.request(Method::GET, "/userinfo").bearer_auth(tokens["access_token"].as_str().unwrap());
        assert_eq!(tv.tool.send(info).await.expect(200).json()["sub"], json!(tv.user_id));
        let refresh = json!({"grant_type": "refresh_token", "client_id": tv.client_id,
            "refresh_token": tokens["refresh_token"]});
        tv.tool.post("/oauth/token", refresh).await.expect(200);

        invalid(&tv.poll(&codes).await);
        assert_eq!(tv.admin.newest_log("fede").await["details"]["decision"]["reason"], "device_code_spent");
        let log = tv.admin.newest_log("sede").await;
        assert_eq!((&log["client_name"], &log["user_id"]), (&json!("Living room TV"), &json!(tv.user_id)));
        let login = tv.admin.newest_log("s").await;
        assert_eq!(
            (&login["connection"], &login["details"]["decision"]["login"]["by"]),
            (&json!("Username-Password-Authentication"), &json!("login_page"))
        );
        // Nothing was logged about questions that had no answer yet.
        let failed = tv.admin.get("/logs?per_page=100&sort=date:-1").await;
        let failed = failed.as_array().unwrap().iter().filter(|log| log["type"] == "fede").count();
        assert_eq!(failed, 1);
    })
    .await;
}

#[tokio::test]
async fn an_address_with_the_code_and_a_session_need_one_click() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let audience = json!({"audience": server.audience(), "scope": "openid read:orders"});
        let first = tv.codes(json!({})).await;
        let login = confirm(&browser, &first).await;
        log_in(&browser, &login).await.expect(200);
        let first = claims(tv.poll(&first).await.expect(200).json()["id_token"].as_str().unwrap());

        let codes = tv.codes(audience).await;
        let page = browser.open(&codes.complete).await;
        is_screen(page.expect(200), "device-code-confirmation");
        assert!(page.body.contains(EMAIL), "the account it would join: {}", page.body);
        assert!(page.body.contains("choose Cancel"), "{}", page.body);
        pending(&tv.poll(&codes).await);
        let done = Form::of(&page).submit(&browser, "confirm").await;
        is_screen(done.expect(200), "device-code-activation-allowed");
        let tokens = tv.poll(&codes).await.expect(200).json();
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!((&id["sub"], &id["sid"]), (&first["sub"], &first["sid"]), "one session");
        let access = claims(tokens["access_token"].as_str().unwrap());
        assert_eq!(access["aud"][0], json!(server.audience()));
        assert_eq!(tv.admin.newest_log("s").await["details"]["decision"]["login"]["by"], "session");

        // A client without single sign-on asks for the password again.
        tv.change(json!({"sso_disabled": true})).await;
        let codes = tv.codes(json!({})).await;
        let page = browser.open(&codes.complete).await;
        assert!(!page.expect(200).body.contains(EMAIL), "{}", page.body);
        is_screen(&Form::of(&page).submit(&browser, "confirm").await, "login");
    })
    .await;
}

#[tokio::test]
async fn who_cancels_sends_the_device_away_and_the_code_is_done_with() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let codes = tv.codes(json!({})).await;
        let page = enter(&browser, &codes.user).await;
        let other = enter(&server.tool(), &codes.user).await;
        is_screen(&other, "device-code-confirmation");
        let done = Form::of(&page).submit(&browser, "cancel").await;
        is_screen(done.expect(200), "device-code-activation-denied");
        let text = "User cancelled the confirmation prompt.";
        for _ in 0..2 {
            assert_eq!(tv.poll(&codes).await.expect(403).error(), ("access_denied".into(), text.into()));
        }
        let log = tv.admin.newest_log("fdecc").await;
        assert_eq!((&log["client_id"], &log["description"]), (&json!(tv.client_id), &json!(text)));
        assert_eq!(tv.admin.newest_log("fede").await["details"]["decision"]["reason"], "device_code_denied");
        assert!(enter(&browser, &codes.user).await.expect(400).body.contains(WRONG));
        // The page cannot be sent in again.
        let again = Form::of(&page).submit(&browser, "confirm").await;
        assert!(again.expect(400).body.contains("Please start again"), "{}", again.body);
    })
    .await;
}

#[tokio::test]
async fn of_two_browsers_with_one_code_the_first_to_decide_wins() {
    on_every_database(async |server: Server| {
        let tv = Tv::new(&server).await;
        let (first, second) = (server.tool(), server.tool());
        let codes = tv.codes(json!({})).await;
        let late = confirm(&first, &codes).await;
        let early = confirm(&second, &codes).await;
        is_screen(log_in(&second, &early).await.expect(200), "device-code-activation-allowed");
        let late = log_in(&first, &late).await;
        is_screen(late.expect(400), "device-code-activation");
        assert!(late.body.contains(WRONG), "{}", late.body);
        tv.poll(&codes).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_third_party_device_gets_what_the_user_allows() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        // A third-party client gets no identity, and of an API what the tenant grants.
        let grant = json!({"client_id": tv.client_id, "audience": server.audience(), "subject_type": "user",
            "scope": ["read:orders"]});
        tv.admin.create("/client-grants", grant).await;
        tv.change(json!({"is_first_party": false})).await;
        let orders = json!({"audience": server.audience(), "scope": "read:orders"});
        let codes = tv.codes(orders.clone()).await;
        let login = confirm(&browser, &codes).await;
        let consent = log_in(&browser, &login).await;
        is_screen(consent.expect(200), "consent");
        for text in ["Living room TV", EMAIL, "Orders: Read orders"] {
            assert!(consent.body.contains(text), "{}", consent.body);
        }
        pending(&tv.poll(&codes).await);
        let done = Form::of(&consent).submit(&browser, "deny").await;
        is_screen(done.expect(200), "device-code-activation-denied");
        let text = "User did not authorize the request";
        assert_eq!(tv.poll(&codes).await.expect(403).error(), ("access_denied".into(), text.into()));
        assert_eq!(tv.admin.newest_log("fdeac").await["details"]["decision"]["reason"], "consent_declined");

        // Declined or not, who logged in is asked again next time; once allowed, no more.
        for asks in [true, false] {
            let codes = tv.codes(orders.clone()).await;
            let mut page = confirm(&browser, &codes).await;
            if page.body.contains("id=\"login\"") {
                page = log_in(&browser, &page).await;
            }
            if asks {
                is_screen(page.expect(200), "consent");
                page = Form::of(&page).submit(&browser, "accept").await;
            }
            is_screen(page.expect(200), "device-code-activation-allowed");
            assert_eq!(tv.poll(&codes).await.expect(200).json()["scope"], "read:orders");
        }
    })
    .await;
}

#[tokio::test]
async fn who_asks_too_often_has_to_wait_longer_and_in_the_end_it_is_too_late() {
    on_every_database(async |server: Server| {
        let tv = Tv::new(&server).await;
        let codes = tv.codes(json!({})).await;
        let slow = |answer: &Answer, seconds: u32| {
            let text = format!("You are polling faster than the specified interval of {seconds} seconds.");
            assert_eq!(answer.expect(429).error(), ("slow_down".to_owned(), text));
        };
        pending(&tv.poll(&codes).await);
        slow(&tv.poll(&codes).await, 5);
        server.turn.forward_seconds(5);
        slow(&tv.poll(&codes).await, 10);
        server.turn.forward_seconds(15);
        pending(&tv.poll(&codes).await);
        server.turn.forward_seconds(15);
        pending(&tv.poll(&codes).await);
        server.turn.forward_seconds(900 - 35 + 1);
        for _ in 0..2 {
            let text = "The device code has expired.";
            assert_eq!(tv.poll(&codes).await.expect(403).error(), ("expired_token".into(), text.into()));
        }
        assert_eq!(tv.admin.newest_log("fede").await["details"]["decision"]["reason"], "device_code_expired");

        // A device that never came back for its answer is too late as well, and so is its user.
        let (browser, codes) = (server.tool(), tv.codes(json!({})).await);
        let login = confirm(&browser, &codes).await;
        log_in(&browser, &login).await.expect(200);
        let late = tv.codes(json!({})).await;
        let page = enter(&browser, &late.user).await;
        server.turn.forward_seconds(901);
        assert_eq!(tv.poll(&codes).await.expect(403).error().0, "expired_token");
        let done = Form::of(&page).submit(&browser, "confirm").await;
        assert!(done.expect(400).body.contains(WRONG), "{}", done.body);
        // A day later nothing is left of it.
        server.turn.forward_seconds(90_000);
        let fresh = tv.codes(json!({})).await;
        invalid(&tv.poll(&codes).await);
        pending(&tv.poll(&fresh).await);
    })
    .await;
}

#[tokio::test]
async fn of_fifty_questions_at_once_exactly_one_gets_tokens() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let codes = tv.codes(json!({})).await;
        let waiting = join_all((0..50).map(|_| tv.poll(&codes))).await;
        let told = waiting.iter().filter(|answer| answer.error().0 == "authorization_pending").count();
        let slowed = waiting.iter().filter(|answer| answer.error().0 == "slow_down").count();
        assert_eq!((told, slowed), (1, 49));
        let login = confirm(&browser, &codes).await;
        log_in(&browser, &login).await.expect(200);
        let answers = join_all((0..50).map(|_| tv.poll(&codes))).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!((won.len(), lost.len()), (1, 49));
        lost.iter().for_each(|answer| invalid(answer));
    })
    .await;
}

#[tokio::test]
async fn a_device_code_is_good_for_its_client_and_its_tenant_only() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let codes = tv.codes(json!({})).await;
        let login = confirm(&browser, &codes).await;
        log_in(&browser, &login).await.expect(200);
        let poll = async |page: &Page, client_id: &str, device_code: &str| {
            let body = json!({"grant_type": DEVICE_CODE, "client_id": client_id, "device_code": device_code});
            page.post("/oauth/token", body).await
        };
        let radio = json!({"name": "Radio", "app_type": "native", "token_endpoint_auth_method": "none",
            "grant_types": [DEVICE_CODE]});
        let other =
            tv.admin.create("/clients", radio.clone()).await["client_id"].as_str().unwrap().to_owned();
        let elsewhere = server.admin_of("acme").await.create("/clients", radio).await;
        let acme = server.page_at("acme", "http://localhost:4200");
        invalid(&poll(&tv.tool, &other, &codes.device).await);
        invalid(&poll(&acme, elsewhere["client_id"].as_str().unwrap(), &codes.device).await);
        invalid(&poll(&tv.tool, &tv.client_id, "no-code-at-all").await);
        invalid(&poll(&tv.tool, &tv.client_id, &codes.user).await);
        let missing = poll(&tv.tool, &tv.client_id, "").await;
        assert_eq!(missing.expect(400).error().1, "Missing required parameter: device_code");
        let not_allowed = poll(&tv.tool, server.client_id(), &codes.device).await;
        assert_eq!(not_allowed.expect(403).error().0, "unauthorized_client");
        // None of these tries did any harm.
        tv.poll(&codes).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn nobody_learns_which_user_codes_there_are() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let (decided, expired) = (tv.codes(json!({})).await, tv.codes(json!({})).await);
        let login = confirm(&browser, &decided).await;
        log_in(&browser, &login).await.expect(200);
        server.turn.forward_seconds(901);
        let live = tv.codes(json!({})).await;
        let unlisted = tv.codes(json!({})).await;
        let neutral = |answer: &Answer, typed: &str| {
            let page = answer.expect(400).body.replace(typed, "CODE");
            let nonces: Vec<&str> =
                page.split("nonce=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
            nonces.iter().fold(page.clone(), |page, nonce| page.replace(*nonce, "NONCE"))
        };
        let unknown = neutral(&enter(&browser, "BCDF-GHJK").await, "BCDF-GHJK");
        assert!(unknown.contains(WRONG) && unknown.contains("aria-invalid"), "{unknown}");
        for codes in [&decided, &expired] {
            assert_eq!(neutral(&enter(&browser, &codes.user).await, &codes.user), unknown);
            assert_eq!(neutral(&browser.get(&codes.complete).await, &codes.user), unknown);
        }
        // Another tenant's code is unknown here and there.
        let acme = server.page_at("acme", "http://localhost:4200");
        let there = acme.open(&format!("/activate?user_code={}", live.user)).await;
        assert!(there.expect(400).body.contains(WRONG), "{}", there.body);
        is_screen(&enter(&browser, &live.user).await, "device-code-confirmation");
        // A client that may no longer use the grant loses its codes.
        tv.change(json!({"grant_types": ["refresh_token"]})).await;
        assert_eq!(neutral(&enter(&browser, &unlisted.user).await, &unlisted.user), unknown);
        let log = tv.admin.newest_log("fdeac").await;
        assert_eq!(log["details"]["decision"]["reason"], "user_code_unknown");
        assert!(!log.to_string().contains(&unlisted.user), "codes are not logged: {log}");

        for (typed, text) in
            [("", "Enter the code that your device shows"), (" -- ", "This cannot be the code")]
        {
            let answer = enter(&browser, typed).await;
            assert!(answer.expect(400).body.contains(text), "{}", answer.body);
        }
    })
    .await;
}

#[tokio::test]
async fn guessing_user_codes_is_limited_by_address() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let codes = tv.codes(json!({})).await;
        for _ in 0..20 {
            browser.get("/activate?user_code=BCDF-GHJK").await.expect(400);
        }
        // Then right ones are not looked at either, in any browser of that address.
        for page in [&browser, &server.tool()] {
            let limited = page.get(&codes.complete).await;
            assert!(limited.expect(429).body.contains("too many attempts"), "{}", limited.body);
        }
        server.turn.forward_seconds(6);
        is_screen(&browser.open(&codes.complete).await, "device-code-confirmation");
    })
    .await;
}

#[tokio::test]
async fn user_codes_look_as_the_tenant_wants_and_are_read_leniently() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let codes = tv.codes(json!({})).await;
        let page = browser.open("/activate").await;
        assert!(page.body.contains("autocapitalize=\"characters\""), "{}", page.body);
        let sloppy = format!("  {} ", codes.user.replace('-', " ").to_lowercase());
        let page = enter(&browser, &sloppy).await;
        is_screen(page.expect(200), "device-code-confirmation");
        assert!(page.body.contains(&format!("<strong>{}</strong>", codes.user)), "{}", page.body);

        let digits = json!({"device_flow": {"charset": "digits", "mask": "*** *** ***"}});
        tv.admin.patch("/tenants/settings", digits).await;
        // Codes given out before stay good.
        is_screen(enter(&browser, &codes.user).await.expect(200), "device-code-confirmation");
        let codes = tv.codes(json!({})).await;
        let shape: String = codes.user.chars().map(|c| if c.is_ascii_digit() { '*' } else { c }).collect();
        assert_eq!(shape, "*** *** ***");
        assert!(
            codes.complete.ends_with(&format!("?user_code={}", codes.user.replace(' ', "+"))),
            "{}",
            codes.complete
        );
        let page = browser.open("/activate").await;
        assert!(page.body.contains("inputmode=\"numeric\""), "{}", page.body);
        let wide: String = codes.user.chars().filter_map(|c| char::from_u32(u32::from(c) + 0xFEE0)).collect();
        for typed in [codes.user.replace(' ', ""), codes.user.replace(' ', "-"), wide.replace('\u{FF00}', "")]
        {
            is_screen(enter(&browser, &typed).await.expect(200), "device-code-confirmation");
        }
        is_screen(&browser.open(&codes.complete).await, "device-code-confirmation");
    })
    .await;
}

#[tokio::test]
async fn requests_that_cannot_succeed_are_refused_at_once_and_logged() {
    on_every_database(async |server: Server| {
        let tv = Tv::new(&server).await;
        let ask = async |body: Value| tv.tool.post("/oauth/device/code", body).await;
        let missing = ask(json!({})).await;
        assert_eq!(missing.expect(400).error().1, "Missing required parameter: client_id");
        let unknown = ask(json!({"client_id": "nobody"})).await;
        assert_eq!(unknown.expect(401).error(), ("access_denied".into(), "Unauthorized".into()));
        let kind = ask(json!({"client_id": tv.client_id, "scope": ["openid"]})).await;
        assert_eq!(kind.expect(400).error().0, "invalid_request");
        let long = tv.ask(json!({"scope": "x".repeat(5000)})).await;
        assert_eq!(long.expect(400).error().0, "invalid_request");
        let organization = tv.ask(json!({"organization": "org_1"})).await;
        assert!(organization.expect(400).error().1.contains("Organizations"));
        assert_eq!(
            tv.admin.newest_log("fdeaz").await["details"]["decision"]["reason"],
            "organizations_not_built"
        );
        let api = tv.ask(json!({"audience": "https://nowhere.example/"})).await;
        assert_eq!(api.expect(403).error().0, "access_denied");
        let log = tv.admin.newest_log("fdeaz").await;
        assert_eq!(
            (&log["client_id"], &log["audience"]),
            (&json!(tv.client_id), &json!("https://nowhere.example/"))
        );
        let spa = ask(json!({"client_id": server.client_id()})).await;
        let text = format!("Grant type '{DEVICE_CODE}' not allowed for the client.");
        assert_eq!(spa.expect(403).error(), ("unauthorized_client".to_owned(), text));
        assert!(tv.admin.newest_log("fdeaz").await["details"]["decision"]["remedy"].is_string());

        // RFC 8628 section 3.1: a confidential client proves who it is.
        let robot = json!({"name": "Kiosk", "app_type": "regular_web", "grant_types": [DEVICE_CODE]});
        let robot = tv.admin.create("/clients", robot).await;
        let (id, secret) = (&robot["client_id"], &robot["client_secret"]);
        ask(json!({"client_id": id})).await.expect(401);
        ask(json!({"client_id": id, "client_secret": "wrong"})).await.expect(401);
        ask(json!({"client_id": id, "client_secret": secret})).await.expect(200);
        let form = [("client_id", &*tv.client_id), ("scope", "openid")];
        tv.tool.post_form("/oauth/device/code", &form).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn blocked_and_deleted_users_and_clients_without_connections_connect_nothing() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let path = format!("/users/{}", tv.user_id.replace('|', "%7C"));
        let allowed = tv.codes(json!({})).await;
        let login = confirm(&browser, &allowed).await;
        log_in(&browser, &login).await.expect(200);

        // Blocked since the session began: the device is told, and so is who sits there.
        tv.admin.patch(&path, json!({"blocked": true})).await;
        let codes = tv.codes(json!({})).await;
        is_screen(&confirm(&browser, &codes).await, "device-code-activation-denied");
        assert_eq!(
            tv.poll(&codes).await.expect(403).error(),
            ("access_denied".into(), "user is blocked".into())
        );
        assert_eq!(tv.admin.newest_log("fdeac").await["details"]["decision"]["reason"], "user_blocked");
        assert_eq!(tv.poll(&allowed).await.expect(401).error().1, "user is blocked");
        tv.admin.patch(&path, json!({"blocked": false})).await;

        let codes = tv.codes(json!({})).await;
        confirm(&browser, &codes).await.expect(200);
        tv.admin.call(Method::DELETE, &path, None).await.expect(204);
        invalid(&tv.poll(&codes).await);
        assert_eq!(tv.admin.newest_log("fede").await["details"]["decision"]["reason"], "user_deleted");

        let connection = tv.admin.connection("Username-Password-Authentication").await;
        let path = format!("/connections/{}", connection["id"].as_str().unwrap());
        tv.admin.patch(&path, json!({"enabled_clients": []})).await;
        let codes = tv.codes(json!({})).await;
        is_screen(&confirm(&server.tool(), &codes).await, "device-code-activation-denied");
        assert_eq!(tv.poll(&codes).await.expect(403).error().0, "access_denied");
        assert_eq!(tv.admin.newest_log("fdeac").await["details"]["decision"]["reason"], "no_connection");
    })
    .await;
}

#[tokio::test]
async fn the_pages_belong_to_one_browser_and_take_only_their_own_forms() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let codes = tv.codes(json!({})).await;
        let page = enter(&browser, &codes.user).await;
        // Another site sends the victim's browser a form without the page's token.
        let state = Form::of(&page).value("state").unwrap().to_owned();
        let forged = [("state", &*state), ("action", "confirm"), ("csrf", "guess")];
        let answer = browser.post_form("/u/device-confirmation", &forged).await;
        is_screen(answer.expect(400), "device-code-confirmation");
        assert!(answer.body.contains("role=\"alert\""), "{}", answer.body);
        // The next page cannot be had without this one.
        let skipped = browser.open(&format!("/authorize/resume?state={state}")).await;
        is_screen(skipped.expect(200), "device-code-confirmation");
        // Another browser cannot go on with it.
        let other = server.tool().open(&format!("/u/device-confirmation?state={state}")).await;
        assert!(other.expect(400).body.contains("another browser"), "{}", other.body);
        pending(&tv.poll(&codes).await);
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert_eq!(page.header("referrer-policy"), "no-referrer");

        // In German, as the browser or the address says.
        tv.admin.patch("/tenants/settings", json!({"enabled_locales": ["en", "de", "ja"]})).await;
        let request = browser.request(Method::GET, "/activate").header("accept-language", "de");
        let german = browser.send(request).await;
        assert!(german.expect(200).body.contains("Gerät verbinden"), "{}", german.body);
        let japanese = browser.open("/activate?ui_locales=ja").await;
        let next = Form::of(&japanese).with("code", &codes.user).submit(&browser, "default").await;
        assert!(next.expect(200).body.contains("lang=\"ja\""), "{}", next.body);
        assert!(next.body.contains("デバイスのコードと同じですか"), "{}", next.body);
    })
    .await;
}

#[tokio::test]
async fn televisions_made_of_web_pages_may_ask_from_their_origins() {
    on_every_database(async |server: Server| {
        let tv = Tv::new(&server).await;
        tv.change(json!({"web_origins": ["https://tv.example"]})).await;
        for (origin, allowed) in [("https://tv.example", "https://tv.example"), ("https://evil.example", "")]
        {
            let page = server.page(origin);
            let preflight = page
                .request(Method::OPTIONS, "/oauth/device/code")
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "content-type");
            let preflight = page.send(preflight).await;
            assert_eq!(preflight.header("access-control-allow-origin"), allowed, "{origin}");
            let answer = page.post_form("/oauth/device/code", &[("client_id", &tv.client_id)]).await;
            assert_eq!(answer.expect(200).header("access-control-allow-origin"), allowed, "{origin}");
        }
        let document = tv.tool.get("/.well-known/openid-configuration").await.json();
        let endpoint = format!("{}oauth/device/code", server.issuer());
        assert_eq!(document["device_authorization_endpoint"], json!(endpoint));
        assert!(document["grant_types_supported"].as_array().unwrap().contains(&json!(DEVICE_CODE)));
    })
    .await;
}

#[tokio::test]
async fn an_administrator_sees_the_devices_of_a_user_and_sends_them_away() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let connect = async || {
            let codes = tv.codes(json!({"scope": "openid offline_access"})).await;
            let mut page = confirm(&browser, &codes).await;
            if page.body.contains("id=\"login\"") {
                page = log_in(&browser, &page).await;
            }
            is_screen(page.expect(200), "device-code-activation-allowed");
            tv.poll(&codes).await.expect(200).json()["refresh_token"].as_str().unwrap().to_owned()
        };
        let refresh = async |token: &str| {
            let body =
                json!({"grant_type": "refresh_token", "client_id": tv.client_id, "refresh_token": token});
            tv.tool.post("/oauth/token", body).await
        };
        let user = tv.user_id.replace('|', "%7C");
        assert_eq!(tv.admin.get("/device-credentials").await, json!([]));
        let kept = connect().await;
        tv.change(json!({"refresh_token": {"rotation_type": "rotating", "expiration_type": "expiring"}}))
            .await;
        let rotating = connect().await;

        let all = tv.admin.get(&format!("/device-credentials?user_id={user}")).await;
        let kinds: Vec<&Value> = all.as_array().unwrap().iter().map(|one| &one["type"]).collect();
        assert_eq!(kinds, ["refresh_token", "rotating_refresh_token"]);
        for one in all.as_array().unwrap() {
            assert_eq!((&one["user_id"], &one["client_id"]), (&json!(tv.user_id), &json!(tv.client_id)));
        }
        for (query, expect) in [
            ("type=rotating_refresh_token".to_owned(), &all.as_array().unwrap()[1..]),
            ("type=refresh_token".to_owned(), &all.as_array().unwrap()[..1]),
            ("type=public_key".to_owned(), &[]),
            ("page=0".to_owned(), &all.as_array().unwrap()[..1]),
            (format!("client_id={}", tv.client_id), all.as_array().unwrap()),
            ("client_id=nobody".to_owned(), &[]),
            ("user_id=auth0%7Cnobody".to_owned(), &[]),
        ] {
            let found = tv.admin.get(&format!("/device-credentials?{query}")).await;
            assert_eq!(found.as_array().unwrap(), expect, "{query}");
        }
        let totals = "/device-credentials?per_page=1&page=1&include_totals=true&type=rotating_refresh_token";
        let totals = tv.admin.get(totals).await;
        assert_eq!((&totals["total"], &totals["device_credentials"]), (&json!(1), &json!([])));
        let elsewhere = server.admin_of("acme").await;
        assert_eq!(elsewhere.get("/device-credentials").await, json!([]));

        let path = format!("/device-credentials/{}", all[1]["id"].as_str().unwrap());
        elsewhere.call(Method::DELETE, &path, None).await.expect(204);
        let rotated =
            refresh(&rotating).await.expect(200).json()["refresh_token"].as_str().unwrap().to_owned();
        for _ in 0..2 {
            tv.admin.call(Method::DELETE, &path, None).await.expect(204);
        }
        refresh(&rotated).await.expect(403);
        refresh(&kept).await.expect(200);
        assert_eq!(tv.admin.get("/device-credentials").await.as_array().unwrap().len(), 1);
        // A user's own token is not for this.
        let answer = tv.tool.get("/api/v2/device-credentials").await;
        answer.expect(401);
    })
    .await;
}
