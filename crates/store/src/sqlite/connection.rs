//! Statements on one SQLite connection.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{OpenFlags, ToSql, params_from_iter};

use super::error::{self, store_error};
use crate::row::{Columns, Row};
use crate::tx::Text;
use crate::{Statement, StoreError, Val, dialect};

/// How long to wait for a lock of another program, such as a backup or the `sqlite3` shell.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Prepared statements kept per connection: more than the program has.
const CACHED_STATEMENTS: usize = 512;

/// How much a bounded statement may do, in steps of SQLite's machine: a few seconds' worth. Steps and not
/// time, so that a busy machine does not refuse what an idle one answers.
const BOUNDED_STEPS: u32 = 100_000_000;

/// How many steps are between two looks at the bound.
const STEPS_PER_LOOK: u32 = 100_000;

/// After a burst of writes the WAL file shrinks to this size again.
const WAL_BYTES: i64 = 64 * 1024 * 1024;

/// Pages in the WAL file after which a commit copies them into the database: 16 MB. Pages that many commits
/// write, as those of indexes, are copied once; more would make the commit that copies them noticeably longer.
const PAGES_A_CHECKPOINT: i64 = 4000;

/// What the writer keeps of the database in memory at most, in KiB. A transaction that writes more pages than
/// fit writes some twice, and an index in no order is read from the file again and again.
const WRITER_CACHE_KIB: i64 = 64 * 1024;

/// The same where very much is written and nothing else happens.
const LARGE_CACHE_KIB: i64 = 256 * 1024;

/// A connection, and the last error that may have ended its transaction.
pub(crate) struct Connection {
    sqlite: rusqlite::Connection,
    last_failure: Option<StoreError>,
}

impl Connection {
    pub(super) fn open_writer(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = rusqlite::Connection::open_with_flags(path, flags);
        let sqlite = Self::configure(opened).map_err(|error| cannot_open(path, &error))?;
        let mode: String = sqlite
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
            .map_err(|error| cannot_open(path, &error))?;
        if !mode.eq_ignore_ascii_case("wal") {
            let why = format!("{} lies on a file system that cannot hold a WAL database", path.display());
            return Err(StoreError::Config(why));
        }
        // Each commit is synced. A group of jobs shares it, so the price is small.
        sqlite.pragma_update(None, "synchronous", "FULL").map_err(|error| cannot_open(path, &error))?;
        sqlite
            .pragma_update(None, "journal_size_limit", WAL_BYTES)
            .and_then(|()| sqlite.pragma_update(None, "wal_autocheckpoint", PAGES_A_CHECKPOINT))
            // Negative: in KiB, not in pages.
            .and_then(|()| sqlite.pragma_update(None, "cache_size", -WRITER_CACHE_KIB))
            .map_err(|error| cannot_open(path, &error))?;
        Ok(Self { sqlite, last_failure: None })
    }

    pub(super) fn open_reader(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = rusqlite::Connection::open_with_flags(path, flags);
        let sqlite = Self::configure(opened).map_err(|error| cannot_open(path, &error))?;
        sqlite.pragma_update(None, "query_only", true).map_err(|error| cannot_open(path, &error))?;
        Ok(Self { sqlite, last_failure: None })
    }

    pub(super) fn open_memory() -> Result<Self, StoreError> {
        let sqlite = Self::configure(rusqlite::Connection::open_in_memory())
            .map_err(|error| StoreError::Unavailable(format!("no database in memory: {error}")))?;
        Ok(Self { sqlite, last_failure: None })
    }

    fn configure(opened: rusqlite::Result<rusqlite::Connection>) -> rusqlite::Result<rusqlite::Connection> {
        let sqlite = opened?;
        sqlite.busy_timeout(BUSY_TIMEOUT)?;
        sqlite.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        sqlite.pragma_update(None, "foreign_keys", true)?;
        sqlite.pragma_update(None, "temp_store", "MEMORY")?;
        // As in PostgreSQL.
        sqlite.pragma_update(None, "case_sensitive_like", true)?;
        // "x" is an identifier only, as in PostgreSQL, never a string.
        sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        // One plan for each statement, whatever is bound. Else SQLite prepares a statement anew for each execution
        // where a bound value could decide whether a partial index serves, which costs more than most of them do.
        sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(sqlite)
    }

    /// Keeps more in memory from now on.
    pub(crate) fn keep_much(&self) -> Result<(), StoreError> {
        let done = self.sqlite.pragma_update(None, "cache_size", -LARGE_CACHE_KIB);
        done.map_err(|error| store_error(&self.sqlite, "the size of the cache", &error))
    }

    /// Begins or ends to count what statements do, and to stop those that do too much.
    pub(crate) fn bound_work(&mut self, bounded: bool) -> Result<(), StoreError> {
        let mut looks = 0;
        let too_much = bounded.then_some(move || {
            looks += 1;
            looks > BOUNDED_STEPS / STEPS_PER_LOOK
        });
        let steps = i32::try_from(STEPS_PER_LOOK).unwrap_or(i32::MAX);
        let done = self.sqlite.progress_handler(steps, too_much);
        done.map_err(|error| store_error(&self.sqlite, "the bound of a statement", &error))
    }

