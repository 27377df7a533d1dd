//! `[database]`: SQLite in one file, or PostgreSQL.

use std::path::PathBuf;

use gatewright_core::ids::Secret;

use super::ConfigError;
use super::setting::{Kind, Setting};
use super::values::Values;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "database.url",
        variable: None,
        kind: Kind::Secret,
        default: None,
        default_in_dev: None,
        example: "\"postgres://gatewright:…@db.example.com/gatewright\"",
        doc: "`sqlite:/path/to/file.db`, or `postgres://user:password@host/database`, which several nodes can \
              share. In `gatewright dev`: a file in the data folder unless set.",
    },
    Setting {
        key: "database.max_connections",
        variable: None,
        kind: Kind::Number,
        default: Some("10"),
        default_in_dev: None,
        example: "10",
        doc: "PostgreSQL connections that this process may hold.",
    },
];

/// Which database to use.
#[derive(Clone, Debug)]
pub struct Database {
    /// Where it is; `None` if not set.
    pub url: Option<DatabaseUrl>,
    /// PostgreSQL connections at most.
    pub max_connections: usize,
}

/// A database's place.
#[derive(Clone, Debug)]
pub enum DatabaseUrl {
    /// A file for SQLite.
    Sqlite(PathBuf),
    /// A PostgreSQL URL, which may hold a password.
    Postgres(Secret<String>),
}

impl Database {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let url = match values.secret("database.url")? {
            Some(text) => Some(read_url(&text).ok_or_else(|| {
                // The value itself stays out of the message: it may hold a password.
                values.error("database.url", "must begin with sqlite:, postgres:// or postgresql://")
            })?),
            None => None,
        };
        let max_connections: usize = values.number("database.max_connections")?.unwrap_or(10);
        if max_connections == 0 {
            return Err(values.error("database.max_connections", "must be at least 1"));
        }
        Ok(Self { url, max_connections })
    }
}

fn read_url(text: &Secret<String>) -> Option<DatabaseUrl> {
    let url = text.reveal();
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return (!path.is_empty()).then(|| DatabaseUrl::Sqlite(PathBuf::from(path)));
    }
    let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
    is_postgres.then(|| DatabaseUrl::Postgres(text.clone()))
}
