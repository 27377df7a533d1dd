//! The Management API: mounts the resource registry at `/api/v2`.
//!
//! Owns: bearer tokens ([`bearer`]), the way from a request to an operation and back ([`dispatch`]),
//! the work on imports and exports of users ([`jobs`]), the reference page of operations. Does not own: what an operation does, checks and answers, which
//! is `gatewright_resources`.

pub mod bearer;
mod browse;
pub mod dispatch;
mod download;
pub mod jobs;
mod limit;
pub mod openapi;
pub mod reference;

use std::sync::{Arc, LazyLock};

use askama::Template as _;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get};
use gatewright_http::script_trial::Workers;
use gatewright_http::{App, Fault, RequestCx, cors};

use gatewright_resources::engine::Method;
use gatewright_resources::engine::routes::{Routes, Target};
use serde_json::json;

use crate::dispatch::{ApiRequest, ApiResponse, Place};

/// The longest body: a page of HTML in tenant settings is the largest thing that anyone sends.
const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// Every route of the Management API. `gatewright_http::context::establish` must be outside it.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v2", any(handle))
        .route("/api/v2/{*rest}", any(handle))
        .layer(from_fn(|cx, request, next| cors::apply(cors::MANAGEMENT, cx, request, next)))
        .route("/api/v2/openapi.json", get(openapi_document))
        .route("/api/v2/reference", get(reference_page))
        .route("/exports/{id}/{file}", get(download::download))
        .route("/me/v1/{*rest}", any(other_api))
        .route("/my-org/v1/{*rest}", any(other_api))
}

/// The same for everybody and no secret: what is built does not depend on the tenant.
async fn openapi_document() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, openapi::TEXT.as_str())
}

/// The My Account and My Organization APIs: known, not built. Their errors have a shape of their own.
async fn other_api(request: Request) -> Response {
    static ROUTES: LazyLock<Routes> = LazyLock::new(Routes::of_other_apis);
    let method = Method::named(request.method().as_str());
    let found = method.and_then(|method| ROUTES.find(method, request.uri().path()).ok());
    let (status, title, header) = match found {
        Some((Target::Unbuilt(known), _)) => (501, "Not Implemented", Some((dispatch::NOT_BUILT, known.id))),
        _ => (404, "Not Found", None),
    };
    let detail = if status == 501 { "This operation is not built." } else { "There is no such operation." };
    let body = json!({"type": "about:blank", "status": status, "title": title, "detail": detail});
    let headers = header.map(|(name, id)| (name, id.to_owned())).into_iter().collect();
    respond(ApiResponse { status, body: Some(body), headers, ..ApiResponse::default() })
}

async fn reference_page(cx: RequestCx) -> Result<Response, Fault> {
    let nonce = cx.app.random.alphanumeric(22);
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let page = browse::Page::at(cx.issuer.as_str(), nonce).render().map_err(Fault::internal)?;
    let headers = [(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-store".to_owned())];
    Ok((headers, Html(page)).into_response())
}

async fn handle(cx: RequestCx, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let text =
        |name: &HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let place = Place {
        db: &cx.app.db,
        random: &cx.app.random,
        master_key: &cx.app.master_key,
        passwords: &cx.app.passwords,
        tenant: &cx.tenant,
        issuer: &cx.issuer,
        now: cx.now,
        ip: cx.ip.to_string(),
        user_agent: cx.user_agent.clone(),
        rate_limit: cx.app.settings.management_rate_limit,
        flows: Some((cx.app.flows)(cx.clone())),
        trial: Some(Arc::new(Workers::new(&cx))),
    };
    let path = parts.uri.path();
    let mut call = ApiRequest {
        method: parts.method.as_str().to_owned(),
        path: path.strip_prefix("/api/v2").unwrap_or(path).to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        authorization: text(&header::AUTHORIZATION),
        content_type: text(&header::CONTENT_TYPE),
        custom_domain: text(&HeaderName::from_static("auth0-custom-domain")),
        body: Vec::new(),
    };
    let limit = match dispatch::takes_files(&place, &call) {
        true => cx.app.settings.import_bytes,
        false => BODY_LIMIT_BYTES,
    };
    let answer = match to_bytes(body, limit).await {
        Ok(bytes) => {
            call.body = bytes.into();
            dispatch::dispatch(place, call).await
        }
        Err(_) => dispatch::too_large(),
    };
    if answer.config_changed {
        cx.app.tenants.invalidate(&cx.tenant.id);
    }
    respond(answer)
}

fn respond(answer: ApiResponse) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in &answer.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if let Some(body) = answer.body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        *response.body_mut() = Body::from(body.to_string());
    }
    response
}
