//! A proved address of an account that is elsewhere.

use gatewright_core::connection::Connection;
use gatewright_http::RequestCx;
use gatewright_resources::account_tickets::AccountTicket;
use serde_json::json;

use super::logged;
use crate::events;
use crate::sign_up::decision;
use crate::stop::Stop;

/// Lets a custom database know that an address is proved, where accounts stay in it. It is proved here in any case.
pub(crate) async fn note_proved(
    cx: &RequestCx,
    connection: &Connection,
    link: &AccountTicket,
) -> Result<(), Stop> {
    let Some(custom) = super::of(cx, connection).filter(|custom| !custom.imports()) else {
        return Ok(());
    };
    let Some(called) = custom.verify(&link.email).await else { return Ok(()) };
    let (reason, description) = match &called.result {
        Ok(true) => return Ok(()),
        Ok(false) => ("not_changed_by_script", None),
        Err(refusal) => logged(refusal),
    };
    let client = link.client_id.as_deref().and_then(|id| cx.tenant.client(id));
    let event = events::event(cx, "fv", client.map(|client| &**client));
    let mut event = events::at_connection(event, connection);
    event.user_id = Some(link.user_id.clone());
    event.user_name = Some(link.email.clone());
    event.description = description;
    event.details = json!({"decision": decision(reason, called.scripts)});
    events::write(cx, event).await
}
