//! Rotating and revoking signing keys, as clients notice it.

use gatewright_testkit::{Admin, Server, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

async fn published(server: &Server) -> Vec<Value> {
    let keys = server.tool().get("/.well-known/jwks.json").await.expect(200).json();
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect()
}

fn kid(admin: &Admin) -> Value {
    gatewright_jose::parse_unverified(admin.token()).unwrap().0["kid"].clone()
}

#[tokio::test]
async fn a_token_outlives_a_rotation_and_dies_with_its_key() {
    on_every_database(async |server: Server| {
        let old = server.admin().await;
        let first = kid(&old);
        assert_eq!(published(&server).await, std::slice::from_ref(&first));
        let known = old.get("/keys/signing").await;
        let only = &known[0];
        assert_eq!((&only["kid"], &only["current"], &only["next"]), (&first, &json!(true), &json!(false)));
        assert_eq!(known.as_array().unwrap().len(), 1);

        let next = old.create("/keys/signing/rotate", json!(null)).await;
        assert_eq!((&next["next"], &next["current"]), (&json!(true), &json!(false)));
        for member in ["cert", "pkcs7", "fingerprint", "thumbprint"] {
            assert!(next[member].as_str().is_some_and(|text| text.len() >= 40), "{member}: {next}");
        }
        // Published: what signs now, what will sign, and what signed, in this order.
        let new = server.admin().await;
        let second = kid(&new);
        assert_ne!(second, first);
        assert_eq!(published(&server).await, [second.clone(), next["kid"].clone(), first.clone()]);
        assert_eq!(old.get("/keys/signing").await.as_array().unwrap().len(), 3);

        // The key that waited signs after the next rotation.
        new.create("/keys/signing/rotate", json!(null)).await;
        assert_eq!(kid(&server.admin().await), next["kid"]);
        assert_eq!(published(&server).await.len(), 4);

        let revoke = async |key: &Value| {
            let path = format!("/keys/signing/{}/revoke", key.as_str().unwrap());
            new.call(Method::PUT, &path, None).await
        };
        let refused = revoke(&next["kid"]).await;
        assert_eq!((refused.status, &refused.json()["errorCode"]), (400, &json!("operation_not_supported")));
        let revoked = revoke(&first).await.expect(200).json();
        assert_eq!((&revoked["revoked"], &revoked["previous"]), (&json!(true), &json!(false)));
        assert!(revoked["revoked_at"].is_string() && revoked["current_until"].is_string());
        revoke(&first).await.expect(409);
        revoke(&json!("nothing")).await.expect(404);

        assert!(!published(&server).await.contains(&first));
        old.call(Method::GET, "/keys/signing", None).await.expect(401);
        new.get(&format!("/keys/signing/{}", first.as_str().unwrap())).await;
    })
    .await;
}
