//! Modules: code that several Actions share, each in the version that the Action names.

use gatewright_testkit::{Admin, Server, Start, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{APP, action_with, bind};

const GREET: &str =
    "module.exports = { greet: (name) => `${actions.secrets.WORD} ${name}`, line: () => new Error().stack };";
const USES: &str = "const { greet, line } = require('actions:greeter');
exports.onExecutePostLogin = async (event, api) => {
  api.idToken.setCustomClaim('https://example.com/greeting', greet('Ann'));
  api.idToken.setCustomClaim('https://example.com/line', line());
  api.idToken.setCustomClaim('https://example.com/actions', typeof actions);
};";

async fn greeting(server: &Server) -> Value {
    let page = server.page(APP);
    Start::seed(server).log_in(server, &page).await.id_claims()["https://example.com/greeting"].clone()
}

/// The status of a call that is refused.
async fn refused(admin: &Admin, method: Method, path: &str, body: Value) -> u16 {
    admin.call(method, path, Some(body)).await.status
}

#[tokio::test]
async fn an_action_uses_the_version_that_it_names() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let module = json!({ "name": "greeter", "code": GREET, "publish": true, "secrets": [{ "name": "WORD", "value": "Hello" }] });
        let module = admin.create("/actions/modules", module).await;
        assert_eq!((&module["latest_version_number"], &module["all_changes_published"]), (&json!(1), &json!(true)));
        assert_eq!((&module["secrets"][0]["name"], module["secrets"][0].get("value")), (&json!("WORD"), None));
        let id = module["id"].as_str().unwrap().to_owned();
        let path = format!("/actions/modules/{id}");
        let first = module["latest_version"]["id"].clone();
        let action = json!({ "name": "Uses", "code": USES, "modules": [{ "module_id": id }] });
        let action = action_with(&admin, "post-login", action).await;
        let pinned = admin.get(&format!("/actions/actions/{action}")).await;
        let pin = json!({ "module_id": id, "module_name": "greeter", "module_version_id": first, "module_version_number": 1 });
        assert_eq!((&pinned["modules"], &pinned["deployed_version"]["modules"]), (&json!([pin]), &json!([pin])));
        bind(&admin, "post-login", &[&action]).await;
        assert_eq!(greeting(&server).await, "Hello Ann");
        let page = server.page(APP);
        let claims = Start::seed(&server).log_in(&server, &page).await.id_claims();
        assert!(claims["https://example.com/line"].as_str().unwrap().contains(":1"), "{claims}");
        assert_eq!(claims["https://example.com/actions"], "undefined", "secrets are the module's own");
        assert_eq!(admin.get(&path).await["actions_using_module_total"], 1);
        let using = admin.get(&format!("{path}/actions")).await;
        assert_eq!((&using["actions"][0]["action_id"], &using["actions"][0]["module_version_number"]), (&json!(action), &json!(1)));
        assert_eq!(admin.call(Method::DELETE, &path, None).await.status, 412);

        // Neither a draft nor another version changes a login before the action is deployed with it.
        let changed = admin.patch(&path, json!({ "secrets": [{ "name": "WORD", "value": "Servus" }] })).await;
        assert_eq!(changed["all_changes_published"], false);
        let second = admin.create(&format!("{path}/versions"), json!({})).await;
        assert_eq!(second["version_number"], 2);
        assert_eq!(greeting(&server).await, "Hello Ann");
        let of_action = format!("/actions/actions/{action}");
        let drafted = admin.patch(&of_action, json!({ "modules": [{ "module_name": "greeter", "module_version_number": 2 }] })).await;
        assert_eq!((&drafted["modules"][0]["module_version_id"], &drafted["all_changes_deployed"]), (&second["id"], &json!(false)));
        assert_eq!(greeting(&server).await, "Hello Ann");
        let tried = json!({ "payload": { "event": {} } });
        let tried = admin.call(Method::POST, &format!("{of_action}/test"), Some(tried)).await.expect(200).json();
        assert_eq!(tried["payload"]["commands"][0]["value"], "Servus Ann");
        admin.call(Method::POST, &format!("{of_action}/deploy"), None).await.expect(200);
        assert_eq!(greeting(&server).await, "Servus Ann");

        // The draft goes back, versions stay.
        let back = admin.call(Method::POST, &format!("{path}/rollback"), Some(json!({ "module_version_id": first }))).await;
        assert_eq!(back.expect(200).json()["all_changes_published"], false);
        let third = admin.create(&format!("{path}/versions"), json!({})).await;
        let read = admin.get(&format!("{path}/versions/{}", third["id"].as_str().unwrap())).await;
        assert_eq!((&read["version_number"], &read["code"]), (&json!(3), &json!(GREET)));
        let numbers = admin.get(&format!("{path}/versions")).await["versions"].clone();
        let numbers: Vec<i64> = numbers.as_array().unwrap().iter().filter_map(|one| one["version_number"].as_i64()).collect();
        assert_eq!(numbers, [3, 2, 1]);
        assert_eq!(admin.get("/actions/modules").await["modules"][0]["latest_version_number"], 3);

        // Without the module, the action fails and says of what.
        admin.patch(&of_action, json!({ "modules": [] })).await;
        let tried = json!({ "payload": { "event": {} } });
        let tried = admin.call(Method::POST, &format!("{of_action}/test"), Some(tried)).await.expect(200).json();
        assert!(tried["payload"]["error"]["message"].as_str().unwrap().contains("Cannot find module 'actions:greeter'"), "{tried}");
        admin.call(Method::POST, &format!("{of_action}/deploy"), None).await.expect(200);
        admin.call(Method::DELETE, &path, None).await.expect(204);
        admin.call(Method::GET, &path, None).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn references_to_modules_are_checked() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let module = |name: &str, publish: bool| json!({ "name": name, "code": "", "publish": publish });
        let mut ids = Vec::new();
        for name in ["a", "b", "c", "d"] {
            ids.push(json!({ "module_id": admin.create("/actions/modules", module(name, true)).await["id"] }));
        }
        admin.create("/actions/modules", module("draft", false)).await;
        assert_eq!(refused(&admin, Method::POST, "/actions/modules", module("a", true)).await, 409);
        assert_eq!(refused(&admin, Method::POST, "/actions/modules", module("two words", true)).await, 400);
        let action = |modules: Value| json!({ "name": "Uses", "supported_triggers": [{ "id": "post-login" }], "modules": modules });
        for modules in [
            json!(ids),
            json!([ids[0], ids[0]]),
            json!([{ "module_name": "draft" }]),
            json!([{ "module_name": "nobody" }]),
            json!([{ "module_name": "a", "module_version_number": 2 }]),
            json!([{}]),
        ] {
            assert_eq!(refused(&admin, Method::POST, "/actions/actions", action(modules.clone())).await, 400, "{modules}");
        }
        let made = admin.create("/actions/actions", action(json!(ids[..3]))).await;
        assert_eq!(made["modules"].as_array().unwrap().len(), 3);
    })
    .await;
}
