//! Counters of limited callers, shared by all nodes. The rule itself is `core::limits`; here it is one
//! guarded statement, so that two requests at once cannot both take the last place.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};

// The row moves only while the new arrival time stays within the burst.
sql!(
    TAKE,
    "INSERT INTO rate_buckets (tenant_id, bucket, caller, tat) VALUES ($1, $2, $3, $4 + $5)
     ON CONFLICT (tenant_id, bucket, caller) DO UPDATE
       SET tat = CASE WHEN rate_buckets.tat < $4 THEN $4 ELSE rate_buckets.tat END + $5
       WHERE CASE WHEN rate_buckets.tat < $4 THEN $4 ELSE rate_buckets.tat END + $5 <= $4 + $6
     RETURNING tat"
);

/// A limit: `burst` requests at once, refilled evenly over `period_seconds`.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Names the limit in its rows.
    pub bucket: &'static str,
    /// Requests that may come at once.
    pub burst: i64,
    /// Seconds in which the whole burst refills.
    pub period_seconds: i64,
}

/// Takes one place; `false` when the limit is reached.
pub async fn take(
    tx: &mut Tx,
    tenant: &TenantId,
    limit: Limit,
    caller: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let period = limit.period_seconds * 1_000_000;
    let step = period / limit.burst.max(1);
    let values = params![tenant, limit.bucket, caller, now, step, period];
    Ok(tx.opt(&TAKE, &values).await?.is_some())
}
