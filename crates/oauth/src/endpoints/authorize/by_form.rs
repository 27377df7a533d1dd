//! A login on a page of this host with its own form: auth0.js and Lock, where the page's host is the
//! tenant's domain (Auth0's classic login pages).
//!
//! The page sends the password to `POST /usernamepassword/login`, gets a form in HTML, and posts that to
//! `/login/callback`, which goes on as `/authorize` would. The form holds a login ticket (`wresult`) and
//! what the ticket is good for (`wctx`). The ticket's hash covers both, so neither can be changed; a
//! cookie binds it to the browser.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use gatewright_core::OAuthError;
use gatewright_core::authorize::Refusal as Refused;
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::login::cross_origin::TicketVerdict;
use gatewright_http::{Fault, Params, RequestCx, respond};
use gatewright_jose::{random_token, token_hash};
use gatewright_resources::login_tickets::{self, LoginTicket};
use gatewright_resources::login_transactions;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::found::judge_ticket;
use super::refuse::log_refusal;
use super::{Origin, Unchecked, as_params, checked, go_on};
use crate::endpoints::dbconnections;
use crate::endpoints::login::{self as pages, RESUME};
use crate::login_ticket::{NewTicket, binding_cookies};
use crate::login_transaction::{self, Found};
use crate::pages::ErrorPage;
use crate::password_login;
use crate::sign_up::Refusal;
use crate::stop::Stop;

/// `wa` of a form that signs in. The names are WS-Federation's; nothing else of it is meant.
const SIGN_IN: &str = "wsignin1.0";

/// What the body may say to `/authorize`; the rest of it is about the form.
const ASKED: [&str; 20] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "audience",
    "prompt",
    "max_age",
    "code_challenge",
    "code_challenge_method",
    "organization",
    "ui_locales",
    "acr_values",
    "claims",
    "owp",
    "request",
    "request_uri",
    "login_hint",
];

const TEXTS: [&str; 7] = ["client_id", "state", "connection", "realm", "username", "email", "password"];

/// What a ticket is good for, as the form carries it.
#[derive(Debug, Serialize, Deserialize)]
struct Context {
    protocol: String,
    strategy: String,
    tenant: String,
    connection: String,
    client_id: String,
    /// The login transaction whose page this was.
    transaction: Option<String>,
    /// Else the request, as `/authorize` would get it.
    #[serde(default)]
    params: BTreeMap<String, String>,
}

/// `POST /usernamepassword/login`.
pub(crate) async fn login(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let entry = match Entry::read(&cx, &headers, &body) {
        Ok(entry) => entry,
        Err(refusal) => return Ok(dbconnections::refused(&refusal)),
    };
    let context = match entry.context(&cx).await? {
        Ok(context) => context,
        Err(refusal) => return Ok(dbconnections::refused(&refusal)),
    };
    let Entry { client, connection, identifier, password, .. } = entry;
    let judged = password_login::verify(&cx, &client, &connection, &identifier, &password).await?;
    let user = match judged {
        Ok(user) => user,
        Err(error) => return Ok(dbconnections::refused(&wrong(&error))),
    };
    let wctx = serde_json::to_string(&context).map_err(Fault::internal)?;
    let wresult = random_token(&cx.app.random, 32);
    let (new, binding) = NewTicket::draw(&cx, cx.issuer.origin(), &ticket_of(&wresult, &wctx));
    let ticket = new.of(&cx, &client.client_id, &user.user_id, &connection.name);
    let tenant = cx.tenant.id.clone();
    let write =
        cx.app.db.write(move |tx| Box::pin(async move { login_tickets::insert(tx, &tenant, &ticket).await }));
    write.await?;
    let action = cx.issuer.join("login/callback");
    let form = Form { action: &action, wa: SIGN_IN, wresult: &wresult, wctx: &wctx };
    let html = form.render().map_err(Fault::internal)?;
    let mut response = respond::no_store(([(header::X_CONTENT_TYPE_OPTIONS, "nosniff")], Html(html)));
    for cookie in binding_cookies(&cx, &binding) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The ticket that `/authorize` sees: the secret and what it was given for.
fn ticket_of(wresult: &str, wctx: &str) -> String {
    format!("{wresult}.{}", token_hash(wctx))
}

/// Compat: SDKs insert this into their page and submit its first element, so it begins with the form.
#[derive(Template)]
#[template(path = "login_form.html")]
struct Form<'a> {
    action: &'a str,
    wa: &'static str,
    wresult: &'a str,
    wctx: &'a str,
}

