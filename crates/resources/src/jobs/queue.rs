//! Jobs as rows that workers take.
//!
//! Any node may take a job that is due: it counts the attempt and moves `due_at` into the future by a
//! guarded update, and does so again with everything that it gets done. A node that dies stops doing so,
//! and another goes on where the rows say. Whoever finds that the attempt is no longer the last one stops.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{Row, StoreError, Tx, params, sql};
use serde_json::Value;

use super::Kind;
use crate::users::import::Refused;

/// For how long a job belongs to who took it, after the last sign of life.
const TAKEN_FOR_SECONDS: i64 = 60;
/// Compat: data of jobs are kept for a day.
const KEPT_FOR_SECONDS: i64 = 86_400;
/// Compat: jobs that take longer have failed.
const LONGEST_SECONDS: i64 = 7_200;
/// A job that ends its worker so often is not tried again.
const MOST_ATTEMPTS: i64 = 5;

sql!(
    INSERT,
    "INSERT INTO jobs (tenant_id, job_id, type, status, doc, task, slot, due_at, attempts, rows_done, inserted,
       updated, failed, created_at)
     VALUES ($1, $2, $3, 'pending', $4, $5, $6, $7, 0, 0, 0, 0, 0, $7) ON CONFLICT DO NOTHING"
);
sql!(
    DUE,
    "SELECT j.tenant_id, t.host, j.job_id, j.type, j.attempts
     FROM jobs j JOIN tenants t ON t.tenant_id = j.tenant_id
     WHERE j.due_at <= $1 AND (j.type = $2 OR j.type = $3) ORDER BY j.due_at LIMIT $4"
);
sql!(
    TAKE,
    "UPDATE jobs SET status = 'processing', attempts = attempts + 1, due_at = $5,
       started_at = COALESCE(started_at, $4)
     WHERE tenant_id = $1 AND job_id = $2 AND attempts = $3 AND due_at <= $4
     RETURNING doc, task, attempts, rows_done, rows_total, last_user_id, started_at"
);
sql!(
    NOTE,
    "UPDATE jobs SET due_at = $4, rows_done = $5, inserted = inserted + $6, updated = updated + $7,
       failed = failed + $8, last_user_id = COALESCE($9, last_user_id)
     WHERE tenant_id = $1 AND job_id = $2 AND attempts = $3 AND due_at IS NOT NULL"
);
sql!(
    SET_TOTAL,
    "UPDATE jobs SET due_at = $4, rows_total = $5
     WHERE tenant_id = $1 AND job_id = $2 AND attempts = $3 AND due_at IS NOT NULL"
);
sql!(
    FINISH,
    "UPDATE jobs SET status = $4, status_details = $5, due_at = NULL, slot = NULL
     WHERE tenant_id = $1 AND job_id = $2 AND attempts = $3 AND due_at IS NOT NULL"
);
sql!(ADD_ERROR, "INSERT INTO job_errors (tenant_id, job_id, row_number, doc) VALUES ($1, $2, $3, $4)");
sql!(ADD_PART, "INSERT INTO job_files (tenant_id, job_id, part, bytes) VALUES ($1, $2, $3, $4)");
sql!(PART, "SELECT bytes FROM job_files WHERE tenant_id = $1 AND job_id = $2 AND part = $3");
sql!(DELETE_PARTS, "DELETE FROM job_files WHERE tenant_id = $1 AND job_id = $2");
sql!(OLD, "SELECT tenant_id, job_id FROM jobs WHERE created_at <= $1 AND due_at IS NULL LIMIT 100");
sql!(STRAY, "SELECT tenant_id, job_id FROM jobs WHERE created_at <= $1 LIMIT 100");
sql!(DELETE, "DELETE FROM jobs WHERE tenant_id = $1 AND job_id = $2");
sql!(DELETE_ERRORS, "DELETE FROM job_errors WHERE tenant_id = $1 AND job_id = $2");

