//! Flows through a pool, with workers as processes.

#![allow(clippy::disallowed_methods, reason = "tests measure time themselves")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod actions;
mod common;
mod hostile;
mod isolation;
mod library;
mod pool;
mod process;
mod rules;
