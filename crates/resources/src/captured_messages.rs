//! Messages that were captured instead of sent: the inbox of `gatewright dev`.
//!
//! They hold one-time codes in the clear, which is their purpose; `gatewright serve` never writes one.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{Row, StoreError, Tx, params, sql};
use serde::Serialize;

/// How many messages of a tenant are kept; older ones are forgotten.
pub const KEPT: i64 = 500;

/// A captured message, in the form that the inbox's JSON has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CapturedMessage {
    /// Grows with each message of the tenant; a number written as text.
    pub id: String,
    /// `sms` or `email`.
    pub channel: String,
    /// A phone number in E.164, or an address.
    pub to: String,
    /// The sender, if the connection names one.
    pub from: Option<String>,
    /// An e-mail's subject; absent for other channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text as it would have been sent; of an e-mail the plain part.
    pub body: String,
    /// An e-mail's HTML part; absent for other channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// When it was captured, ISO 8601.
    pub created_at: String,
    /// The name of the connection it was sent for.
    pub connection: Option<String>,
}

/// A message about to be stored.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// `sms` or `email`.
    pub channel: String,
    /// A phone number in E.164, or an address.
    pub to: String,
    /// The sender, if any.
    pub from: Option<String>,
    /// An e-mail's subject.
    pub subject: Option<String>,
    /// The text; of an e-mail the plain part.
    pub body: String,
    /// An e-mail's HTML part.
    pub html: Option<String>,
    /// The name of the connection.
    pub connection: Option<String>,
}

/// Which messages to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those to this recipient.
    pub to: Option<String>,
    /// Only those after the message of this id.
    pub after: Option<i64>,
}

sql!(LAST, "SELECT COALESCE(MAX(sequence), 0) FROM captured_messages WHERE tenant_id = $1");
sql!(
    INSERT,
    "INSERT INTO captured_messages
       (tenant_id, sequence, channel, recipient, sender, body, connection, created_at, subject, html)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
);
sql!(
    FORGET_OLD,
    "DELETE FROM captured_messages WHERE tenant_id = $1 AND sequence <=
       (SELECT sequence FROM captured_messages WHERE tenant_id = $1
        ORDER BY sequence DESC LIMIT 1 OFFSET $2)"
);
sql!(
    NEWEST,
    "SELECT sequence, channel, recipient, sender, body, created_at, connection, subject, html
     FROM captured_messages
     WHERE tenant_id = $1 AND sequence > $2
       AND (CAST($3 AS TEXT) IS NULL OR recipient = CAST($3 AS TEXT))
     ORDER BY sequence DESC LIMIT $4"
);
sql!(HTML, "SELECT html FROM captured_messages WHERE tenant_id = $1 AND sequence = $2 AND html IS NOT NULL");
sql!(EMPTY, "DELETE FROM captured_messages WHERE tenant_id = $1");

/// Stores a message and forgets all but the newest [`KEPT`]; returns its id.
///
/// # Errors
/// [`StoreError::Unique`] if another node stored one at the same moment: try again.
pub async fn append(
    tx: &mut Tx,
    tenant: &TenantId,
    now: Timestamp,
    message: &NewMessage,
) -> Result<i64, StoreError> {
    let last = tx.one(&LAST, &params![tenant]).await?.int(0)?;
    let sequence = now.micros().max(last + 1);
    let values = params![
        tenant,
        sequence,
        &message.channel,
        &message.to,
        &message.from,
        &message.body,
        &message.connection,
        now,
        &message.subject,
        &message.html
    ];
    tx.run(&INSERT, &values).await?;
    tx.run(&FORGET_OLD, &params![tenant, KEPT]).await?;
    Ok(sequence)
}

/// The newest messages that pass the filter, newest first.
pub async fn list(
    tx: &mut Tx,
    tenant: &TenantId,
    filter: &Filter,
) -> Result<Vec<CapturedMessage>, StoreError> {
    let values = params![tenant, filter.after.unwrap_or(0), &filter.to, KEPT];
    tx.all(&NEWEST, &values).await?.iter().map(from_row).collect()
}

/// The HTML part of the e-mail of this id, if there is one.
pub async fn html(tx: &mut Tx, tenant: &TenantId, id: i64) -> Result<Option<String>, StoreError> {
    let row = tx.opt(&HTML, &params![tenant, id]).await?;
    row.map(|row| row.text(0)).transpose()
}

/// Removes all messages of the tenant; returns how many there were.
pub async fn empty(tx: &mut Tx, tenant: &TenantId) -> Result<u64, StoreError> {
    tx.run(&EMPTY, &params![tenant]).await
}

fn from_row(row: &Row) -> Result<CapturedMessage, StoreError> {
    Ok(CapturedMessage {
        id: row.int(0)?.to_string(),
        channel: row.text(1)?,
        to: row.text(2)?,
        from: row.opt_text(3)?,
        body: row.text(4)?,
        created_at: row.time(5)?.iso8601(),
        connection: row.opt_text(6)?,
        subject: row.opt_text(7)?,
        html: row.opt_text(8)?,
    })
}

#[cfg(test)]
mod tests;
