//! Running an import: one thread reads and checks, the database stores, and a batch waits between them.

use std::io::{self, BufRead};
use std::sync::Arc;
use std::time::Duration;

use gatewright_store::{BoxFuture, Db, StoreError, Tx};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Batch, FileError, Reader, Rows, Stored};
use crate::jobs::queue::Stop;

/// Times that a batch is tried again while the database is busy.
const TRIES: u32 = 5;
/// Batches that wait between reading and storing.
const READ_AHEAD: usize = 1;

/// How many rows a file has.
///
/// # Errors
/// [`FileError`]: the file is none, or cut short. Whoever imports it nevertheless imports a part of it.
pub fn count(input: impl BufRead) -> Result<u64, FileError> {
    let mut total = 0;
    for row in Rows::new(input) {
        row?;
        total += 1;
    }
    Ok(total)
}

/// A [`Reader`] at work in a thread of its own.
pub struct Batches {
    ready: mpsc::Receiver<Result<Batch, FileError>>,
    reading: JoinHandle<()>,
}

impl Batches {
    /// Begins to read.
    pub fn of<R: BufRead + Send + 'static>(reader: Reader<R>) -> Self {
        let (send, ready) = mpsc::channel(READ_AHEAD);
        let reading = tokio::task::spawn_blocking(move || {
            for batch in reader {
                // Whoever stores them has stopped.
                if send.blocking_send(batch).is_err() {
                    return;
                }
            }
        });
        Self { ready, reading }
    }

    /// The next batch; `None` at the end of the file.
    ///
    /// # Errors
    /// [`FileError`]: nothing more can be read.
    pub async fn next(&mut self) -> Result<Option<Arc<Batch>>, FileError> {
        match self.ready.recv().await {
            Some(batch) => batch.map(|batch| Some(Arc::new(batch))),
            // A thread that ended otherwise than at the end has not read the file.
            None => match (&mut self.reading).await {
                Ok(()) => Ok(None),
                Err(error) => Err(FileError::Unreadable(io::Error::other(error))),
            },
        }
    }
}

/// Stores a batch and, in the same transaction, what `note` writes about it. Tries again while the
/// database is busy. What the database does not take as a whole is stored row by row, and noted then.
///
/// # Errors
/// [`Stop`] of `note`, or the database's: the batch was not stored, or a part of it and nothing noted.
pub async fn store<N>(db: &Db, batch: &Arc<Batch>, note: N) -> Result<Stored, Stop>
where
    N: for<'t> Fn(&'t mut Tx, &'t Batch, &'t Stored) -> BoxFuture<'t, Result<(), Stop>>
        + Clone
        + Send
        + Sync
        + 'static,
{
    for round in 1..=TRIES {
        let (rows, note) = (Arc::clone(batch), note.clone());
        let write = db.write(move |tx| {
            Box::pin(async move {
                let stored = rows.store(tx).await?;
                note(tx, &rows, &stored).await?;
                Ok::<_, Stop>(stored)
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
    let stored = batch.store_singly(db).await?;
    let rows = Arc::clone(batch);
    let write = db.write(move |tx| {
        Box::pin(async move {
            note(tx, &rows, &stored).await?;
            Ok::<_, Stop>(stored)
        })
    });
    write.await
}
