//! Trying out a script: what an operation may ask of the server that runs it.
//!
//! Operations know a database and no server, so that all of them can be tested without one. Who mounts them
//! gives what else is there with the facts of the call ([`super::OpRequest::trial`]); it is for `prepare` only,
//! since no transaction may be open while a script runs.

use gatewright_script::{Flow, Outcome};
use gatewright_store::BoxFuture;

use crate::scripts::Modules;

/// The workers of the server, with what their scripts may reach.
pub trait Trial: std::fmt::Debug + Send + Sync {
    /// Runs a flow of the tenant that the call is for, at this trigger.
    fn run<'a>(&'a self, trigger: &'a str, flow: Flow) -> BoxFuture<'a, Outcome>;

    /// What actions can `require` besides the library.
    fn modules(&self) -> &Modules;
}