/// A job that a worker may take.
#[derive(Clone, Debug)]
pub struct Due {
    /// The tenant.
    pub tenant: TenantId,
    /// The host that the tenant is served at, without port.
    pub host: String,
    /// The job.
    pub job_id: String,
    /// What it does.
    pub kind: Kind,
    attempts: i64,
}

/// A job that this worker has.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The tenant.
    pub tenant: TenantId,
    /// The job.
    pub job_id: String,
    /// What it does.
    pub kind: Kind,
    /// What was asked for.
    pub doc: Value,
    /// What else the work needs.
    pub task: Value,
    /// Rows that are dealt with.
    pub rows_done: i64,
    /// All rows, once they are counted.
    pub rows_total: Option<i64>,
    /// The last user that an export wrote.
    pub last_user_id: Option<String>,
    attempt: i64,
    started_at: Timestamp,
}

/// What a worker got done.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// All rows dealt with so far.
    pub rows_done: i64,
    /// Users made since the last note.
    pub inserted: i64,
    /// Users changed since.
    pub updated: i64,
    /// Rows refused since.
    pub failed: i64,
    /// The last user that an export wrote.
    pub last_user_id: Option<String>,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It did what was asked for.
    Completed,
    /// It could not; why.
    Failed(String),
}

/// Why a worker stops.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// Another worker has the job, or nobody.
    #[error("the job was taken by another worker")]
    Lost,
    /// It took too long.
    #[error("the job took longer than two hours")]
    TooLong,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A job about to be queued.
pub(super) struct New<'a> {
    pub(super) job_id: &'a str,
    pub(super) kind: Kind,
    pub(super) doc: Value,
    pub(super) task: Value,
    /// Of an import.
    pub(super) slot: Option<i64>,
}

/// Queues a job; `false` if its slot is taken.
pub(super) async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    new: &New<'_>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values =
        params![tenant, new.job_id, new.kind.name(), new.doc.clone(), new.task.clone(), new.slot, now];
    Ok(tx.run(&INSERT, &values).await? == 1)
}

/// What is due of one or two kinds, of any tenant, oldest first.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn due(tx: &mut Tx, kinds: [Kind; 2], now: Timestamp, limit: i64) -> Result<Vec<Due>, StoreError> {
    let [one, other] = kinds;
    let rows = tx.all(&DUE, &params![now, one.name(), other.name(), limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(Due {
                tenant: TenantId::new(row.text(0)?),
                host: row.text(1)?,
                job_id: row.text(2)?,
                kind: Kind::named(&row.text(3)?),
                attempts: row.int(4)?,
            })
        })
        .collect()
}

/// Takes a job; `None` if somebody else was faster. A job that was taken too often has failed.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn take(tx: &mut Tx, due: &Due, now: Timestamp) -> Result<Option<Taken>, StoreError> {
    let values = params![&due.tenant, &due.job_id, due.attempts, now, now.plus_seconds(TAKEN_FOR_SECONDS)];
    let Some(row) = tx.opt(&TAKE, &values).await? else { return Ok(None) };
    let taken = read(due, &row)?;
    if taken.attempt > MOST_ATTEMPTS {
        let why = format!("It was begun {MOST_ATTEMPTS} times and never ended");
        taken.finish(tx, &End::Failed(why)).await.or_else(lost_is_fine)?;
        return Ok(None);
    }
    Ok(Some(taken))
}

fn lost_is_fine(stop: Stop) -> Result<(), StoreError> {
    match stop {
        Stop::Store(error) => Err(error),
        Stop::Lost | Stop::TooLong => Ok(()),
    }
}

fn read(due: &Due, row: &Row) -> Result<Taken, StoreError> {
    Ok(Taken {
        tenant: due.tenant.clone(),
        job_id: due.job_id.clone(),
        kind: due.kind,
        doc: row.json(0)?,
        task: row.json(1)?,
        attempt: row.int(2)?,
        rows_done: row.int(3)?,
        rows_total: row.opt_int(4)?,
        last_user_id: row.opt_text(5)?,
        started_at: row.time(6)?,
    })
}

