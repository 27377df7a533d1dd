//! `/co/authenticate` with a password, at a connection that is named or in the default directory.

use std::sync::Arc;

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::user::User;
use gatewright_http::{Params, RequestCx};
use gatewright_resources::login_tickets;
use gatewright_resources::logs;
use gatewright_store::Tx;
use serde_json::json;

use super::keys_wrong;
use crate::events;
use crate::login_ticket::NewTicket;
use crate::password_login;
use crate::stop::Stop;

const REALM_KEYS: [&str; 5] = ["client_id", "credential_type", "username", "password", "realm"];
const DEFAULT_KEYS: [&str; 4] = ["client_id", "credential_type", "username", "password"];

/// What the body names.
pub(super) struct Presented<'a> {
    pub(super) client_id: &'a str,
    username: &'a str,
    password: &'a str,
    realm: Option<&'a str>,
}

impl<'a> Presented<'a> {
    pub(super) fn read(params: &'a Params, with_realm: bool) -> Result<Self, OAuthError> {
        let keys: &[&str] = if with_realm { &REALM_KEYS } else { &DEFAULT_KEYS };
        if !params.names().all(|name| keys.contains(&name)) {
            return Err(keys_wrong(keys));
        }
        let text = |name| params.text(name).ok_or_else(|| keys_wrong(keys));
        Ok(Self {
            client_id: text("client_id")?,
            username: text("username")?,
            password: text("password")?,
            realm: if with_realm { Some(text("realm")?) } else { None },
        })
    }

    /// Judges the password and stores the ticket.
    pub(super) async fn authenticate(
        &self,
        cx: &RequestCx,
        client: &Arc<Client>,
        new: NewTicket,
    ) -> Result<(), Stop> {
        let connection = password_login::connection(cx, client, self.realm)?;
        let judged = password_login::verify(cx, client, &connection, self.username, self.password).await?;
        let user = judged.map_err(cross_origin_error)?;
        let record = Record { cx: cx.clone(), client: Arc::clone(client), connection, user, new };
        cx.app.db.write(move |tx| Box::pin(record.store(tx))).await
    }
}

/// Compat: this endpoint has codes of its own for the same refusals.
fn cross_origin_error(error: OAuthError) -> OAuthError {
    let code = match &*error.code {
        "invalid_grant" => "access_denied",
        "unauthorized" => "blocked_user",
        _ => return error,
    };
    OAuthError { code: code.into(), status: 403, ..error }
}

struct Record {
    cx: RequestCx,
    client: Arc<Client>,
    connection: Arc<Connection>,
    user: User,
    new: NewTicket,
}

impl Record {
    async fn store(self, tx: &mut Tx) -> Result<(), Stop> {
        let Self { cx, client, connection, user, new } = self;
        let ticket = new.of(&cx, &client.client_id, &user.user_id, &connection.name);
        login_tickets::insert(tx, &cx.tenant.id, &ticket).await?;
        let mut event = events::at_connection(events::event(&cx, "scoa", Some(&client)), &connection);
        event.user_name = user.text("email").or(user.text("username")).map(str::to_owned);
        event.details = json!({"decision": {"reason": "password_right", "origin": new.origin}});
        event.user_id = Some(user.user_id);
        logs::append(tx, &cx.tenant.id, cx.now, &cx.app.random, &event).await?;
        Ok(())
    }
}
