//! Authenticators: what users have enrolled as second factors.
//!
//! A phone number stands as it does in a user's own row. Whether one is asked for is `core::mfa`; the code that proves
//! it is waited for in the login transaction, so nothing is stored here before it is proved.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_core::mfa::Factor;
use gatewright_store::{Row, StoreError, Tx, params, sql};

/// An enrolled factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticator {
    /// `sms|dev_` and 16 characters.
    pub authenticator_id: String,
    /// What it is.
    pub factor: Factor,
    /// Where codes go.
    pub phone_number: Option<String>,
    /// When it was enrolled.
    pub created_at: Timestamp,
    /// When it was passed last.
    pub last_auth_at: Option<Timestamp>,
}

sql!(
    OF_USER,
    "SELECT authenticator_id, factor, phone_number, created_at, last_auth_at FROM authenticators
     WHERE tenant_id = $1 AND user_id = $2 ORDER BY created_at, authenticator_id"
);
sql!(
    INSERT,
    "INSERT INTO authenticators (tenant_id, authenticator_id, user_id, factor, phone_number, created_at, last_auth_at)
     VALUES ($1, $2, $3, $4, $5, $6, $6)"
);
sql!(
    USED,
    "UPDATE authenticators SET last_auth_at = $4
     WHERE tenant_id = $1 AND user_id = $2 AND authenticator_id = $3 RETURNING authenticator_id"
);
sql!(REMOVE_ALL, "DELETE FROM authenticators WHERE tenant_id = $1 AND user_id = $2");

/// The user's, in the order they were enrolled.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn of_user(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
) -> Result<Vec<Authenticator>, StoreError> {
    tx.all(&OF_USER, &params![tenant, user_id]).await?.iter().map(read).collect()
}

/// Keeps one that its user has just proved.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    new: &Authenticator,
) -> Result<(), StoreError> {
    let values = params![
        tenant,
        &new.authenticator_id,
        user_id,
        new.factor.name(),
        new.phone_number.as_deref(),
        new.created_at
    ];
    tx.run(&INSERT, &values).await.map(drop)
}

/// Notes that one was passed; `false` if it has been removed meanwhile.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn used(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    authenticator_id: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.opt(&USED, &params![tenant, user_id, authenticator_id, now]).await?.is_some())
}

/// Removes all of a user.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn remove_all(tx: &mut Tx, tenant: &TenantId, user_id: &str) -> Result<(), StoreError> {
    tx.run(&REMOVE_ALL, &params![tenant, user_id]).await.map(drop)
}

fn read(row: &Row) -> Result<Authenticator, StoreError> {
    let name = row.text(1)?;
    let factor = Factor::of(&name).ok_or_else(|| StoreError::Mismatch(format!("the factor {name}")))?;
    Ok(Authenticator {
        authenticator_id: row.text(0)?,
        factor,
        phone_number: row.opt_text(2)?,
        created_at: row.time(3)?,
        last_auth_at: row.opt_time(4)?,
    })
}
