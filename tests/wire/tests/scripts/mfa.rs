//! Scripts that ask for a second factor, and who delivers its messages.

use gatewright_testkit::{
    Admin, Answer, Form, Options, OtpApp, Page, Server, claims, on_every_database, shown_code, with_options,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::messages::Service;
use crate::stage::{DATABASE, GOOD, action, action_with, bind, code_flow, hook, post_login, redeem, rule};

const EMAIL: &str = "ann@example.com";
const NUMBER: &str = "+61400111222";

async fn put(admin: &Admin, path: &str, body: Value) {
    admin.call(Method::PUT, path, Some(body)).await.expect(200);
}

/// Makes Ann, and switches text messages on.
async fn prepare(server: &Server) -> Admin {
    let admin = server.admin().await;
    let ann = json!({ "connection": DATABASE, "email": EMAIL, "password": GOOD, "email_verified": true });
    admin.create("/users", ann).await;
    put(&admin, "/guardian/factors/sms", json!({ "enabled": true })).await;
    admin
}

/// Logs in with the password; what comes next.
async fn log_in(server: &Server, browser: &Page) -> Answer {
    let page = browser.open(&code_flow(server, "openid").authorize_path(&[])).await;
    let form = Form::of(page.expect(200)).with("username", EMAIL).with("password", GOOD);
    form.submit(browser, "default").await
}

async fn type_number(browser: &Page, page: &Answer) -> Answer {
    assert!(page.expect(200).body.contains("id=\"mfa-sms-enrollment\""), "{}", page.body);
    Form::of(page).with("phone", NUMBER).submit(browser, "default").await
}

async fn type_code(server: &Server, browser: &Page, page: &Answer) -> Answer {
    assert!(page.expect(200).body.contains("id=\"mfa-sms-challenge\""), "{}", page.body);
    let code = server.mailbox.code_to(NUMBER);
    Form::of(page).with("code", &code).submit(browser, "default").await
}

async fn id_token(server: &Server, answer: &Answer) -> Value {
    let code = answer.expect(302).returned("code").expect("a code");
    claims(redeem(server, &code).await["id_token"].as_str().unwrap())
}

/// `details.decision` of the newest event of a type.
async fn decision(admin: &Admin, code: &str) -> Value {
    admin.newest_log(code).await["details"]["decision"].clone()
}

#[tokio::test]
async fn an_action_switches_the_factor_on_and_off() {
    on_every_database(async |server: Server| {
        let (admin, browser) = (prepare(&server).await, server.tool());
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => {
            api.multifactor.enable('any', { allowRememberBrowser: false });
            api.idToken.setCustomClaim('https://example.com/runs', (event.user.app_metadata.runs || 0) + 1);
            api.user.setAppMetadata('runs', (event.user.app_metadata.runs || 0) + 1);
        };",
        )
        .await;
        let page = log_in(&server, &browser).await;
        let page = type_number(&browser, &page).await;
        let id = id_token(&server, &type_code(&server, &browser, &page).await).await;
        // The factor comes after the scripts, which run once for it.
        assert_eq!((&id["amr"], &id["https://example.com/runs"]), (&json!(["mfa"]), &json!(1)));
        let told = decision(&admin, "s").await;
        assert_eq!(told["multifactor"]["asked_by"], "mfa_by_script");
        assert_eq!(told["scripts"]["runs"].as_array().unwrap().len(), 1);
        // It means every login, also where the session has passed one.
        let again = browser.get(&code_flow(&server, "openid").authorize_path(&[("prompt", "none")])).await;
        assert_eq!(
            again.returned("error_description").as_deref(),
            Some("Multifactor authentication required")
        );
        assert_eq!(decision(&admin, "fsa").await["reason"], "mfa_by_script");

        put(&admin, "/guardian/policies", json!(["all-applications"])).await;
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => { api.multifactor.enable('none'); };",
        )
        .await;
        let id = id_token(&server, &log_in(&server, &server.tool()).await).await;
        assert_eq!(id.get("amr"), None);
        assert_eq!(decision(&admin, "s").await["multifactor"]["reason"], "mfa_lifted_by_script");
        // A provider that this server lacks lets nobody in.
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => { api.multifactor.enable('duo'); };",
        )
        .await;
        assert_eq!(log_in(&server, &server.tool()).await.returned("error").as_deref(), Some("access_denied"));
        assert_eq!(decision(&admin, "f").await["reason"], "mfa_no_factor");
    })
    .await;
}

