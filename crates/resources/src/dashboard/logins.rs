//! Requests of `/authorize` that the dashboard or its playground has sent a browser away with. Each is taken
//! once, by the answer that names its state in the browser that began it.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::Value;

/// Life of a request in seconds: as long as the hosted pages wait for its user.
pub const LIFETIME_SECONDS: i64 = 3600;

sql!(
    INSERT,
    "INSERT INTO dashboard_logins (tenant_id, state_hash, binding_hash, doc, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6)"
);
sql!(
    TAKE,
    "DELETE FROM dashboard_logins
     WHERE tenant_id = $1 AND state_hash = $2 AND binding_hash = $3 AND expires_at > $4 RETURNING doc"
);
sql!(FORGET_OLD, "DELETE FROM dashboard_logins WHERE tenant_id = $1 AND expires_at < $2");

/// Stores a request and forgets those that are over.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    (state_hash, binding_hash): (&str, &str),
    doc: Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&FORGET_OLD, &params![tenant, now]).await?;
    let expires_at = now.plus_seconds(LIFETIME_SECONDS);
    tx.run(&INSERT, &params![tenant, state_hash, binding_hash, doc, now, expires_at]).await.map(drop)
}

/// Takes a request out; `None` if it was taken, is over, or began in another browser.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn take(
    tx: &mut Tx,
    tenant: &TenantId,
    (state_hash, binding_hash): (&str, &str),
    now: Timestamp,
) -> Result<Option<Value>, StoreError> {
    tx.opt(&TAKE, &params![tenant, state_hash, binding_hash, now]).await?.map(|row| row.json(0)).transpose()
}
