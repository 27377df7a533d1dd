//! Conversations with the authorization server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod authorize;
mod codes;
mod discovery;
mod gateway;
mod login;
mod logout;
mod start;
mod statements;
mod tenants;
mod token;
