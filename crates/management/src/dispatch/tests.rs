use std::sync::Arc;

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::ids::{Issuer, TenantId};
use gatewright_jose::MasterKey;
use gatewright_passwords::{Cost, Hasher};
use gatewright_resources::MIGRATIONS;
use gatewright_resources::seed::{NewTenant, SeedCx, bootstrap_admin};
use gatewright_resources::snapshot::{Tenant, Tenants};
use gatewright_resources::tenants;
use gatewright_store::{Db, DbConfig, StoreError};
use serde_json::{Value, json};

use super::{ApiRequest, ApiResponse, NOT_BUILT, Place, dispatch};

struct Server {
    db: Db,
    seed: SeedCx,
    tenant: Arc<Tenant>,
    issuer: Issuer,
    passwords: Hasher,
}

impl Server {
    async fn start() -> Self {
        let db = Db::open(&DbConfig::SqliteMemory).await.unwrap();
        let now = Timestamp::from_seconds(1_700_000_000);
        db.migrate(MIGRATIONS, now).await.unwrap();
        let random = Random::seeded(3);
        let master_key = Arc::new(MasterKey::generate(&random));
        let seed = SeedCx { now, random, master_key };
        let cx = seed.clone();
        db.write(move |tx| {
            Box::pin(async move {
                let id = TenantId::new("localhost");
                let new =
                    NewTenant { id: id.clone(), host: "localhost".into(), friendly_name: String::new() };
                tenants::create(tx, &new, &cx).await?;
                bootstrap_admin(tx, &id, "boot", "secret", &cx).await?;
                Ok::<_, StoreError>(())
            })
        })
        .await
        .unwrap();
        let tenant =
            Tenants::default().by_host(&db, &seed.master_key, "localhost", now).await.unwrap().unwrap();
        let passwords = Hasher::new(Cost::LEAST, 1, seed.random.clone());
        Self { db, seed, tenant, issuer: Issuer::new("https", "localhost:8443"), passwords }
    }

    fn token(&self, change: Value) -> String {
        let now = self.seed.now.seconds();
        let mut claims = json!({
            "iss": self.issuer.as_str(), "aud": self.issuer.management_audience(), "sub": "boot@clients", "azp": "boot",
            "iat": now, "exp": now + 60, "scope": "read:clients create:clients", "gty": "client-credentials",
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.tenant.signing_keys()[0].sign("JWT", &claims).unwrap()
    }

    fn place(&self) -> Place<'_> {
        Place {
            db: &self.db,
            random: &self.seed.random,
            master_key: &self.seed.master_key,
            passwords: &self.passwords,
            tenant: &self.tenant,
            issuer: &self.issuer,
            now: self.seed.now,
            ip: "127.0.0.1".into(),
            user_agent: None,
            rate_limit: None,
            flows: None,
            trial: None,
        }
    }

    async fn send(&self, token: Option<String>, method: &str, path: &str, body: &str) -> ApiResponse {
        let request = ApiRequest {
            method: method.into(),
            path: path.into(),
            authorization: token.map(|token| format!("Bearer {token}")),
            body: body.into(),
            ..ApiRequest::default()
        };
        dispatch(self.place(), request).await
    }
}

#[tokio::test]
async fn tokens_are_held_to_signature_issuer_audience_and_life() {
    let server = Server::start().await;
    let check = |token: Option<String>, expect: &'static str| {
        let server = &server;
        async move {
            let answer = server.send(token, "GET", "/clients", "").await;
            let body = answer.body.unwrap();
            assert_eq!(
                (answer.status, body["message"].as_str().unwrap_or("ok")),
                (if expect == "ok" { 200 } else { 401 }, expect)
            );
        }
    };
    check(Some(server.token(json!({}))), "ok").await;
    check(
        Some(
            server
                .token(json!({"aud": ["https://localhost:8443/userinfo", "https://localhost:8443/api/v2/"]})),
        ),
        "ok",
    )
    .await;
    check(None, "Missing authentication").await;
    check(Some("nonsense".into()), "Invalid token").await;
    check(Some(server.token(json!({})).replace(".ey", ".eyJ")), "Invalid token").await;
    check(
        Some(server.token(json!({"exp": server.seed.now.seconds()}))),
        "Expired token received for JSON Web Token validation",
    )
    .await;
    check(
        Some(server.token(json!({"aud": "https://api.localhost/"}))),
        "Bad audience: expected https://localhost:8443/api/v2/",
    )
    .await;
    check(
        Some(server.token(json!({"iss": "https://acme.localhost:8443/"}))),
        "Bad issuer: the token was issued at another host",
    )
    .await;
}

