//! The resource engine: a resource is declared once, as data, and everything else follows from it.
//!
//! From a [`Resource`] come its routes, scope checks, validation of bodies and queries, both styles
//! of paging, `fields`/`include_fields`, the log event of every write, and its line in the
//! reference page. It owns the order in which a request is checked; it does not know HTTP (the
//! `management` crate does) nor any one resource.
//!
//! Reading order: [`field`] (what a member may hold), [`operation`] (one route), [`execute`] (what
//! happens to a call, in order), [`crud`] (the five usual operations), [`documents`] (their rows),
//! [`settings`] (one object that every tenant has), [`query`] (paging and projection), [`routes`] (which operation a path names).

pub mod body;
pub mod composed;
pub mod crud;
pub mod documents;
pub mod error;
pub mod execute;
pub mod field;
pub mod format;
pub mod mask;
mod multipart;
pub mod operation;
pub mod query;
pub mod routes;
pub mod schema;
pub mod settings;
pub mod trial;
pub mod validate;

pub use crud::{Crud, IdForm};
pub use documents::{Sealing, Table};
pub use error::ApiError;
pub use field::{Field, Shape, field};
pub use operation::{Answer, Caller, Handler, Input, Method, OpCx, OpRequest, Operation, Resource};
pub use settings::Settings;

/// A JSON object: how documents and bodies are passed.
pub type Map = serde_json::Map<String, serde_json::Value>;
