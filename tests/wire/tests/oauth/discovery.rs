//! Discovery, keys, and the files that Lock loads first.

use gatewright_testkit::{Server, on_every_database};
use serde_json::{Value, json};

#[tokio::test]
async fn discovery_lists_what_is_served_and_nothing_else() {
    on_every_database(async |server: Server| {
        let tool = server.tool();
        let answer = tool.get("/.well-known/openid-configuration").await;
        assert_eq!(answer.expect(200).header("content-type"), "application/json");
        let document = answer.json();
        assert_eq!(document["issuer"], server.issuer());
        for (name, url) in document
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri")
        {
            let status = tool.get(url.as_str().unwrap()).await.status;
            assert_ne!(status, 404, "{name}");
        }
        let methods = json!(["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]);
        assert_eq!(document["token_endpoint_auth_methods_supported"], methods);
        let algorithms = json!(["RS256", "RS384", "PS256"]);
        assert_eq!(document["token_endpoint_auth_signing_alg_values_supported"], algorithms);
        assert_eq!(tool.get("/.well-known/oauth-authorization-server").await.json(), document);
    })
    .await;
}

#[tokio::test]
async fn keys_verify_the_tokens_and_carry_their_certificate() {
    on_every_database(async |server: Server| {
        let keys = server.tool().get("/.well-known/jwks.json").await.expect(200).json();
        let key = &keys["keys"][0];
        assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&json!("RSA"), &json!("RS256"), &json!("sig")));
        for member in ["kid", "n", "e", "x5t"] {
            assert!(key[member].is_string(), "{member}");
        }
        assert!(key["x5c"][0].is_string());
        let header = gatewright_jose::parse_unverified(server.admin().await.token()).unwrap().0;
        assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "kid": key["kid"]}));
        assert!(server.tool().get("/pem").await.expect(200).body.starts_with("-----BEGIN CERTIFICATE-----"));
    })
    .await;
}

#[tokio::test]
async fn the_client_file_is_one_call_with_the_clients_connections() {
    on_every_database(async |server: Server| {
        let answer = server.tool().get(&format!("/client/{}.js?t1700000000000", server.client_id())).await;
        assert_eq!(answer.expect(200).header("content-type"), "application/x-javascript; charset=utf-8");
        let json = answer.body.strip_prefix("Auth0.setClient(").and_then(|rest| rest.strip_suffix(");"));
        let client: Value = serde_json::from_str(json.expect("one call")).unwrap();
        assert_eq!(client["id"], server.client_id());
        let strategies: Vec<&Value> =
            client["strategies"].as_array().unwrap().iter().map(|s| &s["name"]).collect();
        assert!(strategies.contains(&&json!("sms")), "{client:#}");
        server.tool().get("/client/nobody.js").await.expect(404);

        let country = server.page("http://localhost:4200").get("/user/geoloc/country").await;
        assert_eq!(country.expect(200).json(), json!({"country_code": "US"}));
        assert_eq!(server.tool().get("/user/ssodata").await.expect(200).json(), json!({"sso": false}));
    })
    .await;
}
