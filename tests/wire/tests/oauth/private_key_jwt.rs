//! Clients that authenticate with an assertion signed by their private key, RFC 7523.

use futures_util::future::join_all;
use gatewright_testkit::{Answer, Page, Server, on_every_database};
use serde_json::{Value, json};

use crate::keys::{TYPE, credential, good, key, machine, now, signed, with};

/// A request for a machine token with this assertion.
fn request(server: &Server, assertion: &str) -> Value {
    json!({"grant_type": "client_credentials", "audience": server.audience(),
        "client_assertion_type": TYPE, "client_assertion": assertion})
}

async fn ask(server: &Server, page: &Page, assertion: &str) -> Answer {
    page.post("/oauth/token", request(server, assertion)).await
}

fn refusal() -> (String, String) {
    ("invalid_client".into(), "The client assertion is not valid.".into())
}

#[tokio::test]
async fn an_assertion_gets_tokens_once_in_json_and_in_a_form() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        let robot = machine(&server, &admin).await;
        let id = robot["client_id"].as_str().unwrap();
        let (issuer, now) = (server.issuer(), now(&admin));

        let first = signed(&good(issuer, id, now, "first"));
        let tokens = ask(&server, &tool, &first).await.expect(200).json();
        assert_eq!(tokens["scope"], "read:orders");
        assert_eq!(
            gatewright_testkit::claims(tokens["access_token"].as_str().unwrap())["sub"],
            format!("{id}@clients")
        );
        assert_eq!(ask(&server, &tool, &first).await.expect(401).error(), refusal());
        let log = admin.newest_log("feccft").await;
        assert_eq!(log["details"]["decision"]["reason"], "assertion_reused");
        assert_eq!(log["client_id"], id);

        let second =
            signed(&with(good(issuer, id, now, "second"), "aud", json!(format!("{issuer}oauth/token"))));
        let body = with(request(&server, &second), "client_id", json!(id));
        let fields: Vec<(&str, &str)> = body
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        tool.post_form("/oauth/token", &fields).await.expect(200);

        // A node SDK names no kid; the server tries what keys there are.
        let parts: Vec<&str> = second.split('.').collect();
        assert_eq!(parts.len(), 3);
        let both = json!([issuer, format!("{issuer}oauth/token"), format!("{issuer}oauth/par")]);
        let third = signed(&with(good(issuer, id, now, "third"), "aud", both));
        ask(&server, &tool, &third).await.expect(200);

        // Remembered as long as it would be taken: until exp and the skew have passed.
        server.turn.forward_seconds(200);
        ask(&server, &tool, &first).await.expect(401);
        assert_eq!(admin.newest_log("feccft").await["details"]["decision"]["reason"], "assertion_reused");
        server.turn.forward_seconds(60);
        ask(&server, &tool, &first).await.expect(401);
        assert_eq!(admin.newest_log("feccft").await["details"]["decision"]["reason"], "assertion_expired");
        let fourth = signed(&good(issuer, id, now + 260, "fourth"));
        ask(&server, &tool, &fourth).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_an_assertion_is_in_the_log_only() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        let robot = machine(&server, &admin).await;
        let id = robot["client_id"].as_str().unwrap();
        let (issuer, now) = (server.issuer(), now(&admin));
        let claims = || good(issuer, id, now, "same");
        let cases = [
            ("iss", json!("other"), "assertion_of_other_client"),
            ("aud", json!("https://other.example/"), "assertion_audience"),
            ("aud", json!(format!("{issuer}oauth/revoke")), "assertion_audience"),
            ("aud", json!([issuer, "https://other.example/"]), "assertion_audience"),
            ("aud", json!(server.issuer_of("acme")), "assertion_audience"),
            ("exp", json!(now - 300), "assertion_expired"),
            ("exp", json!(now + 3600), "assertion_lives_too_long"),
            ("nbf", json!(now + 150), "assertion_not_yet_valid"),
            ("iat", json!(now + 150), "assertion_not_yet_valid"),
            ("jti", json!("x".repeat(300)), "assertion_malformed"),
        ];
        for (name, value, reason) in cases {
            let answer = ask(&server, &tool, &signed(&with(claims(), name, value.clone()))).await;
            assert_eq!(answer.expect(401).error(), refusal(), "{name} {value}");
            assert_eq!(answer.header("www-authenticate"), "");
            let log = admin.newest_log("feccft").await;
            assert_eq!(log["details"]["decision"]["reason"], reason, "{name} {value}");
            server.turn.forward_seconds(1);
        }
        // What names no client, or no assertion at all: the same answer, and nothing to log it under.
        let (input, signature) = {
            let token = signed(&claims());
            let (input, signature) = token.rsplit_once('.').unwrap();
            (input.to_owned(), signature.to_owned())
        };
        let unsigned = gatewright_jose::sign_hs256(b"secret", "JWT", &claims());
        let nobody = with(with(claims(), "iss", json!("nobody")), "sub", json!("nobody"));
        let by_other = gatewright_jose::SigningKey::sign(key(1), "JWT", &claims()).unwrap();
        for assertion in [
            signed(&nobody),
            signed(&with(claims(), "sub", Value::Null)),
            signed(&with(claims(), "jti", Value::Null)),
            signed(&with(claims(), "exp", Value::Null)),
            unsigned,
            by_other,
            input.clone(),
            format!("{input}."),
            format!("{input}.AAAA"),
            format!("{input}.{signature}.{signature}"),
            "nonsense".to_owned(),
            "x".repeat(40_000),
        ] {
            let answer = ask(&server, &tool, &assertion).await;
            assert_eq!(answer.expect(401).error(), refusal(), "{}", &assertion[..assertion.len().min(80)]);
        }
        // None of them spent the name that they share.
        ask(&server, &tool, &signed(&claims())).await.expect(200);

        let good = || signed(&good(issuer, id, now, "unused"));
        let wrong_client = with(request(&server, &good()), "client_id", json!(server.client_id()));
        assert_eq!(tool.post("/oauth/token", wrong_client).await.expect(401).error(), refusal());
        for (name, value) in [
            ("client_assertion_type", json!("urn:ietf:params:oauth:client-assertion-type:saml2-bearer")),
            ("client_assertion_type", Value::Null),
            ("client_assertion", Value::Null),
            ("client_assertion", json!(7)),
            ("client_secret", json!("a-secret")),
        ] {
            let answer =
                tool.post("/oauth/token", with(request(&server, &good()), name, value.clone())).await;
            assert_eq!(answer.expect(400).error().0, "invalid_request", "{name} {value}");
        }
        let basic = tool
            .request(reqwest::Method::POST, "/oauth/token")
            .basic_auth(id, Some("x"))
            .json(&request(&server, &good()));
        assert_eq!(tool.send(basic).await.expect(400).error().0, "invalid_request");
        ask(&server, &tool, &good()).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn such_a_client_has_no_other_way_in_and_others_have_not_this_one() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        let (issuer, now) = (server.issuer(), now(&admin));
        // A client that had a secret before.
        let body = json!({"name": "Old", "app_type": "regular_web", "grant_types": ["client_credentials", "refresh_token"]});
        let old = admin.create("/clients", body).await;
        let (id, secret) = (old["client_id"].as_str().unwrap(), old["client_secret"].as_str().unwrap());
        let grant = json!({"client_id": id, "audience": server.audience(), "scope": []});
        admin.create("/client-grants", grant).await;
        let by_secret = json!({"grant_type": "client_credentials", "audience": server.audience(), "client_id": id,
            "client_secret": secret});
        tool.post("/oauth/token", by_secret.clone()).await.expect(200);
        let early = ask(&server, &tool, &signed(&good(issuer, id, now, "early"))).await;
        assert_eq!(early.expect(401).error(), refusal());
        let log = admin.newest_log("feccft").await;
        assert_eq!(log["details"]["decision"]["reason"], "client_without_private_key_jwt");

        let made = admin.create(&format!("/clients/{id}/credentials"), credential(0)).await;
        ask(&server, &tool, &signed(&good(issuer, id, now, "not-enabled"))).await.expect(401);
        let method = json!({"token_endpoint_auth_method": null, "client_authentication_methods":
            {"private_key_jwt": {"credentials": [{"id": made["id"]}]}}});
        admin.patch(&format!("/clients/{id}"), method).await;
        ask(&server, &tool, &signed(&good(issuer, id, now, "now"))).await.expect(200);
        let refused = tool.post("/oauth/token", by_secret.clone()).await;
        assert_eq!(refused.expect(401).error(), ("access_denied".into(), "Unauthorized".into()));
        for body in [with(by_secret.clone(), "client_secret", Value::Null), with(by_secret.clone(), "client_secret", json!(""))] {
            assert_eq!(tool.post("/oauth/token", body).await.expect(401).error(), refused.error());
        }

        // Revocation asks in the same way.
        let revoke = |jti: &str| {
            json!({"token": "unknown", "client_assertion_type": TYPE,
                "client_assertion": signed(&good(issuer, id, now, jti))})
        };
        tool.post("/oauth/revoke", revoke("revoke")).await.expect(200);
        assert_eq!(tool.post("/oauth/revoke", revoke("revoke")).await.expect(401).error(), refusal());
        let without = json!({"token": "unknown", "client_id": id, "client_secret": secret});
        tool.post("/oauth/revoke", without).await.expect(401);

        // Two keys while one takes the other's place; an expired one, and one taken out, are refused.
        let second = admin.create(&format!("/clients/{id}/credentials"), credential(1)).await;
        let both = json!({"client_authentication_methods": {"private_key_jwt":
            {"credentials": [{"id": made["id"]}, {"id": second["id"]}]}}});
        admin.patch(&format!("/clients/{id}"), both).await;
        let by_second = |jti: &str| key(1).sign("JWT", &good(issuer, id, now, jti)).unwrap();
        ask(&server, &tool, &by_second("2")).await.expect(200);
        ask(&server, &tool, &signed(&good(issuer, id, now, "1"))).await.expect(200);
        let end = gatewright_core::Timestamp::from_seconds(now + 90).iso8601();
        let path = format!("/clients/{id}/credentials/{}", second["id"].as_str().unwrap());
        admin.patch(&path, json!({"expires_at": end})).await;
        ask(&server, &tool, &by_second("3")).await.expect(200);
        server.turn.forward_seconds(90);
        ask(&server, &tool, &by_second("4")).await.expect(401);
        let log = admin.newest_log("feccft").await;
        assert_eq!(log["details"]["decision"]["reason"], "assertion_key_unknown");
        ask(&server, &tool, &signed(&good(issuer, id, now, "5"))).await.expect(200);
        admin.patch(&path, json!({"expires_at": null})).await;
        ask(&server, &tool, &by_second("6")).await.expect(200);

        // A public client needs no proof, and a proof does not make it confidential.
        let public = server.client_id();
        ask(&server, &tool, &signed(&good(issuer, public, now, "public"))).await.expect(401);

        // Back to the secret.
        let back = json!({"token_endpoint_auth_method": "client_secret_post", "client_authentication_methods": null});
        admin.patch(&format!("/clients/{id}"), back).await;
        tool.post("/oauth/token", by_secret).await.expect(200);
        ask(&server, &tool, &signed(&good(issuer, id, now, "late"))).await.expect(401);
    })
    .await;
}

