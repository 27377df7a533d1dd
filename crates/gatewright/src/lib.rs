//! Gatewright: an identity server that works with Auth0's SDKs and says why.
//!
//! This crate is the process: configuration, commands, TLS, listeners, health, logs, shutdown, and the
//! inbox of `gatewright dev`. What a request does is in `gatewright_oauth` and `gatewright_management`.
//!
//! Reading order: [`cli`], [`commands`] (one file each; `dev` and `serve` first), [`server`], [`config`].

mod assembly;
pub mod cli;
pub mod commands;
pub mod config;
mod database;
mod inbox;
mod invitation;
mod listeners;
mod logs;
mod measure;
mod ops;
mod seeding;
pub mod server;
pub mod start_screen;
pub mod tls;

pub use commands::{DevServer, RunningDev, start_dev};
