//! `GET|POST /authorize`: from a login, just made or still alive, to tokens or a code.
//!
//! A login is known by a ticket, by the session, or by the hosted pages, which come back through
//! `/authorize/resume`. Who has to be asked something is sent to those pages; the request waits in a
//! login transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_core::authorize::prompt::{LoginFacts, LoginReason, Step, next};
use gatewright_core::authorize::{self, Ask, ErrorRedirect, Refusal, Request, ResponseMode, pushed};
use gatewright_core::client::Client;
use gatewright_core::login::cross_origin::{self, TicketFacts, TicketVerdict};
use gatewright_core::login::screens::NoPage;
use gatewright_core::scope::Flow;
use gatewright_core::user::User;
use gatewright_http::params::ParamsError;
use gatewright_http::{Fault, Params, RequestCx, cookies, respond};
use gatewright_jose::{constant_time_eq, token_hash};
use gatewright_resources::grants::{self, Parties};
use gatewright_resources::login_tickets::{self, LoginTicket};
use gatewright_resources::login_transactions::{PageLogin, Progress};
use gatewright_resources::sessions::Session;
use gatewright_resources::{logs, users};
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

use super::device;
use super::login::{first_page, sign_up_page};
use crate::decision::Wanted;
use crate::events;
use crate::login_ticket::{BINDING_COOKIE, BINDING_COOKIE_PARTITIONED};
use crate::login_transaction::{self, Found as FoundTransaction, Waiting};
use crate::pages::{ErrorPage, answer};
use crate::stop::Stop;
use crate::{id_token_hint, session};

pub(crate) mod by_form;
pub(crate) mod by_link;
mod issue;
pub(crate) mod par;

pub(crate) async fn by_get(cx: RequestCx, RawQuery(query): RawQuery) -> Result<Response, Stop> {
    let params = Params::from_urlencoded(query.unwrap_or_default().as_bytes());
    authorize(cx, params).await
}

/// OpenID Connect Core section 3.1.2.1: the request may also come as a form.
pub(crate) async fn by_post(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let params = Params::from_body(&headers, &body);
    authorize(cx, params).await
}

async fn authorize(cx: RequestCx, params: Result<Params, ParamsError>) -> Result<Response, Stop> {
    let params = match params {
        Ok(params) => params,
        Err(error) => {
            return Ok(ErrorPage::of(&cx, &OAuthError::invalid_request(error.to_string())).respond());
        }
    };
    // RFC 9126 section 4. Only what was pushed counts; the rest of this request is ignored.
    if let Some(uri) = params.text("request_uri").filter(|uri| pushed::is_pushed(uri)) {
        let client_id = params.text("client_id").map(str::to_owned);
        return match par::find(&cx, client_id.as_deref(), uri).await? {
            Some(found) => {
                let params = as_params(&found.params)?;
                go_on(cx, params, Origin::Pushed(found.uri_hash)).await
            }
            None => {
                let client = client_id.and_then(|client_id| cx.tenant.client(&client_id).cloned());
                refused(&cx, client.as_deref(), Refusal::Page(pushed::unknown())).await
            }
        };
    }
    go_on(cx, params, Origin::Sent).await
}

