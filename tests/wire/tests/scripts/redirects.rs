//! A script sends the browser elsewhere, and it comes back.

use gatewright_testkit::{Answer, Form, Page, Server, on_every_database};
use serde_json::json;

use crate::stage::{
    APP, GOOD, action, action_with, bind, code_flow, post_login, redeem, rule, sign_up, told,
};

/// A login with the whole page up to where the script sends it.
async fn sent_away(server: &Server, page: &Page) -> Answer {
    let start = code_flow(server, "openid");
    let ticket = start.ticket(server, page).await;
    page.get(&start.authorize_path(&[("login_ticket", &ticket)])).await
}

fn state_of(answer: &Answer) -> String {
    answer.expect(302).returned("state").expect("a state")
}

#[tokio::test]
async fn an_action_goes_on_where_it_stopped() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let before = action(&admin, "post-login", "Before", "exports.onExecutePostLogin = async (event, api) => {
            api.idToken.setCustomClaim('https://example.com/before', event.user.app_metadata.runs || 0);
            api.user.setAppMetadata('runs', (event.user.app_metadata.runs || 0) + 1);
            api.transaction.setMetadata('kept', 'yes');
        };")
        .await;
        let asks = action_with(&admin, "post-login", json!({
            "name": "Asks", "secrets": [{ "name": "SHARED", "value": "a secret that both sides know" }],
            "code": "exports.onExecutePostLogin = async (event, api) => {
                const token = api.redirect.encodeToken({
                    secret: event.secrets.SHARED, payload: { color: 'red' }, expiresInSeconds: 60,
                });
                if (api.redirect.canRedirect()) {
                    api.redirect.sendUserTo('https://app.example/ask?a=1', { query: { session_token: token } });
                }
            };
            exports.onContinuePostLogin = async (event, api) => {
                api.idToken.setCustomClaim('https://example.com/answer', event.request.query.answer);
                api.idToken.setCustomClaim('https://example.com/kept', event.transaction.metadata.kept);
                api.idToken.setCustomClaim('https://example.com/method', event.request.method);
            };",
        }))
        .await;
        let after = action(&admin, "post-login", "After", "exports.onExecutePostLogin = async (event, api) => {
            api.idToken.setCustomClaim('https://example.com/after', true);
        };")
        .await;
        bind(&admin, "post-login", &[&before, &asks, &after]).await;

        let away = sent_away(&server, &page).await;
        let target = away.expect(302).location();
        assert!(target.as_str().starts_with("https://app.example/ask?a=1&"), "{target}");
        let token = away.returned("session_token").expect("a token");
        let payload = gatewright_testkit::claims(&token);
        assert_eq!(payload["color"], "red");
        assert!(payload["sub"].as_str().unwrap().starts_with("sms|"));
        assert_eq!(payload["exp"].as_i64().unwrap() - payload["iat"].as_i64().unwrap(), 60);
        let state = state_of(&away);

        // Who goes round the script is sent there again.
        let round = page.get(&format!("/authorize/resume?state={state}")).await;
        assert!(round.expect(302).location().as_str().starts_with("https://app.example/ask?a=1&"));
        // Another browser cannot take the login over.
        let stranger = server.page(APP);
        stranger.get(&format!("/continue?state={state}&answer=evil")).await.expect(400);

        let back = page.get(&format!("/continue?state={state}&answer=blue")).await;
        let code = back.expect(302).returned("code").expect("a code");
        let claims = gatewright_testkit::claims(redeem(&server, &code).await["id_token"].as_str().unwrap());
        assert_eq!(claims["https://example.com/before"], 0, "{claims:#}");
        assert_eq!(claims["https://example.com/answer"], "blue");
        assert_eq!((&claims["https://example.com/kept"], &claims["https://example.com/after"]), (&json!("yes"), &json!(true)));
        assert_eq!(claims["https://example.com/method"], "GET");
        let runs = told(&admin, "s").await["runs"].clone();
        let names: Vec<&str> = runs.as_array().unwrap().iter().filter_map(|run| run["name"].as_str()).collect();
        assert_eq!(names, ["Before", "Asks", "Asks", "After"]);
        let away = sent_away(&server, &page).await;
        // The state is good once.
        page.get(&format!("/continue?state={state}&answer=blue")).await.expect(400);
        page.get("/continue?state=nothing").await.expect(400);
        page.get("/continue").await.expect(400);

        // An action that is unbound while the browser is away cannot go on, and nothing after it is known.
        bind(&admin, "post-login", &[&before, &after]).await;
        let lost = page.get(&format!("/continue?state={}", state_of(&away))).await;
        assert_eq!(lost.expect(302).returned("error").as_deref(), Some("access_denied"));
        assert_eq!(lost.returned("code"), None);
        assert_eq!(admin.reason_of(&lost).await, "script_unbound");
    })
    .await;
}

