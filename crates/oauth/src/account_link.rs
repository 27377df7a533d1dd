//! Links sent by e-mail to prove an address or to choose a password, and asking for the latter.
//!
//! Whoever asks for a reset is told the same, after the same work, whether or not there is an account:
//! the message itself is sent after the answer.

use std::sync::Arc;

use gatewright_adapters::email::EmailKind;
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::limits::RateLimit;
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_jose::{random_token, token_hash};
use gatewright_resources::account_tickets::{self, AccountTicket, Purpose};
use gatewright_resources::{logs, passwords, rate_buckets};
use gatewright_store::{StoreError, Tx};
use serde_json::json;

use crate::custom_database;
use crate::events;
use crate::mail::Mail;
use crate::stop::Stop;

/// Compat: five days, unless the tenant's template says otherwise.
const LIFETIME_SECONDS: i64 = 432_000;

/// Resets asked for from one address, for one account: ten at once, ten more an hour.
const RESETS: RateLimit = RateLimit::new(10, 10, 3600);

/// A link that was drawn: the only place that knows its secret.
#[derive(Clone)]
pub(crate) struct Link {
    purpose: Purpose,
    secret: String,
}

impl Link {
    /// A new link.
    pub(crate) fn draw(cx: &RequestCx, purpose: Purpose) -> Self {
        Self { purpose, secret: random_token(&cx.app.random, 32) }
    }

    /// Where it leads.
    fn url(&self, cx: &RequestCx) -> String {
        self.purpose.url(&cx.issuer, &self.secret)
    }

    /// Stores it; earlier links of its kind are dead from then on.
    pub(crate) async fn store(
        &self,
        tx: &mut Tx,
        cx: &RequestCx,
        client: Option<&Client>,
        connection: &Connection,
        user: &User,
    ) -> Result<(), StoreError> {
        let Some(email) = user.text("email") else { return Ok(()) };
        let ticket = AccountTicket {
            user_id: user.user_id.clone(),
            connection: connection.name.clone(),
            email: email.to_owned(),
            client_id: client.map(|client| client.client_id.clone()),
            result_url: self.result_url(cx),
            expires_at: cx.now.plus_seconds(self.lifetime_seconds(cx)),
            proves_email: true,
            include_email: None,
        };
        account_tickets::insert(tx, &cx.tenant.id, self.purpose, &token_hash(&self.secret), &ticket, cx.now)
            .await
    }

    fn template(&self) -> &'static str {
        match self.purpose {
            Purpose::ResetPassword => "reset_email",
            Purpose::VerifyEmail => "verify_email",
        }
    }

    fn lifetime_seconds(&self, cx: &RequestCx) -> i64 {
        let own = cx.tenant.email_template(self.template()).and_then(|own| own.url_lifetime_in_seconds);
        own.filter(|seconds| *seconds >= 1.0).map_or(LIFETIME_SECONDS, |seconds| seconds as i64)
    }

    /// As the tenant wrote it; it is rendered when it is gone to.
    fn result_url(&self, cx: &RequestCx) -> Option<String> {
        let own = cx.tenant.email_template(self.template()).and_then(|own| own.result_url.clone());
        own.filter(|url| !url.trim().is_empty())
    }
}

/// Sends the link after the answer, so that the answer takes no longer than one without a message. What
/// goes wrong is in the tenant's log.
pub(crate) fn send(
    cx: &RequestCx,
    kind: EmailKind,
    link: &Link,
    client: &Arc<Client>,
    connection: &Arc<Connection>,
    user: &User,
) {
    let (cx, link, user) = (cx.clone(), link.clone(), user.clone());
    let (client, connection) = (Arc::clone(client), Arc::clone(connection));
    // Why it failed is in the log.
    tokio::spawn(async move { deliver(&cx, kind, &link, Some(&client), &connection, &user).await.ok() });
}

/// Sends the link. What goes wrong is in the tenant's log, and is returned in its words.
pub(crate) async fn deliver(
    cx: &RequestCx,
    kind: EmailKind,
    link: &Link,
    client: Option<&Client>,
    connection: &Connection,
    user: &User,
) -> Result<(), String> {
    let Some(to) = user.text("email") else { return Err("the user has no e-mail address".to_owned()) };
    let mail = Mail {
        kind,
        to,
        client,
        connection: Some(connection),
        user: Some(user),
        language: None,
        vars: json!({"url": link.url(cx)}),
    };
    let (failure, scripts) = match mail.send(cx).await {
        Ok(delivery) => match delivery.sent {
            Ok(_receipt) => return Ok(()),
            Err(error) => (error.detail, delivery.scripts),
        },
        Err(_) => ("the message could not be written".to_owned(), None),
    };
    let mut event = events::at_connection(events::event(cx, "fn", client), connection);
    event.user_id = Some(user.user_id.clone());
    event.user_name = Some(to.to_owned());
    event.details = json!({"error": {"message": failure}, "template": kind.name()});
    if let Some(scripts) = scripts {
        event.details["decision"] = json!({ "scripts": scripts });
    }
    if events::write(cx, event).await.is_err() {
        tracing::error!("A message that could not be sent could not be logged either.");
    }
    Err(failure)
}

