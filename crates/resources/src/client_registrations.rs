//! Clients that registered themselves (RFC 7591), and their management by the registration access token
//! that each got (RFC 7592). Only the token's hash is stored.

use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::Value;

use crate::clients::{self, CLIENTS};
use crate::engine::{Map, Sealing};
use crate::tenants;

sql!(
    INSERT,
    "INSERT INTO client_registrations (tenant_id, client_id, token_hash, created_at) VALUES ($1, $2, $3, $4)"
);
sql!(
    OWNED,
    "SELECT client_id FROM client_registrations WHERE tenant_id = $1 AND client_id = $2 AND token_hash = $3"
);
sql!(OF_CLIENT, "DELETE FROM client_registrations WHERE tenant_id = $1 AND client_id = $2");

/// Makes a client of this document, which needs everything but an id and defaults; returns it whole, with
/// its secret.
pub async fn register(
    tx: &mut Tx,
    sealing: &Sealing<'_>,
    mut document: Map,
    token_hash: &str,
) -> Result<Map, StoreError> {
    // First, because it makes writers of one tenant's configuration wait for each other.
    tenants::touch(tx, sealing.tenant).await?;
    // Compat: the prefix of third-party clients.
    let client_id = format!("tpc_{}", sealing.random.alphanumeric(32));
    document.insert("client_id".to_owned(), client_id.as_str().into());
    clients::complete(&mut document, sealing.random);
    CLIENTS.insert(tx, sealing, document.clone()).await?;
    tx.run(&INSERT, &params![sealing.tenant, client_id, token_hash, sealing.now]).await?;
    Ok(document)
}

/// The client that this token manages, with its secret.
pub async fn owned(
    tx: &mut Tx,
    sealing: &Sealing<'_>,
    client_id: &str,
    token_hash: &str,
) -> Result<Option<Map>, StoreError> {
    if tx.opt(&OWNED, &params![sealing.tenant, client_id, token_hash]).await?.is_none() {
        return Ok(None);
    }
    CLIENTS.find(tx, sealing.tenant, sealing.master_key, client_id).await
}

/// Puts new members in the place of those that registration sets. What the tenant's owner added stays.
pub async fn replace(
    tx: &mut Tx,
    sealing: &Sealing<'_>,
    mut client: Map,
    members: Map,
) -> Result<Map, StoreError> {
    tenants::touch(tx, sealing.tenant).await?;
    // RFC 7592 section 2.2: what is not sent is taken away.
    for name in ["logo_uri", "initiate_login_uri"] {
        client.remove(name);
    }
    for (name, value) in members {
        match (name.as_str(), value) {
            ("is_first_party" | "refresh_token", _) => {}
            ("jwt_configuration", Value::Object(changes)) => {
                if let Some(Value::Object(known)) = client.get_mut("jwt_configuration") {
                    known.extend(changes);
                }
            }
            (_, value) => drop(client.insert(name, value)),
        }
    }
    CLIENTS.store(tx, sealing, client.clone()).await?;
    Ok(client)
}

/// Deletes a client that registered itself.
pub async fn delete(tx: &mut Tx, sealing: &Sealing<'_>, client_id: &str) -> Result<(), StoreError> {
    tenants::touch(tx, sealing.tenant).await?;
    clients::forget(tx, sealing, client_id).await?;
    tx.run(CLIENTS.table.delete, &params![sealing.tenant, client_id]).await.map(drop)
}

pub(crate) async fn delete_of_client(
    tx: &mut Tx,
    tenant: &TenantId,
    client_id: &str,
) -> Result<(), StoreError> {
    tx.run(&OF_CLIENT, &params![tenant, client_id]).await.map(drop)
}