    pub(super) fn begin_write(&mut self) -> Result<(), StoreError> {
        self.last_failure = None;
        self.control("BEGIN IMMEDIATE")
    }

    pub(super) fn begin_read(&mut self) -> Result<(), StoreError> {
        self.control("BEGIN")
    }

    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        self.control("COMMIT")
    }

    /// Does nothing if there is no transaction any more.
    pub(super) fn roll_back(&mut self) -> Result<(), StoreError> {
        if self.in_transaction() { self.control("ROLLBACK") } else { Ok(()) }
    }

    pub(super) fn in_transaction(&self) -> bool {
        !self.sqlite.is_autocommit()
    }

    /// The error after which SQLite ended the transaction.
    pub(super) fn why_lost(&mut self) -> StoreError {
        let unknown = || StoreError::Other("a statement ended the transaction".to_owned());
        self.last_failure.take().unwrap_or_else(unknown)
    }

    /// A statement that steers the transaction.
    pub(super) fn control(&mut self, sql: &str) -> Result<(), StoreError> {
        let done = self.sqlite.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
        done.map(drop).map_err(|error| store_error(&self.sqlite, sql, &error))
    }

    pub(crate) fn run(&mut self, text: Text<'_>, params: &[Val]) -> Result<u64, StoreError> {
        let outcome = self.try_run(text, params);
        self.explain(text, outcome)
    }

    pub(crate) fn run_each(&mut self, text: Text<'_>, sets: &[&[Val]]) -> Result<Vec<u64>, StoreError> {
        let outcome = self
            .with(text, |statement| sets.iter().map(|params| self.step_through(statement, params)).collect());
        self.explain(text, outcome)
    }

    pub(crate) fn rows(
        &mut self,
        text: Text<'_>,
        params: &[Val],
        most: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let outcome = self.try_rows(text, params, most);
        self.explain(text, outcome)
    }

    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        let outcome = self.sqlite.execute_batch(sql);
        self.explain(Text::Composed(sql), outcome)
    }

    pub(crate) fn prepare(&self, statement: &Statement) -> Result<usize, StoreError> {
        let prepared = self.sqlite.prepare(statement.sqlite());
        prepared
            .map(|prepared| prepared.parameter_count())
            .map_err(|error| store_error(&self.sqlite, statement.name(), &error))
    }

    fn try_run(&self, text: Text<'_>, params: &[Val]) -> rusqlite::Result<u64> {
        self.with(text, |statement| self.step_through(statement, params))
    }

    /// How many rows the statement changes.
    fn step_through(&self, statement: &mut rusqlite::Statement<'_>, params: &[Val]) -> rusqlite::Result<u64> {
        let mut rows = statement.query(params_from_iter(params))?;
        // RETURNING yields rows here too; the change is done once they are stepped through.
        while rows.next()?.is_some() {}
        drop(rows);
        Ok(self.sqlite.changes())
    }

    fn try_rows(&self, text: Text<'_>, params: &[Val], most: usize) -> rusqlite::Result<Vec<Row>> {
        self.with(text, |statement| {
            let width = statement.column_count();
            let mut rows = statement.query(params_from_iter(params))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let values = (0..width).map(|column| row.get::<_, Value>(column));
                let columns = Columns::Sqlite(values.collect::<Result<_, _>>()?);
                found.push(Row { statement: text.name(), columns });
                if found.len() == most {
                    break;
                }
            }
            Ok(found)
        })
    }

    fn with<R>(
        &self,
        text: Text<'_>,
        work: impl FnOnce(&mut rusqlite::Statement<'_>) -> rusqlite::Result<R>,
    ) -> rusqlite::Result<R> {
        match text {
            Text::Declared(statement) => work(&mut *self.sqlite.prepare_cached(statement.sqlite())?),
            Text::Composed(sql) => work(&mut self.sqlite.prepare(&dialect::to_sqlite(sql))?),
        }
    }

    fn explain<T>(&mut self, text: Text<'_>, outcome: rusqlite::Result<T>) -> Result<T, StoreError> {
        outcome.map_err(|error| {
            let explained = store_error(&self.sqlite, text.name(), &error);
            self.last_failure = Some(explained.clone());
            explained
        })
    }
}

fn cannot_open(path: &Path, error: &rusqlite::Error) -> StoreError {
    error::cannot_open(&path.display().to_string(), error)
}

impl ToSql for Val {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Bool(value) => ToSqlOutput::Owned(Value::Integer((*value).into())),
            Self::Int(value) => ToSqlOutput::Owned(Value::Integer(*value)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Self::Json(value) => ToSqlOutput::Owned(Value::Text(value.to_string())),
            Self::JsonText(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}
