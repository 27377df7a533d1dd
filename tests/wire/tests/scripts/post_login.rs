//! Post-login Actions: what they see, and every method that changes a login.

use gatewright_testkit::{PHONE, Server, Start, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::stage::{APP, action, action_with, bind, code_flow, encoded, post_login, redeem, told};

const CLAIMS: &str = "exports.onExecutePostLogin = async (event, api) => {
  api.idToken.setCustomClaim('https://example.com/user_metadata', event.user.user_metadata);
  api.accessToken.setCustomClaim('https://example.com/plan', event.user.app_metadata.plan || 'free');
  api.idToken.setCustomClaim('sub', 'somebody else');
  api.accessToken.setCustomClaim('color', 'red');
};";

#[tokio::test]
async fn an_action_sets_claims_and_what_is_left_out_has_a_reason() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        post_login(&server, CLAIMS).await;
        let tokens = Start::seed(&server).log_in(&server, &page).await;
        assert_eq!(tokens.id_claims()["https://example.com/user_metadata"], json!({}));
        assert_eq!(tokens.access_claims()["https://example.com/plan"], "free");
        assert_eq!(tokens.access_claims().get("color"), None);
        // Each claim names the action and the line that set it.
        let origins = admin.newest_log("s").await["details"]["decision"]["claims"].clone();
        for (token, claim, line) in [
            ("id_token", "https://example.com/user_metadata", 2),
            ("access_token", "https://example.com/plan", 3),
        ] {
            let groups = origins[token].as_array().unwrap();
            let group =
                groups.iter().find(|group| group["claims"].as_array().unwrap().contains(&json!(claim)));
            let group = group.unwrap_or_else(|| panic!("no {claim} in {origins:#}"));
            assert_eq!(group["reason"], "claim_of_script");
            assert!(group["of"].as_str().unwrap().ends_with(&format!(", line {line}")), "{group}");
        }
        let ignored = told(&admin, "s").await["ignored"].clone();
        let reasons: Vec<&str> =
            ignored.as_array().unwrap().iter().filter_map(|note| note["reason"].as_str()).collect();
        assert_eq!(reasons, ["reserved_claim", "claim_needs_namespace"]);
        assert!(ignored[1]["remedy"].as_str().unwrap().contains("https://example.com/"));

        // At an API of the tenant's own, names need no namespace.
        let mut start = Start::seed(&server).scope("openid");
        start.audience = Some(server.audience().to_owned());
        assert_eq!(start.log_in(&server, &page).await.access_claims()["color"], "red");
    })
    .await;
}

#[tokio::test]
async fn the_event_shows_the_login() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let id = action_with(
            &admin,
            "post-login",
            json!({
                "name": "Shows", "secrets": [{ "name": "KEY", "value": "s3cret" }],
                "code": "exports.onExecutePostLogin = async (event, api) => {
                    const secret = event.secrets.KEY;
                    const { secrets, ...rest } = event;
                    api.idToken.setCustomClaim('https://example.com/event', rest);
                    api.idToken.setCustomClaim('https://example.com/secret', secret.length);
                };",
            }),
        )
        .await;
        bind(&admin, "post-login", &[&id]).await;
        let mut start = Start::seed(&server).scope("openid read:orders").with("login_hint", "x@example.com");
        start.audience = Some(server.audience().to_owned());
        let claims = start.log_in(&server, &page).await.id_claims();
        let event = &claims["https://example.com/event"];
        assert_eq!(claims["https://example.com/secret"], 6);
        assert_eq!(event["client"]["client_id"], server.client_id());
        assert_eq!(
            (&event["connection"]["name"], &event["connection"]["strategy"]),
            (&json!("sms"), &json!("sms"))
        );
        assert_eq!(event["user"]["user_id"], claims["sub"]);
        assert_eq!(
            (&event["user"]["phone_number"], &event["user"]["app_metadata"]),
            (&json!(PHONE), &json!({}))
        );
        assert_eq!(event["stats"]["logins_count"], 1);
        assert_eq!(event["resource_server"]["identifier"], server.audience());
        assert_eq!(event["tenant"]["id"], "localhost");
        assert_eq!(event["authentication"]["methods"][0]["name"], "sms");
        assert_eq!(event["authorization"]["roles"], json!([]));
        let transaction = &event["transaction"];
        assert_eq!(transaction["protocol"], "oidc-implicit-profile");
        assert_eq!(transaction["requested_scopes"], json!(["openid", "read:orders"]));
        assert_eq!(
            (&transaction["login_hint"], &transaction["state"]),
            (&json!("x@example.com"), &json!("the-state"))
        );
        assert_eq!(transaction["response_type"], json!(["token", "id_token"]));
        assert_eq!(event["session"]["id"], claims["sid"]);
        assert_eq!(event["request"]["query"]["client_id"], server.client_id());
        assert_eq!(event["request"]["query"].get("login_ticket"), None, "{event:#}");
        assert!(event["request"]["ip"].is_string() && event["request"]["geoip"].is_object());
    })
    .await;
}

