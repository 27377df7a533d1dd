//! Signing keys: one RSA key per tenant that signs, one that will be next, others that still verify.

pub mod api;

use std::sync::Arc;

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_jose::certificate_pem as certificate_pem_of;
use gatewright_jose::{JoseError, MasterKey, NewSigningKey, SigningKey};
use gatewright_store::{StoreError, Tx, params, sql};

use crate::engine::Sealing;

sql!(
    INSERT,
    "INSERT INTO signing_keys
       (tenant_id, kid, state, private_key_sealed, certificate, created_at, current_since)
     VALUES ($1, $2, $3, $4, $5, $6, $7)"
);
// A revoked key verifies nothing, so it is not loaded.
sql!(
    LOAD,
    "SELECT kid, private_key_sealed, certificate FROM signing_keys
     WHERE tenant_id = $1 AND state <> 'revoked'
     ORDER BY CASE state WHEN 'current' THEN 0 WHEN 'next' THEN 1 ELSE 2 END, created_at DESC"
);
sql!(CERTIFICATE, "SELECT certificate FROM signing_keys WHERE tenant_id = $1 AND state = 'current'");

/// Makes the first key of a tenant.
///
/// # Errors
/// [`StoreError::Other`] if the key cannot be generated.
pub async fn create(
    tx: &mut Tx,
    tenant: &TenantId,
    common_name: &str,
    now: Timestamp,
    random: &Random,
    master_key: &MasterKey,
) -> Result<(), StoreError> {
    let key = SigningKey::generate_rsa(random, now, common_name).map_err(fault)?;
    insert(tx, &Sealing { tenant, now, random, master_key }, &key, State::Current).await
}

/// What a key is for, in the words of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It signs.
    Current,
    /// It is published, so that clients know it before it signs.
    Next,
}

async fn insert(tx: &mut Tx, cx: &Sealing<'_>, key: &NewSigningKey, state: State) -> Result<(), StoreError> {
    let NewSigningKey { kid, pkcs8, certificate_der } = key;
    let sealed = cx.master_key.seal(cx.random, &context(cx.tenant, kid), pkcs8);
    let (state, since) = match state {
        State::Current => ("current", Some(cx.now)),
        State::Next => ("next", None),
    };
    tx.run(&INSERT, &params![cx.tenant, kid, state, sealed, certificate_der.as_slice(), cx.now, since])
        .await
        .map(drop)
}

/// The keys that verify the tenant's tokens; the first one signs.
pub async fn load(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
) -> Result<Vec<Arc<SigningKey>>, StoreError> {
    let rows = tx.all(&LOAD, &params![tenant]).await?;
    rows.iter()
        .map(|row| {
            let kid = row.text(0)?;
            let pkcs8 = master_key.open(&context(tenant, &kid), &row.blob(1)?).map_err(fault)?;
            SigningKey::load(&kid, &pkcs8, &row.blob(2)?).map(Arc::new).map_err(fault)
        })
        .collect()
}

/// The certificate of the key that signs, in PEM with CRLF line ends as clients show it.
pub(crate) async fn certificate_pem(tx: &mut Tx, tenant: &TenantId) -> Result<Option<String>, StoreError> {
    let row = tx.opt(&CERTIFICATE, &params![tenant]).await?;
    row.map(|row| Ok(certificate_pem_of(&row.blob(0)?))).transpose()
}

fn context(tenant: &TenantId, kid: &str) -> String {
    format!("{tenant}/signing_keys/{kid}/private_key")
}

fn fault(error: JoseError) -> StoreError {
    StoreError::Other(format!("a signing key: {error}"))
}
