//! Claims that scripts set at the last login of a user at a client. They go into that login's ID token, and
//! `/userinfo` states them as long as no later login sets others.

use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::{Map, Value};

sql!(
    PUT,
    "INSERT INTO userinfo_claims (tenant_id, user_id, client_id, doc) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant_id, user_id, client_id) DO UPDATE SET doc = excluded.doc"
);
sql!(FORGET, "DELETE FROM userinfo_claims WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3");
sql!(FIND, "SELECT doc FROM userinfo_claims WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3");
sql!(FORGET_USER, "DELETE FROM userinfo_claims WHERE tenant_id = $1 AND user_id = $2");

/// Keeps the claims of a login in place of those of the one before.
pub async fn put(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    client_id: &str,
    claims: &Map<String, Value>,
) -> Result<(), StoreError> {
    if claims.is_empty() {
        return tx.run(&FORGET, &params![tenant, user_id, client_id]).await.map(drop);
    }
    let doc = Value::Object(claims.clone());
    tx.run(&PUT, &params![tenant, user_id, client_id, doc]).await.map(drop)
}

/// The claims of the last login.
pub async fn find(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    client_id: &str,
) -> Result<Map<String, Value>, StoreError> {
    match tx.opt(&FIND, &params![tenant, user_id, client_id]).await? {
        Some(row) => match row.json(0)? {
            Value::Object(claims) => Ok(claims),
            _ => Ok(Map::new()),
        },
        None => Ok(Map::new()),
    }
}

/// Forgets all of a user who is deleted.
pub(crate) async fn forget_user(tx: &mut Tx, tenant: &TenantId, user_id: &str) -> Result<(), StoreError> {
    tx.run(&FORGET_USER, &params![tenant, user_id]).await.map(drop)
}
