use serde_json::{Value, json};

use crate::testing::on_every_engine;

#[tokio::test]
async fn options_come_back_as_they_were_sent_and_are_replaced_whole() {
    on_every_engine(async |server| {
        let options = json!({
            "provider": "sms_gateway", "gateway_url": "https://sms.example/send", "forward_req_info": true, "from": "+1",
            "gateway_authentication": {"method": "bearer", "audience": "a", "secret": "s", "subject": "x"},
            "my_own": {"kept": [1, null]},
        });
        let (status, made) =
            server.call("POST", "/connections", json!({"name": "sms", "strategy": "sms", "options": options})).await;
        assert_eq!(status, 201);
        let id = made["id"].as_str().unwrap();
        assert!(id.starts_with("con_") && id.len() == 20);
        assert_eq!(made["options"]["gateway_authentication"]["secret"], "s");
        assert_eq!(made["options"]["my_own"], json!({"kept": [1, null]}));
        assert_eq!((&made["realms"], &made["enabled_clients"], &made["is_domain_connection"]), (&json!(["sms"]), &json!([]), &json!(false)));
        let path = format!("/connections/{id}");
        let (_, changed) = server.call("PATCH", &path, json!({"options": {"from": "+2"}, "display_name": "Text"})).await;
        assert_eq!((&changed["options"], &changed["display_name"]), (&json!({"from": "+2"}), &json!("Text")));
        assert_eq!(server.call("GET", &path, json!(null)).await.1, changed);
        let (_, events) = server.call("GET", "/logs?q=type:sapi&sort=date:1", json!(null)).await;
        assert_eq!(events[0]["details"]["request"]["body"]["options"]["gateway_authentication"]["secret"], "*****");
    })
    .await;
}

#[tokio::test]
async fn names_strategies_and_known_options_are_checked() {
    on_every_engine(async |server| {
        let check = async |body: Value, expect: (u16, &str)| {
            let (status, message) = server.call("POST", "/connections", body.clone()).await;
            assert_eq!((status, message.as_str().unwrap_or_default()), expect, "{body}");
        };
        check(json!({"name": "a b", "strategy": "sms"}), (400, "Payload validation error: 'String does not match pattern: ^[a-zA-Z0-9](-[a-zA-Z0-9]|[a-zA-Z0-9])*$' on property name (The name of the connection). (invalid_body)")).await;
        check(json!({"name": "a", "strategy": "pigeon"}), (400, "Payload validation error: 'No enum match for: pigeon' on property strategy (The identity provider identifier for the connection). (invalid_body)")).await;
        check(json!({"name": "sms", "strategy": "sms", "options": {"totp": {"length": 99}}}), (400, "Payload validation error: 'Value 99 is greater than maximum 12' on property options.totp.length. (invalid_body)")).await;
        check(json!({"name": "sms", "strategy": "sms", "options": {"template": 1}}), (400, "Payload validation error: 'Expected type string but found type integer' on property options.template. (invalid_body)")).await;
        check(json!({"name": "Username-Password-Authentication", "strategy": "auth0"}), (409, "A connection with the same name already exists")).await;
        let (status, made) = server.call("POST", "/connections", json!({"name": "gh", "strategy": "github", "options": {"template": 1}})).await;
        assert_eq!((status, &made["options"]), (201, &json!({"template": 1})));
        let path = format!("/connections/{}", made["id"].as_str().unwrap());
        let (status, message) = server.call("PATCH", &path, json!({"name": "other"})).await;
        assert_eq!((status, message), (400, json!("Payload validation error: 'Additional properties not allowed: name'. (invalid_body)")));
    })
    .await;
}

#[tokio::test]
async fn lists_filter_by_strategy_and_name_and_clients_are_switched() {
    on_every_engine(async |server| {
        for name in ["sms", "email"] {
            server.call("POST", "/connections", json!({"name": name, "strategy": name})).await;
        }
        let names = async |target: &str| {
            let (_, found) = server.call("GET", target, json!(null)).await;
            let mut names: Vec<String> = found
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned())
                .collect();
            names.sort();
            names.join(" ")
        };
        assert_eq!(names("/connections?strategy=sms&strategy=email").await, "email sms");
        assert_eq!(names("/connections?name=sms").await, "sms");
        assert_eq!(names("/connections?name=nothing").await, "");
        let (_, sms) = server.call("GET", "/connections?name=sms", json!(null)).await;
        let path = format!("/connections/{}", sms[0]["id"].as_str().unwrap());
        let change = json!([{"client_id": "a", "status": true}, {"client_id": "b", "status": true}]);
        assert_eq!(server.call("PATCH", &format!("{path}/clients"), change).await.0, 204);
        assert_eq!(
            server
                .call("PATCH", &format!("{path}/clients"), json!([{"client_id": "a", "status": false}]))
                .await
                .0,
            204
        );
        let (_, clients) = server.call("GET", &format!("{path}/clients"), json!(null)).await;
        assert_eq!(clients, json!({"clients": [{"client_id": "b"}]}));
        assert_eq!(server.call("PATCH", &format!("{path}/clients"), json!({})).await.0, 400);
    })
    .await;
}

#[tokio::test]
async fn a_deleted_connection_takes_its_users_along() {
    on_every_engine(async |server| {
        let (_, sms) = server.call("POST", "/connections", json!({"name": "sms", "strategy": "sms"})).await;
        let (_, user) =
            server.call("POST", "/users", json!({"connection": "sms", "phone_number": "+1"})).await;
        let path = format!("/connections/{}", sms["id"].as_str().unwrap());
        assert_eq!(server.call("DELETE", &path, json!(null)).await.0, 204);
        let (status, _) =
            server.call("GET", &format!("/users/{}", user["user_id"].as_str().unwrap()), json!(null)).await;
        assert_eq!(status, 404);
        let (status, gone) = server.call("GET", &path, json!(null)).await;
        assert_eq!((status, gone), (404, json!("The connection does not exist (inexistent_connection)")));
    })
    .await;
}

#[tokio::test]
async fn every_strategy_is_stored_with_its_options() {
    on_every_engine(async |server| {
        for strategy in super::options::STRATEGIES {
            let options =
                json!({"client_id": "id", "client_secret": "s3cret", "scope": ["a"], "upstream_params": {}});
            let body = json!({"name": format!("of-{strategy}"), "strategy": strategy, "options": options});
            let (status, made) = server.call("POST", "/connections", body).await;
            assert_eq!(status, 201, "{strategy}: {made}");
            for (name, value) in options.as_object().unwrap() {
                assert_eq!(&made["options"][name], value, "{strategy}");
            }
        }
        let (_, listed) = server.call("GET", "/connections?strategy=waad&strategy=adfs", json!(null)).await;
        assert_eq!(listed.as_array().unwrap().len(), 2);
    })
    .await;
}
