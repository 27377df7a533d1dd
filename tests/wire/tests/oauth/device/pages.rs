//! The pages: login, single sign-on, consent, refusals, whose they are.

use gatewright_testkit::{Form, Server, claims, on_every_database};
use reqwest::Method;
use serde_json::json;

use super::{EMAIL, Tv, WRONG, confirm, enter, invalid, is_screen, log_in, pending};

#[tokio::test]
async fn an_address_with_the_code_and_a_session_need_one_click() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let audience = json!({"audience": server.audience(), "scope": "openid read:orders"});
        let first = tv.codes(json!({})).await;
        let login = confirm(&browser, &first).await;
        log_in(&browser, &login).await.expect(200);
        let first = claims(tv.poll(&first).await.expect(200).json()["id_token"].as_str().unwrap());

        let codes = tv.codes(audience).await;
        let page = browser.open(&codes.complete).await;
        is_screen(page.expect(200), "device-code-confirmation");
        assert!(page.body.contains(EMAIL), "the account it would join: {}", page.body);
        assert!(page.body.contains("choose Cancel"), "{}", page.body);
        pending(&tv.poll(&codes).await);
        let done = Form::of(&page).submit(&browser, "confirm").await;
        is_screen(done.expect(200), "device-code-activation-allowed");
        let tokens = tv.poll(&codes).await.expect(200).json();
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!((&id["sub"], &id["sid"]), (&first["sub"], &first["sid"]), "one session");
        let access = claims(tokens["access_token"].as_str().unwrap());
        assert_eq!(access["aud"][0], json!(server.audience()));
        assert_eq!(tv.admin.newest_log("s").await["details"]["decision"]["login"]["by"], "session");

        // A client without single sign-on asks for the password again.
        tv.change(json!({"sso_disabled": true})).await;
        let codes = tv.codes(json!({})).await;
        let page = browser.open(&codes.complete).await;
        assert!(!page.expect(200).body.contains(EMAIL), "{}", page.body);
        is_screen(&Form::of(&page).submit(&browser, "confirm").await, "login");
    })
    .await;
}

#[tokio::test]
async fn the_policy_asks_for_a_second_factor_on_the_way() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let put =
            async |path: &str, body| tv.admin.call(Method::PUT, path, Some(body)).await.expect(200).json();
        put("/guardian/factors/sms", json!({"enabled": true})).await;
        put("/guardian/policies", json!(["all-applications"])).await;
        let codes = tv.codes(json!({})).await;
        let login = confirm(&browser, &codes).await;
        let page = log_in(&browser, &login).await;
        is_screen(page.expect(200), "mfa-sms-enrollment");
        let page = Form::of(&page).with("phone", "+61400111222").submit(&browser, "default").await;
        is_screen(page.expect(200), "mfa-sms-challenge");
        pending(&tv.poll(&codes).await);
        let code = server.mailbox.code_to("+61400111222");
        let done = Form::of(&page).with("code", &code).submit(&browser, "default").await;
        is_screen(done.expect(200), "device-code-activation-allowed");
        tv.poll(&codes).await.expect(200);
        // The session of this browser has passed it.
        let codes = tv.codes(json!({})).await;
        let page = browser.open(&codes.complete).await;
        let done = Form::of(&page).submit(&browser, "confirm").await;
        is_screen(done.expect(200), "device-code-activation-allowed");
        let decision = &tv.admin.newest_log("s").await["details"]["decision"];
        assert_eq!(decision["multifactor"]["reason"], "mfa_passed_in_session");
    })
    .await;
}

#[tokio::test]
async fn who_cancels_sends_the_device_away_and_the_code_is_done_with() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let codes = tv.codes(json!({})).await;
        let page = enter(&browser, &codes.user).await;
        let other = enter(&server.tool(), &codes.user).await;
        is_screen(&other, "device-code-confirmation");
        let done = Form::of(&page).submit(&browser, "cancel").await;
        is_screen(done.expect(200), "device-code-activation-denied");
        let text = "User cancelled the confirmation prompt.";
        for _ in 0..2 {
            assert_eq!(tv.poll(&codes).await.expect(403).error(), ("access_denied".into(), text.into()));
        }
        let log = tv.admin.newest_log("fdecc").await;
        assert_eq!((&log["client_id"], &log["description"]), (&json!(tv.client_id), &json!(text)));
        assert_eq!(log["details"]["decision"]["reason"], "device_confirmation_cancelled");
        assert_eq!(tv.admin.newest_log("fede").await["details"]["decision"]["reason"], "device_code_denied");
        assert!(enter(&browser, &codes.user).await.expect(400).body.contains(WRONG));
        // The page cannot be sent in again.
        let again = Form::of(&page).submit(&browser, "confirm").await;
        assert!(again.expect(400).body.contains("Please start again"), "{}", again.body);
    })
    .await;
}