#[tokio::test]
async fn fifty_at_once_use_an_assertion_once() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        let robot = machine(&server, &admin).await;
        let id = robot["client_id"].as_str().unwrap();
        let assertion = signed(&good(server.issuer(), id, now(&admin), "one"));
        let answers = join_all((0..50).map(|_| ask(&server, &tool, &assertion))).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses[0], 200);
        assert!(statuses[1..].iter().all(|status| *status == 401), "{statuses:?}");
    })
    .await;
}

#[tokio::test]
async fn tenants_are_apart() {
    on_every_database(async |server: Server| {
        let (here, there) = (server.admin().await, server.admin_of("acme").await);
        let robot = machine(&server, &here).await;
        let id = robot["client_id"].as_str().unwrap();
        let acme = server.page_at("acme", "http://localhost:4200");
        let now = now(&here);
        for issuer in [server.issuer(), server.issuer_of("acme")] {
            let assertion = signed(&good(issuer, id, now, "x"));
            assert_eq!(ask(&server, &acme, &assertion).await.expect(401).error(), refusal());
        }
        let path = format!("/clients/{id}/credentials");
        there.call(reqwest::Method::GET, &path, None).await.expect(404);
        assert_eq!(here.get(&path).await.as_array().unwrap().len(), 1);
        // The name of an assertion belongs to its client: another's may have the same.
        ask(&server, &server.tool(), &signed(&good(server.issuer(), id, now, "x"))).await.expect(200);
        let other = here
            .create(
                "/clients",
                json!({"name": "Other", "app_type": "non_interactive", "grant_types": ["client_credentials"],
                    "client_authentication_methods": {"private_key_jwt": {"credentials": [credential(0)]}}}),
            )
            .await;
        let other = other["client_id"].as_str().unwrap();
        let answer = ask(&server, &server.tool(), &signed(&good(server.issuer(), other, now, "x"))).await;
        assert_eq!(answer.expect(403).error().0, "access_denied", "authenticated, and without a grant");
    })
    .await;
}