#[tokio::test]
async fn a_rule_asks_unless_the_session_shows_that_one_was_passed() {
    on_every_database(async |server: Server| {
        let (admin, browser) = (prepare(&server).await, server.tool());
        rule(
            &admin,
            "Guardian",
            "function (user, context, callback) {
            const passed = context.authentication.methods.some((method) => method.name === 'mfa');
            if (!passed) context.multifactor = { provider: 'guardian', allowRememberBrowser: false };
            context.idToken['https://example.com/passed'] = passed;
            callback(null, user, context);
        }",
        )
        .await;
        let page = log_in(&server, &browser).await;
        let page = type_number(&browser, &page).await;
        let id = id_token(&server, &type_code(&server, &browser, &page).await).await;
        assert_eq!((&id["amr"], &id["https://example.com/passed"]), (&json!(["mfa"]), &json!(false)));
        let silent = browser.get(&code_flow(&server, "openid").authorize_path(&[("prompt", "none")])).await;
        let id = id_token(&server, &silent).await;
        assert_eq!((id.get("amr"), &id["https://example.com/passed"]), (None, &json!(true)));
    })
    .await;
}

#[tokio::test]
async fn actions_reach_apps_and_recovery_codes() {
    on_every_database(async |server: Server| {
        let admin = prepare(&server).await;
        put(&admin, "/guardian/factors/otp", json!({ "enabled": true })).await;
        put(&admin, "/guardian/factors/recovery-code", json!({ "enabled": true })).await;
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => {
            const enrolled = event.user.enrolledFactors.map((factor) => factor.type).sort();
            if (!enrolled.includes('otp')) {
                api.authentication.enrollWith({ type: 'otp' }, { additionalFactors: [{ type: 'phone' }] });
                api.authentication.enrollWith({ type: 'recovery-code' });
            } else if (!enrolled.includes('phone')) {
                api.authentication.challengeWith({ type: 'otp' });
                api.authentication.enrollWith({ type: 'phone' });
            } else {
                api.multifactor.enable('google-authenticator');
            }
            api.idToken.setCustomClaim('https://example.com/before', enrolled);
        };",
        )
        .await;
        let browser = server.tool();
        let page = log_in(&server, &browser).await;
        assert!(page.expect(200).body.contains("id=\"mfa-otp-enrollment-qr\""), "{}", page.body);
        let app = OtpApp::of_page(&page);
        let code = app.code(&server);
        // The recovery code of the first factor is the one that the Action asks for next.
        let page = Form::of(&page).with("code", &code).submit(&browser, "default").await;
        assert!(page.expect(200).body.contains("id=\"mfa-recovery-code-enrollment\""), "{}", page.body);
        let id = id_token(&server, &Form::of(&page).submit(&browser, "default").await).await;
        assert_eq!((&id["amr"], &id["https://example.com/before"]), (&json!(["mfa"]), &json!([])));

        // A challenge, and one more factor in the same Action.
        server.turn.forward_seconds(30);
        let browser = server.tool();
        let page = log_in(&server, &browser).await;
        assert!(page.expect(200).body.contains("id=\"mfa-otp-challenge\""), "{}", page.body);
        let page = Form::of(&page).with("code", &app.code(&server)).submit(&browser, "default").await;
        let page = type_number(&browser, &page).await;
        let id = id_token(&server, &type_code(&server, &browser, &page).await).await;
        assert_eq!(id["https://example.com/before"], json!(["otp", "recovery-code"]));

        // The older name of apps, with the phone enrolled and on.
        server.turn.forward_seconds(30);
        let browser = server.tool();
        let page = log_in(&server, &browser).await;
        assert!(page.expect(200).body.contains("id=\"mfa-otp-challenge\""), "{}", page.body);
        assert!(!page.body.contains("Try another method"), "{}", page.body);
        let page = Form::of(&page).with("code", &app.code(&server)).submit(&browser, "default").await;
        assert_eq!(id_token(&server, &page).await["amr"], json!(["mfa"]));
        assert_eq!(decision(&admin, "s").await["multifactor"]["passed"], json!(["otp"]));

        // A recovery code by itself.
        admin.call(Method::DELETE, &ann(&admin).await, None).await.expect(204);
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => {
            api.authentication.enrollWith({ type: 'recovery-code' });
        };",
        )
        .await;
        let browser = server.tool();
        let page = log_in(&server, &browser).await;
        assert!(page.expect(200).body.contains("id=\"mfa-recovery-code-enrollment\""), "{}", page.body);
        // It is shown again until its user says to have it.
        let code = shown_code(&page);
        let state = Form::of(&page).value("state").unwrap().to_owned();
        let again = browser.get(&format!("/u/mfa-recovery-code-enrollment?state={state}")).await;
        assert_eq!(shown_code(&again), code);
        let id = id_token(&server, &Form::of(&again).submit(&browser, "default").await).await;
        assert_eq!(id.get("amr"), None);
    })
    .await;
}

