use serde_json::json;

use crate::testing::on_every_engine;

#[tokio::test]
async fn branding_merges_and_stays_out_of_the_tenants_settings() {
    on_every_engine(async |server| {
        assert_eq!(server.call("GET", "/branding", json!(null)).await, (200, json!({})));
        let gradient = json!({"type": "linear-gradient", "start": "#fff", "end": "#123456", "angle_deg": 35});
        let colors = json!({"primary": "#0059d6", "page_background": gradient});
        let (status, changed) = server.call("PATCH", "/branding", json!({"colors": colors})).await;
        assert_eq!((status, &changed), (200, &json!({"colors": colors})));
        let more = json!({"logo_url": "https://cdn.example/logo.png", "font": {"url": "https://cdn.example/f.woff2"}});
        let (_, changed) = server.call("PATCH", "/branding", more).await;
        assert_eq!((&changed["colors"], &changed["logo_url"]), (&colors, &json!("https://cdn.example/logo.png")));
        let (_, changed) = server.call("PATCH", "/branding", json!({"font": null})).await;
        assert_eq!(changed.get("font"), None);
        assert_eq!(server.call("GET", "/branding", json!(null)).await.1, changed);
        let (_, settings) = server.call("PATCH", "/tenants/settings", json!({"friendly_name": "A"})).await;
        assert_eq!(settings.get("branding"), None);
        assert_eq!(server.call("GET", "/tenants/settings", json!(null)).await.1.get("branding"), None);
        assert_eq!(server.call("GET", "/branding", json!(null)).await.1, changed);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_colour_and_no_safe_address_is_refused() {
    on_every_engine(async |server| {
        let gradient = |start: &str, angle: i64| json!({"type": "linear-gradient", "start": start, "end": "#000", "angle_deg": angle});
        for body in [
            json!({"colour": "#fff"}),
            json!({"logo_url": "http://cdn.example/logo.png"}),
            json!({"favicon_url": "javascript:alert(1)"}),
            json!({"colors": {"primary": "red"}}),
            json!({"colors": {"primary": "#fff;}body{display:none"}}),
            json!({"colors": {"page_background": "url(https://x.example)"}}),
            json!({"colors": {"page_background": gradient("blue", 1)}}),
            json!({"colors": {"page_background": gradient("#fff", 361)}}),
            json!({"colors": {"page_background": {"type": "image"}}}),
        ] {
            assert_eq!(server.call("PATCH", "/branding", body.clone()).await.0, 400, "{body}");
        }
        assert_eq!(server.call("GET", "/branding", json!(null)).await, (200, json!({})));
    })
    .await;
}
