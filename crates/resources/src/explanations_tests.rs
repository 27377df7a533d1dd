use serde_json::{Value, json};

use crate::logs::{self, LogEvent};
use crate::testing::{Conversation, on_every_engine, tenant};

async fn made(server: &Conversation) -> (String, String) {
    let (status, api) = server
        .call("POST", "/resource-servers", json!({
            "identifier": "https://orders.example/", "name": "Orders", "scopes": [{"value": "read:orders"}],
        }))
        .await;
    assert_eq!(status, 201, "{api}");
    let (status, client) = server
        .call(
            "POST",
            "/clients",
            json!({
                "name": "My page", "app_type": "regular_web", "callbacks": ["https://app.example/cb"],
                "grant_types": ["authorization_code"],
            }),
        )
        .await;
    assert_eq!(status, 201, "{client}");
    (client["client_id"].as_str().unwrap().to_owned(), api["id"].as_str().unwrap().to_owned())
}

fn row<'a>(report: &'a Value, item: &str) -> &'a Value {
    let rows = report["rows"].as_array().unwrap();
    rows.iter().find(|row| row["item"] == item).unwrap_or_else(|| panic!("no {item} in {report:#}"))
}

#[tokio::test]
async fn an_authorize_url_is_explained_and_a_change_is_proposed() {
    on_every_engine(async |server| {
        let (client_id, api_id) = made(&server).await;
        let url = format!(
            "https://localhost:8443/authorize?client_id={client_id}&response_type=code&\
             redirect_uri=https%3A%2F%2Fapp.example%2Fcb&audience=https%3A%2F%2Forders.example%2F&\
             scope=openid%20read%3Aorders%20write%3Aorders"
        );
        let (status, report) = server.call("POST", "/explain", json!({"what": url})).await;
        assert_eq!(status, 200, "{report}");
        assert_eq!(
            (&row(&report, "openid")["outcome"], &row(&report, "read:orders")["reason"]),
            (&json!("granted"), &json!("defined_on_api"))
        );
        let dropped = row(&report, "write:orders");
        assert_eq!(dropped["reason"], "not_defined_on_api");
        assert_eq!(dropped["setting_id"], api_id);
        assert_eq!(dropped["change"]["value"], json!({"value": "write:orders"}));
        assert_eq!(row(&report, "https://app.example/cb")["reason"], "redirect_uri_exact");

        let (_, report) = server.call("POST", "/explain", json!({"what": url.replace("cb", "other")})).await;
        assert_eq!(report["rows"][0]["reason"], "redirect_uri_not_registered");
        let change = json!({"resource": "clients", "id": client_id, "action": "append", "field": "callbacks",
                            "value": "https://app.example/other"});
        assert_eq!(report["rows"][0]["change"], change);
    })
    .await;
}

#[tokio::test]
async fn an_event_is_found_by_its_id_and_by_its_request() {
    on_every_engine(async |server| {
        let (client_id, _) = made(&server).await;
        let seed = server.seed.clone();
        let decision = json!({"scope": {
            "flow": "code",
            "audience": {"kind": "api", "identifier": "https://orders.example/", "with_userinfo": true},
            "entries": [{"scope": "write:orders", "origin": "requested", "outcome": "dropped",
                         "reason": "not_defined_on_api", "says": "The API defines no such scope."}],
        }});
        let event = LogEvent {
            r#type: "s",
            client_id: Some(client_id),
            request_id: Some("4fTqPz0aB3dEkLmN8oQs".into()),
            hostname: Some("localhost".into()),
            details: json!({"decision": decision}),
            ..LogEvent::default()
        };
        let id: String = server
            .write(move |tx| {
                Box::pin(async move { logs::append(tx, &tenant(), seed.now, &seed.random, &event).await })
            })
            .await;
        let (_, by_id) = server.call("POST", "/explain", json!({"what": id})).await;
        let (_, by_request) = server.call("POST", "/explain", json!({"what": "4fTqPz0aB3dEkLmN8oQs"})).await;
        assert_eq!(by_id, by_request);
        assert_eq!(
            (&by_id["basis"], &row(&by_id, "write:orders")["outcome"]),
            (&json!("recorded"), &json!("dropped"))
        );

        // The API learns the scope: now it would be granted.
        let (_, apis) = server.call("GET", "/resource-servers", json!(null)).await;
        let api = apis.as_array().unwrap().iter().find(|api| api["name"] == "Orders").unwrap();
        let path = format!("/resource-servers/{}", api["id"].as_str().unwrap());
        let scopes = json!({"scopes": [{"value": "read:orders"}, {"value": "write:orders"}]});
        server.call("PATCH", &path, scopes).await;
        let (_, now) = server.call("POST", "/explain", json!({"what": id, "basis": "now"})).await;
        assert_eq!(row(&now, "write:orders")["outcome"], "granted");
        assert_eq!(
            now["differs"],
            json!(["write:orders is granted (defined_on_api); it was dropped (not_defined_on_api)"])
        );
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_explained_says_so_and_strangers_learn_nothing() {
    on_every_engine(async |server| {
        let explain = async |what: &str| server.call("POST", "/explain", json!({"what": what})).await.0;
        assert_eq!(explain("why?").await, 400);
        assert_eq!(explain(&"9".repeat(56)).await, 404);
        assert_eq!(explain("00000000000000000000").await, 404);
        assert_eq!(explain("Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE").await, 404);
        let body = json!({"what": "https://localhost/authorize?client_id=x"});
        let others = Conversation::machine(&["read:logs", "read:clients"]);
        assert_eq!(server.call_as(others, "POST", "/explain", body.clone()).await.0, 403);
        let user = Conversation::user("sms|1", &["read:explanations"]);
        assert_eq!(server.call_as(user, "POST", "/explain", body.clone()).await.0, 403);
        assert_eq!(server.call("POST", "/explain", body).await.0, 200);
    })
    .await;
}
