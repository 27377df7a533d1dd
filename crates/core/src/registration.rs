//! Dynamic client registration: what a client may say of itself (RFC 7591, OpenID Connect Dynamic Client
//! Registration 1.0), and how it is told what was made of it.
//!
//! Anybody may register, so nothing here gives a client rights: it is a third-party client, whose users are
//! asked, and it gets the grant types of a login and no others.

use serde_json::{Map, Value, json};

use crate::authorize::ResponseTypes;
use crate::errors::OAuthError;
use crate::redirect;

/// Grant types that a registered client may have.
const GRANT_TYPES: [&str; 3] = ["authorization_code", "implicit", "refresh_token"];

/// How it may authenticate. Compat: the second is the default.
const METHODS: [&str; 3] = ["none", "client_secret_post", "client_secret_basic"];

/// Most members of a list, and the longest text in bytes.
const MOST: usize = 50;
const LONGEST: usize = 2048;

/// Metadata that was understood and accepted. What is not in here was ignored (RFC 7591 section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    name: String,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    method: String,
    grant_types: Vec<String>,
    native: bool,
    logo_uri: Option<String>,
    initiate_login_uri: Option<String>,
    signing_alg: String,
}

fn invalid(text: impl Into<String>) -> OAuthError {
    OAuthError::new(400, "invalid_client_metadata", text.into())
}

fn invalid_redirect(text: impl Into<String>) -> OAuthError {
    OAuthError::new(400, "invalid_redirect_uri", text.into())
}

impl Metadata {
    /// Reads the body of a registration.
    ///
    /// # Errors
    /// `invalid_redirect_uri`, `invalid_client_metadata` (RFC 7591 section 3.2.2), with what is wrong.
    pub fn read(body: &Map<String, Value>) -> Result<Self, OAuthError> {
        if body.get("software_statement").is_some_and(|statement| !statement.is_null()) {
            let text = "Software statements are not supported.";
            return Err(OAuthError::new(400, "unapproved_software_statement", text));
        }
        let native = match text(body, "application_type")?.as_deref() {
            None | Some("web") => false,
            Some("native") => true,
            Some(_) => return Err(invalid("application_type must be web or native.")),
        };
        let redirect_uris = list(body, "redirect_uris", invalid_redirect)?.unwrap_or_default();
        if redirect_uris.is_empty() {
            return Err(invalid_redirect("redirect_uris must name at least one URI."));
        }
        if let Some(uri) = redirect_uris.iter().find(|uri| !may_be_registered(uri, native)) {
            return Err(invalid_redirect(format!("{uri} may not be registered as a redirect URI.")));
        }
        let post_logout_redirect_uris = list(body, "post_logout_redirect_uris", invalid)?.unwrap_or_default();
        if let Some(uri) = post_logout_redirect_uris.iter().find(|uri| !may_be_registered(uri, native)) {
            return Err(invalid(format!("{uri} may not be registered as a post-logout redirect URI.")));
        }
        let method = text(body, "token_endpoint_auth_method")?.unwrap_or_else(|| METHODS[1].to_owned());
        if !METHODS.contains(&method.as_str()) {
            return Err(invalid(format!(
                "token_endpoint_auth_method must be one of {}.",
                METHODS.join(", ")
            )));
        }
        let signing_alg = text(body, "id_token_signed_response_alg")?.unwrap_or_else(|| "RS256".to_owned());
        if signing_alg != "RS256" && !(signing_alg == "HS256" && method != "none") {
            return Err(invalid("id_token_signed_response_alg must be RS256, or HS256 with a secret."));
        }
        if text(body, "subject_type")?.is_some_and(|kind| kind != "public") {
            return Err(invalid("subject_type must be public."));
        }
        let logo_uri = text(body, "logo_uri")?;
        if logo_uri.as_deref().is_some_and(|uri| redirect::origin_of(uri).is_none()) {
            return Err(invalid("logo_uri must be an http or https URL."));
        }
        let initiate_login_uri = text(body, "initiate_login_uri")?;
        // OpenID Connect Core section 4.
        if initiate_login_uri.as_deref().is_some_and(|uri| !is_https(uri)) {
            return Err(invalid("initiate_login_uri must be an https URL."));
        }
        Ok(Self {
            name: name(body, &redirect_uris)?,
            grant_types: grant_types(body)?,
            redirect_uris,
            post_logout_redirect_uris,
            method,
            native,
            logo_uri,
            initiate_login_uri,
            signing_alg,
        })
    }

