//! Kinds of token exchange and the other grant types that are known but not built: each says so. (What is built of
//! token exchange needs Actions: see the conversations in `scripts`.)

use gatewright_testkit::{Server, on_every_database};
use serde_json::{Value, json};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const VAULT: &str = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

#[tokio::test]
async fn a_token_exchange_is_checked_and_refused_by_what_it_would_exchange() {
    on_every_database(async |server: Server| {
        let (tool, admin) = (server.tool(), server.admin().await);
        let ask = async |more: Value| {
            let mut body = json!({"grant_type": EXCHANGE, "client_id": server.client_id()});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            tool.post("/oauth/token", body).await
        };
        let own = json!({"subject_token": "t", "subject_token_type": "urn:acme:legacy-token"});
        let with = |name: &str, value: &str| {
            let mut body = own.clone();
            body[name] = json!(value);
            body
        };
        for (body, missing) in [
            (json!({}), "subject_token"),
            (with("subject_token", ""), "subject_token"),
            (json!({"subject_token": "t"}), "subject_token_type"),
            (with("actor_token", "a"), "actor_token_type"),
            (with("actor_token_type", "urn:acme:a"), "actor_token"),
        ] {
            let answer = ask(body).await;
            let text = format!("Missing required parameter: {missing}");
            assert_eq!(answer.expect(400).error(), ("invalid_request".to_owned(), text));
        }
        let kind = ask(json!({"subject_token": ["t"], "subject_token_type": "urn:acme:x"})).await;
        assert_eq!(kind.expect(400).error().0, "invalid_request");
        for (subject_token_type, says, event) in [
            (
                "http://auth0.com/oauth/token-type/apple-authz-code",
                "Native social logins are not built",
                "fens",
            ),
            (ACCESS_TOKEN, "exchange of access tokens is not built", "failed_on_behalf_of_token_exchange"),
            ("https://auth0.com/anything", "Unsupported subject_token_type", "fecte"),
            ("legacy", "must be a URI", "fecte"),
        ] {
            let answer = ask(with("subject_token_type", subject_token_type)).await;
            let (error, text) = answer.expect(400).error();
            assert_eq!(error, "invalid_request");
            assert!(text.contains(says), "{subject_token_type}: {text}");
            let log = admin.newest_log(event).await;
            assert_eq!((&log["client_id"], &log["description"]), (&json!(server.client_id()), &json!(text)));
            assert!(!log.to_string().contains("\"t\""), "tokens are not logged: {log}");
        }
        let form = [("grant_type", EXCHANGE), ("client_id", server.client_id()), ("subject_token", "t")];
        tool.post_form("/oauth/token", &form).await.expect(400);

        // As at every grant, the client comes first.
        let unknown = json!({"grant_type": EXCHANGE, "client_id": "nobody", "subject_token": "t"});
        assert_eq!(tool.post("/oauth/token", unknown).await.expect(401).error().1, "Unauthorized");
        let secretive = admin.create("/clients", json!({"name": "Web", "app_type": "regular_web"})).await;
        let without =
            json!({"grant_type": EXCHANGE, "client_id": secretive["client_id"], "subject_token": "t"});
        tool.post("/oauth/token", without).await.expect(401);
    })
    .await;
}

#[tokio::test]
async fn grant_types_that_are_not_built_are_named_and_not_advertised() {
    on_every_database(async |server: Server| {
        let (tool, admin) = (server.tool(), server.admin().await);
        let listed =
            tool.get("/.well-known/openid-configuration").await.json()["grant_types_supported"].clone();
        let listed = listed.as_array().unwrap();
        let vault = json!({"connection": "google", "subject_token": "t", "subject_token_type": ACCESS_TOKEN,
            "requested_token_type": "http://auth0.com/oauth/token-type/federated-connection-access-token"});
        for (name, parameters, feature, event) in [
            (
                "urn:okta:params:oauth:grant-type:webauthn",
                json!({"auth_session": "s", "authn_response": {"id": "i"}}),
                "Passkeys",
                "f",
            ),
            (
                "urn:openid:params:grant-type:ciba",
                json!({"auth_req_id": "r"}),
                "CIBA",
                "ciba_exchange_failed",
            ),
            (
                "urn:ietf:params:oauth:grant-type:jwt-bearer",
                json!({"assertion": "a"}),
                "JWT bearer",
                "jwt_bearer_exchange_failed",
            ),
            (VAULT, vault, "Token Vault", "feta"),
        ] {
            let ask = async |parameters: &Value| {
                let mut body = json!({"grant_type": name, "client_id": server.client_id()});
                body.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
                tool.post("/oauth/token", body).await
            };
            for missing in parameters.as_object().unwrap().keys() {
                let mut without = parameters.clone();
                without.as_object_mut().unwrap().remove(missing);
                let text = format!("Missing required parameter: {missing}");
                assert_eq!(ask(&without).await.expect(400).error(), ("invalid_request".to_owned(), text));
            }
            let (error, text) = ask(&parameters).await.expect(403).error();
            assert_eq!(error, "unsupported_grant_type");
            assert!(text.starts_with(&format!("Unsupported grant type: {name}. ")), "{text}");
            assert!(text.contains(feature) && text.ends_with("not built in this version."), "{text}");
            let log = admin.newest_log(event).await;
            assert_eq!(log["details"]["decision"]["reason"], "grant_type_not_built");
            assert!(!listed.contains(&json!(name)), "{name} is advertised");
        }
        let nonsense = json!({"grant_type": "nonsense", "client_id": server.client_id()});
        let text = "Unsupported grant type: nonsense";
        let answer = tool.post("/oauth/token", nonsense).await;
        assert_eq!(answer.expect(403).error(), ("unsupported_grant_type".into(), text.into()));
    })
    .await;
}
