//! Why endpoints refuse: each conversation comes to a code of the registry (`docs/reasons.md`), and its answer
//! tells the caller no more than the standard error.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatewright_testkit::{Admin, Answer, Page, Server, Start, on_every_database};
use serde_json::{Value, json};

const APP: &str = "http://localhost:4200";
const CALLBACK: &str = "https://app.example/cb";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const OTP: &str = "http://auth0.com/oauth/grant-type/passwordless/otp";

async fn client(admin: &Admin, more: Value) -> (String, String) {
    let mut body = json!({"name": "Web", "app_type": "regular_web", "callbacks": [CALLBACK]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = admin.create("/clients", body).await;
    let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
    (text("client_id"), text("client_secret"))
}

/// The code of the reason, which the caller does not see.
async fn why(admin: &Admin, answer: &Answer) -> String {
    let code = admin.reason_of(answer).await;
    assert!(!code.is_empty(), "no reason: {} {} {}", answer.asked, answer.status, answer.body);
    assert!(!answer.header("location").contains(&code), "{code} travels to the callback");
    if answer.header("content-type").starts_with("application/json") {
        assert!(!answer.body.contains(&format!("\"{code}\"")), "{code} is in {}", answer.body);
    }
    code
}

async fn change(admin: &Admin, client_id: &str, settings: Value) {
    admin.patch(&format!("/clients/{client_id}"), settings).await;
}

#[tokio::test]
async fn who_a_client_is_is_proved_or_refused_with_a_reason() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        let (id, secret) = client(&admin, json!({})).await;
        let machine = |more: Value| {
            let mut body =
                json!({"grant_type": "client_credentials", "client_id": id, "audience": server.audience()});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let ask = async |body: Value| {
            let answer = tool.post("/oauth/token", body).await;
            (answer.status, why(&admin, &answer).await)
        };
        assert_eq!(ask(machine(json!({}))).await, (401, "client_secret_missing".into()));
        assert_eq!(ask(machine(json!({"client_secret": "x"}))).await, (401, "client_secret_wrong".into()));
        let found = admin.newest_log("feccft").await;
        assert_eq!(found["client_id"], id.as_str());
        assert_eq!(found["details"]["decision"]["setting"], "client.client_secret");
        assert_eq!(found["request_id"].as_str().map(str::len), Some(20));
        let keyed = crate::keys::machine(&server, &admin).await["client_id"].clone();
        let certified = json!({"name": "Bank", "app_type": "non_interactive", "client_authentication_methods":
            {"tls_client_auth": {"credentials": [{"credential_type": "cert_subject_dn", "subject_dn": "CN=a"}]}}});
        let certified = admin.create("/clients", certified).await["client_id"].clone();
        for (client_id, reason) in
            [(keyed, "client_assertion_missing"), (certified, "client_certificates_not_built")]
        {
            let body = json!({"client_id": client_id, "client_secret": secret});
            assert_eq!(ask(machine(body)).await, (401, reason.into()));
            assert_eq!(admin.newest_log("feccft").await["details"]["decision"]["reason"], reason);
        }
        let unknown = json!({"grant_type": "pigeon", "client_id": id, "client_secret": secret});
        assert_eq!(ask(unknown).await, (403, "grant_type_unknown".into()));
        let other = json!({"grant_type": OTP, "client_id": id, "client_secret": secret});
        assert_eq!(ask(other).await, (403, "grant_type_not_allowed".into()));
        let change = &admin.newest_log("fepotpft").await["details"]["decision"]["change"];
        assert_eq!((&change["field"], &change["value"]), (&json!("grant_types"), &json!(OTP)));

        let request = tool.request(reqwest::Method::POST, "/oauth/token").header("authorization", "Basic !!");
        let answer = tool.send(request.json(&machine(json!({})))).await;
        assert_eq!(why(&admin, &answer).await, "authorization_header_malformed");

        let hs256 =
            json!({"identifier": "https://hs.example/", "signing_alg": "HS256", "scopes": [{"value": "a"}]});
        admin.create("/resource-servers", hs256).await;
        let grant = json!({"client_id": id, "audience": "https://hs.example/", "scope": ["a"]});
        admin.create("/client-grants", grant).await;
        change_and(&admin, &id).await;
        let own = json!({"client_secret": secret, "audience": "https://hs.example/"});
        assert_eq!(ask(machine(own)).await, (400, "signing_alg_not_built".into()));
    })
    .await;
}