#[tokio::test]
async fn denials_stop_later_actions_and_keep_metadata() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let start = Start::seed(&server);
        let sub = start.log_in(&server, &page).await.id_claims()["sub"].as_str().unwrap().to_owned();
        let deny = action(
            &admin,
            "post-login",
            "Deny",
            "exports.onExecutePostLogin = async (event, api) => {
            api.user.setAppMetadata('denied', true);
            api.user.setUserMetadata('color', 'red');
            api.access.deny('Not on Sundays');
        };",
        )
        .await;
        let later = action(
            &admin,
            "post-login",
            "Later",
            "exports.onExecutePostLogin = async (event, api) => {
            api.user.setAppMetadata('later', true);
        };",
        )
        .await;
        bind(&admin, "post-login", &[&deny, &later]).await;
        let answer = start.log_in(&server, &page).await.response;
        assert_eq!(
            (&answer["error"], &answer["error_description"], &answer["state"]),
            (&json!("access_denied"), &json!("Not on Sundays"), &json!("the-state"))
        );
        let user = admin.get(&format!("/users/{}", encoded(&sub))).await;
        assert_eq!(
            (&user["app_metadata"], &user["user_metadata"]),
            (&json!({ "denied": true }), &json!({ "color": "red" }))
        );
        let scripts = told(&admin, "fsa").await;
        assert_eq!(scripts["runs"].as_array().unwrap().len(), 1);
        // The other order: both run.
        bind(&admin, "post-login", &[&later, &deny]).await;
        start.log_in(&server, &page).await;
        assert_eq!(told(&admin, "fsa").await["runs"].as_array().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn scopes_are_added_and_removed_but_not_at_the_management_api() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => {
            api.accessToken.addScope('read:users');
            api.accessToken.removeScope('email');
        };",
        )
        .await;
        let claims = Start::seed(&server).log_in(&server, &page).await.access_claims();
        assert_eq!(claims["scope"], "openid profile");
        let event = admin.newest_log("s").await;
        let entries = event["details"]["decision"]["scope"]["entries"].as_array().unwrap().clone();
        let added = entries.iter().find(|entry| entry["scope"] == "read:users").unwrap();
        assert_eq!(
            (&added["outcome"], &added["reason"]),
            (&json!("dropped"), &json!("script_scope_ignored"))
        );

        let mut start = Start::seed(&server).scope("openid email");
        start.audience = Some(server.audience().to_owned());
        assert_eq!(start.log_in(&server, &page).await.access_claims()["scope"], "openid read:users");
    })
    .await;
}

