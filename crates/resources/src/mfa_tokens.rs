//! MFA tokens: logins at the token endpoint that wait for a second factor.
//!
//! Only the hash of a token is stored. It is its client's, lives for ten minutes and is spent in the transaction that
//! proves the factor.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{Row, StoreError, Tx, params, sql};
use serde::{Deserialize, Serialize};

use crate::login_transactions::{MultiFactor, ScriptProgress};

/// Life of a token in seconds.
pub const LIFETIME_SECONDS: i64 = 600;

/// What waits for the factor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// The grant type that was presented first.
    pub grant: String,
    /// Its `scope`.
    pub scope: Option<String>,
    /// Its `audience`.
    pub audience: Option<String>,
    /// The connection of the login.
    pub connection: Option<String>,
    /// The hash of the refresh token, where one is exchanged.
    pub refresh_hash: Option<String>,
    /// How far the tenant's scripts have come.
    pub scripts: ScriptProgress,
    /// What is asked for, and what has been passed.
    pub asked: MultiFactor,
}

/// A token that waits, or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MfaToken {
    /// Whose it is.
    pub client_id: String,
    /// What waits.
    pub waiting: Waiting,
    /// The end of its life.
    pub expires_at: Timestamp,
    /// When it was spent.
    pub used_at: Option<Timestamp>,
}

sql!(
    INSERT,
    "INSERT INTO mfa_tokens (tenant_id, token_hash, client_id, doc, created_at, seen_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $5, $6)"
);
sql!(
    BY_HASH,
    "SELECT client_id, doc, expires_at, used_at FROM mfa_tokens WHERE tenant_id = $1 AND token_hash = $2"
);
// The update holds the row until the end of the writer's transaction.
sql!(
    HOLD,
    "UPDATE mfa_tokens SET seen_at = $3 WHERE tenant_id = $1 AND token_hash = $2
     RETURNING client_id, doc, expires_at, used_at"
);
sql!(SET, "UPDATE mfa_tokens SET doc = $3 WHERE tenant_id = $1 AND token_hash = $2");
sql!(
    SPEND,
    "UPDATE mfa_tokens SET used_at = $3
     WHERE tenant_id = $1 AND token_hash = $2 AND used_at IS NULL RETURNING client_id"
);
sql!(FORGET_OLD, "DELETE FROM mfa_tokens WHERE tenant_id = $1 AND expires_at < $2");

/// Stores a new one, and forgets those whose life ended an hour ago.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    (token_hash, client_id): (&str, &str),
    waiting: &Waiting,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&FORGET_OLD, &params![tenant, now.plus_seconds(-3600)]).await?;
    let expires_at = now.plus_seconds(LIFETIME_SECONDS);
    tx.run(&INSERT, &params![tenant, token_hash, client_id, document(waiting)?, now, expires_at])
        .await
        .map(drop)
}

/// One by its hash, alive or not.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn by_hash(
    tx: &mut Tx,
    tenant: &TenantId,
    token_hash: &str,
) -> Result<Option<MfaToken>, StoreError> {
    tx.opt(&BY_HASH, &params![tenant, token_hash]).await?.map(|row| read(&row)).transpose()
}

/// One by its hash, alive or not, held against other writers until the end of this one.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn hold(
    tx: &mut Tx,
    tenant: &TenantId,
    token_hash: &str,
    now: Timestamp,
) -> Result<Option<MfaToken>, StoreError> {
    tx.opt(&HOLD, &params![tenant, token_hash, now]).await?.map(|row| read(&row)).transpose()
}

/// Keeps how far it has come. Call [`hold`] before, in the same transaction.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn set(
    tx: &mut Tx,
    tenant: &TenantId,
    token_hash: &str,
    waiting: &Waiting,
) -> Result<(), StoreError> {
    tx.run(&SET, &params![tenant, token_hash, document(waiting)?]).await.map(drop)
}

/// Spends one; `false` if it was spent before.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn spend(
    tx: &mut Tx,
    tenant: &TenantId,
    token_hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.opt(&SPEND, &params![tenant, token_hash, now]).await?.is_some())
}

fn document(waiting: &Waiting) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(waiting).map_err(|error| StoreError::Mismatch(error.to_string()))
}

fn read(row: &Row) -> Result<MfaToken, StoreError> {
    Ok(MfaToken {
        client_id: row.text(0)?,
        waiting: serde_json::from_value(row.json(1)?).map_err(|e| StoreError::Mismatch(e.to_string()))?,
        expires_at: row.time(2)?,
        used_at: row.opt_time(3)?,
    })
}
