//! pre-user-registration: who may have an account, and what it begins with.

use gatewright_testkit::{Answer, Form, PHONE, Page, Server, Start, on_every_database};
use serde_json::{Value, json};

use crate::stage::{APP, DATABASE, GOOD, encoded, hook, install, sign_up, steady, told};

const PRE: &str = "pre-user-registration";
const ANN: &str = "ann@example.com";
const DENIES: &str = "exports.onExecutePreUserRegistration = async (event, api) => {
    api.user.setAppMetadata('never', 'written');
    api.access.deny('on the spam list', 'Please use another address.');
};";

async fn users(server: &Server, email: &str) -> Value {
    server.admin().await.get(&format!("/users-by-email?email={email}")).await
}

/// Opens the hosted page and sends it in.
async fn on_page(server: &Server, browser: &Page, email: &str) -> Answer {
    let mut start = Start::seed(server).scope("openid email").with("screen_hint", "signup");
    start.audience = None;
    let page = browser.open(&start.authorize_path(&[])).await;
    Form::of(&page).with("email", email).with("password", GOOD).submit(browser, "default").await
}

#[tokio::test]
async fn an_action_sees_the_sign_up_and_gives_metadata() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        install(
            &server,
            PRE,
            "exports.onExecutePreUserRegistration = async (event, api) => {
            const { secrets, ...rest } = event;
            api.user.setAppMetadata('event', JSON.stringify(rest));
            api.user.setUserMetadata('welcome', 'yes');
            api.user.setUserMetadata('plan', null);
            console.log('looked at ' + event.user.email);
        };",
        )
        .await;
        let more = json!({ "user_metadata": { "plan": "free", "kept": "1" }, "given_name": "Ann" });
        let made = sign_up(&server, &page, ANN, more).await.expect(200).json();
        assert_eq!(made["user_metadata"], json!({ "kept": "1", "welcome": "yes" }));
        assert_eq!(made.get("app_metadata"), None);
        let user = users(&server, ANN).await[0].clone();
        let event: Value = serde_json::from_str(user["app_metadata"]["event"].as_str().unwrap()).unwrap();
        assert_eq!((&event["user"]["email"], &event["user"]["given_name"]), (&json!(ANN), &json!("Ann")));
        assert_eq!(event["user"].get("user_id"), None);
        assert_eq!(
            (&event["connection"]["name"], &event["connection"]["strategy"]),
            (&json!(DATABASE), &json!("auth0"))
        );
        assert_eq!(event["client"]["client_id"], server.client_id());
        assert_eq!(
            (&event["request"]["method"], &event["request"]["body"]["email"]),
            (&json!("POST"), &json!(ANN))
        );
        assert!(!event.to_string().contains(GOOD), "{event:#}");
        let run = told(&admin, "ss").await["runs"][0].clone();
        assert_eq!(run["console"], json!([format!("looked at {ANN}")]));
    })
    .await;
}

#[tokio::test]
async fn a_denied_sign_up_leaves_nothing_and_tells_nothing_of_accounts() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        sign_up(&server, &page, ANN, json!({})).await.expect(200);
        install(&server, PRE, DENIES).await;
        let known = sign_up(&server, &page, ANN, json!({})).await;
        let unknown = sign_up(&server, &page, "bob@example.com", json!({})).await;
        assert_eq!(
            unknown.expect(400).json(),
            json!({
                "name": "PreUserRegistrationError", "code": "extensibility_error", "statusCode": 400,
                "message": "Please use another address.", "description": "Please use another address.",
                "friendly_message": "Please use another address.",
            })
        );
        assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
        assert_eq!(users(&server, "bob@example.com").await, json!([]));
        assert_eq!(users(&server, ANN).await[0].get("app_metadata"), None);
        let event = admin.newest_log("fs").await;
        assert_eq!(
            (&event["description"], &event["details"]["decision"]["reason"]),
            (&json!("on the spam list"), &json!("denied_by_script"))
        );
        assert_eq!(event["details"]["decision"]["scripts"]["runs"].as_array().unwrap().len(), 1);

        // One that lets everybody in looks at both alike, and the answer tells as little as before.
        install(
            &server,
            PRE,
            "exports.onExecutePreUserRegistration = async (event, api) => { console.log('ran'); };",
        )
        .await;
        let taken = sign_up(&server, &page, ANN, json!({})).await;
        assert_eq!(taken.expect(400).json()["code"], "invalid_signup");
        let event = admin.newest_log("fs").await;
        assert_eq!(event["details"]["decision"]["scripts"]["runs"][0]["console"], json!(["ran"]));
    })
    .await;
}

