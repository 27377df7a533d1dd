//! Invitations: one-time links that make whoever follows them administrator.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};

/// Life of an invitation in seconds: a day.
pub const LIFETIME_SECONDS: i64 = 24 * 3600;

sql!(
    INSERT,
    "INSERT INTO dashboard_invitations (tenant_id, token_hash, created_at, expires_at) VALUES ($1, $2, $3, $4)"
);
sql!(
    OPEN,
    "SELECT 1 FROM dashboard_invitations
     WHERE tenant_id = $1 AND token_hash = $2 AND used_at IS NULL AND expires_at > $3"
);
sql!(
    SPEND,
    "UPDATE dashboard_invitations SET used_at = $3, user_id = $4
     WHERE tenant_id = $1 AND token_hash = $2 AND used_at IS NULL AND expires_at > $3 RETURNING token_hash"
);
sql!(FORGET_OLD, "DELETE FROM dashboard_invitations WHERE tenant_id = $1 AND expires_at < $2");

/// Stores an invitation and forgets those that are over.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    token_hash: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&FORGET_OLD, &params![tenant, now]).await?;
    let expires_at = now.plus_seconds(LIFETIME_SECONDS);
    tx.run(&INSERT, &params![tenant, token_hash, now, expires_at]).await.map(drop)
}

/// Whether an invitation can still be followed.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn is_open(
    tx: &mut Tx,
    tenant: &TenantId,
    token_hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.opt(&OPEN, &params![tenant, token_hash, now]).await?.is_some())
}

/// Spends an invitation for this user; `false` if it was spent, is over or never was.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn spend(
    tx: &mut Tx,
    tenant: &TenantId,
    token_hash: &str,
    user_id: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.opt(&SPEND, &params![tenant, token_hash, now, user_id]).await?.is_some())
}
