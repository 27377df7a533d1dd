//! Dynamic client registration, RFC 7591 and 7592.

use futures_util::future::join_all;
use gatewright_testkit::{Admin, Answer, Form, Page, Server, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

use crate::keys::with;

const CALLBACK: &str = "https://app.example/callback";

fn metadata() -> Value {
    json!({"client_name": "Stranger", "redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token",
        "password"], "contacts": ["ada@example.com"]})
}

async fn switch(admin: &Admin, on: bool) {
    admin.patch("/tenants/settings", json!({"flags": {"enable_dynamic_client_registration": on}})).await;
}

async fn register(page: &Page, body: Value) -> Answer {
    page.post("/oidc/register", body).await
}

/// Calls the management address of a registration.
async fn manage(page: &Page, method: Method, uri: &str, token: &str, body: Option<Value>) -> Answer {
    let request = page.request(method, uri).bearer_auth(token);
    page.send(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value:#}"))
}

#[tokio::test]
async fn it_is_off_until_the_tenant_switches_it_on() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        let listed = async || {
            let document = tool.get("/.well-known/openid-configuration").await.json();
            document.get("registration_endpoint").cloned()
        };
        register(&tool, metadata()).await.expect(404);
        assert_eq!(listed().await, None);
        switch(&admin, true).await;
        assert_eq!(listed().await, Some(json!(format!("{}oidc/register", server.issuer()))));
        let made = register(&tool, metadata()).await.expect(201).json();
        // The other tenant has its own switch, and knows none of this one's clients.
        let acme = server.page_at("acme", "http://localhost:4200");
        register(&acme, metadata()).await.expect(404);
        switch(&server.admin_of("acme").await, true).await;
        let path = format!("/oidc/register/{}", text(&made, "client_id"));
        let token = text(&made, "registration_access_token");
        manage(&acme, Method::GET, &path, token, None).await.expect(401);
        manage(&tool, Method::GET, &path, token, None).await.expect(200);
        switch(&admin, false).await;
        register(&tool, metadata()).await.expect(404);
        manage(&tool, Method::GET, &path, token, None).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn a_client_registers_reads_changes_and_deletes_itself() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        switch(&admin, true).await;
        let answer = register(&tool, metadata()).await;
        let made = answer.expect(201).json();
        assert_eq!(answer.header("cache-control"), "no-store");
        let (id, secret) = (text(&made, "client_id"), text(&made, "client_secret"));
        assert!(id.starts_with("tpc_") && id.len() == 36, "{id}");
        assert_eq!(made["client_secret_expires_at"], 0);
        assert_eq!(made["grant_types"], json!(["authorization_code", "refresh_token"]));
        assert_eq!((made.get("contacts"), &made["redirect_uris"]), (None, &json!([CALLBACK])));
        let (uri, token) = (text(&made, "registration_client_uri"), text(&made, "registration_access_token"));
        assert_eq!(uri, format!("{}oidc/register/{id}", server.issuer()));
        let stored = admin.get(&format!("/clients/{id}")).await;
        assert_eq!((&stored["is_first_party"], &stored["name"]), (&json!(false), &json!("Stranger")));
        assert_eq!(stored["refresh_token"]["expiration_type"], "expiring");
        let log = admin.newest_log("sapi").await;
        assert_eq!((log["client_id"].as_str(), log.to_string().contains(secret)), (Some(id), false));
        let public = with(metadata(), "token_endpoint_auth_method", json!("none"));
        assert_eq!(register(&tool, public).await.expect(201).json().get("client_secret"), None);

        let read = manage(&tool, Method::GET, uri, token, None).await.expect(200).json();
        assert_eq!(read, made);
        for wrong in ["wrong", ""] {
            let refused = manage(&tool, Method::GET, uri, wrong, None).await;
            assert_eq!(refused.expect(401).error().0, "invalid_token");
        }
        tool.get(&format!("/oidc/register/{id}")).await.expect(401);
        manage(&tool, Method::GET, &format!("/oidc/register/{}", server.client_id()), token, None).await.expect(401);

        let change = json!({"client_id": id, "client_secret": secret, "client_name": "Renamed",
            "redirect_uris": ["https://app.example/other"], "initiate_login_uri": "https://app.example/login"});
        let changed = manage(&tool, Method::PUT, uri, token, Some(change.clone())).await.expect(200).json();
        assert_eq!((text(&changed, "client_name"), text(&changed, "initiate_login_uri")), ("Renamed", "https://app.example/login"));
        assert_eq!((&changed["redirect_uris"], text(&changed, "client_secret")), (&change["redirect_uris"], secret));
        assert_eq!(changed["grant_types"], json!(["authorization_code"]), "what is not sent is as by default");
        let bare = with(change.clone(), "initiate_login_uri", Value::Null);
        let changed = manage(&tool, Method::PUT, uri, token, Some(bare)).await.expect(200).json();
        assert_eq!(changed.get("initiate_login_uri"), None);
        for (name, value, error) in [
            ("client_id", json!("other"), "invalid_client_metadata"),
            ("client_id", Value::Null, "invalid_client_metadata"),
            ("client_secret", json!("chosen"), "invalid_client_metadata"),
            ("redirect_uris", json!([]), "invalid_redirect_uri"),
        ] {
            let refused = manage(&tool, Method::PUT, uri, token, Some(with(change.clone(), name, value))).await;
            assert_eq!(refused.expect(400).error().0, error, "{name}");
        }

        manage(&tool, Method::DELETE, uri, "wrong", None).await.expect(401);
        assert_eq!(manage(&tool, Method::DELETE, uri, token, None).await.expect(204).body, "");
        manage(&tool, Method::GET, uri, token, None).await.expect(401);
        admin.call(Method::GET, &format!("/clients/{id}"), None).await.expect(404);

        // A client that the owner deletes takes its registration with it.
        let made = register(&tool, metadata()).await.expect(201).json();
        admin.call(Method::DELETE, &format!("/clients/{}", text(&made, "client_id")), None).await.expect(204);
        let uri = text(&made, "registration_client_uri");
        manage(&tool, Method::GET, uri, text(&made, "registration_access_token"), None).await.expect(401);
    })
    .await;
}