#[tokio::test]
async fn failures_and_validation_errors_make_no_account() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let cases = [
            (
                "api.validation.error('bad_name', 'No such name.');",
                "bad_name",
                "No such name.",
                "script_validation_error",
            ),
            (
                "throw new Error('the key is s3cret');",
                "extensibility_error",
                "The sign-up was refused.",
                "script_threw",
            ),
            ("while (true) {}", "extensibility_error", "The sign-up was refused.", "script_cpu"),
            (
                "await new Promise(() => {});",
                "extensibility_error",
                "The sign-up was refused.",
                "script_stuck",
            ),
            ("api.user.setAppMetadata('identities', []);", "invalid_request", "", "profile_not_allowed"),
        ];
        for (body, code, text, reason) in cases {
            let script =
                format!("exports.onExecutePreUserRegistration = async (event, api) => {{ {body} }};");
            install(&server, PRE, &script).await;
            let refused = sign_up(&server, &page, ANN, json!({})).await;
            let told = refused.expect(400).json();
            assert_eq!(told["code"], code, "{body}: {told}");
            assert!(text.is_empty() || told["description"] == text, "{body}: {told}");
            assert!(!refused.body.contains("s3cret"));
            let found = admin.newest_log("fs").await["details"]["decision"]["reason"].clone();
            assert_eq!(steady(&found), reason, "{body}");
            assert_eq!(users(&server, ANN).await, json!([]), "{body}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_hook_runs_before_the_actions() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        hook(&admin, PRE, "module.exports = function (user, context, cb) {
            if (user.email === 'bad@example.com') {
                return cb(new PreUserRegistrationError('listed', 'Not with this one.'));
            }
            const response = { user };
            response.user.app_metadata.by = context.connection.name + ' ' + user.tenant + ' ' + (user.password || 'none');
            cb(null, response);
        };")
        .await;
        install(&server, PRE, "exports.onExecutePreUserRegistration = async (event, api) => {
            api.user.setUserMetadata('after', 'hook');
        };")
        .await;
        sign_up(&server, &page, ANN, json!({})).await.expect(200);
        let user = users(&server, ANN).await[0].clone();
        assert_eq!(user["app_metadata"], json!({ "by": format!("{DATABASE} localhost none") }));
        assert_eq!(user["user_metadata"], json!({ "after": "hook" }));
        let kinds: Vec<Value> = told(&admin, "ss").await["runs"].as_array().unwrap().iter().map(|run| run["kind"].clone()).collect();
        assert_eq!(kinds, ["hook", "action"]);
        let refused = sign_up(&server, &page, "bad@example.com", json!({})).await;
        assert_eq!(refused.expect(400).json()["friendly_message"], "Not with this one.");
        let event = admin.newest_log("fs").await;
        assert_eq!((&event["description"], &event["details"]["decision"]["scripts"]["runs"][0]["kind"]), (&json!("listed"), &json!("hook")));
        assert_eq!(event["details"]["decision"]["scripts"]["runs"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_hosted_page_says_what_a_script_says_before_any_message_goes_out() {
    on_every_database(async |server: Server| {
        let (browser, page) = (server.tool(), server.page(APP));
        sign_up(&server, &page, "known@example.com", json!({})).await.expect(200);
        let sent_before = server.mailbox.to("known@example.com").len();
        install(&server, PRE, DENIES).await;
        for email in [ANN, "known@example.com"] {
            let refused = on_page(&server, &browser, email).await;
            assert!(refused.expect(400).body.contains("Please use another address."), "{}", refused.body);
            assert!(!refused.body.contains("spam"));
        }
        assert_eq!(server.mailbox.to(ANN).len(), 0);
        assert!(server.mailbox.to("known@example.com").len() <= sent_before.max(1));

        install(
            &server,
            PRE,
            "exports.onExecutePreUserRegistration = async (event, api) => {
            api.user.setAppMetadata('typed', Object.keys(event.request.body).join());
        };",
        )
        .await;
        let asked = on_page(&server, &browser, ANN).await;
        assert!(asked.expect(200).body.contains("id=\"email-identifier-challenge\""), "{}", asked.body);
        assert_eq!(users(&server, ANN).await, json!([]));
        for _ in 0..200 {
            if !server.mailbox.to(ANN).is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let body = server.mailbox.to(ANN).pop().unwrap().body;
        let code = body.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6).unwrap().to_owned();
        Form::of(&asked).with("code", &code).press(&browser, "default").await.expect(302);
        assert_eq!(users(&server, ANN).await[0]["app_metadata"], json!({ "typed": "email" }));
        let runs = told(&server.admin().await, "ss").await["runs"].clone();
        assert_eq!(runs.as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_first_login_by_code_can_be_denied_and_later_ones_are_not_looked_at() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let start = Start::seed(&server);
        install(
            &server,
            PRE,
            "exports.onExecutePreUserRegistration = async (event, api) => {
            if (event.user.phone_number) api.access.deny('no phones', 'Not by phone.');
        };",
        )
        .await;
        start.send_code(&page).await.expect(200);
        let code = server.mailbox.code_to(PHONE);
        // A wrong one is counted, and shown to no script.
        let wrong = if code == "000000" { "000001" } else { "000000" };
        start.authenticate(&page, wrong).await.expect(403);
        let refused = start.authenticate(&page, &code).await;
        assert_eq!(refused.expect(403).error(), ("access_denied".into(), "Not by phone.".into()));
        let event = admin.newest_log("fs").await;
        assert_eq!(
            (&event["description"], &event["details"]["decision"]["reason"]),
            (&json!("no phones"), &json!("denied_by_script"))
        );
        assert_eq!(admin.get("/users").await, json!([]));
        // The code is used up.
        let again = start.authenticate(&page, &code).await;
        assert_eq!(again.expect(403).error().1, "Wrong phone number or verification code.");

        install(
            &server,
            PRE,
            "exports.onExecutePreUserRegistration = async (event, api) => {
            api.user.setAppMetadata('a', 1);
            console.log(event.connection.strategy + ' ' + event.user.phone_verified);
        };",
        )
        .await;
        let sub = start.log_in(&server, &page).await.id_claims()["sub"].as_str().unwrap().to_owned();
        let scripts = told(&admin, "ss").await;
        assert_eq!(scripts["runs"][0]["console"], json!(["sms true"]));
        assert_eq!(scripts["ignored"][0]["reason"], "passwordless_metadata");
        assert_eq!(admin.get(&format!("/users/{}", encoded(&sub))).await.get("app_metadata"), None);

        install(&server, PRE, DENIES).await;
        assert_eq!(start.log_in(&server, &page).await.id_claims()["sub"], sub.as_str());
    })
    .await;
}

#[tokio::test]
async fn the_code_pages_say_what_a_script_says() {
    on_every_database(async |server: Server| {
        let browser = server.tool();
        install(&server, PRE, DENIES).await;
        let mut start = Start::seed(&server).scope("openid").with("connection", "sms");
        start.audience = None;
        let page = browser.open(&start.authorize_path(&[])).await;
        let asked = Form::of(&page).with("username", PHONE).submit(&browser, "default").await;
        let code = server.mailbox.code_to(PHONE);
        let refused = Form::of(&asked).with("code", &code).submit(&browser, "default").await;
        assert!(refused.body.contains("Please use another address."), "{}", refused.body);
        assert_eq!(server.admin().await.get("/users").await, json!([]));
    })
    .await;
}
