//! Hands out the file of a finished export, at an address that is good for a minute.

use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use gatewright_http::{Fault, RequestCx};
use gatewright_resources::jobs::{self, queue};

/// What the address says besides the job.
#[derive(serde::Deserialize)]
pub(crate) struct Signed {
    #[serde(default)]
    expires: i64,
    #[serde(default)]
    signature: String,
}

/// Part after part, so that no file is held whole.
pub(crate) async fn download(
    cx: RequestCx,
    Path((job_id, file)): Path<(String, String)>,
    Query(signed): Query<Signed>,
) -> Response {
    let (tenant, app) = (cx.tenant.id.clone(), &cx.app);
    let Signed { expires, signature } = signed;
    if !jobs::link_is_good(&app.master_key, &tenant, &job_id, expires, &signature, cx.now) {
        return refusal(
            StatusCode::FORBIDDEN,
            "The link is not good any more. GET the job again for a new one.\n",
        );
    }
    let id = job_id.clone();
    let read = app.db.read(move |tx| Box::pin(async move { jobs::exported_file(tx, &tenant, &id).await }));
    let name = match read.await {
        Ok(Some(name)) if name == file => name,
        Ok(_) => return refusal(StatusCode::NOT_FOUND, "There is no such file.\n"),
        Err(error) => return Fault::from(error).into_response(),
    };
    let parts = stream::try_unfold((cx, job_id, 0_i64), |(cx, job_id, part)| async move {
        let (tenant, id) = (cx.tenant.id.clone(), job_id.clone());
        let read =
            cx.app.db.read(move |tx| Box::pin(async move { queue::part(tx, &tenant, &id, part).await }));
        Ok::<_, gatewright_store::StoreError>(read.await?.map(|bytes| (bytes, (cx, job_id, part + 1))))
    });
    let mut response = Response::new(Body::from_stream(parts));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/gzip"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

fn refusal(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}
