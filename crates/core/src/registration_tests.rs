use serde_json::{Value, json};

use super::*;

fn read(change: Value) -> Result<Metadata, OAuthError> {
    let mut body = json!({"redirect_uris": ["https://app.example/cb?x=1"]});
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    Metadata::read(body.as_object().unwrap())
}

#[test]
fn what_is_not_said_takes_defaults() {
    let document = Value::Object(read(json!({})).unwrap().document());
    assert_eq!(document["name"], "app.example");
    assert_eq!(document["grant_types"], json!(["authorization_code"]));
    assert_eq!(document["token_endpoint_auth_method"], "client_secret_post");
    assert_eq!((&document["app_type"], &document["is_first_party"]), (&json!("regular_web"), &json!(false)));
    assert_eq!(document["jwt_configuration"], json!({"alg": "RS256"}));
    let spa = Value::Object(read(json!({"token_endpoint_auth_method": "none"})).unwrap().document());
    assert_eq!(spa["app_type"], "spa");
}

#[test]
fn metadata_is_accepted_refused_or_left_out() {
    let cases = [
        (json!({"unknown": {"a": 1}, "contacts": ["a@example"]}), None),
        (json!({"client_name": "App", "logo_uri": "https://app.example/logo.png"}), None),
        (json!({"redirect_uris": ["http://localhost:3000/cb", "https://a.example/"]}), None),
        (json!({"redirect_uris": ["com.example.app:/cb"], "application_type": "native"}), None),
        (json!({"initiate_login_uri": "https://app.example/login"}), None),
        (json!({"id_token_signed_response_alg": "HS256"}), None),
        (json!({"response_types": ["code", "id_token"]}), None),
        (json!({"grant_types": ["authorization_code", "password", "client_credentials"]}), None),
        (json!({"redirect_uris": null}), Some("invalid_redirect_uri")),
        (json!({"redirect_uris": []}), Some("invalid_redirect_uri")),
        (json!({"redirect_uris": "https://app.example/"}), Some("invalid_redirect_uri")),
        (json!({"redirect_uris": [1]}), Some("invalid_redirect_uri")),
        (json!({"redirect_uris": vec!["https://a.example/"; 51]}), Some("invalid_redirect_uri")),
        (json!({"redirect_uris": ["https://app.example/#fragment"]}), Some("invalid_redirect_uri")),
        (json!({"redirect_uris": ["http://app.example/"]}), Some("invalid_redirect_uri")),
        (json!({"redirect_uris": ["https://*.example.com/"]}), Some("invalid_redirect_uri")),
        (json!({"redirect_uris": ["https://app.example/*"]}), Some("invalid_redirect_uri")),
        (json!({"redirect_uris": ["https://user@app.example/"]}), Some("invalid_redirect_uri")),
        (json!({"redirect_uris": ["javascript:alert(1)"]}), Some("invalid_redirect_uri")),
        (json!({"redirect_uris": ["/relative"]}), Some("invalid_redirect_uri")),
        (json!({"redirect_uris": ["com.example.app:/cb"]}), Some("invalid_redirect_uri")),
        (
            json!({"redirect_uris": ["mailto:a@example"], "application_type": "native"}),
            Some("invalid_redirect_uri"),
        ),
        (json!({"application_type": "toaster"}), Some("invalid_client_metadata")),
        (json!({"client_name": "<b>"}), Some("invalid_client_metadata")),
        (json!({"client_name": 1}), Some("invalid_client_metadata")),
        (json!({"client_name": "a\u{0}b"}), Some("invalid_client_metadata")),
        (json!({"token_endpoint_auth_method": "private_key_jwt"}), Some("invalid_client_metadata")),
        (json!({"token_endpoint_auth_method": "magic"}), Some("invalid_client_metadata")),
        (json!({"id_token_signed_response_alg": "none"}), Some("invalid_client_metadata")),
        (
            json!({"id_token_signed_response_alg": "HS256", "token_endpoint_auth_method": "none"}),
            Some("invalid_client_metadata"),
        ),
        (json!({"subject_type": "pairwise"}), Some("invalid_client_metadata")),
        (json!({"logo_uri": "javascript:alert(1)"}), Some("invalid_client_metadata")),
        (json!({"initiate_login_uri": "http://app.example/"}), Some("invalid_client_metadata")),
        (json!({"post_logout_redirect_uris": ["http://app.example/"]}), Some("invalid_client_metadata")),
        (json!({"response_types": ["banana"]}), Some("invalid_client_metadata")),
        (
            json!({"response_types": ["id_token"], "grant_types": ["authorization_code"]}),
            Some("invalid_client_metadata"),
        ),
        (json!({"software_statement": "e30.e30."}), Some("unapproved_software_statement")),
    ];
    for (change, expect) in cases {
        let got = read(change.clone()).err().map(|error| (error.status, error.code.to_string()));
        assert_eq!(got, expect.map(|code| (400, code.to_owned())), "{change}");
    }
}

#[test]
fn the_answer_says_what_was_made_of_it() {
    let asked = json!({"client_name": "App", "grant_types": ["refresh_token", "authorization_code", "password"],
        "post_logout_redirect_uris": ["https://app.example/bye"], "application_type": "native"});
    let mut document = read(asked).unwrap().document();
    document.insert("client_id".to_owned(), json!("tpc_1"));
    assert_eq!(
        shown(&document),
        json!({
            "client_id": "tpc_1", "client_name": "App", "redirect_uris": ["https://app.example/cb?x=1"],
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "application_type": "native", "id_token_signed_response_alg": "RS256", "subject_type": "public",
            "post_logout_redirect_uris": ["https://app.example/bye"],
        })
    );
}