    /// The members of the client's document, in the words of the Management API.
    pub fn document(&self) -> Map<String, Value> {
        let app_type = match (self.native, self.method.as_str()) {
            (true, _) => "native",
            (false, "none") => "spa",
            (false, _) => "regular_web",
        };
        let mut document = json!({
            "name": self.name,
            "app_type": app_type,
            "callbacks": self.redirect_uris,
            "allowed_logout_urls": self.post_logout_redirect_uris,
            "grant_types": self.grant_types,
            "token_endpoint_auth_method": self.method,
            "jwt_configuration": {"alg": self.signing_alg},
            "is_first_party": false,
            "oidc_conformant": true,
            // A stranger's refresh tokens end.
            "refresh_token": {
                "rotation_type": "rotating", "expiration_type": "expiring", "leeway": 0,
                "token_lifetime": 2_592_000, "idle_token_lifetime": 1_296_000,
                "infinite_token_lifetime": false, "infinite_idle_token_lifetime": false,
            },
        });
        let texts = [("logo_uri", &self.logo_uri), ("initiate_login_uri", &self.initiate_login_uri)];
        for (name, value) in texts {
            if let Some(value) = value {
                document[name] = value.as_str().into();
            }
        }
        match document {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

/// What a client's document says in the words of RFC 7591, without its secret.
pub fn shown(document: &Map<String, Value>) -> Value {
    let member = |name: &str| document.get(name).cloned().unwrap_or(Value::Null);
    let grant_types = member("grant_types");
    let has =
        |grant: &str| grant_types.as_array().is_some_and(|grants| grants.iter().any(|one| one == grant));
    let response_types: &[&str] = match (has("authorization_code"), has("implicit")) {
        (true, true) => &[
            "code",
            "token",
            "id_token",
            "code token",
            "code id_token",
            "token id_token",
            "code token id_token",
        ],
        (true, false) => &["code"],
        (false, true) => &["token", "id_token", "token id_token"],
        (false, false) => &[],
    };
    let native = document.get("app_type").is_some_and(|kind| kind == "native");
    let mut shown = json!({
        "client_id": member("client_id"),
        "client_name": member("name"),
        "redirect_uris": member("callbacks"),
        "token_endpoint_auth_method": member("token_endpoint_auth_method"),
        "grant_types": grant_types,
        "response_types": response_types,
        "application_type": if native { "native" } else { "web" },
        "id_token_signed_response_alg": document.get("jwt_configuration").map_or(Value::Null, |jwt| jwt["alg"].clone()),
        "subject_type": "public",
    });
    let renamed = [
        ("allowed_logout_urls", "post_logout_redirect_uris"),
        ("logo_uri", "logo_uri"),
        ("initiate_login_uri", "initiate_login_uri"),
    ];
    for (ours, theirs) in renamed {
        if let Some(value) = document.get(ours).filter(|value| **value != json!([])) {
            shown[theirs] = value.clone();
        }
    }
    shown
}

fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, OAuthError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() <= LONGEST && !text.contains('\0') => Ok(Some(text.clone())),
        Some(_) => Err(invalid(format!("{name} must be a text of at most {LONGEST} bytes."))),
    }
}

fn list(
    body: &Map<String, Value>,
    name: &str,
    refuse: fn(String) -> OAuthError,
) -> Result<Option<Vec<String>>, OAuthError> {
    let wrong = || refuse(format!("{name} must be a list of at most {MOST} texts."));
    let items = match body.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(items)) if items.len() <= MOST => items,
        Some(_) => return Err(wrong()),
    };
    let text = |item: &Value| item.as_str().filter(|text| text.len() <= LONGEST).map(str::to_owned);
    items.iter().map(text).collect::<Option<_>>().map(Some).ok_or_else(wrong)
}

/// `client_name`, which people see when they are asked; else the host of the first redirect URI.
fn name(body: &Map<String, Value>, redirect_uris: &[String]) -> Result<String, OAuthError> {
    let given = text(body, "client_name")?.filter(|name| !name.trim().is_empty());
    if given.as_ref().is_some_and(|name| name.chars().count() > 200 || name.contains(['<', '>'])) {
        return Err(invalid("client_name must have at most 200 characters, none of them < or >."));
    }
    let host = || {
        let first = redirect_uris.first().map(String::as_str).unwrap_or_default();
        let host = url::Url::parse(first).ok().and_then(|url| url.host_str().map(str::to_owned));
        host.unwrap_or_else(|| first.split(':').next().unwrap_or_default().to_owned())
    };
    Ok(given.unwrap_or_else(host).chars().take(200).collect())
}

/// `grant_types` and `response_types` together, RFC 7591 section 2.1: each response type needs its grants.
/// Grant types that such a client never gets are left out, as the answer shows.
fn grant_types(body: &Map<String, Value>) -> Result<Vec<String>, OAuthError> {
    let response_types = list(body, "response_types", invalid)?.unwrap_or_else(|| vec!["code".to_owned()]);
    let mut needed: Vec<&str> = Vec::new();
    for response_type in &response_types {
        let types = ResponseTypes::parse(response_type).ok_or_else(|| {
            invalid(format!("response_types holds {response_type}, which is not supported."))
        })?;
        for (wanted, grant) in
            [(types.code, "authorization_code"), (types.has_token_or_id_token(), "implicit")]
        {
            if wanted && !needed.contains(&grant) {
                needed.push(grant);
            }
        }
    }
    let Some(asked) = list(body, "grant_types", invalid)? else {
        return Ok(needed.into_iter().map(str::to_owned).collect());
    };
    if let Some(missing) = needed.iter().find(|grant| !asked.iter().any(|one| one == **grant)) {
        return Err(invalid(format!(
            "response_types needs the grant type {missing}, which grant_types lacks."
        )));
    }
    let kept = GRANT_TYPES.iter().filter(|grant| asked.iter().any(|one| one == **grant));
    Ok(kept.map(|grant| (*grant).to_owned()).collect())
}

/// A redirect URI for a client that nobody vouches for: `https`, `http` on this machine, or, for native
/// applications, a scheme of their own (RFC 8252 section 7). No wildcards, no fragment.
fn may_be_registered(uri: &str, native: bool) -> bool {
    if !redirect::redirect_uri_allowed(uri, &[uri.to_owned()]) || uri.contains('*') {
        return false;
    }
    let Ok(url) = url::Url::parse(uri) else { return false };
    match url.scheme() {
        "https" => redirect::origin_of(uri).is_some(),
        "http" => matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")),
        scheme => native && scheme.contains('.'),
    }
}

fn is_https(uri: &str) -> bool {
    redirect::origin_of(uri).is_some_and(|origin| origin.starts_with("https://"))
}

#[cfg(test)]
#[path = "registration_tests.rs"]
mod tests;
