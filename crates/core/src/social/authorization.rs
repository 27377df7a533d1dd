//! The authorization request to a provider, and its refusal.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use crate::errors::OAuthError;

/// What a browser is sent to a provider with.
#[derive(Clone, Copy, Debug)]
pub struct Departure<'a> {
    /// The connection's options.
    pub options: &'a Value,
    /// This server's callback.
    pub redirect_uri: &'a str,
    /// The one-time state.
    pub state: &'a str,
    /// The PKCE challenge (S256), where the connection wants one.
    pub code_challenge: Option<&'a str>,
    /// The parameters of the application's own request.
    pub params: &'a BTreeMap<String, String>,
}

/// A setting without which nobody can be sent to the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotConfigured(pub &'static str);

/// Parameters that are this server's to set.
const OURS: &[&str] = &[
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "state",
    "code_challenge",
    "code_challenge_method",
    "client_secret",
];

/// Where to send the browser: RFC 6749 section 4.1.1 and RFC 7636 section 4.3, with what the connection's options
/// add.
///
/// # Errors
/// [`NotConfigured`] names the option that is missing or no web address.
pub fn authorization_url(departure: &Departure<'_>) -> Result<String, NotConfigured> {
    let options = departure.options;
    let text = |name: &str| options.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let mut url = text("authorizationURL")
        .and_then(|text| Url::parse(text).ok())
        .filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
        .ok_or(NotConfigured("authorizationURL"))?;
    let client_id = text("client_id").ok_or(NotConfigured("client_id"))?;
    let mut query: BTreeMap<&str, String> = BTreeMap::new();
    // Later ones replace earlier ones.
    for (name, value) in members(options, "authParams") {
        query.extend(plain(value).map(|value| (name, value)));
    }
    for (name, theirs) in members(options, "authParamsMap") {
        let sent = departure.params.get(name).cloned();
        query.extend(theirs.as_str().zip(sent));
    }
    for (name, param) in members(options, "upstream_params") {
        let sent = param.get("alias").and_then(Value::as_str).and_then(|alias| departure.params.get(alias));
        let fixed = param.get("value").and_then(plain);
        query.extend(sent.cloned().or(fixed).map(|value| (name, value)));
    }
    query.extend(scope(departure).map(|scope| ("scope", scope)));
    query.retain(|name, value| !OURS.contains(name) && !value.is_empty());
    query.insert("client_id", client_id.to_owned());
    query.insert("redirect_uri", departure.redirect_uri.to_owned());
    query.insert("response_type", "code".to_owned());
    query.insert("state", departure.state.to_owned());
    if let Some(challenge) = departure.code_challenge {
        query.insert("code_challenge", challenge.to_owned());
        query.insert("code_challenge_method", "S256".to_owned());
    }
    // What the address says already is kept, but no parameter is sent twice (RFC 6749 section 3.1).
    let own = url.query_pairs().filter(|(name, _)| !query.contains_key(&**name));
    let own: Vec<(String, String)> = own.map(|(name, value)| (name.into(), value.into())).collect();
    url.query_pairs_mut().clear().extend_pairs(own).extend_pairs(query);
    url.set_fragment(None);
    Ok(url.into())
}

