//! Opaque access tokens: issued when no API was asked for, good at `/userinfo` only.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};

/// What an opaque access token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The client it was issued to.
    pub client_id: String,
    /// The user it speaks for.
    pub user_id: String,
    /// The granted scopes, space-separated.
    pub scope: String,
    /// Hash of the authorization code it was exchanged for, if any.
    pub code_hash: Option<String>,
}

sql!(
    INSERT,
    "INSERT INTO access_tokens (tenant_id, token_hash, client_id, user_id, scope, expires_at, code_hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7)"
);
sql!(
    LIVE,
    "SELECT client_id, user_id, scope, code_hash FROM access_tokens
     WHERE tenant_id = $1 AND token_hash = $2 AND expires_at > $3"
);
sql!(DELETE_OF_CODE, "DELETE FROM access_tokens WHERE tenant_id = $1 AND code_hash = $2");
sql!(FORGET_OLD, "DELETE FROM access_tokens WHERE tenant_id = $1 AND expires_at < $2");

/// Stores a new token and forgets expired ones.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    token_hash: &str,
    token: &AccessToken,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&FORGET_OLD, &params![tenant, now]).await?;
    let values = params![
        tenant,
        token_hash,
        &token.client_id,
        &token.user_id,
        &token.scope,
        expires_at,
        token.code_hash.as_deref()
    ];
    tx.run(&INSERT, &values).await.map(drop)
}

/// The token of this hash, if it is still good.
pub async fn live(
    tx: &mut Tx,
    tenant: &TenantId,
    token_hash: &str,
    now: Timestamp,
) -> Result<Option<AccessToken>, StoreError> {
    let Some(row) = tx.opt(&LIVE, &params![tenant, token_hash, now]).await? else { return Ok(None) };
    Ok(Some(AccessToken {
        client_id: row.text(0)?,
        user_id: row.text(1)?,
        scope: row.text(2)?,
        code_hash: row.opt_text(3)?,
    }))
}

/// Deletes what an authorization code was exchanged for; returns how many there were.
pub async fn delete_of_code(tx: &mut Tx, tenant: &TenantId, code_hash: &str) -> Result<u64, StoreError> {
    tx.run(&DELETE_OF_CODE, &params![tenant, code_hash]).await
}
