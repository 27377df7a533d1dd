//! What is typed in for an enrolled factor, judged and spent in one guarded update.

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_core::mfa::otp;
use gatewright_jose::{MasterKey, one_time_password_step};
use gatewright_store::{StoreError, Tx, Val, params, sql};

use super::{Proof, code_context, insert, secret_context};

/// Letters of a recovery code.
const RECOVERY_LENGTH: usize = 24;

sql!(
    SECRETS,
    "SELECT authenticator_id, secret_sealed FROM authenticators
     WHERE tenant_id = $1 AND user_id = $2 AND factor = 'otp' ORDER BY created_at, authenticator_id"
);
// RFC 6238 section 5.2: a code is taken once. No step before a spent one comes back either.
sql!(
    SPEND_STEP,
    "UPDATE authenticators SET last_step = $4, last_auth_at = $5
     WHERE tenant_id = $1 AND user_id = $2 AND authenticator_id = $3 AND (last_step IS NULL OR last_step < $4)
     RETURNING authenticator_id"
);
sql!(
    RECOVERY,
    "SELECT authenticator_id, code_mac FROM authenticators
     WHERE tenant_id = $1 AND user_id = $2 AND factor = 'recovery-code'"
);
sql!(
    SPEND_CODE,
    "UPDATE authenticators SET code_mac = $5, last_auth_at = $6
     WHERE tenant_id = $1 AND user_id = $2 AND authenticator_id = $3 AND code_mac = $4 RETURNING authenticator_id"
);
sql!(
    REMOVE_RECOVERY,
    "DELETE FROM authenticators WHERE tenant_id = $1 AND user_id = $2 AND factor = 'recovery-code'"
);

/// What became of a code of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otp {
    /// It is spent now.
    Right,
    /// It, or one after it, was spent before.
    Spent,
    /// It is none of this moment.
    Wrong,
}

/// Spends a code of the user's app.
///
/// # Errors
/// [`StoreError`] of the database; [`StoreError::Mismatch`] where a secret does not open.
pub async fn spend_otp(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
    (user_id, typed): (&str, &str),
    now: Timestamp,
) -> Result<Otp, StoreError> {
    let mut judged = Otp::Wrong;
    for row in tx.all(&SECRETS, &params![tenant, user_id]).await? {
        let authenticator_id = row.text(0)?;
        let secret = master_key.open(&secret_context(tenant, &authenticator_id), &row.blob(1)?);
        let secret =
            secret.map_err(|error| StoreError::Mismatch(format!("the secret of an app: {error}")))?;
        let Some(step) = one_time_password_step(&secret, typed, otp::steps(now)) else { continue };
        if tx.opt(&SPEND_STEP, &params![tenant, user_id, &authenticator_id, step, now]).await?.is_some() {
            return Ok(Otp::Right);
        }
        judged = Otp::Spent;
    }
    Ok(judged)
}

/// Notes the step of the code that proved a new app, so that it is good for nothing more.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn spend_first_step(
    tx: &mut Tx,
    tenant: &TenantId,
    (user_id, authenticator_id): (&str, &str),
    step: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&SPEND_STEP, &params![tenant, user_id, authenticator_id, step, now]).await.map(drop)
}

/// A new recovery code: capitals without vowels, which nobody takes for digits. 103 bits.
pub fn draw_recovery_code(random: &Random) -> String {
    random.base20(RECOVERY_LENGTH)
}

/// Spends the user's recovery code and puts a new one in its place, which is returned; `None` if it is wrong.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn spend_recovery_code(
    tx: &mut Tx,
    tenant: &TenantId,
    (master_key, random): (&MasterKey, &Random),
    (user_id, typed): (&str, &str),
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let Some(row) = tx.opt(&RECOVERY, &params![tenant, user_id]).await? else { return Ok(None) };
    let (authenticator_id, mac) = (row.text(0)?, row.blob(1)?);
    let context = code_context(tenant, &authenticator_id);
    let typed: String = typed.chars().filter(char::is_ascii_alphanumeric).collect();
    if !master_key.mac_matches(&context, typed.to_ascii_uppercase().as_bytes(), &mac) {
        return Ok(None);
    }
    let code = draw_recovery_code(random);
    let new = master_key.mac(&context, code.as_bytes()).to_vec();
    let values = params![tenant, user_id, &authenticator_id, Val::from(mac), Val::from(new), now];
    Ok(tx.opt(&SPEND_CODE, &values).await?.map(|_| code))
}

/// Puts a recovery code in place of the user's, if there is one.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn set_recovery_code(
    tx: &mut Tx,
    tenant: &TenantId,
    keys: (&MasterKey, &Random),
    (user_id, code): (&str, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&REMOVE_RECOVERY, &params![tenant, user_id]).await?;
    let proof = Proof::RecoveryCode(code.to_owned());
    insert(tx, tenant, keys, user_id, &proof, (now, false)).await.map(drop)
}
