//! The API describes itself, to programs and to people, without a token.

use gatewright_testkit::{Server, on_every_database};

#[tokio::test]
async fn the_api_describes_itself() {
    on_every_database(async |server: Server| {
        let tool = server.tool();
        let document = tool.get("/api/v2/openapi.json").await;
        assert_eq!(document.expect(200).header("access-control-allow-origin"), "*");
        let document = document.json();
        assert_eq!(document["openapi"], "3.1.0");
        let operations = |methods: &serde_json::Value| methods.as_object().unwrap().len();
        let described: usize = document["paths"].as_object().unwrap().values().map(operations).sum();
        let ours = || gatewright_resources::own_operations();
        assert_eq!(described, gatewright_resources::operations().chain(ours()).count());

        let page = tool.get("/api/v2/reference").await;
        assert!(
            page.expect(200)
                .header("content-security-policy")
                .starts_with("default-src 'none'; style-src 'nonce-")
        );
        assert!(page.body.contains(&format!("<code>{}api/v2/</code>", server.issuer())));
        for operation in gatewright_resources::operations().chain(ours()) {
            assert!(page.body.contains(&format!("id=\"{}\"", operation.id)), "{}", operation.id);
        }
    })
    .await;
}
