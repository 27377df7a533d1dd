//! `POST /passwordless/challenge` and its siblings for passwords: whether the page must solve a captcha
//! first.
//! Bot detection is not built, so the answer is no.

use axum::Json;
use serde_json::{Value, json};

pub(crate) async fn passwordless() -> Json<Value> {
    Json(json!({"required": false}))
}
