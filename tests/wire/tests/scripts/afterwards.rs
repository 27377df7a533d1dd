//! post-user-registration and post-change-password: what runs after the answer.

use std::time::Duration;

use gatewright_testkit::{Answer, Form, PHONE, Page, Server, Start, on_every_database};
use serde_json::{Value, json};

use crate::stage::{APP, DATABASE, hook, install, log_of, sign_up};

const ANN: &str = "ann@example.com";
const NEW: &str = "Other-horse-88";
const REGISTERED: &str = "post-user-registration";
const CHANGED: &str = "post-change-password";

/// Logs the event it got.
fn shows(export: &str) -> String {
    format!(
        "exports.{export} = async (event, api) => {{
        const {{ secrets, ...rest }} = event;
        console.log(JSON.stringify(rest));
    }};"
    )
}

/// The event that such an action logged.
fn shown(log: &Value) -> Value {
    let line = log["details"]["decision"]["scripts"]["runs"][0]["console"][0].as_str();
    serde_json::from_str(line.unwrap_or_else(|| panic!("{log:#}"))).unwrap()
}

#[tokio::test]
async fn an_account_that_was_made_is_told_of() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        install(&server, REGISTERED, &shows("onExecutePostUserRegistration")).await;
        sign_up(&server, &page, ANN, json!({ "user_metadata": { "a": "1" } })).await.expect(200);
        let log = log_of(&server, "actions_executed", 1).await;
        assert_eq!(log["details"]["trigger_id"], REGISTERED);
        let event = shown(&log);
        assert_eq!(event["user"]["user_id"], log["user_id"]);
        assert_eq!(
            (&event["user"]["email"], &event["user"]["user_metadata"]),
            (&json!(ANN), &json!({ "a": "1" }))
        );
        assert_eq!((event["user"].get("identities"), event.get("client")), (None, None));
        assert_eq!(event["connection"]["name"], DATABASE);

        // By a code, at the token endpoint's sister; and only the first time.
        let start = Start::seed(&server);
        let sub = start.log_in(&server, &page).await.id_claims()["sub"].clone();
        let event = shown(&log_of(&server, "actions_executed", 2).await);
        assert_eq!((&event["user"]["user_id"], &event["user"]["phone_number"]), (&sub, &json!(PHONE)));
        start.log_in(&server, &page).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(count(&server, "actions_executed").await, 2);
    })
    .await;
}

async fn count(server: &Server, code: &str) -> usize {
    let logs = server.admin().await.get(&format!("/logs?q=type:{code}&per_page=100")).await;
    logs.as_array().unwrap().len()
}

#[tokio::test]
async fn what_runs_afterwards_neither_delays_nor_fails_the_answer() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        install(
            &server,
            REGISTERED,
            "exports.onExecutePostUserRegistration = async (event, api) => {
            await new Promise((done) => setTimeout(done, 1500));
            throw new Error('no mail server');
        };",
        )
        .await;
        hook(
            &admin,
            REGISTERED,
            "module.exports = function (user, context, cb) {
            cb(new Error('hook for ' + user.email + (user.id.startsWith('auth0|') ? ' ok' : '')));
        };",
        )
        .await;
        sign_up(&server, &page, ANN, json!({})).await.expect(200);
        let of_hook = log_of(&server, "fpurh", 1).await;
        assert_eq!(of_hook["description"], format!("hook for {ANN} ok"));
        let log = log_of(&server, "actions_execution_failed", 1).await;
        assert_eq!((&log["description"], &log["user_name"]), (&json!("no mail server"), &json!(ANN)));
        assert_eq!(log["details"]["decision"]["scripts"]["runs"][0]["error"]["kind"], "thrown");
        assert_eq!(admin.get(&format!("/users-by-email?email={ANN}")).await.as_array().unwrap().len(), 1);
    })
    .await;
}

async fn choose(browser: &Page, page: &Answer, password: &str) -> Answer {
    let form = Form::of(page).with("password", password).with("re-enter-password", password);
    form.press(browser, "default").await
}

#[tokio::test]
async fn a_new_password_is_told_of() {
    on_every_database(async |server: Server| {
        let (page, browser, admin) = (server.page(APP), server.tool(), server.admin().await);
        sign_up(&server, &page, ANN, json!({})).await.expect(200);
        server.mailbox.link_to(ANN, 1).await;
        install(&server, CHANGED, &shows("onExecutePostChangePassword")).await;
        hook(&admin, CHANGED, "module.exports = function (user, context, cb) { cb(new Error('at ' + context.connection.name)); };").await;
        let body = json!({ "client_id": server.client_id(), "connection": DATABASE, "email": ANN });
        page.post("/dbconnections/change_password", body).await.expect(200);
        let link = server.mailbox.link_to(ANN, 2).await;
        let path = link.split_once("/u/").map(|(_, path)| format!("/u/{}", path.trim_end_matches('#'))).unwrap();
        let form = browser.get(&path).await;
        choose(&browser, &form, NEW).await.expect(200);
        assert_eq!(log_of(&server, "fcph", 1).await["description"], format!("at {DATABASE}"));
        let log = log_of(&server, "actions_executed", 1).await;
        let event = shown(&log);
        let members: Vec<&String> = event["user"].as_object().unwrap().keys().collect();
        assert_eq!((&event["user"]["email"], &event["user"]["user_id"]), (&json!(ANN), &log["user_id"]));
        assert!(event["user"]["last_password_reset"].is_string() && !members.iter().any(|name| *name == "name"), "{members:?}");
        assert!(!log.to_string().contains(NEW));
    })
    .await;
}
