//! The SQLite driver: one writer thread, a few reader threads, one file per process.
//!
//! Reading order: this file (open, close, hand a job to a thread), `job` (a job without its types),
//! `writer` (group commit), `reader`, `connection` (statements), `error`, `file_lock`.
//!
//! In memory there is one connection, on the writer thread, which also runs the reads: no shared
//! cache, whose table locks make readers fail with SQLITE_LOCKED, and no temporary file.

mod connection;
mod error;
mod file_lock;
mod job;
mod reader;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use crate::tx::Mode;
use crate::{BoxFuture, StoreError, Tx};

pub(crate) use connection::Connection;
use file_lock::FileLock;
pub(crate) use job::panic_text;
use job::{Job, TypedJob};

/// How many jobs may wait in a queue before callers wait for a place.
const QUEUE: usize = 1024;

/// What a thread takes from its queue.
enum Work {
    Job(Box<dyn Job>),
    Stop,
}

/// An open SQLite database.
pub(crate) struct Sqlite {
    writer: mpsc::Sender<Work>,
    /// `None` in memory, where the writer reads as well.
    readers: Option<mpsc::Sender<Work>>,
    threads: Mutex<Threads>,
}

#[derive(Default)]
struct Threads {
    readers: Vec<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
}

impl Sqlite {
    pub(crate) async fn open_file(path: &Path) -> Result<Self, StoreError> {
        Self::open(path, |path| {
            let path = file_lock::create(path)?;
            let lock = FileLock::take(&path)?;
            Ok((path, Some(lock)))
        })
        .await
    }

    /// Takes no lock, and makes no file.
    pub(crate) async fn open_file_beside(path: &Path) -> Result<Self, StoreError> {
        Self::open(path, |path| Ok((path.to_owned(), None))).await
    }

    async fn open(
        path: &Path,
        enter: impl FnOnce(&Path) -> Result<(PathBuf, Option<FileLock>), StoreError> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let path = path.to_owned();
        on_blocking_thread(move || {
            let (path, lock) = enter(&path)?;
            let lock = Arc::new(lock);
            let connection = Connection::open_writer(&path)?;
            let (writer, queue) = mpsc::channel(QUEUE);
            let thread = spawn("store-writer", Arc::clone(&lock), move || {
                writer::run(Tx::on_sqlite(connection), queue);
            })?;
            let mut threads = Threads { readers: Vec::new(), writer: Some(thread) };
            let (readers, queue) = mpsc::channel(QUEUE);
            let queue = Arc::new(Mutex::new(queue));
            for _ in 0..reader_count() {
                let (queue, connection) = (Arc::clone(&queue), Connection::open_reader(&path)?);
                threads.readers.push(spawn("store-reader", Arc::clone(&lock), move || {
                    reader::run(Tx::on_sqlite(connection), &queue);
                })?);
            }
            Ok(Self { writer, readers: Some(readers), threads: Mutex::new(threads) })
        })
        .await
    }

    pub(crate) async fn open_memory() -> Result<Self, StoreError> {
        on_blocking_thread(|| {
            let connection = Connection::open_memory()?;
            let (writer, queue) = mpsc::channel(QUEUE);
            let thread = spawn("store-writer", (), move || writer::run(Tx::on_sqlite(connection), queue))?;
            let threads = Threads { readers: Vec::new(), writer: Some(thread) };
            Ok(Self { writer, readers: None, threads: Mutex::new(threads) })
        })
        .await
    }

    pub(crate) async fn read<T, E>(
        &self,
        job: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        submit(self.readers.as_ref().unwrap_or(&self.writer), Mode::Read, job).await
    }

    pub(crate) async fn write<T, E>(
        &self,
        job: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        submit(&self.writer, Mode::Write, job).await
    }

    /// Stops the readers first, so that the writer's connection is the last and folds the WAL into
    /// the file.
    pub(crate) async fn close(&self) {
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(readers) = &self.readers {
            // One for each, and any of them may take it: only then can they be waited for.
            for _ in &threads.readers {
                // A send fails only if the threads have gone already.
                let _ = readers.send(Work::Stop).await;
            }
        }
        for thread in threads.readers {
            join(thread).await;
        }
        if let Some(thread) = threads.writer {
            let _ = self.writer.send(Work::Stop).await;
            join(thread).await;
        }
    }
}

async fn submit<T, E>(
    queue: &mpsc::Sender<Work>,
    mode: Mode,
    job: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let closed = || StoreError::Unavailable("it was closed".to_owned());
    let (reply, answer) = oneshot::channel();
    let job = Box::new(TypedJob::new(mode, job, reply));
    queue.send(Work::Job(job)).await.map_err(|_| closed())?;
    // The sender is dropped without an answer only if the thread stopped before this job's turn.
    answer.await.unwrap_or_else(|_| Err(closed().into()))
}

/// Two to four: readers never wait for the writer, and SQLite's reads are CPU work.
fn reader_count() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 4))
}

/// Runs a thread that holds `kept` until it ends, such as the lock on the file.
fn spawn(
    name: &str,
    kept: impl Send + 'static,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, StoreError> {
    let body = move || {
        work();
        drop(kept);
    };
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(body);
    thread.map_err(|error| StoreError::Unavailable(format!("cannot start a thread: {error}")))
}

async fn join(thread: JoinHandle<()>) {
    let joined = on_blocking_thread(move || {
        thread.join().map_err(|_| StoreError::Unavailable("a database thread had panicked".to_owned()))
    });
    if let Err(error) = joined.await {
        tracing::error!(%error, "Closing the database.");
    }
}

async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(StoreError::Unavailable("its start was interrupted".to_owned())))
}
