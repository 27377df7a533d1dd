//! An import: one thread reads and checks, the database stores, and a batch waits between them.

use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;
use std::time::Duration;

use gatewright_http::App;
use gatewright_resources::connections;
use gatewright_resources::jobs::queue::{self, End, Progress, Stop, Taken};
use gatewright_resources::users::import::{Batch, FileError, Import, Reader, Rows, Stored};
use gatewright_store::StoreError;
use tokio::sync::mpsc;

/// Times that a batch is tried again while the database is busy.
const TRIES: u32 = 5;
/// What is read between counting and the next look at the count.
const READ_AHEAD: usize = 2;

/// Imports the job's file; says how that ended.
pub(super) async fn run(app: &Arc<App>, job: &Arc<Taken>) -> Result<End, Stop> {
    let Some(import) = import(app, job).await? else {
        return Ok(End::Failed("The connection does not exist any more".to_owned()));
    };
    if job.rows_total.is_none() {
        let parts = parts(app, job);
        let counted = tokio::task::spawn_blocking(move || count(parts)).await;
        let total = match counted.map_err(gone)? {
            Ok(total) => total,
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
    let reader = reader.after(u64::try_from(job.rows_done).unwrap_or(0));
    let (send, mut batches) = mpsc::channel(READ_AHEAD);
    let reading = tokio::task::spawn_blocking(move || {
        for batch in reader {
            // Whoever stores them has stopped.
            if send.blocking_send(batch).is_err() {
                return;
            }
        }
    });
    while let Some(batch) = batches.recv().await {
        match batch {
            Ok(batch) => store(app, job, Arc::new(batch)).await?,
            Err(error) => return Err(Stop::Store(StoreError::Unavailable(error.to_string()))),
        }
    }
    reading.await.map_err(gone)?;
    Ok(End::Completed)
}

fn gone(error: tokio::task::JoinError) -> Stop {
    Stop::Store(StoreError::Other(error.to_string()))
}

async fn import(app: &Arc<App>, job: &Taken) -> Result<Option<Import>, Stop> {
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
        clock: app.clock.clone(),
        random: app.random.clone(),
    }))
}

fn count(parts: Parts) -> Result<i64, FileError> {
    let mut total = 0;
    for row in Rows::new(BufReader::new(parts)) {
        row?;
        total += 1;
    }
    Ok(total)
}

/// Stores a batch with its errors and its progress, in one transaction.
async fn store(app: &Arc<App>, job: &Arc<Taken>, batch: Arc<Batch>) -> Result<(), Stop> {
    for round in 1..=TRIES {
        let (taken, rows, now) = (Arc::clone(job), Arc::clone(&batch), app.clock.now());
        let write = app.db.write(move |tx| {
            Box::pin(async move {
                let stored = rows.store(tx).await?;
                note(tx, &taken, &rows, &stored, now).await
            })
        });
        match write.await {
            Err(Stop::Store(StoreError::Busy(_))) if round < TRIES => {
                tokio::time::sleep(Duration::from_millis(200) * round).await;
            }
            Err(Stop::Store(error)) if !matches!(error, StoreError::Busy(_) | StoreError::Unavailable(_)) => {
                break;
            }
            done => return done,
        }
    }
    let stored = batch.store_singly(&app.db).await?;
    let (taken, now) = (Arc::clone(job), app.clock.now());
    let write = app.db.write(move |tx| Box::pin(async move { note(tx, &taken, &batch, &stored, now).await }));
    write.await
}

async fn note(
    tx: &mut gatewright_store::Tx,
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