#[tokio::test]
async fn of_two_browsers_with_one_code_the_first_to_decide_wins() {
    on_every_database(async |server: Server| {
        let tv = Tv::new(&server).await;
        let (first, second) = (server.tool(), server.tool());
        let codes = tv.codes(json!({})).await;
        let late = confirm(&first, &codes).await;
        let early = confirm(&second, &codes).await;
        is_screen(log_in(&second, &early).await.expect(200), "device-code-activation-allowed");
        let late = log_in(&first, &late).await;
        is_screen(late.expect(400), "device-code-activation");
        assert!(late.body.contains(WRONG), "{}", late.body);
        tv.poll(&codes).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_third_party_device_gets_what_the_user_allows() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        // A third-party client gets no identity, and of an API what the tenant grants.
        let grant = json!({"client_id": tv.client_id, "audience": server.audience(), "subject_type": "user",
            "scope": ["read:orders"]});
        tv.admin.create("/client-grants", grant).await;
        tv.change(json!({"is_first_party": false})).await;
        let orders = json!({"audience": server.audience(), "scope": "read:orders"});
        let codes = tv.codes(orders.clone()).await;
        let login = confirm(&browser, &codes).await;
        let consent = log_in(&browser, &login).await;
        is_screen(consent.expect(200), "consent");
        for text in ["Living room TV", EMAIL, "Orders: Read orders"] {
            assert!(consent.body.contains(text), "{}", consent.body);
        }
        pending(&tv.poll(&codes).await);
        let done = Form::of(&consent).submit(&browser, "deny").await;
        is_screen(done.expect(200), "device-code-activation-denied");
        let text = "User did not authorize the request";
        assert_eq!(tv.poll(&codes).await.expect(403).error(), ("access_denied".into(), text.into()));
        assert_eq!(tv.admin.newest_log("fdeac").await["details"]["decision"]["reason"], "consent_declined");

        // Declined or not, who logged in is asked again next time; once allowed, no more.
        for asks in [true, false] {
            let codes = tv.codes(orders.clone()).await;
            let mut page = confirm(&browser, &codes).await;
            if page.body.contains("id=\"login\"") {
                page = log_in(&browser, &page).await;
            }
            if asks {
                is_screen(page.expect(200), "consent");
                page = Form::of(&page).submit(&browser, "accept").await;
            }
            is_screen(page.expect(200), "device-code-activation-allowed");
            assert_eq!(tv.poll(&codes).await.expect(200).json()["scope"], "read:orders");
        }
    })
    .await;
}

#[tokio::test]
async fn blocked_and_deleted_users_and_clients_without_connections_connect_nothing() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let path = format!("/users/{}", tv.user_id.replace('|', "%7C"));
        let allowed = tv.codes(json!({})).await;
        let login = confirm(&browser, &allowed).await;
        log_in(&browser, &login).await.expect(200);

        // Blocked since the session began: the device is told, and so is who sits there.
        tv.admin.patch(&path, json!({"blocked": true})).await;
        let codes = tv.codes(json!({})).await;
        is_screen(&confirm(&browser, &codes).await, "device-code-activation-denied");
        assert_eq!(
            tv.poll(&codes).await.expect(403).error(),
            ("access_denied".into(), "user is blocked".into())
        );
        assert_eq!(tv.admin.newest_log("fdeac").await["details"]["decision"]["reason"], "user_blocked");
        assert_eq!(tv.poll(&allowed).await.expect(401).error().1, "user is blocked");
        tv.admin.patch(&path, json!({"blocked": false})).await;

        let codes = tv.codes(json!({})).await;
        confirm(&browser, &codes).await.expect(200);
        tv.admin.call(Method::DELETE, &path, None).await.expect(204);
        invalid(&tv.poll(&codes).await);
        assert_eq!(tv.admin.newest_log("fede").await["details"]["decision"]["reason"], "user_deleted");

        let connection = tv.admin.connection("Username-Password-Authentication").await;
        let path = format!("/connections/{}", connection["id"].as_str().unwrap());
        tv.admin.patch(&path, json!({"enabled_clients": []})).await;
        let codes = tv.codes(json!({})).await;
        is_screen(&confirm(&server.tool(), &codes).await, "device-code-activation-denied");
        assert_eq!(tv.poll(&codes).await.expect(403).error().0, "access_denied");
        let decision = tv.admin.newest_log("fdeac").await["details"]["decision"].clone();
        assert_eq!(decision["reason"], "no_connection");
        assert!(decision["remedy"].is_string(), "{decision}");
    })
    .await;
}

#[tokio::test]
async fn the_pages_belong_to_one_browser_and_take_only_their_own_forms() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let codes = tv.codes(json!({})).await;
        let page = enter(&browser, &codes.user).await;
        // Another site sends the victim's browser a form without the page's token.
        let state = Form::of(&page).value("state").unwrap().to_owned();
        let forged = [("state", &*state), ("action", "confirm"), ("csrf", "guess")];
        let answer = browser.post_form("/u/device-confirmation", &forged).await;
        is_screen(answer.expect(400), "device-code-confirmation");
        assert!(answer.body.contains("role=\"alert\""), "{}", answer.body);
        // The next page cannot be had without this one.
        let skipped = browser.open(&format!("/authorize/resume?state={state}")).await;
        is_screen(skipped.expect(200), "device-code-confirmation");
        // Another browser cannot go on with it.
        let other = server.tool().open(&format!("/u/device-confirmation?state={state}")).await;
        assert!(other.expect(400).body.contains("another browser"), "{}", other.body);
        pending(&tv.poll(&codes).await);
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert_eq!(page.header("referrer-policy"), "no-referrer");

        // In German, as the browser or the address says.
        tv.admin.patch("/tenants/settings", json!({"enabled_locales": ["en", "de", "ja"]})).await;
        let request = browser.request(Method::GET, "/activate").header("accept-language", "de");
        let german = browser.send(request).await;
        assert!(german.expect(200).body.contains("Gerät verbinden"), "{}", german.body);
        let japanese = browser.open("/activate?ui_locales=ja").await;
        let next = Form::of(&japanese).with("code", &codes.user).submit(&browser, "default").await;
        assert!(next.expect(200).body.contains("lang=\"ja\""), "{}", next.body);
        assert!(next.body.contains("デバイスのコードと同じですか"), "{}", next.body);
    })
    .await;
}
