//! The pages behind links in e-mails: `/u/reset-verify` to choose a password, `/u/email-verification` to
//! prove an address.
//!
//! Opening a link changes nothing, for programs that read mail open links too; the button does.

mod challenge;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::password_policy::{Person, Weakness};
use gatewright_core::user::User;
use gatewright_http::{Fault, Params, RequestCx, respond};
use gatewright_jose::token_hash;
use gatewright_passwords::StoredHash;
use gatewright_resources::account_tickets::{self, AccountTicket, Purpose};
use gatewright_resources::passwords::{self, NewPasswordError};
use gatewright_resources::{logs, users};
use gatewright_store::Tx;
use serde_json::{Value, json};

pub(crate) use self::challenge::come_back;
use super::login::first_page;
use crate::custom_database::{self, Unchanged};
use crate::pages::policy::Policy;
use crate::pages::screen::{Button, Field, Form, Kind, Link, Screen, Subject, company};
use crate::pages::texts::{self, Texts};
use crate::scripts::afterwards;
use crate::scripts::event::Sent;
use crate::scripts::reset;
use crate::stop::Stop;
use crate::{account_result, events, login_transaction};

const RESET: &str = "/u/reset-verify";
const VERIFY: &str = "/u/email-verification";

/// A request for one of these pages.
struct Look {
    cx: RequestCx,
    language: &'static str,
    ticket: String,
}

impl Look {
    fn new(cx: RequestCx, headers: &HeaderMap, ticket: String) -> Self {
        let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self { language: texts::language(&cx.tenant, None, accept), cx, ticket }
    }

    fn client(&self, link: &AccountTicket) -> Option<Arc<Client>> {
        self.cx.tenant.client(link.client_id.as_deref()?).cloned()
    }

    fn screen(&self, prompt: &'static str, screen: &'static str, client: Option<&Client>) -> Screen {
        let company = company(&self.cx);
        let client_name = client.map_or_else(|| company.clone(), |client| client.name.clone());
        let values = vec![("clientName", client_name), ("companyName", company)];
        Screen::new(&self.cx, screen, Texts::new(self.language, prompt, screen, values))
    }

    fn form(&self, action: &'static str) -> Form {
        let hidden = vec![("ticket", self.ticket.clone())];
        Form { action, hidden, fields: Vec::new(), buttons: Vec::new(), resend: None }
    }

    /// The link leads nowhere.
    fn gone(&self, purpose: Purpose) -> Response {
        let page = match purpose {
            Purpose::ResetPassword => self.screen("reset-password", "reset-password-error", None),
            Purpose::VerifyEmail => {
                let mut page = self.screen("email-verification", "email-verification-result", None);
                page.title = page.texts.get("errorTitle");
                page.description = page.texts.get("errorDescription");
                page
            }
        };
        page.respond(StatusCode::BAD_REQUEST, &[])
    }

    /// The form that asks for a new password.
    fn choose(&self, link: &AccountTicket, connection: &Connection, said: &Said) -> Response {
        let client = self.client(link);
        let mut page = self.screen("reset-password", "reset-password", client.as_deref());
        page.subject = Some(Subject { lead: None, text: link.email.clone(), edit: None });
        let mut form = self.form(RESET);
        // Password managers save the password under it.
        form.hidden.push(("username", link.email.clone()));
        if let Some(state) = &said.state {
            form.hidden.push(("state", state.clone()));
        }
        let field = |name, label: &str, error: Option<&str>, focus, last| Field {
            kind: Kind::NewPassword,
            name,
            label: page.texts.get(label),
            value: String::new(),
            hint: None,
            error: error.map(|key| page.texts.get(key)),
            focus,
            last,
        };
        let again = said.again.is_some();
        form.fields.push(field("password", "passwordPlaceholder", said.password, !again, false));
        form.fields.push(field("re-enter-password", "reEnterpasswordPlaceholder", said.again, again, true));
        form.buttons.push(Button { text: page.texts.get("buttonText"), value: "default", primary: true });
        page.policy = Some(Policy::of(connection, &page.texts, said.refused.as_deref()));
        page.form = Some(form);
        page.alert = said.told.clone().or_else(|| said.alert.then(|| page.texts.get("reset-failed")));
        let status = if page.has_error() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        let callback = client.as_ref().and_then(|client| client.callbacks.first());
        page.respond(status, &[callback.map_or("", String::as_str)])
    }
}

/// What the form says besides its question.
#[derive(Default)]
struct Said {
    password: Option<&'static str>,
    again: Option<&'static str>,
    /// The password that the rules refuse.
    refused: Option<String>,
    /// It could not be changed.
    alert: bool,
    /// Why not, in a script's own words.
    told: Option<String>,
    /// The transaction in which the tenant's actions let the reset pass.
    state: Option<String>,
}

