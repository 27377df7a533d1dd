//! The tenant's own code: Actions, Rules, Hooks, database and social scripts, in sandboxed worker processes.
//!
//! A [`Flow`] is the scripts of one step of a login and the event they look at. [`Pool::run`] carries it into
//! a worker process once, runs the scripts there one after the other in one fresh global scope, and brings an
//! [`Outcome`] back: for each script its commands, its console output, its error, its time. What the commands
//! mean is decided elsewhere (`gatewright_core::script`); this crate knows no tenant, user or token.
//!
//! What is absent matters most: a script has no file system, no process, no clock of higher resolution than
//! milliseconds, no network but [`Host::call`], and nothing left of the run before it.
//!
//! Reading order: [`flow`] (what goes in and comes out), `pool` (the parent's side), `worker` (the process
//! that runs JavaScript), `library` (what scripts can `require`).

mod cache;
pub mod flow;
mod host;
mod library;
mod pool;
mod protocol;
mod triggers;
mod worker;

pub use cache::Cache;
pub use flow::{Ended, ErrorKind, Flow, Input, Limits, Outcome, Program, Run, ScriptError, Wrapper};
pub use host::{Call, Host, HostError};
pub use pool::{Pool, PoolSettings, Workers};
pub use triggers::{commands, export_name, triggers};
pub use worker::run as run_worker;

/// What a worker that says these bytes would have said about the flow, if it makes sense: for the fuzz target.
#[doc(hidden)]
pub fn overhear(flow: &Flow, host: std::sync::Arc<dyn Host>, bytes: &[u8]) -> Option<Outcome> {
    pool::conversation::overhear(flow, host, bytes)
}
