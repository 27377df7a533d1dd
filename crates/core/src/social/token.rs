//! What a provider's token endpoint answers.

use serde_json::{Map, Value};
use url::form_urlencoded;

/// Tokens of a provider.
#[derive(Clone, PartialEq)]
pub struct Granted {
    /// The access token.
    pub access_token: String,
    /// The refresh token, if there is one.
    pub refresh_token: Option<String>,
    /// The whole answer.
    pub answer: Map<String, Value>,
}

impl Granted {
    /// Everything in the answer that may be a secret: all texts but those that describe the token.
    pub fn secrets(&self) -> Vec<String> {
        let described = |name: &str| matches!(name, "token_type" | "scope" | "expires_in");
        let texts = self.answer.iter().filter(|(name, _)| !described(name));
        texts
            .filter_map(|(_, value)| value.as_str())
            .filter(|text| text.len() >= 6)
            .map(str::to_owned)
            .collect()
    }
}

/// Shows none of the tokens.
impl std::fmt::Debug for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Granted")
            .field("members", &self.answer.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Why there is no token; the text is for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotGranted(pub String);

/// Reads an answer: JSON (RFC 6749 section 5.1), or a form, as some providers send it.
///
/// # Errors
/// [`NotGranted`]: an error (section 5.2), or no access token.
pub fn granted(status: u16, body: &[u8]) -> Result<Granted, NotGranted> {
    let answer = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(answer)) => answer,
        _ => form_urlencoded::parse(body)
            .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
            .collect(),
    };
    let text = |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let short = |text: &str| -> String { text.chars().filter(|c| !c.is_control()).take(200).collect() };
    if !(200..300).contains(&status) || answer.contains_key("error") {
        let told = [text("error"), text("error_description")].into_iter().flatten().map(short);
        let told = told.collect::<Vec<_>>().join(": ");
        let told = if told.is_empty() { "no error code".to_owned() } else { told };
        return Err(NotGranted(format!("The token endpoint answered {status}: {told}")));
    }
    let Some(access_token) = text("access_token").map(str::to_owned) else {
        return Err(NotGranted(format!("The token endpoint answered {status} without an access token")));
    };
    Ok(Granted { access_token, refresh_token: text("refresh_token").map(str::to_owned), answer })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_json_and_as_forms() {
        let json =
            granted(200, br#"{"access_token":"at-123","refresh_token":"rt-123","token_type":"bearer-like"}"#);
        let json = json.unwrap();
        assert_eq!((json.access_token.as_str(), json.refresh_token.as_deref()), ("at-123", Some("rt-123")));
        assert_eq!(json.secrets(), ["at-123", "rt-123"]);
        assert_eq!(
            format!("{json:?}"),
            r#"Granted { members: ["access_token", "refresh_token", "token_type"], .. }"#
        );
        let form = granted(200, b"access_token=at-1%2B&scope=a").unwrap();
        assert_eq!((form.access_token.as_str(), form.refresh_token), ("at-1+", None));
    }

    #[test]
    fn refusals_are_told() {
        let cases: [(u16, &str, &str); 6] = [
            (
                400,
                r#"{"error":"invalid_grant","error_description":"old"}"#,
                "answered 400: invalid_grant: old",
            ),
            // Some providers refuse with 200.
            (200, "error=bad_verification_code", "answered 200: bad_verification_code"),
            (200, r#"{"access_token":"x","error":"no"}"#, "answered 200: no"),
            (500, "<html>", "answered 500: no error code"),
            (200, r#"{"access_token":7}"#, "answered 200 without an access token"),
            (302, r#"{"access_token":"x"}"#, "answered 302: no error code"),
        ];
        for (status, body, text) in cases {
            assert_eq!(
                granted(status, body.as_bytes()),
                Err(NotGranted(format!("The token endpoint {text}")))
            );
        }
    }
}
