//! What the conversations share: putting scripts into a tenant, logging in, reading what was recorded.

use gatewright_testkit::{Admin, Answer, Page, Server, Start};
use reqwest::Method;
use serde_json::{Value, json};

/// The application's origin.
pub(crate) const APP: &str = "http://localhost:4200";
/// The database of the dev tenant.
pub(crate) const DATABASE: &str = "Username-Password-Authentication";
/// A password that its policy takes.
pub(crate) const GOOD: &str = "Correct-horse-7";
/// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Makes and deploys an action; its id.
pub(crate) async fn action(admin: &Admin, trigger: &str, name: &str, code: &str) -> String {
    action_with(admin, trigger, json!({ "name": name, "code": code })).await
}

/// The same with more members of the action.
pub(crate) async fn action_with(admin: &Admin, trigger: &str, mut action: Value) -> String {
    action["supported_triggers"] = json!([{ "id": trigger }]);
    let made = admin.create("/actions/actions", action).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let deploy = format!("/actions/actions/{id}/deploy");
    admin.call(Method::POST, &deploy, None).await.expect(200);
    id
}

/// Binds these actions and no others.
pub(crate) async fn bind(admin: &Admin, trigger: &str, ids: &[&str]) {
    let bindings: Vec<Value> =
        ids.iter().map(|id| json!({ "ref": { "type": "action_id", "value": id } })).collect();
    admin.patch(&format!("/actions/triggers/{trigger}/bindings"), json!({ "bindings": bindings })).await;
}

/// Makes, deploys and binds one post-login action in place of all others.
pub(crate) async fn post_login(server: &Server, code: &str) {
    let admin = server.admin().await;
    let name = format!("Action {}", admin.get("/actions/actions").await["total"]);
    let id = action(&admin, "post-login", &name, code).await;
    bind(&admin, "post-login", &[&id]).await;
}

/// Makes, deploys and binds one action in place of all others of its trigger.
pub(crate) async fn install(server: &Server, trigger: &str, code: &str) -> String {
    let admin = server.admin().await;
    let name = format!("Action {}", admin.get("/actions/actions").await["total"]);
    let id = action(&admin, trigger, &name, code).await;
    bind(&admin, trigger, &[&id]).await;
    id
}

/// Makes a hook and switches it on.
pub(crate) async fn hook(admin: &Admin, trigger: &str, script: &str) {
    let hook = json!({ "name": format!("Hook of {trigger}"), "triggerId": trigger, "script": script });
    let made = admin.create("/hooks", hook).await;
    admin.patch(&format!("/hooks/{}", made["id"].as_str().unwrap()), json!({ "enabled": true })).await;
}

/// Signs up at the database of the dev tenant.
pub(crate) async fn sign_up(server: &Server, page: &Page, email: &str, more: Value) -> Answer {
    let mut body = json!({
        "client_id": server.client_id(), "connection": DATABASE, "email": email, "password": GOOD,
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    page.post("/dbconnections/signup", body).await
}

/// The newest of `number` events of this type, for which it waits up to ten seconds: some come after the answer.
pub(crate) async fn log_of(server: &Server, code: &str, number: usize) -> Value {
    let admin = server.admin().await;
    for _ in 0..200 {
        let logs = admin.get(&format!("/logs?q=type:{code}&per_page=100")).await;
        if logs.as_array().unwrap().len() >= number {
            return admin.newest_log(code).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no event number {number} of type {code}");
}

/// Makes a rule.
pub(crate) async fn rule(admin: &Admin, name: &str, script: &str) -> String {
    let made = admin.create("/rules", json!({ "name": name, "script": script })).await;
    made["id"].as_str().unwrap().to_owned()
}

/// What the newest event of this type says of scripts.
pub(crate) async fn told(admin: &Admin, code: &str) -> Value {
    admin.newest_log(code).await["details"]["decision"]["scripts"].clone()
}

/// A path segment.
pub(crate) fn encoded(id: &str) -> String {
    id.replace('|', "%7C")
}

/// The code flow of the dev client.
pub(crate) fn code_flow(server: &Server, scope: &str) -> Start {
    let mut start = Start::seed(server)
        .scope(scope)
        .with("code_challenge", CHALLENGE)
        .with("code_challenge_method", "S256");
    start.response_type = "code".into();
    start.audience = None;
    start
}

/// The tokens of a code.
pub(crate) async fn redeem(server: &Server, code: &str) -> Value {
    let body = json!({
        "grant_type": "authorization_code", "client_id": server.client_id(), "code": code,
        "code_verifier": VERIFIER, "redirect_uri": "http://localhost:4200/",
    });
    server.page(APP).post("/oauth/token", body).await.expect(200).json()
}

/// A reason as this machine gives it: where it is busy, a loop's time on the clock is over first.
pub(crate) fn steady(reason: &Value) -> &str {
    match reason.as_str() {
        Some("script_time") => "script_cpu",
        reason => reason.unwrap_or_default(),
    }
}
