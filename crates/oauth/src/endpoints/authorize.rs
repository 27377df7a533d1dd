//! `GET|POST /authorize`: from a login, just made or still alive, to tokens or a code.
//!
//! Built: logins by login ticket and by session, every response type and mode. The hosted login and
//! consent pages are not built: where they would be shown, an error says so.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_core::authorize::prompt::{LoginFacts, LoginReason, Step, next};
use gatewright_core::authorize::{self, Ask, ErrorRedirect, Refusal, Request};
use gatewright_core::client::Client;
use gatewright_core::login::cross_origin::{self, TicketFacts, TicketVerdict};
use gatewright_core::scope::Flow;
use gatewright_core::user::User;
use gatewright_http::params::ParamsError;
use gatewright_http::{Params, RequestCx, cookies};
use gatewright_jose::{constant_time_eq, token_hash};
use gatewright_resources::login_tickets::{self, LoginTicket};
use gatewright_resources::sessions::Session;
use gatewright_resources::{logs, users};
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

use super::co_authenticate::{BINDING_COOKIE, BINDING_COOKIE_PARTITIONED};
use crate::decision::Wanted;
use crate::events;
use crate::pages::{ErrorPage, answer};
use crate::session;
use crate::stop::Stop;

mod issue;

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
    let ask = Ask::read(|name| params.text(name).map(str::to_owned));
    let client = ask.client_id.as_deref().and_then(|client_id| cx.tenant.client(client_id)).cloned();
    let (request, client) = match (authorize::check(&ask, client.as_deref()), client) {
        (Ok(request), Some(client)) => (request, client),
        (Ok(_), None) => {
            return Err(gatewright_http::Fault::internal("checks passed without a client").into());
        }
        (Err(refusal), client) => return refused(&cx, client.as_deref(), refusal).await,
    };

    let wanted = Wanted::new(&cx, request.scope.as_deref(), request.audience.as_deref(), flow(&request));
    let found = find(&cx, &client, &request, &wanted).await?;
    match next(&request, &client, found.login_facts(), cx.now) {
        Step::Login(reason) => ask_to_log_in(&cx, &client, &request, &found, reason).await,
        step => {
            let Some(known) = found.known(step) else {
                // The user was deleted after the session or ticket was made.
                let reason = LoginReason::NoSession;
                return ask_to_log_in(&cx, &client, &request, &found, reason).await;
            };
            issue::issue(&cx, client, request, wanted, known).await
        }
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
}

/// A user with the permissions that the scope decision may need.
#[derive(Clone)]
struct Person {
    user: User,
    permissions: Vec<String>,
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
}

impl Found {
    fn login_facts(&self) -> LoginFacts {
        LoginFacts {
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
}

async fn find(
    cx: &RequestCx,
    client: &Arc<Client>,
    request: &Request,
    wanted: &Wanted,
) -> Result<Found, StoreError> {
    let ticket_hash = request.login_ticket.as_deref().map(token_hash);
    let sessions = session::presented(cx);
    if ticket_hash.is_none() && sessions.is_empty() {
        return Ok(Found::default());
    }
    let (cx, client, wanted) = (cx.clone(), Arc::clone(client), wanted.clone());
    let db = cx.app.db.clone();
    let read = db.read(move |tx| {
        Box::pin(async move {
            let mut found = Found { session: session::live(tx, &cx, &sessions).await?, ..Found::default() };
            if let Some(session) = &found.session {
                found.session_user = person(tx, &cx, &wanted, &session.user_id).await?;
            }
            if let Some(hash) = ticket_hash {
                let ticket = login_tickets::by_hash(tx, &cx.tenant.id, &hash).await?;
                let verdict = judge_ticket(&cx, &client, ticket.as_ref());
                if let Some(ticket) = ticket {
                    found.ticket_user = person(tx, &cx, &wanted, &ticket.user_id).await?;
                    found.ticket = Some((ticket, verdict));
                }
                found.ticket_verdict = Some(verdict);
            }
            Ok::<_, StoreError>(found)
        })
    });
    read.await
}

async fn person(
    tx: &mut Tx,
    cx: &RequestCx,
    wanted: &Wanted,
    user_id: &str,
) -> Result<Option<Person>, StoreError> {
    let Some(document) = users::by_id(tx, &cx.tenant.id, user_id).await? else { return Ok(None) };
    let user: User =
        serde_json::from_value(document).map_err(|error| StoreError::Mismatch(error.to_string()))?;
    let permissions = wanted.permissions(tx, cx, user_id).await?;
    Ok(Some(Person { user, permissions }))
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
        referer: cx.referer_origin.as_deref(),
    };
    cross_origin::verdict(Some(&facts), cx.now)
}

/// The user must log in: `login_required` where nothing may be shown, else the hosted page.
async fn ask_to_log_in(
    cx: &RequestCx,
    client: &Client,
    request: &Request,
    found: &Found,
    reason: LoginReason,
) -> Result<Response, Stop> {
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
    let text = "The hosted login page is not built in this version of Gatewright.";
    let error = OAuthError::new(501, "not_built", text).because("login_page_not_built");
    Ok(ErrorPage::of(cx, &error).with_client(Some(client)).respond())
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
    Ok(answer::error(cx, &back))
}

async fn refused(cx: &RequestCx, client: Option<&Client>, refusal: Refusal) -> Result<Response, Stop> {
    let error = match &refusal {
        Refusal::Page(error) => error,
        Refusal::Redirect(back) => &back.error,
    };
    log_refusal(cx, client, error, false, json!({})).await?;
    Ok(match refusal {
        Refusal::Page(error) => ErrorPage::of(cx, &error).with_client(client).respond(),
        Refusal::Redirect(back) => answer::error(cx, &back),
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
