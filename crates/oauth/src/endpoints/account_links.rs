//! The pages behind links in e-mails: `/u/reset-verify` to choose a password, `/u/email-verification` to
//! prove an address. Plain forms, no scripts.
//!
//! Opening a link changes nothing, for programs that read mail open links too; the button does.

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatewright_core::connection::Connection;
use gatewright_core::password_policy::{PasswordPolicy, Person};
use gatewright_http::{Fault, Params, RequestCx, respond};
use gatewright_jose::token_hash;
use gatewright_passwords::StoredHash;
use gatewright_resources::account_tickets::{self, AccountTicket, Purpose};
use gatewright_resources::passwords::{self, NewPasswordError};
use gatewright_resources::{logs, users};
use gatewright_store::Tx;
use serde_json::{Value, json};

use crate::events;
use crate::pages::account_page::AccountPage;
use crate::stop::Stop;

const EXPIRED: &str = "The link is too old, was used before, or a newer one was sent.";

pub(crate) async fn reset_form(cx: RequestCx, RawQuery(query): RawQuery) -> Result<Response, Stop> {
    let ticket = ticket_of(query.as_deref().unwrap_or_default().as_bytes());
    match live(&cx, Purpose::ResetPassword, &ticket).await? {
        Some(link) => Ok(choose(&cx, &link, ticket, None).respond(StatusCode::OK)),
        None => Ok(gone(&cx)),
    }
}

pub(crate) async fn reset(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let params = Params::from_body(&headers, &body)?;
    let text = |name| params.text(name).unwrap_or_default().to_owned();
    let (ticket, password, again) = (text("ticket"), text("password"), text("re-enter-password"));
    let Some(link) = live(&cx, Purpose::ResetPassword, &ticket).await? else { return Ok(gone(&cx)) };
    let wrong =
        |text: String| Ok(choose(&cx, &link, ticket.clone(), Some(text)).respond(StatusCode::BAD_REQUEST));
    if password != again {
        return wrong("The two passwords are not the same.".to_owned());
    }
    let Some(connection) = cx.tenant.connection(&link.connection).cloned() else { return Ok(gone(&cx)) };
    let user = user(&cx, &link).await?.unwrap_or_default();
    let person = Person::of(|name| user.get(name));
    let (app, tenant, account) = (&cx.app, &cx.tenant.id, Some(&*link.user_id));
    let vetted =
        passwords::vetted(&app.db, &app.passwords, tenant, &connection, account, &person, &password).await;
    let hash = match vetted {
        Ok(hash) => hash,
        Err(NewPasswordError::Weak(weakness)) => {
            failed(&cx, &link, &connection, weakness.name()).await?;
            let rules = weakness.policy().map(|policy| format!(":\n{policy}")).unwrap_or(".".to_owned());
            return wrong(format!("{}{rules}", weakness.message()));
        }
        Err(NewPasswordError::Hash(error)) => return Err(Fault::from(error).into()),
        Err(NewPasswordError::Store(error)) => return Err(error.into()),
    };
    let change = Change { cx: cx.clone(), ticket_hash: token_hash(&ticket), hash };
    match cx.app.db.write(move |tx| Box::pin(change.record(tx))).await? {
        Some(link) => Ok(done(&cx, &link, "Your password was changed", "Log in with your new password.")),
        None => Ok(gone(&cx)),
    }
}

pub(crate) async fn verify_form(cx: RequestCx, RawQuery(query): RawQuery) -> Result<Response, Stop> {
    let ticket = ticket_of(query.as_deref().unwrap_or_default().as_bytes());
    let Some(link) = live(&cx, Purpose::VerifyEmail, &ticket).await? else { return Ok(gone(&cx)) };
    let mut page = AccountPage::new(&cx, "Confirm your e-mail address");
    page.subject = Some(link.email);
    page.description = "Confirm that this is your address.".to_owned();
    page.button = Some("Confirm".to_owned());
    page.action = "/u/email-verification";
    page.ticket = ticket;
    Ok(page.respond(StatusCode::OK))
}

pub(crate) async fn verify(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let params = Params::from_body(&headers, &body)?;
    let ticket_hash = token_hash(params.text("ticket").unwrap_or_default());
    let proof = Proof { cx: cx.clone(), ticket_hash };
    match cx.app.db.write(move |tx| Box::pin(proof.record(tx))).await? {
        Some(link) => {
            Ok(done(&cx, &link, "Your e-mail address is confirmed", "You can close this page and go on."))
        }
        None => Ok(gone(&cx)),
    }
}

fn ticket_of(query: &[u8]) -> String {
    let params = Params::from_urlencoded(query).unwrap_or_default();
    params.text("ticket").unwrap_or_default().to_owned()
}

async fn live(cx: &RequestCx, purpose: Purpose, ticket: &str) -> Result<Option<AccountTicket>, Stop> {
    let (tenant, hash, now) = (cx.tenant.id.clone(), token_hash(ticket), cx.now);
    let read = cx.app.db.read(move |tx| {
        Box::pin(async move { account_tickets::live(tx, &tenant, purpose, &hash, now).await })
    });
    Ok(read.await?)
}

