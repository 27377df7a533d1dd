//! The tenant's own look and words on the hosted pages.

use gatewright_testkit::{Answer, Form, Page, Server, Start, on_every_database};
use reqwest::Method;
use serde_json::json;

fn start(server: &Server) -> Start {
    let mut start = Start::seed(server).scope("openid");
    start.audience = None;
    start
}

async fn login(server: &Server, browser: &Page) -> Answer {
    let page = browser.open(&start(server).authorize_path(&[])).await;
    page.expect(200);
    page
}

#[tokio::test]
async fn logo_icon_and_colours_are_on_every_page() {
    on_every_database(async |server: Server| {
        let (admin, browser) = (server.admin().await, server.tool());
        let plain = login(&server, &browser).await;
        assert!(plain.header("content-security-policy").contains("img-src 'self' data:;"));
        assert!(!plain.body.contains("<img"));
        let branding = json!({
            "logo_url": "https://cdn.example/logo.svg", "favicon_url": "https://icons.example:8443/i.png",
            "colors": {"primary": "#ffdd00", "page_background":
                {"type": "linear-gradient", "start": "#ffffff", "end": "#00aaff", "angle_deg": 35}},
        });
        admin.patch("/branding", branding).await;
        let error = browser.get("/authorize?client_id=nobody").await;
        let lost = browser.get("/u/login?state=nonsense").await;
        let logged_out = browser.get("/oidc/logout").await;
        let gone = browser.get("/u/reset-verify?ticket=x").await;
        for page in [&login(&server, &browser).await, &error, &lost, &logged_out, &gone] {
            assert!(
                page.body.contains("<img src=\"https://cdn.example/logo.svg\" alt=\"localhost\""),
                "{}",
                page.body
            );
            assert!(page.body.contains("<link rel=\"icon\" href=\"https://icons.example:8443/i.png\">"));
            let policy = page.header("content-security-policy");
            assert!(
                policy.contains("img-src 'self' data: https://cdn.example https://icons.example:8443;"),
                "{policy}"
            );
            assert!(policy.contains("default-src 'none'"), "{policy}");
            // Yellow takes black text.
            assert!(page.body.contains("--accent: #ffdd00; --on-accent: #000000;"), "{}", page.body);
            assert!(page.body.contains("--backdrop: linear-gradient(35deg, #ffffff, #00aaff);"));
        }
        admin
            .patch(
                "/branding",
                json!({"logo_url": null, "favicon_url": null, "colors": {"primary": "#123456"}}),
            )
            .await;
        let page = login(&server, &browser).await;
        assert!(
            page.body.contains("--accent: #123456; --on-accent: #ffffff;")
                && !page.body.contains("--backdrop:")
        );
        assert!(page.header("content-security-policy").contains("img-src 'self' data:;"));
    })
    .await;
}

#[tokio::test]
async fn another_tenants_pages_stay_as_they_are() {
    on_every_database(async |server: Server| {
        server.admin().await.patch("/branding", json!({"colors": {"primary": "#ffdd00"}})).await;
        let other = server.page_at("acme", "https://app.example").get("/oidc/logout").await;
        assert!(!other.expect(200).body.contains("#ffdd00"));
        assert_eq!(server.admin_of("acme").await.get("/branding").await, json!({}));
    })
    .await;
}

#[tokio::test]
async fn the_consent_page_shows_the_applications_picture() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let ada = json!({"connection": "Username-Password-Authentication", "email": "ada@example.com",
            "password": "Correct-horse-7", "email_verified": true});
        admin.create("/users", ada).await;
        let grant = json!({"client_id": server.client_id(), "audience": server.audience(), "subject_type": "user",
            "scope": ["read:orders"]});
        admin.create("/client-grants", grant).await;
        let client = json!({"is_first_party": false, "logo_uri": "https://app.example/icon.png?a=1&b=2"});
        admin.patch(&format!("/clients/{}", server.client_id()), client).await;
        let browser = server.tool();
        let mut start = start(&server).scope("read:orders");
        start.audience = Some(server.audience().to_owned());
        let page = browser.open(&start.authorize_path(&[])).await;
        assert!(!page.body.contains("app.example/icon"), "the login is the tenant's");
        let form = Form::of(&page).with("username", "ada@example.com").with("password", "Correct-horse-7");
        let consent = form.submit(&browser, "default").await;
        assert!(consent.expect(200).body.contains("<img src=\"https://app.example/icon.png?a=1&#38;b=2\" alt=\"\""), "{}", consent.body);
        assert!(consent.header("content-security-policy").contains("img-src 'self' data: https://app.example;"));
    })
    .await;
}

