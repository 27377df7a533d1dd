//! A forgotten password of an account that is elsewhere.

use std::sync::Arc;

use gatewright_core::client::Client;
use gatewright_core::script::database::Refusal;
use gatewright_core::user::User;
use gatewright_http::Fault;
use gatewright_resources::account_tickets::{self, AccountTicket, Purpose};
use gatewright_resources::{logs, passwords, users};
use gatewright_store::StoreError;
use serde_json::{Value, json};

use super::Custom;
use super::login::conflict;
use crate::account_link::Desk;
use crate::events;
use crate::scripts::afterwards;
use crate::scripts::event::Sent;
use crate::sign_up::decision;
use crate::stop::Stop;

/// Why a password stays as it was.
pub(crate) enum Unchanged {
    /// The link is not good any more.
    Gone,
    /// The script said no; this is its text for the user, if it has one.
    Refused(Option<String>),
}

impl Custom {
    /// Finds the account and sends a link, after the answer: how long scripts take tells nothing then.
    pub(crate) fn send_reset(&self, client: &Arc<Client>, desk: Desk) {
        let (custom, client) = (self.clone(), Arc::clone(client));
        tokio::spawn(async move {
            if custom.find_for_reset(&client, desk).await.is_err() {
                tracing::error!(
                    "A password reset at a custom database failed: the database does not answer."
                );
            }
        });
    }

    async fn find_for_reset(&self, client: &Arc<Client>, desk: Desk) -> Result<(), Stop> {
        let identifier = desk.identifier().to_owned();
        if self.imports() && self.is_here(&identifier).await? {
            return desk.send().await;
        }
        let called = self.get_user(&identifier).await;
        let (reason, description, scripts) = match called.result {
            Ok(Some(profile)) => {
                let (within, kept) = (self.clone(), profile.clone());
                let write = self
                    .cx
                    .app
                    .db
                    .write(move |tx| Box::pin(async move { within.adopt(tx, &kept, None).await }));
                match write.await? {
                    Ok(_) => return desk.send().await,
                    Err(error) => ("account_conflict", Some(conflict(&error, &profile)), called.scripts),
                }
            }
            Ok(None) => ("user_unknown", None, called.scripts),
            Err(refusal) => {
                let (reason, description) = super::logged(&refusal);
                (reason, description, called.scripts)
            }
        };
        let mut event = self.event("fcpr", client, &identifier, reason, scripts);
        event.description = description;
        events::write(&self.cx, event).await
    }

    async fn is_here(&self, identifier: &str) -> Result<bool, StoreError> {
        let (tenant, name) = (self.cx.tenant.id.clone(), self.connection.name.clone());
        let identifier = identifier.to_owned();
        let read = self.cx.app.db.read(move |tx| {
            Box::pin(async move { passwords::account(tx, &tenant, &name, &identifier).await })
        });
        Ok(read.await?.is_some())
    }

    /// Sets the password by the script. The link is spent first, and given back if the script says no. All of it
    /// happens even if the browser leaves meanwhile: what the script changed elsewhere has consequences here.
    pub(crate) async fn reset(
        &self,
        ticket_hash: String,
        password: &str,
    ) -> Result<Result<AccountTicket, Unchanged>, Stop> {
        let (custom, password) = (self.clone(), password.to_owned());
        let whole = tokio::spawn(async move { custom.reset_whole(ticket_hash, &password).await });
        whole.await.map_err(Fault::internal)?
    }

    async fn reset_whole(
        &self,
        ticket_hash: String,
        password: &str,
    ) -> Result<Result<AccountTicket, Unchanged>, Stop> {
        let (within, hash) = (self.cx.clone(), ticket_hash.clone());
        let spend = self.cx.app.db.write(move |tx| {
            Box::pin(async move {
                let (tenant, now) = (&within.tenant.id, within.now);
                account_tickets::spend(tx, tenant, Purpose::ResetPassword, &hash, now).await
            })
        });
        let Some(link) = spend.await? else { return Ok(Err(Unchanged::Gone)) };
        let called = self.change_password(&link.email, password).await;
        let changed = matches!(called.result, Ok(true));
        let client = link.client_id.as_deref().and_then(|id| self.cx.tenant.client(id));
        let code = if changed { "scp" } else { "fcp" };
        let event = events::event(&self.cx, code, client.map(|client| &**client));
        let mut event = events::at_connection(event, &self.connection);
        event.user_id = Some(link.user_id.clone());
        event.user_name = Some(link.email.clone());
        let (reason, told) = match called.result {
            Ok(true) => ("changed_by_script", None),
            Ok(false) => ("not_changed_by_script", None),
            Err(refusal) => {
                let (reason, description) = super::logged(&refusal);
                event.description = description;
                let told = match refusal {
                    Refusal::Told { message, .. } => Some(message),
                    _ => None,
                };
                (reason, told)
            }
        };
        event.details = json!({ "decision": decision(reason, called.scripts) });
        let (within, kept) = (self.cx.clone(), link.clone());
        let write = self.cx.app.db.write(move |tx| {
            Box::pin(async move {
                let (tenant, now) = (&within.tenant.id, within.now);
                logs::append(tx, tenant, now, &within.app.random, &event).await?;
                if !changed {
                    account_tickets::give_back(tx, tenant, &ticket_hash, now).await?;
                    return Ok(None);
                }
                let email = kept.proves_email.then_some(&*kept.email);
                users::change_password(tx, tenant, &kept.user_id, email, None, now).await
            })
        });
        let user: Result<Option<Value>, StoreError> = write.await;
        let user = user?.and_then(|user| serde_json::from_value::<User>(user).ok());
        Ok(match (changed, user) {
            (true, Some(user)) => {
                let sent = Sent::typed(std::iter::empty());
                afterwards::password_changed(&self.cx, client, &self.connection, &user, &sent);
                Ok(link)
            }
            (true, None) => Err(Unchanged::Gone),
            (false, _) => Err(Unchanged::Refused(told)),
        })
    }
}
