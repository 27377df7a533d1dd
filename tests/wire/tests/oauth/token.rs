//! `/oauth/token`: codes with PKCE, machine tokens, client authentication, bad input.

use gatewright_testkit::{Answer, Page, Server, Start, on_every_database};
use serde_json::{Value, json};

const APP: &str = "http://localhost:4200";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Logs in with the code flow and returns the code.
async fn code(server: &Server, page: &Page) -> String {
    let mut start =
        Start::seed(server).with("code_challenge", CHALLENGE).with("code_challenge_method", "S256");
    start.response_type = "code".into();
    let ticket = start.ticket(server, page).await;
    let answer = page.get(&start.authorize_path(&[("login_ticket", &ticket)])).await;
    assert_eq!(answer.expect(302).returned("state").as_deref(), Some("the-state"));
    answer.returned("code").expect("a code")
}

fn exchange(server: &Server, code: &str) -> Value {
    json!({"grant_type": "authorization_code", "client_id": server.client_id(), "code": code,
        "code_verifier": VERIFIER, "redirect_uri": "http://localhost:4200/"})
}

async fn with(page: &Page, mut body: Value, name: &str, value: Value) -> Answer {
    body[name] = value;
    page.post("/oauth/token", body).await
}

#[tokio::test]
async fn a_code_is_redeemed_once_with_its_verifier() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let code = code(&server, &page).await;
        let answer = page.post("/oauth/token", exchange(&server, &code)).await;
        let tokens = answer.expect(200).json();
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("access-control-allow-origin"), APP);
        assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(86_400)));
        assert_eq!(tokens["scope"], "openid profile email");
        assert_eq!(
            gatewright_testkit::claims(tokens["access_token"].as_str().unwrap())["scope"],
            "openid profile email"
        );
        assert_eq!(gatewright_testkit::claims(tokens["id_token"].as_str().unwrap())["nonce"], "the-nonce");
        assert_eq!(tokens.get("refresh_token"), None);

        let again = page.post("/oauth/token", exchange(&server, &code)).await;
        assert_eq!(again.expect(403).error(), ("invalid_grant".into(), "Invalid authorization code".into()));
        assert_eq!(
            server.admin().await.newest_log("feacft").await["details"]["decision"]["reason"],
            "code_reused"
        );
    })
    .await;
}

#[tokio::test]
async fn a_code_presented_wrongly_is_refused_and_spent() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        for (name, value, text) in [
            ("code_verifier", json!("x".repeat(43)), "Failed to verify code verifier"),
            ("code_verifier", json!(""), "Invalid authorization code"),
            ("redirect_uri", json!("http://localhost:3000/"), "Invalid authorization code"),
        ] {
            let code = code(&server, &page).await;
            let refused = with(&page, exchange(&server, &code), name, value).await;
            assert_eq!(refused.expect(403).error(), ("invalid_grant".into(), text.into()));
            page.post("/oauth/token", exchange(&server, &code)).await.expect(403);
        }
        let code = code(&server, &page).await;
        server.turn.forward_seconds(61);
        page.post("/oauth/token", exchange(&server, &code)).await.expect(403);
    })
    .await;
}

#[tokio::test]
async fn a_code_redeemed_twice_at_once_gives_tokens_once() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let code = code(&server, &page).await;
        let ask = || page.post("/oauth/token", exchange(&server, &code));
        let (a, b, c) = tokio::join!(ask(), ask(), ask());
        let mut statuses = [a.status, b.status, c.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 403, 403]);
    })
    .await;
}

#[tokio::test]
async fn a_machine_gets_what_it_was_granted() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let claims = gatewright_testkit::claims(admin.token());
        assert_eq!(claims["gty"], "client-credentials");
        assert_eq!(claims["aud"], json!(server.management_audience()));
        assert!(claims["sub"].as_str().unwrap().ends_with("@clients"));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 86_400);

        let machine = admin
            .create("/clients", json!({"name": "Robot", "app_type": "non_interactive", "grant_types": ["client_credentials"]}))
            .await;
        let (id, secret) = (machine["client_id"].as_str().unwrap(), machine["client_secret"].as_str().unwrap());
        let tool = server.tool();
        let ask = json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret,
            "audience": server.audience()});
        let refused = tool.post("/oauth/token", ask.clone()).await;
        let (error, text) = refused.expect(403).error();
        assert_eq!(error, "access_denied");
        assert!(text.contains("client-grant"), "{text}");

        let grant = json!({"client_id": id, "audience": server.audience(), "scope": ["read:orders"]});
        admin.create("/client-grants", grant).await;
        let tokens = tool.post("/oauth/token", ask.clone()).await.expect(200).json();
        assert_eq!(tokens["scope"], "read:orders");
        assert_eq!(tokens.get("id_token"), None);
        // auth0-python sends what was not set as `null`.
        with(&tool, ask.clone(), "organization", json!(null)).await.expect(200);
        let organization = with(&tool, ask.clone(), "organization", json!("org_1")).await;
        assert_eq!(organization.expect(400).error().0, "invalid_request");
        let wider = with(&tool, ask.clone(), "scope", json!("read:orders write:orders")).await;
        assert_eq!(wider.expect(403).error().1, "Client has not been granted scopes: write:orders");
        let unknown = with(&tool, ask.clone(), "audience", json!("https://nowhere.example/")).await;
        assert_eq!(unknown.expect(403).error().0, "access_denied");

        let wrong = with(&tool, ask.clone(), "client_secret", json!("wrong")).await;
        let nobody = with(&tool, ask.clone(), "client_id", json!("nobody")).await;
        assert_eq!(wrong.expect(401).error(), nobody.expect(401).error(), "no telling which clients exist");
        assert_eq!(wrong.header("www-authenticate"), "");

        // Basic and form, as golang.org/x/oauth2 sends it.
        let form = [("grant_type", "client_credentials"), ("audience", server.audience())];
        let request = tool.request(reqwest::Method::POST, "/oauth/token").basic_auth(id, Some(secret)).form(&form);
        tool.send(request).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn bad_requests_are_named() {
    on_every_database(async |server: Server| {
        let tool = server.tool();
        let spa = server.client_id();
        let cases = [
            (json!({}), 400, "invalid_request", "Missing required parameter: grant_type"),
            (json!({"grant_type": "magic"}), 403, "unsupported_grant_type", "Unsupported grant type: magic"),
            (json!({"grant_type": 7}), 400, "invalid_request", "The parameter grant_type must be a string."),
            (
                json!({"grant_type": "authorization_code"}),
                400,
                "invalid_request",
                "Missing required parameter: client_id",
            ),
            (
                json!({"grant_type": "authorization_code", "client_id": spa}),
                400,
                "invalid_request",
                "Missing required parameter: code",
            ),
            (
                json!({"grant_type": "authorization_code", "client_id": spa, "code": "x"}),
                403,
                "invalid_grant",
                "Invalid authorization code",
            ),
            (
                json!({"grant_type": "client_credentials", "client_id": spa}),
                403,
                "unauthorized_client",
                "Grant type 'client_credentials' not allowed for the client.",
            ),
        ];
        for (body, status, error, text) in cases {
            let answer = tool.post("/oauth/token", body.clone()).await;
            assert_eq!(answer.expect(status).error(), (error.into(), text.into()), "{body}");
        }
        tool.post_raw("/oauth/token", "application/x-www-form-urlencoded", "grant_type=a&grant_type=b")
            .await
            .expect(400);
        tool.post_raw("/oauth/token", "application/json", "{").await.expect(400);
        tool.get("/oauth/token").await.expect(405);
    })
    .await;
}