#[tokio::test]
async fn rules_run_again_when_the_browser_comes_back() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        rule(
            &admin,
            "Asks",
            "function (user, context, callback) {
            if (context.protocol === 'redirect-callback') {
                context.idToken['https://example.com/answer'] = context.request.body.answer;
                context.redirect = { url: 'https://app.example/again' };
            } else {
                context.redirect = { url: 'https://app.example/ask' };
            }
            callback(null, user, context);
        }",
        )
        .await;
        let away = sent_away(&server, &page).await;
        assert!(away.expect(302).location().as_str().starts_with("https://app.example/ask?state="));
        let state = state_of(&away);
        let back = page.post_form("/continue", &[("state", &state), ("answer", "green")]).await;
        let code = back.expect(302).returned("code").expect("a code");
        let claims = gatewright_testkit::claims(redeem(&server, &code).await["id_token"].as_str().unwrap());
        assert_eq!(claims["https://example.com/answer"], "green");
    })
    .await;
}

#[tokio::test]
async fn without_a_page_nobody_is_sent_anywhere() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => {
            api.redirect.sendUserTo('https://app.example/ask');
        };",
        )
        .await;
        let start = gatewright_testkit::Start::seed(&server);
        let answer = start.log_in(&server, &page).await.response;
        assert_eq!(answer["error"], "interaction_required");
    })
    .await;
}

#[tokio::test]
async fn a_session_token_is_checked_against_the_login() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => {
            api.redirect.sendUserTo('https://app.example/ask');
        };
        exports.onContinuePostLogin = async (event, api) => {
            try {
                const payload = api.redirect.validateToken({ secret: 'shared', tokenParameterName: 'token' });
                api.idToken.setCustomClaim('https://example.com/payload', payload.color);
            } catch (error) {
                api.access.deny('bad token');
            }
        };",
        )
        .await;
        for (secret, right_state, outcome) in
            [("shared", true, "good"), ("other", true, "bad"), ("shared", false, "bad")]
        {
            let away = sent_away(&server, &page).await;
            let state = state_of(&away);
            let claimed = if right_state { state.as_str() } else { "another" };
            let token = gatewright_testkit::sign_hs256(
                secret.as_bytes(),
                &json!({ "state": claimed, "color": "red", "exp": 4_000_000_000_i64 }),
            );
            let back = page.get(&format!("/continue?state={state}&token={token}")).await;
            let came = if back.expect(302).returned("code").is_some() { "good" } else { "bad" };
            assert_eq!(came, outcome, "{}", back.location());
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_decided_about_one_user_lets_no_other_in() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        for email in ["ann@example.com", "bob@example.com"] {
            sign_up(&server, &page, email, json!({})).await.expect(200);
        }
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => {
                if (event.user.email !== 'ann@example.com') return api.access.deny('Ann only');
                api.redirect.sendUserTo('https://app.example/ask');
            };
            exports.onContinuePostLogin = async (event, api) => {
                api.idToken.setCustomClaim('https://example.com/continued', true);
            };",
        )
        .await;
        let browser = server.page(APP);
        let form = browser.open(&code_flow(&server, "openid email").authorize_path(&[])).await;
        let log_in = async |email: &str| {
            let form = Form::of(&form).with("username", email).with("password", GOOD);
            browser.follow(form.submit(&browser, "default").await).await
        };
        let away = log_in("ann@example.com").await;
        assert!(away.expect(302).location().as_str().starts_with("https://app.example/ask"), "{}", away.body);
        let state = state_of(&away);

        let other = log_in("bob@example.com").await;
        assert_eq!(other.expect(302).returned("error_description"), Some("Ann only".into()));
        // Nothing of Ann's is left to go on with.
        browser.get(&format!("/continue?state={state}")).await.expect(400);
        assert_eq!(told(&admin, "f").await["runs"].as_array().unwrap().len(), 1);
    })
    .await;
}