async fn user(cx: &RequestCx, link: &AccountTicket) -> Result<Option<Value>, Stop> {
    let (tenant, user_id) = (cx.tenant.id.clone(), link.user_id.clone());
    let read = cx.app.db.read(move |tx| Box::pin(async move { users::by_id(tx, &tenant, &user_id).await }));
    Ok(read.await?)
}

/// The form that asks for a new password.
fn choose(cx: &RequestCx, link: &AccountTicket, ticket: String, alert: Option<String>) -> AccountPage {
    let mut page = AccountPage::new(cx, "Choose a new password");
    page.subject = Some(link.email.clone());
    page.rules =
        cx.tenant.connection(&link.connection).map(|connection| rules(connection)).unwrap_or_default();
    page.alert = alert;
    page.password = true;
    page.button = Some("Change password".to_owned());
    page.action = "/u/reset-verify";
    page.ticket = ticket;
    page
}

fn rules(connection: &Connection) -> Vec<String> {
    PasswordPolicy::of(&connection.options).text().lines().map(str::to_owned).collect()
}

fn gone(cx: &RequestCx) -> Response {
    let mut page = AccountPage::new(cx, "This link is no longer good");
    page.alert = Some(EXPIRED.to_owned());
    page.description = "Ask for a new one where you asked for this one.".to_owned();
    page.respond(StatusCode::BAD_REQUEST)
}

/// The result: a page, or the address that the tenant named for it.
fn done(cx: &RequestCx, link: &AccountTicket, title: &'static str, text: &str) -> Response {
    if let Some(url) = &link.result_url {
        let separator = if url.contains('?') { '&' } else { '?' };
        let target = format!("{url}{separator}success=true&code=success");
        if let Ok(target) = HeaderValue::from_str(&target) {
            return respond::no_store((StatusCode::FOUND, [(header::LOCATION, target)])).into_response();
        }
    }
    let mut page = AccountPage::new(cx, title);
    page.notice = Some(text.to_owned());
    page.respond(StatusCode::OK)
}

async fn failed(
    cx: &RequestCx,
    link: &AccountTicket,
    connection: &Connection,
    reason: &str,
) -> Result<(), Stop> {
    let client = link.client_id.as_deref().and_then(|id| cx.tenant.client(id));
    let mut event =
        events::at_connection(events::event(cx, "fcp", client.map(|client| &**client)), connection);
    event.user_id = Some(link.user_id.clone());
    event.user_name = Some(link.email.clone());
    event.details = json!({"decision": {"reason": reason}});
    events::write(cx, event).await
}

/// A new password about to be stored.
struct Change {
    cx: RequestCx,
    ticket_hash: String,
    hash: StoredHash,
}

impl Change {
    async fn record(self, tx: &mut Tx) -> Result<Option<AccountTicket>, Stop> {
        let (cx, tenant, now) = (&self.cx, &self.cx.tenant.id, self.cx.now);
        let spent =
            account_tickets::spend(tx, tenant, Purpose::ResetPassword, &self.ticket_hash, now).await?;
        let Some(link) = spent else { return Ok(None) };
        let (user_id, email) = (&link.user_id, &link.email);
        if users::change_password(tx, tenant, user_id, email, &self.hash, now).await?.is_none() {
            return Ok(None);
        }
        log(tx, cx, "scp", &link).await?;
        Ok(Some(link))
    }
}

/// An address about to be proved.
struct Proof {
    cx: RequestCx,
    ticket_hash: String,
}

impl Proof {
    async fn record(self, tx: &mut Tx) -> Result<Option<AccountTicket>, Stop> {
        let (cx, tenant, now) = (&self.cx, &self.cx.tenant.id, self.cx.now);
        let spent = account_tickets::spend(tx, tenant, Purpose::VerifyEmail, &self.ticket_hash, now).await?;
        let Some(link) = spent else { return Ok(None) };
        let proved = users::prove_email(tx, tenant, &link.user_id, &link.email, now).await?.is_some();
        log(tx, cx, if proved { "sv" } else { "fv" }, &link).await?;
        Ok(proved.then_some(link))
    }
}

async fn log(tx: &mut Tx, cx: &RequestCx, code: &'static str, link: &AccountTicket) -> Result<(), Stop> {
    let client = link.client_id.as_deref().and_then(|id| cx.tenant.client(id));
    let mut event = events::event(cx, code, client.map(|client| &**client));
    if let Some(connection) = cx.tenant.connection(&link.connection) {
        event = events::at_connection(event, connection);
    }
    event.user_id = Some(link.user_id.clone());
    event.user_name = Some(link.email.clone());
    logs::append(tx, &cx.tenant.id, cx.now, &cx.app.random, &event).await?;
    Ok(())
}