/// Lets the client ask for machine tokens.
async fn change_and(admin: &Admin, id: &str) {
    change(admin, id, json!({"grant_types": ["client_credentials", "authorization_code"]})).await;
}

#[tokio::test]
async fn pushed_requests_are_refused_with_a_reason() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        let (id, secret) = client(&admin, json!({})).await;
        let body = |more: Value| {
            let mut body = json!({"client_id": id, "client_secret": secret, "response_type": "code",
                "redirect_uri": CALLBACK});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let nested = json!({"request_uri": "urn:ietf:params:oauth:request_uri:x"});
        let answer = tool.post("/oauth/par", body(nested)).await;
        assert_eq!(why(&admin, &answer).await, "request_uri_pushed");
        let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let request = tool.request(reqwest::Method::POST, "/oauth/par").header("authorization", basic);
        let other =
            json!({"client_id": server.client_id(), "response_type": "code", "redirect_uri": CALLBACK});
        let answer = tool.send(request.json(&other)).await;
        assert_eq!(why(&admin, &answer).await, "client_id_of_other");
        admin.patch("/tenants/settings", json!({"pushed_authorization_requests_supported": false})).await;
        let answer = tool.post("/oauth/par", body(json!({}))).await;
        assert_eq!(why(&admin, answer.expect(404)).await, "par_off");
    })
    .await;
}

#[tokio::test]
async fn requests_of_browsers_are_refused_with_a_reason() {
    on_every_database(async |server: Server| {
        let (admin, page) = (server.admin().await, server.page(APP));
        let start = Start::seed(&server);
        let authorize = async |more: &[(&str, &str)]| {
            let answer = page.get(&start.authorize_path(more)).await;
            why(&admin, &answer).await
        };
        assert_eq!(authorize(&[("connection", "nowhere")]).await, "connection_not_usable");
        let google = json!({"name": "google-oauth2", "strategy": "google-oauth2",
            "enabled_clients": [server.client_id()]});
        admin.create("/connections", google).await;
        assert_eq!(authorize(&[("connection", "google-oauth2")]).await, "strategy_not_built");
        // Nobody is logged in, and nothing may be shown.
        assert_eq!(authorize(&[("prompt", "none")]).await, "no_session");

        let evil = page.get(&start.authorize_path(&[]).replace("localhost%3A4200", "evil.example")).await;
        assert_eq!(why(&admin, &evil).await, "redirect_uri_not_registered");
        let log_id = evil.header("x-gatewright-decision");
        assert!(evil.body.contains(&format!("gatewright explain {log_id}")), "{}", evil.body);
        let change = &admin.get(&format!("/logs/{log_id}")).await["details"]["decision"]["change"];
        assert_eq!(
            (&change["field"], &change["value"]),
            (&json!("callbacks"), &json!("http://evil.example/"))
        );

        let answer = page.get("/continue?state=nothing").await;
        assert_eq!(why(&admin, &answer).await, "continue_state_unknown");
        let answer = page.get("/v2/logout?returnTo=https%3A%2F%2Fevil.example%2F").await;
        assert_eq!(why(&admin, &answer).await, "logout_url_not_registered");
        let query = format!(
            "client_id={}&post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F",
            server.client_id()
        );
        let answer = page.get(&format!("/oidc/logout?{query}")).await;
        assert_eq!(why(&admin, &answer).await, "logout_url_not_registered_exactly");
        let hint = start.log_in(&server, &page).await.response["id_token"].as_str().unwrap().to_owned();
        let (other, _) = client(&admin, json!({})).await;
        let answer = page.get(&format!("/oidc/logout?id_token_hint={hint}&client_id={other}")).await;
        assert_eq!(why(&admin, &answer).await, "hint_of_other_client");
        let answer = page.get("/oidc/logout?id_token_hint=nonsense").await;
        assert_eq!(why(&admin, &answer).await, "id_token_hint_invalid");

        let stranger = server.page("https://stranger.example");
        let answer = start.authenticate(&stranger, "000000").await;
        assert_eq!(why(&admin, &answer).await, "origin_not_registered");
        let answer = stranger.post_form("/login/callback", &[("wa", "wsignin1.0")]).await;
        assert_eq!(why(&admin, &answer).await, "origin_not_ours");
        let answer = server.tool().post_form("/login/callback", &[("wa", "wsignin1.0")]).await;
        assert_eq!(why(&admin, &answer).await, "not_a_login_form");
        let client = format!("/clients/{}", server.client_id());
        admin.patch(&client, json!({"cross_origin_authentication": false})).await;
        let answer = start.authenticate(&page, "000000").await;
        assert_eq!(why(&admin, &answer).await, "cross_origin_authentication_off");
        let answer = page.post("/oidc/register", json!({"redirect_uris": [CALLBACK]})).await;
        assert_eq!(why(&admin, &answer).await, "registration_off");
    })
    .await;
}

