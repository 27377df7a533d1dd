//! Discovery, OpenID Connect Discovery section 3 and RFC 8414. It lists what is served, nothing else.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use gatewright_core::client_assertion;
use gatewright_http::RequestCx;
use serde_json::{Value, json};

use super::authorize::par;
use super::register;
use crate::grants;

/// How a client may authenticate.
const AUTHENTICATION: [&str; 4] = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];

pub(crate) async fn openid_configuration(cx: RequestCx) -> Response {
    let at = |path: &str| cx.issuer.join(path);
    let grant_types: Vec<&str> = ["implicit"].into_iter().chain(grants::names()).collect();
    let mut document = json!({
        "issuer": cx.issuer.as_str(),
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("oauth/token"),
        "userinfo_endpoint": at("userinfo"),
        "revocation_endpoint": at("oauth/revoke"),
        "device_authorization_endpoint": at("oauth/device/code"),
        "mfa_challenge_endpoint": at("mfa/challenge"),
        "jwks_uri": at(".well-known/jwks.json"),
        "scopes_supported": ["openid", "profile", "offline_access", "email", "phone", "address"],
        "response_types_supported":
            ["code", "token", "id_token", "code token", "code id_token", "token id_token", "code token id_token"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": grant_types,
        "code_challenge_methods_supported": ["S256", "plain"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["HS256", "RS256"],
        "token_endpoint_auth_methods_supported": AUTHENTICATION,
        "token_endpoint_auth_signing_alg_values_supported": client_assertion::ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": AUTHENTICATION,
        "revocation_endpoint_auth_signing_alg_values_supported": client_assertion::ALGORITHMS,
        "claims_supported": ["aud", "auth_time", "email", "email_verified", "exp", "family_name", "given_name",
            "iat", "iss", "name", "nickname", "phone_number", "picture", "sub"],
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "claims_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "request_parameter_supported": false,
    });
    if register::offered(&cx) {
        document["registration_endpoint"] = json!(at("oidc/register"));
    }
    if par::offered(&cx) {
        document["pushed_authorization_request_endpoint"] = json!(at("oauth/par"));
    }
    let setting = cx.tenant.settings.pointer("/oidc_logout/rp_logout_end_session_endpoint_discovery");
    if setting.and_then(Value::as_bool).unwrap_or(true) {
        document["end_session_endpoint"] = json!(at("oidc/logout"));
    }
    ([(header::CACHE_CONTROL, "public, max-age=15, stale-while-revalidate=15")], Json(document))
        .into_response()
}
