//! Signing keys: one RSA key per tenant that signs, others that still verify.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_jose::{JoseError, MasterKey, NewSigningKey, SigningKey};
use gatewright_store::{StoreError, Tx, params, sql};

sql!(
    INSERT,
    "INSERT INTO signing_keys (tenant_id, kid, state, private_key_sealed, certificate, created_at)
     VALUES ($1, $2, 'current', $3, $4, $5)"
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
    let NewSigningKey { kid, pkcs8, certificate_der } = key;
    let sealed = master_key.seal(random, &context(tenant, &kid), &pkcs8);
    tx.run(&INSERT, &params![tenant, kid, sealed, certificate_der, now]).await.map(drop)
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
    row.map(|row| {
        let text = STANDARD.encode(row.blob(0)?);
        let lines: Vec<&str> =
            (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
        Ok(format!("-----BEGIN CERTIFICATE-----\r\n{}\r\n-----END CERTIFICATE-----\r\n", lines.join("\r\n")))
    })
    .transpose()
}

fn context(tenant: &TenantId, kid: &str) -> String {
    format!("{tenant}/signing_keys/{kid}/private_key")
}

fn fault(error: JoseError) -> StoreError {
    StoreError::Other(format!("a signing key: {error}"))
}