/// Logs in by the code flow and returns the code.
async fn code(server: &Server, page: &Page, pkce: bool) -> String {
    let mut start = Start::seed(server);
    if pkce {
        start = start.with("code_challenge", CHALLENGE).with("code_challenge_method", "S256");
    }
    start.response_type = "code".into();
    let ticket = start.ticket(server, page).await;
    page.get(&start.authorize_path(&[("login_ticket", &ticket)])).await.returned("code").expect("a code")
}

#[tokio::test]
async fn what_is_presented_for_tokens_is_refused_with_a_reason() {
    on_every_database(async |server: Server| {
        let (admin, page) = (server.admin().await, server.page(APP));
        let exchange = async |code: &str, more: Value| {
            let mut body =
                json!({"grant_type": "authorization_code", "client_id": server.client_id(), "code": code});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let answer = page.post("/oauth/token", body).await;
            assert_eq!(answer.expect(403).error().0, "invalid_grant");
            why(&admin, &answer).await
        };
        let first = code(&server, &page, true).await;
        assert_eq!(exchange(&first, json!({})).await, "code_verifier_missing");
        let second = code(&server, &page, true).await;
        let wrong = VERIFIER.replace('d', "e");
        assert_eq!(exchange(&second, json!({"code_verifier": wrong})).await, "code_verifier_wrong");
        let third = code(&server, &page, true).await;
        let elsewhere = json!({"code_verifier": VERIFIER, "redirect_uri": "http://localhost:4200/other"});
        assert_eq!(exchange(&third, elsewhere).await, "redirect_uri_mismatch");
        let fourth = code(&server, &page, true).await;
        let (id, secret) = client(&admin, json!({})).await;
        let theirs = json!({"client_id": id, "client_secret": secret, "code_verifier": VERIFIER});
        assert_eq!(exchange(&fourth, theirs).await, "code_of_other_client");

        // A confidential client may leave PKCE out; a verifier for such a code is a downgrade.
        let confidential =
            json!({"app_type": "regular_web", "token_endpoint_auth_method": "client_secret_post"});
        change(&admin, server.client_id(), confidential).await;
        let path = format!("/clients/{}", server.client_id());
        let secret = admin.get(&path).await["client_secret"].clone();
        let fifth = code(&server, &page, false).await;
        let more = json!({"client_secret": secret, "code_verifier": VERIFIER});
        assert_eq!(exchange(&fifth, more).await, "code_verifier_unexpected");
        let spa = json!({"app_type": "spa", "token_endpoint_auth_method": "none"});
        change(&admin, server.client_id(), spa).await;

        let otp = json!({"grant_type": OTP, "client_id": server.client_id(), "username": "+61400000000",
            "otp": "000000", "realm": "sms"});
        let allowed =
            json!({"grant_types": ["implicit", "authorization_code", OTP, DEVICE, REALM, "password"]});
        change(&admin, server.client_id(), allowed).await;
        let answer = page.post("/oauth/token", otp).await;
        assert_eq!(why(&admin, &answer).await, "passwordless_otp_grant_in_spa");
        let device = json!({"grant_type": DEVICE, "client_id": server.client_id(), "device_code": "x"});
        let answer = page.post("/oauth/token", device).await;
        assert_eq!(why(&admin, &answer).await, "device_code_unknown");
        let password = json!({"grant_type": "password", "client_id": server.client_id(), "username": "a",
            "password": "b"});
        let answer = page.post("/oauth/token", password).await;
        assert_eq!(why(&admin, &answer).await, "default_directory_not_set");
    })
    .await;
}

