use serde_json::{Value, json};

use crate::testing::{Conversation, on_every_engine};

const LIST: &str = "/log-streams";

async fn expect(server: &Conversation, status: u16, method: &str, target: &str, body: Value) -> Value {
    let (got, answer) = server.call(method, target, body).await;
    assert_eq!(got, status, "{method} {target}: {answer}");
    answer
}

#[tokio::test]
async fn a_stream_of_each_type_is_stored_with_what_it_needs() {
    let sinks = [
        ("http", json!({"httpEndpoint": "https://logs.example/in", "httpAuthorization": "hidden"})),
        ("eventbridge", json!({"awsAccountId": "123456789012", "awsRegion": "eu-west-1"})),
        (
            "eventgrid",
            json!({
                "azureSubscriptionId": "b69a6835-57c7-4d53-b0d5-1c6ae580b6d5",
                "azureRegion": "northeurope", "azureResourceGroup": "logs",
            }),
        ),
        ("datadog", json!({"datadogApiKey": "hidden", "datadogRegion": "eu"})),
        (
            "splunk",
            json!({"splunkDomain": "s.example", "splunkPort": "8088", "splunkToken": "hidden", "splunkSecure": true}),
        ),
        ("sumo", json!({"sumoSourceAddress": "https://sumo.example/hidden"})),
        ("segment", json!({"segmentWriteKey": "hidden"})),
        (
            "mixpanel",
            json!({
                "mixpanelRegion": "eu", "mixpanelProjectId": "7",
                "mixpanelServiceAccountUsername": "ana", "mixpanelServiceAccountPassword": "hidden",
            }),
        ),
    ];
    on_every_engine(async |server| {
        for (number, (kind, sink)) in sinks.iter().enumerate() {
            let body = json!({"name": format!("Stream {number}"), "type": kind, "sink": sink});
            let made = expect(&server, 200, "POST", LIST, body).await;
            let id = made["id"].as_str().unwrap();
            assert!(id.len() == 20 && id.starts_with("lst_"), "{id}");
            assert_eq!((&made["sink"], &made["status"]), (sink, &json!("active")));
            // Everything that a type needs must be there, and nothing that is another type's.
            for name in sink.as_object().unwrap().keys().filter(|name| *name != "httpAuthorization") {
                let mut less = sink.clone();
                less.as_object_mut().unwrap().remove(name);
                let body = json!({"name": "Less", "type": kind, "sink": less});
                let said = expect(&server, 400, "POST", LIST, body).await;
                assert!(said.as_str().unwrap().contains(name), "{said}");
            }
            let mut more = sink.clone();
            more["strange"] = json!(1);
            expect(&server, 400, "POST", LIST, json!({"name": "More", "type": kind, "sink": more})).await;
        }
        let listed = expect(&server, 200, "GET", LIST, json!(null)).await;
        assert_eq!(listed.as_array().unwrap().len(), sinks.len());
        let log = expect(&server, 200, "GET", "/logs", json!(null)).await.to_string();
        assert!(log.contains("Create a log stream") && !log.contains("hidden"), "{log}");
    })
    .await;
}

#[tokio::test]
async fn a_change_of_a_sink_keeps_what_it_does_not_name() {
    on_every_engine(async |server| {
        let sink = json!({"datadogApiKey": "hidden", "datadogRegion": "us"});
        let made = expect(&server, 200, "POST", LIST, json!({"type": "datadog", "sink": sink})).await;
        let item = format!("{LIST}/{}", made["id"].as_str().unwrap());
        let change = json!({
            "status": "paused", "sink": {"datadogRegion": "eu"},
            "filters": [{"type": "category", "name": "auth.login.fail"}],
            "pii_config": {"log_fields": ["email"], "method": "mask"},
        });
        let changed = expect(&server, 200, "PATCH", &item, change).await;
        assert_eq!(changed["sink"], json!({"datadogApiKey": "hidden", "datadogRegion": "eu"}));
        assert_eq!(changed["status"], "paused");
        expect(&server, 400, "PATCH", &item, json!({"sink": {"datadogRegion": "mars"}})).await;
        expect(&server, 400, "PATCH", &item, json!({"type": "http"})).await;
        let without = expect(&server, 200, "PATCH", &item, json!({"pii_config": null})).await;
        assert!(without.get("pii_config").is_none());
        let bridge = json!({"awsAccountId": "123456789012", "awsRegion": "eu-west-1"});
        let bridge = expect(&server, 200, "POST", LIST, json!({"type": "eventbridge", "sink": bridge})).await;
        let bridge = format!("{LIST}/{}", bridge["id"].as_str().unwrap());
        expect(&server, 400, "PATCH", &bridge, json!({"sink": {"awsRegion": "eu-west-2"}})).await;
        expect(&server, 204, "DELETE", &item, json!(null)).await;
        expect(&server, 404, "GET", &item, json!(null)).await;
    })
    .await;
}
