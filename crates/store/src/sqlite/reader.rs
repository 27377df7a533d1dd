//! A reader thread: each job sees one moment of the database, and never waits for the writer.

use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use super::Work;
use super::connection::Connection;
use super::writer::on;
use crate::Tx;

pub(super) fn run(mut tx: Tx, queue: &Mutex<mpsc::Receiver<Work>>) {
    while let Some(Work::Job(mut job)) = next(queue) {
        if let Err(error) = on(&mut tx, Connection::begin_read) {
            job.answer(Err(error));
            continue;
        }
        job.run(&mut tx);
        // Nothing was written: to roll back and to commit are the same.
        let fate = on(&mut tx, Connection::roll_back);
        job.answer(fate);
    }
}

fn next(queue: &Mutex<mpsc::Receiver<Work>>) -> Option<Work> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
}
