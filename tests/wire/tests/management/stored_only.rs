//! What is stored and has no effect says so, or stays out of the way, when somebody logs in.

use gatewright_testkit::{Server, Start, on_every_database};
use reqwest::Method;
use serde_json::json;

const APP: &str = "http://localhost:4200";

#[tokio::test]
async fn a_connection_of_a_strategy_that_is_not_built_says_so_at_login() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let body = json!({
            "name": "company", "strategy": "waad", "enabled_clients": [server.client_id()],
            "options": {"client_id": "x", "client_secret": "y", "tenant_domain": "company.example"},
        });
        admin.create("/connections", body).await;
        let start = Start::seed(&server);
        let page = server.page(APP);
        let said = async |connection: &str| {
            page.get(&start.authorize_path(&[("connection", connection)]))
                .await
                .expect(302)
                .header("location")
                .to_owned()
        };
        let there = said("company").await;
        assert!(there.contains("type+waad+is+not+supported"), "{there}");
        let there = said("nothing").await;
        assert!(there.contains("The+connection+does+not+exist"), "{there}");
    })
    .await;
}

#[tokio::test]
async fn an_action_that_is_bound_is_deleted_by_force_only() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let body = json!({
            "name": "Denier", "supported_triggers": [{"id": "post-login"}], "deploy": true,
            "code": "exports.onExecutePostLogin = async (event, api) => api.access.deny('no');",
        });
        let action = admin.create("/actions/actions", body).await;
        let bindings = json!({"bindings": [{"ref": {"type": "action_id", "value": action["id"]}}]});
        admin.patch("/actions/triggers/post-login/bindings", bindings).await;
        let path = format!("/actions/actions/{}", action["id"].as_str().unwrap());
        admin.call(Method::DELETE, &path, None).await.expect(409);
        let denied = Start::seed(&server).log_in(&server, &server.page(APP)).await.response;
        assert_eq!(denied["error_description"], "no");
        admin.call(Method::DELETE, &format!("{path}?force=true"), None).await.expect(204);
        Start::seed(&server).log_in(&server, &server.page(APP)).await.access_token();
    })
    .await;
}
