//! Flows through a pool, with workers as processes.

mod common;
mod first;
mod library;
