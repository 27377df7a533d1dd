//! The token endpoint, asked in this process: the very endpoint that every client asks, without the way over
//! the network, where this server would have to trust its own certificate and know the proxies before it.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use gatewright_http::{Fault, RequestCx};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::problem::Problem;

/// A code that came back, and what proves that it came back to whoever asked for it.
#[derive(Clone, Copy)]
pub(crate) struct Code<'a> {
    pub(crate) code: &'a str,
    pub(crate) redirect_uri: &'a str,
    /// The PKCE verifier.
    pub(crate) verifier: &'a str,
}

/// Redeems a code as its client would. The body of the answer, an `error` included.
///
/// # Errors
/// [`Problem::Fault`] if the endpoint answers no JSON.
pub(crate) async fn redeem(
    cx: &RequestCx,
    client_id: &str,
    client_secret: Option<&str>,
    Code { code, redirect_uri, verifier }: Code<'_>,
) -> Result<Value, Problem> {
    let mut params = vec![
        ("grant_type", "authorization_code"),
        ("client_id", client_id),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", verifier),
    ];
    params.extend(client_secret.map(|secret| ("client_secret", secret)));
    let failed = |cause: &dyn std::fmt::Display| Problem::Fault(Fault::internal(cause));
    let form = serde_urlencoded::to_string(params).map_err(|error| failed(&error))?;
    let mut request = Request::builder()
        .method("POST")
        .uri("/oauth/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .map_err(|error| failed(&error))?;
    request.extensions_mut().insert(cx.clone());
    let router = gatewright_oauth::router().with_state(std::sync::Arc::clone(&cx.app));
    let response = match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let body = response.into_body().collect().await.map_err(|error| failed(&error))?.to_bytes();
    serde_json::from_slice(&body).map_err(|error| failed(&error))
}
