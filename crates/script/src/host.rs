//! What a script may ask of the server while it runs.

use std::future::Future;
use std::pin::Pin;

use serde_json::Value;

/// A question of a script that only the server can answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Which of the flow's programs asks.
    pub program: usize,
    /// `fetch`, `cache.get`, `users.updateUserMetadata`, ...
    pub name: String,
    /// Its arguments, as an object.
    pub args: Value,
}

/// Why a call failed; becomes the exception that the script sees.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HostError {
    /// `code` of the exception, such as `ECONNREFUSED`, if it has one.
    pub code: Option<String>,
    /// What the script's author reads.
    pub message: String,
}

impl HostError {
    /// An error without a code.
    pub fn new(message: impl Into<String>) -> Self {
        Self { code: None, message: message.into() }
    }
}

/// The server as scripts see it. One for each run of a flow.
pub trait Host: Send + Sync {
    /// Answers a call. Calls of one flow may be under way at the same time.
    fn call(&self, call: Call) -> Pin<Box<dyn Future<Output = Result<Value, HostError>> + Send + '_>>;
}
