//! Database connections: sign-up, passwords at every door, resets, proved addresses.

use futures_util::future::join_all;
use gatewright_testkit::{Answer, Page, Server, Start, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

const APP: &str = "http://localhost:4200";
const DATABASE: &str = "Username-Password-Authentication";
const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";
const ANN: &str = "ann@example.com";
const GOOD: &str = "Correct-horse-7";

fn form(server: &Server, email: &str, password: &str) -> Value {
    json!({"client_id": server.client_id(), "connection": DATABASE, "email": email, "password": password})
}

async fn sign_up(server: &Server, page: &Page, email: &str, password: &str) -> Answer {
    page.post("/dbconnections/signup", form(server, email, password)).await
}

async fn authenticate(server: &Server, page: &Page, username: &str, password: &str) -> Answer {
    let body = json!({"client_id": server.client_id(), "username": username, "password": password,
        "realm": DATABASE, "credential_type": REALM});
    page.post("/co/authenticate", body).await
}

/// Lets the dev client use the password grants.
async fn allow_grants(server: &Server) {
    let grants = json!({"grant_types": ["implicit", "authorization_code", "password", REALM]});
    server.admin().await.patch(&format!("/clients/{}", server.client_id()), grants).await;
}

async fn grant(server: &Server, page: &Page, more: Value) -> Answer {
    let mut body = json!({"grant_type": REALM, "client_id": server.client_id(), "username": ANN,
        "password": GOOD, "realm": DATABASE, "scope": "openid email"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    page.post("/oauth/token", body).await
}

/// Changes options of the database connection.
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

#[tokio::test]
async fn somebody_signs_up_and_logs_in_by_every_door() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let mut wanted = form(&server, "Ann@Example.COM", GOOD);
        wanted["user_metadata"] = json!({"plan": "free"});
        wanted["given_name"] = json!("Ann");
        let answer = page.post("/dbconnections/signup", wanted).await;
        assert_eq!(answer.expect(200).header("access-control-allow-origin"), APP);
        let account = answer.json();
        assert_eq!((&account["email"], &account["email_verified"]), (&json!(ANN), &json!(false)));
        assert_eq!((&account["given_name"], account["_id"].as_str().unwrap().len()), (&json!("Ann"), 24));
        assert_eq!(account["user_metadata"], json!({"plan": "free"}));
        assert!(!answer.body.contains(GOOD));
        let admin = server.admin().await;
        let user_id = format!("auth0|{}", account["_id"].as_str().unwrap());
        assert_eq!(admin.newest_log("ss").await["user_id"], user_id.as_str());
        assert!(server.stored_password(&user_id).await.starts_with("$argon2id$"));

        // A page of the application: cross-origin authentication, then /authorize.
        let ticket = authenticate(&server, &page, " ANN@example.com", GOOD).await.expect(200).json();
        let ticket = ticket["login_ticket"].as_str().unwrap().to_owned();
        assert_eq!(admin.newest_log("scoa").await["user_id"], user_id.as_str());
        let start = Start::seed(&server).scope("openid email");
        let frame = [("login_ticket", &*ticket), ("prompt", "none"), ("response_mode", "web_message")];
        let tokens = page.get(&start.authorize_path(&frame)).await.web_message();
        let claims = gatewright_testkit::claims(tokens["id_token"].as_str().unwrap());
        assert_eq!((&claims["sub"], &claims["email"]), (&json!(user_id), &json!(ANN)));

        // The token endpoint, in JSON and as a form.
        let refused = grant(&server, &page, json!({})).await;
        assert_eq!(refused.expect(403).error().0, "unauthorized_client");
        allow_grants(&server).await;
        let tokens = grant(&server, &page, json!({})).await.expect(200).json();
        assert_eq!(tokens["scope"], "openid email");
        assert_eq!(gatewright_testkit::claims(tokens["id_token"].as_str().unwrap())["sub"], user_id.as_str());
        assert_eq!(admin.newest_log("sepft").await["user_id"], user_id.as_str());
        assert_eq!(admin.get(&format!("/users/{}", user_id.replace('|', "%7C"))).await["logins_count"], 2);
        let fields = [("grant_type", "password"), ("client_id", server.client_id()), ("username", ANN),
            ("password", GOOD), ("scope", "openid")];
        let unset = page.post_form("/oauth/token", &fields).await;
        assert_eq!(unset.expect(400).error().1, "Authorization server not configured with default connection.");
        admin.patch("/tenants/settings", json!({"default_directory": DATABASE})).await;
        page.post_form("/oauth/token", &fields).await.expect(200);
        let body = json!({"client_id": server.client_id(), "username": ANN, "password": GOOD, "credential_type": "password"});
        page.post("/co/authenticate", body).await.expect(200);

        // Without `scope`, everything that an API of ours has.
        let all = json!({"scope": null, "audience": server.audience()});
        let all = grant(&server, &page, all).await.expect(200).json();
        assert_eq!(all["scope"], "read:orders write:orders");
    })
    .await;
}

