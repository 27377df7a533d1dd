//! Permissions that users hold on APIs: what role-based access control cuts their scopes to.

use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};

sql!(
    HELD,
    "SELECT permission_name FROM user_permissions
     WHERE tenant_id = $1 AND user_id = $2 AND resource_server_id = $3 ORDER BY permission_name"
);
sql!(
    GIVE,
    "INSERT INTO user_permissions (tenant_id, user_id, resource_server_id, permission_name)
     VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, user_id, resource_server_id, permission_name) DO NOTHING"
);
sql!(
    TAKE_AWAY,
    "DELETE FROM user_permissions
     WHERE tenant_id = $1 AND user_id = $2 AND resource_server_id = $3 AND permission_name = $4"
);

/// The names of all permissions the user holds on the API, in alphabetical order.
pub async fn held(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    resource_server_id: &str,
) -> Result<Vec<String>, StoreError> {
    let rows = tx.all(&HELD, &params![tenant, user_id, resource_server_id]).await?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// Gives a permission; does nothing if the user holds it already.
pub async fn give(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    resource_server_id: &str,
    permission_name: &str,
) -> Result<(), StoreError> {
    tx.run(&GIVE, &params![tenant, user_id, resource_server_id, permission_name]).await.map(drop)
}

/// Takes a permission away; does nothing if the user does not hold it.
pub async fn take_away(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    resource_server_id: &str,
    permission_name: &str,
) -> Result<(), StoreError> {
    tx.run(&TAKE_AWAY, &params![tenant, user_id, resource_server_id, permission_name]).await.map(drop)
}
