//! Authenticators: what users have enrolled as second factors.
//!
//! A phone number stands as it does in a user's own row, the secret of an app is sealed, of a recovery code there is a
//! keyed hash. Whether a factor is asked for is `core::mfa`; what proves a new one is waited for elsewhere (the login
//! transaction), so nothing is stored here before it is proved. [`proof`] spends what is typed in.

pub mod proof;

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_core::mfa::Factor;
use gatewright_jose::MasterKey;
use gatewright_store::{Row, StoreError, Tx, Val, params, sql};

/// An enrolled factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticator {
    /// `sms|dev_`, `totp|dev_` or `recovery-code|dev_`, and 16 characters.
    pub authenticator_id: String,
    /// What it is.
    pub factor: Factor,
    /// What an administrator calls it.
    pub name: Option<String>,
    /// Where codes go.
    pub phone_number: Option<String>,
    /// When it was enrolled.
    pub created_at: Timestamp,
    /// When it was passed last.
    pub last_auth_at: Option<Timestamp>,
}

/// What a new one is proved with.
#[derive(Clone, Debug)]
pub enum Proof {
    /// Codes that are sent to this number.
    Phone(String),
    /// The secret that an app shares.
    Otp(Vec<u8>),
    /// The code itself.
    RecoveryCode(String),
}

impl Proof {
    /// Which factor it is.
    pub const fn factor(&self) -> Factor {
        match self {
            Self::Phone(_) => Factor::Phone,
            Self::Otp(_) => Factor::Otp,
            Self::RecoveryCode(_) => Factor::RecoveryCode,
        }
    }
}

sql!(
    OF_USER,
    "SELECT authenticator_id, factor, phone_number, created_at, last_auth_at, name FROM authenticators
     WHERE tenant_id = $1 AND user_id = $2 ORDER BY created_at, factor, authenticator_id"
);
sql!(
    BY_ID,
    "SELECT authenticator_id, factor, phone_number, created_at, last_auth_at, name, user_id FROM authenticators
     WHERE tenant_id = $1 AND authenticator_id = $2"
);
sql!(
    INSERT,
    "INSERT INTO authenticators (tenant_id, authenticator_id, user_id, factor, phone_number, created_at, last_auth_at,
       name, secret_sealed, code_mac)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
);
sql!(
    USED,
    "UPDATE authenticators SET last_auth_at = $4
     WHERE tenant_id = $1 AND user_id = $2 AND authenticator_id = $3 RETURNING authenticator_id"
);
sql!(RENAME, "UPDATE authenticators SET name = $3 WHERE tenant_id = $1 AND authenticator_id = $2");
sql!(
    REMOVE,
    "DELETE FROM authenticators WHERE tenant_id = $1 AND user_id = $2 AND authenticator_id = $3 RETURNING factor"
);
sql!(REMOVE_ALL, "DELETE FROM authenticators WHERE tenant_id = $1 AND user_id = $2 RETURNING factor");

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

/// One by its id, and whose it is.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn by_id(
    tx: &mut Tx,
    tenant: &TenantId,
    authenticator_id: &str,
) -> Result<Option<(Authenticator, String)>, StoreError> {
    let row = tx.opt(&BY_ID, &params![tenant, authenticator_id]).await?;
    row.map(|row| Ok((read(&row)?, row.text(6)?))).transpose()
}

/// Keeps a new one. `proved`: its user has just shown it.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    (master_key, random): (&MasterKey, &Random),
    user_id: &str,
    proof: &Proof,
    (now, proved): (Timestamp, bool),
) -> Result<Authenticator, StoreError> {
    let factor = proof.factor();
    let authenticator_id = format!("{}{}", factor.id_prefix(), random.alphanumeric(16));
    let (mut phone_number, mut secret_sealed, mut code_mac) = (None, Val::Null, Val::Null);
    match proof {
        Proof::Phone(number) => phone_number = Some(number.clone()),
        Proof::Otp(secret) => {
            secret_sealed =
                master_key.seal(random, &secret_context(tenant, &authenticator_id), secret).into();
        }
        Proof::RecoveryCode(code) => {
            code_mac =
                master_key.mac(&code_context(tenant, &authenticator_id), code.as_bytes()).to_vec().into();
        }
    }
    let last_auth_at = proved.then_some(now);
    let values = params![
        tenant,
        &authenticator_id,
        user_id,
        factor.name(),
        phone_number.as_deref(),
        now,
        last_auth_at,
        Val::Null,
        secret_sealed,
        code_mac
    ];
    tx.run(&INSERT, &values).await?;
    Ok(Authenticator { authenticator_id, factor, name: None, phone_number, created_at: now, last_auth_at })
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

/// Gives one a name.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn rename(
    tx: &mut Tx,
    tenant: &TenantId,
    authenticator_id: &str,
    name: &str,
) -> Result<(), StoreError> {
    tx.run(&RENAME, &params![tenant, authenticator_id, name]).await.map(drop)
}

/// Removes one of a user; its factor, or `None` if there was none. A recovery code stands in for another factor, so it
/// goes with the last one.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn remove(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    authenticator_id: &str,
) -> Result<Option<Factor>, StoreError> {
    let Some(row) = tx.opt(&REMOVE, &params![tenant, user_id, authenticator_id]).await? else {
        return Ok(None);
    };
    if !of_user(tx, tenant, user_id).await?.iter().any(|left| left.factor.stands_alone()) {
        remove_all(tx, tenant, user_id).await?;
    }
    factor(&row.text(0)?).map(Some)
}

/// Removes all of a user; their factors.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn remove_all(tx: &mut Tx, tenant: &TenantId, user_id: &str) -> Result<Vec<Factor>, StoreError> {
    tx.all(&REMOVE_ALL, &params![tenant, user_id]).await?.iter().map(|row| factor(&row.text(0)?)).collect()
}

/// What binds a sealed secret to its row.
fn secret_context(tenant: &TenantId, authenticator_id: &str) -> String {
    format!("{tenant}/authenticators/{authenticator_id}/secret")
}

/// What binds a recovery code to its row.
fn code_context(tenant: &TenantId, authenticator_id: &str) -> String {
    format!("{tenant}/authenticators/{authenticator_id}/code")
}

fn factor(name: &str) -> Result<Factor, StoreError> {
    Factor::of(name).ok_or_else(|| StoreError::Mismatch(format!("the factor {name}")))
}

fn read(row: &Row) -> Result<Authenticator, StoreError> {
    Ok(Authenticator {
        authenticator_id: row.text(0)?,
        factor: factor(&row.text(1)?)?,
        phone_number: row.opt_text(2)?,
        created_at: row.time(3)?,
        last_auth_at: row.opt_time(4)?,
        name: row.opt_text(5)?,
    })
}