#[tokio::test]
async fn an_action_asks_at_the_token_endpoint_and_runs_once_for_it() {
    on_every_database(async |server: Server| {
        let admin = prepare(&server).await;
        put(&admin, "/guardian/factors/otp", json!({ "enabled": true })).await;
        let ann = admin.get(&format!("/users-by-email?email={EMAIL}")).await[0]["user_id"].as_str().unwrap().to_owned();
        let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
        let path = format!("/users/{}/authentication-methods", ann.replace('|', "%7C"));
        admin.create(&path, json!({ "type": "totp", "totp_secret": secret })).await;
        let app = OtpApp::new(secret);
        let asks = action(
            &admin,
            "post-login",
            "Asks",
            "exports.onExecutePostLogin = async (event, api) => {
            api.user.setAppMetadata('asked', (event.user.app_metadata.asked || 0) + 1);
            api.authentication.challengeWith({ type: 'otp' });
        };",
        )
        .await;
        let after = action(
            &admin,
            "post-login",
            "After",
            "exports.onExecutePostLogin = async (event, api) => {
            const methods = event.authentication.methods.map((method) => method.type || method.name);
            api.accessToken.setCustomClaim('https://example.com/seen', [
                event.transaction.protocol, methods, event.user.app_metadata.asked, event.request.body,
            ]);
        };",
        )
        .await;
        bind(&admin, "post-login", &[&asks, &after]).await;
        let realm = "http://auth0.com/oauth/grant-type/password-realm";
        let otp = "http://auth0.com/oauth/grant-type/mfa-otp";
        let client = format!("/clients/{}", server.client_id());
        admin.patch(&client, json!({ "grant_types": [realm, otp, "refresh_token"] })).await;
        let tool = server.tool();
        let body = json!({ "grant_type": realm, "client_id": server.client_id(), "realm": DATABASE, "username": EMAIL,
            "password": GOOD, "scope": "openid offline_access" });
        let asked = tool.post("/oauth/token", body.clone()).await.expect(403).json();
        assert_eq!(asked["mfa_requirements"], json!({ "challenge": [{ "type": "otp" }] }));
        assert_eq!(decision(&admin, "mfar").await["reason"], "mfa_challenge_by_script");
        let prove = async |asked: &Value| {
            server.turn.forward_seconds(30);
            let body = json!({ "grant_type": otp, "client_id": server.client_id(), "mfa_token": asked["mfa_token"],
                "otp": app.code(&server) });
            tool.post("/oauth/token", body).await
        };
        let tokens = prove(&asked).await.expect(200).json();
        let told = decision(&admin, "seotpft").await;
        assert_eq!(told["multifactor"]["asked_by"], "mfa_challenge_by_script");
        let names = told["scripts"]["runs"].as_array().unwrap().iter().map(|run| run["name"].clone());
        assert_eq!(Value::from_iter(names), json!(["Asks", "After"]));

        // At a renewal too: the token is exchanged once the factor was passed.
        let renewal = json!({ "grant_type": "refresh_token", "client_id": server.client_id(),
            "refresh_token": tokens["refresh_token"] });
        let asked = tool.post("/oauth/token", renewal).await.expect(403).json();
        assert_eq!(asked["error"], "mfa_required");
        let renewed = prove(&asked).await.expect(200).json();
        assert!(renewed["id_token"].is_string(), "{renewed}");
        let with_api = json!({ "audience": server.audience() });
        let mut body = body;
        body.as_object_mut().unwrap().extend(with_api.as_object().unwrap().clone());
        let asked = tool.post("/oauth/token", body.clone()).await.expect(403).json();
        let tokens = prove(&asked).await.expect(200).json();
        let seen = claims(tokens["access_token"].as_str().unwrap())["https://example.com/seen"].clone();
        assert_eq!((&seen[0], &seen[1]), (&json!("oauth2-resource-owner"), &json!(["pwd", "otp"])), "{seen}");
        // Scripts see no proofs.
        assert!(seen[3].get("otp").is_none() && seen[3].get("mfa_token").is_none(), "{seen}");

        // Another login waits with nothing of the first one, and a user who is blocked meanwhile with nothing.
        let asked = tool.post("/oauth/token", body).await.expect(403).json();
        admin.patch(&format!("/users/{}", ann.replace('|', "%7C")), json!({ "blocked": true })).await;
        assert_eq!(prove(&asked).await.expect(401).error().1, "user is blocked");
    })
    .await;
}