impl Taken {
    /// Notes what got done, in the transaction that did it.
    ///
    /// # Errors
    /// [`Stop`]: then the transaction must not be kept.
    pub async fn note(&self, tx: &mut Tx, progress: &Progress, now: Timestamp) -> Result<(), Stop> {
        if now.micros() - self.started_at.micros() > LONGEST_SECONDS * 1_000_000 {
            return Err(Stop::TooLong);
        }
        let values = params![
            &self.tenant,
            &self.job_id,
            self.attempt,
            now.plus_seconds(TAKEN_FOR_SECONDS),
            progress.rows_done,
            progress.inserted,
            progress.updated,
            progress.failed,
            progress.last_user_id.clone()
        ];
        mine(tx.run(&NOTE, &values).await?)
    }

    /// Notes how many rows there are.
    ///
    /// # Errors
    /// [`Stop`].
    pub async fn set_total(&self, tx: &mut Tx, total: i64, now: Timestamp) -> Result<(), Stop> {
        let until = now.plus_seconds(TAKEN_FOR_SECONDS);
        mine(tx.run(&SET_TOTAL, &params![&self.tenant, &self.job_id, self.attempt, until, total]).await?)
    }

    /// Keeps why rows were refused.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub async fn add_errors(&self, tx: &mut Tx, refused: &[(u64, Refused)]) -> Result<(), StoreError> {
        for (number, refused) in refused {
            let number = i64::try_from(*number).unwrap_or(i64::MAX);
            tx.run(&ADD_ERROR, &params![&self.tenant, &self.job_id, number, refused.to_json()]).await?;
        }
        Ok(())
    }

    /// Adds a part to the file.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub async fn add_part(&self, tx: &mut Tx, part: i64, bytes: Vec<u8>) -> Result<(), StoreError> {
        add_part(tx, &self.tenant, &self.job_id, part, bytes).await
    }

    /// Ends the job. An import's file is not needed any more.
    ///
    /// # Errors
    /// [`Stop`].
    pub async fn finish(&self, tx: &mut Tx, end: &End) -> Result<(), Stop> {
        let (status, details) = match end {
            End::Completed => ("completed", None),
            End::Failed(why) => ("failed", Some(why.clone())),
        };
        mine(tx.run(&FINISH, &params![&self.tenant, &self.job_id, self.attempt, status, details]).await?)?;
        if self.kind == Kind::UsersImport || *end != End::Completed {
            tx.run(&DELETE_PARTS, &params![&self.tenant, &self.job_id]).await?;
        }
        Ok(())
    }
}

fn mine(count: u64) -> Result<(), Stop> {
    if count == 1 { Ok(()) } else { Err(Stop::Lost) }
}

/// Adds a part to a job's file.
pub(super) async fn add_part(
    tx: &mut Tx,
    tenant: &TenantId,
    job_id: &str,
    part: i64,
    bytes: Vec<u8>,
) -> Result<(), StoreError> {
    tx.run(&ADD_PART, &params![tenant, job_id, part, bytes]).await.map(drop)
}

/// A part of a job's file; the first is 0. `None` behind the last.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn part(
    tx: &mut Tx,
    tenant: &TenantId,
    job_id: &str,
    part: i64,
) -> Result<Option<Vec<u8>>, StoreError> {
    tx.opt(&PART, &params![tenant, job_id, part]).await?.map(|row| row.blob(0)).transpose()
}

/// Removes jobs that are a day old, with all that belongs to them.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn remove_old(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    let old = tx.all(&OLD, &params![now.plus_seconds(-KEPT_FOR_SECONDS)]).await?;
    // One that nobody ended in two days never ends.
    let stray = tx.all(&STRAY, &params![now.plus_seconds(-2 * KEPT_FOR_SECONDS)]).await?;
    for row in old.iter().chain(&stray) {
        let (tenant, job_id) = (row.text(0)?, row.text(1)?);
        for statement in [&DELETE, &DELETE_PARTS, &DELETE_ERRORS] {
            tx.run(statement, &params![&tenant, &job_id]).await?;
        }
    }
    Ok(())
}
