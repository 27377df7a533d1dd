//! Which database a command uses, and the order in which one is made ready: open, migrate.

use std::path::{Path, PathBuf};

use gatewright_core::Timestamp;
use gatewright_resources::MIGRATIONS;
use gatewright_resources::users::index_missing;
use gatewright_store::{Db, DbConfig, StoreError, sql};

use crate::config::{Config, ConfigError, DatabaseUrl};

/// The database that the configuration names.
///
/// # Errors
/// None is named.
pub(crate) fn configured(config: &Config) -> Result<DbConfig, ConfigError> {
    named(config).ok_or_else(|| {
        ConfigError::NotAllowed(
            "no database: set database.url (GATEWRIGHT_DATABASE_URL, --database-url) to postgres://… or \
             sqlite:/path/to/file.db"
                .to_owned(),
        )
    })
}

/// The database of `gatewright dev`: the named one, else memory or a file in the data folder.
pub(crate) fn for_dev(config: &Config, data_dir: &Path) -> Result<DbConfig, ConfigError> {
    match (named(config), config.dev.ephemeral) {
        (Some(_), true) => Err(ConfigError::NotAllowed(
            "--ephemeral keeps the database in memory, but database.url (--database-url) names one: drop \
             one of the two"
                .to_owned(),
        )),
        (Some(named), false) => Ok(named),
        (None, true) => Ok(DbConfig::SqliteMemory),
        (None, false) => Ok(DbConfig::SqliteFile(data_dir.join("gatewright.db"))),
    }
}

fn named(config: &Config) -> Option<DbConfig> {
    Some(match config.database.url.as_ref()? {
        DatabaseUrl::Sqlite(path) => DbConfig::SqliteFile(path.clone()),
        DatabaseUrl::Postgres(url) => {
            DbConfig::Postgres { url: url.reveal().clone(), max_connections: config.database.max_connections }
        }
    })
}

/// Opens and migrates.
pub(crate) async fn open(config: &DbConfig, now: Timestamp) -> Result<Db, StoreError> {
    let db = Db::open(config).await?;
    let report = db.migrate(MIGRATIONS, now).await?;
    if !report.applied.is_empty() {
        tracing::info!(applied = ?report.applied, "The database was migrated.");
    }
    let indexed = index_missing(&db).await?;
    if indexed > 0 {
        tracing::info!(users = indexed, "Users of an older version can be searched now.");
    }
    Ok(db)
}

sql!(NEWEST_MIGRATION, "SELECT MAX(number) FROM schema_migrations");

/// Opens a SQLite file that a server has open. The server has migrated it: this program must be of the same
/// version as far as the schema goes.
pub(crate) async fn open_beside(file: PathBuf) -> Result<Db, StoreError> {
    let db = Db::open(&DbConfig::SqliteFileBeside(file)).await?;
    let read = db.read(|tx| Box::pin(async move { tx.one(&NEWEST_MIGRATION, &[]).await?.int(0) }));
    let there: i64 = read.await?;
    let known = MIGRATIONS.last().map_or(0, |migration| i64::from(migration.number));
    if there == known {
        return Ok(db);
    }
    db.close().await;
    Err(StoreError::Migration(format!(
        "the server that has the database open is of another version: the database is at migration {there}, \
         this program at {known}. Use the server's program, or stop the server first"
    )))
}