#[tokio::test]
async fn the_code_flow_carries_what_its_login_decided() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        post_login(&server, CLAIMS).await;
        let start = code_flow(&server, "openid profile");
        let ticket = start.ticket(&server, &page).await;
        let answer = page.get(&start.authorize_path(&[("login_ticket", &ticket)])).await;
        let code = answer.expect(302).returned("code").expect("a code");
        // What is bound after the login does not count for its code.
        bind(&admin, "post-login", &[]).await;
        let tokens = redeem(&server, &code).await;
        let claims = gatewright_testkit::claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(claims["https://example.com/user_metadata"], json!({}));
        let access = tokens["access_token"].as_str().unwrap();
        let request = page.request(Method::GET, "/userinfo").bearer_auth(access);
        let told = page.send(request).await.expect(200).json();
        assert_eq!(told["https://example.com/user_metadata"], json!({}));
        assert_eq!(told["sub"], claims["sub"]);
    })
    .await;
}

#[tokio::test]
async fn the_session_is_shortened_noted_on_and_revoked() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => {
            api.session.setMetadata('device', 'till 4');
            api.session.setExpiresAt(new Date(event.session.created_at).getTime() + 3600 * 1000);
        };",
        )
        .await;
        let start = Start::seed(&server);
        let claims = start.log_in(&server, &page).await.id_claims();
        let session = admin.get(&format!("/sessions/{}", claims["sid"].as_str().unwrap())).await;
        assert_eq!(session["session_metadata"], json!({ "device": "till 4" }));
        let silent = [("prompt", "none"), ("response_mode", "web_message")];
        let again = page.get(&start.authorize_path(&silent)).await.web_message();
        assert!(again["access_token"].is_string(), "{again}");
        server.turn.forward_seconds(3700);
        let over = page.get(&start.authorize_path(&silent)).await.web_message();
        assert_eq!(over["error"], "login_required");

        bind(&admin, "post-login", &[]).await;
        start.log_in(&server, &page).await;
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => {
            api.session.revoke('Out');
        };",
        )
        .await;
        let revoked = page.get(&start.authorize_path(&silent)).await.web_message();
        assert_eq!(
            (&revoked["error"], &revoked["error_description"]),
            (&json!("access_denied"), &json!("Out"))
        );
        bind(&admin, "post-login", &[]).await;
        let gone = page.get(&start.authorize_path(&silent)).await.web_message();
        assert_eq!(gone["error"], "login_required");
    })
    .await;
}

#[tokio::test]
async fn a_session_that_ends_while_the_scripts_run_logs_nobody_in() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let start = Start::seed(&server);
        let sid = start.log_in(&server, &page).await.id_claims()["sid"].as_str().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        post_login(
            &server,
            &format!("exports.onExecutePostLogin = async () => {{ await fetch('{url}'); }};"),
        )
        .await;
        // Somebody logs the user out before the script, which waits for this, has its answer.
        let log_out = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            let _ = socket.read(&mut [0; 4096]).await.unwrap();
            admin.call(Method::DELETE, &format!("/sessions/{sid}"), None).await.expect(202);
            socket.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
        };
        let silent = [("prompt", "none"), ("response_mode", "web_message")];
        let path = start.authorize_path(&silent);
        let (answer, ()) = tokio::join!(page.get(&path), log_out);
        assert_eq!(answer.web_message()["error"], "login_required");
        assert_eq!(admin.reason_of(&answer).await, "lost_race");
    })
    .await;
}

