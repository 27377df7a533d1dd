//! Codes: who gets them, how they look, what can be learned by guessing.

use gatewright_testkit::{Answer, Server, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

use super::{DEVICE_CODE, Tv, WRONG, confirm, enter, is_screen, log_in};

#[tokio::test]
async fn requests_that_cannot_succeed_are_refused_at_once_and_logged() {
    on_every_database(async |server: Server| {
        let tv = Tv::new(&server).await;
        let ask = async |body: Value| tv.tool.post("/oauth/device/code", body).await;
        let missing = ask(json!({})).await;
        assert_eq!(missing.expect(400).error().1, "Missing required parameter: client_id");
        let unknown = ask(json!({"client_id": "nobody"})).await;
        assert_eq!(unknown.expect(401).error(), ("access_denied".into(), "Unauthorized".into()));
        let kind = ask(json!({"client_id": tv.client_id, "scope": ["openid"]})).await;
        assert_eq!(kind.expect(400).error().0, "invalid_request");
        let long = tv.ask(json!({"scope": "x".repeat(5000)})).await;
        assert_eq!(long.expect(400).error().0, "invalid_request");
        let organization = tv.ask(json!({"organization": "org_1"})).await;
        assert!(organization.expect(400).error().1.contains("Organizations"));
        assert_eq!(
            tv.admin.newest_log("fdeaz").await["details"]["decision"]["reason"],
            "organizations_not_built"
        );
        let api = tv.ask(json!({"audience": "https://nowhere.example/"})).await;
        assert_eq!(api.expect(403).error().0, "access_denied");
        let log = tv.admin.newest_log("fdeaz").await;
        assert_eq!(
            (&log["client_id"], &log["audience"]),
            (&json!(tv.client_id), &json!("https://nowhere.example/"))
        );
        let spa = ask(json!({"client_id": server.client_id()})).await;
        let text = format!("Grant type '{DEVICE_CODE}' not allowed for the client.");
        assert_eq!(spa.expect(403).error(), ("unauthorized_client".to_owned(), text));
        assert!(tv.admin.newest_log("fdeaz").await["details"]["decision"]["remedy"].is_string());

        // RFC 8628 section 3.1: a confidential client proves who it is.
        let robot = json!({"name": "Kiosk", "app_type": "regular_web", "grant_types": [DEVICE_CODE]});
        let robot = tv.admin.create("/clients", robot).await;
        let (id, secret) = (&robot["client_id"], &robot["client_secret"]);
        ask(json!({"client_id": id})).await.expect(401);
        ask(json!({"client_id": id, "client_secret": "wrong"})).await.expect(401);
        ask(json!({"client_id": id, "client_secret": secret})).await.expect(200);
        let form = [("client_id", &*tv.client_id), ("scope", "openid")];
        tv.tool.post_form("/oauth/device/code", &form).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn nobody_learns_which_user_codes_there_are() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let (decided, expired) = (tv.codes(json!({})).await, tv.codes(json!({})).await);
        let login = confirm(&browser, &decided).await;
        log_in(&browser, &login).await.expect(200);
        server.turn.forward_seconds(901);
        let live = tv.codes(json!({})).await;
        let unlisted = tv.codes(json!({})).await;
        let neutral = |answer: &Answer, typed: &str| {
            let page = answer.expect(400).body.replace(typed, "CODE");
            let nonces: Vec<&str> =
                page.split("nonce=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
            nonces.iter().fold(page.clone(), |page, nonce| page.replace(*nonce, "NONCE"))
        };
        let unknown = neutral(&enter(&browser, "BCDF-GHJK").await, "BCDF-GHJK");
        assert!(unknown.contains(WRONG) && unknown.contains("aria-invalid"), "{unknown}");
        for codes in [&decided, &expired] {
            assert_eq!(neutral(&enter(&browser, &codes.user).await, &codes.user), unknown);
            assert_eq!(neutral(&browser.get(&codes.complete).await, &codes.user), unknown);
        }
        // Another tenant's code is unknown here and there.
        let acme = server.page_at("acme", "http://localhost:4200");
        let there = acme.open(&format!("/activate?user_code={}", live.user)).await;
        assert!(there.expect(400).body.contains(WRONG), "{}", there.body);
        is_screen(&enter(&browser, &live.user).await, "device-code-confirmation");
        // A client that may no longer use the grant loses its codes.
        tv.change(json!({"grant_types": ["refresh_token"]})).await;
        assert_eq!(neutral(&enter(&browser, &unlisted.user).await, &unlisted.user), unknown);
        let log = tv.admin.newest_log("fdeac").await;
        assert_eq!(log["details"]["decision"]["reason"], "user_code_unknown");
        assert!(!log.to_string().contains(&unlisted.user), "codes are not logged: {log}");

        for (typed, text) in
            [("", "Enter the code that your device shows"), (" -- ", "This cannot be the code")]
        {
            let answer = enter(&browser, typed).await;
            assert!(answer.expect(400).body.contains(text), "{}", answer.body);
        }
    })
    .await;
}

#[tokio::test]
async fn guessing_user_codes_is_limited_by_address() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let codes = tv.codes(json!({})).await;
        for _ in 0..20 {
            browser.get("/activate?user_code=BCDF-GHJK").await.expect(400);
        }
        // Then right ones are not looked at either, in any browser of that address.
        for page in [&browser, &server.tool()] {
            let limited = page.get(&codes.complete).await;
            assert!(limited.expect(429).body.contains("too many attempts"), "{}", limited.body);
        }
        server.turn.forward_seconds(6);
        is_screen(&browser.open(&codes.complete).await, "device-code-confirmation");
    })
    .await;
}