/// The path that removes all factors of Ann.
async fn ann(admin: &Admin) -> String {
    let found = admin.get(&format!("/users-by-email?email={EMAIL}")).await;
    format!("/users/{}/authenticators", found[0]["user_id"].as_str().unwrap().replace('|', "%7C"))
}

#[tokio::test]
async fn actions_wait_for_the_factors_that_one_of_them_asks_for() {
    on_every_database(async |server: Server| {
        let (admin, browser) = (prepare(&server).await, server.tool());
        let asks = action(
            &admin,
            "post-login",
            "Asks",
            "exports.onExecutePostLogin = async (event, api) => {
            api.user.setAppMetadata('asked', (event.user.app_metadata.asked || 0) + 1);
            if (event.user.enrolledFactors.length === 0) {
                api.authentication.enrollWithAny([{ type: 'otp' }, { type: 'phone' }]);
            } else {
                api.authentication.challengeWith({ type: 'otp' }, { additionalFactors: [{ type: 'phone' }] });
            }
        };
        exports.onContinuePostLogin = async (event, api) => { api.access.deny('never called'); };",
        )
        .await;
        let after = action(
            &admin,
            "post-login",
            "After",
            "exports.onExecutePostLogin = async (event, api) => {
            api.idToken.setCustomClaim('https://example.com/methods', event.authentication.methods);
            api.idToken.setCustomClaim('https://example.com/user', [
                event.user.enrolledFactors, event.user.multifactor, event.user.app_metadata.asked,
            ]);
        };",
        )
        .await;
        bind(&admin, "post-login", &[&asks, &after]).await;
        let page = log_in(&server, &browser).await;
        let page = type_number(&browser, &page).await;
        let id = id_token(&server, &type_code(&server, &browser, &page).await).await;
        let methods = id["https://example.com/methods"].clone();
        assert_eq!(
            (&methods[0]["name"], &methods[1]["name"], &methods[1]["type"]),
            (&json!("pwd"), &json!("mfa"), &json!("phone"))
        );
        assert_eq!(id["https://example.com/user"], json!([[{ "type": "phone" }], ["guardian"], 1]));
        assert_eq!(id["amr"], json!(["mfa"]));
        let told = decision(&admin, "s").await;
        assert_eq!(told["multifactor"]["asked_by"], "mfa_enrollment_by_script");
        let names: Vec<&str> = told["scripts"]["runs"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|run| run["name"].as_str())
            .collect();
        assert_eq!(names, ["Asks", "After"]);

        let other = server.tool();
        let page = log_in(&server, &other).await;
        assert!(page.body.contains("XXXXXXX1222"), "{}", page.body);
        // Who goes round the page is sent there again, and the action does not run twice.
        let state = Form::of(&page).value("state").unwrap().to_owned();
        let round = other.get(&format!("/authorize/resume?state={state}")).await;
        assert!(round.expect(302).headers["location"].to_str().unwrap().starts_with("/u/mfa-sms-challenge?"));
        let id = id_token(&server, &type_code(&server, &other, &page).await).await;
        assert_eq!(id["https://example.com/user"][2], 2);
        assert_eq!(decision(&admin, "s").await["multifactor"]["asked_by"], "mfa_challenge_by_script");
        // The session remembers the factor, so the next action runs at once.
        let silent = other.get(&code_flow(&server, "openid").authorize_path(&[("prompt", "none")])).await;
        let id = id_token(&server, &silent).await;
        assert_eq!((id.get("amr"), &id["https://example.com/methods"][1]["type"]), (None, &json!("phone")));

        // Nothing that the user has is on.
        put(&admin, "/guardian/factors/sms", json!({ "enabled": false })).await;
        assert_eq!(log_in(&server, &server.tool()).await.returned("error").as_deref(), Some("access_denied"));
        assert_eq!(decision(&admin, "f").await["reason"], "mfa_not_enrolled");
        // One page at a time.
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => {
            api.authentication.challengeWithAny([{ type: 'phone' }]);
            api.redirect.sendUserTo('https://app.example/');
        };",
        )
        .await;
        assert_eq!(log_in(&server, &server.tool()).await.returned("error").as_deref(), Some("access_denied"));
        assert_eq!(decision(&admin, "f").await["reason"], "mfa_with_redirect");
    })
    .await;
}

