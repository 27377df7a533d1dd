//! Counters of limited callers, shared by all nodes. The rule itself is `core::limits`; here it is one
//! guarded statement, so that two requests at once cannot both take the last place.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_core::limits::{RateDecision, RateLimit};
use gatewright_store::{StoreError, Tx, params, sql};

// The row moves only while the new arrival time stays within the burst.
sql!(
    TAKE,
    "INSERT INTO rate_buckets (tenant_id, bucket, caller, tat)
     VALUES ($1, $2, $3, CAST($4 AS BIGINT) + CAST($5 AS BIGINT))
     ON CONFLICT (tenant_id, bucket, caller) DO UPDATE
       SET tat = CASE WHEN rate_buckets.tat < $4 THEN $4 ELSE rate_buckets.tat END + CAST($5 AS BIGINT)
       WHERE CASE WHEN rate_buckets.tat < $4 THEN $4 ELSE rate_buckets.tat END + CAST($5 AS BIGINT)
             <= CAST($4 AS BIGINT) + CAST($6 AS BIGINT)
     RETURNING tat"
);
sql!(
    GIVE_BACK,
    "UPDATE rate_buckets SET tat = tat - CAST($4 AS BIGINT) WHERE tenant_id = $1 AND bucket = $2 AND caller = $3"
);
sql!(STORED, "SELECT tat FROM rate_buckets WHERE tenant_id = $1 AND bucket = $2 AND caller = $3");

/// The bucket of an address's failed logins.
pub const FAILED_LOGINS: &str = "failed_logins";
/// The bucket of an address's sign-ups.
pub const SIGN_UPS: &str = "signup";

/// The bucket of an address's tokens that were refused in exchange.
pub const REFUSED_EXCHANGES: &str = "refused_exchanges";

/// Takes one place of a caller's bucket, or refuses; the answer says what remains.
pub async fn take(
    tx: &mut Tx,
    tenant: &TenantId,
    bucket: &str,
    limit: RateLimit,
    caller: &str,
    now: Timestamp,
) -> Result<RateDecision, StoreError> {
    let values = params![tenant, bucket, caller, now, limit.interval_micros(), limit.depth_micros()];
    if let Some(row) = tx.opt(&TAKE, &values).await? {
        return Ok(limit.allowed_at(row.time(0)?, now));
    }
    let row = tx.one(&STORED, &params![tenant, bucket, caller]).await?;
    Ok(limit.refused_at(row.time(0)?, now))
}

/// Gives back a place that was taken for something that does not count after all.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn give_back(
    tx: &mut Tx,
    tenant: &TenantId,
    bucket: &str,
    limit: RateLimit,
    caller: &str,
) -> Result<(), StoreError> {
    let values = params![tenant, bucket, caller, limit.interval_micros()];
    tx.run(&GIVE_BACK, &values).await.map(drop)
}
