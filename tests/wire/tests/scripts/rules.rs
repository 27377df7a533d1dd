//! Rules: the forum's answer, and everything else that a rule could change.

use gatewright_testkit::{PHONE, Server, Start, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{APP, encoded, rule, told};

#[tokio::test]
async fn a_rule_puts_metadata_into_the_id_token() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let start = Start::seed(&server);
        let first = start.log_in(&server, &page).await.id_claims();
        let user = format!("/users/{}", encoded(first["sub"].as_str().unwrap()));
        admin.patch(&user, json!({ "user_metadata": { "theme": "dark" } })).await;
        let script = "function (user, context, callback) {
            const namespace = 'https://example.com/';
            context.idToken[namespace + 'user_metadata'] = user.user_metadata;
            console.log('claims for ' + user.user_id);
            return callback(null, user, context);
        }";
        rule(&admin, "Metadata", script).await;
        let tokens = start.log_in(&server, &page).await;
        let claims = tokens.id_claims();
        assert_eq!(claims["https://example.com/user_metadata"], json!({ "theme": "dark" }));
        assert_eq!(tokens.access_claims().get("https://example.com/user_metadata"), None);
        let request = page.request(Method::GET, "/userinfo").bearer_auth(tokens.access_token());
        let told_by_userinfo = page.send(request).await.expect(200).json();
        assert_eq!(told_by_userinfo["https://example.com/user_metadata"], json!({ "theme": "dark" }));
        let scripts = told(&admin, "s").await;
        let run = &scripts["runs"][0];
        assert_eq!((&run["kind"], &run["name"]), (&json!("rule"), &json!("Metadata")));
        assert_eq!(run["console"], json!([format!("claims for {}", claims["sub"].as_str().unwrap())]));
        assert!(run["wall_ms"].as_f64().unwrap() > 0.0 && run.get("error").is_none(), "{run}");
    })
    .await;
}

#[tokio::test]
async fn rules_run_in_order_and_see_each_others_changes() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let configured =
            admin.call(Method::PUT, "/rules-configs/GREETING", Some(json!({ "value": "hello" })));
        configured.await.expect(200);
        rule(
            &admin,
            "Second",
            "function b(user, context, callback) {
            context.idToken['https://example.com/b'] = user.seen + ' ' + global.seen;
            callback(null, user, context);
        }",
        )
        .await;
        let first = rule(
            &admin,
            "First",
            "function a(user, context, callback) {
            user.seen = configuration.GREETING; global.seen = context.clientName;
            callback(null, user, context);
        }",
        )
        .await;
        admin.patch(&format!("/rules/{first}"), json!({ "order": 0 })).await;
        let off =
            rule(&admin, "Off", "function (user, context, callback) { callback(new Error('no')); }").await;
        admin.patch(&format!("/rules/{off}"), json!({ "enabled": false })).await;
        let claims = Start::seed(&server).log_in(&server, &page).await.id_claims();
        let client = admin.get(&format!("/clients/{}", server.client_id())).await;
        let expected = format!("hello {}", client["name"].as_str().unwrap());
        assert_eq!(claims["https://example.com/b"], expected);
    })
    .await;
}

#[tokio::test]
async fn rules_change_scopes_profile_and_access_token() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        rule(
            &admin,
            "Changes",
            "function (user, context, callback) {
            user.nickname = 'Nick';
            user.email = 'nick@example.com';
            context.accessToken['https://example.com/roles'] = context.authorization.roles;
            context.accessToken.scope = ['openid', 'email', 'read:orders'];
            context.idToken.sub = 'somebody else';
            callback(null, user, context);
        }",
        )
        .await;
        let mut start = Start::seed(&server).scope("openid profile email");
        start.audience = Some(server.audience().to_owned());
        let tokens = start.log_in(&server, &page).await;
        let (access, id) = (tokens.access_claims(), tokens.id_claims());
        assert_eq!(access["scope"], "openid email read:orders");
        assert_eq!(access["https://example.com/roles"], json!([]));
        assert_eq!(id["email"], "nick@example.com");
        assert_eq!(id.get("nickname"), None, "the scope profile was taken away");
        assert!(id["sub"].as_str().unwrap().starts_with("sms|"));
        let user = admin.get(&format!("/users/{}", encoded(id["sub"].as_str().unwrap()))).await;
        assert_eq!(user.get("email"), None, "the account keeps its own");
        let event = admin.newest_log("s").await;
        let entries = event["details"]["decision"]["scope"]["entries"].as_array().unwrap().clone();
        let reason = |scope: &str| {
            entries.iter().find(|entry| entry["scope"] == scope).map(|entry| entry["reason"].clone())
        };
        assert_eq!(reason("read:orders"), Some(json!("added_by_script")));
        assert_eq!(reason("profile"), Some(json!("removed_by_script")));
        let ignored = told(&admin, "s").await["ignored"].clone();
        assert_eq!((&ignored[0]["about"], &ignored[0]["reason"]), (&json!("sub"), &json!("reserved_claim")));
    })
    .await;
}

