//! A request whose user is known waits: for consent, for confirmation, or for the browser to come back from
//! where a script sent it.

use axum::http::HeaderValue;
use gatewright_http::RequestCx;
use gatewright_resources::login_tickets;
use gatewright_resources::login_transactions::{self, PageLogin, Progress};

use super::Asked;
use super::found::{By, Known};
use crate::login_transaction;
use crate::stop::Stop;

/// The transaction in which a request waits, as the browser is told of it.
pub(super) struct Parked {
    /// The state token.
    pub(super) state: String,
    /// The cookie that binds a new one.
    pub(super) cookie: Option<HeaderValue>,
}

/// Keeps the request and how its user is known, with `note`d what it waits for. A ticket is spent by it.
/// `None`: a race was lost, and nothing is kept.
pub(super) async fn park(
    cx: &RequestCx,
    asked: Asked,
    known: Known,
    note: impl FnOnce(Progress) -> Progress + Send + 'static,
) -> Result<Option<Parked>, Stop> {
    if let Some(waiting) = asked.waiting {
        let (within, state_hash) = (cx.clone(), waiting.row.state_hash.clone());
        let write = cx.app.db.write(move |tx| {
            Box::pin(async move {
                let (tenant, now) = (&within.tenant.id, within.now);
                let Some(held) = login_transactions::hold(tx, tenant, &state_hash, now).await? else {
                    return Ok(());
                };
                login_transactions::set_progress(tx, tenant, &state_hash, &note(held.progress)).await
            })
        });
        write.await?;
        return Ok(Some(Parked { state: waiting.state, cookie: None }));
    }
    let mut progress = Progress { params: asked.params, pushed: asked.pushed, ..Progress::default() };
    let mut ticket_hash = None;
    match known.by {
        By::Session(session) => progress.session_id = Some(session.session_id),
        By::Page { login, .. } => progress.login = Some(login),
        By::Ticket { ticket, .. } => {
            progress.login = Some(PageLogin {
                user_id: ticket.user_id,
                connection: ticket.connection,
                at: ticket.created_at,
            });
            ticket_hash = Some(ticket.ticket_hash);
        }
    }
    let begun = login_transaction::draw(cx, &asked.client.client_id, note(progress));
    let (within, row) = (cx.clone(), begun.row.clone());
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let (tenant, now) = (&within.tenant.id, within.now);
            if let Some(hash) = ticket_hash
                && !login_tickets::spend(tx, tenant, &hash, now).await?
            {
                return Ok(false);
            }
            login_transactions::insert(tx, tenant, &row, now).await?;
            Ok::<_, Stop>(true)
        })
    });
    let kept = write.await?;
    Ok(kept.then_some(Parked { state: begun.state, cookie: Some(begun.cookie) }))
}
