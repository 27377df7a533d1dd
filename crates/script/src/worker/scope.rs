//! Where the scripts of a flow run: an engine of their own, in which nothing has run.
//!
//! To make one, with the library and the scripts in it, takes several times as long as ordinary scripts run. So it
//! is made once for the scripts of a flow, its memory is copied, and after each flow taken back to that copy: all that
//! a script did is gone with it, whatever it was.

#![expect(unsafe_code, reason = "the engine does not know that its memory is taken back")]

use std::cell::RefCell;
use std::rc::Rc;

use rquickjs::{CatchResultExt as _, Context, Runtime};

use super::flight::Flight;
use super::heap::{Heap, Snapshot};
use super::machine::Kept;
use super::script;
use super::shelf::Book;
use super::wire::Wire;
use crate::flow::Wrapper;
use crate::protocol::Task;

/// Garbage is looked for past this many bytes: most flows end before.
const GARBAGE_BYTES: usize = 8 * 1024 * 1024;

/// Scopes that are kept: a login has rules and Actions, and there are other triggers.
const MOST: usize = 4;

/// The scopes of a worker, the one used last at the end.
#[derive(Default)]
pub(super) struct Scopes(Vec<Scope>);

impl Scopes {
    /// Runs a flow of these programs. False if this worker must not run another.
    pub(super) fn run(&mut self, wire: &Rc<RefCell<Wire>>, books: Vec<Rc<Book>>, task: Task) -> bool {
        let wrapper = match &task.wrapper {
            Wrapper::Action { trigger, .. } => Wrapper::Action { trigger: trigger.clone(), resume: None },
            other => other.clone(),
        };
        let hashes = task.programs.iter().map(|program| program.hash.clone()).collect();
        let key = Key { wrapper, hashes };
        let known = self.0.iter().position(|scope| scope.key == key).map(|at| self.0.remove(at));
        let Some(mut scope) = known.or_else(|| Scope::prepare(wire, key, books)) else { return false };
        if !scope.run(task) {
            // Freeing what a script has filled takes time, and after running out of memory may not even work.
            // The process ends anyway.
            std::mem::forget(scope);
            return false;
        }
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.push(scope);
        true
    }
}

/// What a scope is made for.
#[derive(PartialEq, Eq)]
struct Key {
    /// Without what differs from flow to flow.
    wrapper: Wrapper,
    hashes: Vec<String>,
}

/// A global scope with scripts that have not run. What is dropped first needs the rest.
struct Scope {
    key: Key,
    flight: Rc<Flight>,
    kept: Kept,
    context: Context,
    runtime: Runtime,
    heap: Heap,
    snapshot: Snapshot,
}

impl Scope {
    fn prepare(wire: &Rc<RefCell<Wire>>, key: Key, books: Vec<Rc<Book>>) -> Option<Self> {
        let heap = Heap::new()?;
        let runtime = Runtime::new_with_alloc(heap.clone()).ok()?;
        runtime.set_gc_threshold(GARBAGE_BYTES);
        let flight = Rc::new(Flight::new(wire));
        let watch = Rc::clone(&flight);
        runtime.set_interrupt_handler(Some(Box::new(move || watch.must_stop())));
        let notes = Rc::clone(&flight);
        runtime.set_host_promise_rejection_tracker(Some(Box::new(move |ctx, _, reason, handled| {
            if notes.broken().is_none() {
                notes.rejected(script::brief(&ctx, &reason), handled);
            }
        })));
        let context = Context::full(&runtime).ok()?;
        let made = context.with(|ctx| {
            Kept::make(&ctx, &flight, &key.wrapper, books).catch(&ctx).map_err(|error| error.to_string())
        });
        let kept = made.inspect_err(|error| tracing::error!(error, "a scope cannot be made")).ok()?;
        runtime.run_gc();
        let snapshot = heap.save();
        Some(Self { key, flight, kept, context, runtime, heap, snapshot })
    }

    /// Runs a flow and takes back what it did. False if a limit was broken: who knows what state the engine is in.
    fn run(&mut self, task: Task) -> bool {
        self.flight.set_out(task.limits);
        self.runtime.set_memory_limit(task.limits.memory_bytes);
        self.runtime.set_max_stack_size(task.limits.stack_bytes);
        let told = self.context.with(|ctx| script::run(&ctx, &self.flight, &self.kept, task));
        if !told || self.flight.broken().is_some() {
            return false;
        }
        // SAFETY: the copy is of this heap, and nothing runs in it now. Values that were made since it was taken have
        // the lifetime of the `Ctx` above, so they are gone; the only way around that, `Persistent`, is forbidden but
        // for what is made before the copy (clippy.toml). The engine's side in Rust holds what it held then: no class,
        // function or handler is made while a flow runs.
        unsafe { self.heap.restore(&self.snapshot) };
        true
    }
}
