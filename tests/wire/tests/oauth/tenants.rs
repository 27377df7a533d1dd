//! Two tenants on one server: nothing of one is seen at the other.

use gatewright_testkit::{Server, Start, on_every_database};
use reqwest::Method;

const APP: &str = "http://localhost:4200";

#[tokio::test]
async fn what_belongs_to_one_tenant_is_unknown_at_the_other() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let start = Start::seed(&server);
        let tokens = start.log_in(&server, &page).await;
        let there = server.page_at("acme", APP);

        assert_ne!(server.issuer(), server.issuer_of("acme"));
        let keys = async |page: &gatewright_testkit::Page| {
            page.get("/.well-known/jwks.json").await.expect(200).json()
        };
        assert_ne!(keys(&page).await, keys(&there).await);
        there.get(&format!("/client/{}.js", server.client_id())).await.expect(404);
        assert!(there.get(&start.authorize_path(&[])).await.expect(400).body.contains("Unknown client"));
        let request = there.request(Method::GET, "/userinfo").bearer_auth(tokens.access_token());
        there.send(request).await.expect(401);

        let admin = server.admin().await;
        let request = there.request(Method::GET, "/api/v2/users").bearer_auth(admin.token());
        there.send(request).await.expect(401);
        assert_eq!(admin.get("/users").await.as_array().unwrap().len(), 1);

        // The session cookie of one tenant means nothing at the other.
        let mut probe = start.clone();
        probe.client_id = server.client_id_of("acme").to_owned();
        probe.audience = None;
        let path = probe.authorize_path(&[("prompt", "none"), ("response_mode", "web_message")]);
        let request = there.request(Method::GET, &path).header("cookie", page.cookies());
        assert_eq!(there.send(request).await.web_message()["error"], "login_required");
    })
    .await;
}

#[tokio::test]
async fn unknown_hosts_and_ports_are_refused() {
    on_every_database(async |server: Server| {
        let tool = server.tool();
        for host in ["evil.example", "localhost:1", "localhost", "user@localhost"] {
            let request = tool.request(Method::GET, "/.well-known/openid-configuration").header("host", host);
            assert_eq!(tool.send(request).await.status, 421, "{host}");
        }
    })
    .await;
}