/// The scopes of the connection, and those that the application's `connection_scope` adds. Compat: with the latter
/// they are separated by commas, unless `useOauthSpecScope` asks for spaces.
fn scope(departure: &Departure<'_>) -> Option<String> {
    let own = departure.options.get("scope");
    let more = departure.params.get("connection_scope");
    if let (Some(Value::String(own)), None) = (own, more) {
        return Some(own.clone());
    }
    let mut scopes: Vec<&str> = Vec::new();
    let listed = own.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let texts = own.and_then(Value::as_str).into_iter().chain(listed).chain(more.map(String::as_str));
    for scope in texts.flat_map(|text| text.split([' ', ','])).filter(|scope| !scope.is_empty()) {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    let spaces = more.is_none() || departure.options.get("useOauthSpecScope") == Some(&Value::Bool(true));
    (!scopes.is_empty()).then(|| scopes.join(if spaces { " " } else { "," }))
}

fn members<'a>(options: &'a Value, name: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let members = options.get(name).and_then(Value::as_object).into_iter().flatten();
    members.map(|(name, value)| (name.as_str(), value))
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Codes of RFC 6749 section 4.1.2.1 and OpenID Connect Core section 3.1.2.6 that say something about the user or
/// the moment, so an application can do something about them.
const TOLD: &[&str] = &[
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "login_required",
    "server_error",
    "temporarily_unavailable",
];

/// What an application is told when the provider sends its user back with an error. Compat: in the provider's own
/// words. Codes about the request are about this server's settings there, and become `access_denied`.
pub fn refusal(error: &str, description: Option<&str>) -> OAuthError {
    let code = TOLD.iter().find(|code| **code == error).copied().unwrap_or("access_denied");
    // RFC 6749 section 4.1.2.1: printable characters without quotation mark and backslash.
    let printable = |text: &str| -> String {
        let kept = text.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\'));
        kept.take(300).collect()
    };
    let said = description.map(printable).filter(|text| !text.trim().is_empty());
    let text = said.unwrap_or_else(|| match error {
        "access_denied" => "The user or the provider refused the login.".to_owned(),
        error => format!("The provider refused the login: {}", printable(error)),
    });
    OAuthError::new(403, code, text).because("provider_refused")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Options, the application's parameters, and what becomes of them.
    type Case<'a> = (Value, &'a [(&'a str, &'a str)], &'a str);

    fn url(options: Value, params: &[(&str, &str)]) -> Result<Vec<(String, String)>, NotConfigured> {
        let params = params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let departure = Departure {
            options: &options,
            redirect_uri: "https://id.example/login/callback",
            state: "s",
            code_challenge: options["pkce_enabled"].as_bool().filter(|on| *on).map(|_| "c"),
            params: &params,
        };
        let url = Url::parse(&authorization_url(&departure)?).unwrap();
        Ok(url.query_pairs().map(|(name, value)| (name.into(), value.into())).collect())
    }

    fn query(mut options: Value, params: &[(&str, &str)]) -> String {
        options["authorizationURL"] = json!("https://idp.example/authorize?tenant=a&state=mine#x");
        options["client_id"] = json!("id");
        let pairs = url(options, params).unwrap();
        let shown = pairs.iter().filter(|(name, _)| name != "redirect_uri" && name != "client_id");
        shown.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    #[test]
    fn requests_hold_what_the_options_say() {
        let cases: [Case<'_>; 8] = [
            (json!({}), &[], "tenant=a&response_type=code&state=s"),
            (json!({"scope": "a b"}), &[], "tenant=a&response_type=code&scope=a b&state=s"),
            (json!({"scope": ["a", "b"]}), &[], "tenant=a&response_type=code&scope=a b&state=s"),
            (
                json!({"scope": "a b"}),
                &[("connection_scope", "b c")],
                "tenant=a&response_type=code&scope=a,b,c&state=s",
            ),
            (
                json!({"scope": "a", "useOauthSpecScope": true}),
                &[("connection_scope", "b,c")],
                "tenant=a&response_type=code&scope=a b c&state=s",
            ),
            (
                json!({"pkce_enabled": true}),
                &[],
                "tenant=a&code_challenge=c&code_challenge_method=S256&response_type=code&state=s",
            ),
            (
                json!({"authParams": {"prompt": "login", "state": "x", "n": 1, "o": {}},
                       "authParamsMap": {"access_type": "access", "absent": "nothing"}}),
                &[("access_type", "offline")],
                "tenant=a&access=offline&n=1&prompt=login&response_type=code&state=s",
            ),
            (
                json!({"upstream_params": {"hint": {"alias": "login_hint"}, "hd": {"value": "example.com"},
                                           "client_id": {"value": "x"}}}),
                &[("login_hint", "ann@example.com")],
                "tenant=a&hd=example.com&hint=ann@example.com&response_type=code&state=s",
            ),
        ];
        for (options, params, expected) in cases {
            assert_eq!(query(options.clone(), params), expected, "{options}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (options, name) in [
            (json!({"client_id": "x"}), "authorizationURL"),
            (json!({"client_id": "x", "authorizationURL": "javascript:alert(1)"}), "authorizationURL"),
            (json!({"client_id": "x", "authorizationURL": "/authorize"}), "authorizationURL"),
            (json!({"authorizationURL": "https://idp.example"}), "client_id"),
        ] {
            assert_eq!(url(options, &[]), Err(NotConfigured(name)));
        }
    }

    #[test]
    fn refusals_are_told_in_the_providers_words() {
        for (error, description, code, text) in [
            ("access_denied", Some("Not \"today\""), "access_denied", "Not today"),
            ("access_denied", Some(" "), "access_denied", "The user or the provider refused the login."),
            ("temporarily_unavailable", Some("Later"), "temporarily_unavailable", "Later"),
            ("invalid_scope", None, "access_denied", "The provider refused the login: invalid_scope"),
        ] {
            let refusal = refusal(error, description);
            assert_eq!((&*refusal.code, &*refusal.description), (code, text));
        }
    }
}