#[tokio::test]
async fn metadata_that_is_not_accepted_is_named() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        switch(&admin, true).await;
        for (name, value, error) in [
            ("redirect_uris", json!(["https://app.example/#fragment"]), "invalid_redirect_uri"),
            ("redirect_uris", Value::Null, "invalid_redirect_uri"),
            ("redirect_uris", json!(["http://app.example/"]), "invalid_redirect_uri"),
            ("initiate_login_uri", json!("http://app.example/login"), "invalid_client_metadata"),
            ("token_endpoint_auth_method", json!("private_key_jwt"), "invalid_client_metadata"),
            ("id_token_signed_response_alg", json!("none"), "invalid_client_metadata"),
            ("software_statement", json!("e30.e30."), "unapproved_software_statement"),
        ] {
            let refused = register(&tool, with(metadata(), name, value.clone())).await;
            let (code, description) = refused.expect(400).error();
            assert_eq!((code.as_str(), description.is_empty()), (error, false), "{name} {value}");
        }
        tool.post_raw("/oidc/register", "application/json", "[]").await.expect(400);
        tool.post_raw("/oidc/register", "application/json", "{").await.expect(400);
        let clients = admin.get("/clients?is_first_party=false").await;
        assert_eq!(clients, json!([]));
    })
    .await;
}

#[tokio::test]
async fn it_logs_people_in_by_domain_connections_once_they_agree() {
    on_every_database(async |server: Server| {
        let (admin, tool, browser) = (server.admin().await, server.tool(), server.tool());
        switch(&admin, true).await;
        let ada = json!({"connection": "Username-Password-Authentication", "email": "ada@example.com",
            "password": "Correct-horse-battery-1", "email_verified": true});
        admin.create("/users", ada).await;
        let made = register(&tool, metadata()).await.expect(201).json();
        let id = text(&made, "client_id");
        let grant = json!({"client_id": id, "audience": server.audience(), "subject_type": "user", "scope": ["read:orders"]});
        admin.create("/client-grants", grant).await;
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("client_id", id), ("redirect_uri", CALLBACK), ("response_type", "code"), ("scope", "openid read:orders"), ("state", "s"),
                ("audience", server.audience())])
            .finish();
        let path = format!("/authorize?{query}");
        let refused = browser.get(&path).await;
        assert_eq!(refused.expect(302).returned("error").as_deref(), Some("invalid_request"), "no connection yet");

        let database = admin.connection("Username-Password-Authentication").await;
        let connection = format!("/connections/{}", text(&database, "id"));
        admin.patch(&connection, json!({"is_domain_connection": true})).await;
        let page = browser.open(&path).await;
        let form = Form::of(page.expect(200)).with("username", "ada@example.com").with("password", "Correct-horse-battery-1");
        let consent = form.submit(&browser, "default").await;
        assert!(consent.expect(200).body.contains("Stranger"), "{}", consent.body);
        let answer = Form::of(&consent).submit(&browser, "accept").await;
        let body = json!({"grant_type": "authorization_code", "client_id": id, "client_secret": made["client_secret"],
            "code": answer.expect(302).returned("code").unwrap(), "redirect_uri": CALLBACK});
        let tokens = tool.post("/oauth/token", body).await.expect(200).json();
        // It is a stranger: of an API what the tenant grants, no identity, no machine tokens.
        assert_eq!((&tokens["scope"], tokens.get("id_token")), (&json!("read:orders"), None));
        let machine = json!({"grant_type": "client_credentials", "client_id": id, "client_secret": made["client_secret"],
            "audience": server.audience()});
        assert_eq!(tool.post("/oauth/token", machine).await.expect(403).error().0, "unauthorized_client");
        // Nor does it make accounts.
        let eve = json!({"client_id": id, "connection": database["name"], "email": "eve@example.com",
            "password": "Correct-horse-7"});
        let answer = tool.post("/dbconnections/signup", eve).await;
        assert_eq!(admin.reason_of(answer.expect(403)).await, "third_party_client");
    })
    .await;
}

#[tokio::test]
async fn registrations_are_limited() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        switch(&admin, true).await;
        // Sixty an hour from one address; the clock is turned so that five a second is not what refuses.
        let mut made = 0;
        let refused = loop {
            let answer = register(&tool, metadata()).await;
            if answer.status != 201 {
                break answer;
            }
            made += 1;
            assert!(made < 70, "nothing limits them");
            server.turn.forward_seconds(1);
        };
        assert_eq!(refused.expect(429).error().0, "too_many_requests");
        assert_eq!(admin.reason_of(&refused).await, "registrations");
        assert!(made >= 60, "{made}");
        let clients = admin.get("/clients?is_first_party=false&per_page=100").await;
        assert_eq!(clients.as_array().unwrap().len(), made);
        server.turn.forward_seconds(120);
        register(&tool, metadata()).await.expect(201);
        // Five a second at the tenant.
        server.turn.forward_seconds(3600);
        let many = join_all((0..30).map(|_| register(&tool, metadata()))).await;
        let refused = many.iter().find(|answer| answer.status == 429).expect("a refusal");
        assert_eq!(admin.reason_of(refused).await, "registrations_at_tenant");
    })
    .await;
}
