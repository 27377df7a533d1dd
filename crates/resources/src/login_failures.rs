//! Attempts to log in that did not succeed, by account and address: the state of brute-force protection.
//!
//! An attempt is counted before it is judged and forgotten if it succeeds, so attempts at the same time cannot
//! all slip through. An account is blocked while its count has reached what the tenant allows; so raising that
//! number unblocks, as does a new password, and [`clear`].

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_core::protection::BruteForce;
use gatewright_store::{StoreError, Tx, params, sql};

// A full counter stays as it is: attempts that are refused do not lengthen the block.
sql!(
    COUNT,
    "INSERT INTO login_failures (tenant_id, identifier, connection, ip, attempts, last_at)
     VALUES ($1, $2, $3, $4, 1, $5)
     ON CONFLICT (tenant_id, identifier, connection, ip) DO UPDATE
       SET attempts = CASE WHEN login_failures.last_at < $6 THEN 1 ELSE login_failures.attempts + 1 END,
           last_at = $5
       WHERE login_failures.attempts < CAST($7 AS BIGINT) OR login_failures.last_at < $6
     RETURNING attempts"
);
sql!(
    SUCCEEDED,
    "DELETE FROM login_failures
     WHERE tenant_id = $1 AND identifier = $2 AND connection = $3 AND (ip = $4 OR ip = '')"
);
sql!(
    FULL,
    "SELECT connection, ip FROM login_failures
     WHERE tenant_id = $1 AND identifier = $2 AND attempts >= $3 AND last_at >= $4 ORDER BY connection, ip"
);
sql!(CLEAR, "DELETE FROM login_failures WHERE tenant_id = $1 AND identifier = $2");
sql!(CLEAR_AT, "DELETE FROM login_failures WHERE tenant_id = $1 AND identifier = $2 AND connection = $3");
sql!(
    NAMES_OF_ACCOUNT,
    "SELECT identifier, connection FROM identities WHERE tenant_id = $1 AND provider = $2 AND local_id = $3
     UNION ALL
     SELECT username, connection FROM usernames WHERE tenant_id = $1 AND user_id = $4"
);

/// Whose attempts are counted together.
#[derive(Clone, Debug)]
pub struct Place {
    /// What was typed, in lower case.
    pub identifier: String,
    /// The connection.
    pub connection: String,
    /// The address; empty if attempts count from anywhere.
    pub ip: String,
}

/// Somebody who is blocked, as `/user-blocks` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What was typed.
    pub identifier: String,
    /// The connection.
    pub connection: String,
    /// The address that is blocked; empty if every one is.
    pub ip: String,
}

/// Counts one attempt and answers the count, or `None` if there were `most` before.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn count(
    tx: &mut Tx,
    tenant: &TenantId,
    place: &Place,
    most: i64,
    now: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let forgotten = BruteForce::forgotten_before(now);
    let values = params![tenant, &place.identifier, &place.connection, &place.ip, now, forgotten, most];
    tx.opt(&COUNT, &values).await?.map(|row| row.int(0)).transpose()
}

/// Forgets the attempts before one that succeeded.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn succeeded(tx: &mut Tx, tenant: &TenantId, place: &Place) -> Result<(), StoreError> {
    let values = params![tenant, &place.identifier, &place.connection, &place.ip];
    tx.run(&SUCCEEDED, &values).await.map(drop)
}

/// The blocks of an identifier (an e-mail address or user name), where `most` attempts are allowed.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn blocks(
    tx: &mut Tx,
    tenant: &TenantId,
    identifier: &str,
    most: i64,
    now: Timestamp,
) -> Result<Vec<Block>, StoreError> {
    let identifier = identifier.trim().to_lowercase();
    let values = params![tenant, &identifier, most, BruteForce::forgotten_before(now)];
    let rows = tx.all(&FULL, &values).await?;
    rows.iter()
        .map(|row| Ok(Block { identifier: identifier.clone(), connection: row.text(0)?, ip: row.text(1)? }))
        .collect()
}

/// Unblocks an identifier at every connection and address.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn clear(tx: &mut Tx, tenant: &TenantId, identifier: &str) -> Result<u64, StoreError> {
    tx.run(&CLEAR, &params![tenant, identifier.trim().to_lowercase()]).await
}

/// Unblocks an account (`auth0|…`), such as one that got a new password.
pub(crate) async fn clear_account(
    tx: &mut Tx,
    tenant: &TenantId,
    account_id: &str,
) -> Result<(), StoreError> {
    let Some((provider, local_id)) = account_id.split_once('|') else { return Ok(()) };
    for row in tx.all(&NAMES_OF_ACCOUNT, &params![tenant, provider, local_id, account_id]).await? {
        tx.run(&CLEAR_AT, &params![tenant, row.text(0)?, row.text(1)?]).await?;
    }
    Ok(())
}