/// `GET /authorize/resume`: the hosted pages are done with their user.
pub(crate) async fn resume(
    cx: RequestCx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Stop> {
    let params = Params::from_urlencoded(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let language = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let (client_id, other_browser) = match login_transaction::find(&cx, params.text("state")).await? {
        FoundTransaction::Live(waiting) => {
            if let Some(device) = waiting.row.progress.device.clone() {
                return device::resume(&cx, *waiting, device, language).await;
            }
            let params = waiting_params(&waiting)?;
            return go_on(cx, params, Origin::Waited(waiting)).await;
        }
        FoundTransaction::Over(client_id) => (client_id, false),
        FoundTransaction::OtherBrowser(client_id) => (Some(client_id), true),
    };
    Ok(login_transaction::lost(&cx, client_id.as_deref(), other_browser, language))
}

/// The user said no on the consent page; the transaction is spent.
pub(crate) async fn declined(
    cx: &RequestCx,
    waiting: &Waiting,
    language: &'static str,
) -> Result<Response, Stop> {
    if waiting.row.progress.device.is_some() {
        let error =
            OAuthError::access_denied("User did not authorize the request").because("consent_declined");
        return device::refuse(cx, waiting, "fdeac", error, json!({}), language).await;
    }
    let (request, client, _) =
        match checked(cx, &waiting_params(waiting)?, waiting.row.progress.pushed.is_some()) {
            Ok(checked) => checked,
            Err((client, refusal)) => return refused(cx, client.as_deref(), *refusal).await,
        };
    let error = OAuthError::access_denied("User did not authorize the request").because("consent_declined");
    refuse_back(cx, &client, &request, error, json!({"consent": {"reason": "consent_declined"}})).await
}

fn waiting_params(waiting: &Waiting) -> Result<Params, Stop> {
    as_params(&waiting.row.progress.params)
}

fn as_params(params: &BTreeMap<String, String>) -> Result<Params, Stop> {
    let text = serde_urlencoded::to_string(params).map_err(Fault::internal)?;
    Ok(Params::from_urlencoded(text.as_bytes())?)
}

/// A request that passed every check, its client, and its parameters as sent.
type Checked = (Request, Arc<Client>, BTreeMap<String, String>);

/// Holds parameters against every check of a request; `pushed`: the client pushed them.
fn checked(
    cx: &RequestCx,
    params: &Params,
    pushed: bool,
) -> Result<Checked, (Option<Arc<Client>>, Box<Refusal>)> {
    let ask = Ask { pushed, ..Ask::read(|name| params.text(name).map(str::to_owned)) };
    let client = ask.client_id.as_deref().and_then(|client_id| cx.tenant.client(client_id)).cloned();
    match (authorize::check(&ask, client.as_deref()), client) {
        (Ok(request), Some(client)) => {
            // A ticket is used now or never.
            let names = params.names().filter(|name| *name != "login_ticket");
            let sent = names.filter_map(|name| Some((name.to_owned(), params.text(name)?.to_owned())));
            Ok((request, client, sent.collect()))
        }
        (Ok(_), None) => {
            let error = OAuthError::invalid_request("Unknown client.").because("client_unknown");
            Err((None, Box::new(Refusal::Page(error))))
        }
        (Err(refusal), client) => Err((client, Box::new(refusal))),
    }
}

/// What is asked, on its way to an answer.
struct Asked {
    client: Arc<Client>,
    request: Request,
    wanted: Wanted,
    /// The parameters as sent.
    params: BTreeMap<String, String>,
    /// The transaction in which it waited.
    waiting: Option<Waiting>,
    /// The hash of the `request_uri` under which it was pushed; the answer spends it.
    pushed: Option<String>,
}

/// How a request came here.
enum Origin {
    /// In a URL or a form.
    Sent,
    /// By its `request_uri`, whose hash this is.
    Pushed(String),
    /// It was sent or pushed before, and waited while its user was asked something.
    Waited(Box<Waiting>),
}

async fn go_on(cx: RequestCx, params: Params, origin: Origin) -> Result<Response, Stop> {
    let (waiting, pushed) = match origin {
        Origin::Sent => (None, None),
        Origin::Pushed(uri_hash) => (None, Some(uri_hash)),
        Origin::Waited(waiting) => {
            let pushed = waiting.row.progress.pushed.clone();
            (Some(*waiting), pushed)
        }
    };
    let (request, client, params) = match checked(&cx, &params, pushed.is_some()) {
        Ok(checked) => checked,
        Err((client, refusal)) => return refused(&cx, client.as_deref(), *refusal).await,
    };
    let wanted = Wanted::new(&cx, request.scope.as_deref(), request.audience.as_deref(), flow(&request));
    let asked = Asked { client, request, wanted, params, waiting, pushed };
    let found = find(&cx, &asked).await?;
    let progress = asked.waiting.as_ref().map(|waiting| &waiting.row.progress);
    let known = match progress {
        Some(Progress { login: Some(login), .. }) => found.known_by_page(login),
        Some(Progress { session_id: Some(session_id), .. }) => found.known_by_session(session_id),
        _ => match next(&asked.request, &asked.client, found.login_facts(&cx, &asked), cx.now) {
            Step::Login(reason) => return ask_to_log_in(&cx, &asked, &found, reason).await,
            step => found.known(step),
        },
    };
    match known {
        Some(known) => issue::issue(&cx, asked, known).await,
        // The user was deleted, or the session was ended, since it was noted.
        None => ask_to_log_in(&cx, &asked, &found, LoginReason::NoSession).await,
    }
}

const fn flow(request: &Request) -> Flow<'static> {
    match (request.response_types.code, request.response_types.has_token_or_id_token()) {
        (true, true) => Flow::Hybrid,
        (true, false) => Flow::Code,
        (false, _) => Flow::Implicit,
    }
}

/// What the database knows of the browser and its user.
#[derive(Default)]
struct Found {
    ticket: Option<(LoginTicket, TicketVerdict)>,
    ticket_verdict: Option<TicketVerdict>,
    ticket_user: Option<Person>,
    session: Option<Session>,
    session_user: Option<Person>,
    page_user: Option<Person>,
}

/// A user with the permissions that the scope decision may need.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) user: User,
    pub(super) permissions: Vec<String>,
    /// Scopes the user has allowed this client before.
    pub(super) allowed: Vec<String>,
}

