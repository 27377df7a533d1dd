//! Custom databases: accounts that stay elsewhere, and accounts that move here.

use gatewright_testkit::{Answer, Form, Page, Server, Start, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

use crate::old_database::{OldDatabase, options};
use crate::stage::{APP, DATABASE, GOOD, encoded, log_of, sign_up, steady};

const ALL: &[&str] = &["login", "get_user", "create", "verify", "change_password", "delete", "change_email"];
const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";
const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
const NEW: &str = "Other-horse-88";
const OLD: &str = "old";
const OLD_LONG: &str = "old-and-long";
const ALIAS: &str = "annie@example.com";

async fn grant(server: &Server, username: &str, password: &str) -> Answer {
    let body = json!({
        "grant_type": REALM, "client_id": server.client_id(), "username": username, "password": password,
        "realm": DATABASE, "scope": "openid email",
    });
    server.page(APP).post("/oauth/token", body).await
}

async fn allow_grants(server: &Server) {
    let grants = json!({ "grant_types": ["implicit", "authorization_code", "password", REALM] });
    server.admin().await.patch(&format!("/clients/{}", server.client_id()), grants).await;
}

async fn user(server: &Server, id: &str) -> Value {
    server.admin().await.get(&format!("/users/{}", encoded(id))).await
}

fn subject(answer: &Answer) -> String {
    let tokens = answer.expect(200).json();
    gatewright_testkit::claims(tokens["id_token"].as_str().unwrap())["sub"].as_str().unwrap().to_owned()
}

async fn reason(server: &Server, code: &str) -> Value {
    server.admin().await.newest_log(code).await["details"]["decision"]["reason"].clone()
}

/// The hosted login, sent in.
async fn on_page(server: &Server, browser: &Page, username: &str, password: &str) -> Answer {
    let mut start = Start::seed(server).scope("openid email");
    start.audience = None;
    let page = browser.open(&start.authorize_path(&[])).await;
    Form::of(&page).with("username", username).with("password", password).submit(browser, "default").await
}

#[tokio::test]
async fn the_login_script_is_asked_at_every_door_and_every_time() {
    on_every_database(async |server: Server| {
        let (old, page) = (OldDatabase::start().await, server.page(APP));
        old.add("7", ANN, "old");
        old.attach(&server, false, ALL).await;
        allow_grants(&server).await;
        assert_eq!(subject(&grant(&server, " ANN@example.com ", OLD).await), "auth0|7");
        let body = json!({ "client_id": server.client_id(), "username": ANN, "password": OLD,
            "realm": DATABASE, "credential_type": REALM });
        page.post("/co/authenticate", body.clone()).await.expect(200);
        let entry = json!({ "client_id": server.client_id(), "connection": DATABASE, "username": ANN, "password": OLD,
            "redirect_uri": "http://localhost:4200/", "response_type": "token", "scope": "openid", "nonce": "n" });
        let request = server.tool().request(Method::POST, "/usernamepassword/login").json(&entry);
        server.tool().send(request).await.expect(200);
        let browser = server.tool();
        let done = on_page(&server, &browser, ANN, OLD).await;
        assert!(done.expect(302).location().as_str().starts_with("http://localhost:4200/"), "{}", done.location());
        assert_eq!(old.asked(), ["login"; 4]);

        let shadow = user(&server, "auth0|7").await;
        assert_eq!(shadow["identities"][0]["connection"], DATABASE);
        assert_eq!((&shadow["email"], &shadow["email_verified"], &shadow["nickname"]), (&json!(ANN), &json!(true), &json!("Old Ann")));
        assert_eq!((&shadow["app_metadata"], &shadow["logins_count"]), (&json!({ "plan": "gold" }), &json!(2)));
        // Names follow, metadata are this server's own by now.
        old.set(ANN, "nickname", json!("Anna"));
        old.set(ANN, "app_metadata", json!({ "plan": "none" }));
        grant(&server, ANN, OLD).await.expect(200);
        let shadow = user(&server, "auth0|7").await;
        assert_eq!((&shadow["nickname"], &shadow["app_metadata"]["plan"]), (&json!("Anna"), &json!("gold")));
        let log = log_of(&server, "actions_executed", 5).await;
        assert_eq!((&log["details"]["trigger_id"], &log["user_id"]), (&json!("custom-database"), &json!("auth0|7")));
        assert!(!log.to_string().contains("the-key") && log["details"]["decision"]["scripts"]["runs"][0]["wall_ms"].is_number());

        let (wrong, unknown) = (grant(&server, ANN, "x").await, grant(&server, BOB, "x").await);
        assert_eq!((wrong.status, &wrong.body), (unknown.expect(403).status, &unknown.body));
        assert_eq!(wrong.error(), ("invalid_grant".into(), "Wrong email or password.".into()));
        assert_eq!((reason(&server, "fp").await, reason(&server, "fu").await), (json!("password_wrong"), json!("user_unknown")));
        // One that is too long for any account is not shown to the script.
        old.asked();
        assert_eq!(grant(&server, ANN, &"x".repeat(1025)).await.expect(403).body, wrong.body);
        assert_eq!((old.asked(), reason(&server, "fp").await), (Vec::new(), json!("password_too_long")));
        old.close();
        assert_eq!(grant(&server, ANN, OLD).await.expect(403).error(), ("access_denied".into(), "Closed for repairs.".into()));
        let refused = page.post("/co/authenticate", body).await;
        assert_eq!(refused.expect(403).error(), ("access_denied".into(), "Closed for repairs.".into()));
        let refused = on_page(&server, &server.tool(), ANN, OLD).await;
        assert!(refused.body.contains("Closed for repairs."), "{}", refused.body);
        // No password is kept here.
        options(&server, json!({ "enabledDatabaseCustomization": false })).await;
        grant(&server, ANN, OLD).await.expect(403);
        assert_eq!(reason(&server, "fp").await, "no_password");
    })
    .await;
}

#[tokio::test]
async fn an_account_moves_here_when_it_first_logs_in() {
    on_every_database(async |server: Server| {
        let old = OldDatabase::start().await;
        old.add("7", ANN, OLD);
        old.attach(&server, true, &["login", "get_user"]).await;
        allow_grants(&server).await;
        grant(&server, ANN, "x").await.expect(403);
        assert_eq!(server.admin().await.get("/users").await, json!([]));
        let (one, two) = tokio::join!(grant(&server, ANN, OLD), grant(&server, ANN, OLD));
        assert_eq!((subject(&one), subject(&two)), ("auth0|7".into(), "auth0|7".into()));
        assert!(server.stored_password("auth0|7").await.starts_with("$argon2id$"));
        old.asked();
        // The old database is not asked any more, for right and wrong ones.
        old.close();
        assert_eq!(subject(&grant(&server, ANN, OLD).await), "auth0|7");
        assert_eq!(grant(&server, ANN, "x").await.expect(403).error().1, "Wrong email or password.");
        assert_eq!(old.asked(), [""; 0]);
        assert_eq!(user(&server, "auth0|7").await["app_metadata"], json!({ "plan": "gold" }));
        options(&server, json!({ "enabledDatabaseCustomization": false })).await;
        assert_eq!(subject(&grant(&server, ANN, OLD).await), "auth0|7");
    })
    .await;
}

#[tokio::test]
async fn somebody_signs_up_elsewhere() {
    on_every_database(async |server: Server| {
        let (old, page, admin) = (OldDatabase::start().await, server.page(APP), server.admin().await);
        old.add("7", ANN, OLD);
        old.attach(&server, false, ALL).await;
        let made = sign_up(&server, &page, BOB, json!({ "user_metadata": { "a": "1" } })).await;
        assert_eq!(made.expect(200).json()["_id"], "old-1");
        assert_eq!(old.asked(), ["get_user", "create", "login"]);
        assert_eq!(old.account(BOB)["password"], GOOD);
        assert_eq!(user(&server, "auth0|old-1").await["user_metadata"], json!({ "a": "1" }));
        assert_eq!(admin.newest_log("ss").await["user_id"], "auth0|old-1");
        allow_grants(&server).await;
        assert_eq!(subject(&grant(&server, BOB, GOOD).await), "auth0|old-1");

        // Known there, known here too: the same answer, after the same question.
        old.asked();
        let (there, here) =
            (sign_up(&server, &page, ANN, json!({})).await, sign_up(&server, &page, BOB, json!({})).await);
        assert_eq!(
            (there.expect(400).json()["code"].clone(), &there.body),
            (json!("invalid_signup"), &here.body)
        );
        assert_eq!(old.asked(), ["get_user", "get_user"]);
        assert_eq!(admin.get("/users").await.as_array().unwrap().len(), 1);
        // A weak password is asked of nobody.
        let weak = json!({ "password": "short" });
        assert_eq!(
            sign_up(&server, &page, "c@example.com", weak).await.expect(400).json()["code"],
            "invalid_password"
        );
        assert_eq!(old.asked(), [""; 0]);

        // The link in the mail is told to the database.
        let link = server.mailbox.link_to(BOB, 1).await;
        let path =
            link.split_once("/u/").map(|(_, path)| format!("/u/{}", path.trim_end_matches('#'))).unwrap();
        let browser = server.tool();
        let form = browser.get(&path).await;
        Form::of(&form).press(&browser, "default").await.expect(200);
        assert_eq!(old.account(BOB)["email_verified"], true);
        assert_eq!(user(&server, "auth0|old-1").await["email_verified"], true);
    })
    .await;
}

#[tokio::test]
async fn a_sign_up_that_the_database_refuses_leaves_nothing() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let none = "function get_user(email, callback) { callback(null); }";
        let cases = [
            (
                "callback(new ValidationError('user_exists', 'taken'))",
                "invalid_signup",
                "Invalid sign up",
                "user_exists",
            ),
            (
                "callback(new ValidationError('bad_name', 'No such name.'))",
                "bad_name",
                "No such name.",
                "denied_by_script",
            ),
            (
                "callback(new Error('ORA-00942 s3cret'))",
                "extensibility_error",
                "The sign-up failed. Try again later.",
                "script_threw",
            ),
            ("while (true) {}", "extensibility_error", "The sign-up failed. Try again later.", "script_cpu"),
            (
                "callback(null)",
                "extensibility_error",
                "The sign-up failed. Try again later.",
                "script_missing",
            ),
        ];
        for (body, code, text, reason) in cases {
            let create = format!("function create(user, callback) {{ {body}; }}");
            let scripts = json!({ "get_user": none, "create": create });
            options(&server, json!({ "enabledDatabaseCustomization": true, "customScripts": scripts })).await;
            let refused = sign_up(&server, &page, ANN, json!({})).await;
            let told = refused.expect(400).json();
            assert_eq!((&told["code"], &told["description"]), (&json!(code), &json!(text)), "{body}");
            assert!(!refused.body.contains("s3cret"));
            let found = admin.newest_log("fs").await["details"]["decision"]["reason"].clone();
            assert_eq!(steady(&found), reason, "{body}");
            assert_eq!(admin.get("/users").await, json!([]), "{body}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_sign_up_page_knows_of_accounts_that_will_move_here() {
    on_every_database(async |server: Server| {
        let old = OldDatabase::start().await;
        old.add("7", ANN, OLD);
        old.attach(&server, true, &["login", "get_user"]).await;
        for email in [ANN, BOB] {
            let browser = server.tool();
            let mut start = Start::seed(&server).scope("openid").with("screen_hint", "signup");
            start.audience = None;
            let page = browser.open(&start.authorize_path(&[])).await;
            let form = Form::of(&page).with("email", email).with("password", GOOD);
            let asked = form.submit(&browser, "default").await;
            assert!(asked.expect(200).body.contains("id=\"email-identifier-challenge\""), "{}", asked.body);
        }
        assert_eq!(old.asked(), ["get_user", "get_user"]);
        for _ in 0..200 {
            if !server.mailbox.to(ANN).is_empty() && !server.mailbox.to(BOB).is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let has_code = |email: &str| {
            let body = server.mailbox.to(email).pop().unwrap().body;
            body.split(|c: char| !c.is_ascii_digit()).any(|word| word.len() == 6)
        };
        assert!(!has_code(ANN) && has_code(BOB));
    })
    .await;
}

async fn reset(server: &Server, email: &str, mails: usize, password: &str) -> Answer {
    let (page, browser) = (server.page(APP), server.tool());
    let body = json!({ "client_id": server.client_id(), "connection": DATABASE, "email": email });
    page.post("/dbconnections/change_password", body).await.expect(200);
    let link = server.mailbox.link_to(email, mails).await;
    let path = link.split_once("/u/").map(|(_, path)| format!("/u/{}", path.trim_end_matches('#'))).unwrap();
    let form = browser.get(&path).await;
    let form = Form::of(&form).with("password", password).with("re-enter-password", password);
    form.press(&browser, "default").await
}

#[tokio::test]
async fn a_forgotten_password_is_changed_where_the_account_is() {
    on_every_database(async |server: Server| {
        let old = OldDatabase::start().await;
        old.add("7", ANN, OLD);
        old.attach(&server, false, ALL).await;
        allow_grants(&server).await;
        reset(&server, ANN, 1, NEW).await.expect(200);
        assert_eq!(old.asked(), ["get_user", "change_password"]);
        assert_eq!(old.account(ANN)["password"], NEW);
        assert_eq!(reason(&server, "scp").await, "changed_by_script");
        assert_eq!(subject(&grant(&server, ANN, NEW).await), "auth0|7");
        // An address that nobody has gets the same answer and no message.
        let body = json!({ "client_id": server.client_id(), "connection": DATABASE, "email": BOB });
        let told = server.page(APP).post("/dbconnections/change_password", body).await;
        assert_eq!(told.expect(200).body, "We've just sent you an email to reset your password.");
        assert_eq!(log_of(&server, "fcpr", 1).await["details"]["decision"]["reason"], "user_unknown");

        // A refusal leaves link and password as they are.
        options(&server, json!({ "customScripts": {
            "login": "function (email, password, callback) { callback(null); }",
            "get_user": "function (email, callback) { callback(null, { user_id: '7', email }); }",
            "change_password": "function (email, password, callback) { callback(null, password === 'Third-horse-99'); }",
        } })).await;
        let (page, browser) = (server.page(APP), server.tool());
        let body = json!({ "client_id": server.client_id(), "connection": DATABASE, "email": ANN });
        page.post("/dbconnections/change_password", body).await.expect(200);
        let link = server.mailbox.link_to(ANN, 2).await;
        let path = link.split_once("/u/").map(|(_, path)| format!("/u/{}", path.trim_end_matches('#'))).unwrap();
        let form = browser.get(&path).await;
        let fill = |password: &'static str| Form::of(&form).with("password", password).with("re-enter-password", password);
        let refused = fill("Fourth-horse-10").press(&browser, "default").await;
        assert!(refused.expect(400).body.contains("could not be changed"), "{}", refused.body);
        assert_eq!(reason(&server, "fcp").await, "not_changed_by_script");
        fill("Third-horse-99").press(&browser, "default").await.expect(200);
        fill("Third-horse-99").press(&browser, "default").await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn a_forgotten_password_moves_the_account_here() {
    on_every_database(async |server: Server| {
        let old = OldDatabase::start().await;
        old.add("7", ANN, OLD);
        old.attach(&server, true, &["login", "get_user"]).await;
        allow_grants(&server).await;
        reset(&server, ANN, 1, NEW).await.expect(200);
        assert_eq!(old.asked(), ["get_user"]);
        assert!(server.stored_password("auth0|7").await.starts_with("$argon2id$"));
        assert_eq!(subject(&grant(&server, ANN, NEW).await), "auth0|7");
        grant(&server, ANN, OLD).await.expect(403);
        assert_eq!(old.asked(), [""; 0]);
        // Known here by now, so nobody is asked.
        reset(&server, ANN, 2, GOOD).await.expect(200);
        assert_eq!(old.asked(), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn the_old_password_of_an_account_that_moved_opens_nothing() {
    on_every_database(async |server: Server| {
        let old = OldDatabase::start().await;
        old.add("7", ALIAS, OLD);
        // The old database takes another name of hers too, which this server does not know.
        old.set(ALIAS, "email", json!(ANN));
        old.add("7", ANN, OLD);
        old.attach(&server, true, &["login", "get_user"]).await;
        allow_grants(&server).await;
        assert_eq!(subject(&grant(&server, ALIAS, OLD).await), "auth0|7");
        assert_eq!(subject(&grant(&server, ALIAS, OLD).await), "auth0|7");
        reset(&server, ANN, 1, NEW).await.expect(200);
        let refused = grant(&server, ALIAS, OLD).await;
        assert_eq!(refused.expect(403).error().1, "Wrong email or password.");
        assert_eq!(reason(&server, "fp").await, "password_wrong");
        grant(&server, ANN, OLD).await.expect(403);
        assert_eq!(subject(&grant(&server, ANN, NEW).await), "auth0|7");
    })
    .await;
}

#[tokio::test]
async fn no_password_is_logged_whatever_a_script_prints() {
    on_every_database(async |server: Server| {
        let login = "function login(email, password, callback) {
            console.log('got', email, password, configuration.KEY);
            callback(new Error('no ' + password + ' for ' + configuration.KEY));
        }";
        let scripts = json!({ "enabledDatabaseCustomization": true, "customScripts": { "login": login },
            "configuration": { "KEY": "key-of-the-database" } });
        options(&server, scripts).await;
        allow_grants(&server).await;
        grant(&server, ANN, OLD_LONG).await.expect(403);
        let log = server.admin().await.newest_log("f").await.to_string();
        assert!(log.contains(r#"got ann@example.com ***** *****"#), "{log}");
        assert!(log.contains("no ***** for *****"), "{log}");
        assert!(!log.contains(OLD_LONG) && !log.contains("key-of-the-database"), "{log}");
    })
    .await;
}

#[tokio::test]
async fn the_management_api_changes_accounts_where_they_are() {
    on_every_database(async |server: Server| {
        let (old, admin) = (OldDatabase::start().await, server.admin().await);
        old.attach(&server, false, &["login", "get_user", "create", "change_password", "change_email"]).await;
        let wanted =
            json!({ "connection": DATABASE, "email": ANN, "password": GOOD, "app_metadata": { "a": 1 } });
        let made = admin.create("/users", wanted.clone()).await;
        assert_eq!((&made["user_id"], &made["app_metadata"]), (&json!("auth0|old-0"), &json!({ "a": 1 })));
        assert_eq!(old.account(ANN)["password"], GOOD);
        assert_eq!(old.asked(), ["get_user", "create", "get_user"]);
        admin.call(Method::POST, "/users", Some(wanted)).await.expect(409);
        let path = "/users/auth0%7Cold-0";
        admin.patch(path, json!({ "password": NEW })).await;
        assert_eq!(old.account(ANN)["password"], NEW);
        admin.patch(path, json!({ "email": BOB, "email_verified": true })).await;
        assert_eq!((old.account(ANN), &old.account(BOB)["user_id"]), (Value::Null, &json!("old-0")));
        assert_eq!(user(&server, "auth0|old-0").await["email"], BOB);
        allow_grants(&server).await;
        assert_eq!(subject(&grant(&server, BOB, NEW).await), "auth0|old-0");

        let refused = admin.call(Method::DELETE, path, None).await;
        assert_eq!(
            refused.expect(400).json()["message"],
            "Please implement the Delete script for this database connection"
        );
        assert_eq!(user(&server, "auth0|old-0").await["email"], BOB);
        old.attach(&server, false, ALL).await;
        admin.call(Method::DELETE, path, None).await.expect(204);
        assert_eq!((old.account(BOB), admin.get("/users").await), (Value::Null, json!([])));
    })
    .await;
}

#[tokio::test]
async fn profiles_that_cannot_be_and_scripts_that_mean_ill_log_nobody_in() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        allow_grants(&server).await;
        let text = "The password could not be checked. Try again later.";
        let cases = [
            ("callback(null, { email })", "script_profile", text),
            ("callback(null, { user_id: 'a b', email })", "script_profile", text),
            ("callback(null, 'ann')", "script_profile", text),
            ("callback(new Error('s3cret'))", "script_threw", text),
            ("throw new TypeError('s3cret')", "script_threw", text),
            ("while (true) {}", "script_cpu", text),
            ("return", "script_stuck", text),
            ("callback(null, { user_id: '1', email, app_metadata: { identities: 1 } })", "account_conflict", text),
            ("callback(null, null)", "user_unknown", "Wrong email or password."),
            ("callback()", "user_unknown", "Wrong email or password."),
        ];
        for (body, reason, told) in cases {
            let login = format!("function login(email, password, callback) {{ {body}; }}");
            options(&server, json!({ "enabledDatabaseCustomization": true, "customScripts": { "login": login } })).await;
            let refused = grant(&server, &format!("{reason}@example.com"), OLD).await;
            assert_eq!(refused.expect(403).error().1, told, "{body}");
            let code = if reason == "user_unknown" { "fu" } else { "f" };
            let log = admin.newest_log(code).await;
            assert_eq!(steady(&log["details"]["decision"]["reason"]), reason, "{body}");
            assert!(!refused.body.contains("s3cret") && !log.to_string().contains(&format!("\"{OLD}\"")), "{log}");
            assert_eq!(admin.get("/users").await, json!([]), "{body}");
        }
        // An account of another connection is not taken over by its id.
        let other = admin.create("/connections", json!({ "name": "other-db", "strategy": "auth0" })).await;
        admin.create("/users", json!({ "connection": "other-db", "email": BOB, "password": GOOD, "user_id": "1" })).await;
        let login = "function (email, password, callback) { callback(null, { user_id: '1', email: 'ann@example.com' }); }";
        options(&server, json!({ "customScripts": { "login": login } })).await;
        grant(&server, ANN, OLD).await.expect(403);
        assert_eq!(reason(&server, "f").await, "account_conflict");
        assert_eq!((user(&server, "auth0|1").await["email"].clone(), other["name"].clone()), (json!(BOB), json!("other-db")));
    })
    .await;
}

#[tokio::test]
async fn values_of_the_configuration_are_never_shown() {
    on_every_database(async |server: Server| {
        let (old, admin) = (OldDatabase::start().await, server.admin().await);
        old.add("7", ANN, OLD);
        old.attach(&server, false, ALL).await;
        allow_grants(&server).await;
        let shown = admin.connection(DATABASE).await;
        let values = shown["options"]["configuration"].clone();
        assert!(
            values["KEY"].as_str().unwrap().starts_with("2.0$") && !shown.to_string().contains("the-key"),
            "{shown}"
        );
        assert!(!admin.get("/logs?per_page=100").await.to_string().contains("the-key"));
        // What was shown can be sent back, as tools do, and stays what it was.
        options(&server, json!({ "import_mode": false })).await;
        assert_eq!(admin.connection(DATABASE).await["options"]["configuration"], values);
        assert_eq!(subject(&grant(&server, ANN, OLD).await), "auth0|7");
        // It is good under its own name only.
        let path = format!("/connections/{}", shown["id"].as_str().unwrap());
        let swapped = json!({ "options": { "configuration": { "KEY": values["URL"] } } });
        admin.call(Method::PATCH, &path, Some(swapped)).await.expect(400);
    })
    .await;
}