/// What was typed on which page.
struct Entry {
    client: Arc<Client>,
    connection: Arc<Connection>,
    /// The parameters as sent.
    params: Params,
    identifier: String,
    password: String,
}

impl Entry {
    fn read(cx: &RequestCx, headers: &HeaderMap, body: &Bytes) -> Result<Self, Refusal> {
        // Only pages of this host log in here, so no other site can log its visitors in as somebody else.
        if let Some(origin) = cx.origin.as_deref().filter(|origin| *origin != cx.issuer.origin()) {
            let text = format!("Origin {origin} is not allowed.");
            return Err(Refusal::new(403, "unauthorized", text, "origin_not_ours"));
        }
        let params = dbconnections::params(headers, body, &TEXTS)?;
        let text = |name: &str| params.text(name);
        let client_id = text("client_id").ok_or_else(|| Refusal::bad("client_id is required"))?;
        let client = cx.tenant.client(client_id).cloned().ok_or_else(|| Refusal::bad("client not found"))?;
        let connection = password_login::connection(cx, &client, text("connection").or(text("realm")))
            .map_err(|error| Refusal::bad(error.description))?;
        let identifier = text("username").or(text("email"));
        let identifier = identifier.ok_or_else(|| Refusal::bad("username is required"))?.to_owned();
        let password = text("password").ok_or_else(|| Refusal::bad("password is required"))?.to_owned();
        Ok(Self { client, connection, params, identifier, password })
    }

    /// What the login is for: the transaction that `state` names, or else the request in the body.
    async fn context(&self, cx: &RequestCx) -> Result<Result<Context, Refusal>, Stop> {
        let mut context = Context {
            protocol: "oauth2".to_owned(),
            strategy: self.connection.strategy.clone(),
            tenant: cx.tenant.id.as_str().to_owned(),
            connection: self.connection.name.clone(),
            client_id: self.client.client_id.clone(),
            transaction: None,
            params: BTreeMap::new(),
        };
        let no = |status, text: &str, reason| Ok(Err(Refusal::new(status, "invalid_request", text, reason)));
        match login_transaction::find(cx, self.params.text("state")).await? {
            Found::Live(waiting) if waiting.row.client_id != self.client.client_id => {
                return no(
                    400,
                    "The state belongs to a login of another application.",
                    "state_of_other_client",
                );
            }
            Found::Live(waiting) if !waiting.takes(&self.connection.name) => {
                return no(
                    400,
                    "The application asked for a login at another connection.",
                    "other_connection",
                );
            }
            Found::Live(waiting) => context.transaction = Some(waiting.state),
            Found::OtherBrowser(_) => {
                return no(403, "The login was begun in another browser.", "other_browser");
            }
            Found::Over(Some(_)) => {
                return no(400, "The login is over. Begin it anew at the application.", "login_over");
            }
            // No state of ours, so it is the application's own.
            Found::Over(None) => {
                context.params = asked(&self.params);
                if let Err(Unchecked { refusal, .. }) = checked(cx, &as_params(&context.params)?, false) {
                    let error = match *refusal {
                        Refused::Page(error) => error,
                        Refused::Redirect(back) => back.error,
                    };
                    return Ok(Err(Refusal::bad(error.description)));
                }
            }
        }
        Ok(Ok(context))
    }
}

/// The parameters of `/authorize` among those of the body.
fn asked(params: &Params) -> BTreeMap<String, String> {
    let text = |name: &str| match params.value(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    };
    ASKED.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?))).collect()
}

/// Compat: this endpoint has codes of its own for the refusals of a password; Lock has texts for them.
fn wrong(error: &OAuthError) -> Refusal {
    let (status, code, name, reason) = match &*error.code {
        "invalid_grant" => (401, "invalid_user_password", "ValidationError", "password_refused"),
        "unauthorized" => (401, "unauthorized", "unauthorized", "user_blocked"),
        // By the script of a custom database.
        "access_denied" => (401, "unauthorized", "UnauthorizedError", "denied_by_script"),
        _ => (429, "too_many_attempts", "ValidationError", "too_many_tries"),
    };
    Refusal { name, ..Refusal::new(status, code, error.description.clone(), reason) }
}

