//! Passwords of accounts in database connections: the hash, the earlier ones, and who logs in by what.
//!
//! Nothing here hashes. Callers read a hash, compare it in the pool outside any transaction, and come
//! back to store; [`replace_hash`] stores only if nobody changed the password meanwhile.

use gatewright_core::Timestamp;
use gatewright_core::connection::Connection;
use gatewright_core::ids::TenantId;
use gatewright_core::password_policy::{PasswordPolicy, Person, Weakness};
use gatewright_passwords::{HashError, Hasher, StoredHash, UnusableHash};
use gatewright_store::{Db, StoreError, Tx, Val, params, sql};
use serde_json::Value;

use crate::login_failures;

// The account's own id, which stays when it is linked to another user.
sql!(
    BY_EMAIL_ADDRESS,
    "SELECT u.doc, i.provider || '|' || i.local_id FROM identities i
     JOIN users u ON u.tenant_id = i.tenant_id AND u.user_id = i.user_id
     WHERE i.tenant_id = $1 AND i.connection = $2 AND i.identifier = $3"
);
// Only accounts of databases have user names, so all of their ids begin with `auth0|`.
sql!(
    BY_USERNAME,
    "SELECT u.doc, n.user_id FROM usernames n
     JOIN identities i ON i.tenant_id = n.tenant_id AND i.local_id = substr(n.user_id, 7)
       AND i.provider = 'auth0' AND i.connection = n.connection
     JOIN users u ON u.tenant_id = i.tenant_id AND u.user_id = i.user_id
     WHERE n.tenant_id = $1 AND n.connection = $2 AND n.username = $3"
);
sql!(HASH, "SELECT hash FROM passwords WHERE tenant_id = $1 AND user_id = $2");
sql!(
    SET,
    "INSERT INTO passwords (tenant_id, user_id, hash, changed_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant_id, user_id) DO UPDATE SET hash = $3, changed_at = $4"
);
sql!(REPLACE_HASH, "UPDATE passwords SET hash = $4 WHERE tenant_id = $1 AND user_id = $2 AND hash = $3");
sql!(
    REMEMBER,
    "INSERT INTO password_history (tenant_id, user_id, changed_at, hash) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING"
);
sql!(
    HISTORY,
    "SELECT hash FROM password_history WHERE tenant_id = $1 AND user_id = $2
     ORDER BY changed_at DESC LIMIT $3"
);
sql!(
    FORGET_OLD,
    "DELETE FROM password_history WHERE tenant_id = $1 AND user_id = $2 AND changed_at NOT IN (
       SELECT changed_at FROM password_history WHERE tenant_id = $1 AND user_id = $2
       ORDER BY changed_at DESC LIMIT $3)"
);
sql!(
    FORGET,
    "DELETE FROM passwords WHERE tenant_id = $1 AND user_id IN (
       SELECT provider || '|' || local_id FROM identities WHERE tenant_id = $1 AND user_id = $2)"
);
sql!(
    FORGET_HISTORY,
    "DELETE FROM password_history WHERE tenant_id = $1 AND user_id IN (
       SELECT provider || '|' || local_id FROM identities WHERE tenant_id = $1 AND user_id = $2)"
);

sql!(FORGET_ACCOUNT, "DELETE FROM passwords WHERE tenant_id = $1 AND user_id = $2");
sql!(FORGET_ACCOUNT_HISTORY, "DELETE FROM password_history WHERE tenant_id = $1 AND user_id = $2");

/// Earlier passwords that are kept: as many as a history may name.
const MOST_EARLIER: i64 = 24;

/// An account found by what somebody typed.
#[derive(Clone, Debug)]
pub struct Account {
    /// The user's whole document.
    pub user: Value,
    /// The account's own id, `auth0|…`; the user's id unless it was linked to another.
    pub account_id: String,
    /// The hash, unless the account has no password or one that nothing can match.
    pub hash: Option<StoredHash>,
}

impl Account {
    /// The user's document with what belongs to the account in it: its own id, and its own address where it
    /// is linked to another user.
    pub fn profile(&self) -> Value {
        let mut profile = self.user.clone();
        if profile["user_id"] == self.account_id {
            return profile;
        }
        let identities = self.user["identities"].as_array().map_or(&[][..], Vec::as_slice);
        let own = identities.iter().find(|identity| {
            let (provider, local) = (identity["provider"].as_str(), identity["user_id"].as_str());
            provider
                .zip(local)
                .is_some_and(|(provider, local)| format!("{provider}|{local}") == self.account_id)
        });
        for name in ["email", "email_verified"] {
            profile[name] = own.map(|own| own["profileData"][name].clone()).unwrap_or_default();
        }
        profile["user_id"] = self.account_id.clone().into();
        profile
    }
}

/// The account at a database connection with this e-mail address or user name, whatever its case.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn account(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &str,
    identifier: &str,
) -> Result<Option<Account>, StoreError> {
    let values = params![tenant, connection, identifier.to_lowercase()];
    let found = match tx.opt(&BY_EMAIL_ADDRESS, &values).await? {
        Some(row) => Some(row),
        None => tx.opt(&BY_USERNAME, &values).await?,
    };
    let Some(row) = found else { return Ok(None) };
    let (user, account_id): (Value, String) = (row.json(0)?, row.text(1)?);
    let hash = hash_of(tx, tenant, &account_id).await?;
    Ok(Some(Account { user, account_id, hash }))
}

