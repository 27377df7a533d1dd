//! The style sheet and the script, under addresses that change with them.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatewright_jose::token_hash;

const CSS: &str = include_str!("../assets/dashboard.css");
const JS: &str = include_str!("../assets/dashboard.js");

static CSS_PATH: LazyLock<String> = LazyLock::new(|| path(CSS, "css"));
static JS_PATH: LazyLock<String> = LazyLock::new(|| path(JS, "js"));

fn path(text: &str, kind: &str) -> String {
    let version: String = token_hash(text).chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    format!("/dashboard/assets/{version}.{kind}")
}

/// The address of the style sheet.
pub(crate) fn css() -> &'static str {
    &CSS_PATH
}

/// The address of the script.
pub(crate) fn js() -> &'static str {
    &JS_PATH
}

/// `GET /dashboard/assets/{file}`. What an old page asks for is gone with the old server.
pub(crate) async fn serve(Path(file): Path<String>) -> Response {
    let (kind, text) = match format!("/dashboard/assets/{file}") {
        path if path == *CSS_PATH => ("text/css; charset=utf-8", CSS),
        path if path == *JS_PATH => ("text/javascript; charset=utf-8", JS),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}
