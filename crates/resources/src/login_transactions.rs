//! Login transactions: a request of `/authorize` that waits while its user is asked something.
//!
//! Named by a state token in the URLs of the hosted pages (only its hash is stored), bound to one browser
//! by a cookie, alive for an hour, spent once in the transaction that answers the client.

use std::collections::BTreeMap;

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_core::mfa::{Factor, FactorCommand, Passed};
use gatewright_core::script::Verdict;
use gatewright_store::{Row, StoreError, Tx, params, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Life of a transaction in seconds: one hour.
pub const LIFETIME_SECONDS: i64 = 3600;

/// The request and how far its login has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// The parameters of the request as sent; they are checked again when the answer is made.
    pub params: BTreeMap<String, String>,
    /// The hash of the `request_uri` under which the client pushed them, if it did.
    pub pushed: Option<String>,
    /// The connection at which the identifier was given.
    pub connection: Option<String>,
    /// The identifier, in its normal form.
    pub identifier: Option<String>,
    /// When the last code was sent.
    pub code_sent_at: Option<Timestamp>,
    /// When the last link to choose a new password was asked for.
    pub reset_asked_at: Option<Timestamp>,
    /// A sign-up on its way.
    pub sign_up: Option<SignUp>,
    /// The login made on these pages.
    pub login: Option<PageLogin>,
    /// The session that was alive when only consent was missing.
    pub session_id: Option<String>,
    /// The user of that session has confirmed that the client may know who they are.
    pub confirmed: bool,
    /// Why the user had to log in: a reason's code.
    pub login_reason: Option<String>,
    /// What the consent page asks for.
    pub consent_asked: Option<Vec<String>>,
    /// What the user has allowed on it.
    pub consented: Option<Vec<String>>,
    /// How far the tenant's scripts have come, where they do not begin from the start any more.
    pub scripts: Option<ScriptProgress>,
    /// The second factor of this login.
    pub multifactor: Option<MultiFactor>,
    /// The device that the login is for: then there is no request of `/authorize`.
    pub device: Option<WaitingDevice>,
    /// The password reset whose actions run: then there is no request, and no client either.
    pub reset: Option<WaitingReset>,
}

/// A second factor in a login: what is asked for, and what has been passed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MultiFactor {
    /// Whose. Somebody else may log in on the same pages: then it begins anew.
    pub user_id: String,
    /// Why one was asked for last: a reason's code.
    pub why: String,
    /// Enrolled factors of which one must be passed.
    pub challenge: Vec<Factor>,
    /// Factors of which one must be enrolled.
    pub enroll: Vec<Factor>,
    /// The code that was sent last.
    pub code: Option<FactorCode>,
    /// Factors whose challenge the log tells of.
    pub challenged: Vec<Factor>,
    /// The secret of an app that is about to be enrolled, sealed, in base64.
    pub otp_secret_sealed: Option<String>,
    /// A new recovery code that its user has not yet said to have kept, sealed, in base64.
    pub recovery_code_sealed: Option<String>,
    /// What has been passed.
    pub passed: Vec<Passed>,
}

/// A code on its way to a second factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorCode {
    /// The phone number.
    pub to: String,
    /// The authenticator that it challenges; `None` enrolls one.
    pub authenticator_id: Option<String>,
    /// The keyed hash of the code.
    pub mac: Vec<u8>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// The hash of what the client presents with it, where the client itself asks for the code.
    #[serde(default)]
    pub oob_code_hash: Option<String>,
}

/// A password reset between its link and the new password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingReset {
    /// The link's secret, sealed, in base64: the form needs it once more.
    pub ticket_sealed: String,
    /// The actions have nothing against it.
    pub passed: bool,
    /// Where they want the browser to go in the end.
    pub result_url: Option<String>,
}

/// Scripts that have run, or wait for the browser to come back from where they sent it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScriptProgress {
    /// Whom they decided about. Somebody else may log in on the same pages: then they begin anew.
    pub user_id: String,
    /// What they decided so far.
    pub verdict: Verdict,
    /// The script that sent the browser away, `None` if all of them have run.
    pub waits_for: Option<WaitingScript>,
    /// `event.transaction.metadata`.
    pub metadata: Map<String, Value>,
    /// What the log says of their runs.
    pub runs: Vec<Value>,
}

/// See [`ScriptProgress`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingScript {
    /// The action's id; `None` are the rules, which run again from the start.
    pub action_id: Option<String>,
    /// Where the browser was sent; empty where a factor is waited for.
    pub url: String,
    /// The factors that the action asked for, in order.
    #[serde(default)]
    pub factors: Vec<FactorCommand>,
}

/// A device whose user is on the hosted pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingDevice {
    /// The hash of its device code.
    pub device_code_hash: String,
    /// The code that it shows, sealed, in base64: the pages show it once more.
    pub user_code_sealed: String,
    /// The user said that the device shows this code.
    pub confirmed: bool,
}

/// A sign-up on the hosted pages that is not done yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignUp {
    /// E-mail address, user name, and the metadata that scripts added.
    pub form: Map<String, Value>,
    /// What the log will say of scripts; null where none ran.
    pub scripts: Value,
    /// The proof of the address that is waited for.
    pub proof: Option<AddressProof>,
}

