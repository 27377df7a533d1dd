//! Login tickets: the proof that a page's user has authenticated, carried from `/co/authenticate` to
//! `/authorize`. Single use, short-lived, bound to the client and to the browser or the page's origin
//! (`core::login::cross_origin` decides).

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};

/// A login ticket as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginTicket {
    /// Hash of the ticket.
    pub ticket_hash: String,
    /// The client it was made for.
    pub client_id: String,
    /// Who authenticated.
    pub user_id: String,
    /// At which connection.
    pub connection: String,
    /// Origin of the page that authenticated, one of the client's.
    pub origin: String,
    /// Hash of the binding cookie set in that browser.
    pub binding_hash: String,
    /// When the user authenticated.
    pub created_at: Timestamp,
    /// The end of its life.
    pub expires_at: Timestamp,
    /// When it was spent.
    pub used_at: Option<Timestamp>,
}

sql!(
    BY_HASH,
    "SELECT ticket_hash, client_id, user_id, connection, origin, binding_hash, created_at, expires_at, used_at
     FROM login_tickets WHERE tenant_id = $1 AND ticket_hash = $2"
);
sql!(
    INSERT,
    "INSERT INTO login_tickets (tenant_id, ticket_hash, client_id, user_id, connection, origin, binding_hash,
       created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
);
sql!(
    SPEND,
    "UPDATE login_tickets SET used_at = $3
     WHERE tenant_id = $1 AND ticket_hash = $2 AND used_at IS NULL RETURNING user_id"
);
sql!(FORGET_OLD, "DELETE FROM login_tickets WHERE tenant_id = $1 AND expires_at < $2");

/// The ticket of this hash, spent or not.
pub async fn by_hash(
    tx: &mut Tx,
    tenant: &TenantId,
    ticket_hash: &str,
) -> Result<Option<LoginTicket>, StoreError> {
    let Some(row) = tx.opt(&BY_HASH, &params![tenant, ticket_hash]).await? else { return Ok(None) };
    Ok(Some(LoginTicket {
        ticket_hash: row.text(0)?,
        client_id: row.text(1)?,
        user_id: row.text(2)?,
        connection: row.text(3)?,
        origin: row.text(4)?,
        binding_hash: row.text(5)?,
        created_at: row.time(6)?,
        expires_at: row.time(7)?,
        used_at: row.opt_time(8)?,
    }))
}

/// Stores a new ticket and forgets those whose life ended an hour ago.
pub async fn insert(tx: &mut Tx, tenant: &TenantId, ticket: &LoginTicket) -> Result<(), StoreError> {
    tx.run(&FORGET_OLD, &params![tenant, ticket.created_at.plus_seconds(-3600)]).await?;
    let values = params![
        tenant,
        &ticket.ticket_hash,
        &ticket.client_id,
        &ticket.user_id,
        &ticket.connection,
        &ticket.origin,
        &ticket.binding_hash,
        ticket.created_at,
        ticket.expires_at
    ];
    tx.run(&INSERT, &values).await.map(drop)
}

/// Spends a ticket; `false` if another request was faster.
pub async fn spend(
    tx: &mut Tx,
    tenant: &TenantId,
    ticket_hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.opt(&SPEND, &params![tenant, ticket_hash, now]).await?.is_some())
}
