//! What a device is told when it asks, and the tokens it gets.

use futures_util::future::join_all;
use gatewright_testkit::{Answer, Form, Page, Server, claims, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Codes, DEVICE_CODE, EMAIL, Tv, WRONG, confirm, enter, invalid, is_screen, log_in, pending};

#[tokio::test]
async fn a_television_gets_tokens_once_its_user_has_logged_in() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let asked = tv.ask(json!({"scope": "openid profile email offline_access"})).await;
        let answer = asked.expect(200).json();
        assert_eq!(asked.header("cache-control"), "no-store");
        assert_eq!((&answer["expires_in"], &answer["interval"]), (&json!(900), &json!(5)));
        let uri = format!("{}activate", server.issuer());
        let user_code = answer["user_code"].as_str().unwrap().to_owned();
        assert_eq!(answer["verification_uri"], json!(uri));
        assert_eq!(answer["verification_uri_complete"], json!(format!("{uri}?user_code={user_code}")));
        let shape: String =
            user_code.chars().map(|c| if "BCDFGHJKLMNPQRSTVWXZ".contains(c) { '*' } else { c }).collect();
        assert_eq!(shape, "****-****");
        let device = answer["device_code"].as_str().unwrap().to_owned();
        let codes = Codes { device, user: user_code, complete: String::new() };

        pending(&tv.poll(&codes).await);
        let login = confirm(&browser, &codes).await;
        is_screen(&login, "login");
        assert!(login.body.contains("Living room TV"), "{}", login.body);
        server.turn.forward_seconds(5);
        pending(&tv.poll(&codes).await);
        let done = log_in(&browser, &login).await;
        is_screen(done.expect(200), "device-code-activation-allowed");
        assert!(done.body.contains("Your device is connected"), "{}", done.body);

        // The answer is there, however soon it is asked for.
        let tokens = tv.poll(&codes).await;
        assert_eq!(tokens.expect(200).header("cache-control"), "no-store");
        let tokens = tokens.json();
        assert_eq!(tokens["scope"], "openid profile email offline_access");
        assert_eq!(tokens["token_type"], "Bearer");
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(
            (&id["sub"], &id["aud"], &id["email"]),
            (&json!(tv.user_id), &json!(tv.client_id), &json!(EMAIL))
        );
        assert_eq!((id.get("nonce"), id.get("auth_time")), (None, None));
        let info =
            tv.tool.request(Method::GET, "/userinfo").bearer_auth(tokens["access_token"].as_str().unwrap());
        assert_eq!(tv.tool.send(info).await.expect(200).json()["sub"], json!(tv.user_id));
        let refresh = json!({"grant_type": "refresh_token", "client_id": tv.client_id,
            "refresh_token": tokens["refresh_token"]});
        tv.tool.post("/oauth/token", refresh).await.expect(200);

        invalid(&tv.poll(&codes).await);
        assert_eq!(tv.admin.newest_log("fede").await["details"]["decision"]["reason"], "device_code_spent");
        let log = tv.admin.newest_log("sede").await;
        assert_eq!((&log["client_name"], &log["user_id"]), (&json!("Living room TV"), &json!(tv.user_id)));
        let login = tv.admin.newest_log("s").await;
        assert_eq!(
            (&login["connection"], &login["details"]["decision"]["login"]["by"]),
            (&json!("Username-Password-Authentication"), &json!("login_page"))
        );
        // Nothing was logged about questions that had no answer yet.
        let failed = tv.admin.get("/logs?per_page=100&sort=date:-1").await;
        let failed = failed.as_array().unwrap().iter().filter(|log| log["type"] == "fede").count();
        assert_eq!(failed, 1);
    })
    .await;
}

