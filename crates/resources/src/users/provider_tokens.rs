//! The tokens that providers elsewhere gave for an account: kept sealed, shown to whoever may read them.

use gatewright_ambient::Random;
use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_store::{StoreError, Tx, Val, params, sql};
use serde_json::{Map, Value};

sql!(
    KEEP,
    "INSERT INTO provider_tokens (tenant_id, account_id, sealed) VALUES ($1, $2, $3)
     ON CONFLICT (tenant_id, account_id) DO UPDATE SET sealed = excluded.sealed"
);
sql!(OF_ACCOUNT, "SELECT sealed FROM provider_tokens WHERE tenant_id = $1 AND account_id = $2");
sql!(FORGET, "DELETE FROM provider_tokens WHERE tenant_id = $1 AND account_id = $2");
// Every account of a user, by the identities that name them.
sql!(
    FORGET_OF_USER,
    "DELETE FROM provider_tokens WHERE tenant_id = $1 AND account_id IN (
       SELECT provider || '|' || local_id FROM identities WHERE tenant_id = $1 AND user_id = $2)"
);

fn context(tenant: &TenantId, account_id: &str) -> String {
    format!("{tenant}/provider_tokens/{account_id}")
}

/// Keeps the members of an identity that hold tokens, in place of older ones. `account_id` is `PROVIDER|LOCAL`.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn keep(
    tx: &mut Tx,
    tenant: &TenantId,
    (master_key, random): (&MasterKey, &Random),
    account_id: &str,
    tokens: &Map<String, Value>,
) -> Result<(), StoreError> {
    let text = serde_json::to_vec(tokens).map_err(|error| StoreError::Mismatch(error.to_string()))?;
    let sealed = master_key.seal(random, &context(tenant, account_id), &text);
    tx.run(&KEEP, &params![tenant, account_id, Val::from(sealed)]).await.map(drop)
}

/// Adds them to the identities of a user's document.
pub(super) async fn show(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
    user: &mut Value,
) -> Result<(), StoreError> {
    let identities = user.get_mut("identities").and_then(Value::as_array_mut).into_iter().flatten();
    for identity in identities.filter_map(Value::as_object_mut) {
        let text = |name: &str| identity.get(name).and_then(Value::as_str).unwrap_or_default();
        let account_id = format!("{}|{}", text("provider"), text("user_id"));
        let Some(row) = tx.opt(&OF_ACCOUNT, &params![tenant, &account_id]).await? else { continue };
        let opened = master_key.open(&context(tenant, &account_id), &row.blob(0)?);
        let opened = opened.map_err(|error| StoreError::Mismatch(format!("a provider's tokens: {error}")))?;
        let tokens: Map<String, Value> =
            serde_json::from_slice(&opened).map_err(|error| StoreError::Mismatch(error.to_string()))?;
        identity.extend(tokens);
    }
    Ok(())
}

/// Deletes those of an account.
pub(super) async fn forget(tx: &mut Tx, tenant: &TenantId, account_id: &str) -> Result<(), StoreError> {
    tx.run(&FORGET, &params![tenant, account_id]).await.map(drop)
}

/// Deletes those of all accounts of a user; before the identities, which name them.
pub(super) async fn forget_user(tx: &mut Tx, tenant: &TenantId, user_id: &str) -> Result<(), StoreError> {
    tx.run(&FORGET_OF_USER, &params![tenant, user_id]).await.map(drop)
}
