//! Sessions: one browser, signed in to one tenant.
//!
//! The cookie holds a random token whose hash is stored; `session_id` is the public `sid`. A session
//! ends when it was idle too long, at its absolute end, at logout, or when another user signs in. However
//! it ends, the clients that took part in it are queued to be told ([`logout_deliveries`]) in the same
//! transaction. [`api`] shows sessions to the Management API.

pub mod api;

use gatewright_core::Timestamp;
use gatewright_core::backchannel::Initiator;
use gatewright_core::ids::TenantId;
use gatewright_core::mfa::Passed;
use gatewright_core::script::Changes;
use gatewright_core::session::SessionTimes;
use gatewright_store::{Row, StoreError, Tx, params, sql};
use serde_json::{Map, Value};

use crate::dashboard;
use crate::engine::crud::merge;
use crate::logout_deliveries;

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
    /// When it began, was used, and will end.
    pub times: SessionTimes,
    /// Whether the cookie outlives the browser.
    pub persistent: bool,
    /// The client that used it last.
    pub last_client_id: String,
    /// What administrators and scripts note on it.
    pub metadata: Map<String, Value>,
    /// Second factors that its user has passed.
    pub factors: Vec<Passed>,
}

/// A use of a session by a client.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// The client that uses it.
    pub client_id: &'a str,
    /// As the client knows this server.
    pub issuer: &'a str,
    /// The browser's address.
    pub ip: &'a str,
    /// The browser's `User-Agent`.
    pub user_agent: Option<&'a str>,
}

sql!(
    BY_TOKEN,
    "SELECT session_id, token_hash, user_id, connection, authenticated_at, expires_at, idle_expires_at,
       last_active_at, created_at, persistent, last_client_id, metadata, factors
     FROM sessions WHERE tenant_id = $1 AND token_hash = $2 AND expires_at > $3 AND idle_expires_at > $3"
);
sql!(
    INSERT,
    "INSERT INTO sessions (tenant_id, session_id, token_hash, user_id, connection, authenticated_at,
       last_active_at, idle_expires_at, expires_at, last_client_id, created_at, persistent, initial_ip,
       initial_user_agent, last_ip, last_user_agent, factors)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $13, $14, $15)"
);
sql!(
    TOUCH,
    "UPDATE sessions SET last_active_at = $3, idle_expires_at = $4, expires_at = $5, last_client_id = $6,
       last_ip = $7, last_user_agent = $8
     WHERE tenant_id = $1 AND session_id = $2"
);
sql!(
    CHANGE,
    "UPDATE sessions SET expires_at = $3, idle_expires_at = $4, metadata = $5, persistent = $6
     WHERE tenant_id = $1 AND session_id = $2"
);
sql!(SET_FACTORS, "UPDATE sessions SET factors = $3 WHERE tenant_id = $1 AND session_id = $2");
sql!(
    TAKE_PART,
    "INSERT INTO session_clients (tenant_id, session_id, client_id, sid, issuer, created_at)
     VALUES ($1, $2, $3, $2, $4, $5)
     ON CONFLICT (tenant_id, session_id, client_id, sid) DO UPDATE SET issuer = $4"
);
sql!(INHERIT, "UPDATE session_clients SET session_id = $3 WHERE tenant_id = $1 AND session_id = $2");
sql!(END, "DELETE FROM sessions WHERE tenant_id = $1 AND session_id = $2 RETURNING user_id");
sql!(
    END_IF_OVER,
    "DELETE FROM sessions
     WHERE tenant_id = $1 AND session_id = $2 AND (expires_at <= $3 OR idle_expires_at <= $3) RETURNING user_id"
);
sql!(OF_USER, "SELECT session_id FROM sessions WHERE tenant_id = $1 AND user_id = $2 ORDER BY session_id");
sql!(
    OVER,
    "SELECT tenant_id, session_id FROM sessions WHERE expires_at <= $1 OR idle_expires_at <= $1 LIMIT $2"
);

/// The live session of a cookie token, or `None`.
pub async fn by_token(
    tx: &mut Tx,
    tenant: &TenantId,
    token_hash: &str,
    now: Timestamp,
) -> Result<Option<Session>, StoreError> {
    tx.opt(&BY_TOKEN, &params![tenant, token_hash, now]).await?.map(|row| read(&row)).transpose()
}

/// Stores a new session and the client that it begins with.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    session: &Session,
    by: &Use<'_>,
) -> Result<(), StoreError> {
    let times = session.times;
    let values = params![
        tenant,
        &session.session_id,
        &session.token_hash,
        &session.user_id,
        &session.connection,
        session.authenticated_at,
        times.last_active_at,
        times.idle_expires_at,
        times.expires_at,
        by.client_id,
        times.created_at,
        session.persistent,
        by.ip,
        by.user_agent,
        factors(&session.factors)?
    ];
    tx.run(&INSERT, &values).await?;
    take_part(tx, tenant, &session.session_id, by, times.created_at).await
}

/// Notes the second factors that the session's user has passed.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn set_factors(
    tx: &mut Tx,
    tenant: &TenantId,
    session_id: &str,
    passed: &[Passed],
) -> Result<(), StoreError> {
    tx.run(&SET_FACTORS, &params![tenant, session_id, factors(passed)?]).await.map(drop)
}

fn factors(passed: &[Passed]) -> Result<Value, StoreError> {
    serde_json::to_value(passed).map_err(|error| StoreError::Mismatch(error.to_string()))
}

