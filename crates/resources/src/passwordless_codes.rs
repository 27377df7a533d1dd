//! One-time codes of passwordless logins: six digits, newest only, three tries, single use.
//!
//! The verdict is `core::login::one_time_code`; here its facts are read and the try is counted, in one
//! transaction, so that two guesses at once count as two.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};

/// A stored code as the try that was just counted found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCode {
    /// Keyed hash of the code.
    pub code_mac: Vec<u8>,
    /// Tries before this one.
    pub tries_before: i64,
    /// Whether it was accepted before.
    pub used: bool,
    /// The end of its life.
    pub expires_at: Timestamp,
}

sql!(
    REPLACE,
    "INSERT INTO passwordless_codes (tenant_id, connection, identifier, code_mac, tries, used_at, expires_at)
     VALUES ($1, $2, $3, $4, 0, NULL, $5)
     ON CONFLICT (tenant_id, connection, identifier) DO UPDATE
       SET code_mac = $4, tries = 0, used_at = NULL, expires_at = $5"
);
sql!(
    STORED,
    "SELECT code_mac, tries, used_at, expires_at FROM passwordless_codes
     WHERE tenant_id = $1 AND connection = $2 AND identifier = $3"
);
sql!(
    PUT_BACK,
    "UPDATE passwordless_codes SET code_mac = $5, tries = $6, used_at = $7, expires_at = $8
     WHERE tenant_id = $1 AND connection = $2 AND identifier = $3 AND code_mac = $4"
);
sql!(
    WITHDRAW,
    "DELETE FROM passwordless_codes
     WHERE tenant_id = $1 AND connection = $2 AND identifier = $3 AND code_mac = $4"
);
sql!(
    COUNT_TRY,
    "UPDATE passwordless_codes SET tries = tries + 1
     WHERE tenant_id = $1 AND connection = $2 AND identifier = $3
     RETURNING code_mac, tries, used_at, expires_at"
);
sql!(
    UNCOUNT_TRY,
    "UPDATE passwordless_codes SET tries = tries - 1
     WHERE tenant_id = $1 AND connection = $2 AND identifier = $3 AND tries > 0"
);
sql!(
    SPEND,
    "UPDATE passwordless_codes SET used_at = $4
     WHERE tenant_id = $1 AND connection = $2 AND identifier = $3 AND used_at IS NULL"
);

/// The context under which a code is hashed with the master key.
pub fn mac_context(tenant: &TenantId, connection: &str, identifier: &str) -> String {
    format!("{tenant}/passwordless_codes/{connection}/{identifier}")
}

/// The code that a newer one replaced, kept until the newer one is known to be sent.
#[derive(Clone, Debug)]
pub struct Replaced {
    code_mac: Vec<u8>,
    tries: i64,
    used_at: Option<Timestamp>,
    expires_at: Timestamp,
}

/// Stores a new code for an identifier and returns the one it replaced, which is dead from now on.
pub async fn replace(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &str,
    identifier: &str,
    code_mac: &[u8],
    expires_at: Timestamp,
) -> Result<Option<Replaced>, StoreError> {
    let before = tx.opt(&STORED, &params![tenant, connection, identifier]).await?;
    tx.run(&REPLACE, &params![tenant, connection, identifier, code_mac, expires_at]).await?;
    let Some(row) = before else { return Ok(None) };
    Ok(Some(Replaced {
        code_mac: row.blob(0)?,
        tries: row.int(1)?,
        used_at: row.opt_time(2)?,
        expires_at: row.time(3)?,
    }))
}

/// Takes back a code that could not be sent: the one before it is good again. Does nothing if a still
/// newer code has been stored since.
pub async fn take_back(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &str,
    identifier: &str,
    unsent_mac: &[u8],
    before: Option<Replaced>,
) -> Result<(), StoreError> {
    let Some(before) = before else {
        return tx.run(&WITHDRAW, &params![tenant, connection, identifier, unsent_mac]).await.map(drop);
    };
    let values = params![
        tenant,
        connection,
        identifier,
        unsent_mac,
        before.code_mac,
        before.tries,
        before.used_at,
        before.expires_at
    ];
    tx.run(&PUT_BACK, &values).await.map(drop)
}

/// Counts a try and returns what it was up against; `None` if no code was ever sent.
pub async fn count_try(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &str,
    identifier: &str,
) -> Result<Option<StoredCode>, StoreError> {
    let Some(row) = tx.opt(&COUNT_TRY, &params![tenant, connection, identifier]).await? else {
        return Ok(None);
    };
    Ok(Some(StoredCode {
        code_mac: row.blob(0)?,
        tries_before: row.int(1)? - 1,
        used: row.opt_time(2)?.is_some(),
        expires_at: row.time(3)?,
    }))
}

/// Takes back a try that [`count_try`] counted in the same transaction: the code was right, and is only
/// looked at.
pub async fn uncount_try(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &str,
    identifier: &str,
) -> Result<(), StoreError> {
    tx.run(&UNCOUNT_TRY, &params![tenant, connection, identifier]).await.map(drop)
}

/// Marks the code as used.
pub async fn spend(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &str,
    identifier: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&SPEND, &params![tenant, connection, identifier, now]).await.map(drop)
}
