//! Links that go out by e-mail, or over the Management API (`tickets`): to choose a new password, to prove an address. Only the hash of a link's
//! secret is kept; a link is spent once, and a newer one of the same kind replaces it.

use gatewright_core::Timestamp;
use gatewright_core::ids::{Issuer, TenantId};
use gatewright_store::{Row, StoreError, Tx, params, sql};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To choose a new password.
    ResetPassword,
    /// To prove an e-mail address.
    VerifyEmail,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::ResetPassword => "reset_password",
            Self::VerifyEmail => "verify_email",
        }
    }

    /// Where a link with this secret leads. Compat: the path, and the `#` that mail programs must not
    /// swallow.
    pub fn url(self, issuer: &Issuer, secret: &str) -> String {
        let path = match self {
            Self::ResetPassword => "u/reset-verify",
            Self::VerifyEmail => "u/email-verification",
        };
        format!("{}?ticket={secret}#", issuer.join(path))
    }
}

/// A link as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountTicket {
    /// The account that it is about.
    pub user_id: String,
    /// The name of the account's connection.
    pub connection: String,
    /// Where it was sent.
    pub email: String,
    /// The client for which it was asked.
    pub client_id: Option<String>,
    /// Where the browser goes in the end.
    pub result_url: Option<String>,
    /// The end of its life.
    pub expires_at: Timestamp,
    /// Who uses the link reads mail at the address: it was sent there, or its maker says so.
    pub proves_email: bool,
    /// Whether the address goes along to `result_url`; `None` leaves it to the tenant's template.
    pub include_email: Option<bool>,
}

sql!(REPLACE_EARLIER, "DELETE FROM account_tickets WHERE tenant_id = $1 AND user_id = $2 AND purpose = $3");
sql!(FORGET_OLD, "DELETE FROM account_tickets WHERE tenant_id = $1 AND expires_at < $2");
sql!(
    INSERT,
    "INSERT INTO account_tickets (tenant_id, ticket_hash, purpose, user_id, connection, email, client_id,
       result_url, expires_at, proves_email, include_email)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
);
sql!(
    LIVE,
    "SELECT user_id, connection, email, client_id, result_url, expires_at, proves_email, include_email
     FROM account_tickets
     WHERE tenant_id = $1 AND ticket_hash = $2 AND purpose = $3 AND used_at IS NULL AND expires_at > $4"
);
sql!(
    SPEND,
    "UPDATE account_tickets SET used_at = $4
     WHERE tenant_id = $1 AND ticket_hash = $2 AND purpose = $3 AND used_at IS NULL AND expires_at > $4
     RETURNING user_id, connection, email, client_id, result_url, expires_at, proves_email, include_email"
);

sql!(
    GIVE_BACK,
    "UPDATE account_tickets SET used_at = NULL WHERE tenant_id = $1 AND ticket_hash = $2 AND used_at = $3"
);

/// Stores a new link; earlier ones of this account and purpose are dead from now on.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    purpose: Purpose,
    ticket_hash: &str,
    ticket: &AccountTicket,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&REPLACE_EARLIER, &params![tenant, &ticket.user_id, purpose.name()]).await?;
    tx.run(&FORGET_OLD, &params![tenant, now]).await?;
    let values = params![
        tenant,
        ticket_hash,
        purpose.name(),
        &ticket.user_id,
        &ticket.connection,
        &ticket.email,
        ticket.client_id.clone(),
        ticket.result_url.clone(),
        ticket.expires_at,
        ticket.proves_email,
        ticket.include_email
    ];
    tx.run(&INSERT, &values).await.map(drop)
}

/// The link of this hash while it is good. Does not spend it: programs that read mail open links too.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn live(
    tx: &mut Tx,
    tenant: &TenantId,
    purpose: Purpose,
    ticket_hash: &str,
    now: Timestamp,
) -> Result<Option<AccountTicket>, StoreError> {
    let row = tx.opt(&LIVE, &params![tenant, ticket_hash, purpose.name(), now]).await?;
    row.map(|row| read(&row)).transpose()
}

/// Spends a link; `None` if it is not good, or another request was faster.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn spend(
    tx: &mut Tx,
    tenant: &TenantId,
    purpose: Purpose,
    ticket_hash: &str,
    now: Timestamp,
) -> Result<Option<AccountTicket>, StoreError> {
    let row = tx.opt(&SPEND, &params![tenant, ticket_hash, purpose.name(), now]).await?;
    row.map(|row| read(&row)).transpose()
}

/// Makes a link good again that was spent at this time for something that failed.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn give_back(
    tx: &mut Tx,
    tenant: &TenantId,
    ticket_hash: &str,
    spent_at: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&GIVE_BACK, &params![tenant, ticket_hash, spent_at]).await.map(drop)
}

fn read(row: &Row) -> Result<AccountTicket, StoreError> {
    Ok(AccountTicket {
        user_id: row.text(0)?,
        connection: row.text(1)?,
        email: row.text(2)?,
        client_id: row.opt_text(3)?,
        result_url: row.opt_text(4)?,
        expires_at: row.time(5)?,
        proves_email: row.bool(6)?,
        include_email: row.opt_bool(7)?,
    })
}