/// Who goes on, and how they are known.
struct Known {
    person: Person,
    by: By,
}

/// How a user is known.
enum By {
    /// By the session of this browser.
    Session(Session),
    /// By a login just made; a new session begins and replaces the browser's old one.
    Ticket { ticket: LoginTicket, verdict: TicketVerdict, replaces: Option<Session> },
    /// By the hosted pages; likewise.
    Page { login: PageLogin, replaces: Option<Session> },
}

impl Found {
    fn login_facts(&self, cx: &RequestCx, asked: &Asked) -> LoginFacts {
        let connection = self.session.as_ref().map(|session| session.connection.as_str());
        // A hint that is none of ours says nothing.
        let hint = asked.params.get("id_token_hint").and_then(|hint| id_token_hint::claims(cx, hint).ok());
        let hinted = hint.as_ref().and_then(|claims| claims["sub"].as_str());
        let user_id = self.session.as_ref().map(|session| session.user_id.as_str());
        LoginFacts {
            session_of_other_user: hinted.is_some() && hinted != user_id,
            session_at_connection: connection.is_some() && connection == asked.request.connection.as_deref(),
            ticket_usable: self.ticket_verdict.map(|verdict| matches!(verdict, TicketVerdict::Accepted(_))),
            session_authenticated_at: self.session.as_ref().map(|session| session.authenticated_at),
        }
    }

    fn known(&self, step: Step) -> Option<Known> {
        if step == Step::UseTicket {
            let (ticket, verdict) = self.ticket.clone()?;
            let by = By::Ticket { ticket, verdict, replaces: self.session.clone() };
            return Some(Known { person: self.ticket_user.clone()?, by });
        }
        Some(Known { person: self.session_user.clone()?, by: By::Session(self.session.clone()?) })
    }

    fn known_by_page(&self, login: &PageLogin) -> Option<Known> {
        let by = By::Page { login: login.clone(), replaces: self.session.clone() };
        Some(Known { person: self.page_user.clone()?, by })
    }

    fn known_by_session(&self, session_id: &str) -> Option<Known> {
        self.session.as_ref().filter(|session| session.session_id == session_id)?;
        self.known(Step::UseSession)
    }
}

