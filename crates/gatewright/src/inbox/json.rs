//! `/dev/inbox.json`: the inbox for tests and scripts.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use gatewright_http::RequestCx;
use gatewright_http::respond::json_no_store;
use gatewright_resources::captured_messages::Filter;
use serde::Deserialize;
use serde_json::json;

use super::{Inbox, fault, is_same_origin};

const LONGEST_WAIT_SECONDS: u64 = 60;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    to: Option<String>,
    after: Option<i64>,
    wait: Option<u64>,
}

/// Newest first; with `wait` (seconds) it answers as soon as there is one that passes the filter.
pub(super) async fn list(
    State(inbox): State<Inbox>,
    cx: RequestCx,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(rejection) => return refuse(&rejection.body_text()),
    };
    let wait = Duration::from_secs(query.wait.unwrap_or(0).min(LONGEST_WAIT_SECONDS));
    // A `+` that the caller did not write as %2B arrives as a space.
    let to = query.to.map(|to| if to.starts_with(' ') { format!("+{}", to.trim_start()) } else { to });
    let filter = Filter { to, after: query.after };
    match inbox.list_or_wait(&cx.tenant.id, &filter, wait).await {
        Ok(messages) => json_no_store(200, &json!({ "messages": messages })),
        Err(error) => fault(error),
    }
}

/// Removes all messages of the tenant.
pub(super) async fn empty(State(inbox): State<Inbox>, cx: RequestCx) -> Response {
    if !is_same_origin(&cx) {
        return StatusCode::FORBIDDEN.into_response();
    }
    match inbox.empty(&cx.tenant.id).await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => fault(error),
    }
}

fn refuse(why: &str) -> Response {
    let message = format!("{why}. The query may hold to, after (an id) and wait (seconds).");
    (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_request", "error_description": message })))
        .into_response()
}
