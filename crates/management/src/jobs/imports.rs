//! An import: the file is read from the database part by part, and every batch notes how far it came.

use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;

use gatewright_http::App;
use gatewright_resources::connections;
use gatewright_resources::jobs::queue::{self, End, Progress, Stop, Taken};
use gatewright_resources::users::import::{self, Batch, Batches, FileError, Import, Reader, Stored};
use gatewright_store::{StoreError, Tx};
use tokio::sync::mpsc;

/// Parts of the file that wait to be read.
const READ_AHEAD: usize = 2;

/// Imports the job's file; says how that ended.
pub(super) async fn run(app: &Arc<App>, job: &Arc<Taken>) -> Result<End, Stop> {
    let Some(import) = prepare(app, job).await? else {
        return Ok(End::Failed("The connection does not exist any more".to_owned()));
    };
    if job.rows_total.is_none() {
        let parts = parts(app, job);
        let counted = tokio::task::spawn_blocking(move || import::count(BufReader::new(parts))).await;
        let total = match counted.map_err(gone)? {
            Ok(total) => i64::try_from(total).unwrap_or(i64::MAX),
            // The whole file is looked at first: one that is cut short imports nobody.
            Err(FileError::Unreadable(error)) => {
                return Err(Stop::Store(StoreError::Unavailable(error.to_string())));
            }
            Err(error) => return Ok(End::Failed(format!("Failed to parse users file: {error}"))),
        };
        let (job, now) = (Arc::clone(job), app.clock.now());
        app.db.write(move |tx| Box::pin(async move { job.set_total(tx, total, now).await })).await?;
    }
    let reader = Reader::new(BufReader::new(parts(app, job)), Arc::new(import));
    let mut batches = Batches::of(reader.after(u64::try_from(job.rows_done).unwrap_or(0)));
    let unread = |error: FileError| Stop::Store(StoreError::Unavailable(error.to_string()));
    while let Some(batch) = batches.next().await.map_err(unread)? {
        store(app, job, &batch).await?;
    }
    Ok(End::Completed)
}

fn gone(error: tokio::task::JoinError) -> Stop {
    Stop::Store(StoreError::Other(error.to_string()))
}

async fn prepare(app: &Arc<App>, job: &Taken) -> Result<Option<Import>, Stop> {
    let (tenant, master_key) = (job.tenant.clone(), Arc::clone(&app.master_key));
    let id = job.doc["connection_id"].as_str().unwrap_or_default().to_owned();
    let read = app
        .db
        .read(move |tx| Box::pin(async move { connections::by_id(tx, &tenant, &master_key, &id).await }));
    let connection = read.await?;
    Ok(connection.map(|connection| Import {
        tenant: job.tenant.clone(),
        connection,
        upsert: job.doc["upsert"] == true,
        alone: false,
        clock: app.clock.clone(),
        random: app.random.clone(),
        master_key: Arc::clone(&app.master_key),
    }))
}

/// Stores a batch with its errors and its progress.
async fn store(app: &Arc<App>, job: &Arc<Taken>, batch: &Arc<Batch>) -> Result<(), Stop> {
    let (job, clock) = (Arc::clone(job), app.clock.clone());
    let stored = import::store(&app.db, batch, move |tx, batch, stored| {
        let (job, now) = (Arc::clone(&job), clock.now());
        Box::pin(async move { note(tx, &job, batch, stored, now).await })
    });
    stored.await.map(drop)
}

async fn note(
    tx: &mut Tx,
    job: &Taken,
    batch: &Batch,
    stored: &Stored,
    now: gatewright_core::Timestamp,
) -> Result<(), Stop> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let progress = Progress {
        rows_done: number(batch.last_row),
        inserted: number(stored.inserted),
        updated: number(stored.updated),
        failed: number(stored.refused.len() as u64),
        last_user_id: None,
    };
    job.note(tx, &progress, now).await?;
    Ok(job.add_errors(tx, &stored.refused).await?)
}

/// The job's file, as a thread reads it.
fn parts(app: &Arc<App>, job: &Arc<Taken>) -> Parts {
    let (send, receive) = mpsc::channel(READ_AHEAD);
    let (app, job) = (Arc::clone(app), Arc::clone(job));
    tokio::spawn(async move {
        for number in 0.. {
            let (tenant, id) = (job.tenant.clone(), job.job_id.clone());
            let read =
                app.db.read(move |tx| Box::pin(async move { queue::part(tx, &tenant, &id, number).await }));
            let Some(part) = read.await.transpose() else { return };
            let failed = part.is_err();
            if send.send(part).await.is_err() || failed {
                return;
            }
        }
    });
    Parts { receive, part: Cursor::default() }
}

struct Parts {
    receive: mpsc::Receiver<Result<Vec<u8>, StoreError>>,
    part: Cursor<Vec<u8>>,
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.part.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.receive.blocking_recv() {
                Some(part) => self.part = Cursor::new(part.map_err(io::Error::other)?),
                None => return Ok(0),
            }
        }
    }
}