/// A code that was sent to an address before an account is made of it. One waits for addresses that have
/// an account too, for which none was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressProof {
    /// The hash of the password that the account will have.
    pub password_hash: String,
    /// The keyed hash of the code.
    pub code_mac: Vec<u8>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// Tries so far, right or wrong.
    pub tries: u32,
}

/// A login made on the hosted pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageLogin {
    /// Who.
    pub user_id: String,
    /// At which connection.
    pub connection: String,
    /// When: the session's `auth_time`.
    pub at: Timestamp,
}

/// A transaction as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginTransaction {
    /// Hash of the state token.
    pub state_hash: String,
    /// Hash of the cookie of the browser that began it.
    pub binding_hash: String,
    /// The client that asked.
    pub client_id: String,
    /// The request and how far its login has come.
    pub progress: Progress,
    /// The end of its life.
    pub expires_at: Timestamp,
    /// When it was answered.
    pub used_at: Option<Timestamp>,
}

sql!(
    BY_STATE,
    "SELECT state_hash, binding_hash, client_id, doc, expires_at, used_at
     FROM login_transactions WHERE tenant_id = $1 AND state_hash = $2"
);
sql!(
    NEWEST_OF_BROWSER,
    "SELECT state_hash, binding_hash, client_id, doc, expires_at, used_at FROM login_transactions
     WHERE tenant_id = $1 AND binding_hash = $2 AND client_id = $3 AND used_at IS NULL AND expires_at > $4
     ORDER BY created_at DESC LIMIT 1"
);
// The update holds the row until the end of the writer's transaction, so that two answers at once are
// judged one after the other.
sql!(
    HOLD,
    "UPDATE login_transactions SET seen_at = $3
     WHERE tenant_id = $1 AND state_hash = $2 AND used_at IS NULL AND expires_at > $3
     RETURNING state_hash, binding_hash, client_id, doc, expires_at, used_at"
);
sql!(
    INSERT,
    "INSERT INTO login_transactions (tenant_id, state_hash, binding_hash, client_id, doc, created_at, seen_at,
       expires_at) VALUES ($1, $2, $3, $4, $5, $6, $6, $7)"
);
sql!(SET, "UPDATE login_transactions SET doc = $3 WHERE tenant_id = $1 AND state_hash = $2");
sql!(
    SPEND,
    "UPDATE login_transactions SET used_at = $3
     WHERE tenant_id = $1 AND state_hash = $2 AND used_at IS NULL AND expires_at > $3 RETURNING client_id"
);
sql!(FORGET_OLD, "DELETE FROM login_transactions WHERE tenant_id = $1 AND expires_at < $2");

/// The transaction of this state, alive or not.
pub async fn by_state(
    tx: &mut Tx,
    tenant: &TenantId,
    state_hash: &str,
) -> Result<Option<LoginTransaction>, StoreError> {
    tx.opt(&BY_STATE, &params![tenant, state_hash]).await?.map(|row| read(&row)).transpose()
}

/// The newest live transaction that a browser began for a client.
pub async fn newest_of_browser(
    tx: &mut Tx,
    tenant: &TenantId,
    binding_hash: &str,
    client_id: &str,
    now: Timestamp,
) -> Result<Option<LoginTransaction>, StoreError> {
    let row = tx.opt(&NEWEST_OF_BROWSER, &params![tenant, binding_hash, client_id, now]).await?;
    row.map(|row| read(&row)).transpose()
}

/// The live transaction of this state, held against other writers until the end of this one.
pub async fn hold(
    tx: &mut Tx,
    tenant: &TenantId,
    state_hash: &str,
    now: Timestamp,
) -> Result<Option<LoginTransaction>, StoreError> {
    tx.opt(&HOLD, &params![tenant, state_hash, now]).await?.map(|row| read(&row)).transpose()
}

/// Stores a new transaction and forgets those whose life ended a day ago.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    transaction: &LoginTransaction,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&FORGET_OLD, &params![tenant, now.plus_seconds(-86_400)]).await?;
    let values = params![
        tenant,
        &transaction.state_hash,
        &transaction.binding_hash,
        &transaction.client_id,
        document(&transaction.progress)?,
        now,
        transaction.expires_at
    ];
    tx.run(&INSERT, &values).await.map(drop)
}

/// Keeps how far the login has come. Call [`hold`] before, in the same transaction.
pub async fn set_progress(
    tx: &mut Tx,
    tenant: &TenantId,
    state_hash: &str,
    progress: &Progress,
) -> Result<(), StoreError> {
    tx.run(&SET, &params![tenant, state_hash, document(progress)?]).await.map(drop)
}

/// Spends a transaction; `false` if it was answered before or its life is over.
pub async fn spend(
    tx: &mut Tx,
    tenant: &TenantId,
    state_hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.opt(&SPEND, &params![tenant, state_hash, now]).await?.is_some())
}

fn document(progress: &Progress) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(progress).map_err(|error| StoreError::Mismatch(error.to_string()))
}

fn read(row: &Row) -> Result<LoginTransaction, StoreError> {
    Ok(LoginTransaction {
        state_hash: row.text(0)?,
        binding_hash: row.text(1)?,
        client_id: row.text(2)?,
        progress: serde_json::from_value(row.json(3)?).map_err(|e| StoreError::Mismatch(e.to_string()))?,
        expires_at: row.time(4)?,
        used_at: row.opt_time(5)?,
    })
}