/// Notes a use: every `/authorize` is one, silent ones too. `times` are those after it. `false` if the
/// session has ended meanwhile.
pub async fn touch(
    tx: &mut Tx,
    tenant: &TenantId,
    session_id: &str,
    times: SessionTimes,
    by: &Use<'_>,
) -> Result<bool, StoreError> {
    let now = times.last_active_at;
    let values = params![
        tenant,
        session_id,
        now,
        times.idle_expires_at,
        times.expires_at,
        by.client_id,
        by.ip,
        by.user_agent
    ];
    if tx.run(&TOUCH, &values).await? == 0 {
        return Ok(false);
    }
    take_part(tx, tenant, session_id, by, now).await?;
    Ok(true)
}

async fn take_part(
    tx: &mut Tx,
    tenant: &TenantId,
    session_id: &str,
    by: &Use<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = params![tenant, session_id, by.client_id, by.issuer, now];
    tx.run(&TAKE_PART, &values).await.map(drop)
}

/// Carries out what scripts changed of a session: ends that come nearer, metadata. Revoking is the caller's.
pub async fn change(
    tx: &mut Tx,
    tenant: &TenantId,
    session: &Session,
    changes: &Changes,
) -> Result<(), StoreError> {
    let earlier = |end: Timestamp, at_ms: Option<i64>| {
        at_ms.map_or(end, |at_ms| end.min(Timestamp::from_micros(at_ms.saturating_mul(1000))))
    };
    let expires_at = earlier(session.times.expires_at, changes.expires_at_ms);
    let idle_expires_at = earlier(session.times.idle_expires_at, changes.idle_expires_at_ms);
    let mut metadata = if changes.evict_metadata { Map::new() } else { session.metadata.clone() };
    merge(&mut metadata, &changes.metadata);
    let metadata = (!metadata.is_empty()).then_some(Value::Object(metadata));
    let persistent = changes.persistent.unwrap_or(session.persistent);
    let values = params![tenant, &session.session_id, expires_at, idle_expires_at, metadata, persistent];
    tx.run(&CHANGE, &values).await.map(drop)
}

/// Ends a session and queues those who are told; their client ids. `None` if it had ended already.
pub async fn end(
    tx: &mut Tx,
    tenant: &TenantId,
    session_id: &str,
    initiator: Initiator,
    now: Timestamp,
) -> Result<Option<Vec<String>>, StoreError> {
    let Some(row) = tx.opt(&END, &params![tenant, session_id]).await? else { return Ok(None) };
    logout_deliveries::queue(tx, tenant, session_id, &row.text(0)?, initiator, now).await.map(Some)
}

/// Ends a session because its user logged in again in the same browser: nobody is told, the clients that
/// took part in it take part in the new one.
pub async fn succeed(
    tx: &mut Tx,
    tenant: &TenantId,
    session_id: &str,
    new_session_id: &str,
) -> Result<(), StoreError> {
    if tx.opt(&END, &params![tenant, session_id]).await?.is_some() {
        tx.run(&INHERIT, &params![tenant, session_id, new_session_id]).await?;
    }
    Ok(())
}

/// Ends every session of a user, those in the dashboard too, and queues those who are told.
pub async fn end_all_of_user(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    initiator: Initiator,
    now: Timestamp,
) -> Result<(), StoreError> {
    for row in tx.all(&OF_USER, &params![tenant, user_id]).await? {
        end(tx, tenant, &row.text(0)?, initiator, now).await?;
    }
    dashboard::sessions::end_all_of_user(tx, tenant, user_id).await
}

/// Sessions of any tenant that are over but still stored, at most `limit`.
pub async fn over(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Vec<(TenantId, String)>, StoreError> {
    let rows = tx.all(&OVER, &params![now, limit]).await?;
    rows.iter().map(|row| Ok((TenantId::new(row.text(0)?), row.text(1)?))).collect()
}

/// Removes a session that is over, and queues those who are told. Of many who try, one does it.
pub async fn end_if_over(
    tx: &mut Tx,
    tenant: &TenantId,
    session_id: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    if let Some(row) = tx.opt(&END_IF_OVER, &params![tenant, session_id, now]).await? {
        let expired = Initiator::SessionExpired;
        logout_deliveries::queue(tx, tenant, session_id, &row.text(0)?, expired, now).await?;
    }
    Ok(())
}

fn read(row: &Row) -> Result<Session, StoreError> {
    let authenticated_at = row.time(4)?;
    Ok(Session {
        session_id: row.text(0)?,
        token_hash: row.text(1)?,
        user_id: row.text(2)?,
        connection: row.text(3)?,
        authenticated_at,
        times: SessionTimes {
            expires_at: row.time(5)?,
            idle_expires_at: row.time(6)?,
            last_active_at: row.time(7)?,
            // Sessions of older versions do not say.
            created_at: row.opt_time(8)?.unwrap_or(authenticated_at),
        },
        persistent: row.bool(9)?,
        last_client_id: row.text(10)?,
        metadata: match row.opt_json(11)? {
            Some(Value::Object(metadata)) => metadata,
            _ => Map::new(),
        },
        factors: match row.opt_json(12)? {
            Some(passed) => {
                serde_json::from_value(passed).map_err(|e| StoreError::Mismatch(e.to_string()))?
            }
            None => Vec::new(),
        },
    })
}
