//! A job whose types are hidden, so that jobs of all kinds share a queue.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;

use crate::tx::Mode;
use crate::{BoxFuture, StoreError, Tx};

/// Run once, then answered once, when its fate is certain.
pub(super) trait Job: Send {
    /// Runs the job to its end; `true` if its changes are to be kept.
    fn run(&mut self, tx: &mut Tx) -> bool;

    /// Tells the caller: the job's own result, or why the whole transaction was lost.
    fn answer(self: Box<Self>, fate: Result<(), StoreError>);
}

pub(super) struct TypedJob<F, T, E> {
    mode: Mode,
    work: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> TypedJob<F, T, E> {
    pub(super) const fn new(mode: Mode, work: F, reply: oneshot::Sender<Result<T, E>>) -> Self {
        Self { mode, work: Some(work), result: None, reply }
    }
}

impl<F, T, E> Job for TypedJob<F, T, E>
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx) -> bool {
        let Some(work) = self.work.take() else { return false };
        tx.renew(self.mode);
        // Nothing of the job is used after a panic, and the transaction is rolled back.
        let outcome = catch_unwind(AssertUnwindSafe(|| poll_once(work(tx))));
        let result = match outcome {
            Ok(Poll::Ready(result)) => result.and_then(|value| {
                tx.unfailed()?;
                Ok(value)
            }),
            Ok(Poll::Pending) => Err(StoreError::AwaitedElsewhere.into()),
            Err(panic) => Err(StoreError::Panicked(panic_text(&*panic)).into()),
        };
        self.result.insert(result).is_ok()
    }

    fn answer(self: Box<Self>, fate: Result<(), StoreError>) {
        let result = match (fate, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(StoreError::Unavailable("the job was not run".to_owned()).into()),
            (Err(lost), _) => Err(lost.into()),
        };
        // The caller may have gone; the job is done all the same.
        let _ = self.reply.send(result);
    }
}

/// On SQLite every call of a [`Tx`] finishes at once, so one poll runs the whole job.
fn poll_once<R>(mut future: BoxFuture<'_, R>) -> Poll<R> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// The message of a panic.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