pub(crate) async fn reset_form(
    cx: RequestCx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Stop> {
    let ticket = ticket_of(query.as_deref().unwrap_or_default().as_bytes());
    let look = Look::new(cx, &headers, ticket);
    let link = live(&look.cx, Purpose::ResetPassword, &look.ticket).await?;
    let found = link.and_then(|link| Some((look.cx.tenant.connection(&link.connection)?.clone(), link)));
    Ok(match found {
        Some((_, link)) if reset::any(&look.cx) => challenge::ask(&look, &link),
        Some((connection, link)) => look.choose(&link, &connection, &Said::default()),
        None => look.gone(Purpose::ResetPassword),
    })
}

pub(crate) async fn reset(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let params = Params::from_body(&headers, &body)?;
    let text = |name| params.text(name).unwrap_or_default().to_owned();
    let (password, again) = (text("password"), text("re-enter-password"));
    let look = Look::new(cx.clone(), &headers, text("ticket"));
    let link = live(&cx, Purpose::ResetPassword, &look.ticket).await?;
    let found = link.and_then(|link| Some((cx.tenant.connection(&link.connection)?.clone(), link)));
    let Some((connection, link)) = found else { return Ok(look.gone(Purpose::ResetPassword)) };
    let passed = match reset::any(&cx) {
        false => None,
        true if params.has("begin") => return challenge::begin(&look, &link, &connection).await,
        true => match challenge::passed(&look, params.text("state")).await? {
            Some(passed) => Some(passed),
            // Without the cookie, or after its time: the actions have to look again.
            None => return Ok(challenge::ask(&look, &link)),
        },
    };
    let state = passed.as_ref().map(|(waiting, _)| waiting.state.clone());
    let wrong = |said: Said| Ok(look.choose(&link, &connection, &Said { state: state.clone(), ..said }));
    match (password.is_empty(), again.is_empty(), password == again) {
        (true, ..) => return wrong(Said { password: Some("no-password-reset"), ..Said::default() }),
        (_, true, _) => return wrong(Said { again: Some("no-re-enter-password"), ..Said::default() }),
        (.., false) => return wrong(Said { again: Some("password-mismatch"), ..Said::default() }),
        (false, false, true) => {}
    }
    let user = user(&cx, &link).await?.unwrap_or_default();
    let person = Person::of(|name| user.get(name));
    let (app, tenant, account) = (&cx.app, &cx.tenant.id, Some(&*link.user_id));
    let vetted =
        passwords::vetted(&app.db, &app.passwords, tenant, &connection, account, &person, &password).await;
    let hash = match vetted {
        Ok(hash) => hash,
        Err(NewPasswordError::Weak(weakness)) => {
            failed(&cx, &link, &connection, weakness.name()).await?;
            let key = match weakness {
                Weakness::Strength { .. } => "password-too-weak",
                Weakness::Common => "password-too-common",
                Weakness::PersonalInfo => "password-contains-user-information",
                Weakness::Used { .. } => "password-previously-used",
            };
            return wrong(Said { password: Some(key), refused: Some(password), ..Said::default() });
        }
        Err(NewPasswordError::Hash(error)) => return Err(Fault::from(error).into()),
        Err(NewPasswordError::Store(error)) => return Err(error.into()),
    };
    let done = async |mut link: AccountTicket| {
        if let Some((waiting, reset)) = &passed {
            challenge::spend(&cx, waiting).await?;
            link.result_url = reset.result_url.clone().or(link.result_url);
        }
        changed(&look, &link).await
    };
    if let Some(custom) = custom_database::of(&cx, &connection).filter(|custom| !custom.imports()) {
        return match custom.reset(token_hash(&look.ticket), &password).await? {
            Ok(link) => done(link).await,
            Err(Unchanged::Gone) => Ok(look.gone(Purpose::ResetPassword)),
            Err(Unchanged::Refused(text)) => wrong(Said { told: text, alert: true, ..Said::default() }),
        };
    }
    let change = Change { cx: cx.clone(), ticket_hash: token_hash(&look.ticket), hash };
    match cx.app.db.write(move |tx| Box::pin(change.record(tx))).await? {
        Some((link, user)) => {
            told_of_change(&look, &link, &connection, &user);
            done(link).await
        }
        None => Ok(look.gone(Purpose::ResetPassword)),
    }
}

/// Tells the tenant's scripts.
fn told_of_change(look: &Look, link: &AccountTicket, connection: &Arc<Connection>, user: &User) {
    let (client, sent) = (look.client(link), Sent::typed(std::iter::empty()));
    afterwards::password_changed(&look.cx, client.as_ref(), connection, user, &sent);
}

/// The password is a new one: on to the tenant's address, or a page that leads back to the login.
async fn changed(look: &Look, link: &AccountTicket) -> Result<Response, Stop> {
    let (cx, client) = (&look.cx, look.client(link));
    let mut page = look.screen("reset-password", "reset-password-success", client.as_deref());
    if let Some(target) =
        account_result::target(cx, client.as_deref(), link, "reset_email", &page.title).await?
    {
        return Ok(go(target.as_str()));
    }
    let left = match &client {
        Some(client) => login_transaction::left_behind(cx, &client.client_id, &link.email).await?,
        None => None,
    };
    let text = page.texts.get("buttonText");
    let mut cookie = None;
    if let (Some(begun), Some(client)) = (left, &client) {
        let asked = begun.row.progress.params.get("connection").map(String::as_str);
        if let Ok(first) = first_page(cx, &client.client_id, asked) {
            let href = format!("{first}?state={}", begun.state);
            page.onward = Some(Link { lead: None, text, href });
            cookie = Some(begun.cookie);
        }
    } else if let Some(url) = login_transaction::start_anew(cx, client.as_deref()) {
        page.onward = Some(Link { lead: None, text, href: url.into() });
    }
    let mut response = page.respond(StatusCode::OK, &[]);
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

pub(crate) async fn verify_form(
    cx: RequestCx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Stop> {
    let ticket = ticket_of(query.as_deref().unwrap_or_default().as_bytes());
    let look = Look::new(cx, &headers, ticket);
    let Some(link) = live(&look.cx, Purpose::VerifyEmail, &look.ticket).await? else {
        return Ok(look.gone(Purpose::VerifyEmail));
    };
    let client = look.client(&link);
    let mut page = look.screen("email-verification", "email-verification-result", client.as_deref());
    page.subject = Some(Subject { lead: None, text: link.email.clone(), edit: None });
    let mut form = look.form(VERIFY);
    form.buttons.push(Button { text: page.texts.get("buttonText"), value: "default", primary: true });
    page.form = Some(form);
    let callback = client.as_ref().and_then(|client| client.callbacks.first());
    Ok(page.respond(StatusCode::OK, &[callback.map_or("", String::as_str)]))
}

pub(crate) async fn verify(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let params = Params::from_body(&headers, &body)?;
    let look = Look::new(cx.clone(), &headers, params.text("ticket").unwrap_or_default().to_owned());
    let proof = Proof { cx: cx.clone(), ticket_hash: token_hash(&look.ticket) };
    let Some(link) = cx.app.db.write(move |tx| Box::pin(proof.record(tx))).await? else {
        return Ok(look.gone(Purpose::VerifyEmail));
    };
    if let Some(connection) = cx.tenant.connection(&link.connection).cloned() {
        custom_database::note_proved(&cx, &connection, &link).await?;
    }
    let client = look.client(&link);
    let mut page = look.screen("email-verification", "email-verification-result", client.as_deref());
    page.title = page.texts.get("verifiedTitle");
    page.description = page.texts.get("verifiedDescription");
    if let Some(target) =
        account_result::target(&cx, client.as_deref(), &link, "verify_email", &page.title).await?
    {
        return Ok(go(target.as_str()));
    }
    Ok(page.respond(StatusCode::OK, &[]))
}

/// On to an address of the tenant's. The link's secret is in this one's: it must not travel on.
fn go(target: &str) -> Response {
    match HeaderValue::from_str(target) {
        Ok(target) => {
            let quiet = HeaderValue::from_static("no-referrer");
            respond::no_store((
                StatusCode::FOUND,
                [(header::LOCATION, target), (header::REFERRER_POLICY, quiet)],
            ))
        }
        Err(_) => axum::response::IntoResponse::into_response(Fault::internal("no header value")),
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
    let read =
        cx.app.db.read(move |tx| Box::pin(async move { users::by_account(tx, &tenant, &user_id).await }));
    Ok(read.await?)
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
    async fn record(self, tx: &mut Tx) -> Result<Option<(AccountTicket, User)>, Stop> {
        let (cx, tenant, now) = (&self.cx, &self.cx.tenant.id, self.cx.now);
        let spent =
            account_tickets::spend(tx, tenant, Purpose::ResetPassword, &self.ticket_hash, now).await?;
        let Some(link) = spent else { return Ok(None) };
        let (user_id, email) = (&link.user_id, link.proves_email.then_some(&*link.email));
        let changed = users::change_password(tx, tenant, user_id, email, Some(&self.hash), now).await?;
        let Some(user) = changed.and_then(|user| serde_json::from_value(user).ok()) else { return Ok(None) };
        log(tx, cx, "scp", &link).await?;
        Ok(Some((link, user)))
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
