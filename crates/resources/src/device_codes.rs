//! Device codes, RFC 8628: a device waits with a long code, its user types a short one.
//!
//! The device code is stored hashed, the user code as a keyed hash. A person decides once, by a guarded
//! update; the device spends the decision once, on a row that is held while it is judged.

use gatewright_core::Timestamp;
use gatewright_core::device::{Asked, State};
use gatewright_core::ids::TenantId;
use gatewright_store::{Row, StoreError, Tx, params, sql};
use serde::{Deserialize, Serialize};

/// What a device asked for and what was decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// The `scope` parameter; it is decided again when the code is exchanged.
    pub scope: Option<String>,
    /// The audience asked for, if any.
    pub audience: Option<String>,
    /// Who allowed it.
    pub allowed: Option<Allowed>,
    /// Why it was refused, in words for the device.
    pub denied: Option<String>,
}

/// The user who allowed a device, and their login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// Who.
    pub user_id: String,
    /// The connection of the login.
    pub connection: String,
    /// The session in which it was allowed.
    pub session_id: String,
}

/// A device code as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCode {
    /// Its hash.
    pub device_code_hash: String,
    /// The client that asked for it.
    pub client_id: String,
    /// What was asked and decided.
    pub request: Request,
    /// Seconds that the device has to wait between two questions.
    pub interval_seconds: i64,
    /// When it asked before.
    pub polled_at: Option<Timestamp>,
    /// The end of its life.
    pub expires_at: Timestamp,
    /// When tokens were issued for it.
    pub used_at: Option<Timestamp>,
}

impl DeviceCode {
    /// What the core decides on.
    pub fn asked(&self) -> Asked {
        let state = match (&self.request, self.used_at) {
            (_, Some(_)) => State::Spent,
            (Request { denied: Some(why), .. }, None) => State::Denied(why.clone()),
            (Request { allowed: Some(_), .. }, None) => State::Allowed,
            _ => State::Pending,
        };
        Asked {
            state,
            expires_at: self.expires_at,
            polled_at: self.polled_at,
            interval_seconds: self.interval_seconds,
        }
    }
}

sql!(
    INSERT,
    "INSERT INTO device_codes (tenant_id, device_code_hash, user_code_mac, client_id, doc, interval_seconds,
       polls, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, 0, $7)
     ON CONFLICT (tenant_id, user_code_mac) DO NOTHING RETURNING client_id"
);
sql!(
    UNDECIDED_BY_USER_CODE,
    "SELECT device_code_hash, client_id, doc, interval_seconds, polled_at, expires_at, used_at
     FROM device_codes
     WHERE tenant_id = $1 AND user_code_mac = $2 AND decided_at IS NULL AND expires_at > $3"
);
sql!(
    UNDECIDED,
    "SELECT device_code_hash, client_id, doc, interval_seconds, polled_at, expires_at, used_at
     FROM device_codes
     WHERE tenant_id = $1 AND device_code_hash = $2 AND decided_at IS NULL AND expires_at > $3"
);
// The update holds the row until the end of the writer's transaction, so that many questions at once are
// answered one after the other. Another client's question leaves no trace.
sql!(
    HOLD,
    "UPDATE device_codes SET polls = polls + 1
     WHERE tenant_id = $1 AND device_code_hash = $2 AND client_id = $3
     RETURNING device_code_hash, client_id, doc, interval_seconds, polled_at, expires_at, used_at"
);
sql!(
    NOTE_POLL,
    "UPDATE device_codes SET polled_at = $3, interval_seconds = $4
     WHERE tenant_id = $1 AND device_code_hash = $2"
);
sql!(
    DECIDE,
    "UPDATE device_codes SET doc = $4, decided_at = $3
     WHERE tenant_id = $1 AND device_code_hash = $2 AND decided_at IS NULL AND expires_at > $3
     RETURNING client_id"
);
sql!(
    SPEND,
    "UPDATE device_codes SET used_at = $3
     WHERE tenant_id = $1 AND device_code_hash = $2 AND used_at IS NULL AND decided_at IS NOT NULL
       AND expires_at > $3
     RETURNING client_id"
);
sql!(FORGET_OLD, "DELETE FROM device_codes WHERE tenant_id = $1 AND expires_at < $2");

/// The context under which a user code is hashed with the master key.
pub fn mac_context(tenant: &TenantId) -> String {
    format!("{tenant}/device_codes/user_code")
}

/// Stores a new code and forgets those whose life ended a day ago. `false` if another device has this user
/// code: draw another one.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    code: &DeviceCode,
    user_code_mac: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    tx.run(&FORGET_OLD, &params![tenant, now.plus_seconds(-86_400)]).await?;
    let values = params![
        tenant,
        &code.device_code_hash,
        user_code_mac,
        &code.client_id,
        document(&code.request)?,
        code.interval_seconds,
        code.expires_at
    ];
    Ok(tx.opt(&INSERT, &values).await?.is_some())
}

/// The living code that nobody has decided about yet, by what its user types.
pub async fn undecided_by_user_code(
    tx: &mut Tx,
    tenant: &TenantId,
    user_code_mac: &str,
    now: Timestamp,
) -> Result<Option<DeviceCode>, StoreError> {
    let row = tx.opt(&UNDECIDED_BY_USER_CODE, &params![tenant, user_code_mac, now]).await?;
    row.map(|row| read(&row)).transpose()
}

/// The same by the hash of the device code.
pub async fn undecided(
    tx: &mut Tx,
    tenant: &TenantId,
    device_code_hash: &str,
    now: Timestamp,
) -> Result<Option<DeviceCode>, StoreError> {
    tx.opt(&UNDECIDED, &params![tenant, device_code_hash, now]).await?.map(|row| read(&row)).transpose()
}

/// The code of this client, held against other questions until the end of the transaction.
pub async fn hold(
    tx: &mut Tx,
    tenant: &TenantId,
    device_code_hash: &str,
    client_id: &str,
) -> Result<Option<DeviceCode>, StoreError> {
    tx.opt(&HOLD, &params![tenant, device_code_hash, client_id]).await?.map(|row| read(&row)).transpose()
}

/// Notes that the device asked, and how long it has to wait now.
pub async fn note_poll(
    tx: &mut Tx,
    tenant: &TenantId,
    device_code_hash: &str,
    interval_seconds: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&NOTE_POLL, &params![tenant, device_code_hash, now, interval_seconds]).await.map(drop)
}

/// Keeps what was decided; `false` if something was decided before or the life of the code is over.
pub async fn decide(
    tx: &mut Tx,
    tenant: &TenantId,
    device_code_hash: &str,
    decided: &Request,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = params![tenant, device_code_hash, now, document(decided)?];
    Ok(tx.opt(&DECIDE, &values).await?.is_some())
}

/// Spends a code that was allowed; `false` if it was spent before.
pub async fn spend(
    tx: &mut Tx,
    tenant: &TenantId,
    device_code_hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.opt(&SPEND, &params![tenant, device_code_hash, now]).await?.is_some())
}

fn document(request: &Request) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(request).map_err(|error| StoreError::Mismatch(error.to_string()))
}

fn read(row: &Row) -> Result<DeviceCode, StoreError> {
    Ok(DeviceCode {
        device_code_hash: row.text(0)?,
        client_id: row.text(1)?,
        request: serde_json::from_value(row.json(2)?).map_err(|e| StoreError::Mismatch(e.to_string()))?,
        interval_seconds: row.int(3)?,
        polled_at: row.opt_time(4)?,
        expires_at: row.time(5)?,
        used_at: row.opt_time(6)?,
    })
}