/// `POST /login/callback`.
pub(crate) async fn callback(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let page = |status, text: &str, reason: &'static str| {
        let error = OAuthError::new(status, "invalid_request", text.to_owned()).because(reason);
        Ok(ErrorPage::of(&cx, &error).respond())
    };
    // A page without a Referer has the origin `null`; the cookie shows whose browser it is.
    let foreign = |origin: &&str| *origin != cx.issuer.origin() && *origin != "null";
    if cx.origin.as_deref().filter(foreign).is_some() {
        return page(403, "A login form of another site is not taken.", "origin_not_ours");
    }
    let params = Params::from_body(&headers, &body).unwrap_or_default();
    let (Some(SIGN_IN), Some(wresult), Some(wctx)) =
        (params.text("wa"), params.text("wresult"), params.text("wctx"))
    else {
        return page(400, "This is no login form of this server.", "not_a_login_form");
    };
    let presented = ticket_of(wresult, wctx);
    let (tenant, hash) = (cx.tenant.id.clone(), token_hash(&presented));
    let read =
        cx.app.db.read(move |tx| Box::pin(async move { login_tickets::by_hash(tx, &tenant, &hash).await }));
    let Some(ticket) = read.await? else {
        return page(400, "This login form was changed, or its time is over.", "ticket_unknown");
    };
    // The ticket's hash covers it, so it is as it was made.
    let context: Context = serde_json::from_str(wctx).map_err(Fault::internal)?;
    match &context.transaction {
        None => go_on(cx, with_ticket(&context.params, &presented)?, Origin::Sent).await,
        Some(state) => to_transaction(cx, state, ticket, &headers).await,
    }
}

fn with_ticket(params: &BTreeMap<String, String>, ticket: &str) -> Result<Params, Stop> {
    let mut params = params.clone();
    params.insert("login_ticket".to_owned(), ticket.to_owned());
    as_params(&params)
}

/// Notes the login in the transaction whose page it was made on.
async fn to_transaction(
    cx: RequestCx,
    state: &str,
    ticket: LoginTicket,
    headers: &HeaderMap,
) -> Result<Response, Stop> {
    let language = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let lost =
        |other_browser| Ok(login_transaction::lost(&cx, Some(&ticket.client_id), other_browser, language));
    let waiting = match login_transaction::find(&cx, Some(state)).await? {
        Found::Live(waiting) => waiting,
        Found::OtherBrowser(_) => return lost(true),
        Found::Over(_) => return lost(false),
    };
    let go = || {
        let target = format!("{RESUME}?state={state}");
        respond::no_store((StatusCode::FOUND, [(header::LOCATION, target)])).into_response()
    };
    let Some(client) = cx.tenant.client(&ticket.client_id).cloned() else { return lost(false) };
    let verdict = judge_ticket(&cx, &client, Some(&ticket));
    match verdict {
        TicketVerdict::Accepted(_) => {}
        // The form was sent twice.
        TicketVerdict::Used if pages::just_logged_in(&cx, &waiting.row.progress) => return Ok(go()),
        _ => {
            let error = OAuthError::login_required().because(verdict.code());
            let why = json!({"login": {"reason": verdict.code(), "says": verdict.says()}});
            log_refusal(&cx, Some(&client), &error, false, why).await?;
            return lost(matches!(verdict, TicketVerdict::NothingBinds | TicketVerdict::OtherOrigin));
        }
    }
    let (within, ticket_hash, name) = (cx.clone(), ticket.ticket_hash.clone(), ticket.connection.clone());
    let (state_hash, user_id) = (waiting.row.state_hash.clone(), ticket.user_id.clone());
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let (tenant, now) = (&within.tenant.id, within.now);
            let Some(mut held) = login_transactions::hold(tx, tenant, &state_hash, now).await? else {
                return Ok(false);
            };
            if !login_tickets::spend(tx, tenant, &ticket_hash, now).await? {
                return Ok(false);
            }
            held.progress.connection = Some(name.clone());
            pages::logged_in(tx, &within, held, &user_id, &name).await?;
            Ok::<_, Stop>(true)
        })
    });
    if write.await? { Ok(go()) } else { lost(false) }
}

/// `GET /login`: the address of Auth0's classic page. What it was asked leads to the page that is there.
pub(crate) async fn classic(
    cx: RequestCx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Stop> {
    let params = Params::from_urlencoded(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let language = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let (client_id, other_browser) = match login_transaction::find(&cx, params.text("state")).await? {
        Found::Live(waiting) => {
            let asked = waiting.row.progress.params.get("connection").map(String::as_str);
            let page = pages::first_page(&cx, &waiting.row.client_id, asked).unwrap_or(RESUME);
            return Ok(super::to_page(page, &waiting.state, None));
        }
        Found::Over(client_id) => (client_id, false),
        Found::OtherBrowser(client_id) => (Some(client_id), true),
    };
    Ok(login_transaction::lost(&cx, client_id.as_deref(), other_browser, language))
}