async fn find(cx: &RequestCx, asked: &Asked) -> Result<Found, StoreError> {
    let ticket_hash = asked.request.login_ticket.as_deref().map(token_hash);
    let sessions = session::presented(cx);
    let login = asked.waiting.as_ref().and_then(|waiting| waiting.row.progress.login.clone());
    if ticket_hash.is_none() && sessions.is_empty() && login.is_none() {
        return Ok(Found::default());
    }
    let (cx, client, wanted) = (cx.clone(), Arc::clone(&asked.client), asked.wanted.clone());
    let db = cx.app.db.clone();
    let read = db.read(move |tx| {
        Box::pin(async move {
            let mut found = Found { session: session::live(tx, &cx, &sessions).await?, ..Found::default() };
            if let Some(session) = &found.session {
                found.session_user = person(tx, &cx, &client, &wanted, &session.user_id).await?;
            }
            if let Some(login) = login {
                found.page_user = person(tx, &cx, &client, &wanted, &login.user_id).await?;
            }
            if let Some(hash) = ticket_hash {
                let ticket = login_tickets::by_hash(tx, &cx.tenant.id, &hash).await?;
                let verdict = judge_ticket(&cx, &client, ticket.as_ref());
                if let Some(ticket) = ticket {
                    found.ticket_user = person(tx, &cx, &client, &wanted, &ticket.user_id).await?;
                    found.ticket = Some((ticket, verdict));
                }
                found.ticket_verdict = Some(verdict);
            }
            Ok::<_, StoreError>(found)
        })
    });
    read.await
}

pub(super) async fn person(
    tx: &mut Tx,
    cx: &RequestCx,
    client: &Client,
    wanted: &Wanted,
    user_id: &str,
) -> Result<Option<Person>, StoreError> {
    let Some(document) = users::by_id(tx, &cx.tenant.id, user_id).await? else { return Ok(None) };
    let user: User =
        serde_json::from_value(document).map_err(|error| StoreError::Mismatch(error.to_string()))?;
    let permissions = wanted.permissions(tx, cx, user_id).await?;
    let audience = grant_audience(cx, wanted);
    let parties = Parties { user_id, client_id: &client.client_id, audience: &audience };
    let allowed = grants::scopes(tx, &cx.tenant.id, parties).await?;
    Ok(Some(Person { user, permissions, allowed }))
}

/// The API that a user's grant is about; without one it is `/userinfo`.
pub(super) fn grant_audience(cx: &RequestCx, wanted: &Wanted) -> String {
    wanted.audience.clone().unwrap_or_else(|| cx.issuer.userinfo_audience())
}

fn judge_ticket(cx: &RequestCx, client: &Client, ticket: Option<&LoginTicket>) -> TicketVerdict {
    let Some(ticket) = ticket else { return cross_origin::verdict(None, cx.now) };
    let sent = |name| {
        cookies::values(&cx.cookies, name)
            .any(|value| constant_time_eq(token_hash(value).as_bytes(), ticket.binding_hash.as_bytes()))
    };
    let facts = TicketFacts {
        client_matches: ticket.client_id == client.client_id,
        expires_at: ticket.expires_at,
        used: ticket.used_at.is_some(),
        plain_cookie_matches: sent(BINDING_COOKIE),
        partitioned_cookie_matches: sent(BINDING_COOKIE_PARTITIONED),
        recorded_origin: Some(&ticket.origin),
        registered_origins: &client.web_origins,
        // A page of this host gets its cookies back, so nothing else has to do for it.
        referer: cx.referer_origin.as_deref().filter(|_| ticket.origin != cx.issuer.origin()),
    };
    cross_origin::verdict(Some(&facts), cx.now)
}