/// The hash of an account.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn hash_of(
    tx: &mut Tx,
    tenant: &TenantId,
    account_id: &str,
) -> Result<Option<StoredHash>, StoreError> {
    let row = tx.opt(&HASH, &params![tenant, account_id]).await?;
    row.map(|row| stored(&row.text(0)?)).transpose()
}

fn stored(text: &str) -> Result<StoredHash, StoreError> {
    StoredHash::parse(text).map_err(|error: UnusableHash| StoreError::Mismatch(error.to_string()))
}

/// Sets an account's password and remembers the one before it.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn set(
    tx: &mut Tx,
    tenant: &TenantId,
    account_id: &str,
    hash: &StoredHash,
    now: Timestamp,
) -> Result<(), StoreError> {
    let hash = hash.to_string();
    tx.run(&SET, &params![tenant, account_id, &hash, now]).await?;
    // Kept whether or not the connection has a history now: it may be switched on later.
    tx.run(&REMEMBER, &params![tenant, account_id, now, &hash]).await?;
    login_failures::clear_account(tx, tenant, account_id).await?;
    tx.run(&FORGET_OLD, &params![tenant, account_id, MOST_EARLIER + 1]).await.map(drop)
}

/// A password of a new account, as parameters of the statements that store it.
pub(crate) struct NewPassword {
    set: [Val; 4],
    remember: [Val; 4],
}

impl NewPassword {
    pub(crate) fn new(tenant: &TenantId, account_id: &str, hash: &StoredHash, now: Timestamp) -> Self {
        let hash = hash.to_string();
        let remember = params![tenant, account_id, now, &hash];
        Self { set: params![tenant, account_id, hash, now], remember }
    }
}

/// Stores the passwords of accounts that had none.
pub(crate) async fn insert_many(tx: &mut Tx, passwords: &[&NewPassword]) -> Result<(), StoreError> {
    let of = |values: fn(&NewPassword) -> &[Val]| -> Vec<&[Val]> {
        passwords.iter().map(|password| values(password)).collect()
    };
    tx.run_each(&SET, &of(|password| &password.set)).await?;
    tx.run_each(&REMEMBER, &of(|password| &password.remember)).await.map(drop)
}

/// Stores a better hash of the same password, unless the password has changed since it was read.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn replace_hash(
    tx: &mut Tx,
    tenant: &TenantId,
    account_id: &str,
    old: &StoredHash,
    new: &StoredHash,
) -> Result<(), StoreError> {
    let values = params![tenant, account_id, old.to_string(), new.to_string()];
    tx.run(&REPLACE_HASH, &values).await.map(drop)
}

/// Deletes the passwords of every account of a user who is being deleted.
pub(crate) async fn forget(tx: &mut Tx, tenant: &TenantId, user_id: &str) -> Result<(), StoreError> {
    tx.run(&FORGET, &params![tenant, user_id]).await?;
    tx.run(&FORGET_HISTORY, &params![tenant, user_id]).await.map(drop)
}

/// Deletes the passwords of one account.
pub(crate) async fn forget_account(
    tx: &mut Tx,
    tenant: &TenantId,
    account_id: &str,
) -> Result<(), StoreError> {
    tx.run(&FORGET_ACCOUNT, &params![tenant, account_id]).await?;
    tx.run(&FORGET_ACCOUNT_HISTORY, &params![tenant, account_id]).await.map(drop)
}

/// Why no hash was made of a new password.
#[derive(Debug, thiserror::Error)]
pub enum NewPasswordError {
    /// The connection's policy refuses it.
    #[error("{0}")]
    Weak(Weakness),
    /// The pool.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Checks a new password against the connection's policy and hashes it; opens a transaction only to read
/// earlier hashes. `account_id` is the account whose password changes, if there is one already.
///
/// # Errors
/// [`NewPasswordError`].
pub async fn vetted(
    db: &Db,
    hasher: &Hasher,
    tenant: &TenantId,
    connection: &Connection,
    account_id: Option<&str>,
    person: &Person<'_>,
    password: &str,
) -> Result<StoredHash, NewPasswordError> {
    let policy = PasswordPolicy::of(&connection.options);
    policy.check(password, person).map_err(NewPasswordError::Weak)?;
    if let (Some(account_id), size @ 1..) = (account_id, policy.history_size()) {
        let (tenant, account_id) = (tenant.clone(), account_id.to_owned());
        let earlier = db
            .read(move |tx| {
                Box::pin(async move {
                    let rows = tx.all(&HISTORY, &params![&tenant, &account_id, i64::from(size)]).await?;
                    rows.iter().map(|row| stored(&row.text(0)?)).collect::<Result<Vec<_>, StoreError>>()
                })
            })
            .await?;
        if hasher.matches_any(earlier, password).await? {
            return Err(NewPasswordError::Weak(Weakness::Used { size }));
        }
    }
    Ok(hasher.hash(password).await?)
}
