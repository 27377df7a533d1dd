use serde_json::{Value, json};

use crate::testing::{Conversation, on_every_engine};

#[tokio::test]
async fn a_client_is_made_read_changed_and_deleted() {
    on_every_engine(async |server| {
        let (status, made) = server
            .call("POST", "/clients", json!({"name": "App", "app_type": "spa", "callbacks": ["http://localhost:3000/cb"]}))
            .await;
        assert_eq!(status, 201);
        let id = made["client_id"].as_str().unwrap();
        assert_eq!(id.len(), 32);
        assert_eq!(made["client_secret"].as_str().unwrap().len(), 64);
        assert_eq!(made["jwt_configuration"], json!({"secret_encoded": false, "lifetime_in_seconds": 36_000}));
        assert_eq!(made["grant_types"], json!(["authorization_code", "implicit", "refresh_token"]));
        assert_eq!(made["refresh_token"]["infinite_token_lifetime"], false);
        assert_eq!(made["refresh_token"]["rotation_type"], "rotating");
        assert_eq!((&made["tenant"], &made["global"], &made["oidc_conformant"]), (&json!("localhost"), &json!(false), &json!(false)));

        let path = format!("/clients/{id}");
        let (status, read) = server.call("GET", &path, json!(null)).await;
        assert_eq!((status, &read), (200, &made));
        let change = json!({"name": "New", "description": "d", "client_metadata": {"a": "1", "b": "2"}});
        let (status, changed) = server.call("PATCH", &path, change).await;
        assert_eq!((status, &changed["name"], &changed["callbacks"]), (200, &json!("New"), &made["callbacks"]));
        let change = json!({"client_metadata": {"a": null, "c": "3"}, "oidc_backchannel_logout": {"backchannel_logout_urls": []}});
        let (_, changed) = server.call("PATCH", &path, change).await;
        assert_eq!(changed["client_metadata"], json!({"b": "2", "c": "3"}));
        assert_eq!(changed["oidc_logout"], json!({"backchannel_logout_urls": []}));
        assert!(changed.get("oidc_backchannel_logout").is_none());

        let (status, rotated) = server.call("POST", &format!("{path}/rotate-secret"), json!(null)).await;
        assert_eq!(status, 200);
        assert_ne!(rotated["client_secret"], made["client_secret"]);
        let (_, read) = server.call("GET", &path, json!(null)).await;
        assert_eq!(read["client_secret"], rotated["client_secret"]);

        assert_eq!(server.call("DELETE", &path, json!(null)).await.0, 204);
        assert_eq!(server.call("DELETE", &path, json!(null)).await.0, 204);
        let (status, gone) = server.call("GET", &path, json!(null)).await;
        assert_eq!((status, gone), (404, json!("The client does not exist (inexistent_client)")));
    })
    .await;
}

