//! Conversations with the Management API.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod limits;
mod reference;
mod refusals;
