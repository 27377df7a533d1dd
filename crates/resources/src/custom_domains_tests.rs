use gatewright_core::ids::TenantId;
use gatewright_store::StoreError;
use serde_json::{Value, json};

use crate::seed::NewTenant;
use crate::tenants;
use crate::testing::{Conversation, on_every_engine};

const LIST: &str = "/custom-domains";

async fn expect(server: &Conversation, status: u16, method: &str, target: &str, body: Value) -> Value {
    let (got, answer) = server.call(method, target, body).await;
    assert_eq!(got, status, "{method} {target}: {answer}");
    answer
}

fn body(domain: &str) -> Value {
    json!({"domain": domain, "type": "self_managed_certs", "verification_method": "txt"})
}

/// The tenant that a request for this host belongs to.
async fn served(server: &Conversation, host: &'static str) -> Option<String> {
    let found = server.write(move |tx| Box::pin(async move { tenants::by_host(tx, host).await })).await;
    found.map(|(tenant, _)| tenant.to_string())
}

async fn new_tenant(server: &Conversation, id: &'static str, host: &'static str) -> Result<(), StoreError> {
    let seed = server.seed.clone();
    let new = NewTenant { id: TenantId::new(id), host: host.into(), friendly_name: id.into() };
    server.db.write(move |tx| Box::pin(async move { tenants::create(tx, &new, &seed).await })).await
}

#[tokio::test]
async fn a_domain_is_served_from_its_verification_to_its_deletion() {
    on_every_engine(async |server| {
        let made = expect(&server, 201, "POST", LIST, body("Login.localhost")).await;
        let id = made["custom_domain_id"].as_str().unwrap();
        let item = format!("{LIST}/{id}");
        assert_eq!(
            (&made["domain"], &made["status"]),
            (&json!("login.localhost"), &json!("pending_verification"))
        );
        let method = json!({"name": "cname", "record": "localhost", "domain": "login.localhost"});
        assert_eq!(made["verification"]["methods"], json!([method]));
        assert_eq!(served(&server, "login.localhost").await, None);

        let tested = expect(&server, 200, "POST", &format!("{item}/test"), json!(null)).await;
        assert_eq!(tested["success"], true);
        assert_eq!(served(&server, "login.localhost").await, None);
        let verified = expect(&server, 200, "POST", &format!("{item}/verify"), json!(null)).await;
        assert_eq!(
            (&verified["status"], &verified["verification"]["status"]),
            (&json!("ready"), &json!("verified"))
        );
        assert_eq!(served(&server, "login.localhost").await.as_deref(), Some("localhost"));
        assert!(matches!(
            new_tenant(&server, "thief", "login.localhost").await,
            Err(StoreError::Unique { .. })
        ));

        expect(&server, 204, "DELETE", &item, json!(null)).await;
        assert_eq!(served(&server, "login.localhost").await, None);
        expect(&server, 404, "POST", &format!("{item}/verify"), json!(null)).await;
    })
    .await;
}

#[tokio::test]
async fn a_host_has_one_owner() {
    on_every_engine(async |server| {
        new_tenant(&server, "acme", "acme.localhost").await.unwrap();
        for taken in ["acme.localhost", "localhost"] {
            let said = expect(&server, 409, "POST", LIST, body(taken)).await;
            assert!(said.as_str().unwrap().ends_with("(custom_domain_conflict)"), "{said}");
        }
        expect(&server, 201, "POST", LIST, body("one.localhost")).await;
        expect(&server, 409, "POST", LIST, body("ONE.localhost")).await;
        for wrong in ["a b.example", "https://a.example", "a.example:443", "192.0.2.1", "-a.example", "a..b"]
        {
            expect(&server, 400, "POST", LIST, body(wrong)).await;
        }
        // A name that leads nowhere stays pending, and says why (RFC 6761 section 6.4).
        let lost = expect(&server, 201, "POST", LIST, body("login.invalid")).await;
        let verify = format!("{LIST}/{}/verify", lost["custom_domain_id"].as_str().unwrap());
        let lost = expect(&server, 200, "POST", &verify, json!(null)).await;
        assert_eq!(lost["status"], "pending_verification");
        let why = lost["verification"]["error_msg"].as_str().unwrap();
        assert!(why.starts_with("No address was found for login.invalid"), "{why}");
        assert_eq!(served(&server, "login.invalid").await, None);
    })
    .await;
}

#[tokio::test]
async fn lists_are_bare_until_something_is_asked_of_them_and_one_domain_is_the_default() {
    on_every_engine(async |server| {
        assert_eq!(
            expect(&server, 200, "GET", "/custom-domains/default", json!(null)).await,
            json!({"domain": "localhost"})
        );
        let b = expect(&server, 201, "POST", LIST, body("b.localhost")).await;
        expect(&server, 201, "POST", LIST, body("a.localhost")).await;
        let names = |list: &Value| -> Vec<Value> {
            list.as_array().unwrap().iter().map(|domain| domain["domain"].clone()).collect()
        };
        let bare = expect(&server, 200, "GET", "/custom-domains?include_totals=true", json!(null)).await;
        assert_eq!(names(&bare), ["a.localhost", "b.localhost"]);
        let first = expect(&server, 200, "GET", "/custom-domains?take=1&sort=domain:-1", json!(null)).await;
        assert_eq!(names(&first["custom_domains"]), ["b.localhost"]);
        let next = format!("/custom-domains?take=1&sort=domain:-1&from={}", first["next"].as_str().unwrap());
        let rest = expect(&server, 200, "GET", &next, json!(null)).await;
        assert_eq!((names(&rest["custom_domains"]), rest.get("next")), (vec![json!("a.localhost")], None));

        let item = format!("{LIST}/{}", b["custom_domain_id"].as_str().unwrap());
        let change = json!({"domain_metadata": {"region": "eu"}, "custom_client_ip_header": null});
        assert_eq!(
            expect(&server, 200, "PATCH", &item, change).await["domain_metadata"],
            json!({"region": "eu"})
        );
        let choose = |domain: &str| json!({ "domain": domain });
        expect(&server, 400, "PATCH", "/custom-domains/default", choose("b.localhost")).await;
        expect(&server, 400, "PATCH", "/custom-domains/default", choose("c.localhost")).await;
        expect(&server, 200, "POST", &format!("{item}/verify"), json!(null)).await;
        let chosen = expect(&server, 200, "PATCH", "/custom-domains/default", choose("b.localhost")).await;
        assert_eq!(chosen["is_default"], true);
        let found = expect(&server, 200, "GET", "/custom-domains?q=is_default:true", json!(null)).await;
        assert_eq!(names(&found["custom_domains"]), ["b.localhost"]);
        let found = expect(&server, 200, "GET", "/custom-domains?q=a.* OR status:ready", json!(null)).await;
        assert_eq!(names(&found["custom_domains"]), ["a.localhost", "b.localhost"]);
        expect(&server, 400, "GET", "/custom-domains?q=verification:x", json!(null)).await;
        expect(&server, 200, "PATCH", "/custom-domains/default", choose("localhost")).await;
        assert_eq!(expect(&server, 200, "GET", &item, json!(null)).await["is_default"], false);
    })
    .await;
}
