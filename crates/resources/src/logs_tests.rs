use serde_json::{Value, json};

use super::{LogEvent, append};
use crate::testing::{Conversation, on_every_engine, tenant};

async fn write(server: &Conversation, r#type: &'static str, user_id: &'static str) -> String {
    let seed = server.seed.clone();
    server
        .write(move |tx| {
            Box::pin(async move {
                let event = LogEvent {
                    r#type,
                    user_id: Some(user_id.to_owned()),
                    ip: "10.0.0.1".into(),
                    scope: vec!["openid".into()],
                    details: json!({"report": [1]}),
                    ..LogEvent::default()
                };
                append(tx, &tenant(), seed.now, &seed.random, &event).await
            })
        })
        .await
}

#[tokio::test]
async fn events_are_read_listed_and_found() {
    on_every_engine(async |server| {
        let first = write(&server, "s", "sms|1").await;
        let second = write(&server, "f", "sms|2").await;
        assert!(first.len() == 56 && first.starts_with("900") && first < second);
        let (_, event) = server.call("GET", &format!("/logs/{first}"), json!(null)).await;
        assert_eq!(
            (&event["_id"], &event["type"], &event["date"]),
            (&json!(first), &json!("s"), &json!("2023-11-14T22:13:20.000Z"))
        );
        assert_eq!(
            (&event["client_id"], &event["scope"], &event["details"]["report"]),
            (&json!(null), &json!(["openid"]), &json!([1]))
        );
        assert_eq!(server.call("GET", "/logs/900", json!(null)).await.0, 404);

        let ids = async |target: &str| {
            let (status, found) = server.call("GET", target, json!(null)).await;
            let found = found.get("logs").cloned().unwrap_or(found);
            let ids: Vec<Value> =
                found.as_array().into_iter().flatten().map(|event| event["log_id"].clone()).collect();
            (status, ids)
        };
        assert_eq!(ids("/logs").await, (200, vec![json!(second), json!(first)]));
        assert_eq!(ids("/logs?sort=date:1&per_page=1&include_totals=true").await, (200, vec![json!(first)]));
        assert_eq!(ids("/logs?q=type:s").await, (200, vec![json!(first)]));
        assert_eq!(
            ids("/logs?search=user_id:%22sms%7C2%22%20AND%20type:f").await,
            (200, vec![json!(second)])
        );
        assert_eq!(ids("/users/sms%7C1/logs").await, (200, vec![json!(first)]));
        assert_eq!(ids("/logs?take=1").await, (200, vec![json!(first)]));
        assert_eq!(ids(&format!("/logs?take=5&from={first}")).await, (200, vec![json!(second)]));
        assert_eq!(ids(&format!("/logs?take=5&from={second}")).await, (200, vec![]));
        assert_eq!(ids("/logs?page=10&per_page=100").await.0, 400);
        assert_eq!(ids("/logs?q=type:F").await, (200, vec![]), "case matters");
        assert_eq!(ids("/logs?q=f%20OR%20user_id:sms*1").await, (200, vec![json!(second), json!(first)]));
        assert_eq!(ids("/logs?q=NOT%20type:f%20AND%20_exists_:user_id").await, (200, vec![json!(first)]));
        assert_eq!(ids("/logs?q=date:[2023-11-14%20TO%20*]%20AND%20type:s").await, (200, vec![json!(first)]));
        assert_eq!(ids("/logs?q=date:[*%20TO%202023-11-13]").await, (200, vec![]));
        assert_eq!(ids("/logs?q=_exists_:client_name").await, (200, vec![]));
        assert_eq!(ids("/logs?q=details.x:1").await.0, 400);
    })
    .await;
}

#[tokio::test]
async fn a_write_and_its_event_are_one_and_a_refused_write_leaves_none() {
    on_every_engine(async |server| {
        server.call("POST", "/connections", json!({"name": "sms", "strategy": "sms"})).await;
        server.call("POST", "/connections", json!({"name": "sms", "strategy": "sms"})).await;
        server.call("POST", "/connections", json!({"name": "!"})).await;
        let (_, events) = server.call("GET", "/logs?include_totals=true", json!(null)).await;
        assert_eq!(events["total"], 1);
        let event = &events["logs"][0];
        assert_eq!(
            (&event["type"], &event["description"], &event["client_id"]),
            (&json!("sapi"), &json!("Create a connection"), &json!("m2m"))
        );
        assert_eq!(event["details"]["request"]["path"], "/api/v2/connections");
        assert_eq!(event["details"]["request"]["auth"]["scopes"], json!(["create:connections"]));
        assert_eq!(event["details"]["response"]["statusCode"], 201);
    })
    .await;
}