#[tokio::test]
async fn who_asks_too_often_has_to_wait_longer_and_in_the_end_it_is_too_late() {
    on_every_database(async |server: Server| {
        let tv = Tv::new(&server).await;
        let codes = tv.codes(json!({})).await;
        let slow = |answer: &Answer, seconds: u32| {
            let text = format!("You are polling faster than the specified interval of {seconds} seconds.");
            assert_eq!(answer.expect(429).error(), ("slow_down".to_owned(), text));
        };
        pending(&tv.poll(&codes).await);
        slow(&tv.poll(&codes).await, 5);
        server.turn.forward_seconds(5);
        slow(&tv.poll(&codes).await, 10);
        server.turn.forward_seconds(15);
        pending(&tv.poll(&codes).await);
        server.turn.forward_seconds(15);
        pending(&tv.poll(&codes).await);
        server.turn.forward_seconds(900 - 35 + 1);
        for _ in 0..2 {
            let text = "The device code has expired.";
            assert_eq!(tv.poll(&codes).await.expect(403).error(), ("expired_token".into(), text.into()));
        }
        assert_eq!(tv.admin.newest_log("fede").await["details"]["decision"]["reason"], "device_code_expired");

        // A device that never came back for its answer is too late as well, and so is its user.
        let (browser, codes) = (server.tool(), tv.codes(json!({})).await);
        let login = confirm(&browser, &codes).await;
        log_in(&browser, &login).await.expect(200);
        let late = tv.codes(json!({})).await;
        let page = enter(&browser, &late.user).await;
        server.turn.forward_seconds(901);
        assert_eq!(tv.poll(&codes).await.expect(403).error().0, "expired_token");
        let done = Form::of(&page).submit(&browser, "confirm").await;
        assert!(done.expect(400).body.contains(WRONG), "{}", done.body);
        // A day later nothing is left of it.
        server.turn.forward_seconds(90_000);
        let fresh = tv.codes(json!({})).await;
        invalid(&tv.poll(&codes).await);
        pending(&tv.poll(&fresh).await);
    })
    .await;
}

#[tokio::test]
async fn of_fifty_questions_at_once_exactly_one_gets_tokens() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let codes = tv.codes(json!({})).await;
        let waiting = join_all((0..50).map(|_| tv.poll(&codes))).await;
        let told = waiting.iter().filter(|answer| answer.error().0 == "authorization_pending").count();
        let slowed = waiting.iter().filter(|answer| answer.error().0 == "slow_down").count();
        assert_eq!((told, slowed), (1, 49));
        let login = confirm(&browser, &codes).await;
        log_in(&browser, &login).await.expect(200);
        let answers = join_all((0..50).map(|_| tv.poll(&codes))).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!((won.len(), lost.len()), (1, 49));
        lost.iter().for_each(|answer| invalid(answer));
    })
    .await;
}

