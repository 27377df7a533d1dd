//! `oidcc-config-certification-test-plan`: the discovery document, member by member.

use std::collections::BTreeSet;

use gatewright_testkit::{Server, on_every_database};
use serde_json::Value;

use super::op::Op;

fn texts<'a>(document: &'a Value, name: &str) -> Vec<&'a str> {
    let list = document[name].as_array().unwrap_or_else(|| panic!("{name} is no list"));
    list.iter().map(|item| item.as_str().unwrap_or_else(|| panic!("{name} holds {item}"))).collect()
}

#[tokio::test]
async fn oidcc_discovery_endpoint_verification() {
    on_every_database(async |server: Server| {
        let op = Op::prepare(&server).await;
        let answer = server.tool().get("/.well-known/openid-configuration").await;
        assert_eq!(answer.expect(200).header("content-type"), "application/json");
        let document = op.discovery().await;
        let issuer = document["issuer"].as_str().unwrap();
        assert_eq!(issuer, server.issuer());
        let url = url::Url::parse(issuer).unwrap();
        assert!(url.scheme() == "https" && url.query().is_none() && url.fragment().is_none(), "{url}");
        // Discovery section 3: the type of every member.
        for (name, value) in document.as_object().unwrap() {
            if name.ends_with("_endpoint") || name.ends_with("_uri") {
                assert!(value.as_str().unwrap().starts_with("https://"), "{name}");
            } else if name.ends_with("_parameter_supported") || name.starts_with("backchannel_logout_") {
                assert!(value.is_boolean(), "{name}");
            } else if name.ends_with("_supported") {
                let list = texts(&document, name);
                assert!(!list.is_empty(), "{name}");
                assert_eq!(list.iter().collect::<BTreeSet<_>>().len(), list.len(), "{name} repeats itself");
            } else {
                assert_eq!(name, "issuer", "a member that nobody knows");
            }
        }
        for required in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"] {
            assert!(document[required].is_string(), "{required}");
        }
        let types = texts(&document, "response_types_supported");
        for response_type in ["code", "id_token", "token id_token"] {
            assert!(types.contains(&response_type), "{types:?}");
        }
        assert!(texts(&document, "subject_types_supported").contains(&"public"));
        let algorithms = texts(&document, "id_token_signing_alg_values_supported");
        assert!(algorithms.contains(&"RS256") && !algorithms.contains(&"none"), "{algorithms:?}");
        let scopes = texts(&document, "scopes_supported");
        assert!(scopes.contains(&"openid"), "{scopes:?}");
        // RFC 6749 appendix A.4.
        let allowed = |c: char| matches!(c, '\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
        assert!(scopes.iter().all(|scope| scope.chars().all(allowed)), "{scopes:?}");
        for grant in ["authorization_code", "implicit"] {
            assert!(texts(&document, "grant_types_supported").contains(&grant));
        }
        assert!(texts(&document, "code_challenge_methods_supported").contains(&"S256"));
        for flag in
            ["request_parameter_supported", "request_uri_parameter_supported", "claims_parameter_supported"]
        {
            assert_eq!(document[flag], false, "{flag} has another default, so it is said");
        }
        let keys = op.keys().await;
        let keys = keys["keys"].as_array().unwrap();
        let kids: BTreeSet<&str> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
        assert!(!keys.is_empty() && kids.len() == keys.len(), "each key has a kid of its own");
        for key in keys {
            assert!(key["kty"] == "RSA" && key.get("d").is_none(), "a public key: {key}");
        }
    })
    .await;
}
