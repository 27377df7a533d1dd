//! The dev inbox: messages are shown here instead of being sent.
//!
//! Owns the page, its JSON form and the [`Inbox`] that keeps captured messages; the rows are
//! `gatewright_resources::captured_messages`. Only `gatewright dev` has it: anyone who can open the page
//! can read everybody's codes.

mod capture;
mod json;
mod page;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use gatewright_ambient::Clock;
use gatewright_core::ids::TenantId;
use gatewright_http::{Fault, RequestCx};
use gatewright_resources::captured_messages::{self, CapturedMessage, Filter};
use gatewright_store::{Db, StoreError};
use tokio::sync::watch;

/// Messages may also come from another node, which cannot wake this one: look this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Keeps captured messages and wakes those who wait for one. Clones share it.
#[derive(Clone)]
pub(crate) struct Inbox(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    /// Grows with each message captured by this process.
    arrivals: watch::Sender<u64>,
    stopping: watch::Receiver<bool>,
    /// A client of each tenant, for the page's example.
    clients: HashMap<TenantId, String>,
}

impl Inbox {
    /// An inbox over this database. Those who wait are sent home when `stopping` becomes true.
    pub(crate) fn new(db: Db, clock: Clock, stopping: watch::Receiver<bool>) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            arrivals: watch::Sender::new(0),
            stopping,
            clients: HashMap::new(),
        }))
    }

    /// Names a client of each tenant, to be shown in the page's example.
    #[must_use]
    pub(crate) fn with_clients(self, clients: HashMap<TenantId, String>) -> Self {
        let Inner { db, clock, arrivals, stopping, .. } = &*self.0;
        let (db, clock, stopping) = (db.clone(), clock.clone(), stopping.clone());
        Self(Arc::new(Inner { db, clock, arrivals: arrivals.clone(), stopping, clients }))
    }

    async fn list(&self, tenant: &TenantId, filter: &Filter) -> Result<Vec<CapturedMessage>, StoreError> {
        let (tenant, filter) = (tenant.clone(), filter.clone());
        let db = &self.0.db;
        db.read(move |tx| Box::pin(async move { captured_messages::list(tx, &tenant, &filter).await })).await
    }

    /// Lists; if there is nothing, waits up to `wait` for something to arrive.
    async fn list_or_wait(
        &self,
        tenant: &TenantId,
        filter: &Filter,
        wait: Duration,
    ) -> Result<Vec<CapturedMessage>, StoreError> {
        let mut arrivals = self.0.arrivals.subscribe();
        let mut stopping = self.0.stopping.clone();
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            // Subscribed before looking, so a message that comes between is not slept through.
            arrivals.mark_unchanged();
            let messages = self.list(tenant, filter).await?;
            let now = tokio::time::Instant::now();
            if !messages.is_empty() || now >= deadline || *stopping.borrow() {
                return Ok(messages);
            }
            let look_again = deadline.min(now + LOOK_EVERY);
            tokio::select! {
                _ = arrivals.changed() => {}
                _ = stopping.changed() => {}
                () = tokio::time::sleep_until(look_again) => {}
            }
        }
    }

    async fn html(&self, tenant: &TenantId, id: i64) -> Result<Option<String>, StoreError> {
        let tenant = tenant.clone();
        let db = &self.0.db;
        db.read(move |tx| Box::pin(async move { captured_messages::html(tx, &tenant, id).await })).await
    }

    async fn empty(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let tenant = tenant.clone();
        self.0.db.write(move |tx| Box::pin(async move { captured_messages::empty(tx, &tenant).await })).await
    }
}

/// The inbox's routes, for tenants' hosts.
pub(crate) fn router(inbox: Inbox) -> Router {
    Router::new()
        .route("/dev/inbox", get(page::show).post(page::post))
        .route("/dev/inbox/{id}/html", get(page::html))
        .route("/dev/inbox.json", get(json::list).delete(json::empty))
        .with_state(inbox)
}

/// `true` unless a browser says that a page of another origin sent the request. Without this, any page
/// on the web could empty the inbox of a developer who visits it.
fn is_same_origin(cx: &RequestCx) -> bool {
    cx.origin.as_deref().is_none_or(|origin| origin == cx.issuer.origin())
}

fn fault(error: StoreError) -> axum::response::Response {
    axum::response::IntoResponse::into_response(Fault::from(error))
}
