//! Does the imports and exports of users that were queued (`resources::jobs`).
//!
//! Every node runs [`work`]. What a node gets done is noted in the transaction that does it, so a job that
//! it leaves behind is taken up by another where it stopped, and nothing is done twice.

mod exports;
mod imports;

use std::sync::Arc;
use std::time::Duration;

use gatewright_http::App;
use gatewright_resources::jobs::Kind;
use gatewright_resources::jobs::queue::{self, End, Stop, Taken};
use gatewright_resources::logs::{self, LogEvent};
use gatewright_store::StoreError;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How often a node looks for work.
const ROUND_EVERY: Duration = Duration::from_millis(500);
/// How long it rests when the database does not answer.
const REST_AFTER_ERROR: Duration = Duration::from_secs(10);
/// Most jobs that one node does at a time.
const AT_ONCE: usize = 2;

/// Works for as long as it is polled.
pub async fn work(app: Arc<App>) {
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    // Dropped with this future: nothing goes on when the server stops.
    let mut running = JoinSet::new();
    loop {
        while running.try_join_next().is_some() {}
        let rest = match round(&app, &slots, &mut running).await {
            Ok(()) => ROUND_EVERY,
            Err(error) => {
                tracing::warn!(%error, "Jobs wait: the database does not answer.");
                REST_AFTER_ERROR
            }
        };
        tokio::time::sleep(rest).await;
    }
}

async fn round(app: &Arc<App>, slots: &Arc<Semaphore>, running: &mut JoinSet<()>) -> Result<(), StoreError> {
    let now = app.clock.now();
    app.db.write(move |tx| Box::pin(async move { queue::remove_old(tx, now).await })).await?;
    let free = i64::try_from(slots.available_permits()).unwrap_or(0);
    let kinds = [Kind::UsersImport, Kind::UsersExport];
    let read = app.db.read(move |tx| Box::pin(async move { queue::due(tx, kinds, now, free).await }));
    for due in read.await? {
        let Ok(slot) = Arc::clone(slots).try_acquire_owned() else { break };
        let take = app.db.write(move |tx| Box::pin(async move { queue::take(tx, &due, now).await }));
        let Some(job) = take.await? else { continue };
        let app = Arc::clone(app);
        running.spawn(async move {
            run(&app, &Arc::new(job)).await;
            drop(slot);
        });
    }
    Ok(())
}

/// Does one job, and ends it unless the database or another worker came between.
async fn run(app: &Arc<App>, job: &Arc<Taken>) {
    let done = match job.kind {
        Kind::UsersImport => imports::run(app, job).await,
        _ => exports::run(app, job).await.map(|()| End::Completed),
    };
    let end = match done {
        Ok(end) => end,
        Err(Stop::TooLong) => End::Failed(Stop::TooLong.to_string()),
        Err(Stop::Lost) => return,
        Err(Stop::Store(error)) => {
            tracing::warn!(%error, job = job.job_id, "A job stopped; it is taken up again in a minute.");
            return;
        }
    };
    if let Err(Stop::Store(error)) = finish(app, job, end).await {
        tracing::warn!(%error, job = job.job_id, "The end of a job was not noted; it is taken up again.");
    }
}

async fn finish(app: &Arc<App>, job: &Arc<Taken>, end: End) -> Result<(), Stop> {
    let (now, random, job) = (app.clock.now(), app.random.clone(), Arc::clone(job));
    let write = app.db.write(move |tx| {
        Box::pin(async move {
            job.finish(tx, &end).await?;
            if job.kind == Kind::UsersImport {
                logs::append(tx, &job.tenant, now, &random, &event(&job, &end)).await?;
            }
            Ok::<_, Stop>(())
        })
    });
    write.await
}

/// What the tenant's log says of an import.
fn event(job: &Taken, end: &End) -> LogEvent {
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let (code, description) = match end {
        End::Completed => ("sui", "The import of users has ended.".to_owned()),
        End::Failed(why) => ("fui", why.clone()),
    };
    LogEvent {
        r#type: code,
        description: Some(description),
        client_id: text(&job.task["client_id"]),
        connection: text(&job.doc["connection"]),
        connection_id: text(&job.doc["connection_id"]),
        details: json!({"job_id": job.job_id, "external_id": job.doc["external_id"]}),
        ..LogEvent::default()
    }
}
