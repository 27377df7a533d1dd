//! Browsers that are at a provider elsewhere: the one-time state that each must bring back.
//!
//! The state is none of the login transaction's, whose own one only this host's pages may know; it leads to it.

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_store::{StoreError, Tx, Val, params, sql};
use serde::{Deserialize, Serialize};

/// A login at a provider that has not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderLogin {
    /// Hash of the state that the provider got.
    pub state_hash: String,
    /// The connection.
    pub connection: String,
    /// What only this server knows.
    pub secrets: Secrets,
    /// The end of its life.
    pub expires_at: Timestamp,
    /// When it came back.
    pub used_at: Option<Timestamp>,
}

/// What is kept sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// The state token of the login transaction.
    pub transaction: String,
    /// The PKCE verifier (RFC 7636 section 4.1), where the connection uses one.
    pub code_verifier: Option<String>,
}

sql!(
    BY_STATE,
    "SELECT connection, sealed, expires_at, used_at FROM provider_logins
     WHERE tenant_id = $1 AND state_hash = $2"
);
sql!(
    INSERT,
    "INSERT INTO provider_logins (tenant_id, state_hash, connection, sealed, expires_at)
     VALUES ($1, $2, $3, $4, $5)"
);
sql!(
    SPEND,
    "UPDATE provider_logins SET used_at = $3
     WHERE tenant_id = $1 AND state_hash = $2 AND used_at IS NULL AND expires_at > $3 RETURNING connection"
);
sql!(FORGET_OLD, "DELETE FROM provider_logins WHERE tenant_id = $1 AND expires_at < $2");

fn context(tenant: &TenantId, state_hash: &str) -> String {
    format!("{tenant}/provider_login/{state_hash}")
}

/// The login of this state, used or not.
///
/// # Errors
/// [`StoreError`] of the database; [`StoreError::Mismatch`] where the row does not open.
pub async fn by_state(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
    state_hash: &str,
) -> Result<Option<ProviderLogin>, StoreError> {
    let Some(row) = tx.opt(&BY_STATE, &params![tenant, state_hash]).await? else { return Ok(None) };
    let mismatch = |error: String| StoreError::Mismatch(format!("a login at a provider: {error}"));
    let opened = master_key.open(&context(tenant, state_hash), &row.blob(1)?);
    let opened = opened.map_err(|error| mismatch(error.to_string()))?;
    Ok(Some(ProviderLogin {
        state_hash: state_hash.to_owned(),
        connection: row.text(0)?,
        secrets: serde_json::from_slice(&opened).map_err(|error| mismatch(error.to_string()))?,
        expires_at: row.time(2)?,
        used_at: row.opt_time(3)?,
    }))
}

/// Stores a new one, and forgets those whose life ended an hour ago.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    (master_key, random): (&MasterKey, &Random),
    login: &ProviderLogin,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&FORGET_OLD, &params![tenant, now.plus_seconds(-3600)]).await?;
    let secrets =
        serde_json::to_vec(&login.secrets).map_err(|error| StoreError::Mismatch(error.to_string()))?;
    let sealed = master_key.seal(random, &context(tenant, &login.state_hash), &secrets);
    let values = params![tenant, &login.state_hash, &login.connection, Val::from(sealed), login.expires_at];
    tx.run(&INSERT, &values).await.map(drop)
}

/// Spends one; `false` if it came back before, or too late.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn spend(
    tx: &mut Tx,
    tenant: &TenantId,
    state_hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.opt(&SPEND, &params![tenant, state_hash, now]).await?.is_some())
}
