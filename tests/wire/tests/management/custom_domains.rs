//! A tenant at a domain of its own.

use gatewright_testkit::{Admin, CUSTOM_DOMAIN, Server, Start, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_verified_domain_is_the_tenants_issuer_and_no_other_tenants() {
    on_every_database(async |server: Server| {
        let (tool, admin) = (server.tool(), server.admin().await);
        let at_domain = server.tool_at_custom_domain();
        let there = async |path: &str| at_domain.get(path).await;
        let discovery = "/.well-known/openid-configuration";
        assert_eq!(there(discovery).await.status, 421);

        let body = json!({"domain": CUSTOM_DOMAIN, "type": "self_managed_certs"});
        let made = admin.create("/custom-domains", body.clone()).await;
        let item = format!("/custom-domains/{}", made["custom_domain_id"].as_str().unwrap());
        assert_eq!(there(discovery).await.status, 421);
        let other = server.admin_of("acme").await;
        let theirs = other.create("/custom-domains", body).await;

        let verified = admin.call(Method::POST, &format!("{item}/verify"), None).await.expect(200).json();
        assert_eq!(verified["status"], "ready");
        let issuer = server.issuer().replace("localhost", CUSTOM_DOMAIN);
        assert_eq!(there(discovery).await.expect(200).json()["issuer"], issuer);
        let keys = |answer: gatewright_testkit::Answer| -> Value { answer.expect(200).json() };
        assert_eq!(
            keys(there("/.well-known/jwks.json").await),
            keys(tool.get("/.well-known/jwks.json").await)
        );
        // A login begins there, and stays there.
        let begun = there(&Start::seed(&server).authorize_path(&[])).await;
        assert_eq!(begun.status, 302, "{}", begun.body);
        assert!(begun.header("location").starts_with("/u/login"), "{}", begun.header("location"));

        // A link names it if the caller says so, and is good there. It is no host for another tenant's links.
        let user = json!({"connection": "Username-Password-Authentication", "email": "ann@example.com"});
        let ticket = async |admin: &Admin| {
            let user = admin.create("/users", user.clone()).await;
            let body = json!({"user_id": user["user_id"]});
            admin.post_naming(CUSTOM_DOMAIN, "/tickets/password-change", body).await
        };
        let link = ticket(&admin).await.expect(201).json()["ticket"].as_str().unwrap().to_owned();
        there(&format!("/{}", link.strip_prefix(&issuer).unwrap())).await.expect(200);
        assert_eq!(ticket(&other).await.expect(400).json()["errorCode"], "invalid_custom_domain");

        // The other tenant cannot take what is another's.
        let path = format!("/custom-domains/{}/verify", theirs["custom_domain_id"].as_str().unwrap());
        let refused = other.call(Method::POST, &path, None).await;
        assert_eq!((refused.status, &refused.json()["errorCode"]), (409, &json!("custom_domain_conflict")));

        admin.call(Method::DELETE, &item, None).await.expect(204);
        assert_eq!(there(discovery).await.status, 421);
        other.call(Method::POST, &path, None).await.expect(200);
        assert_eq!(there(discovery).await.expect(200).json()["issuer"], issuer);
        assert_ne!(
            keys(there("/.well-known/jwks.json").await),
            keys(tool.get("/.well-known/jwks.json").await)
        );
    })
    .await;
}
