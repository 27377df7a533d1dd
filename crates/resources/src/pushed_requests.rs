//! Authorization requests that clients pushed, RFC 9126: named by a `request_uri` (only its hash is stored),
//! good for one answer.
//!
//! Until a login is answered the request may be opened again, as when a page is reloaded; so it is spent in
//! the transaction of the answer, and its life says only until when a login may begin.

use std::collections::BTreeMap;

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::json;

/// A pushed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedRequest {
    /// Hash of the `request_uri`.
    pub uri_hash: String,
    /// The client that pushed it, which alone may use it.
    pub client_id: String,
    /// The parameters of `/authorize`.
    pub params: BTreeMap<String, String>,
    /// Until when a login may begin with it.
    pub expires_at: Timestamp,
}

sql!(
    INSERT,
    "INSERT INTO pushed_requests (tenant_id, uri_hash, client_id, params, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6)"
);
sql!(
    LIVE,
    "SELECT client_id, params, expires_at FROM pushed_requests
     WHERE tenant_id = $1 AND uri_hash = $2 AND used_at IS NULL AND expires_at > $3"
);
sql!(
    SPEND,
    "UPDATE pushed_requests SET used_at = $3
     WHERE tenant_id = $1 AND uri_hash = $2 AND used_at IS NULL RETURNING client_id"
);
sql!(FORGET_OLD, "DELETE FROM pushed_requests WHERE tenant_id = $1 AND expires_at < $2");
sql!(OF_CLIENT, "DELETE FROM pushed_requests WHERE tenant_id = $1 AND client_id = $2");

/// Stores a new request and forgets those with which no login can go on any more.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    request: &PushedRequest,
    now: Timestamp,
) -> Result<(), StoreError> {
    // A login that began in time may take as long as its transaction lives.
    let old = now.plus_seconds(-2 * crate::login_transactions::LIFETIME_SECONDS);
    tx.run(&FORGET_OLD, &params![tenant, old]).await?;
    let sent = json!(request.params);
    let values = params![tenant, &request.uri_hash, &request.client_id, sent, now, request.expires_at];
    tx.run(&INSERT, &values).await.map(drop)
}

/// The request of this `request_uri`, if a login may begin with it.
pub async fn live(
    tx: &mut Tx,
    tenant: &TenantId,
    uri_hash: &str,
    now: Timestamp,
) -> Result<Option<PushedRequest>, StoreError> {
    let Some(row) = tx.opt(&LIVE, &params![tenant, uri_hash, now]).await? else { return Ok(None) };
    let params =
        serde_json::from_value(row.json(1)?).map_err(|error| StoreError::Mismatch(error.to_string()))?;
    Ok(Some(PushedRequest {
        uri_hash: uri_hash.to_owned(),
        client_id: row.text(0)?,
        params,
        expires_at: row.time(2)?,
    }))
}

/// Spends a request; `false` if it was answered before.
pub async fn spend(
    tx: &mut Tx,
    tenant: &TenantId,
    uri_hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.opt(&SPEND, &params![tenant, uri_hash, now]).await?.is_some())
}

pub(crate) async fn delete_of_client(
    tx: &mut Tx,
    tenant: &TenantId,
    client_id: &str,
) -> Result<(), StoreError> {
    tx.run(&OF_CLIENT, &params![tenant, client_id]).await.map(drop)
}
