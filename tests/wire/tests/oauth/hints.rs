//! ID tokens signed with a client's secret (HS256), back as a hint at `/oidc/logout`.

use gatewright_jose::{parse_unverified, sign_hs256};
use gatewright_testkit::{Form, Page, Server, on_every_database};
use serde_json::{Value, json};

const CALLBACK: &str = "https://app.example/callback";
const GOODBYE: &str = "https://app.example/goodbye";
const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "Correct-horse-battery-1";

fn query(path: &str, pairs: &[(&str, &str)]) -> String {
    format!("{path}?{}", url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value:#}"))
}

/// Logs in with a code and returns the ID token.
async fn log_in(browser: &Page, client: &Value) -> String {
    let id = text(client, "client_id");
    let asked = [
        ("client_id", id),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "s"),
    ];
    let page = browser.open(&query("/authorize", &asked)).await;
    let form = Form::of(page.expect(200)).with("username", EMAIL).with("password", PASSWORD);
    let answer = form.submit(browser, "default").await;
    let body = json!({"grant_type": "authorization_code", "client_id": id, "client_secret": client["client_secret"],
        "code": answer.expect(302).returned("code").unwrap(), "redirect_uri": CALLBACK});
    text(&browser.post("/oauth/token", body).await.expect(200).json(), "id_token").to_owned()
}

#[tokio::test]
async fn a_hint_under_the_clients_secret_logs_out_and_no_other_secret_does() {
    on_every_database(async |server: Server| {
        let (admin, browser) = (server.admin().await, server.tool());
        let body = json!({"name": "Old", "app_type": "regular_web", "callbacks": [CALLBACK],
            "allowed_logout_urls": [GOODBYE], "jwt_configuration": {"alg": "HS256"}});
        let client = admin.create("/clients", body).await;
        let (id, secret) = (text(&client, "client_id"), text(&client, "client_secret"));
        let database = admin.connection("Username-Password-Authentication").await;
        let mut enabled = database["enabled_clients"].as_array().unwrap().clone();
        enabled.push(json!(id));
        let connection = format!("/connections/{}", text(&database, "id"));
        admin.patch(&connection, json!({"enabled_clients": enabled})).await;
        let ada = json!({"connection": "Username-Password-Authentication", "email": EMAIL, "password": PASSWORD,
            "email_verified": true});
        admin.create("/users", ada).await;

        let id_token = log_in(&browser, &client).await;
        let (header, claims) = parse_unverified(&id_token).unwrap();
        assert_eq!(header["alg"], "HS256");
        let other_client = {
            let mut claims = claims.clone();
            claims["aud"] = json!(server.client_id());
            claims
        };
        let certificate = server.tool().get("/pem").await.expect(200).body.clone();
        for forged in [
            sign_hs256(b"guessed", "JWT", &claims),
            sign_hs256(b"", "JWT", &claims),
            sign_hs256(certificate.as_bytes(), "JWT", &claims),
            // A public client has no secret, and one that has RS256 is not believed HS256.
            sign_hs256(b"", "JWT", &other_client),
            sign_hs256(secret.as_bytes(), "JWT", &other_client),
            sign_hs256(certificate.as_bytes(), "JWT", &other_client),
        ] {
            let pairs = [("id_token_hint", forged.as_str()), ("post_logout_redirect_uri", GOODBYE)];
            let refused = browser.get(&query("/oidc/logout", &pairs)).await;
            assert_eq!(refused.expect(400).header("location"), "");
        }
        let pairs = [("id_token_hint", id_token.as_str()), ("post_logout_redirect_uri", GOODBYE)];
        let acme = server.page_at("acme", "http://localhost:4200");
        acme.get(&query("/oidc/logout", &pairs)).await.expect(400);
        let answer = browser.get(&query("/oidc/logout", &pairs)).await;
        assert_eq!(answer.expect(302).location().as_str(), GOODBYE);
        let silent = [
            ("client_id", id),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("prompt", "none"),
        ];
        let asleep = browser.get(&query("/authorize", &silent)).await;
        assert_eq!(asleep.expect(302).returned("error").as_deref(), Some("login_required"));

        // A new secret: what the old one signed is no hint any more.
        admin.call(reqwest::Method::POST, &format!("/clients/{id}/rotate-secret"), None).await.expect(200);
        browser.get(&query("/oidc/logout", &pairs)).await.expect(400);
    })
    .await;
}
