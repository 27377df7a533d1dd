use serde_json::json;

use super::themes::example;
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

#[tokio::test]
async fn a_tenant_has_one_theme_or_none() {
    on_every_engine(async |server| {
        let themes = "/branding/themes";
        let none = server.call("GET", "/branding/themes/default", json!(null)).await;
        assert_eq!(none.0, 404);
        assert!(none.1.as_str().unwrap().ends_with("(theme_not_found)"));
        let (status, made) = server.call("POST", themes, example("#635dff")).await;
        assert_eq!((status, &made["displayName"]), (200, &json!("Unnamed Theme")));
        assert_eq!(server.call("POST", themes, example("#635dff")).await.0, 409);
        let path = format!("{themes}/{}", made["themeId"].as_str().unwrap());
        let (_, changed) = server.call("PATCH", &path, example("#ff000080")).await;
        assert_eq!(
            (&changed["colors"]["primary_button"], &changed["themeId"]),
            (&json!("#ff000080"), &made["themeId"])
        );
        for path in [&*path, "/branding/themes/default"] {
            assert_eq!(server.call("GET", path, json!(null)).await, (200, changed.clone()));
        }
        let wrong = |pointer: &str, value: serde_json::Value| {
            let mut theme = example("#635dff");
            *theme.pointer_mut(pointer).unwrap() = value;
            theme
        };
        for (body, named) in [
            (wrong("/borders/widget_corner_radius", json!(51)), "borders.widget_corner_radius"),
            (wrong("/fonts/title/size", json!(74)), "fonts.title.size"),
            (wrong("/colors/error", json!("red")), "colors.error"),
            (
                wrong("/page_background/background_image_url", json!("http://x.example/a.png")),
                "background_image_url",
            ),
        ] {
            let (status, message) = server.call("PATCH", &path, body).await;
            assert_eq!(status, 400);
            assert!(message.as_str().unwrap().contains(named), "{message}");
        }
        assert_eq!(server.call("DELETE", &path, json!(null)).await.0, 204);
        assert_eq!(server.call("DELETE", &path, json!(null)).await.0, 404);
        assert_eq!(server.call("GET", &path, json!(null)).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn a_page_template_has_both_tags() {
    on_every_engine(async |server| {
        let path = "/branding/templates/universal-login";
        let none = server.call("GET", path, json!(null)).await;
        assert_eq!(none.0, 404);
        assert!(none.1.as_str().unwrap().ends_with("(inexistent_templates_universal_login)"));
        let page = "<html><head>{%- auth0:head -%}</head><body>{% auth0:widget %}</body></html>";
        assert_eq!(server.call("PUT", path, json!({"template": page})).await.0, 201);
        assert_eq!(server.call("GET", path, json!(null)).await, (200, json!({"body": page})));
        // The same as bare text.
        assert_eq!(server.call("PUT", path, json!(format!("{page} "))).await.0, 204);
        assert_eq!(server.call("GET", path, json!(null)).await.1["body"], format!("{page} "));
        for wrong in
            [json!({"template": "{%- auth0:head -%}"}), json!("<p>"), json!({}), json!({"template": 7})]
        {
            assert_eq!(server.call("PUT", path, wrong.clone()).await.0, 400, "{wrong}");
        }
        assert_eq!(server.call("DELETE", path, json!(null)).await.0, 204);
        assert_eq!(server.call("GET", path, json!(null)).await.0, 404);
    })
    .await;
}
