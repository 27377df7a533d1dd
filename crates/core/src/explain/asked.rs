//! What a request asked for, as the log keeps it under `details.decision.asked`, so that it can be decided again.
//!
//! Only what decisions read is kept. What proves something, or could be used by who reads the log, is kept as
//! "there was one": the ticket of a login, a PKCE challenge (a plain one is the verifier, RFC 7636 section 4.2).

use serde_json::{Map, Value, json};

use crate::authorize::Ask;

/// Kept as they were sent.
const KEPT: [&str; 12] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "owp",
    "scope",
    "audience",
    "prompt",
    "max_age",
    "code_challenge_method",
    "connection",
    "acr_values",
];
/// Of these only that they were there.
const MARKED: [&str; 5] = ["nonce", "code_challenge", "organization", "request", "request_uri"];
/// Bytes of all that is kept; longer requests are not.
const MOST: usize = 8192;
/// Stands for a value that was there, and has the form of a PKCE challenge.
const PRESENT: &str = "-------------------------------------------";

/// What the log keeps of a request of `/authorize`; `param` returns a parameter by its name on the wire.
/// `None`: the request is too long to be kept.
pub fn authorize<'a>(param: impl Fn(&str) -> Option<&'a str>, pushed: bool) -> Option<Value> {
    let sent = |name: &&str| Some(((*name).to_owned(), param(name).filter(|value| !value.is_empty())?));
    let kept: Vec<(String, &str)> = KEPT.iter().filter_map(sent).collect();
    if kept.iter().map(|(_, value)| value.len()).sum::<usize>() > MOST {
        return None;
    }
    let marked = MARKED.iter().filter_map(sent).map(|(name, _)| (name, json!(true)));
    let mut asked: Map<String, Value> =
        kept.into_iter().map(|(name, value)| (name, json!(value))).chain(marked).collect();
    if pushed {
        asked.insert("pushed".to_owned(), json!(true));
    }
    Some(Value::Object(asked))
}

/// What the log keeps of a request of the token endpoint.
pub fn token(grant_type: &str) -> Value {
    json!({ "grant_type": grant_type })
}

/// The request of `/authorize` again; `None` where the record keeps none.
pub fn ask(asked: &Value) -> Option<Ask> {
    let asked = asked.as_object().filter(|asked| !asked.contains_key("grant_type"))?;
    let read = Ask::read(|name| match asked.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Bool(true) => Some(PRESENT.to_owned()),
        _ => None,
    });
    Some(Ask { pushed: asked.get("pushed") == Some(&json!(true)), ..read })
}

#[cfg(test)]
mod tests {
    use super::{ask, authorize, token};
    use serde_json::{Value, json};

    #[test]
    fn a_request_is_kept_without_what_proves_something() {
        let sent = |name: &str| match name {
            "client_id" => Some("CLIENT"),
            "scope" => Some("openid"),
            "nonce" | "code_challenge" | "login_ticket" | "state" => Some("a secret"),
            "audience" => Some(""),
            _ => None,
        };
        let kept = authorize(sent, true).unwrap();
        let expect = json!({"client_id": "CLIENT", "scope": "openid", "nonce": true, "code_challenge": true,
                            "pushed": true});
        assert_eq!(kept, expect);
        let again = ask(&kept).unwrap();
        assert_eq!((again.client_id.as_deref(), again.scope.as_deref()), (Some("CLIENT"), Some("openid")));
        assert!(again.pushed && again.nonce.is_some() && again.code_challenge.is_some());
        assert!(again.login_ticket.is_none() && again.audience.is_none());
        assert!(ask(&token("password")).is_none() && ask(&Value::Null).is_none());
        let long = "x".repeat(9000);
        assert_eq!(authorize(|name| (name == "scope").then_some(long.as_str()), false), None);
    }
}