#[tokio::test]
async fn nothing_tells_a_wrong_password_from_an_unknown_account() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        sign_up(&server, &page, ANN, GOOD).await.expect(200);
        allow_grants(&server).await;
        let admin = server.admin().await;
        let mut answers = Vec::new();
        for (username, code, reason) in
            [(ANN, "fp", "password_wrong"), ("nobody@example.com", "fu", "user_unknown")]
        {
            let before = server.passwords_hashed();
            let at_page = authenticate(&server, &page, username, "Wrong-horse-7").await;
            let at_token =
                grant(&server, &page, json!({"username": username, "password": "Wrong-horse-7"})).await;
            assert_eq!(server.passwords_hashed() - before, 2, "one hash for each try");
            assert_eq!(admin.newest_log(code).await["details"]["decision"]["reason"], reason);
            assert_eq!(admin.newest_log("fepft").await["details"]["decision"]["reason"], reason);
            answers.push([(at_page.status, at_page.body), (at_token.status, at_token.body)]);
        }
        assert_eq!(answers[0], answers[1]);
        let text = "Wrong email or password.";
        let body = |answer: &(u16, String)| serde_json::from_str::<Value>(&answer.1).unwrap();
        assert_eq!(answers[0][0].0, 403);
        assert_eq!(body(&answers[0][0]), json!({"error": "access_denied", "error_description": text}));
        assert_eq!(body(&answers[0][1]), json!({"error": "invalid_grant", "error_description": text}));

        // Twenty tries at once, then a pause, known or not; brute-force protection would come first.
        admin.patch("/attack-protection/brute-force-protection", json!({"enabled": false})).await;
        for username in [ANN, "nobody@example.com"] {
            // A slow machine earns a try every six seconds meanwhile, so a few more than twenty are made.
            let mut tries = 0;
            while authenticate(&server, &page, username, "Wrong-horse-7").await.status != 429 {
                tries += 1;
                assert!(tries < 60, "{username} is never made to pause");
            }
            assert!(tries >= 18, "{username}: two tries were made above");
        }
        server.turn.forward_seconds(120);
        authenticate(&server, &page, ANN, GOOD).await.expect(200);

        // A blocked user is told so only with the right password.
        let users = admin.get(&format!("/users-by-email?email={ANN}")).await;
        let path = format!("/users/{}", users[0]["user_id"].as_str().unwrap().replace('|', "%7C"));
        admin.patch(&path, json!({"blocked": true})).await;
        assert_eq!(authenticate(&server, &page, ANN, "Wrong-horse-7").await.error().0, "access_denied");
        assert_eq!(authenticate(&server, &page, ANN, GOOD).await.expect(403).error().0, "blocked_user");
        let blocked = grant(&server, &page, json!({})).await;
        assert_eq!(blocked.expect(401).error(), ("unauthorized".into(), "user is blocked".into()));
    })
    .await;
}

