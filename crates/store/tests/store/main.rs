//! The store on SQLite (in a file and in memory) and, when `GATEWRIGHT_TEST_DATABASE_URL` names a
//! server in which databases can be made, on PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod group;
mod jobs;
mod migrations;
mod one_process;
mod postgres;
mod statements;
mod support;
mod unique;
mod values;
