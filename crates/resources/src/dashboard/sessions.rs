//! Administrators' browsers. The cookie holds a random token; only its hash is kept.
//!
//! They do not end with the tenant's own session in the browser: the playground logs in as other users, each of
//! whom replaces it. What ends all sessions of a user, such as a new password, ends these too; whoever is blocked
//! or loses the role is out at once all the same.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};

/// Life of a session in seconds: a working day. It is not prolonged.
pub const LIFETIME_SECONDS: i64 = 12 * 3600;

sql!(
    USER,
    "SELECT user_id FROM dashboard_sessions WHERE tenant_id = $1 AND token_hash = $2 AND expires_at > $3"
);
sql!(
    INSERT,
    "INSERT INTO dashboard_sessions (tenant_id, token_hash, user_id, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5)"
);
sql!(DELETE, "DELETE FROM dashboard_sessions WHERE tenant_id = $1 AND token_hash = $2");
sql!(END_OF_USER, "DELETE FROM dashboard_sessions WHERE tenant_id = $1 AND user_id = $2");
sql!(FORGET_OLD, "DELETE FROM dashboard_sessions WHERE tenant_id = $1 AND expires_at < $2");

/// Whose session this is, if it is alive.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn user(
    tx: &mut Tx,
    tenant: &TenantId,
    token_hash: &str,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    tx.opt(&USER, &params![tenant, token_hash, now]).await?.map(|row| row.text(0)).transpose()
}

/// Begins a session and forgets those that are over.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    token_hash: &str,
    user_id: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&FORGET_OLD, &params![tenant, now]).await?;
    let expires_at = now.plus_seconds(LIFETIME_SECONDS);
    tx.run(&INSERT, &params![tenant, token_hash, user_id, now, expires_at]).await.map(drop)
}

/// Ends a session.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn delete(tx: &mut Tx, tenant: &TenantId, token_hash: &str) -> Result<(), StoreError> {
    tx.run(&DELETE, &params![tenant, token_hash]).await.map(drop)
}

/// Ends every session of a user.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn end_all_of_user(tx: &mut Tx, tenant: &TenantId, user_id: &str) -> Result<(), StoreError> {
    tx.run(&END_OF_USER, &params![tenant, user_id]).await.map(drop)
}