/// Sends a link to choose a new password, if there is such an account.
///
/// The answer is the same either way; `Err(())` only when too many were asked for.
pub(crate) async fn request_reset(
    cx: &RequestCx,
    client: &Arc<Client>,
    connection: &Arc<Connection>,
    identifier: &str,
) -> Result<Result<(), TooManyResets>, Stop> {
    let identifier = identifier.trim().to_lowercase();
    let link = Link::draw(cx, Purpose::ResetPassword);
    let desk = Desk {
        cx: cx.clone(),
        client: Arc::clone(client),
        connection: Arc::clone(connection),
        identifier,
        link: link.clone(),
    };
    if let Some(custom) = custom_database::of(cx, connection) {
        let counting = desk.clone();
        let write = cx.app.db.write(move |tx| Box::pin(async move { counting.count(tx).await }));
        let counted = write.await?;
        if counted.is_ok() {
            custom.send_reset(client, desk);
        }
        return Ok(counted);
    }
    match cx.app.db.write(move |tx| Box::pin(desk.record(tx))).await? {
        Ok(Some(user)) => {
            send(cx, EmailKind::ResetEmail, &link, client, connection, &user);
            Ok(Ok(()))
        }
        Ok(None) => Ok(Ok(())),
        Err(refused) => Ok(Err(refused)),
    }
}

/// Too many resets were asked for; says nothing about accounts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooManyResets;

/// A reset that somebody asks for.
#[derive(Clone)]
pub(crate) struct Desk {
    cx: RequestCx,
    client: Arc<Client>,
    connection: Arc<Connection>,
    identifier: String,
    link: Link,
}

impl Desk {
    /// What was typed, in lower case.
    pub(crate) fn identifier(&self) -> &str {
        &self.identifier
    }

    /// Sends the link, if the account is here; it was counted before.
    pub(crate) async fn send(self) -> Result<(), Stop> {
        let desk = self.clone();
        let found = self.cx.app.db.write(move |tx| Box::pin(async move { desk.find(tx).await })).await?;
        if let Some(user) = found {
            send(&self.cx, EmailKind::ResetEmail, &self.link, &self.client, &self.connection, &user);
        }
        Ok(())
    }

    async fn record(self, tx: &mut Tx) -> Result<Result<Option<User>, TooManyResets>, Stop> {
        match self.count(tx).await? {
            Ok(()) => Ok(Ok(self.find(tx).await?)),
            Err(refused) => Ok(Err(refused)),
        }
    }

    async fn count(&self, tx: &mut Tx) -> Result<Result<(), TooManyResets>, Stop> {
        let (cx, tenant, name) = (&self.cx, &self.cx.tenant.id, &self.connection.name);
        let key = format!("{}/{name}/{}", cx.ip, self.identifier);
        let taken = rate_buckets::take(tx, tenant, "password_reset", RESETS, &key, cx.now).await?;
        Ok(if taken.allowed { Ok(()) } else { Err(TooManyResets) })
    }

    async fn find(self, tx: &mut Tx) -> Result<Option<User>, Stop> {
        let (cx, tenant, name) = (&self.cx, &self.cx.tenant.id, &self.connection.name);
        let found = passwords::account(tx, tenant, name, &self.identifier).await?;
        let owner = found.as_ref().and_then(|account| account.user["user_id"].as_str().map(str::to_owned));
        // The link is for the account, and goes to its own address, whoever it is linked to.
        let user = found.and_then(|account| serde_json::from_value::<User>(account.profile()).ok());
        let (code, reason) = match &user {
            None => ("fcpr", "user_unknown"),
            Some(user) if user.blocked => ("fcpr", "user_blocked"),
            Some(user) if user.text("email").is_none() => ("fcpr", "no_email_address"),
            Some(_) => ("scpr", "link_sent"),
        };
        let mut event = events::at_connection(events::event(cx, code, Some(&self.client)), &self.connection);
        event.user_id = owner;
        event.user_name = Some(self.identifier.clone());
        event.details = json!({"decision": {"reason": reason}});
        logs::append(tx, tenant, cx.now, &cx.app.random, &event).await?;
        match user.filter(|_| code == "scpr") {
            Some(user) => {
                self.link.store(tx, cx, Some(&self.client), &self.connection, &user).await?;
                Ok(Some(user))
            }
            None => Ok(None),
        }
    }
}
