//! One SQL text on SQLite and PostgreSQL: pool, transactions, migrations.
//!
//! Owns: which database runs, how a job becomes a durable transaction, how the two engines are kept
//! equal. Does not own: any table (see `resources`), the clock, retries.
//!
//! Reading order: [`Db`] (open, read, write), [`Tx`] (what a job can do), [`sql!`] and
//! [`Statement`] (how SQL is written), [`Val`] and [`Row`] (values in and out), [`StoreError`],
//! [`Migration`], [`check`]. Below these, `sqlite/` and `postgres/` are the two drivers.
//!
//! # The common dialect
//!
//! - Placeholders are `$1`, `$2`, … with none left out. An untyped one needs a cast
//!   (`CAST($1 AS TEXT) IS NULL`), because PostgreSQL infers the type of each.
//! - Times are `BIGINT` microseconds, ids `TEXT`, JSON `{json}`, bytes `{blob}`, and text whose order
//!   matters `{text_c}`; the braces are [migration](Migration) tokens.
//! - Use `ON CONFLICT`, `RETURNING`, row values, CTEs, partial and expression indexes, `NULLS LAST`,
//!   `IS NOT DISTINCT FROM`, `->` and `->>` for text members.
//! - `LIKE` with `ESCAPE '\'`; it regards case on both.
//! - Not: `ILIKE`, `= ANY(..)`, `SKIP LOCKED`, data-modifying CTEs,
//!   deferred constraints, `E'..'` and `$$..$$` strings, uncast `SUM`.
//! - A statement that fails ends its job, on both engines: see [`Tx`].

mod db;
mod dialect;
mod error;
mod migrate;
mod postgres;
mod row;
mod sqlite;
mod statement;
mod tx;
mod val;

pub mod check;

pub use db::{BoxFuture, Db, DbConfig, Engine};
pub use error::StoreError;
pub use migrate::{Migration, MigrationReport};
pub use row::Row;
pub use statement::Statement;
pub use tx::Tx;
pub use val::Val;

#[doc(hidden)]
pub use inventory;
#[doc(hidden)]
pub use statement::Registered;