#[tokio::test]
async fn user_codes_look_as_the_tenant_wants_and_are_read_leniently() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let codes = tv.codes(json!({})).await;
        let page = browser.open("/activate").await;
        assert!(page.body.contains("autocapitalize=\"characters\""), "{}", page.body);
        let sloppy = format!("  {} ", codes.user.replace('-', " ").to_lowercase());
        let page = enter(&browser, &sloppy).await;
        is_screen(page.expect(200), "device-code-confirmation");
        assert!(page.body.contains(&format!("<strong>{}</strong>", codes.user)), "{}", page.body);

        let digits = json!({"device_flow": {"charset": "digits", "mask": "*** *** ***"}});
        tv.admin.patch("/tenants/settings", digits).await;
        // Codes given out before stay good.
        is_screen(enter(&browser, &codes.user).await.expect(200), "device-code-confirmation");
        let codes = tv.codes(json!({})).await;
        let shape: String = codes.user.chars().map(|c| if c.is_ascii_digit() { '*' } else { c }).collect();
        assert_eq!(shape, "*** *** ***");
        assert!(
            codes.complete.ends_with(&format!("?user_code={}", codes.user.replace(' ', "+"))),
            "{}",
            codes.complete
        );
        let page = browser.open("/activate").await;
        assert!(page.body.contains("inputmode=\"numeric\""), "{}", page.body);
        let wide: String = codes.user.chars().filter_map(|c| char::from_u32(u32::from(c) + 0xFEE0)).collect();
        for typed in [codes.user.replace(' ', ""), codes.user.replace(' ', "-"), wide.replace('\u{FF00}', "")]
        {
            is_screen(enter(&browser, &typed).await.expect(200), "device-code-confirmation");
        }
        is_screen(&browser.open(&codes.complete).await, "device-code-confirmation");
    })
    .await;
}

#[tokio::test]
async fn televisions_made_of_web_pages_may_ask_from_their_origins() {
    on_every_database(async |server: Server| {
        let tv = Tv::new(&server).await;
        tv.change(json!({"web_origins": ["https://tv.example"]})).await;
        for (origin, allowed) in [("https://tv.example", "https://tv.example"), ("https://evil.example", "")]
        {
            let page = server.page(origin);
            let preflight = page
                .request(Method::OPTIONS, "/oauth/device/code")
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "content-type");
            let preflight = page.send(preflight).await;
            assert_eq!(preflight.header("access-control-allow-origin"), allowed, "{origin}");
            let answer = page.post_form("/oauth/device/code", &[("client_id", &tv.client_id)]).await;
            assert_eq!(answer.expect(200).header("access-control-allow-origin"), allowed, "{origin}");
        }
        let document = tv.tool.get("/.well-known/openid-configuration").await.json();
        let endpoint = format!("{}oauth/device/code", server.issuer());
        assert_eq!(document["device_authorization_endpoint"], json!(endpoint));
        assert!(document["grant_types_supported"].as_array().unwrap().contains(&json!(DEVICE_CODE)));
    })
    .await;
}
