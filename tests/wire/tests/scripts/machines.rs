//! Credentials-exchange: what scripts make of a machine's token.

use gatewright_testkit::{Admin, Answer, Server, on_every_database};
use serde_json::{Value, json};

use crate::stage::{action, bind, told};

/// A machine with a grant of two scopes.
async fn machine(server: &Server, admin: &Admin) -> Value {
    let client = admin
        .create(
            "/clients",
            json!({
                "name": "Machine", "app_type": "non_interactive", "grant_types": ["client_credentials"],
                "client_metadata": { "tier": "gold" },
            }),
        )
        .await;
    admin
        .create(
            "/client-grants",
            json!({
                "client_id": client["client_id"], "audience": server.audience(),
                "scope": ["read:orders", "write:orders"],
            }),
        )
        .await;
    client
}

async fn token(server: &Server, client: &Value) -> Answer {
    let body = json!({
        "grant_type": "client_credentials", "client_id": client["client_id"],
        "client_secret": client["client_secret"], "audience": server.audience(),
    });
    server.tool().post("/oauth/token", body).await
}

#[tokio::test]
async fn an_action_sets_claims_of_a_machine() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let client = machine(&server, &admin).await;
        let id = action(&admin, "credentials-exchange", "Claims", "exports.onExecuteCredentialsExchange = async (event, api) => {
            api.accessToken.setCustomClaim('https://example.com/tier', event.client.metadata.tier);
            api.accessToken.setCustomClaim('https://example.com/scope', event.accessToken.scope);
            api.accessToken.setCustomClaim('https://example.com/secret', 'client_secret' in event.request.body);
        };")
        .await;
        bind(&admin, "credentials-exchange", &[&id]).await;
        let answer = token(&server, &client).await.expect(200).json();
        let claims = gatewright_testkit::claims(answer["access_token"].as_str().unwrap());
        assert_eq!(claims["https://example.com/tier"], "gold");
        assert_eq!(claims["https://example.com/scope"], json!(["read:orders", "write:orders"]));
        assert_eq!(claims["https://example.com/secret"], false);
        assert_eq!(told(&admin, "seccft").await["runs"][0]["name"], "Claims");
    })
    .await;
}

#[tokio::test]
async fn an_action_refuses_a_machine_with_a_code() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let client = machine(&server, &admin).await;
        for (code, status) in [("invalid_scope", 400), ("invalid_request", 400), ("server_error", 500)] {
            let source = format!(
                "exports.onExecuteCredentialsExchange = async (event, api) => {{
                api.access.deny('{code}', 'Because');
            }};"
            );
            let id = action(&admin, "credentials-exchange", &format!("Deny {code}"), &source).await;
            bind(&admin, "credentials-exchange", &[&id]).await;
            let answer = token(&server, &client).await;
            assert_eq!(answer.expect(status).error(), (code.into(), "Because".into()));
        }
        assert_eq!(admin.newest_log("feccft").await["details"]["decision"]["reason"], "denied_by_script");
    })
    .await;
}

#[tokio::test]
async fn a_hook_gives_scopes_and_claims() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let client = machine(&server, &admin).await;
        admin
            .create(
                "/hooks",
                json!({
                    "name": "Exchange", "triggerId": "credentials-exchange",
                    "script": "module.exports = function (client, scope, audience, context, cb) {
                var token = {};
                token['https://example.com/client'] = client.name + ' at ' + audience;
                token.scope = scope.filter(function (s) { return s !== 'write:orders'; });
                cb(null, token);
            };",
                }),
            )
            .await;
        let answer = token(&server, &client).await.expect(200).json();
        let claims = gatewright_testkit::claims(answer["access_token"].as_str().unwrap());
        assert_eq!(claims["https://example.com/client"], format!("Machine at {}", server.audience()));
        assert_eq!((&claims["scope"], &answer["scope"]), (&json!("read:orders"), &json!("read:orders")));
    })
    .await;
}
