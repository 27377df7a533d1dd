//! Flows through a pool, with workers as processes.

#![allow(clippy::disallowed_methods, reason = "tests measure time themselves")]

mod actions;
mod common;
mod hostile;
mod library;
mod pool;
mod process;
mod rules;