#[tokio::test]
async fn a_code_by_sms_may_be_asked_for_with_an_assertion() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        let body = json!({"name": "Backend", "app_type": "regular_web",
            "grant_types": ["http://auth0.com/oauth/grant-type/passwordless/otp"],
            "client_authentication_methods": {"private_key_jwt": {"credentials": [credential(0)]}}});
        let client = admin.create("/clients", body).await;
        let id = client["client_id"].as_str().unwrap();
        let sms = admin.connection("sms").await;
        let mut enabled = sms["enabled_clients"].as_array().unwrap().clone();
        enabled.push(json!(id));
        let path = format!("/connections/{}", sms["id"].as_str().unwrap());
        admin.patch(&path, json!({"enabled_clients": enabled})).await;
        let flag = json!({"flags": {"enforce_client_authentication_on_passwordless_start": true}});
        admin.patch("/tenants/settings", flag).await;

        let start =
            json!({"client_id": id, "connection": "sms", "phone_number": "+61400000001", "send": "code"});
        tool.post("/passwordless/start", start.clone()).await.expect(401);
        let assertion = signed(&good(server.issuer(), id, now(&admin), "start"));
        let proven =
            with(with(start, "client_assertion", json!(assertion)), "client_assertion_type", json!(TYPE));
        tool.post("/passwordless/start", proven.clone()).await.expect(200);
        tool.post("/passwordless/start", proven).await.expect(401);
    })
    .await;
}
