//! The login of Lock Passwordless, and what the forum question asked for.

use gatewright_testkit::{PHONE, Server, Start, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

const APP: &str = "http://localhost:4200";

#[tokio::test]
async fn the_forum_request_gets_the_default_scope_and_the_log_says_why() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let tokens = Start::seed(&server).log_in(&server, &page).await;

        let access = tokens.access_claims();
        let issuer = server.issuer();
        assert_eq!(access["iss"], issuer);
        assert_eq!(access["aud"], json!([format!("{issuer}api/v2/"), format!("{issuer}userinfo")]));
        assert_eq!(access["azp"], server.client_id());
        assert_eq!(access["scope"], "openid profile email");
        assert_eq!(access["exp"].as_i64().unwrap() - access["iat"].as_i64().unwrap(), 7_200);
        let subject = access["sub"].as_str().unwrap();
        let local = subject.strip_prefix("sms|").expect("an SMS user");
        assert!(local.len() == 24 && local.chars().all(|c| c.is_ascii_hexdigit()), "{subject}");
        let members: Vec<&String> = access.as_object().unwrap().keys().collect();
        assert_eq!(members, ["aud", "azp", "exp", "iat", "iss", "scope", "sub"]);

        assert_eq!(tokens.response["scope"], "openid profile email");
        assert_eq!(tokens.response["expires_in"], 7_200);
        assert_eq!(tokens.response["token_type"], "Bearer");
        assert_eq!(tokens.response["state"], "the-state");

        let id = tokens.id_claims();
        assert_eq!((&id["aud"], &id["nonce"]), (&json!(server.client_id()), &json!("the-nonce")));
        assert_eq!(id["name"], PHONE);
        assert_eq!(id["at_hash"], gatewright_jose::left_half_hash(tokens.access_token()));
        assert_eq!((id.get("email"), id.get("phone_number"), id.get("nickname")), (None, None, None));
        assert!(id["sid"].is_string());

        let log = server.admin().await.newest_log("s").await;
        let report = &log["details"]["decision"]["scope"];
        let entry = |scope: &str| {
            let entries = report["entries"].as_array().unwrap();
            entries
                .iter()
                .find(|entry| entry["scope"] == scope)
                .unwrap_or_else(|| panic!("{report:#}"))
                .clone()
        };
        assert_eq!(entry("openid")["outcome"], "granted");
        let metadata = entry("user_metadata");
        assert_eq!(
            (&metadata["outcome"], &metadata["reason"]),
            (&json!("dropped"), &json!("not_defined_on_api"))
        );
        assert!(
            metadata["remedy"].as_str().unwrap().contains("update:current_user_metadata"),
            "{metadata:#}"
        );
        let read_users = entry("read:users");
        assert_eq!(
            (&read_users["outcome"], &read_users["reason"]),
            (&json!("dropped"), &json!("end_user_token_limit"))
        );
        assert!(read_users["remedy"].as_str().unwrap().contains("read:current_user"), "{read_users:#}");
    })
    .await;
}

#[tokio::test]
async fn the_corrected_request_reads_and_writes_its_own_metadata_and_nothing_else() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let start =
            Start::seed(&server).scope("openid profile email read:current_user update:current_user_metadata");
        let tokens = start.log_in(&server, &page).await;
        assert_eq!(
            tokens.access_claims()["scope"],
            "openid profile email read:current_user update:current_user_metadata"
        );
        let user_id = tokens.access_claims()["sub"].as_str().unwrap().to_owned();
        let encoded = user_id.replace('|', "%7C");
        let call = async |method: Method, path: &str, body: Option<Value>| {
            let mut request = page.request(method, path).bearer_auth(tokens.access_token());
            if let Some(body) = body {
                request = request.json(&body);
            }
            page.send(request).await
        };
        let own = format!("/api/v2/users/{encoded}");

        let patched =
            call(Method::PATCH, &own, Some(json!({"user_metadata": {"color": "blue", "size": 2}}))).await;
        assert_eq!(patched.expect(200).json()["user_metadata"], json!({"color": "blue", "size": 2}));
        assert_eq!(patched.header("access-control-allow-origin"), APP);
        let patched =
            call(Method::PATCH, &own, Some(json!({"user_metadata": {"size": null, "new": {"a": 1}}}))).await;
        assert_eq!(patched.expect(200).json()["user_metadata"], json!({"color": "blue", "new": {"a": 1}}));
        let read = call(Method::GET, &format!("/api/v2/users/{user_id}"), None).await;
        assert_eq!(read.expect(200).json()["user_metadata"]["color"], "blue");

        for body in [
            json!({"app_metadata": {"admin": true}}),
            json!({"email_verified": true}),
            json!({"blocked": false}),
            json!({"user_metadata": {"x": 1}, "app_metadata": {"admin": true}}),
        ] {
            let refused = call(Method::PATCH, &own, Some(body)).await;
            assert_eq!(refused.expect(403).json()["error"], "Forbidden");
        }
        let other = call(Method::GET, "/api/v2/users/sms%7C000000000000000000000000", None).await;
        let message = other.expect(403).json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("does not match subject in bearer token"), "{message}");
        let list = call(Method::GET, "/api/v2/users", None).await;
        assert_eq!(list.expect(403).json()["errorCode"], "insufficient_scope");
        for method in [Method::PATCH, Method::PUT, Method::DELETE] {
            call(method, "/userinfo", Some(json!({"user_metadata": {}}))).await.expect(405);
        }
        let info = call(Method::GET, "/userinfo", None).await;
        assert_eq!(info.expect(200).json()["sub"], json!(user_id));

        let after = server.admin().await.get(&format!("/users/{encoded}")).await;
        assert_eq!((after.get("app_metadata"), after.get("blocked")), (None, None), "{after:#}");
        assert_eq!(after["user_metadata"], json!({"color": "blue", "new": {"a": 1}}));
    })
    .await;
}

