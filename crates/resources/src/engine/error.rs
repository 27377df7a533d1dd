//! Refusals of the Management API, in one shape.

use std::borrow::Cow;

use gatewright_store::StoreError;
use serde_json::{Value, json};

/// A refusal of the Management API: `{statusCode, error, message, errorCode}` on the wire. A private
/// cause is kept for the server's log and is never part of the body.
#[derive(Debug, thiserror::Error)]
#[error("{status} {message}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// For people; some tools compare it.
    pub message: Cow<'static, str>,
    /// For programs; not every refusal has one.
    pub error_code: Option<Cow<'static, str>>,
    /// What went wrong inside, for 500 and 503.
    #[source]
    pub cause: Option<StoreError>,
}

impl ApiError {
    /// A refusal without a code.
    pub fn new(status: u16, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into(), error_code: None, cause: None }
    }

    /// Adds the code that programs read.
    #[must_use]
    pub fn code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.error_code = Some(code.into());
        self
    }

    /// 400: the body is not what the operation takes.
    pub fn invalid_body(problem: impl std::fmt::Display) -> Self {
        Self::new(400, format!("Payload validation error: {problem}.")).code("invalid_body")
    }

    /// 400: the query is not what the operation takes.
    pub fn invalid_query(problem: impl std::fmt::Display) -> Self {
        Self::new(400, format!("Query validation error: {problem}.")).code("invalid_query_string")
    }

    /// 400: the path holds something that cannot be an identifier.
    pub fn invalid_path(problem: impl std::fmt::Display) -> Self {
        Self::new(400, format!("Path validation error: {problem}.")).code("invalid_uri")
    }

    /// 400: well-formed, but not possible.
    pub fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, message).code("operation_not_supported")
    }

    /// 401: no token, or one that is not good here.
    pub fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(401, message)
    }

    /// 403 for a missing scope. Compat: tools search for the words "Insufficient scope" and read
    /// the list after the colon.
    pub fn insufficient_scope(expected: &[&str]) -> Self {
        Self::new(403, format!("Insufficient scope, expected any of: {}", expected.join(",")))
            .code("insufficient_scope")
    }

    /// 404 for a path that names no operation.
    pub fn no_such_path() -> Self {
        Self::new(404, "Not Found")
    }

    /// 409: something with this key is there already.
    pub fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(409, message)
    }

    /// The body on the wire.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "statusCode": self.status,
            "error": reason_phrase(self.status),
            "message": self.message,
        });
        if let Some(code) = &self.error_code {
            body["errorCode"] = json!(code);
        }
        body
    }
}

impl From<StoreError> for ApiError {
    /// A database that is down or busy is 503, anything else is a fault of ours.
    fn from(cause: StoreError) -> Self {
        let (status, message) = match cause {
            StoreError::Busy(..) | StoreError::Unavailable(..) => {
                (503, "The service is not available, try again.")
            }
            _ => (500, "An internal error occurred."),
        };
        Self { status, message: message.into(), error_code: None, cause: Some(cause) }
    }
}

/// The HTTP reason phrase, which is the `error` member.
fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Payload Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}
