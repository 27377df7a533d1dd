use serde_json::json;

use crate::testing::on_every_engine;

#[tokio::test]
async fn an_api_is_found_by_id_and_by_identifier() {
    on_every_engine(async |server| {
        let body = json!({"identifier": "https://api.example/v1?x", "scopes": [{"value": "read:a", "description": "d"}]});
        let (status, made) = server.call("POST", "/resource-servers", body.clone()).await;
        assert_eq!(status, 201);
        assert_eq!(made["id"].as_str().unwrap().len(), 24);
        assert_eq!((&made["token_lifetime"], &made["token_lifetime_for_web"]), (&json!(86_400), &json!(7_200)));
        assert_eq!((&made["signing_alg"], &made["allow_offline_access"]), (&json!("RS256"), &json!(false)));
        let encoded = "/resource-servers/https%3A%2F%2Fapi.example%2Fv1%3Fx";
        assert_eq!(server.call("GET", encoded, json!(null)).await, (200, made.clone()));
        assert_eq!(server.call("GET", &format!("/resource-servers/{}", made["id"].as_str().unwrap()), json!(null)).await.1, made);
        assert_eq!(server.call("POST", "/resource-servers", body).await.0, 409);
        let (status, changed) = server.call("PATCH", encoded, json!({"scopes": [{"value": "b"}], "enforce_policies": true})).await;
        assert_eq!((status, &changed["scopes"], &changed["enforce_policies"]), (200, &json!([{"value": "b"}]), &json!(true)));
        assert_eq!(server.call("PATCH", encoded, json!({"identifier": "x"})).await.0, 400);
        assert_eq!(server.call("PATCH", encoded, json!({"scopes": [{"value": "b"}, {"value": "b"}]})).await.0, 400);
        let (_, list) = server.call("GET", "/resource-servers?identifiers=https%3A%2F%2Fapi.example%2Fv1%3Fx", json!(null)).await;
        assert_eq!(list.as_array().unwrap().len(), 1);
        assert_eq!(server.call("DELETE", encoded, json!(null)).await.0, 204);
        assert_eq!(
            server.call("GET", encoded, json!(null)).await,
            (404, json!("The resource server does not exist (inexistent_resource_server)"))
        );
    })
    .await;
}

#[tokio::test]
async fn of_the_management_api_only_lifetimes_change() {
    on_every_engine(async |server| {
        let path = "/resource-servers/https%3A%2F%2Flocalhost%3A8443%2Fapi%2Fv2%2F";
        let (_, before) = server.call("GET", path, json!(null)).await;
        let (status, after) =
            server.call("PATCH", path, json!({"token_lifetime": 3_600, "name": before["name"]})).await;
        assert_eq!((status, &after["token_lifetime"]), (200, &json!(3_600)));
        assert_eq!((&after["identifier"], &after["scopes"]), (&before["identifier"], &before["scopes"]));
        for change in [json!({"name": "mine"}), json!({"scopes": []}), json!({"allow_offline_access": true})]
        {
            assert_eq!(server.call("PATCH", path, change).await.0, 400);
        }
        assert_eq!(server.call("DELETE", path, json!(null)).await.0, 400);
        for identifier in ["https://localhost:8443/api/v2/", "api/v2/", "https://localhost:8443/userinfo"] {
            assert_eq!(
                server.call("POST", "/resource-servers", json!({"identifier": identifier})).await.0,
                409
            );
        }
    })
    .await;
}

#[tokio::test]
async fn shared_keys_are_sealed_and_made_when_missing() {
    on_every_engine(async |server| {
        let (_, made) = server
            .call("POST", "/resource-servers", json!({"identifier": "x", "signing_alg": "HS256"}))
            .await;
        assert_eq!(made["signing_secret"].as_str().unwrap().len(), 32);
        let (_, made) =
            server.call("PATCH", "/resource-servers/x", json!({"signing_secret": "0123456789abcdef"})).await;
        assert_eq!(made["signing_secret"], "0123456789abcdef");
        let (_, made) = server.call("PATCH", "/resource-servers/x", json!({"signing_alg": "RS256"})).await;
        assert_eq!(made.get("signing_secret"), None);
    })
    .await;
}

#[tokio::test]
async fn grants_name_what_exists_and_are_unique() {
    on_every_engine(async |server| {
        let (_, client) = server.call("POST", "/clients", json!({"name": "App"})).await;
        let id = client["client_id"].as_str().unwrap();
        server.call("POST", "/resource-servers", json!({"identifier": "https://a/", "scopes": [{"value": "read:a"}]})).await;
        let body = json!({"client_id": id, "audience": "https://a/", "scope": ["read:a"]});
        let (status, made) = server.call("POST", "/client-grants", body.clone()).await;
        assert_eq!(status, 201);
        assert_eq!(
            made,
            json!({"id": made["id"], "client_id": id, "audience": "https://a/", "scope": ["read:a"], "subject_type": "client"})
        );
        assert_eq!(server.call("POST", "/client-grants", body.clone()).await.0, 409);
        let mut for_users = body.clone();
        for_users["subject_type"] = json!("user");
        assert_eq!(server.call("POST", "/client-grants", for_users).await.0, 201);

        let refused = async |change: serde_json::Value| {
            let mut body = body.clone();
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let (status, message) = server.call("POST", "/client-grants", body).await;
            format!("{status} {}", message.as_str().unwrap_or_default())
        };
        assert_eq!(refused(json!({"scope": ["nope"]})).await, "400 Scopes not defined on the resource server: nope (validation_error)");
        assert_eq!(refused(json!({"client_id": "nobody"})).await, "404 The client does not exist (inexistent_client)");
        assert_eq!(refused(json!({"audience": "https://b/"})).await, "404 The resource server does not exist (inexistent_resource_server)");

        let path = format!("/client-grants/{}", made["id"].as_str().unwrap());
        assert_eq!(server.call("PATCH", &path, json!({"scope": []})).await.1["scope"], json!([]));
        assert_eq!(server.call("PATCH", &path, json!({"audience": "x"})).await.0, 400);
        let (_, of_users) = server.call("GET", "/client-grants?subject_type=user&audience=https%3A%2F%2Fa%2F", json!(null)).await;
        assert_eq!(of_users.as_array().unwrap().len(), 1);
        server.call("DELETE", "/resource-servers/https%3A%2F%2Fa%2F", json!(null)).await;
        assert_eq!(server.call("GET", &path, json!(null)).await, (404, json!("The client grant does not exist (inexistent_client_grant)")));
    })
    .await;
}

#[tokio::test]
async fn a_grant_on_the_management_api_follows_the_host() {
    on_every_engine(async |server| {
        let (_, client) = server.call("POST", "/clients", json!({"name": "App"})).await;
        let body = json!({"client_id": client["client_id"], "audience": "https://localhost:8443/api/v2/", "scope": ["read:users"]});
        let (status, made) = server.call("POST", "/client-grants", body).await;
        assert_eq!((status, &made["audience"]), (201, &json!("https://localhost:8443/api/v2/")));
        let stored = server
            .write(|tx| Box::pin(async move { crate::client_grants::load(tx, &crate::testing::tenant()).await }))
            .await;
        assert_eq!((stored.len(), stored[0].1.audience.as_str()), (1, ""));
        let apis = server
            .write(|tx| Box::pin(async move { crate::resource_servers::load(tx, &crate::testing::tenant()).await }))
            .await;
        assert!(apis.iter().any(|api| api.id == stored[0].0 && api.is_system));
    })
    .await;
}
