use serde_json::json;

use crate::testing::on_every_engine;

#[tokio::test]
async fn prompts_merge_and_stay_out_of_the_tenants_settings() {
    on_every_engine(async |server| {
        let (status, prompts) = server.call("GET", "/prompts", json!(null)).await;
        assert_eq!((status, &prompts["universal_login_experience"]), (200, &json!("new")));
        assert_eq!(prompts["identifier_first"], json!(false));
        let (status, changed) = server.call("PATCH", "/prompts", json!({"identifier_first": true})).await;
        assert_eq!((status, &changed["identifier_first"]), (200, &json!(true)));
        assert_eq!(changed["universal_login_experience"], json!("new"));
        assert_eq!(server.call("GET", "/prompts", json!(null)).await.1, changed);
        assert_eq!(server.call("PATCH", "/prompts", json!({"colour": "red"})).await.0, 400);

        // A change of the tenant's settings neither shows nor loses them.
        let (_, settings) =
            server.call("PATCH", "/tenants/settings", json!({"support_email": "a@b.c"})).await;
        assert_eq!(settings.get("prompts"), None);
        assert_eq!(server.call("GET", "/tenants/settings", json!(null)).await.1.get("prompts"), None);
        assert_eq!(server.call("GET", "/prompts", json!(null)).await.1, changed);
    })
    .await;
}
