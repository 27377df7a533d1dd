//! The pages a browser sees, and the answers of `/authorize` that are pages.
//!
//! Templates are in `templates/`, checked when compiled. Every page has a content security policy of its
//! own; nothing is loaded from another host.

pub(crate) mod answer;
mod error_page;
mod look;
pub(crate) mod policy;
pub mod preview;
pub(crate) mod qr;
pub(crate) mod screen;
pub(crate) mod texts;
mod theme;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use gatewright_core::OAuthError;
use gatewright_http::RequestCx;

pub(crate) use error_page::ErrorPage;

/// For paths that lead nowhere.
pub(crate) async fn not_found(cx: RequestCx) -> Response {
    let error =
        OAuthError::new(StatusCode::NOT_FOUND.as_u16(), "not_found", "There is nothing at this address.");
    ErrorPage::of(&cx, &error).respond().into_response()
}
