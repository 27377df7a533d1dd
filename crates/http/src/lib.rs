//! What every HTTP surface shares.
//!
//! Owns: the running application's parts ([`App`]), finding the tenant of a request from its host and
//! giving it an id ([`RequestCx`]), CORS ([`cors`]), reading parameters from query, form or JSON
//! ([`params`]), cookies ([`cookies`]), answering faults and pages ([`respond`]), and the server as the tenants' scripts
//! see it ([`script_host`]).
//! Does not own: any endpoint. Reading order: `app`, `context`, then what you need.

pub mod app;
pub mod context;
pub mod cookies;
pub mod cors;
pub mod params;
pub mod respond;
pub mod script_host;
pub mod script_trial;

pub use app::{App, Listener, Proxies, Settings};
pub use context::RequestCx;
pub use params::Params;
pub use respond::Fault;
