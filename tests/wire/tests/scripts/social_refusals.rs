//! Social connections: states that lead nowhere, providers that refuse or fail, scripts that name nobody.

use gatewright_testkit::{Answer, Page, Server, on_every_database};
use serde_json::{Value, json};

use crate::provider::{ACME, Provider, back, log_in, sent};
use crate::stage::{APP, code_flow, log_of};

async fn begin(server: &Server, browser: &Page) -> Answer {
    browser.get(&code_flow(server, "openid").authorize_path(&[("connection", ACME)])).await
}

/// The error at the application, with the reason in the log; nobody's account is made.
async fn refused(server: &Server, answer: &Answer) -> (String, String, String) {
    let location = answer.location();
    assert!(location.as_str().starts_with("http://localhost:4200/?"), "{location}");
    assert_eq!(answer.returned("state").as_deref(), Some("the-state"));
    let admin = server.admin().await;
    assert_eq!(admin.get("/users").await, json!([]));
    let log = admin.newest_log("f").await;
    assert_eq!((&log["connection"], &log["strategy_type"]), (&json!(ACME), &json!("social")));
    let text = |name: &str| answer.returned(name).unwrap_or_default();
    (text("error"), text("error_description"), admin.reason_of(answer).await)
}

fn told(error: &str, text: &str, reason: &str) -> (String, String, String) {
    (error.to_owned(), text.to_owned(), reason.to_owned())
}

/// Changes options of the connection.
async fn options(server: &Server, id: &str, change: Value) {
    let (admin, path) = (server.admin().await, format!("/connections/{id}"));
    let mut options = admin.get(&path).await["options"].clone();
    options.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    admin.patch(&path, json!({ "options": options })).await;
}

