//! What keeps a page from being shown, as a page.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use gatewright_http::Fault;
use gatewright_resources::engine::ApiError;
use gatewright_store::StoreError;

use crate::page;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// An operation refused.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A form that no page of this session made.
    #[error("the form is not of this session")]
    Forged,
    /// A form that no browser makes.
    #[error("the form cannot be read")]
    Malformed,
    /// Not allowed, with what to do about it.
    #[error("{0}")]
    Denied(String),
    /// The server failed.
    #[error("the server failed")]
    Fault(Fault),
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Page {
    status: u16,
    title: &'static str,
    text: String,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, title, text) = match self {
            Self::Fault(fault) => return fault.into_response(),
            Self::Api(error) => {
                if let Some(cause) = &error.cause {
                    tracing::error!(%cause, status = error.status, "A page of the dashboard failed inside the server.");
                }
                let title = match error.status {
                    404 => "This does not exist",
                    403 => "Your role does not allow this",
                    _ => "The Management API refused",
                };
                (error.status, title, error.message.into_owned())
            }
            Self::Forged => {
                let text = "The form was not made by a page of this session, so nothing was changed. Go back, reload \
                            the page and try again.";
                (403, "This form is not of your session", text.to_owned())
            }
            Self::Malformed => (400, "This form cannot be read", "Nothing was changed.".to_owned()),
            Self::Denied(text) => (403, "Not allowed", text),
        };
        let status_code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        page::respond(status_code, &Page { status, title, text })
    }
}
