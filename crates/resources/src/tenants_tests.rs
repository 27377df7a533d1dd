use serde_json::json;

use crate::testing::on_every_engine;

#[tokio::test]
async fn settings_merge_and_lifetimes_are_hours() {
    on_every_engine(async |server| {
        let (status, settings) = server.call("GET", "/tenants/settings", json!(null)).await;
        assert_eq!((status, &settings["friendly_name"], &settings["session_lifetime"]), (200, &json!("Local"), &json!(168)));
        let change = json!({"flags": {"enable_sso": false}, "idle_session_lifetime_in_minutes": 30, "support_email": "a@b.c"});
        let (status, changed) = server.call("PATCH", "/tenants/settings", change).await;
        assert_eq!((status, &changed["idle_session_lifetime"], &changed["support_email"]), (200, &json!(0.5), &json!("a@b.c")));
        assert_eq!((&changed["flags"]["enable_sso"], &changed["flags"]["enable_pipeline2"]), (&json!(false), &json!(true)));
        assert_eq!(server.call("GET", "/tenants/settings", json!(null)).await.1, changed);
        let (_, only) = server.call("GET", "/tenants/settings?fields=support_email", json!(null)).await;
        assert_eq!(only, json!({"support_email": "a@b.c"}));
        assert_eq!(server.call("PATCH", "/tenants/settings", json!({"support_email": "nonsense"})).await.0, 400);
        assert_eq!(server.call("PATCH", "/tenants/settings", json!({"colour": "red"})).await.0, 400);
        assert_eq!(server.call("PATCH", "/tenants/settings", json!({"enabled_locales": []})).await.0, 400);
    })
    .await;
}

#[tokio::test]
async fn a_page_that_is_switched_off_keeps_its_text() {
    on_every_engine(async |server| {
        for page in ["change_password", "guardian_mfa_page"] {
            let on = json!({page: {"enabled": true, "html": "<p>Hello</p>"}});
            let (status, changed) = server.call("PATCH", "/tenants/settings", on).await;
            assert_eq!((status, &changed[page]["html"]), (200, &json!("<p>Hello</p>")));
            let off = json!({page: {"enabled": false}});
            let (status, changed) = server.call("PATCH", "/tenants/settings", off).await;
            assert_eq!((status, &changed[page]), (200, &json!({"enabled": false, "html": "<p>Hello</p>"})));
            assert_eq!(server.call("GET", "/tenants/settings", json!(null)).await.1[page], changed[page]);
            let (_, gone) = server.call("PATCH", "/tenants/settings", json!({page: null})).await;
            assert_eq!(gone.get(page), None);
        }
    })
    .await;
}

#[tokio::test]
async fn every_statement_fits_the_schema() {
    on_every_engine(async |server| {
        let failures = gatewright_store::check::prepare_all(&server.db).await;
        assert!(gatewright_store::check::statement_count() > 50);
        assert_eq!(failures, []);
    })
    .await;
}
