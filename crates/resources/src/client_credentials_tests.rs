use std::sync::LazyLock;

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_jose::SigningKey;
use serde_json::{Value, json};

use crate::testing::{Conversation, on_every_engine};

/// Generating RSA keys is slow, so the tests share three: certificates that end 13 years after their birth.
static CERTIFICATES: LazyLock<[String; 3]> = LazyLock::new(|| {
    [1, 2, 3].map(|seed| {
        let (random, born) = (Random::seeded(seed), Timestamp::from_seconds(1_700_000_000));
        let new = SigningKey::generate_rsa(&random, born, "client").unwrap();
        SigningKey::load("k", &new.pkcs8, &new.certificate_der).unwrap().certificate_pem()
    })
});

fn public_key(number: usize) -> Value {
    json!({"credential_type": "public_key", "pem": CERTIFICATES[number]})
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

async fn client(server: &Conversation) -> String {
    let (status, client) = server.call("POST", "/clients", json!({"name": "App"})).await;
    assert_eq!(status, 201);
    client["client_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_credential_is_made_used_rotated_and_deleted() {
    on_every_engine(async |server| {
        let id = client(&server).await;
        let (list, item) = (format!("/clients/{id}/credentials"), format!("/clients/{id}"));
        let body = with(public_key(0), "name", json!("first"));
        let (status, first) = server.call("POST", &list, body).await;
        assert_eq!((status, &first["alg"], &first["name"]), (201, &json!("RS256"), &json!("first")));
        assert!(first["id"].as_str().unwrap().starts_with("cred_"));
        assert_eq!(first["id"].as_str().unwrap().len(), 27);
        assert_eq!(first["kid"].as_str().unwrap().len(), 43, "a thumbprint");
        assert_eq!((first.get("pem"), first.get("jwk"), first.get("expires_at")), (None, None, None));

        let method = |ids: &[&Value]| {
            let ids: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
            json!({"client_authentication_methods": {"private_key_jwt": {"credentials": ids}}})
        };
        let change = with(method(&[&first["id"]]), "token_endpoint_auth_method", Value::Null);
        let (status, changed) = server.call("PATCH", &item, change).await;
        assert_eq!((status, changed.get("token_endpoint_auth_method")), (200, None), "{changed}");
        assert_eq!(changed.get("client_secret"), None, "it is not used any more");

        let second = with(with(public_key(1), "alg", json!("PS256")), "parse_expiry_from_cert", json!(true));
        let (status, second) = server.call("POST", &list, second).await;
        assert_eq!((status, &second["alg"]), (201, &json!("PS256")));
        assert!(second["expires_at"].as_str().unwrap().starts_with("203"), "{second}");
        let (status, all) = server.call("GET", &list, json!(null)).await;
        assert_eq!((status, &all), (200, &json!([first, second])));
        let (status, full) = server.call("POST", &list, public_key(2)).await;
        assert_eq!(status, 400, "{full}");

        let path = format!("{list}/{}", second["id"].as_str().unwrap());
        let (status, changed) =
            server.call("PATCH", &path, json!({"expires_at": "2030-01-02T03:04:05+01:00"})).await;
        assert_eq!((status, &changed["expires_at"]), (200, &json!("2030-01-02T02:04:05.000Z")));
        let (_, read) = server.call("GET", &path, json!(null)).await;
        assert_eq!(read, changed);
        let (_, endless) = server.call("PATCH", &path, json!({"expires_at": null})).await;
        assert_eq!(endless["expires_at"], Value::Null);

        let first_path = format!("{list}/{}", first["id"].as_str().unwrap());
        assert_eq!(server.call("DELETE", &first_path, json!(null)).await.0, 400, "in use");
        assert_eq!(server.call("PATCH", &item, method(&[&second["id"]])).await.0, 200);
        assert_eq!(server.call("DELETE", &first_path, json!(null)).await.0, 204);
        assert_eq!(server.call("DELETE", &first_path, json!(null)).await.0, 204);
        assert_eq!(server.call("GET", &first_path, json!(null)).await.0, 404);

        let back = json!({"token_endpoint_auth_method": "client_secret_basic", "client_authentication_methods": null});
        let (_, back) = server.call("PATCH", &item, back).await;
        assert_eq!(back["token_endpoint_auth_method"], "client_secret_basic");
        assert!(back["client_secret"].is_string());
        assert_eq!(server.call("DELETE", &item, json!(null)).await.0, 204);
        assert_eq!(server.call("GET", &list, json!(null)).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn a_client_may_bring_its_credentials() {
    on_every_engine(async |server| {
        let bringing = |credentials: Value| {
            json!({"name": "App", "client_authentication_methods": {"private_key_jwt": {"credentials": credentials}}})
        };
        let (status, made) = server.call("POST", "/clients", bringing(json!([public_key(0)]))).await;
        assert_eq!(status, 201, "{made}");
        let used = &made["client_authentication_methods"]["private_key_jwt"]["credentials"];
        let list = format!("/clients/{}/credentials", made["client_id"].as_str().unwrap());
        let (_, all) = server.call("GET", &list, json!(null)).await;
        assert_eq!(used, &json!([{"id": all[0]["id"]}]));
        assert!(made["grant_types"].as_array().unwrap().contains(&json!("client_credentials")));

        for wrong in [
            json!([{"id": "cred_1"}]),
            json!([{"credential_type": "public_key"}]),
            json!([public_key(0), public_key(0)]),
            json!([public_key(0), public_key(1), public_key(2)]),
        ] {
            let (status, message) = server.call("POST", "/clients", bringing(wrong.clone())).await;
            assert!(matches!(status, 400 | 409), "{wrong} {message}");
        }
        let (_, clients) = server.call("GET", "/clients?is_global=false", json!(null)).await;
        assert_eq!(clients.as_array().unwrap().len(), 1, "nothing is left of those that were refused");
    })
    .await;
}

#[tokio::test]
async fn credentials_are_checked() {
    on_every_engine(async |server| {
        let id = client(&server).await;
        let list = format!("/clients/{id}/credentials");
        let bad = [
            json!({}),
            json!({"credential_type": "public_key"}),
            json!({"credential_type": "password", "pem": CERTIFICATES[0]}),
            json!({"credential_type": "x509_cert"}),
            json!({"credential_type": "x509_cert", "pem": "nonsense"}),
            json!({"credential_type": "x509_cert", "pem": CERTIFICATES[0], "kid": "my-own-key-id"}),
            json!({"credential_type": "x509_cert", "pem": CERTIFICATES[0], "subject_dn": "CN=client"}),
            json!({"credential_type": "cert_subject_dn"}),
            json!({"credential_type": "cert_subject_dn", "pem": CERTIFICATES[0], "subject_dn": "CN=client"}),
            with(public_key(0), "subject_dn", json!("CN=client")),
            with(public_key(0), "pem", json!("nonsense")),
            with(public_key(0), "alg", json!("HS256")),
            with(public_key(0), "alg", json!("none")),
            with(public_key(0), "kid", json!("short")),
            with(public_key(0), "kid", json!("not/url/safe/key")),
            with(public_key(0), "expires_at", json!("tomorrow")),
            with(public_key(0), "expires_at", json!("2001-01-01T00:00:00Z")),
            with(
                with(public_key(0), "expires_at", json!("2040-01-01T00:00:00Z")),
                "parse_expiry_from_cert",
                json!(true),
            ),
            with(public_key(0), "private_key", json!("x")),
        ];
        for body in bad {
            let (status, message) = server.call("POST", &list, body.clone()).await;
            assert_eq!(status, 400, "{body} {message}");
        }
        let named = with(public_key(0), "kid", json!("my-own-key-id"));
        let (status, credential) = server.call("POST", &list, named).await;
        assert_eq!((status, &credential["kid"]), (201, &json!("my-own-key-id")));
        let again = with(public_key(1), "kid", json!("my-own-key-id"));
        assert_eq!(server.call("POST", &list, again).await.0, 409);
        let path = format!("{list}/{}", credential["id"].as_str().unwrap());
        for body in [json!({}), json!({"expires_at": "2001-01-01T00:00:00Z"}), json!({"name": "x"})] {
            assert_eq!(server.call("PATCH", &path, body.clone()).await.0, 400, "{body}");
        }

        let other = client(&server).await;
        let elsewhere = format!("/clients/{other}/credentials/{}", credential["id"].as_str().unwrap());
        assert_eq!(server.call("GET", &elsewhere, json!(null)).await.0, 404);
        assert_eq!(server.call("PATCH", &elsewhere, json!({"expires_at": null})).await.0, 404);
        assert_eq!(server.call("DELETE", &elsewhere, json!(null)).await.0, 204);
        assert_eq!(server.call("GET", &path, json!(null)).await.0, 200, "another client's stays");
        let stolen = json!({"token_endpoint_auth_method": null, "client_authentication_methods":
            {"private_key_jwt": {"credentials": [{"id": credential["id"]}]}}});
        assert_eq!(server.call("PATCH", &format!("/clients/{other}"), stolen).await.0, 400);
        let two = json!({"client_authentication_methods": {"private_key_jwt": {"credentials": []},
            "tls_client_auth": {"credentials": []}}});
        assert_eq!(server.call("PATCH", &format!("/clients/{other}"), two).await.0, 400);
        assert_eq!(server.call("GET", "/clients/nobody/credentials", json!(null)).await.0, 404);

        let reader = Conversation::machine(&["read:clients"]);
        assert_eq!(server.call_as(reader, "GET", &list, json!(null)).await.0, 403);
    })
    .await;
}

#[tokio::test]
async fn certificates_are_stored_for_the_methods_of_mutual_tls() {
    on_every_engine(async |server| {
        let id = client(&server).await;
        let (list, item) = (format!("/clients/{id}/credentials"), format!("/clients/{id}"));
        let certificate = json!({"credential_type": "x509_cert", "name": "first", "pem": CERTIFICATES[0]});
        let (status, made) = server.call("POST", &list, certificate.clone()).await;
        assert_eq!((status, made["thumbprint_sha256"].as_str().unwrap().len()), (201, 43), "{made}");
        assert!(made["expires_at"].as_str().unwrap().starts_with("203"), "{made}");
        let members = made.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
        let all =
            ["created_at", "credential_type", "expires_at", "id", "name", "thumbprint_sha256", "updated_at"];
        assert_eq!(members, all);
        assert_eq!(server.call("POST", &list, certificate).await.0, 409);
        let subject = json!({"credential_type": "cert_subject_dn", "pem": CERTIFICATES[1]});
        let (status, named) = server.call("POST", &list, subject).await;
        assert_eq!((status, &named["subject_dn"], named.get("kid")), (201, &json!("CN=client"), None));
        let path = format!("{list}/{}", named["id"].as_str().unwrap());
        assert_eq!(server.call("GET", &path, json!(null)).await, (200, named.clone()));

        let using = |method: &str, id: &Value| {
            json!({"token_endpoint_auth_method": null,
                "client_authentication_methods": {method: {"credentials": [{"id": id}]}}})
        };
        for method in ["private_key_jwt", "tls_client_auth"] {
            let (status, refused) = server.call("PATCH", &item, using(method, &made["id"])).await;
            assert_eq!(status, 400, "{refused}");
            assert!(refused.to_string().contains("of the type"), "{refused}");
        }
        let change = using("self_signed_tls_client_auth", &made["id"]);
        let (status, changed) = server.call("PATCH", &item, change.clone()).await;
        assert_eq!(
            (status, &changed["client_authentication_methods"]),
            (200, &change["client_authentication_methods"])
        );
        let path = format!("{list}/{}", made["id"].as_str().unwrap());
        assert_eq!(server.call("DELETE", &path, json!(null)).await.0, 400, "in use");

        let brought = json!({"name": "App", "client_authentication_methods": {"tls_client_auth":
            {"credentials": [{"credential_type": "cert_subject_dn", "subject_dn": "CN=app"}]}}});
        let (status, made) = server.call("POST", "/clients", brought).await;
        assert_eq!(status, 201, "{made}");
        let methods = &made["client_authentication_methods"];
        assert!(methods["tls_client_auth"]["credentials"][0]["id"].is_string(), "{made}");
        let wrong = json!({"name": "App", "client_authentication_methods": {"private_key_jwt":
            {"credentials": [{"credential_type": "cert_subject_dn", "subject_dn": "CN=app"}]}}});
        assert_eq!(server.call("POST", "/clients", wrong).await.0, 400);
    })
    .await;
}
