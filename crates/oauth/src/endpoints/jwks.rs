//! The keys that verify this tenant's tokens: `/.well-known/jwks.json`, `/pem`, `/cer`.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use gatewright_http::{Fault, RequestCx};
use serde_json::{Value, json};

/// RFC 7517 section 5. Cached briefly, so that a rotation is seen soon.
pub(crate) async fn jwks(cx: RequestCx) -> Response {
    let keys: Vec<Value> = cx.tenant.signing_keys().iter().map(|key| key.jwk()).collect();
    let caching = [(header::CACHE_CONTROL, "public, max-age=15, stale-while-revalidate=15")];
    (caching, Json(json!({"keys": keys}))).into_response()
}

/// The current certificate in PEM.
pub(crate) async fn pem(cx: RequestCx) -> Result<Response, Fault> {
    let key = cx.tenant.signing_keys().first().ok_or_else(|| Fault::internal("no signing key"))?;
    Ok(download("application/x-pem-file", "pem", key.certificate_pem().into_bytes()))
}

/// The current certificate in DER.
pub(crate) async fn cer(cx: RequestCx) -> Result<Response, Fault> {
    let key = cx.tenant.signing_keys().first().ok_or_else(|| Fault::internal("no signing key"))?;
    Ok(download("application/x-x509-ca-cert", "cer", key.certificate_der().to_vec()))
}

fn download(content_type: &'static str, extension: &str, body: Vec<u8>) -> Response {
    let name = format!("attachment; filename=\"tenant.{extension}\"");
    ([(header::CONTENT_TYPE, content_type.to_owned()), (header::CONTENT_DISPOSITION, name)], body)
        .into_response()
}