#[tokio::test]
async fn a_state_is_good_once_and_in_its_browser() {
    on_every_database(async |server: Server| {
        let (provider, browser, admin) = (Provider::start().await, server.tool(), server.admin().await);
        provider.set("ann", json!({ "user_id": "7" }));
        provider.attach(&server, json!({})).await;
        for path in [
            "/login/callback",
            "/login/callback?code=ann&state=nonsense",
            "/login/callback?error=access_denied",
        ] {
            let answer = browser.get(path).await;
            assert_eq!(admin.reason_of(answer.expect(400)).await, "provider_state_unknown", "{path}");
        }
        let mine = back(&sent(&begin(&server, &browser).await), &[("code", "ann")]);
        // A link with a stranger's login in it logs nobody in, and does not use it up.
        let stranger = server.tool();
        assert!(stranger.get(&mine).await.expect(400).body.contains("another browser"));
        begin(&server, &stranger).await;
        stranger.get(&mine).await.expect(400);
        // Nor does a state of this host's own pages.
        let own = browser.get(&code_flow(&server, "openid").authorize_path(&[])).await;
        let state = own.header("location").split_once("state=").unwrap().1.to_owned();
        let answer = browser.get(&format!("/login/callback?code=ann&state={state}")).await;
        assert_eq!(admin.reason_of(answer.expect(400)).await, "provider_state_unknown");
        assert_eq!(provider.asked(), []);

        let came = browser.get(&mine).await;
        let answer = browser.get(&mine).await;
        assert_eq!(admin.reason_of(answer.expect(400)).await, "provider_state_unknown");
        assert_eq!(provider.asked().len(), 1);
        let done = browser.follow(came).await;
        assert!(done.returned("code").is_some(), "{}", done.location());
        // Once it is answered there is nothing to come back to.
        browser.get(&mine).await.expect(400);
        let anew = async || {
            let asked = [("connection", ACME), ("prompt", "login")];
            let answer = browser.get(&code_flow(&server, "openid").authorize_path(&asked)).await;
            back(&sent(&answer), &[("code", "ann")])
        };
        let (late, other) = (anew().await, anew().await);
        // Two windows of one browser go on beside each other.
        assert!(browser.follow(browser.get(&other).await).await.returned("code").is_some());
        server.turn.forward_seconds(3601);
        assert_eq!(admin.reason_of(browser.get(&late).await.expect(400)).await, "provider_state_unknown");
        assert_eq!(provider.asked().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_application_is_told_what_the_provider_says() {
    on_every_database(async |server: Server| {
        let (provider, browser) = (Provider::start().await, server.tool());
        provider.set("ann", json!({ "user_id": "7" }));
        provider.attach(&server, json!({})).await;
        for (answer, error, text) in [
            (
                &[("error", "access_denied"), ("error_description", "Not today")][..],
                "access_denied",
                "Not today",
            ),
            (
                &[("error", "temporarily_unavailable")],
                "temporarily_unavailable",
                "The provider refused the login: temporarily_unavailable",
            ),
            (&[("error", "invalid_scope")], "access_denied", "The provider refused the login: invalid_scope"),
            // An error is one, whatever comes with it.
            (
                &[("error", "access_denied"), ("code", "ann")],
                "access_denied",
                "The user or the provider refused the login.",
            ),
            (&[], "access_denied", "The provider refused the login: no code"),
        ] {
            let path = back(&sent(&begin(&server, &browser).await), answer);
            let denied = browser.get(&path).await;
            assert_eq!(refused(&server, &denied).await, told(error, text, "provider_refused"));
            // The login is over.
            browser.get(&path).await.expect(400);
        }
        let log = server.admin().await.newest_log("f").await;
        assert_eq!(log["details"]["decision"]["reason"], "provider_refused");
        assert_eq!(provider.asked(), []);
    })
    .await;
}

#[tokio::test]
async fn a_token_endpoint_that_fails_lets_nobody_in() {
    on_every_database(async |server: Server| {
        let (provider, browser) = (Provider::start().await, server.tool());
        provider.set("ann", json!({ "user_id": "7" }));
        let id = provider.attach(&server, json!({})).await;
        let attempt =
            async || refused(&server, &log_in(&browser, &begin(&server, &browser).await, "ann").await).await;
        let detail = async || {
            let log = server.admin().await.newest_log("f").await;
            log["details"]["decision"]["provider"]["detail"].as_str().unwrap_or_default().to_owned()
        };
        let text = "The provider did not confirm the login.";
        provider.answer(400, r#"{"error":"invalid_grant","error_description":"Old code"}"#);
        assert_eq!(attempt().await, told("access_denied", text, "provider_code_refused"));
        assert_eq!(detail().await, "The token endpoint answered 400: invalid_grant: Old code");
        for (status, body) in
            [(200, "error=bad_code"), (200, "{}"), (500, "<html>"), (302, r#"{"access_token":"x"}"#)]
        {
            provider.answer(status, body);
            assert_eq!(
                attempt().await,
                told("access_denied", text, "provider_code_refused"),
                "{status} {body}"
            );
        }
        let gone =
            told("temporarily_unavailable", "The provider could not be reached.", "provider_unreachable");
        provider.hang_up();
        assert_eq!(attempt().await, gone);
        // Not even a development server calls into a private network.
        options(&server, &id, json!({ "tokenURL": "http://169.254.169.254/token" })).await;
        assert_eq!(attempt().await, gone);
        assert!(detail().await.contains("169.254.169.254:80 was not called"), "{}", detail().await);
        // What the connection lacks is said before anybody is sent away.
        options(
            &server,
            &id,
            json!({ "tokenURL": format!("{}/token", provider.url), "customHeaders": { "a b": "c" } }),
        )
        .await;
        assert_eq!(
            attempt().await,
            told("server_error", "The connection cannot be used.", "provider_not_configured")
        );
        options(&server, &id, json!({ "authorizationURL": "", "customHeaders": {} })).await;
        let answer = begin(&server, &browser).await;
        assert_eq!(
            answer.returned("error_description").as_deref(),
            Some("The connection acme-id has no usable authorizationURL.")
        );
        // The button says so at the application too.
        let page = server.tool();
        let login = page.open(&code_flow(&server, "openid").authorize_path(&[])).await;
        let (_, rest) = login.body.split_once(r#"<a class="secondary" href=""#).unwrap();
        let answer = page.get(&rest.split_once('"').unwrap().0.replace("&#38;", "&")).await;
        assert_eq!(refused(&server, &answer).await.2, "provider_not_configured");
    })
    .await;
}

#[tokio::test]
async fn a_script_that_names_nobody_lets_nobody_in() {
    on_every_database(async |server: Server| {
        let (provider, browser) = (Provider::start().await, server.tool());
        let id = provider.attach(&server, json!({})).await;
        let unavailable =
            |reason| told("access_denied", "The profile could not be fetched from the provider.", reason);
        let threw = unavailable("script_threw");
        let profile = unavailable("script_profile");
        for (does, expected) in [
            ("callback(new Error('secret words ' + token));", &threw),
            ("console.log(context.refresh_token); throw new TypeError('x');", &threw),
            ("callback(null, { email: 'ann@example.com' });", &profile),
            ("callback(null, null);", &profile),
            (
                "callback(new UnauthorizedError('Closed on Sundays.'));",
                &told("access_denied", "Closed on Sundays.", "denied_by_script"),
            ),
            ("} this is no function {", &unavailable("script_invalid")),
            ("", &unavailable("script_missing")),
        ] {
            let script = match does {
                "" => String::new(),
                does => format!("function (token, context, callback) {{ {does} }}"),
            };
            options(&server, &id, json!({ "scripts": { "fetchUserProfile": script } })).await;
            let answer = log_in(&browser, &begin(&server, &browser).await, "ann").await;
            assert_eq!(&refused(&server, &answer).await, expected, "{script}");
        }
        let logs = server.admin().await.get("/logs?q=type:f&per_page=100").await;
        let threw =
            logs.as_array().unwrap().iter().find(|log| log.to_string().contains("secret words")).unwrap();
        assert_eq!(threw["details"]["decision"]["provider"]["detail"], "secret words *****");
        assert!(!logs.to_string().contains("secret-at") && !logs.to_string().contains("secret-rt"), "{logs}");
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_is_taken_away_meanwhile_lets_nobody_in() {
    on_every_database(async |server: Server| {
        let (provider, browser, admin) = (Provider::start().await, server.page(APP), server.admin().await);
        provider.set("ann", json!({ "user_id": "7" }));
        let id = provider.attach(&server, json!({})).await;
        let at_provider = begin(&server, &browser).await;
        admin.patch(&format!("/connections/{id}"), json!({ "enabled_clients": [] })).await;
        log_in(&browser, &at_provider, "ann").await.expect(400);
        assert_eq!(provider.asked(), []);
        let answer = begin(&server, &browser).await;
        assert_eq!(admin.reason_of(&answer).await, "connection_not_usable");
        // What was logged while it worked stays readable.
        log_of(&server, "f", 1).await;
    })
    .await;
}
