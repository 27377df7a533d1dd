//! Answers that every surface gives alike: faults, JSON, no-store.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatewright_store::StoreError;
use serde::Serialize;
use serde_json::json;

/// Why an answer refuses, where no log event tells of it. An extension of the answer; `dev` shows it.
#[derive(Clone, Debug)]
pub struct Reason(pub String);

/// The server could not do its work: database down, a bug, a timeout. The caller gets a status and the
/// request id (in the header); the cause goes to the log, once, here.
#[derive(Debug)]
pub struct Fault {
    status: StatusCode,
    cause: String,
}

impl Fault {
    /// A fault with its cause, for the log only.
    pub fn internal(cause: impl ToString) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, cause: cause.to_string() }
    }
}

impl From<gatewright_passwords::HashError> for Fault {
    fn from(error: gatewright_passwords::HashError) -> Self {
        let status = match error {
            gatewright_passwords::HashError::Busy => StatusCode::SERVICE_UNAVAILABLE,
            gatewright_passwords::HashError::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, cause: error.to_string() }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let status = match error {
            StoreError::Busy(_) | StoreError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, cause: error.to_string() }
    }
}

impl From<gatewright_jose::JoseError> for Fault {
    fn from(error: gatewright_jose::JoseError) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        tracing::error!(cause = %self.cause, status = self.status.as_u16(), "The request failed inside the server.");
        let description = match self.status {
            StatusCode::SERVICE_UNAVAILABLE => "The server is busy or its database is away. Try again.",
            _ => "The server failed. The request id in the x-request-id header names the log entry.",
        };
        no_store((self.status, Json(json!({"error": "server_error", "error_description": description}))))
    }
}

/// Adds `Cache-Control: no-store`, as RFC 6749 section 5.1 asks for answers that hold tokens.
pub fn no_store(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// A JSON answer that no cache keeps.
pub fn json_no_store(status: u16, body: &impl Serialize) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    no_store((status, Json(body)))
}
