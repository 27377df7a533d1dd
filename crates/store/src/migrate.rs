//! Migrations: numbered SQL texts, run once each and never changed afterwards.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use gatewright_core::Timestamp;

use crate::dialect::expand_tokens;
use crate::{Db, Engine, StoreError, Tx, params, sql};

/// One step of the schema, forward only. Its text must never change once released.
///
/// Tokens in the text: `{json}`, `{blob}`, `{text_c}` (text compared byte by byte), and `{by_key}` behind a
/// table that is all key (SQLite then keeps it once).
/// Name unique indexes (`CREATE UNIQUE INDEX users_email ON ..`): [`StoreError::Unique`] then carries
/// that name on both engines. Deferred constraints are refused: on SQLite one job could fail others.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Place in the order, from 1.
    pub number: u32,
    /// What it brings, e.g. `clients`.
    pub name: &'static str,
    /// Statements separated by `;`.
    pub sql: &'static str,
}

/// What [`Db::migrate`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationReport {
    /// Numbers of the migrations that ran now, in order.
    pub applied: Vec<u32>,
    /// Number of the newest migration in the database; 0 if there is none.
    pub current: u32,
}

/// PostgreSQL's advisory lock: any number, as long as no other program takes the same one.
const TAKE_LOCK: &str = "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; \
                         SELECT pg_advisory_xact_lock(7165018423097165431)";

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    number INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL
)";

sql!(APPLIED, "SELECT number, name, checksum FROM schema_migrations ORDER BY number");
sql!(IS_APPLIED, "SELECT 1 FROM schema_migrations WHERE number = $1");
sql!(RECORD, "INSERT INTO schema_migrations (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4)");

impl Db {
    /// Runs the migrations that are missing, in order, each whole in a transaction of its own. Several
    /// nodes may call this at once: each migration runs once. `now` is recorded beside each.
    ///
    /// # Errors
    /// [`StoreError::Migration`] if a released migration was changed, if the database has migrations
    /// that this binary does not know, or if one fails; those before it stay applied.
    pub async fn migrate(
        &self,
        migrations: &'static [Migration],
        now: Timestamp,
    ) -> Result<MigrationReport, StoreError> {
        check_list(migrations)?;
        let known = self.write(|tx| Box::pin(prepare(tx))).await?;
        check_history(migrations, &known)?;
        let mut applied = Vec::new();
        for migration in migrations.iter().filter(|m| !known.contains_key(&m.number)) {
            if self.write(move |tx| Box::pin(apply(tx, migration, now))).await? {
                tracing::info!(number = migration.number, name = migration.name, "Applied a migration.");
                applied.push(migration.number);
            }
        }
        if !applied.is_empty() {
            self.forget_prepared();
        }
        let current = migrations.last().map_or(0, |m| m.number);
        Ok(MigrationReport { applied, current })
    }
}

/// A migration as the database remembers it.
struct Past {
    name: String,
    checksum: String,
}

async fn prepare(tx: &mut Tx) -> Result<BTreeMap<u32, Past>, StoreError> {
    lock(tx).await?;
    tx.batch(CREATE_TABLE).await?;
    let mut known = BTreeMap::new();
    for row in tx.all(&APPLIED, &[]).await? {
        let number = u32::try_from(row.int(0)?).unwrap_or(u32::MAX);
        known.insert(number, Past { name: row.text(1)?, checksum: row.text(2)? });
    }
    Ok(known)
}

/// `false` if another node was faster.
async fn apply(tx: &mut Tx, migration: &Migration, now: Timestamp) -> Result<bool, StoreError> {
    lock(tx).await?;
    if tx.opt(&IS_APPLIED, &params![migration.number]).await?.is_some() {
        return Ok(false);
    }
    let sql = expand_tokens(migration.sql, tx.engine());
    tx.batch(&sql).await.map_err(|error| failed(migration, &error.to_string()))?;
    let record = params![migration.number, migration.name, checksum(migration), now];
    tx.run(&RECORD, &record).await?;
    Ok(true)
}

async fn lock(tx: &mut Tx) -> Result<(), StoreError> {
    match tx.engine() {
        Engine::Sqlite => Ok(()), // One process, one writer.
        Engine::Postgres => tx.batch(TAKE_LOCK).await,
    }
}

fn check_list(migrations: &[Migration]) -> Result<(), StoreError> {
    for pair in migrations.windows(2) {
        if pair[0].number >= pair[1].number {
            return Err(failed(&pair[1], "its number is not greater than the one before"));
        }
    }
    match migrations.iter().find(|m| m.sql.to_ascii_lowercase().contains("deferr")) {
        Some(migration) => Err(failed(migration, "deferred constraints are not in the common dialect")),
        None => Ok(()),
    }
}

fn check_history(migrations: &[Migration], known: &BTreeMap<u32, Past>) -> Result<(), StoreError> {
    let newest = migrations.last().map_or(0, |m| m.number);
    for (number, past) in known {
        let Some(migration) = migrations.iter().find(|m| m.number == *number) else {
            let name = &past.name;
            return Err(StoreError::Migration(if *number > newest {
                format!(
                    "the database is newer than this program: it has migration {number} ({name}), and this \
                     program knows those up to {newest}. Start a newer Gatewright, or restore a backup"
                )
            } else {
                format!("the database has migration {number} ({name}), which this program does not know")
            }));
        };
        if past.checksum != checksum(migration) {
            return Err(failed(
                migration,
                "its text is not the one that was applied to this database. A released migration must never \
                 change: start the Gatewright that wrote this database, or restore a backup",
            ));
        }
    }
    Ok(())
}

fn failed(migration: &Migration, why: &str) -> StoreError {
    StoreError::Migration(format!("{} ({}): {why}", migration.number, migration.name))
}

/// Hexadecimal SHA-256 of the text before tokens are replaced, so it is equal on both engines.
fn checksum(migration: &Migration) -> String {
    let hash = digest(&SHA256, migration.sql.as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
