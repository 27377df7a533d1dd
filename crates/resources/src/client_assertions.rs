//! Client assertions that were used (RFC 7523 section 3, item 7): each is good once. A row lives as long as
//! its assertion would.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};

sql!(
    SPEND,
    "INSERT INTO client_assertions (tenant_id, client_id, jti_hash, expires_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant_id, client_id, jti_hash) DO NOTHING"
);
sql!(FORGET_OLD, "DELETE FROM client_assertions WHERE tenant_id = $1 AND expires_at < $2");
sql!(OF_CLIENT, "DELETE FROM client_assertions WHERE tenant_id = $1 AND client_id = $2");

/// Spends an assertion, named by the hash of its `jti`; `false` if it was spent before.
///
/// `until` is the moment from which it would be refused as expired anyway.
pub async fn spend(
    tx: &mut Tx,
    tenant: &TenantId,
    client_id: &str,
    jti_hash: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    // Not the second in which they end: another node's clock may be a little behind.
    tx.run(&FORGET_OLD, &params![tenant, now.plus_seconds(-60)]).await?;
    Ok(tx.run(&SPEND, &params![tenant, client_id, jti_hash, until]).await? == 1)
}

pub(crate) async fn delete_of_client(
    tx: &mut Tx,
    tenant: &TenantId,
    client_id: &str,
) -> Result<(), StoreError> {
    tx.run(&OF_CLIENT, &params![tenant, client_id]).await.map(drop)
}