#[tokio::test]
async fn a_login_leaves_the_whole_ledger() {
    on_every_database(async |server: Server| {
        let (admin, page) = (server.admin().await, server.page(APP));
        let start = Start::seed(&server);
        let tokens = start.log_in(&server, &page).await;
        let decision = admin.newest_log("s").await["details"]["decision"].clone();
        let reason = |of: &Value| of["reason"].as_str().unwrap_or_default().to_owned();
        assert_eq!(reason(&decision["audience"]), "audience_asked");
        assert_eq!(reason(&decision["redirect"]), "redirect_uri_exact");
        assert_eq!(reason(&decision["refresh_token"]), "offline_access_not_asked");
        assert_eq!(reason(&decision["lifetime"][0]), "lifetime_for_web");
        assert_eq!(reason(&decision["lifetime"][1]), "lifetime_of_client");
        assert_eq!(reason(&decision["prompt"][0]), "ticket_bound_by_cookie");
        assert_eq!(reason(&decision["prompt"][1]), "consent_first_party");
        // Each claim of each token has one origin.
        for (token, claims) in [("access_token", tokens.access_claims()), ("id_token", tokens.id_claims())] {
            let groups = decision["claims"][token].as_array().unwrap();
            let mut told: Vec<&str> = groups
                .iter()
                .flat_map(|group| group["claims"].as_array().unwrap())
                .filter_map(Value::as_str)
                .collect();
            told.sort_unstable();
            let mut held: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
            // Made of what is signed beside it.
            held.retain(|name| *name != "at_hash");
            held.sort_unstable();
            assert_eq!(told, held, "{token}");
        }
        // The Management API explains the token itself.
        let asked = Some(json!({"what": tokens.access_token()}));
        let report = admin.call(reqwest::Method::POST, "/explain", asked).await.expect(200).json();
        assert_eq!(report["rows"][0]["outcome"], "valid");
        let dropped =
            report["rows"].as_array().unwrap().iter().find(|row| row["item"] == "read:users").unwrap();
        assert_eq!(
            (&dropped["outcome"], &dropped["reason"]),
            (&json!("dropped"), &json!("end_user_token_limit"))
        );

        let mut offline =
            Start::seed(&server).scope("openid offline_access").with("code_challenge", CHALLENGE);
        offline.audience = None;
        offline = offline.with("code_challenge_method", "S256");
        offline.response_type = "code".into();
        let ticket = offline.ticket(&server, &page).await;
        let answer = page.get(&offline.authorize_path(&[("login_ticket", &ticket)])).await;
        assert_eq!(
            admin.newest_log("s").await["details"]["decision"]["refresh_token"]["reason"],
            "refresh_token_with_code"
        );
        let code = answer.returned("code").unwrap();
        let body = json!({"grant_type": "authorization_code", "client_id": server.client_id(), "code": code,
            "code_verifier": VERIFIER});
        let tokens = page.post("/oauth/token", body).await.expect(200).json();
        let decision = admin.newest_log("seacft").await["details"]["decision"].clone();
        assert_eq!(decision["refresh_token"]["reason"], "refresh_token_issued");
        assert_eq!(decision["lifetime"][0]["reason"], "lifetime_opaque");

        // A refresh token: its family, what became of it, where from.
        let token = tokens["refresh_token"].as_str().unwrap();
        let refresh =
            json!({"grant_type": "refresh_token", "client_id": server.client_id(), "refresh_token": token});
        page.post("/oauth/token", refresh.clone()).await.expect(200);
        page.post("/oauth/token", refresh).await.expect(403);
        let report = admin.call(reqwest::Method::POST, "/explain", Some(json!({"what": token}))).await;
        let report = report.expect(200).json();
        assert_eq!(report["rows"][0]["reason"], "refresh_token_revoked");
        let tree: Vec<&str> = report["rows"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["kind"] == "family")
            .filter_map(|row| row["reason"].as_str())
            .collect();
        assert_eq!(tree, ["refresh_token_issued", "refresh_token_rotated", "refresh_token_reused"]);
    })
    .await;
}

