//! The database handle: open it, run jobs on it, close it.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use crate::{StoreError, Tx};

/// A boxed future, as jobs return it: `Box::pin(async move { .. })`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Which database to open.
#[derive(Clone)]
pub enum DbConfig {
    /// A SQLite file, made if missing (its folder must exist). One process at a time can have it open.
    SqliteFile(PathBuf),
    /// The same file while another process, a server, has it open: for a tool that works beside it for a
    /// while. Its writes wait for the server's and the server's for its own, so keep them short and leave
    /// time between them. Do not migrate through it.
    SqliteFileBeside(PathBuf),
    /// A SQLite database in memory, gone when the [`Db`] is closed. Nothing touches the disk.
    SqliteMemory,
    /// A PostgreSQL database, for any number of processes.
    Postgres {
        /// `postgres://user:password@host:port/database?sslmode=require`; [`Db::open`] says what
        /// `sslmode` means.
        url: String,
        /// Largest number of connections this process opens, at least 1.
        max_connections: usize,
    },
}

impl fmt::Debug for DbConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SqliteFile(path) => write!(f, "SqliteFile({})", path.display()),
            Self::SqliteFileBeside(path) => write!(f, "SqliteFileBeside({})", path.display()),
            Self::SqliteMemory => f.write_str("SqliteMemory"),
            // The URL holds a password.
            Self::Postgres { max_connections, .. } => write!(f, "Postgres(…, {max_connections} connections)"),
        }
    }
}

/// Which engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, in this process.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// An open database. Clones share it.
///
/// A job is a closure that gets a [`Tx`] and returns a boxed future. It may await its `tx` and
/// nothing else; [`StoreError::AwaitedElsewhere`] says so when it does (on SQLite, always).
///
/// ```
/// # use gatewright_store::{Db, DbConfig, StoreError, params, sql};
/// # async fn example(db: Db) -> Result<(), StoreError> {
/// sql!(SPEND, "UPDATE codes SET used_at = $2 WHERE code_hash = $1 AND used_at IS NULL");
/// let code_hash = String::from("5e88…");
/// let spent = db
///     .write(move |tx| Box::pin(async move { tx.run(&SPEND, &params![code_hash, 1_i64]).await }))
///     .await?;
/// # let _: u64 = spent; Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Db(Driver);

#[derive(Clone)]
enum Driver {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
}

impl Db {
    /// Opens the database and checks that it can be used; does not migrate.
    ///
    /// PostgreSQL's `sslmode` in the URL: `disable`; `prefer` (the default: TLS if the server offers
    /// it, none for local sockets and loopback addresses); `require`, `verify-ca`, `verify-full`. With
    /// TLS the server's certificate and name are always checked, against the system's store or the
    /// PEM file named by `sslrootcert=PATH`.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if another process has the SQLite file, [`StoreError::Config`] for a
    /// setting that cannot be used, [`StoreError::Unavailable`] if it cannot be reached.
    pub async fn open(config: &DbConfig) -> Result<Self, StoreError> {
        let driver = match config {
            DbConfig::SqliteFile(path) => Driver::Sqlite(Arc::new(Sqlite::open_file(path).await?)),
            DbConfig::SqliteFileBeside(path) => {
                Driver::Sqlite(Arc::new(Sqlite::open_file_beside(path).await?))
            }
            DbConfig::SqliteMemory => Driver::Sqlite(Arc::new(Sqlite::open_memory().await?)),
            DbConfig::Postgres { url, max_connections } => {
                Driver::Postgres(Arc::new(Postgres::open(url, *max_connections).await?))
            }
        };
        Ok(Self(driver))
    }

    /// Runs a job that only reads. It sees committed data; a statement that writes is refused.
    ///
    /// On SQLite all statements of the job see one moment; on PostgreSQL each sees its own (READ
    /// COMMITTED).
    ///
    /// # Errors
    /// The job's own, and every [`StoreError`] of a statement or the connection, by `From`.
    pub async fn read<T, E>(
        &self,
        job: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.0 {
            Driver::Sqlite(sqlite) => sqlite.read(job).await,
            Driver::Postgres(postgres) => postgres.read(job).await,
        }
    }

    /// Runs a job in a transaction: all of it happens, or none.
    ///
    /// `Ok` is returned only when the data is durable. With `Err` this job's changes are rolled back,
    /// and no other's. The job runs to its end even if the returned future is dropped.
    ///
    /// # Errors
    /// The job's own, and every [`StoreError`] of a statement or of the commit, by `From`.
    pub async fn write<T, E>(
        &self,
        job: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.0 {
            Driver::Sqlite(sqlite) => sqlite.write(job).await,
            Driver::Postgres(postgres) => postgres.write(job).await,
        }
    }

    /// Prepares for very many rows: SQLite keeps more of the file in memory from now on, where it needs to. What does
    /// not fit of an index in no order is read and written again and again.
    ///
    /// # Errors
    /// [`StoreError`] of the database, which can be used nevertheless.
    pub async fn expect_much(&self) -> Result<(), StoreError> {
        self.write(|tx| {
            let done = tx.sqlite().map_or(Ok(()), |connection| connection.keep_much());
            Box::pin(std::future::ready(done))
        })
        .await
    }

    /// Which engine runs.
    pub fn engine(&self) -> Engine {
        match &self.0 {
            Driver::Sqlite(_) => Engine::Sqlite,
            Driver::Postgres(_) => Engine::Postgres,
        }
    }

    /// Finishes the jobs that wait, closes all connections and gives up the file. Afterwards every
    /// clone answers [`StoreError::Unavailable`].
    pub async fn close(&self) {
        match &self.0 {
            Driver::Sqlite(sqlite) => sqlite.close().await,
            Driver::Postgres(postgres) => postgres.close().await,
        }
    }

    /// Statements prepared so far may no longer fit a changed schema.
    pub(crate) fn forget_prepared(&self) {
        // SQLite prepares again by itself.
        if let Driver::Postgres(postgres) = &self.0 {
            postgres.forget_prepared();
        }
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Db({:?})", self.engine())
    }
}