/// The error at the callback of a hidden frame.
async fn refused(server: &Server, start: &Start) -> Value {
    let page = server.page(APP);
    start.log_in(server, &page).await.response
}

#[tokio::test]
async fn exceptions_of_rules_are_told_to_the_application() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let start = Start::seed(&server);
        let cases = [
            ("callback(new UnauthorizedError('Only on weekdays'));", "unauthorized", "Only on weekdays"),
            ("callback(new Error('Nope'));", "access_denied", "Nope"),
            ("throw new TypeError('Broken');", "access_denied", "Broken"),
            ("callback('just text');", "access_denied", "just text"),
            ("let a = ;", "access_denied", "An Action cannot be run."),
            ("return;", "access_denied", "An Action never ended."),
        ];
        for (number, (body, error, text)) in cases.into_iter().enumerate() {
            let script = format!("function (user, context, callback) {{ {body} }}");
            let id = rule(&admin, &format!("Case {number}"), &script).await;
            let answer = refused(&server, &start).await;
            assert_eq!(
                (&answer["error"], &answer["error_description"]),
                (&json!(error), &json!(text)),
                "{body}"
            );
            assert_eq!(answer.get("access_token"), None);
            let event = admin.newest_log("fsa").await;
            assert!(event["details"]["decision"]["scripts"]["runs"][0]["error"].is_object(), "{event:#}");
            admin.call(Method::DELETE, &format!("/rules/{id}"), None).await.expect(204);
        }
        assert!(refused(&server, &start).await["access_token"].is_string());
    })
    .await;
}

#[tokio::test]
async fn rules_write_metadata_of_users() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        rule(
            &admin,
            "Counts",
            "function (user, context, callback) {
            user.app_metadata = user.app_metadata || {};
            user.app_metadata.logins = (user.app_metadata.logins || 0) + 1;
            auth0.users.updateAppMetadata(user.user_id, user.app_metadata)
                .then(() => auth0.users.updateUserMetadata(user.user_id, { last: context.protocol }))
                .then(function () { callback(null, user, context); })
                .catch(function (err) { callback(err); });
        }",
        )
        .await;
        let start = Start::seed(&server);
        start.log_in(&server, &page).await;
        let sub = start.log_in(&server, &page).await.id_claims()["sub"].clone();
        let user = admin.get(&format!("/users/{}", encoded(sub.as_str().unwrap()))).await;
        assert_eq!(user["app_metadata"], json!({ "logins": 2 }));
        assert_eq!(user["user_metadata"], json!({ "last": "oidc-implicit-profile" }));
        assert_eq!((&user["phone_number"], &user["logins_count"]), (&json!(PHONE), &json!(2)));
    })
    .await;
}

#[tokio::test]
async fn a_factor_that_a_rule_asks_for_stops_the_login_where_there_is_none() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        rule(
            &admin,
            "Guardian",
            "function (user, context, callback) {
            context.multifactor = { provider: 'any', allowRememberBrowser: false };
            callback(null, user, context);
        }",
        )
        .await;
        let answer = refused(&server, &Start::seed(&server)).await;
        assert_eq!(answer["error"], "access_denied");
        assert_eq!(admin.newest_log("fsa").await["details"]["decision"]["reason"], "mfa_no_factor");
    })
    .await;
}
