//! The MFA API: a second factor at the token endpoint.

use gatewright_testkit::{Admin, Answer, OtpApp, Page, Server, claims, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

const REALM: &str = "Username-Password-Authentication";
const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "Correct-horse-battery-1";
const NUMBER: &str = "+61400111222";
const MFA: &str = "http://auth0.com/oauth/grant-type/mfa-";

/// Makes Ada, of whom one of these factors is asked at every login, and a client that may use every grant.
async fn prepare(server: &Server, factors: &[&str]) -> Admin {
    let admin = server.admin().await;
    let ada = json!({ "connection": REALM, "email": EMAIL, "password": PASSWORD });
    admin.create("/users", ada).await;
    let mut grants =
        vec!["http://auth0.com/oauth/grant-type/password-realm".to_owned(), "refresh_token".to_owned()];
    grants.extend(["otp", "oob", "recovery-code"].map(|name| format!("{MFA}{name}")));
    let client = format!("/clients/{}", server.client_id());
    admin.patch(&client, json!({ "grant_types": grants })).await;
    let apis = admin.get("/resource-servers").await;
    let api = apis.as_array().unwrap().iter().find(|api| api["identifier"] == server.audience()).unwrap();
    let path = format!("/resource-servers/{}", api["id"].as_str().unwrap());
    admin.patch(&path, json!({ "allow_offline_access": true })).await;
    for factor in factors {
        let path = format!("/guardian/factors/{factor}");
        admin.call(Method::PUT, &path, Some(json!({ "enabled": true }))).await.expect(200);
    }
    let policy = json!(["all-applications"]);
    admin.call(Method::PUT, "/guardian/policies", Some(policy)).await.expect(200);
    admin
}

async fn by_password(server: &Server) -> Value {
    let body = json!({
        "grant_type": "http://auth0.com/oauth/grant-type/password-realm", "client_id": server.client_id(),
        "realm": REALM, "username": EMAIL, "password": PASSWORD, "scope": "openid offline_access read:orders",
        "audience": server.audience(),
    });
    let refused = server.tool().post("/oauth/token", body).await;
    assert_eq!(refused.expect(403).error().0, "mfa_required");
    let body = refused.json();
    assert_eq!(body["error_description"], "Multifactor authentication required");
    body
}

/// Presents a proof at the token endpoint.
async fn prove(server: &Server, token: &Value, grant: &str, more: Value) -> Answer {
    let mut body =
        json!({ "grant_type": format!("{MFA}{grant}"), "client_id": server.client_id(), "mfa_token": token });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.tool().post("/oauth/token", body).await
}

async fn challenge(server: &Server, token: &Value, more: Value) -> Answer {
    let mut body = json!({ "client_id": server.client_id(), "mfa_token": token });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.tool().post("/mfa/challenge", body).await
}

/// A call with the MFA token as a bearer.
async fn call(tool: &Page, method: Method, path: &str, token: &Value, body: Option<Value>) -> Answer {
    let request = tool.request(method, path).bearer_auth(token.as_str().unwrap_or_default());
    tool.send(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

async fn associate(server: &Server, token: &Value, body: Value) -> Answer {
    call(&server.tool(), Method::POST, "/mfa/associate", token, Some(body)).await
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str, text: &str) {
    let (error, description) = answer.expect(status).error();
    assert!(error == code && description.contains(text), "{error}: {description}");
}

#[tokio::test]
async fn an_app_is_enrolled_and_proved_by_the_client_itself() {
    on_every_database(async |server: Server| {
        let admin = prepare(&server, &["otp", "sms", "recovery-code"]).await;
        let asked = by_password(&server).await;
        let token = &asked["mfa_token"];
        assert_eq!(asked["mfa_requirements"], json!({ "enroll": [{ "type": "otp" }, { "type": "phone" }] }));
        let log = admin.newest_log("mfar").await;
        assert_eq!(log["details"]["decision"]["reason"], "mfa_by_policy");
        assert!(!log.to_string().contains(token.as_str().unwrap()), "{log}");
        let listed = call(&server.tool(), Method::GET, "/mfa/authenticators", token, None).await;
        assert_eq!(listed.expect(200).json(), json!([]));
        refused(&challenge(&server, token, json!({})).await, 403, "association_required", "no authenticator");
        assert_eq!(admin.newest_log("mfar").await["log_id"], log["log_id"], "nothing is told of it");
        for (body, status, code) in [
            (json!({}), 400, "invalid_request"),
            (json!({ "authenticator_types": ["oob"] }), 400, "invalid_request"),
            (json!({ "authenticator_types": ["oob"], "oob_channels": ["auth0"] }), 400, "invalid_request"),
        ] {
            refused(&associate(&server, token, body).await, status, code, "");
        }
        // Nothing was begun yet.
        refused(&prove(&server, token, "otp", json!({ "otp": "123456" })).await, 403, "invalid_grant", "");
        let begun =
            associate(&server, token, json!({ "authenticator_types": ["otp"] })).await.expect(200).json();
        let uri = begun["barcode_uri"].as_str().unwrap();
        assert!(uri.starts_with("otpauth://totp/") && uri.contains(":ada%40example.com?secret="), "{uri}");
        let recovery = begun["recovery_codes"][0].as_str().unwrap().to_owned();
        let again =
            associate(&server, token, json!({ "authenticator_types": ["otp"] })).await.expect(200).json();
        assert_eq!(again["recovery_codes"][0], recovery);
        let app = OtpApp::new(again["secret"].as_str().unwrap());

        let wrong = prove(&server, token, "otp", json!({ "otp": app.wrong_code(&server) })).await;
        refused(&wrong, 403, "invalid_grant", "Invalid otp_code.");
        assert_eq!(admin.newest_log("feotpft").await["details"]["decision"]["reason"], "code_wrong");
        let tokens =
            prove(&server, token, "otp", json!({ "otp": app.code(&server) })).await.expect(200).json();
        let id = claims(tokens["id_token"].as_str().unwrap());
        // Only a login in a browser says so.
        assert_eq!((id.get("amr"), id["sub"].is_string()), (None, true));
        assert_eq!(tokens["scope"], "openid offline_access read:orders");
        assert_eq!(claims(tokens["access_token"].as_str().unwrap())["gty"], "password");
        assert!(tokens["refresh_token"].is_string() && tokens.get("recovery_code").is_none(), "{tokens}");
        let told = admin.newest_log("seotpft").await["details"]["decision"]["multifactor"].clone();
        assert_eq!(told, json!({ "reason": "mfa_passed", "asked_by": "mfa_by_policy", "passed": ["otp"] }));
        let renewal = json!({ "grant_type": "refresh_token", "client_id": server.client_id(),
            "refresh_token": tokens["refresh_token"] });
        server.tool().post("/oauth/token", renewal).await.expect(200);
        // A token is good once, for its client, for ten minutes.
        server.turn.forward_seconds(30);
        let used = prove(&server, token, "otp", json!({ "otp": app.code(&server) })).await;
        refused(&used, 403, "invalid_grant", "Malformed mfa_token");
        assert_eq!(admin.newest_log("feotpft").await["details"]["decision"]["reason"], "mfa_token_unknown");

        let asked = by_password(&server).await;
        let token = &asked["mfa_token"];
        let expect = json!({ "challenge": [{ "type": "otp" }, { "type": "recovery-code" }] });
        assert_eq!(asked["mfa_requirements"], expect);
        let beside = associate(&server, token, json!({ "authenticator_types": ["otp"] })).await;
        refused(&beside, 403, "access_denied", "User is already enrolled.");
        let told = admin.newest_log("gd_start_enroll_failed").await["details"].clone();
        assert_eq!(
            (&told["factor"], &told["decision"]["reason"]),
            (&json!("otp"), &json!("mfa_already_enrolled"))
        );
        let listed =
            call(&server.tool(), Method::GET, "/mfa/authenticators", token, None).await.expect(200).json();
        let kinds: Vec<&Value> =
            listed.as_array().unwrap().iter().map(|one| &one["authenticator_type"]).collect();
        assert_eq!(kinds, ["otp", "recovery-code"], "{listed}");
        assert_eq!((&listed[0]["type"], &listed[0]["active"]), (&json!("otp"), &json!(true)));
        let id = listed[0]["id"].clone();
        let named =
            challenge(&server, token, json!({ "challenge_type": "otp oob", "authenticator_id": id })).await;
        assert_eq!(named.expect(200).json(), json!({ "challenge_type": "otp" }));
        admin.newest_log("gd_start_auth").await;
        let by_phone = challenge(&server, token, json!({ "challenge_type": "oob" })).await;
        refused(&by_phone, 400, "unsupported_challenge_type", "");
        let path = format!("/mfa/authenticators/{}", id.as_str().unwrap().replace('|', "%7C"));
        let kept = call(&server.tool(), Method::DELETE, &path, token, None).await;
        refused(&kept, 403, "insufficient_scope", "remove:authenticators");
        let lost = json!({ "recovery_code": "BCDFGHJKLMNPQRSTVWXZBCDF" });
        refused(
            &prove(&server, token, "recovery-code", lost).await,
            403,
            "invalid_grant",
            "Invalid recovery code",
        );
        let tokens = prove(&server, token, "recovery-code", json!({ "recovery_code": recovery })).await;
        let tokens = tokens.expect(200).json();
        assert!(
            tokens["recovery_code"].as_str().is_some_and(|new| new.len() == 24 && new != recovery),
            "{tokens}"
        );
        assert_eq!(
            admin.newest_log("sercft").await["details"]["decision"]["multifactor"]["passed"][0],
            "recovery-code"
        );

        let asked = by_password(&server).await;
        let other = admin
            .create(
                "/clients",
                json!({ "name": "Other", "app_type": "native",
            "token_endpoint_auth_method": "none", "grant_types": [format!("{MFA}otp")] }),
            )
            .await;
        let theirs = json!({ "grant_type": format!("{MFA}otp"), "client_id": other["client_id"],
            "mfa_token": asked["mfa_token"], "otp": app.code(&server) });
        refused(
            &server.tool().post("/oauth/token", theirs).await,
            403,
            "invalid_grant",
            "Malformed mfa_token",
        );
        let theirs = json!({ "client_id": other["client_id"], "mfa_token": asked["mfa_token"] });
        refused(
            &server.tool().post("/mfa/challenge", theirs).await,
            403,
            "invalid_grant",
            "Malformed mfa_token",
        );
        let nobody = call(&server.tool(), Method::GET, "/mfa/authenticators", &json!("nonsense"), None).await;
        refused(&nobody, 403, "invalid_grant", "Malformed mfa_token");
        server.tool().get("/mfa/authenticators").await.expect(401);
        server.turn.forward_seconds(600);
        let late = prove(&server, &asked["mfa_token"], "otp", json!({ "otp": app.code(&server) })).await;
        refused(&late, 403, "expired_token", "mfa_token is expired");
        assert_eq!(admin.newest_log("feotpft").await["details"]["decision"]["reason"], "mfa_token_expired");
        let late = challenge(&server, &asked["mfa_token"], json!({})).await;
        refused(&late, 403, "expired_token", "mfa_token is expired");
    })
    .await;
}

#[tokio::test]
async fn a_phone_is_enrolled_and_proved_by_its_codes() {
    on_every_database(async |server: Server| {
        let admin = prepare(&server, &["sms"]).await;
        let asked = by_password(&server).await;
        let token = &asked["mfa_token"];
        let phone = |number: &str| {
            json!({ "authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": number })
        };
        refused(&associate(&server, token, phone("0400")).await, 400, "invalid_request", "country code");
        let app = associate(&server, token, json!({ "authenticator_types": ["otp"] })).await;
        refused(&app, 403, "invalid_grant", "does not wait");
        let begun = associate(&server, token, phone(NUMBER)).await.expect(200).json();
        assert_eq!((&begun["oob_channel"], &begun["binding_method"]), (&json!("sms"), &json!("prompt")));
        assert!(begun.get("recovery_codes").is_none(), "{begun}");
        let oob_code = &begun["oob_code"];
        let code = server.mailbox.code_to(NUMBER);
        let missing = prove(&server, token, "oob", json!({ "oob_code": oob_code })).await;
        refused(&missing, 400, "invalid_request", "binding_code");
        let other = prove(&server, token, "oob", json!({ "oob_code": "other", "binding_code": code })).await;
        refused(&other, 403, "invalid_grant", "does not wait");
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let wrong = prove(&server, token, "oob", json!({ "oob_code": oob_code, "binding_code": wrong })).await;
        refused(&wrong, 403, "invalid_grant", "Invalid binding_code.");
        assert_eq!(admin.newest_log("feoobft").await["details"]["decision"]["reason"], "code_wrong");
        let right = json!({ "oob_code": oob_code, "binding_code": code });
        // Of two at once, one comes in.
        let (one, two) =
            tokio::join!(prove(&server, token, "oob", right.clone()), prove(&server, token, "oob", right));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 403], "{}{}", one.body, two.body);
        assert_eq!(admin.newest_log("seoobft").await["details"]["decision"]["multifactor"]["passed"][0], "phone");
        assert_eq!(admin.newest_log("gd_enrollment_complete").await["details"]["factor"], "phone");

        let asked = by_password(&server).await;
        let token = &asked["mfa_token"];
        let listed = call(&server.tool(), Method::GET, "/mfa/authenticators", token, None).await.expect(200).json();
        assert_eq!((&listed[0]["name"], &listed[0]["oob_channel"]), (&json!("XXXXXXX1222"), &json!("sms")));
        let first = challenge(&server, token, json!({ "challenge_type": "oob" })).await.expect(200).json();
        assert_eq!((&first["challenge_type"], &first["binding_method"]), (&json!("oob"), &json!("prompt")));
        let second = challenge(&server, token, json!({ "challenge_type": "oob" })).await.expect(200).json();
        let code = server.mailbox.code_to(NUMBER);
        let old = json!({ "oob_code": first["oob_code"], "binding_code": code });
        refused(&prove(&server, token, "oob", old).await, 403, "invalid_grant", "does not wait");
        assert_eq!(admin.newest_log("feoobft").await["details"]["decision"]["reason"], "mfa_factor_not_asked");
        let new = json!({ "oob_code": second["oob_code"], "binding_code": code });
        // Nine wrong codes are left of ten.
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let wrong = json!({ "oob_code": second["oob_code"], "binding_code": wrong });
        for _ in 0..9 {
            refused(&prove(&server, token, "oob", wrong.clone()).await, 403, "invalid_grant", "Invalid binding_code.");
        }
        refused(&prove(&server, token, "oob", new.clone()).await, 429, "too_many_requests", "Too many failed codes");
        assert_eq!(admin.newest_log("feoobft").await["details"]["decision"]["reason"], "mfa_codes_limited");
        // Three messages were sent, of ten.
        for _ in 0..7 {
            challenge(&server, token, json!({})).await.expect(200);
        }
        refused(&challenge(&server, token, json!({})).await, 429, "too_many_requests", "Too many messages");
        // A code is good for five minutes, and an old one for nothing.
        server.turn.forward_seconds(360);
        refused(&prove(&server, token, "oob", new).await, 403, "invalid_grant", "does not wait");
    })
    .await;
}
