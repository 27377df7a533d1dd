//! Grants of users: what a user has allowed a client to do at an API. One row per user, client and API.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::json;

sql!(
    SCOPE,
    "SELECT scope FROM grants WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3 AND audience = $4"
);
sql!(
    PUT,
    "INSERT INTO grants (tenant_id, user_id, client_id, audience, grant_id, scope, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
     ON CONFLICT (tenant_id, user_id, client_id, audience) DO UPDATE SET scope = $6, updated_at = $7"
);

/// Whose grant, to whom, at which API.
#[derive(Clone, Copy, Debug)]
pub struct Parties<'a> {
    /// The user who allows it.
    pub user_id: &'a str,
    /// The client that is allowed.
    pub client_id: &'a str,
    /// The API.
    pub audience: &'a str,
}

/// The scopes allowed so far; empty if there is no grant.
pub async fn scopes(tx: &mut Tx, tenant: &TenantId, parties: Parties<'_>) -> Result<Vec<String>, StoreError> {
    let values = params![tenant, parties.user_id, parties.client_id, parties.audience];
    let Some(row) = tx.opt(&SCOPE, &values).await? else { return Ok(Vec::new()) };
    serde_json::from_value(row.json(0)?).map_err(|error| StoreError::Mismatch(error.to_string()))
}

/// Adds scopes to what is allowed. `grant_id` names the grant if it is new.
pub async fn allow(
    tx: &mut Tx,
    tenant: &TenantId,
    parties: Parties<'_>,
    grant_id: &str,
    more: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut allowed = scopes(tx, tenant, parties).await?;
    for scope in more {
        if !allowed.contains(scope) {
            allowed.push(scope.clone());
        }
    }
    let values =
        params![tenant, parties.user_id, parties.client_id, parties.audience, grant_id, json!(allowed), now];
    tx.run(&PUT, &values).await.map(drop)
}