#[tokio::test]
async fn sign_ups_and_resets_are_refused_with_a_reason() {
    const DATABASE: &str = "Username-Password-Authentication";
    on_every_database(async |server: Server| {
        let (admin, page) = (server.admin().await, server.page(APP));
        let form = |email: &str, password: &str| {
            json!({"client_id": server.client_id(), "connection": DATABASE, "email": email, "password": password})
        };
        let sign_up = async |email: &str, password: &str| {
            page.post("/dbconnections/signup", form(email, password)).await
        };
        sign_up("ann@example.com", "Correct-horse-7").await.expect(200);
        assert_eq!(admin.newest_log("ss").await["details"]["decision"]["reason"], "signed_up");
        assert_eq!(why(&admin, &sign_up("bob@example.com", "short").await).await, "password_refused");

        let login = |password: &str| {
            json!({"client_id": server.client_id(), "username": "ann@example.com", "password": password,
                "realm": DATABASE, "credential_type": REALM})
        };
        let answer = page.post("/co/authenticate", login("Correct-horse-7")).await;
        assert_eq!(why(&admin, answer.expect(200)).await, "password_right");
        let mut nowhere = login("x");
        nowhere["realm"] = json!("nowhere");
        let answer = page.post("/co/authenticate", nowhere).await;
        assert_eq!(why(&admin, &answer).await, "no_database_connection");
        page.post("/dbconnections/change_password", form("ann@example.com", "")).await.expect(200);
        assert_eq!(admin.newest_log("scpr").await["details"]["decision"]["reason"], "link_sent");

        let eve = json!({"connection": DATABASE, "email": "eve@example.com"});
        admin.create("/users", eve).await;
        let mut of_eve = login("x");
        of_eve["username"] = json!("eve@example.com");
        page.post("/co/authenticate", of_eve).await;
        assert_eq!(admin.newest_log("fp").await["details"]["decision"]["reason"], "no_password");
        let mut resets = String::new();
        for _ in 0..40 {
            let answer = page.post("/dbconnections/change_password", form("ann@example.com", "")).await;
            resets = admin.reason_of(&answer).await;
            if answer.status == 429 {
                break;
            }
        }
        assert_eq!(resets, "too_many_resets");
        // A number has no password: only codes.
        let start = Start::seed(&server);
        start.log_in(&server, &page).await;
        assert_eq!(admin.newest_log("ss").await["details"]["decision"]["reason"], "first_passwordless_login");

        let connection = admin.connection(DATABASE).await;
        let path = format!("/connections/{}", connection["id"].as_str().unwrap());
        let mut options = connection["options"].clone();
        options["disable_signup"] = json!(true);
        options["disable_self_service_change_password"] = json!(true);
        admin.patch(&path, json!({"options": options})).await;
        assert_eq!(why(&admin, &sign_up("cid@example.com", "Correct-horse-7").await).await, "signup_disabled");
        let answer = page.post("/dbconnections/change_password", form("ann@example.com", "")).await;
        assert_eq!(why(&admin, &answer).await, "self_service_disabled");

        let mut last = String::new();
        for _ in 0..25 {
            let answer = page.post("/co/authenticate", login("wrong")).await;
            last = why(&admin, &answer).await;
            if last != "password_wrong" {
                break;
            }
        }
        assert!(["too_many_tries", "account_blocked"].contains(&last.as_str()), "{last}");
    })
    .await;
}

#[tokio::test]
async fn devices_and_unproved_clients_are_told_to_wait_or_refused_with_a_reason() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        let tv = json!({"name": "TV", "app_type": "native", "token_endpoint_auth_method": "none",
            "grant_types": [DEVICE, "refresh_token"]});
        let id = admin.create("/clients", tv).await["client_id"].as_str().unwrap().to_owned();
        let codes = tool.post("/oauth/device/code", json!({"client_id": id})).await.expect(200).json();
        let ask = async || {
            let body = json!({"grant_type": DEVICE, "client_id": id, "device_code": codes["device_code"]});
            let answer = tool.post("/oauth/token", body).await;
            why(&admin, &answer).await
        };
        assert_eq!(ask().await, "device_code_pending");
        assert_eq!(ask().await, "device_code_polled_too_fast");
        change(&admin, &id, json!({"grant_types": ["refresh_token"]})).await;
        let answer = tool.post("/oauth/device/code", json!({"client_id": id})).await;
        assert_eq!(why(&admin, &answer).await, "grant_type_not_allowed");
        let machine = json!({"grant_types": ["client_credentials"]});
        change(&admin, &id, machine).await;
        let body = json!({"grant_type": "client_credentials", "client_id": id, "audience": server.audience()});
        let answer = tool.post("/oauth/token", body).await;
        assert_eq!(why(&admin, &answer).await, "client_is_public");
        for (kind, reason) in [
            ("urn:acme:legacy", "token_exchange_not_allowed"),
            ("urn:ietf:params:oauth:token-type:access_token", "token_exchange_not_built"),
        ] {
            let exchange = json!({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "client_id": id,
                "subject_token": "t", "subject_token_type": kind});
            let answer = tool.post("/oauth/token", exchange).await;
            assert_eq!(why(&admin, &answer).await, reason);
        }
    })
    .await;
}
