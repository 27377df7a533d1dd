//! CORS, exactly where browsers' SDKs need it.
//!
//! A preflight names no client, so it is answered for the union of all clients' origins; the endpoint
//! itself then holds the real request to its client's own list.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::context::RequestCx;

/// What a group of endpoints allows to pages of other origins.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Whose pages may call.
    pub origins: Origins,
    /// Whether cookies may be sent along.
    pub credentials: bool,
    /// `Access-Control-Allow-Methods`.
    pub methods: &'static str,
    /// `Access-Control-Allow-Headers`.
    pub headers: &'static str,
    /// `Access-Control-Expose-Headers`.
    pub expose: &'static str,
}

/// Whose pages may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Anybody's: public documents only.
    Any,
    /// Those that some client of the tenant has registered.
    OfClients,
}

/// Discovery and keys: public, simple requests.
pub const PUBLIC: Policy =
    Policy { origins: Origins::Any, credentials: false, methods: "GET", headers: "*", expose: "" };

/// Endpoints that the SDKs' pages call without cookies.
pub const BROWSER: Policy = Policy {
    origins: Origins::OfClients,
    credentials: false,
    methods: "GET, POST, DELETE",
    headers: "authorization, content-type, auth0-client, x-request-language, dpop",
    expose: "x-request-id, x-gatewright-decision, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, dpop-nonce, \
             www-authenticate",
};

/// `/co/authenticate`, which sets the cookie that binds a login ticket to the browser.
pub const WITH_COOKIES: Policy = Policy { credentials: true, ..BROWSER };

/// The Management API from a browser.
pub const MANAGEMENT: Policy = Policy { methods: "GET, POST, PATCH, PUT, DELETE", ..BROWSER };

/// Answers preflights and marks real answers. Use with `middleware::from_fn`:
/// `from_fn(|cx, request, next| cors::apply(BROWSER, cx, request, next))`.
pub async fn apply(policy: Policy, cx: RequestCx, request: Request, next: Next) -> Response {
    let Some(origin) = cx.origin.clone() else {
        // Without an Origin there is nothing to allow, but a cache must not reuse the answer for one.
        return vary(next.run(request).await, policy);
    };
    let allowed = policy.origins == Origins::Any || cx.tenant.knows_browser_origin(&origin);
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response =
        if preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    if allowed {
        mark(response.headers_mut(), policy, &origin, preflight);
    }
    vary(response, policy)
}

fn mark(headers: &mut HeaderMap, policy: Policy, origin: &str, preflight: bool) {
    let origin = if policy.origins == Origins::Any { "*" } else { origin };
    let Ok(origin) = HeaderValue::from_str(origin) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if policy.credentials {
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    if preflight {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(policy.methods));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(policy.headers));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    } else if !policy.expose.is_empty() {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(policy.expose));
    }
}

fn vary(mut response: Response, policy: Policy) -> Response {
    if policy.origins == Origins::OfClients {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
    }
    response
}