#[tokio::test]
async fn bodies_are_strict() {
    on_every_engine(async |server| {
        let check = async |body: Value, expect: &str| {
            let (status, message) = server.call("POST", "/clients", body.clone()).await;
            assert_eq!((status, message.as_str().unwrap_or_default()), (400, expect), "{body}");
        };
        check(json!({"name": 1}), "Payload validation error: 'Expected type string but found type integer' on property name (The name of the client). (invalid_body)").await;
        check(json!({}), "Payload validation error: 'Missing required property: name'. (invalid_body)").await;
        check(json!({"name": "x", "nmae": "y"}), "Payload validation error: 'Additional properties not allowed: nmae'. (invalid_body)").await;
        check(json!({"name": "x", "client_secret": "chosen"}), "Payload validation error: 'Additional properties not allowed: client_secret'. (invalid_body)").await;
        check(json!({"name": "x", "callbacks": ["javascript:alert(1)"]}), "Payload validation error: 'Object didn't pass validation for format callback-url: javascript:alert(1)' on property callbacks[0] (A set of URLs that are valid to call back from the server). (invalid_body)").await;
        check(json!({"name": "x", "app_type": "toaster"}), "Payload validation error: 'No enum match for: toaster' on property app_type (The type of application this client represents). (invalid_body)").await;
        check(json!({"name": "x", "jwt_configuration": {"alg": "none"}}), "Payload validation error: 'No enum match for: none' on property jwt_configuration.alg. (invalid_body)").await;
        check(
            json!({"name": "x", "token_endpoint_auth_method": "none", "client_authentication_methods": {"private_key_jwt": {"credentials": []}}}),
            "Specifying both client_authentication_methods and token_endpoint_auth_method is not allowed (invalid_body)",
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn secrets_are_shown_to_who_may_see_keys_and_that_is_logged() {
    on_every_engine(async |server| {
        let (_, made) = server.call("POST", "/clients", json!({"name": "App"})).await;
        let path = format!("/clients/{}", made["client_id"].as_str().unwrap());
        let see = async |scopes: &[&str]| {
            server.call_as(Conversation::machine(scopes), "GET", &path, json!(null)).await.1
        };
        let without = see(&["read:clients"]).await;
        assert_eq!((without.get("client_secret"), without.get("signing_keys")), (None, None));
        assert_eq!(without["name"], "App");
        let with = see(&["read:client_keys"]).await;
        assert_eq!(with["client_secret"], made["client_secret"]);
        assert!(
            with["signing_keys"][0]["cert"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----\r\n")
        );
        let summary = see(&["read:client_summary"]).await;
        assert_eq!((summary["name"].as_str(), summary.get("grant_types")), (Some("App"), None));

        let (_, events) = server.call("GET", "/logs?q=type:mgmt_api_read", json!(null)).await;
        assert_eq!(events.as_array().unwrap().len(), 1);
        let (_, events) = server.call("GET", "/logs?q=type:sapi", json!(null)).await;
        assert_eq!(events[0]["description"], "Create a client");
        assert_eq!(events[0]["details"]["response"]["body"]["client_secret"], "*****");
        assert!(!events.to_string().contains(made["client_secret"].as_str().unwrap()));

        let change = json!({"client_secret": "my own secret"});
        let (status, message) =
            server.call_as(Conversation::machine(&["update:clients"]), "PATCH", &path, change.clone()).await;
        assert_eq!(
            (status, message),
            (403, json!("Insufficient scope, expected any of: update:client_keys (insufficient_scope)"))
        );
        assert_eq!(server.call("PATCH", &path, change).await.1["client_secret"], "my own secret");
    })
    .await;
}

#[tokio::test]
async fn lists_are_paged_both_ways_and_filtered() {
    on_every_engine(async |server| {
        for number in 1..=4 {
            let app_type = if number % 2 == 0 { "spa" } else { "native" };
            server
                .call("POST", "/clients", json!({"name": format!("c{number}"), "app_type": app_type}))
                .await;
        }
        let (_, page) = server
            .call("GET", "/clients?page=1&per_page=2&include_totals=true&fields=name", json!(null))
            .await;
        assert_eq!(
            (&page["start"], &page["limit"], &page["length"], &page["total"]),
            (&json!(2), &json!(2), &json!(2), &json!(5))
        );
        assert_eq!(page["clients"][0].as_object().unwrap().len(), 1);
        let (_, none) = server.call("GET", "/clients?page=9", json!(null)).await;
        assert_eq!(none, json!([]));
        let (_, spas) = server.call("GET", "/clients?app_type=spa,regular_web", json!(null)).await;
        assert_eq!(spas.as_array().unwrap().len(), 2);

        let mut seen = Vec::new();
        let mut target = "/clients?take=2&include_totals=true&is_global=false".to_owned();
        loop {
            let (status, page) = server.call("GET", &target, json!(null)).await;
            assert_eq!(status, 200);
            let names = page["clients"]
                .as_array()
                .unwrap()
                .iter()
                .map(|client| client["name"].as_str().unwrap().to_owned());
            seen.extend(names);
            let Some(next) = page.get("next") else { break };
            target = format!("/clients?take=2&is_global=false&from={}", next.as_str().unwrap());
        }
        seen.sort();
        assert_eq!(seen, ["c1", "c2", "c3", "c4"]);
        let (status, _) = server.call("GET", "/clients?from=nonsense", json!(null)).await;
        assert_eq!(status, 400);
    })
    .await;
}

#[tokio::test]
async fn the_global_client_stays_and_others_leave_nothing_behind() {
    on_every_engine(async |server| {
        let (_, globals) = server.call("GET", "/clients?is_global=true", json!(null)).await;
        let path = format!("/clients/{}", globals[0]["client_id"].as_str().unwrap());
        assert_eq!(server.call("DELETE", &path, json!(null)).await.0, 400);

        let (_, client) = server.call("POST", "/clients", json!({"name": "App"})).await;
        let id = client["client_id"].as_str().unwrap();
        let (_, connection) = server
            .call(
                "POST",
                "/connections",
                json!({"name": "sms", "strategy": "sms", "enabled_clients": [id, "other"]}),
            )
            .await;
        server.call("POST", "/resource-servers", json!({"identifier": "https://a/"})).await;
        let (status, _) =
            server.call("POST", "/client-grants", json!({"client_id": id, "audience": "https://a/"})).await;
        assert_eq!(status, 201);
        server.call("DELETE", &format!("/clients/{id}"), json!(null)).await;
        let (_, grants) = server.call("GET", "/client-grants", json!(null)).await;
        assert_eq!(grants, json!([]));
        let (_, connection) = server
            .call("GET", &format!("/connections/{}", connection["id"].as_str().unwrap()), json!(null))
            .await;
        assert_eq!(connection["enabled_clients"], json!(["other"]));
    })
    .await;
}
