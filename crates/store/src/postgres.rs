//! The PostgreSQL driver: a pool of connections, one per running job.
//!
//! Reading order: this file (open, run a job), `session` (statements and the transaction on one
//! connection), `tls` (the URL's `sslmode`), `bind` (parameters), `error`.

mod bind;
mod error;
mod session;
mod tls;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use futures_util::FutureExt;

use crate::sqlite::panic_text;
use crate::tx::Mode;
use crate::{BoxFuture, StoreError, Tx};

pub(crate) use session::Session;

/// How long to wait for a free connection, or for a new one.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// Limits that keep one bad statement from holding the others up.
const SETTINGS: &str = "SET statement_timeout = '15s'; \
    SET lock_timeout = '5s'; \
    SET idle_in_transaction_session_timeout = '30s'; \
    SET default_transaction_isolation = 'read committed'; \
    SET TIME ZONE 'UTC'";

/// An open PostgreSQL database.
pub(crate) struct Postgres {
    pool: Pool,
}

impl Postgres {
    pub(crate) async fn open(url: &str, max_connections: usize) -> Result<Self, StoreError> {
        let pool = Self::pool(url, max_connections)?;
        let postgres = Self { pool };
        postgres.check_server().await?;
        Ok(postgres)
    }

    fn pool(url: &str, max_connections: usize) -> Result<Pool, StoreError> {
        if max_connections == 0 {
            return Err(StoreError::Config("at least one connection is needed".to_owned()));
        }
        let target = tls::parse(url)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match target.tls {
            Some(connector) => Manager::from_config(target.config, connector, recycling),
            None => Manager::from_config(target.config, tokio_postgres::NoTls, recycling),
        };
        let settings = Hook::async_fn(|client, _| {
            Box::pin(async move { client.batch_execute(SETTINGS).await.map_err(HookError::Backend) })
        });
        Pool::builder(manager)
            .max_size(max_connections)
            .wait_timeout(Some(CONNECTION_TIMEOUT))
            .create_timeout(Some(CONNECTION_TIMEOUT))
            .recycle_timeout(Some(CONNECTION_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .post_create(settings)
            .build()
            .map_err(|error| StoreError::Config(error.to_string()))
    }

    /// Finds at start what would otherwise fail late.
    async fn check_server(&self) -> Result<(), StoreError> {
        let client = self.connection().await?;
        let row = client
            .query_one(
                "SELECT current_setting('server_encoding'), current_setting('server_version_num')::int",
                &[],
            )
            .await
            .map_err(|error| error::store_error("the check of the server", &error))?;
        let (encoding, version): (String, i32) = (row.get(0), row.get(1));
        if encoding != "UTF8" {
            return Err(StoreError::Config(format!(
                "the PostgreSQL database has the encoding {encoding}; create it with ENCODING 'UTF8'"
            )));
        }
        if version < 130_000 {
            return Err(StoreError::Config(format!(
                "PostgreSQL 13 or newer is needed; the server is {}",
                version / 10_000
            )));
        }
        Ok(())
    }

    pub(crate) async fn read<T, E>(
        &self,
        job: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let client = self.connection().await?;
        // Without a transaction: at READ COMMITTED it would see the same, for two more round trips.
        run(Tx::on_postgres(Session::new(client), Mode::Read), job).await
    }

    pub(crate) async fn write<T, E>(
        &self,
        job: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let client = self.connection().await?;
        // A task of its own: a caller that goes away must not leave a job half done.
        let task = tokio::spawn(run(Tx::on_postgres(Session::in_transaction(client), Mode::Write), job));
        task.await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the program is stopping".to_owned()).into()))
    }

    pub(crate) async fn close(&self) {
        self.pool.close();
    }

    pub(crate) fn forget_prepared(&self) {
        self.pool.manager().statement_caches.clear();
    }

    async fn connection(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => {
                StoreError::Busy("all connections are in use".to_owned())
            }
            PoolError::Timeout(_) => StoreError::Unavailable("the server did not answer in time".to_owned()),
            PoolError::Closed => StoreError::Unavailable("it was closed".to_owned()),
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                error::cannot_connect(&error)
            }
            other => StoreError::Unavailable(other.to_string()),
        })
    }
}

async fn run<T, E>(
    mut tx: Tx,
    job: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    // Nothing of the job is used after a panic, and the transaction is rolled back.
    let outcome = AssertUnwindSafe(async { job(&mut tx).await }).catch_unwind().await;
    let result = outcome.unwrap_or_else(|panic| Err(StoreError::Panicked(panic_text(&*panic)).into()));
    let result = result.and_then(|value| {
        tx.unfailed()?;
        Ok(value)
    });
    let Some(session) = tx.postgres() else { return result };
    match result {
        Ok(value) => {
            session.commit().await?;
            Ok(value)
        }
        Err(error) => {
            session.roll_back().await;
            Err(error)
        }
    }
}