#[tokio::test]
async fn sign_ups_are_refused_in_the_words_that_widgets_read() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        sign_up(&server, &page, ANN, GOOD).await.expect(200);
        let before = server.passwords_hashed();
        let taken = sign_up(&server, &page, "ANN@example.com", GOOD).await;
        assert_eq!(server.passwords_hashed() - before, 1, "a taken address costs the same");
        let told = json!({"code": "invalid_signup", "description": "Invalid sign up", "message": "Invalid sign up",
            "name": "BadRequestError", "statusCode": 400});
        assert_eq!(taken.expect(400).json(), told);
        let admin = server.admin().await;
        assert_eq!(admin.newest_log("fs").await["details"]["decision"]["reason"], "user_exists");
        admin.patch("/tenants/settings", json!({"flags": {"enable_public_signup_user_exists_error": true}})).await;
        let taken = sign_up(&server, &page, ANN, GOOD).await;
        assert_eq!((&taken.json()["code"], &taken.json()["description"]), (&json!("user_exists"), &json!("The user already exists.")));

        let weak = sign_up(&server, &page, "bob@example.com", "short").await.expect(400).json();
        assert_eq!((&weak["code"], &weak["name"]), (&json!("invalid_password"), &json!("PasswordStrengthError")));
        assert!(weak["policy"].as_str().unwrap().starts_with("* At least 8 characters in length\n* Contain at least 3"));
        assert_eq!(weak["description"]["rules"][0]["verified"], false);
        options(&server, json!({"password_dictionary": {"enable": true, "dictionary": ["Acme2026!"]},
            "password_no_personal_info": {"enable": true}})).await;
        let name = |answer: Answer| answer.expect(400).json()["name"].as_str().unwrap().to_owned();
        assert_eq!(name(sign_up(&server, &page, "bob@example.com", "aCME2026!").await), "PasswordDictionaryError");
        assert_eq!(name(sign_up(&server, &page, "bobby@example.com", "xX1-bobby").await), "PasswordNoUserInfoError");

        let code = |answer: Answer| answer.expect(400).json()["code"].as_str().unwrap().to_owned();
        for (name, value) in [("email", json!("bob")), ("password", json!("")), ("connection", json!("sms")),
            ("client_id", json!("nobody")), ("email", json!(7)), ("user_metadata", json!({"a": 1})),
            ("user_metadata", json!([])), ("nickname", json!("x".repeat(301)))] {
            let mut body = form(&server, "bob@example.com", GOOD);
            body[name] = value;
            assert_eq!(code(page.post("/dbconnections/signup", body).await), "invalid_request", "{name}");
        }
        let mut many = form(&server, "bob@example.com", GOOD);
        many["user_metadata"] = (0..11).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
        assert_eq!(code(page.post("/dbconnections/signup", many).await), "invalid_request");
        let fields = [("client_id", server.client_id()), ("connection", DATABASE), ("email", "bob@example.com"), ("password", GOOD)];
        page.post_form("/dbconnections/signup", &fields).await.expect(200);
        options(&server, json!({"disable_signup": true})).await;
        assert_eq!(code(sign_up(&server, &page, "eve@example.com", GOOD).await), "public_signup_disabled");
    })
    .await;
}

