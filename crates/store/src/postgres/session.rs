//! Statements and the transaction on one PostgreSQL connection.

use deadpool_postgres::Object;
use futures_util::future::{join, try_join_all};
use tokio_postgres::Error;
use tokio_postgres::types::ToSql;

use super::bind::Bound;
use super::error::{outcome_unknown, store_error};
use crate::row::{Columns, Row};
use crate::tx::Text;
use crate::{Statement, StoreError, Val};

/// A connection taken from the pool for one job.
pub(crate) struct Session {
    /// `None` only after the connection was thrown away.
    client: Option<Object>,
    transaction: Transaction,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Transaction {
    /// A read: each statement by itself.
    None,
    /// To be opened together with the first statement, which saves a round trip.
    Wanted,
    Open,
}

impl Session {
    pub(super) const fn new(client: Object) -> Self {
        Self { client: Some(client), transaction: Transaction::None }
    }

    pub(super) const fn in_transaction(client: Object) -> Self {
        Self { client: Some(client), transaction: Transaction::Wanted }
    }

    pub(crate) async fn run(&mut self, text: Text<'_>, params: &[Val]) -> Result<u64, StoreError> {
        let opening = self.opening();
        let client = self.client()?;
        let work = async {
            let statement = prepared(client, text).await?;
            client.execute(&statement, &as_refs(&bound(params))).await
        };
        together(client, opening, work).await.map_err(|error| store_error(text.name(), &error))
    }

    /// The statement for each set of parameters, all sent before the first answer is waited for.
    pub(crate) async fn run_each(&mut self, text: Text<'_>, sets: &[&[Val]]) -> Result<Vec<u64>, StoreError> {
        let opening = self.opening();
        let client = self.client()?;
        let work = async {
            let statement = &prepared(client, text).await?;
            // Polled in order at first, and the first poll sends.
            try_join_all(
                sets.iter()
                    .map(|params| async move { client.execute(statement, &as_refs(&bound(params))).await }),
            )
            .await
        };
        together(client, opening, work).await.map_err(|error| store_error(text.name(), &error))
    }

    pub(crate) async fn rows(&mut self, text: Text<'_>, params: &[Val]) -> Result<Vec<Row>, StoreError> {
        let opening = self.opening();
        let client = self.client()?;
        let work = async {
            let statement = prepared(client, text).await?;
            client.query(&statement, &as_refs(&bound(params))).await
        };
        let rows = together(client, opening, work).await.map_err(|error| store_error(text.name(), &error))?;
        let row = |row| Row { statement: text.name(), columns: Columns::Postgres(row) };
        Ok(rows.into_iter().map(row).collect())
    }

    pub(crate) async fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        let opening = self.opening();
        let client = self.client()?;
        let done = together(client, opening, client.batch_execute(sql)).await;
        done.map_err(|error| store_error("a batch", &error))
    }

    pub(crate) async fn prepare(&mut self, statement: &Statement) -> Result<usize, StoreError> {
        let prepared = self.client()?.prepare(statement.text()).await;
        prepared
            .map(|prepared| prepared.params().len())
            .map_err(|error| store_error(statement.name(), &error))
    }

    /// Makes the job's changes durable.
    pub(super) async fn commit(&mut self) -> Result<(), StoreError> {
        if self.transaction == Transaction::Open {
            self.client()?.batch_execute("COMMIT").await.map_err(|error| outcome_unknown(&error))?;
            self.transaction = Transaction::None;
        }
        Ok(())
    }

    /// Undoes the job's changes; if that fails the connection is thrown away, which undoes them too.
    pub(super) async fn roll_back(&mut self) {
        if self.transaction == Transaction::Open
            && let Ok(client) = self.client()
            && client.batch_execute("ROLLBACK").await.is_ok()
        {
            self.transaction = Transaction::None;
        }
    }

    /// `true` if the transaction is to be opened now.
    fn opening(&mut self) -> bool {
        let opening = self.transaction == Transaction::Wanted;
        if opening {
            self.transaction = Transaction::Open;
        }
        opening
    }

    fn client(&self) -> Result<&Object, StoreError> {
        self.client.as_ref().ok_or_else(|| StoreError::Unavailable("the connection was lost".to_owned()))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A job that was stopped midway: the next one must not find its transaction open. Closing the
        // connection rolls it back.
        if self.transaction == Transaction::Open
            && let Some(client) = self.client.take()
        {
            drop(Object::take(client));
        }
    }
}

async fn prepared(client: &Object, text: Text<'_>) -> Result<tokio_postgres::Statement, Error> {
    match text {
        Text::Declared(statement) => client.prepare_cached(statement.text()).await,
        // Not cached: the cache never forgets, and composed texts are without number.
        Text::Composed(sql) => client.prepare(sql).await,
    }
}

/// Runs `work`, with the opening of the transaction sent just before its first message.
async fn together<R>(
    client: &Object,
    opening: bool,
    work: impl Future<Output = Result<R, Error>>,
) -> Result<R, Error> {
    if !opening {
        return work.await;
    }
    // `join` polls in this order, and the first poll sends.
    let (opened, result) = join(client.batch_execute("BEGIN"), work).await;
    opened?;
    result
}

fn bound(params: &[Val]) -> Vec<Bound<'_>> {
    params.iter().map(Bound).collect()
}

fn as_refs<'a>(params: &'a [Bound<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    params.iter().map(|param| param as &(dyn ToSql + Sync)).collect()
}
