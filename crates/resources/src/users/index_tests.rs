use gatewright_core::Timestamp;
use gatewright_store::{StoreError, params, sql};
use serde_json::json;

use super::index_missing;
use crate::testing::{Conversation, on_every_engine, tenant};

sql!(
    ENTRIES,
    "SELECT path, value FROM user_index WHERE tenant_id = $1 AND user_id = $2 ORDER BY path, value"
);
sql!(FORGET, "DELETE FROM user_index WHERE tenant_id = $1");
sql!(UNMARK, "UPDATE users SET indexed = FALSE, logins_count = NULL WHERE tenant_id = $1");
sql!(UPDATED_AT, "SELECT updated_at FROM users WHERE tenant_id = $1 AND user_id = $2");

async fn entries(server: &Conversation, user_id: &str) -> String {
    let user_id = user_id.to_owned();
    server
        .write(move |tx| {
            Box::pin(async move {
                let rows = tx.all(&ENTRIES, &params![tenant(), user_id]).await?;
                let shown = rows.iter().map(|row| Ok(format!("{}={}", row.text(0)?, row.text(1)?)));
                Ok(shown.collect::<Result<Vec<String>, StoreError>>()?.join(" "))
            })
        })
        .await
}

async fn made(server: &Conversation) -> String {
    server.call("POST", "/connections", json!({"name": "email", "strategy": "email"})).await;
    let user = json!({"connection": "email", "user_id": "1", "email": "Jo@Example.com", "name": "Jo",
                      "nickname": "J", "app_metadata": {"plan": "pro", "seats": [1, 2]}});
    let (status, user) = server.call("POST", "/users", user).await;
    assert_eq!(status, 201);
    user["user_id"].as_str().unwrap().to_owned()
}

const AFTER_CREATE: &str = "app_metadata.plan=spro app_metadata.seats=nbff0000000000000 \
     app_metadata.seats=nc000000000000000 email.domain=sexample.com name=sjo nickname=sj";

#[tokio::test]
async fn the_index_follows_the_user() {
    on_every_engine(async |server| {
        let id = made(&server).await;
        assert_eq!(entries(&server, &id).await, AFTER_CREATE);
        let change = json!({"app_metadata": {"plan": "free", "seats": null}, "user_metadata": {"a": {"b": true}},
                            "name": "JO"});
        assert_eq!(server.call("PATCH", &format!("/users/{id}"), change).await.0, 200);
        assert_eq!(
            entries(&server, &id).await,
            "app_metadata.plan=sfree email.domain=sexample.com name=sjo nickname=sj user_metadata.a.b=b1"
        );
        assert_eq!(server.call("DELETE", &format!("/users/{id}"), json!(null)).await.0, 204);
        assert_eq!(entries(&server, &id).await, "");
    })
    .await;
}

#[tokio::test]
async fn users_of_an_older_version_are_indexed_once() {
    on_every_engine(async |server| {
        let id = made(&server).await;
        assert_eq!(index_missing(&server.db).await.unwrap(), 0);
        server
            .write(|tx| {
                Box::pin(async {
                    tx.run(&FORGET, &params![tenant()]).await?;
                    tx.run(&UNMARK, &params![tenant()]).await
                })
            })
            .await;
        assert_eq!(entries(&server, &id).await, "");
        assert_eq!(index_missing(&server.db).await.unwrap(), 1);
        assert_eq!(entries(&server, &id).await, AFTER_CREATE);
        assert_eq!(index_missing(&server.db).await.unwrap(), 0);
        let updated_at = server
            .write(move |tx| {
                Box::pin(async move { tx.one(&UPDATED_AT, &params![tenant(), id]).await?.time(0) })
            })
            .await;
        assert_eq!(updated_at, Timestamp::from_seconds(1_700_000_000), "it is no change of the user");
    })
    .await;
}