#[tokio::test]
async fn a_device_code_is_good_for_its_client_and_its_tenant_only() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let codes = tv.codes(json!({})).await;
        let login = confirm(&browser, &codes).await;
        log_in(&browser, &login).await.expect(200);
        let poll = async |page: &Page, client_id: &str, device_code: &str| {
            let body = json!({"grant_type": DEVICE_CODE, "client_id": client_id, "device_code": device_code});
            page.post("/oauth/token", body).await
        };
        let radio = json!({"name": "Radio", "app_type": "native", "token_endpoint_auth_method": "none",
            "grant_types": [DEVICE_CODE]});
        let other =
            tv.admin.create("/clients", radio.clone()).await["client_id"].as_str().unwrap().to_owned();
        let elsewhere = server.admin_of("acme").await.create("/clients", radio).await;
        let acme = server.page_at("acme", "http://localhost:4200");
        invalid(&poll(&tv.tool, &other, &codes.device).await);
        invalid(&poll(&acme, elsewhere["client_id"].as_str().unwrap(), &codes.device).await);
        invalid(&poll(&tv.tool, &tv.client_id, "no-code-at-all").await);
        invalid(&poll(&tv.tool, &tv.client_id, &codes.user).await);
        let missing = poll(&tv.tool, &tv.client_id, "").await;
        assert_eq!(missing.expect(400).error().1, "Missing required parameter: device_code");
        let not_allowed = poll(&tv.tool, server.client_id(), &codes.device).await;
        assert_eq!(not_allowed.expect(403).error().0, "unauthorized_client");
        // None of these tries did any harm.
        tv.poll(&codes).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn an_administrator_sees_the_devices_of_a_user_and_sends_them_away() {
    on_every_database(async |server: Server| {
        let (tv, browser) = (Tv::new(&server).await, server.tool());
        let connect = async || {
            let codes = tv.codes(json!({"scope": "openid offline_access"})).await;
            let mut page = confirm(&browser, &codes).await;
            if page.body.contains("id=\"login\"") {
                page = log_in(&browser, &page).await;
            }
            is_screen(page.expect(200), "device-code-activation-allowed");
            tv.poll(&codes).await.expect(200).json()["refresh_token"].as_str().unwrap().to_owned()
        };
        let refresh = async |token: &str| {
            let body =
                json!({"grant_type": "refresh_token", "client_id": tv.client_id, "refresh_token": token});
            tv.tool.post("/oauth/token", body).await
        };
        let user = tv.user_id.replace('|', "%7C");
        assert_eq!(tv.admin.get("/device-credentials").await, json!([]));
        let kept = connect().await;
        tv.change(json!({"refresh_token": {"rotation_type": "rotating", "expiration_type": "expiring"}}))
            .await;
        let rotating = connect().await;

        let all = tv.admin.get(&format!("/device-credentials?user_id={user}")).await;
        let kinds: Vec<&Value> = all.as_array().unwrap().iter().map(|one| &one["type"]).collect();
        assert_eq!(kinds, ["refresh_token", "rotating_refresh_token"]);
        for one in all.as_array().unwrap() {
            assert_eq!((&one["user_id"], &one["client_id"]), (&json!(tv.user_id), &json!(tv.client_id)));
        }
        for (query, expect) in [
            ("type=rotating_refresh_token".to_owned(), &all.as_array().unwrap()[1..]),
            ("type=refresh_token".to_owned(), &all.as_array().unwrap()[..1]),
            ("type=public_key".to_owned(), &[]),
            ("page=0".to_owned(), &all.as_array().unwrap()[..1]),
            (format!("client_id={}", tv.client_id), all.as_array().unwrap()),
            ("client_id=nobody".to_owned(), &[]),
            ("user_id=auth0%7Cnobody".to_owned(), &[]),
        ] {
            let found = tv.admin.get(&format!("/device-credentials?{query}")).await;
            assert_eq!(found.as_array().unwrap(), expect, "{query}");
        }
        let totals = "/device-credentials?per_page=1&page=1&include_totals=true&type=rotating_refresh_token";
        let totals = tv.admin.get(totals).await;
        assert_eq!((&totals["total"], &totals["device_credentials"]), (&json!(1), &json!([])));
        let elsewhere = server.admin_of("acme").await;
        assert_eq!(elsewhere.get("/device-credentials").await, json!([]));

        let path = format!("/device-credentials/{}", all[1]["id"].as_str().unwrap());
        elsewhere.call(Method::DELETE, &path, None).await.expect(204);
        let rotated =
            refresh(&rotating).await.expect(200).json()["refresh_token"].as_str().unwrap().to_owned();
        for _ in 0..2 {
            tv.admin.call(Method::DELETE, &path, None).await.expect(204);
        }
        refresh(&rotated).await.expect(403);
        let family = tv.admin.newest_log("fertft").await["details"]["decision"]["refresh_token"].clone();
        assert_eq!(family["revoked_because"], "device_credential_deleted");
        refresh(&kept).await.expect(200);
        assert_eq!(tv.admin.get("/device-credentials").await.as_array().unwrap().len(), 1);
        // A user's own token is not for this.
        let answer = tv.tool.get("/api/v2/device-credentials").await;
        answer.expect(401);
    })
    .await;
}
