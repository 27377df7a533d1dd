use serde_json::{Value, json};

use crate::testing::{Conversation, on_every_engine};

async fn expect(server: &Conversation, status: u16, method: &str, target: &str, body: Value) -> Value {
    let (got, answer) = server.call(method, target, body).await;
    assert_eq!(got, status, "{method} {target}: {answer}");
    answer
}

#[tokio::test]
async fn rules_have_an_order_that_no_two_share() {
    on_every_engine(async |server| {
        let rule = |name: &str| json!({"name": name, "script": "function (u, c, cb) { cb(null, u, c); }"});
        let first = expect(&server, 201, "POST", "/rules", rule("first rule")).await;
        assert_eq!(
            (&first["order"], &first["enabled"], &first["stage"]),
            (&json!(1), &json!(true), &json!("login_success"))
        );
        let second = expect(&server, 201, "POST", "/rules", rule("second")).await;
        assert_eq!(second["order"], 2);
        let item = format!("/rules/{}", second["id"].as_str().unwrap());
        expect(&server, 409, "PATCH", &item, json!({"order": 1})).await;
        expect(&server, 200, "PATCH", &item, json!({"order": 7, "enabled": false})).await;
        assert_eq!(expect(&server, 201, "POST", "/rules", rule("third")).await["order"], 8);
        let off = expect(&server, 200, "GET", "/rules?enabled=false&include_totals=true", json!(null)).await;
        assert_eq!((&off["total"], &off["rules"][0]["name"]), (&json!(1), &json!("second")));
        expect(&server, 400, "POST", "/rules", rule("-bad-")).await;
        expect(&server, 400, "PATCH", &item, json!({"stage": "login_failure"})).await;
        expect(&server, 204, "DELETE", &item, json!(null)).await;
        let gone = expect(&server, 404, "GET", &item, json!(null)).await;
        assert!(gone.as_str().unwrap().ends_with("(inexistent_rule)"), "{gone}");
    })
    .await;
}

#[tokio::test]
async fn values_of_configs_are_written_and_never_read_again() {
    on_every_engine(async |server| {
        let put = expect(&server, 200, "PUT", "/rules-configs/API%3AKEY", json!({"value": "hidden"})).await;
        assert_eq!(put, json!({"key": "API:KEY", "value": "hidden"}));
        expect(&server, 200, "PUT", "/rules-configs/API%3AKEY", json!({"value": "hidden too"})).await;
        let listed = expect(&server, 200, "GET", "/rules-configs?include_totals=true", json!(null)).await;
        assert_eq!(listed, json!([{"key": "API:KEY"}]));
        expect(&server, 400, "PUT", "/rules-configs/a%20b", json!({"value": "x"})).await;
        let log = expect(&server, 200, "GET", "/logs", json!(null)).await.to_string();
        assert!(log.contains("Set rules config") && !log.contains("hidden"), "{log}");
        expect(&server, 204, "DELETE", "/rules-configs/API%3AKEY", json!(null)).await;
        assert_eq!(expect(&server, 200, "GET", "/rules-configs", json!(null)).await, json!([]));
    })
    .await;
}

#[tokio::test]
async fn one_hook_of_a_trigger_is_on_and_its_secrets_are_hidden() {
    on_every_engine(async |server| {
        let hook = |name: &str| json!({"name": name, "script": "x", "triggerId": "post-change-password"});
        let first = expect(&server, 201, "POST", "/hooks", hook("first")).await;
        let second = expect(&server, 201, "POST", "/hooks", hook("second")).await;
        assert_eq!((&first["enabled"], &second["enabled"]), (&json!(true), &json!(false)));
        let item = format!("/hooks/{}", second["id"].as_str().unwrap());
        expect(&server, 200, "PATCH", &item, json!({"enabled": true})).await;
        let on = expect(&server, 200, "GET", "/hooks?enabled=true", json!(null)).await;
        assert_eq!((on.as_array().unwrap().len(), &on[0]["name"]), (1, &json!("second")));

        let secrets = format!("{item}/secrets");
        expect(&server, 201, "POST", &secrets, json!({"A": "hidden", "B": "hidden"})).await;
        expect(&server, 409, "POST", &secrets, json!({"A": "again"})).await;
        expect(&server, 400, "PATCH", &secrets, json!({"C": "none"})).await;
        expect(&server, 400, "POST", &secrets, json!({"C": 1})).await;
        expect(&server, 200, "PATCH", &secrets, json!({"A": "hidden still"})).await;
        expect(&server, 204, "DELETE", &secrets, json!(["B"])).await;
        let shown = expect(&server, 200, "GET", &secrets, json!(null)).await;
        assert_eq!(shown, json!({"A": "_VALUE_NOT_SHOWN_"}));
        assert!(expect(&server, 200, "GET", &item, json!(null)).await.get("secret_values").is_none());
        let log = expect(&server, 200, "GET", "/logs", json!(null)).await.to_string();
        assert!(log.contains("Add hook secrets") && !log.contains("hidden"), "{log}");
        expect(&server, 204, "DELETE", &item, json!(null)).await;
        expect(&server, 404, "GET", &secrets, json!(null)).await;
    })
    .await;
}