#[tokio::test]
async fn refusals_have_one_shape() {
    let server = Server::start().await;
    let answer = server.send(Some(server.token(json!({}))), "DELETE", "/clients/x", "").await;
    assert_eq!(
        answer.body.unwrap(),
        json!({
            "statusCode": 403,
            "error": "Forbidden",
            "message": "Insufficient scope, expected any of: delete:clients",
            "errorCode": "insufficient_scope",
        })
    );
    let answer = server.send(Some(server.token(json!({}))), "POST", "/clients", "{\"name\":").await;
    assert_eq!(
        answer.body.unwrap(),
        json!({"statusCode": 400, "error": "Bad Request", "message": "Invalid request payload JSON format", "errorCode": "invalid_body"})
    );
    let answer = server.send(None, "GET", "/nonsense", "").await;
    assert_eq!(
        answer.body.unwrap(),
        json!({"statusCode": 404, "error": "Not Found", "message": "Not Found"})
    );
    assert_eq!(server.send(None, "PUT", "/clients", "").await.status, 404);
    assert_eq!(server.send(None, "BREW", "/clients", "").await.status, 404);
}

#[tokio::test]
async fn what_is_not_built_refuses_as_tools_tolerate_and_says_so_in_a_header() {
    let server = Server::start().await;
    let answer = server.send(Some(server.token(json!({}))), "GET", "/actions/modules", "").await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.body.unwrap()["message"], "Insufficient scope, expected any of: read:actions");
    assert_eq!(answer.headers, [(NOT_BUILT, "get_action_modules".to_owned())]);
    assert_eq!(server.send(None, "GET", "/actions/modules", "").await.status, 401);
}

#[tokio::test]
async fn a_created_client_answers_201_and_is_told_to_have_changed_the_configuration() {
    let server = Server::start().await;
    let answer = server
        .send(Some(server.token(json!({}))), "POST", "/clients", r#"{"name":"App","app_type":"spa"}"#)
        .await;
    assert_eq!((answer.status, answer.config_changed), (201, true));
    let body = answer.body.unwrap();
    assert_eq!(body["client_id"].as_str().unwrap().len(), 32);
    assert_eq!(body["token_endpoint_auth_method"], "none");
    assert!(body["client_secret"].is_string());
    let read = server
        .send(
            Some(server.token(json!({}))),
            "GET",
            &format!("/clients/{}", body["client_id"].as_str().unwrap()),
            "",
        )
        .await;
    assert!(read.body.unwrap().get("client_secret").is_none());
}

#[tokio::test]
async fn forms_are_taken_beside_json_and_other_types_are_not() {
    let server = Server::start().await;
    let check = async |content_type: &str, body: &str| {
        let request = ApiRequest {
            method: "POST".into(),
            path: "/clients".into(),
            authorization: Some(format!("Bearer {}", server.token(json!({})))),
            content_type: Some(content_type.into()),
            body: body.into(),
            ..ApiRequest::default()
        };
        let answer = dispatch(server.place(), request).await;
        let body = answer.body.unwrap();
        (answer.status, body["oidc_conformant"].clone())
    };
    let form = "name=App+1&oidc_conformant=true";
    assert_eq!(check("application/x-www-form-urlencoded; charset=utf-8", form).await, (201, json!(true)));
    assert_eq!(check("application/x-www-form-urlencoded", "name=App&oidc_conformant=maybe").await.0, 400);
    assert_eq!(check("application/json; charset=utf-8", r#"{"name":"App"}"#).await, (201, json!(false)));
    assert_eq!(check("application/json", "").await.0, 400);
    assert_eq!(check("text/plain", "name").await.0, 415);
}
