//! The process that runs scripts: it reads a flow, runs it in a fresh global scope, and waits for the next.
//!
//! One thread, no asynchronous runtime: a script either computes or waits for the parent or a timer.

mod compiled;
mod errors;
mod flight;
mod globals;
mod heap;
mod json;
mod machine;
mod natives;
mod sandbox;
mod scope;
mod script;
mod shelf;
mod time;
mod timers;
mod wire;

use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;

use crate::protocol::{FromWorker, ToWorker};
use scope::Scopes;
use shelf::Shelf;
pub(crate) use wire::{Channel, Wire};

/// Bytes of the stack of the thread that runs scripts: far more than a script may use of it.
pub(crate) const STACK_BYTES: usize = 16 * 1024 * 1024;

/// Runs this process as a worker on its standard input and output, until the input ends. Anything else the
/// process could do is given up first.
pub fn run() -> ExitCode {
    let worker = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {
        let unconfined = sandbox::confine().err();
        serve(Wire::new(Channel::Standard), unconfined);
    });
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(_)) | Err(_) => ExitCode::FAILURE,
    }
}

/// Runs flow after flow until the parent goes away, or until the worker is spent.
pub(crate) fn serve(mut wire: Wire, unconfined: Option<String>) {
    if wire.write(&FromWorker::<()>::Ready { unconfined }).is_err() {
        return;
    }
    let wire = Rc::new(RefCell::new(wire));
    let (mut shelf, mut scopes) = (Shelf::default(), Scopes::default());
    loop {
        let Ok(frame) = wire.borrow_mut().read() else { return };
        match frame {
            ToWorker::Run(mut task) => {
                let Some(books) = shelf.take(&mut task) else { return };
                if !scopes.run(&wire, books, *task) {
                    return;
                }
            }
            // The answer to a call that the flow before did not wait for.
            ToWorker::Answer(_) => {}
        }
    }
}
