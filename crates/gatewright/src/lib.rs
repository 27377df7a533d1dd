//! Gatewright: an identity server that works with Auth0's SDKs and says why.
//!
//! This crate is the process: configuration, commands, TLS, listeners, health, logs, shutdown, and the
//! inbox of `gatewright dev`.

pub mod config;
pub mod tls;