#[tokio::test]
async fn of_many_sign_ups_of_one_address_one_makes_the_user() {
    on_every_database(async |server: Server| {
        let pages: Vec<Page> = (0..8).map(|_| server.page(APP)).collect();
        let answers = join_all(pages.iter().map(|page| sign_up(&server, page, ANN, GOOD))).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400, 400, 400, 400, 400, 400, 400]);
        let users = server.admin().await.get(&format!("/users-by-email?email={ANN}")).await;
        assert_eq!(users.as_array().unwrap().len(), 1);
        authenticate(&server, &pages[0], ANN, GOOD).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_user_name_is_a_second_way_in() {
    on_every_database(async |server: Server| {
        options(&server, json!({"requires_username": true})).await;
        let page = server.page(APP);
        assert_eq!(
            sign_up(&server, &page, ANN, GOOD).await.expect(400).json()["description"],
            "username is required"
        );
        let with_name = |email: &str, name: &str| {
            let mut body = form(&server, email, GOOD);
            body["username"] = json!(name);
            body
        };
        let made = page.post("/dbconnections/signup", with_name(ANN, "Annie")).await;
        assert_eq!(made.expect(200).json()["username"], "annie");
        for username in ["ANNIE", "annie", ANN] {
            authenticate(&server, &page, username, GOOD).await.expect(200);
        }
        // Somebody else cannot have it, and a name that looks like an address nobody can.
        let admin = server.admin().await;
        let bob = async |name: &str| {
            let answer = page.post("/dbconnections/signup", with_name("bob@example.com", name)).await;
            (answer.expect(400).json()["code"].clone(), admin.reason_of(&answer).await)
        };
        assert_eq!(bob("annie").await, (json!("invalid_signup"), "username_exists".into()));
        assert_eq!(bob("bob@example.com").await.0, "invalid_request");
        let flags = json!({"flags": {"enable_public_signup_user_exists_error": true}});
        admin.patch("/tenants/settings", flags).await;
        assert_eq!(bob("annie").await, (json!("username_exists"), "username_exists".into()));
        let users = admin.get(&format!("/users-by-email?email={ANN}")).await;
        let path = format!("/users/{}", users[0]["user_id"].as_str().unwrap().replace('|', "%7C"));
        admin.patch(&path, json!({"username": "Anna", "connection": DATABASE})).await;
        authenticate(&server, &page, "anna", GOOD).await.expect(200);
        authenticate(&server, &page, "annie", GOOD).await.expect(403);
        // With the user goes the name.
        admin.call(Method::DELETE, &path, None).await.expect(204);
        page.post("/dbconnections/signup", with_name(ANN, "anna")).await.expect(200);
        // Where a name is all there is, no link can be sent.
        let cid = json!({"connection": DATABASE, "username": "cid", "password": GOOD});
        let cid = admin.create("/users", cid).await["user_id"].clone();
        let body = json!({"client_id": server.client_id(), "email": "cid", "connection": DATABASE});
        page.post("/dbconnections/change_password", body).await.expect(200);
        let log = admin.newest_log("fcpr").await;
        assert_eq!(
            (&log["details"]["decision"]["reason"], &log["user_id"]),
            (&json!("no_email_address"), &cid)
        );
    })
    .await;
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_link() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        sign_up(&server, &page, ANN, GOOD).await.expect(200);
        server.mailbox.link_to(ANN, 1).await;
        let ask = async |email: &str| {
            let body = json!({"client_id": server.client_id(), "email": email, "connection": DATABASE});
            page.post("/dbconnections/change_password", body).await
        };
        let (known, unknown) = (ask("ANN@example.com").await, ask("nobody@example.com").await);
        known.expect(200);
        assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
        assert_eq!(known.body, "We've just sent you an email to reset your password.");
        assert_eq!(known.header("content-type"), "text/plain; charset=utf-8");
        let admin = server.admin().await;
        assert_eq!(admin.newest_log("scpr").await["user_name"], ANN);
        assert_eq!(admin.newest_log("fcpr").await["details"]["decision"]["reason"], "user_unknown");
        assert!(server.mailbox.to("nobody@example.com").is_empty());

        let first = server.mailbox.link_to(ANN, 2).await;
        assert!(first.starts_with(&format!("{}u/reset-verify?ticket=", server.issuer())), "{first}");
        ask(ANN).await.expect(200);
        let link = server.mailbox.link_to(ANN, 3).await;
        let browser = server.tool();
        assert!(browser.get(first.trim_end_matches('#')).await.expect(400).body.contains("no longer good"));
        // Programs that read mail open links: nothing happens by that.
        for _ in 0..2 {
            let form = browser.get(link.trim_end_matches('#')).await;
            assert!(form.expect(200).body.contains("name=\"password\"") && form.body.contains(ANN));
            assert_eq!(form.header("referrer-policy"), "no-referrer");
        }
        let ticket = link.split_once("ticket=").unwrap().1.trim_end_matches('#');
        let choose = async |password: &str, again: &str| {
            let fields = [("ticket", ticket), ("password", password), ("re-enter-password", again)];
            browser.post_form("/u/reset-verify", &fields).await
        };
        assert!(choose("Other-horse-8", "Other-horse-9").await.expect(400).body.contains("not the same"));
        assert!(choose("weak", "weak").await.expect(400).body.contains("password is too weak"));
        assert_eq!(admin.newest_log("fcp").await["details"]["decision"]["reason"], "PasswordStrengthError");
        let both =
            join_all([choose("Other-horse-8", "Other-horse-8"), choose("Other-horse-8", "Other-horse-8")])
                .await;
        let mut statuses = [both[0].status, both[1].status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400], "a link is good once");
        assert_eq!(admin.newest_log("scp").await["user_name"], ANN);
        authenticate(&server, &page, ANN, GOOD).await.expect(403);
        authenticate(&server, &page, ANN, "Other-horse-8").await.expect(200);
        let users = admin.get(&format!("/users-by-email?email={ANN}")).await;
        assert_eq!(users[0]["email_verified"], true);

        // Too late.
        ask(ANN).await.expect(200);
        let late = server.mailbox.link_to(ANN, 4).await;
        server.turn.forward_seconds(432_001);
        browser.get(late.trim_end_matches('#')).await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn an_address_is_proved_by_its_link() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        sign_up(&server, &page, ANN, GOOD).await.expect(200);
        let link = server.mailbox.link_to(ANN, 1).await;
        assert!(link.starts_with(&format!("{}u/email-verification?ticket=", server.issuer())), "{link}");
        let browser = server.tool();
        assert!(browser.get(link.trim_end_matches('#')).await.expect(200).body.contains("Confirm"));
        let admin = server.admin().await;
        let verified =
            async || admin.get(&format!("/users-by-email?email={ANN}")).await[0]["email_verified"].clone();
        assert_eq!(verified().await, false);
        let ticket = link.split_once("ticket=").unwrap().1.trim_end_matches('#').to_owned();
        let confirm = async || browser.post_form("/u/email-verification", &[("ticket", &ticket)]).await;
        // A link of one kind is none of the other.
        let wrong = [("ticket", &*ticket), ("password", GOOD), ("re-enter-password", GOOD)];
        browser.post_form("/u/reset-verify", &wrong).await.expect(400);
        confirm().await.expect(200);
        assert_eq!(verified().await, true);
        assert_eq!(admin.newest_log("sv").await["user_name"], ANN);
        confirm().await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn administrators_set_passwords_within_the_policy() {
    on_every_database(async |server: Server| {
        options(&server, json!({"password_history": {"enable": true, "size": 2}})).await;
        let (admin, page) = (server.admin().await, server.page(APP));
        let new = |password: &str| json!({"connection": DATABASE, "email": ANN, "password": password});
        let weak = admin.call(Method::POST, "/users", Some(new("short"))).await;
        assert_eq!(weak.expect(400).json()["message"], "PasswordStrengthError: Password is too weak");
        let user = admin.create("/users", new(GOOD)).await;
        assert_eq!(user.get("password"), None);
        authenticate(&server, &page, ANN, GOOD).await.expect(200);
        let path = format!("/users/{}", user["user_id"].as_str().unwrap().replace('|', "%7C"));
        let set = async |password: &str| {
            admin
                .call(Method::PATCH, &path, Some(json!({"password": password, "connection": DATABASE})))
                .await
        };
        assert_eq!(
            set("x").await.expect(400).json()["message"],
            "PasswordStrengthError: Password is too weak"
        );
        assert_eq!(
            set(GOOD).await.expect(400).json()["message"],
            "PasswordHistoryError: Password has previously been used"
        );
        admin.patch(&path, json!({"blocked": true})).await;
        set("Second-horse-8").await.expect(200);
        // Compat: a new password lets a blocked user in again.
        authenticate(&server, &page, ANN, "Second-horse-8").await.expect(200);
        authenticate(&server, &page, ANN, GOOD).await.expect(403);
        set("Third-horse-9").await.expect(200);
        set("Second-horse-8").await.expect(400);
        set(GOOD).await.expect(200);
        // The log of writes holds no password.
        assert!(!admin.get("/logs?per_page=100&sort=date:-1").await.to_string().contains("horse"));
        let sms = json!({"connection": "sms", "phone_number": "+61400000000", "password": GOOD});
        admin.call(Method::POST, "/users", Some(sms)).await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn a_hash_of_another_system_is_good_once_and_then_ours() {
    on_every_database(async |server: Server| {
        let (admin, page) = (server.admin().await, server.page(APP));
        let user = admin.create("/users", json!({"connection": DATABASE, "email": ANN})).await;
        let user_id = user["user_id"].as_str().unwrap();
        // An account without a password has no password that is right.
        let before = server.passwords_hashed();
        authenticate(&server, &page, ANN, "").await.expect(400);
        authenticate(&server, &page, ANN, "hunter2").await.expect(403);
        assert_eq!(server.passwords_hashed() - before, 1);
        let salted = json!({"algorithm": "md5", "salt": {"value": "salt", "position": "suffix"},
            "hash": {"value": "56cc6e3c58b2e1b7be644c196d4a8b59", "encoding": "hex"}});
        server.import_password(user_id, salted).await;
        authenticate(&server, &page, ANN, "hunter3").await.expect(403);
        assert!(server.stored_password(user_id).await.contains("md5"));
        authenticate(&server, &page, ANN, "hunter2").await.expect(200);
        assert!(server.stored_password(user_id).await.starts_with("$argon2id$"));
        authenticate(&server, &page, ANN, "hunter2").await.expect(200);
    })
    .await;
}