#[tokio::test]
async fn a_tenants_own_words_replace_those_that_are_built_in() {
    on_every_database(async |server: Server| {
        let (admin, browser) = (server.admin().await, server.tool());
        let put = async |path: &str, body| {
            let path = format!("/prompts/{path}");
            admin.call(Method::PUT, &path, Some(body)).await.expect(200).json()
        };
        put("login/custom-text/en", json!({"login": {"title": "Hello & <b>hi</b>", "description": "To ${clientName}, by ${companyName}",
            "wrong-credentials": "No.", "footerText": "New here?"}})).await;
        put("login/custom-text/de", json!({"login": {"title": "Guten Tag"}})).await;
        put("common/custom-text/en", json!({"common": {"showPasswordText": "Reveal"}})).await;
        let page = login(&server, &browser).await;
        assert!(page.body.contains("Hello &#38; &#60;b&#62;hi&#60;/b&#62;"), "{}", page.body);
        assert!(page.body.contains("To My SPA, by localhost") && page.body.contains(">Reveal</button>"), "{}", page.body);
        assert!(page.body.contains("New here? <a href=\"/u/signup"), "{}", page.body);
        let wrong = Form::of(&page).with("username", "a@b.example").with("password", "x").submit(&browser, "default").await;
        assert!(wrong.expect(400).body.contains("role=\"alert\">No.</p>"), "{}", wrong.body);
        admin.patch("/tenants/settings", json!({"enabled_locales": ["en", "de"]})).await;
        let german = browser.open(&start(&server).authorize_path(&[("ui_locales", "de")])).await;
        assert!(german.body.contains("Guten Tag") && german.body.contains("Noch kein Konto?"), "{}", german.body);
        put("login/custom-text/en", json!({})).await;
        assert!(login(&server, &browser).await.body.contains("Welcome"));
    })
    .await;
}

fn theme() -> serde_json::Value {
    let font = json!({"bold": true, "size": 100});
    json!({
        "displayName": "Sea",
        "borders": {"button_border_radius": 3, "button_border_weight": 1, "buttons_style": "pill", "input_border_radius": 3,
            "input_border_weight": 1, "inputs_style": "rounded", "show_widget_shadow": true, "widget_border_weight": 0,
            "widget_corner_radius": 20},
        "colors": {"body_text": "#1e212a", "error": "#d03c38", "header": "#0b3d4f", "icons": "#65676e",
            "input_background": "#f2fbff", "input_border": "#5f93a8", "input_filled_text": "#000000",
            "input_labels_placeholders": "#3d5560", "links_focused_components": "#00708f", "primary_button": "#00708f",
            "primary_button_label": "#ffffff", "secondary_button_border": "#5f93a8", "secondary_button_label": "#0b3d4f",
            "success": "#13a688", "widget_background": "#ffffff", "widget_border": "#c9cace"},
        "fonts": {"body_text": font, "buttons_text": font, "font_url": "", "input_labels": font, "links": font,
            "links_style": "normal", "reference_text_size": 16, "subtitle": font, "title": {"bold": true, "size": 150}},
        "page_background": {"background_color": "#bfe6f2", "background_image_url": "https://pictures.example/sea.jpg",
            "page_layout": "right"},
        "widget": {"header_text_alignment": "center", "logo_height": 52, "logo_position": "center",
            "logo_url": "https://logos.example/sea.svg", "social_buttons_layout": "bottom"},
    })
}

#[tokio::test]
async fn a_theme_paints_the_pages_and_its_end_gives_the_old_look_back() {
    on_every_database(async |server: Server| {
        let (admin, browser) = (server.admin().await, server.tool());
        admin
            .patch(
                "/branding",
                json!({"logo_url": "https://cdn.example/logo.svg", "colors": {"primary": "#ffdd00"}}),
            )
            .await;
        let made = admin.call(Method::POST, "/branding/themes", Some(theme())).await.expect(200).json();
        let page = login(&server, &browser).await;
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("https://pictures.example") && policy.contains("https://logos.example"),
            "{policy}"
        );
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
        assert!(page.body.contains("<img src=\"https://logos.example/sea.svg\""), "{}", page.body);
        for rule in [
            "--surface: #ffffff;",
            "--backdrop: #bfe6f2;",
            "h1 { color: #0b3d4f; text-align: center; }",
            "border-radius: 24px",
            "url(\"https://pictures.example/sea.jpg\")",
        ] {
            assert!(page.body.contains(rule), "{rule}: {}", page.body);
        }
        let last = page.body.rfind("--accent: ").unwrap();
        assert!(page.body[last..].starts_with("--accent: #00708f;"), "the theme has the last word");
        let path = format!("/branding/themes/{}", made["themeId"].as_str().unwrap());
        admin.call(Method::DELETE, &path, None).await.expect(204);
        let page = login(&server, &browser).await;
        assert!(page.body.contains("--accent: #ffdd00;") && !page.body.contains("#bfe6f2"));
        assert!(page.body.contains("https://cdn.example/logo.svg"));
    })
    .await;
}