/// The user must log in: `login_required` where nothing may be shown, else the hosted page.
async fn ask_to_log_in(
    cx: &RequestCx,
    asked: &Asked,
    found: &Found,
    reason: LoginReason,
) -> Result<Response, Stop> {
    let Asked { client, request, params, waiting, pushed, .. } = asked;
    let login = match found.ticket_verdict {
        Some(verdict) => {
            json!({"reason": verdict.code(), "says": verdict.says(), "remedy": verdict.remedy()})
        }
        None => json!({"reason": reason.code()}),
    };
    // A page that sent a ticket waits for an answer at its callback, in whatever mode.
    if request.prompt.none || reason == LoginReason::TicketUnusable {
        let error = OAuthError::login_required().because(reason.code());
        return refuse_back(cx, client, request, error, json!({"login": login})).await;
    }
    let page = match first_page(cx, &client.client_id, request.connection.as_deref()) {
        Ok(page) => page,
        Err(no_page) => {
            let error = match no_page {
                NoPage::ConnectionNotUsable => OAuthError::invalid_request(
                    "The connection does not exist or is not enabled for the client.",
                )
                .because("connection_not_usable"),
                NoPage::NoConnection => {
                    OAuthError::invalid_request("No connection with a login page is enabled for the client.")
                        .because("no_connection")
                }
            };
            return refuse_back(cx, client, request, error, json!({"login": login})).await;
        }
    };
    if let Some(waiting) = waiting {
        return Ok(to_page(page, &waiting.state, None));
    }
    let wants_sign_up = params.get("screen_hint").is_some_and(|hint| hint == "signup");
    let sign_up = sign_up_page(cx, &client.client_id, request.connection.as_deref());
    let page = sign_up.filter(|_| wants_sign_up).unwrap_or(page);
    let progress = Progress { params: params.clone(), pushed: pushed.clone(), ..Progress::default() };
    let begun = login_transaction::draw(cx, &client.client_id, progress);
    login_transaction::begin(cx, &begun).await?;
    Ok(to_page(page, &begun.state, Some(begun.cookie)))
}

/// Sends the browser to a hosted page.
fn to_page(page: &str, state: &str, cookie: Option<HeaderValue>) -> Response {
    let target = format!("{page}?state={state}");
    with_cookie(respond::no_store((StatusCode::FOUND, [(header::LOCATION, target)])), cookie)
}

/// Answers at the callback with an error, and logs it with what decided.
async fn refuse_back(
    cx: &RequestCx,
    client: &Client,
    request: &Request,
    error: OAuthError,
    decision: Value,
) -> Result<Response, Stop> {
    log_refusal(cx, Some(client), &error, request.prompt.none, decision).await?;
    let back = ErrorRedirect {
        redirect_uri: request.redirect_uri.clone(),
        response_mode: request.response_mode,
        state: request.state.clone(),
        error,
    };
    Ok(back_or_page(cx, Some(client), &back))
}

/// An error goes to the callback, unless the client is a third party's that may not be used as a detour
/// (`open_redirect_protection`): then it stays on a page of ours. A message to a frame is no detour.
fn back_or_page(cx: &RequestCx, client: Option<&Client>, back: &ErrorRedirect) -> Response {
    let guarded = |client: &&Client| {
        !client.is_first_party && client.redirection_policy.as_deref() == Some("open_redirect_protection")
    };
    match client.filter(guarded) {
        Some(client) if back.response_mode != ResponseMode::WebMessage => {
            ErrorPage::of(cx, &back.error).with_client(Some(client)).respond()
        }
        _ => answer::error(cx, back),
    }
}

async fn refused(cx: &RequestCx, client: Option<&Client>, refusal: Refusal) -> Result<Response, Stop> {
    let error = match &refusal {
        Refusal::Page(error) => error,
        Refusal::Redirect(back) => &back.error,
    };
    log_refusal(cx, client, error, false, json!({})).await?;
    Ok(match refusal {
        Refusal::Page(error) => ErrorPage::of(cx, &error).with_client(client).respond(),
        Refusal::Redirect(back) => back_or_page(cx, client, &back),
    })
}

async fn log_refusal(
    cx: &RequestCx,
    client: Option<&Client>,
    error: &OAuthError,
    silent: bool,
    mut decision: Value,
) -> Result<(), StoreError> {
    let mut event = events::event(cx, if silent { "fsa" } else { "f" }, client);
    event.description = Some(error.description.to_string());
    if let Some(reason) = &error.reason {
        decision["reason"] = json!(reason);
        decision["remedy"] = json!(authorize::remedy::remedy(reason));
    }
    event.details =
        json!({"error": {"message": error.description, "oauthError": error.code}, "decision": decision});
    let within = cx.clone();
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            logs::append(tx, &within.tenant.id, within.now, &within.app.random, &event).await.map(drop)
        })
    });
    write.await
}

/// Adds a cookie to an answer.
fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
