//! Authorization codes, RFC 6749 section 4.1: what `/authorize` decided, kept until the client redeems it.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_core::script::Verdict;
use gatewright_store::{StoreError, Tx, params, sql};
use serde::{Deserialize, Serialize};

/// What a code stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationCode {
    /// The client it was issued to.
    pub client_id: String,
    /// Who logged in.
    pub user_id: String,
    /// The redirect URI of the request; the token request must repeat it (RFC 6749 section 4.1.3).
    pub redirect_uri: String,
    /// The PKCE challenge (RFC 7636).
    pub code_challenge: Option<String>,
    /// `S256` or `plain`.
    pub code_challenge_method: Option<String>,
    /// To be repeated in the ID token.
    pub nonce: Option<String>,
    /// The audience asked for, if any.
    pub audience: Option<String>,
    /// The `scope` parameter; it is decided again when the code is redeemed.
    pub scope: Option<String>,
    /// The session it came from.
    pub session_id: String,
    /// The connection of the login.
    pub connection: String,
    /// When the user authenticated.
    pub auth_time: Timestamp,
    /// Whether the ID token must say when the user authenticated.
    pub auth_time_wanted: bool,
    /// A second factor was passed in the login.
    #[serde(default)]
    pub multifactor: bool,
    /// What the tenant's scripts decided at the login; they do not run again.
    #[serde(default)]
    pub verdict: Option<Box<Verdict>>,
}

/// What became of an attempt to spend a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// The code is spent now, and this is what it stood for.
    Spent(Box<AuthorizationCode>),
    /// It was spent before: somebody holds a stolen copy (RFC 6749 section 4.1.2).
    Reused {
        /// The client it was issued to.
        client_id: String,
    },
    /// Its life is over.
    Expired,
    /// There is no such code.
    Unknown,
}

sql!(
    INSERT,
    "INSERT INTO authorization_codes (tenant_id, code_hash, client_id, user_id, doc, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6)"
);
sql!(
    SPEND,
    "UPDATE authorization_codes SET used_at = $3
     WHERE tenant_id = $1 AND code_hash = $2 AND used_at IS NULL AND expires_at > $3 RETURNING doc"
);
sql!(USED, "SELECT used_at, client_id FROM authorization_codes WHERE tenant_id = $1 AND code_hash = $2");
sql!(FORGET_OLD, "DELETE FROM authorization_codes WHERE tenant_id = $1 AND expires_at < $2");

/// Stores a new code and forgets those whose life ended a day ago.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    code_hash: &str,
    code: &AuthorizationCode,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&FORGET_OLD, &params![tenant, now.plus_seconds(-86_400)]).await?;
    let doc = serde_json::to_value(code).map_err(|error| StoreError::Mismatch(error.to_string()))?;
    tx.run(&INSERT, &params![tenant, code_hash, &code.client_id, &code.user_id, doc, expires_at])
        .await
        .map(drop)
}

/// Spends a code. The caller checks client, redirect URI and verifier afterwards, in the same
/// transaction: a code presented wrongly is spent all the same.
pub async fn spend(
    tx: &mut Tx,
    tenant: &TenantId,
    code_hash: &str,
    now: Timestamp,
) -> Result<Redemption, StoreError> {
    if let Some(row) = tx.opt(&SPEND, &params![tenant, code_hash, now]).await? {
        let code = serde_json::from_value(row.json(0)?).map_err(|e| StoreError::Mismatch(e.to_string()))?;
        return Ok(Redemption::Spent(Box::new(code)));
    }
    Ok(match tx.opt(&USED, &params![tenant, code_hash]).await? {
        Some(row) if row.opt_time(0)?.is_some() => Redemption::Reused { client_id: row.text(1)? },
        Some(_) => Redemption::Expired,
        None => Redemption::Unknown,
    })
}
