//! The writer thread: waiting jobs share one transaction, and so one sync of the disk.

use tokio::sync::mpsc;

use super::Work;
use super::connection::Connection;
use super::job::Job;
use crate::{StoreError, Tx};

/// Most jobs in one transaction: bounds how long the first one waits for its answer.
const GROUP: usize = 256;

pub(super) fn run(mut tx: Tx, mut queue: mpsc::Receiver<Work>) {
    while let Some(Work::Job(first)) = queue.blocking_recv() {
        if let Next::Stop = run_group(&mut tx, first, &mut queue) {
            break;
        }
    }
}

enum Next {
    Wait,
    Stop,
}

/// Runs `first` and all that wait behind it in one transaction, commits, then answers them all.
fn run_group(tx: &mut Tx, first: Box<dyn Job>, queue: &mut mpsc::Receiver<Work>) -> Next {
    if let Err(error) = on(tx, Connection::begin_write) {
        first.answer(Err(error));
        return Next::Wait;
    }
    let mut next = Next::Wait;
    let mut done = Vec::new();
    let mut waiting = Some(first);
    let mut fate = Ok(());
    while let Some(mut job) = waiting.take() {
        fate = if done.is_empty() { run_first(tx, &mut *job) } else { run_in_savepoint(tx, &mut *job) };
        done.push(job);
        if fate.is_err() || done.len() == GROUP {
            break;
        }
        match queue.try_recv() {
            Ok(Work::Job(job)) => waiting = Some(job),
            Ok(Work::Stop) => next = Next::Stop,
            Err(_) => {}
        }
    }
    let fate = fate.and_then(|()| on(tx, Connection::commit));
    if let Err(error) = &fate {
        tracing::error!(%error, jobs = done.len(), "A group of database jobs was rolled back.");
        if let Err(error) = on(tx, Connection::roll_back) {
            tracing::error!(%error, "The transaction cannot be rolled back.");
        }
    }
    // Only now is the outcome of any of them certain.
    for job in done {
        job.answer(fate.clone());
    }
    next
}

/// The first job needs no savepoint: there is nothing before it to keep. So SQLite need not copy each page
/// that a long job writes.
fn run_first(tx: &mut Tx, job: &mut dyn Job) -> Result<(), StoreError> {
    let keep = job.run(tx);
    on(tx, |connection| {
        if !connection.in_transaction() {
            return Err(connection.why_lost());
        }
        if !keep {
            connection.roll_back()?;
            connection.begin_write()?;
        }
        Ok(())
    })
}

/// An error means that the transaction as a whole is lost, not that the job failed.
fn run_in_savepoint(tx: &mut Tx, job: &mut dyn Job) -> Result<(), StoreError> {
    on(tx, |connection| connection.control("SAVEPOINT job"))?;
    let keep = job.run(tx);
    on(tx, |connection| {
        // On a full disk or a failed write SQLite ends the transaction by itself.
        if !connection.in_transaction() {
            return Err(connection.why_lost());
        }
        if !keep {
            connection.control("ROLLBACK TO job")?;
        }
        connection.control("RELEASE job")
    })
}

pub(super) fn on<R>(
    tx: &mut Tx,
    step: impl FnOnce(&mut Connection) -> Result<R, StoreError>,
) -> Result<R, StoreError> {
    match tx.sqlite() {
        Some(connection) => step(connection),
        None => unreachable!("the threads of this driver hold SQLite connections only"),
    }
}
