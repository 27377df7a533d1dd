//! Searching users and log events: the query language, what can be searched, and what is refused.
//!
//! Reading order: [`syntax`] (text to tree), [`users`] and [`logs`] (which fields there are, and what a
//! term means for each), [`tree`] (the outcome), [`index`] (what is kept of a user to be found by),
//! [`value`] (how values compare).

mod dates;
pub mod index;
pub mod logs;
pub mod syntax;
pub mod tree;
pub mod users;
pub mod value;

pub use index::{Entry, index_entries};
pub use syntax::Refused;