#[tokio::test]
async fn a_second_login_is_the_same_user_however_the_number_is_typed() {
    on_every_database(async |server: Server| {
        let first = Start::seed(&server).log_in(&server, &server.page(APP)).await;
        let mut again = Start::seed(&server);
        // Lock puts the dialling code before what was typed, national zero and all.
        again.phone_number = "+61 0400 000 000".into();
        let page = server.page(APP);
        again.send_code(&page).await.expect(200);
        let code = server.mailbox.code_to(PHONE);
        let ticket = again.authenticate(&page, &code).await.expect(200).json()["login_ticket"].clone();
        let answer = page.get(&again.authorize_path(&[("login_ticket", ticket.as_str().unwrap())])).await;
        let id_token = answer.expect(302).returned("id_token").unwrap();
        assert_eq!(gatewright_testkit::claims(&id_token)["sub"], first.id_claims()["sub"]);
        let user_id = first.id_claims()["sub"].as_str().unwrap().replace('|', "%7C");
        assert_eq!(server.admin().await.get(&format!("/users/{user_id}")).await["logins_count"], 2);
    })
    .await;
}

#[tokio::test]
async fn a_blocked_user_is_told_so_only_after_the_right_code() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let start = Start::seed(&server);
        let user_id = start.log_in(&server, &page).await.access_claims()["sub"].as_str().unwrap().to_owned();
        let path = format!("/users/{}", user_id.replace('|', "%7C"));
        server.admin().await.patch(&path, json!({"blocked": true})).await;

        let silent =
            page.get(&start.authorize_path(&[("prompt", "none"), ("response_mode", "web_message")])).await;
        assert_eq!(silent.web_message()["error_description"], "user is blocked");
        start.send_code(&page).await.expect(200);
        start.authenticate(&page, "000000x").await.expect(403);
        let code = server.mailbox.code_to(PHONE);
        let refused = start.authenticate(&page, &code).await;
        assert_eq!(refused.expect(403).error().0, "blocked_user");
    })
    .await;
}

#[tokio::test]
async fn an_own_api_grants_what_it_defines_and_role_based_access_control_cuts_it() {
    on_every_database(async |server: Server| {
        let mut start = Start::seed(&server).scope("openid read:orders write:orders sing:songs");
        start.audience = Some(server.audience().to_owned());
        let tokens = start.log_in(&server, &server.page(APP)).await;
        assert_eq!(tokens.access_claims()["scope"], "openid read:orders write:orders");

        let admin = server.admin().await;
        let encoded = server.audience().replace(':', "%3A").replace('/', "%2F");
        admin.patch(&format!("/resource-servers/{encoded}"), json!({"enforce_policies": true})).await;
        let tokens = start.log_in(&server, &server.page(APP)).await;
        assert_eq!(tokens.access_claims()["scope"], "openid", "the user holds no permission");
        let log = admin.newest_log("s").await;
        let entries = log["details"]["decision"]["scope"]["entries"].as_array().unwrap().clone();
        let orders = entries.iter().find(|entry| entry["scope"] == "read:orders").unwrap();
        assert_eq!(orders["reason"], "permission_missing");
    })
    .await;
}

#[tokio::test]
async fn without_an_audience_the_token_is_opaque_and_good_at_userinfo() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let mut start = Start::seed(&server).scope("openid profile phone");
        start.audience = None;
        let tokens = start.log_in(&server, &page).await;
        assert!(!tokens.access_token().contains('.'));
        assert_eq!(tokens.response["expires_in"], 7_200);
        let info = async || {
            page.send(page.request(Method::POST, "/userinfo").bearer_auth(tokens.access_token())).await
        };
        let claims = info().await.expect(200).json();
        assert_eq!((&claims["name"], &claims["phone_number"]), (&json!(PHONE), &json!(PHONE)));
        let form = [("access_token", tokens.access_token())];
        page.post_form("/userinfo", &form).await.expect(200);
        // passport-auth0 sends it so.
        let query = format!("/userinfo?access_token={}", tokens.access_token());
        assert_eq!(page.get(&query).await.expect(200).json()["sub"], claims["sub"]);
        server.turn.forward_seconds(7_201);
        assert!(info().await.expect(401).header("www-authenticate").contains("invalid_token"));
    })
    .await;
}