#[tokio::test]
async fn an_action_delivers_the_messages() {
    with_options(Options { captures: false, ..Options::default() }, async |server: Server| {
        let (admin, browser) = (prepare(&server).await, server.tool());
        put(&admin, "/guardian/policies", json!(["all-applications"])).await;
        put(&admin, "/guardian/factors/phone/selected-provider", json!({ "provider": "phone-message-hook" }))
            .await;
        let page = log_in(&server, &browser).await;
        // Nobody is bound.
        let refused = Form::of(&page).with("phone", NUMBER).submit(&browser, "default").await;
        assert!(refused.expect(400).body.contains("could not be sent"), "{}", refused.body);
        let detail = admin.newest_log("gd_send_sms_failure").await["details"]["error"]["detail"].clone();
        assert!(detail.as_str().unwrap().contains("nothing is bound"), "{detail}");

        let mut service = Service::start().await;
        let code = "exports.onExecuteSendPhoneMessage = async (event, api) => {
            console.log(event.message_options.text);
            const { secrets, ...shown } = event;
            const answer = await fetch(secrets.URL, {
                method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(shown),
            });
            if (answer.status !== 200) throw new Error('cannot send ' + event.message_options.code);
        };";
        let secrets = json!([{ "name": "URL", "value": service.url }]);
        let body = json!({ "name": "Sends", "code": code, "secrets": secrets });
        let id = action_with(&admin, "send-phone-message", body).await;
        bind(&admin, "send-phone-message", &[&id]).await;
        service.answers(500);
        let refused = Form::of(&page).with("phone", NUMBER).submit(&browser, "default").await;
        assert!(refused.expect(400).body.contains("could not be sent"), "{}", refused.body);
        let code = service.message().await["message_options"]["code"].as_str().unwrap().to_owned();
        let log = admin.newest_log("gd_send_sms_failure").await;
        assert!(log["details"]["decision"]["scripts"]["runs"][0]["error"].is_object(), "{log:#}");
        assert!(!log.to_string().contains(&code), "codes are not logged: {log:#}");

        service.answers(200);
        let page = Form::of(&page).with("phone", NUMBER).submit(&browser, "default").await;
        let event = service.message().await;
        let options = event["message_options"].clone();
        let code = options["code"].as_str().unwrap().to_owned();
        let text = options["text"].as_str().unwrap();
        assert!(text.starts_with(&format!("{code} is your verification code for localhost.")), "{text}");
        assert_eq!((&options["action"], &options["recipient"]), (&json!("enrollment"), &json!(NUMBER)));
        assert_eq!(options["message_type"], "sms");
        assert_eq!(event["user"]["email"], EMAIL);
        assert_eq!(event["client"]["client_id"], server.client_id());
        let log = admin.newest_log("gd_send_sms").await;
        assert!(!log.to_string().contains(&code) && log.to_string().contains("*****"), "{log:#}");
        let answer = Form::of(&page).with("code", &code).submit(&browser, "default").await;
        assert_eq!(id_token(&server, &answer).await["amr"], json!(["mfa"]));
        log_in(&server, &server.tool()).await.expect(200);
        assert_eq!(service.message().await["message_options"]["action"], "second-factor-authentication");
    })
    .await;
}

#[tokio::test]
async fn a_hook_delivers_the_messages() {
    with_options(Options { captures: false, ..Options::default() }, async |server: Server| {
        let (admin, browser) = (prepare(&server).await, server.tool());
        put(&admin, "/guardian/policies", json!(["all-applications"])).await;
        put(
            &admin,
            "/guardian/factors/phone/templates",
            json!({
                "enrollment_message": "Hello {{code}}", "verification_message": "Again {{code}}",
            }),
        )
        .await;
        let mut service = Service::start().await;
        let script = format!(
            "module.exports = async (recipient, text, context, cb) => {{
                await fetch('{}', {{ method: 'POST', body: JSON.stringify({{ recipient, text, context }}) }});
                cb(null, {{}});
            }};",
            service.url
        );
        hook(&admin, "send-phone-message", &script).await;
        let page = log_in(&server, &browser).await;
        let page = type_number(&browser, &page).await;
        let told = service.message().await;
        let code = told["context"]["code"].as_str().unwrap().to_owned();
        assert_eq!((&told["recipient"], &told["text"]), (&json!(NUMBER), &json!(format!("Hello {code}"))));
        assert_eq!(
            (&told["context"]["action"], &told["context"]["message_type"]),
            (&json!("enrollment"), &json!("sms"))
        );
        assert_eq!(told["context"]["user"]["email"], EMAIL);
        let answer = Form::of(&page).with("code", &code).submit(&browser, "default").await;
        assert_eq!(id_token(&server, &answer).await["amr"], json!(["mfa"]));
    })
    .await;
}
