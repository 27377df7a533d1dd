//! Scripts where no browser takes part: passwords, codes by the client itself, refresh tokens, devices.

use gatewright_testkit::{PHONE, Server, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{APP, bind, code_flow, encoded, post_login, redeem, rule, told};

const OTP: &str = "http://auth0.com/oauth/grant-type/passwordless/otp";

#[tokio::test]
async fn a_renewal_runs_them_again() {
    on_every_database(async |server: Server| {
        let (page, admin) = (server.page(APP), server.admin().await);
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => {
            api.idToken.setCustomClaim('https://example.com/protocol', event.transaction.protocol);
            api.idToken.setCustomClaim('https://example.com/renewed', Boolean(event.refresh_token));
            if (event.refresh_token) {
                const seen = event.refresh_token.metadata.times || 0;
                api.refreshToken.setMetadata('times', String(Number(seen) + 1));
                api.idToken.setCustomClaim('https://example.com/seen', seen);
            }
        };",
        )
        .await;
        let start = code_flow(&server, "openid offline_access");
        let ticket = start.ticket(&server, &page).await;
        let answer = page.get(&start.authorize_path(&[("login_ticket", &ticket)])).await;
        let first = redeem(&server, &answer.expect(302).returned("code").unwrap()).await;
        let mut token = first["refresh_token"].as_str().expect("a refresh token").to_owned();
        let claims = gatewright_testkit::claims(first["id_token"].as_str().unwrap());
        assert_eq!(claims["https://example.com/protocol"], "oidc-basic-profile");
        assert_eq!(claims["https://example.com/renewed"], false);
        for seen in [json!(0), json!("1")] {
            let fields = [
                ("grant_type", "refresh_token"),
                ("client_id", server.client_id()),
                ("refresh_token", &token),
            ];
            let renewed = page.post_form("/oauth/token", &fields).await.expect(200).json();
            let claims = gatewright_testkit::claims(renewed["id_token"].as_str().unwrap());
            assert_eq!(claims["https://example.com/protocol"], "oauth2-refresh-token");
            assert_eq!(claims["https://example.com/seen"], seen);
            token = renewed["refresh_token"].as_str().unwrap_or(&token).to_owned();
        }
        assert_eq!(told(&admin, "sertft").await["runs"][0]["kind"], "action");

        // A refusal leaves the token as it was.
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => {
            api.access.deny('Later');
        };",
        )
        .await;
        let fields =
            [("grant_type", "refresh_token"), ("client_id", server.client_id()), ("refresh_token", &token)];
        let refused = page.post_form("/oauth/token", &fields).await;
        assert_eq!(refused.expect(403).error(), ("access_denied".into(), "Later".into()));
        bind(&admin, "post-login", &[]).await;
        let renewed = page.post_form("/oauth/token", &fields).await.expect(200).json();
        assert!(renewed["access_token"].is_string());

        // One that revokes ends the family.
        let token = renewed["refresh_token"].as_str().unwrap_or(&token).to_owned();
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => {
            api.refreshToken.revoke('Stolen');
        };",
        )
        .await;
        let fields =
            [("grant_type", "refresh_token"), ("client_id", server.client_id()), ("refresh_token", &token)];
        let stolen = page.post_form("/oauth/token", &fields).await;
        assert_eq!(stolen.expect(403).error().1, "Stolen");
        assert_eq!(admin.reason_of(&stolen).await, "revoked_by_script");
        bind(&admin, "post-login", &[]).await;
        assert_eq!(page.post_form("/oauth/token", &fields).await.expect(403).error().0, "invalid_grant");
    })
    .await;
}

/// A login by a code that the client itself presents.
async fn by_code(server: &Server) -> gatewright_testkit::Answer {
    let page = server.tool();
    let native = server
        .admin()
        .await
        .create(
            "/clients",
            json!({
                "name": "Native", "app_type": "native", "grant_types": [OTP, "refresh_token"],
                "token_endpoint_auth_method": "none",
            }),
        )
        .await;
    let client_id = native["client_id"].as_str().unwrap().to_owned();
    let admin = server.admin().await;
    let connection = admin.connection("sms").await;
    let mut clients: Vec<Value> = connection["enabled_clients"].as_array().unwrap().clone();
    clients.push(json!(client_id));
    let path = format!("/connections/{}", connection["id"].as_str().unwrap());
    admin.patch(&path, json!({ "enabled_clients": clients })).await;
    let start = json!({ "client_id": client_id, "connection": "sms", "phone_number": PHONE, "send": "code" });
    page.post("/passwordless/start", start).await.expect(200);
    let code = server.mailbox.code_to(PHONE);
    page.post(
        "/oauth/token",
        json!({
            "grant_type": OTP, "client_id": client_id, "username": PHONE, "otp": code, "realm": "sms",
            "scope": "openid profile",
        }),
    )
    .await
}

#[tokio::test]
async fn a_code_by_the_client_itself_runs_them() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        rule(
            &admin,
            "Claims",
            "function (user, context, callback) {
            context.idToken['https://example.com/protocol'] = context.protocol;
            context.idToken['https://example.com/body'] = context.request.body;
            callback(null, user, context);
        }",
        )
        .await;
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => {
            api.user.setUserMetadata('seen', true);
            api.idToken.setCustomClaim('https://example.com/redirect', api.redirect.canRedirect());
        };",
        )
        .await;
        let tokens = by_code(&server).await.expect(200).json();
        let claims = gatewright_testkit::claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(claims["https://example.com/protocol"], "oauth2-resource-owner");
        assert_eq!(claims["https://example.com/redirect"], false);
        let body = &claims["https://example.com/body"];
        assert_eq!((&body["username"], body.get("otp")), (&json!(PHONE), None), "{body}");
        let user = admin.get(&format!("/users/{}", encoded(claims["sub"].as_str().unwrap()))).await;
        assert_eq!(user["user_metadata"], json!({ "seen": true }));
        let request = server.tool().request(Method::GET, "/userinfo");
        let told = server.tool().send(request.bearer_auth(tokens["access_token"].as_str().unwrap())).await;
        assert_eq!(told.expect(200).json()["https://example.com/protocol"], "oauth2-resource-owner");
    })
    .await;
}

#[tokio::test]
async fn a_refusal_there_is_an_error_of_the_token_endpoint() {
    on_every_database(async |server: Server| {
        post_login(
            &server,
            "exports.onExecutePostLogin = async (event, api) => {
            api.access.deny('Not this way');
        };",
        )
        .await;
        let refused = by_code(&server).await;
        assert_eq!(refused.expect(403).error(), ("access_denied".into(), "Not this way".into()));
        let event = server.admin().await.newest_log("fepotpft").await;
        assert_eq!(event["details"]["decision"]["reason"], "denied_by_script", "{event:#}");
    })
    .await;
}