#[tokio::test]
async fn a_linked_account_becomes_the_primary_one() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let start = Start::seed(&server);
        let other = admin
            .create(
                "/users",
                json!({ "connection": "Username-Password-Authentication", "email": "a@example.com" }),
            )
            .await;
        let other = other["user_id"].as_str().unwrap().to_owned();
        let code = format!(
            "exports.onExecutePostLogin = async (event, api) => {{
            api.authentication.setPrimaryUser('{other}');
        }};"
        );
        post_login(&server, &code).await;
        let answer = start.log_in(&server, &page).await.response;
        assert_eq!(answer["error"], "access_denied");
        let reason = admin.newest_log("fsa").await["details"]["decision"]["reason"].clone();
        assert_eq!(reason, "primary_user_not_linked");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_built_lets_nobody_in() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let cases = [
            ("api.multifactor.enable('any')", "mfa_no_factor"),
            ("api.authentication.challengeWith({ type: 'otp' })", "mfa_not_enrolled"),
            ("api.authentication.enrollWith({ type: 'otp' })", "mfa_no_factor"),
            ("api.prompt.render('ap_1234')", "forms_not_built"),
        ];
        for (call, reason) in cases {
            post_login(
                &server,
                &format!("exports.onExecutePostLogin = async (event, api) => {{ {call}; }};"),
            )
            .await;
            let answer = Start::seed(&server).log_in(&server, &server.page(APP)).await.response;
            assert_eq!(
                (&answer["error"], answer.get("access_token")),
                (&json!("access_denied"), None),
                "{call}"
            );
            assert_eq!(admin.newest_log("fsa").await["details"]["decision"]["reason"], reason, "{call}");
        }
    })
    .await;
}

#[tokio::test]
async fn roles_cache_and_transaction_metadata_are_there() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let start = Start::seed(&server);
        let sub = start.log_in(&server, &page).await.id_claims()["sub"].as_str().unwrap().to_owned();
        let role = admin.call(Method::POST, "/roles", Some(json!({ "name": "Clerk" }))).await.json();
        let members = Some(json!({ "users": [sub] }));
        let path = format!("/roles/{}/users", role["id"].as_str().unwrap());
        admin.call(Method::POST, &path, members).await.expect(200);
        let first = action(
            &admin,
            "post-login",
            "First",
            "exports.onExecutePostLogin = async (event, api) => {
            api.transaction.setMetadata('step', 'one');
            const seen = api.cache.get('count');
            api.cache.set('count', String(seen ? Number(seen.value) + 1 : 1));
            const { roles } = await api.roles.getUserEffectiveRoles();
            api.idToken.setCustomClaim('https://example.com/roles', roles.map((role) => role.name));
            api.idToken.setCustomClaim('https://example.com/names', event.authorization.roles);
        };",
        )
        .await;
        let second = action(
            &admin,
            "post-login",
            "Second",
            "exports.onExecutePostLogin = async (event, api) => {
            api.idToken.setCustomClaim('https://example.com/step', event.transaction.metadata.step);
            api.idToken.setCustomClaim('https://example.com/count', api.cache.get('count').value);
        };",
        )
        .await;
        bind(&admin, "post-login", &[&first, &second]).await;
        start.log_in(&server, &page).await;
        let claims = start.log_in(&server, &page).await.id_claims();
        assert_eq!(claims["https://example.com/roles"], json!(["Clerk"]));
        assert_eq!(claims["https://example.com/names"], json!(["Clerk"]));
        assert_eq!(
            (&claims["https://example.com/step"], &claims["https://example.com/count"]),
            (&json!("one"), &json!("2"))
        );
    })
    .await;
}

#[tokio::test]
async fn only_the_deployed_version_runs() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let version = |number: i32| {
            format!(
                "exports.onExecutePostLogin = async (event, api) => {{
            api.idToken.setCustomClaim('https://example.com/version', {number});
        }};"
            )
        };
        let id = action(&admin, "post-login", "Versions", &version(1)).await;
        bind(&admin, "post-login", &[&id]).await;
        let seen = async || {
            Start::seed(&server).log_in(&server, &page).await.id_claims()["https://example.com/version"]
                .clone()
        };
        assert_eq!(seen().await, 1);
        admin.patch(&format!("/actions/actions/{id}"), json!({ "code": version(2) })).await;
        assert_eq!(seen().await, 1, "a draft does not run");
        admin.call(Method::POST, &format!("/actions/actions/{id}/deploy"), None).await.expect(200);
        assert_eq!(seen().await, 2);
        let run = told(&admin, "s").await["runs"][0].clone();
        assert_eq!((&run["version"], &run["id"]), (&json!("2"), &Value::from(id)));
    })
    .await;
}
