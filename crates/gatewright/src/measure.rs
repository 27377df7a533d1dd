//! Counts and durations for Prometheus.
//!
//! The names here are the contract with whoever counts: `gatewright_http_requests_total` and
//! `gatewright_http_request_duration_seconds` are counted by this module's layer; tokens and messages
//! are counted where they are issued and sent.

use std::sync::OnceLock;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Requests by method, route and status.
pub(crate) const REQUESTS: &str = "gatewright_http_requests_total";
/// How long requests took, in seconds, by route.
pub(crate) const DURATION: &str = "gatewright_http_request_duration_seconds";
/// Tokens by kind.
pub(crate) const TOKENS: &str = "gatewright_tokens_issued_total";
/// Messages by channel and outcome.
pub(crate) const MESSAGES: &str = "gatewright_messages_total";

/// Upper bounds of the histogram: from a cached document to a slow SMS gateway.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The process's recorder; installed on the first call.
pub(crate) fn recorder() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let builder =
            PrometheusBuilder::new().set_buckets(BUCKETS).expect("the list of buckets is not empty");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // Fails only if somebody else's recorder is there already; then this page stays empty.
        drop(metrics::set_global_recorder(recorder));
        metrics::describe_counter!(REQUESTS, "Requests by method, route and status.");
        metrics::describe_histogram!(DURATION, metrics::Unit::Seconds, "Time to answer, by route.");
        metrics::describe_counter!(TOKENS, "Tokens issued, by kind.");
        metrics::describe_counter!(MESSAGES, "Messages sent or captured, by channel and outcome.");
        handle
    })
}

/// The layer that counts a request. Routes, never paths: a path holds ids, and there is no end of them.
pub(crate) async fn count(request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = matched.unwrap_or_else(|| "unmatched".to_owned());
    let method = method_label(request.method());
    let began = tokio::time::Instant::now();
    let response = next.run(request).await;
    metrics::histogram!(DURATION, "route" => route.clone()).record(began.elapsed().as_secs_f64());
    let status = response.status().as_u16().to_string();
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(method, route, status, milliseconds, "Answered.");
    metrics::counter!(REQUESTS, "method" => method, "route" => route, "status" => status).increment(1);
    response
}

/// A caller can invent methods; the set of labels must stay small.
fn method_label(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
