//! Logout tokens that wait to be posted to clients (`core::backchannel` says which and how often).
//!
//! A row is written with the end of the session and lives until the client knows or nobody tries any more.
//! Any node may take a row that is due: it moves `due_at` into the future by a guarded update, so that one
//! node works on it, and another takes over if that one dies.

use gatewright_core::Timestamp;
use gatewright_core::backchannel::{self, Initiator};
use gatewright_core::client::Client;
use gatewright_core::ids::TenantId;
use gatewright_jose::token_hash;
use gatewright_store::{StoreError, Tx, params, sql};

/// For how long a delivery belongs to who took it: longer than a request may take.
const TAKEN_FOR_SECONDS: i64 = 60;

/// A delivery that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The tenant.
    pub tenant: TenantId,
    /// The host that the tenant is served at, without port.
    pub host: String,
    /// The row.
    pub delivery_id: String,
    /// Since when it has been due.
    pub due_at: Timestamp,
}

/// A delivery that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The row.
    pub delivery_id: String,
    /// The session that ended.
    pub session_id: String,
    /// Whose it was.
    pub user_id: String,
    /// The client that is told.
    pub client_id: String,
    /// The session as the client knows it.
    pub sid: String,
    /// The issuer as the client knows it.
    pub issuer: String,
    /// Where to post.
    pub url: String,
    /// Why the session ended.
    pub initiator: String,
    /// Which attempt this is, from 1.
    pub attempts: i64,
}

sql!(
    TOLD,
    "SELECT s.client_id, s.sid, s.issuer, c.doc
     FROM session_clients s JOIN clients c ON c.tenant_id = s.tenant_id AND c.client_id = s.client_id
     WHERE s.tenant_id = $1 AND s.session_id = $2 ORDER BY s.client_id, s.sid"
);
sql!(FORGET_CLIENTS, "DELETE FROM session_clients WHERE tenant_id = $1 AND session_id = $2");
sql!(
    INSERT,
    "INSERT INTO logout_deliveries (tenant_id, delivery_id, session_id, user_id, client_id, sid, issuer, url,
       initiator, attempts, due_at, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $10)
     ON CONFLICT (tenant_id, delivery_id) DO NOTHING"
);
sql!(
    DUE,
    "SELECT d.tenant_id, t.host, d.delivery_id, d.due_at
     FROM logout_deliveries d JOIN tenants t ON t.tenant_id = d.tenant_id
     WHERE d.due_at <= $1 ORDER BY d.due_at LIMIT $2"
);
sql!(
    DUE_OF_SESSION,
    "SELECT d.tenant_id, t.host, d.delivery_id, d.due_at
     FROM logout_deliveries d JOIN tenants t ON t.tenant_id = d.tenant_id
     WHERE d.tenant_id = $1 AND d.session_id = $2 AND d.due_at <= $3"
);
sql!(
    TAKE,
    "UPDATE logout_deliveries SET attempts = attempts + 1, due_at = $4
     WHERE tenant_id = $1 AND delivery_id = $2 AND due_at = $3
     RETURNING delivery_id, session_id, user_id, client_id, sid, issuer, url, initiator, attempts"
);
sql!(
    POSTPONE,
    "UPDATE logout_deliveries SET due_at = $4 WHERE tenant_id = $1 AND delivery_id = $2 AND attempts = $3"
);
sql!(DONE, "DELETE FROM logout_deliveries WHERE tenant_id = $1 AND delivery_id = $2 AND attempts = $3");

/// Queues a logout token for every client that took part in the session and wants to know of such an end.
/// Returns the ids of those clients, and forgets who took part.
pub(crate) async fn queue(
    tx: &mut Tx,
    tenant: &TenantId,
    session_id: &str,
    user_id: &str,
    initiator: Initiator,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let mut told = Vec::new();
    for row in tx.all(&TOLD, &params![tenant, session_id]).await? {
        let (client_id, sid, issuer) = (row.text(0)?, row.text(1)?, row.text(2)?);
        let client: Client =
            serde_json::from_value(row.json(3)?).map_err(|error| StoreError::Mismatch(error.to_string()))?;
        let urls = backchannel::urls(&client, initiator);
        for url in &urls {
            let delivery_id = token_hash(&format!("{session_id}\n{client_id}\n{sid}\n{url}"));
            let values = params![
                tenant,
                delivery_id,
                session_id,
                user_id,
                &client_id,
                &sid,
                &issuer,
                *url,
                initiator.name(),
                now
            ];
            tx.run(&INSERT, &values).await?;
        }
        if !urls.is_empty() && !told.contains(&client_id) {
            told.push(client_id);
        }
    }
    tx.run(&FORGET_CLIENTS, &params![tenant, session_id]).await?;
    Ok(told)
}

/// What is due, of any tenant, oldest first, at most `limit`.
pub async fn due(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Vec<Due>, StoreError> {
    read_due(&tx.all(&DUE, &params![now, limit]).await?)
}

/// What is due of one session that has ended.
pub async fn due_of_session(
    tx: &mut Tx,
    tenant: &TenantId,
    session_id: &str,
    now: Timestamp,
) -> Result<Vec<Due>, StoreError> {
    read_due(&tx.all(&DUE_OF_SESSION, &params![tenant, session_id, now]).await?)
}

fn read_due(rows: &[gatewright_store::Row]) -> Result<Vec<Due>, StoreError> {
    rows.iter()
        .map(|row| {
            let tenant = TenantId::new(row.text(0)?);
            Ok(Due { tenant, host: row.text(1)?, delivery_id: row.text(2)?, due_at: row.time(3)? })
        })
        .collect()
}

/// Takes a delivery for a while, and counts the attempt. `None` if somebody else has it.
pub async fn take(tx: &mut Tx, due: &Due, now: Timestamp) -> Result<Option<Delivery>, StoreError> {
    let until = now.plus_seconds(TAKEN_FOR_SECONDS);
    let values = params![&due.tenant, &due.delivery_id, due.due_at, until];
    let Some(row) = tx.opt(&TAKE, &values).await? else { return Ok(None) };
    Ok(Some(Delivery {
        delivery_id: row.text(0)?,
        session_id: row.text(1)?,
        user_id: row.text(2)?,
        client_id: row.text(3)?,
        sid: row.text(4)?,
        issuer: row.text(5)?,
        url: row.text(6)?,
        initiator: row.text(7)?,
        attempts: row.int(8)?,
    }))
}

/// Ends an attempt: the delivery is over, or due again at this time. Does nothing if somebody else has
/// taken it since.
pub async fn settle(
    tx: &mut Tx,
    tenant: &TenantId,
    delivery: &Delivery,
    again_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let (id, attempts) = (&delivery.delivery_id, delivery.attempts);
    match again_at {
        Some(again_at) => tx.run(&POSTPONE, &params![tenant, id, attempts, again_at]).await.map(drop),
        None => tx.run(&DONE, &params![tenant, id, attempts]).await.map(drop),
    }
}
