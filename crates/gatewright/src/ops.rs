//! The listener for whoever runs the server: `/healthz`, `/readyz`, `/metrics`.
//!
//! It is up before the database is opened, so that a long migration shows as "alive, not ready".

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use gatewright_store::{Db, StoreError, params, sql};
use tokio::sync::watch;

use crate::measure;

/// Longer than this and the database counts as down.
const DATABASE_ANSWERS_WITHIN: Duration = Duration::from_secs(2);

sql!(PING, "SELECT 1");

/// How far the process is.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// The database is being opened or migrated.
    Starting,
    /// Requests are served.
    Serving(Db),
    /// A signal came: requests under way are finished, new ones should go elsewhere.
    Stopping,
}

/// The routes of the listener.
pub(crate) fn router(phase: watch::Receiver<Phase>) -> Router {
    let _ = measure::recorder();
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_page))
        .with_state(phase)
}

async fn ready(State(phase): State<watch::Receiver<Phase>>) -> Response {
    let phase = phase.borrow().clone();
    let not_yet = |why: &'static str| (StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    let db = match phase {
        Phase::Starting => return not_yet("starting: the database is being opened or migrated\n"),
        Phase::Stopping => return not_yet("stopping\n"),
        Phase::Serving(db) => db,
    };
    let ping = db.read(|tx| Box::pin(async move { tx.one(&PING, &params![]).await.map(drop) }));
    match tokio::time::timeout(DATABASE_ANSWERS_WITHIN, ping).await {
        Ok(Ok(())) => "ready\n".into_response(),
        Ok(Err(error)) => {
            let error: StoreError = error;
            tracing::warn!(%error, "Not ready: the database does not answer.");
            not_yet("the database does not answer\n")
        }
        Err(_) => not_yet("the database does not answer in time\n"),
    }
}

async fn metrics_page() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], measure::recorder().render())
        .into_response()
}
