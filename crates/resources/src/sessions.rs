//! Sessions: one browser, signed in to one tenant.
//!
//! The cookie holds a random token whose hash is stored; `session_id` is the public `sid`. A session
//! ends when it was idle too long, at its absolute end, at logout, or when another user signs in.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{Row, StoreError, Tx, params, sql};

/// A live session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The `sid` claim.
    pub session_id: String,
    /// Hash of the cookie's token.
    pub token_hash: String,
    /// Who is signed in.
    pub user_id: String,
    /// The connection of the last interactive login.
    pub connection: String,
    /// When the user last proved who they are: `auth_time`.
    pub authenticated_at: Timestamp,
    /// When the session ends however active it is.
    pub expires_at: Timestamp,
    /// When it ends if nothing happens.
    pub idle_expires_at: Timestamp,
    /// The client that used it last.
    pub last_client_id: String,
}

sql!(
    BY_TOKEN,
    "SELECT session_id, token_hash, user_id, connection, authenticated_at, expires_at, idle_expires_at, last_client_id
     FROM sessions WHERE tenant_id = $1 AND token_hash = $2 AND expires_at > $3 AND idle_expires_at > $3"
);
sql!(
    INSERT,
    "INSERT INTO sessions (tenant_id, session_id, token_hash, user_id, connection, authenticated_at,
       last_active_at, idle_expires_at, expires_at, last_client_id)
     VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9)"
);
sql!(
    TOUCH,
    "UPDATE sessions SET last_active_at = $3, idle_expires_at = $4, last_client_id = $5
     WHERE tenant_id = $1 AND session_id = $2"
);
sql!(END, "DELETE FROM sessions WHERE tenant_id = $1 AND session_id = $2");
sql!(END_OF_USER, "DELETE FROM sessions WHERE tenant_id = $1 AND user_id = $2");

/// The live session of a cookie token, or `None`.
pub async fn by_token(
    tx: &mut Tx,
    tenant: &TenantId,
    token_hash: &str,
    now: Timestamp,
) -> Result<Option<Session>, StoreError> {
    tx.opt(&BY_TOKEN, &params![tenant, token_hash, now]).await?.map(|row| read(&row)).transpose()
}

/// Stores a new session.
pub async fn insert(tx: &mut Tx, tenant: &TenantId, session: &Session) -> Result<(), StoreError> {
    let values = params![
        tenant,
        &session.session_id,
        &session.token_hash,
        &session.user_id,
        &session.connection,
        session.authenticated_at,
        session.idle_expires_at,
        session.expires_at,
        &session.last_client_id
    ];
    tx.run(&INSERT, &values).await.map(drop)
}

/// Notes activity: every `/authorize` is one, silent ones too. `false` if the session has ended meanwhile.
pub async fn touch(
    tx: &mut Tx,
    tenant: &TenantId,
    session_id: &str,
    now: Timestamp,
    idle_expires_at: Timestamp,
    client_id: &str,
) -> Result<bool, StoreError> {
    let touched = tx.run(&TOUCH, &params![tenant, session_id, now, idle_expires_at, client_id]).await?;
    Ok(touched > 0)
}

/// Ends a session; does nothing if it has ended already.
pub async fn end(tx: &mut Tx, tenant: &TenantId, session_id: &str) -> Result<(), StoreError> {
    tx.run(&END, &params![tenant, session_id]).await.map(drop)
}

/// Ends every session of a user.
pub async fn end_all_of_user(tx: &mut Tx, tenant: &TenantId, user_id: &str) -> Result<(), StoreError> {
    tx.run(&END_OF_USER, &params![tenant, user_id]).await.map(drop)
}

fn read(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        session_id: row.text(0)?,
        token_hash: row.text(1)?,
        user_id: row.text(2)?,
        connection: row.text(3)?,
        authenticated_at: row.time(4)?,
        expires_at: row.time(5)?,
        idle_expires_at: row.time(6)?,
        last_client_id: row.text(7)?,
    })
}
