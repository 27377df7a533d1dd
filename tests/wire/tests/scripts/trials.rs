//! Trying out a draft over the Management API, and the executions that a flow leaves.

use gatewright_testkit::{Server, Start, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{APP, action, bind, post_login, rule, told};

/// Makes an Action that is not deployed; its id.
async fn draft(server: &Server, code: &str, more: Value) -> String {
    let mut body = json!({ "name": "Draft", "code": code, "supported_triggers": [{ "id": "post-login" }] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.admin().await.create("/actions/actions", body).await["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_draft_runs_with_an_event_of_the_callers() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let code = "exports.onExecutePostLogin = async (event, api) => {
            console.log('hello', event.user.email);
            if (event.user.email === 'x') throw new TypeError('no x');
            api.idToken.setCustomClaim('https://example.com/key', event.secrets.KEY.length);
            api.access.deny('because');
        };";
        let id = draft(&server, code, json!({ "secrets": [{ "name": "KEY", "value": "s3cret" }] })).await;
        let path = format!("/actions/actions/{id}/test");
        let tried = async |body: Value| admin.call(Method::POST, &path, Some(body)).await;
        let answer = tried(json!({ "payload": { "event": { "user": { "email": "a@b.example" } } } })).await;
        let payload = answer.expect(200).json()["payload"].clone();
        assert_eq!(payload["logs"], "hello a@b.example");
        let types: Vec<&str> = payload["commands"].as_array().unwrap().iter().filter_map(|one| one["type"].as_str()).collect();
        assert_eq!(types, ["idToken.setCustomClaim", "access.deny"]);
        assert_eq!(payload["commands"][0]["value"], 6);
        assert!(payload["stats"]["action_duration_ms"].is_u64() && payload.get("error").is_none(), "{payload}");

        let answer = tried(json!({ "payload": { "event": { "user": { "email": "x" } } } })).await;
        let error = answer.expect(200).json()["payload"]["error"].clone();
        assert_eq!((&error["name"], &error["message"]), (&json!("TypeError"), &json!("no x")));
        assert!(error["stack"].as_str().unwrap().contains(":3"), "{error}");
        // Without an event it is empty.
        let error = tried(json!({ "payload": {} })).await.expect(200).json()["payload"]["error"].clone();
        assert_eq!(error["name"], "TypeError");
        tried(json!({ "payload": { "event": [] } })).await.expect(400);
        tried(json!({})).await.expect(400);

        // It is the draft that runs, not what is deployed, and nothing of it lasts.
        admin.call(Method::POST, &format!("/actions/actions/{id}/deploy"), None).await.expect(200);
        let newer = json!({ "code": "exports.onExecutePostLogin = async (e, api) => { api.access.deny('newer'); };" });
        admin.patch(&format!("/actions/actions/{id}"), newer).await;
        let payload = tried(json!({ "payload": { "event": {} } })).await.expect(200).json()["payload"].clone();
        assert_eq!(payload["commands"][0]["reason"], "newer");
        let none = "/actions/actions/00000000-0000-4000-8000-000000000000/test";
        admin.call(Method::POST, none, Some(json!({ "payload": {} }))).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn a_login_with_actions_leaves_an_execution_for_ten_days() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        rule(&admin, "Rule", "function (user, context, callback) { callback(null, user, context); }").await;
        Start::seed(&server).log_in(&server, &page).await;
        assert_eq!(admin.newest_log("s").await["details"].get("actions"), None, "a rule is no action");
        let first = action(&admin, "post-login", "First", "exports.onExecutePostLogin = async () => {};").await;
        let code = "exports.onExecutePostLogin = async () => { throw new RangeError('too far'); };";
        let second = action(&admin, "post-login", "Second", code).await;
        bind(&admin, "post-login", &[&first, &second]).await;
        Start::seed(&server).log_in(&server, &page).await;
        let event = admin.newest_log("fsa").await;
        let ids = event["details"]["actions"]["executions"].as_array().unwrap().clone();
        assert_eq!(ids.len(), 1);
        let path = format!("/actions/executions/{}", ids[0].as_str().unwrap());
        let execution = admin.get(&path).await;
        assert_eq!((&execution["trigger_id"], &execution["status"]), (&json!("post-login"), &json!("final")));
        let results = execution["results"].as_array().unwrap().clone();
        let names: Vec<&str> = results.iter().filter_map(|one| one["action_name"].as_str()).collect();
        assert_eq!(names, ["First", "Second"]);
        assert_eq!(results[0].get("error"), None);
        assert_eq!(results[1]["error"], json!({ "id": "RangeError", "msg": "too far" }));
        assert!(results[0]["started_at"].as_str() <= results[0]["ended_at"].as_str());
        assert_eq!(results[0]["ended_at"], results[1]["started_at"]);
        // In `dev` the log keeps what they looked at, so that they can be run on it again.
        assert_eq!(told(&admin, "fsa").await["event"]["client"]["client_id"], server.client_id());

        let acme = server.admin_of("acme").await;
        acme.call(Method::GET, &path, None).await.expect(404);
        server.turn.forward_seconds(10 * 86_400 + 1);
        let admin = server.admin().await;
        let gone = admin.call(Method::GET, &path, None).await.expect(404).json();
        assert_eq!(gone["message"], "That execution does not exist.");
    })
    .await;
}

#[tokio::test]
async fn rules_get_a_token_for_users_and_nothing_else() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        let script = "function (user, context, callback) {
            console.log('token', auth0.accessToken);
            context.idToken['https://example.com/auth0'] = { token: auth0.accessToken, domain: auth0.domain, baseUrl: auth0.baseUrl };
            callback(null, user, context);
        }";
        let id = rule(&admin, "Token", script).await;
        let claims = Start::seed(&server).log_in(&server, &page).await.id_claims();
        let auth0 = claims["https://example.com/auth0"].clone();
        assert_eq!(auth0["baseUrl"], format!("{}api/v2", server.issuer()));
        assert!(auth0["baseUrl"].as_str().unwrap().contains(auth0["domain"].as_str().unwrap()));
        let token = auth0["token"].as_str().unwrap().to_owned();
        let call = async |method: Method, path: &str, body: Option<Value>| {
            let mut request = server.tool().request(method, path).bearer_auth(&token);
            if let Some(body) = body {
                request = request.json(&body);
            }
            server.tool().send(request).await
        };
        let user = format!("/api/v2/users/{}", crate::stage::encoded(claims["sub"].as_str().unwrap()));
        call(Method::GET, &user, None).await.expect(200);
        let change = json!({ "user_metadata": { "color": "red" } });
        let changed = call(Method::PATCH, &user, Some(change)).await.expect(200).json();
        assert_eq!(changed["user_metadata"], json!({ "color": "red" }));
        for (method, path) in [
            (Method::GET, "/api/v2/clients"),
            (Method::DELETE, user.as_str()),
            (Method::GET, "/api/v2/logs"),
            (Method::GET, "/api/v2/rules"),
        ] {
            call(method, path, None).await.expect(403);
        }
        call(Method::GET, "/userinfo", None).await.expect(401);
        let told = told(&admin, "s").await;
        assert_eq!(told["runs"][0]["console"], json!(["token *****"]));
        server.turn.forward_seconds(61);
        call(Method::GET, &user, None).await.expect(401);

        // Nothing is signed for rules that do not look.
        let admin = server.admin().await;
        admin.call(Method::DELETE, &format!("/rules/{id}"), None).await.expect(204);
        rule(&admin, "Plain", "function (user, context, callback) {
            const all = auth0;
            context.idToken['https://example.com/token'] = typeof all.accessToken;
            callback(null, user, context);
        }")
        .await;
        let claims = Start::seed(&server).log_in(&server, &page).await.id_claims();
        assert_ne!(claims["https://example.com/token"], "string");
        post_login(&server, "exports.onExecutePostLogin = async (event, api) => {
            api.idToken.setCustomClaim('https://example.com/auth0', typeof auth0);
        };")
        .await;
        let claims = Start::seed(&server).log_in(&server, &page).await.id_claims();
        assert_eq!(claims["https://example.com/auth0"], "undefined", "Actions have no such global");
    })
    .await;
}
