//! password-reset-post-challenge: actions between the link of a reset and the new password.

use gatewright_testkit::{Answer, Form, Page, Server, on_every_database};
use serde_json::json;

use crate::stage::{APP, DATABASE, GOOD, action, bind, install, log_of, sign_up, told};

const TRIGGER: &str = "password-reset-post-challenge";
const ANN: &str = "ann@example.com";
const NEW: &str = "Other-horse-88";

/// An account, and the path of the link that its owner gets; `mails` counts those before.
async fn link(server: &Server, mails: usize) -> String {
    let page = server.page(APP);
    if mails == 0 {
        sign_up(server, &page, ANN, json!({})).await.expect(200);
        server.mailbox.link_to(ANN, 1).await;
    }
    let body = json!({ "client_id": server.client_id(), "connection": DATABASE, "email": ANN });
    page.post("/dbconnections/change_password", body).await.expect(200);
    let link = server.mailbox.link_to(ANN, mails.max(1) + 1).await;
    link.split_once("/u/").map(|(_, path)| format!("/u/{}", path.trim_end_matches('#'))).unwrap()
}

/// Opens the link and presses its button.
async fn pressed(browser: &Page, path: &str) -> Answer {
    let page = browser.get(path).await;
    assert!(page.expect(200).body.contains("name=\"begin\"") && !page.body.contains("type=\"password\""));
    Form::of(&page).press(browser, "default").await
}

async fn choose(browser: &Page, form: &Answer, password: &str) -> Answer {
    let form = Form::of(form).with("password", password).with("re-enter-password", password);
    form.press(browser, "default").await
}

async fn logs_in(server: &Server, password: &str) -> bool {
    let realm = "http://auth0.com/oauth/grant-type/password-realm";
    let body = json!({ "client_id": server.client_id(), "username": ANN, "password": password,
        "realm": DATABASE, "credential_type": realm });
    server.page(APP).post("/co/authenticate", body).await.status == 200
}

#[tokio::test]
async fn a_denial_keeps_the_password() {
    on_every_database(async |server: Server| {
        let path = link(&server, 0).await;
        install(
            &server,
            TRIGGER,
            "exports.onExecutePostChallenge = async (event, api) => {
            console.log(event.user.email + ' ' + event.connection.name + ' ' + event.stats.logins_count);
            api.access.deny('Not from here.');
        };",
        )
        .await;
        let browser = server.tool();
        let denied = pressed(&browser, &path).await;
        assert!(
            denied.expect(403).body.contains("Not from here.") && !denied.body.contains("type=\"password\"")
        );
        let admin = server.admin().await;
        let event = admin.newest_log("fcp").await;
        assert_eq!(
            (&event["description"], &event["details"]["decision"]["reason"]),
            (&json!("Not from here."), &json!("denied_by_script"))
        );
        assert_eq!(told(&admin, "fcp").await["runs"][0]["console"], json!([format!("{ANN} {DATABASE} 0")]));
        // Going round the actions does not help.
        let ticket = path.split_once("ticket=").unwrap().1.to_owned();
        let fields = [("ticket", &*ticket), ("password", NEW), ("re-enter-password", NEW)];
        let round = browser.post_form("/u/reset-verify", &fields).await;
        assert!(round.expect(200).body.contains("name=\"begin\""), "{}", round.body);
        assert!(logs_in(&server, GOOD).await && !logs_in(&server, NEW).await);
        for call in [
            "api.authentication.challengeWith({ type: 'otp' })",
            "api.prompt.render('ap_1')",
            "throw new Error('s3cret')",
        ] {
            install(
                &server,
                TRIGGER,
                &format!("exports.onExecutePostChallenge = async (event, api) => {{ {call}; }};"),
            )
            .await;
            let refused = pressed(&browser, &path).await;
            assert!(
                !refused.expect(403).body.contains("s3cret") && !refused.body.contains("type=\"password\""),
                "{call}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn an_action_sends_the_browser_elsewhere_and_says_where_it_ends() {
    on_every_database(async |server: Server| {
        let path = link(&server, 0).await;
        let admin = server.admin().await;
        let asks = action(
            &admin,
            TRIGGER,
            "Asks",
            "exports.onExecutePostChallenge = async (event, api) => {
            api.redirect.sendUserTo('https://app.example/ask?a=1', { query: { who: event.user.user_id } });
        };
        exports.onContinuePostChallenge = async (event, api) => {
            if (event.request.query.answer !== 'blue') api.access.deny('Wrong answer.');
        };",
        )
        .await;
        let ends = action(
            &admin,
            TRIGGER,
            "Ends",
            "exports.onExecutePostChallenge = async (event, api) => {
            api.transaction.setResultUrl('https://app.example/done', { query: { b: '2' } });
        };",
        )
        .await;
        bind(&admin, TRIGGER, &[&asks, &ends]).await;
        let browser = server.tool();
        let away = pressed(&browser, &path).await;
        assert!(
            away.expect(302).location().as_str().starts_with("https://app.example/ask?a=1&who=auth0"),
            "{}",
            away.location()
        );
        let state = away.returned("state").unwrap();
        // Not another browser, not the login pages, not without the answer.
        server.tool().get(&format!("/continue?state={state}&answer=blue")).await.expect(400);
        browser.get(&format!("/u/login?state={state}")).await.expect(400);
        browser.get(&format!("/authorize/resume?state={state}")).await.expect(400);
        let form = browser.get(&format!("/continue?state={state}&answer=blue")).await;
        assert!(form.expect(200).body.contains("type=\"password\""), "{}", form.body);
        browser.get(&format!("/continue?state={state}&answer=blue")).await.expect(400);
        // The form is good in its browser only, and a weak password asks for another one.
        let stranger = server.tool();
        assert!(choose(&stranger, &form, NEW).await.expect(200).body.contains("name=\"begin\""));
        let weak = choose(&browser, &form, "short").await;
        let done = choose(&browser, weak.expect(400), NEW).await;
        let target = done.expect(302).location();
        assert!(target.as_str().starts_with("https://app.example/done?b=2&success=true"), "{target}");
        assert!(logs_in(&server, NEW).await);
        let names: Vec<String> = told(&admin, "actions_executed").await["runs"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|run| run["name"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(names, ["Asks", "Asks", "Ends"]);
        assert_eq!(log_of(&server, "actions_executed", 1).await["details"]["trigger_id"], TRIGGER);
        // The link is spent.
        browser.get(&path).await.expect(400);

        let path = link(&server, 2).await;
        let away = pressed(&browser, &path).await;
        let state = away.returned("state").unwrap();
        let denied = browser.get(&format!("/continue?state={state}&answer=red")).await;
        assert!(denied.expect(403).body.contains("Wrong answer."), "{}", denied.body);
        assert!(logs_in(&server, NEW).await);
    })
    .await;
}

#[tokio::test]
async fn opening_the_link_runs_nothing() {
    on_every_database(async |server: Server| {
        let path = link(&server, 0).await;
        install(&server, TRIGGER, "exports.onExecutePostChallenge = async (event, api) => {};").await;
        let browser = server.tool();
        for _ in 0..3 {
            browser.get(&path).await.expect(200);
        }
        let logs = server.admin().await.get("/logs?q=type:actions_executed").await;
        assert_eq!(logs, json!([]));
        let form = pressed(&browser, &path).await;
        choose(&browser, form.expect(200), NEW).await.expect(200);
        assert!(logs_in(&server, NEW).await);
    })
    .await;
}
