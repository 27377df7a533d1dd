//! Conversations with the Management API.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod custom_domains;
mod email_trials;
mod isolation;
mod jobs;
mod limits;
mod reference;
mod refusals;
mod signing_keys;
mod stored_only;
mod tickets;
mod users_access;
mod users_identities;
mod users_search;
