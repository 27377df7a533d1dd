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
use gatewright_core::authorize::prompt::{LoginReason, Step, next};
use gatewright_core::authorize::{self, Ask, Refusal, Request, pushed};
use gatewright_core::client::Client;
use gatewright_core::explain;
use gatewright_core::login::screens::NoPage;
use gatewright_core::reasons::change::{ChangeFacts, change};
use gatewright_http::params::ParamsError;
use gatewright_http::{Fault, Params, RequestCx, respond};
use gatewright_resources::login_transactions::Progress;
use serde_json::{Value, json};

use self::found::{Found, find};
use self::refuse::{refuse_back, refused, refused_asking};
use super::account_links;
use super::device;
use super::login::{PROVIDER, first_page, sign_up_page};
use crate::decision::Wanted;
use crate::login_transaction::{self, Found as FoundTransaction, Waiting};
use crate::pages::{ErrorPage, texts};
use crate::scripts::event::Sent;
use crate::social;
use crate::stop::Stop;

pub(crate) mod by_form;
pub(crate) mod by_link;
pub(crate) mod by_provider;
mod draft;
pub(super) mod found;
mod issue;
pub(crate) mod par;
mod park;
pub(crate) mod pipeline;
mod refuse;
mod second_factor;

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
            return go_on(cx, params, Origin::Waited(waiting, None)).await;
        }
        FoundTransaction::Over(client_id) => (client_id, false),
        FoundTransaction::OtherBrowser(client_id) => (Some(client_id), true),
    };
    Ok(login_transaction::lost(&cx, client_id.as_deref(), other_browser, language))
}

/// `GET|POST /continue`: the browser comes back from where a script sent it.
pub(crate) async fn continue_by_get(cx: RequestCx, RawQuery(query): RawQuery) -> Result<Response, Stop> {
    let params = Params::from_urlencoded(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let sent = Sent::query(params.names().filter_map(|name| Some((name, params.text(name)?))));
    come_back(cx, params.text("state"), sent).await
}

/// The same with a form.
pub(crate) async fn continue_by_post(
    cx: RequestCx,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Stop> {
    let query = Params::from_urlencoded(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let params = Params::from_body(&headers, &body)?;
    let in_query = Sent::query(query.names().filter_map(|name| Some((name, query.text(name)?))));
    let sent = Sent { query: in_query.query, ..Sent::body(&params) };
    come_back(cx, query.text("state").or(params.text("state")), sent).await
}

async fn come_back(cx: RequestCx, state: Option<&str>, sent: Sent) -> Result<Response, Stop> {
    match login_transaction::find(&cx, state).await? {
        FoundTransaction::Live(waiting) if waiting.row.progress.reset.is_some() => {
            let language = texts::language(&cx.tenant, None, None);
            let back = account_links::come_back(cx.clone(), *waiting, sent, language).await?;
            Ok(back.unwrap_or_else(|| nothing_to_continue(&cx)))
        }
        FoundTransaction::Live(waiting) => {
            let scripts = waiting.row.progress.scripts.as_ref();
            if scripts.is_some_and(|scripts| scripts.waits_for.is_some()) {
                let params = waiting_params(&waiting)?;
                return go_on(cx, params, Origin::Waited(waiting, Some(sent))).await;
            }
            Ok(nothing_to_continue(&cx))
        }
        FoundTransaction::OtherBrowser(client_id) => {
            Ok(login_transaction::lost(&cx, Some(&client_id), true, None))
        }
        FoundTransaction::Over(_) => Ok(nothing_to_continue(&cx)),
    }
}

/// Compat: a state that is missing, unknown or spent is `invalid_request`, on a page.
fn nothing_to_continue(cx: &RequestCx) -> Response {
    let error = OAuthError::invalid_request("There is no login to continue with this state.");
    ErrorPage::of(cx, &error.because("continue_state_unknown")).respond()
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
            Err(unchecked) => return unchecked.answer(cx).await,
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

/// A request that did not.
struct Unchecked {
    client: Option<Arc<Client>>,
    refusal: Box<Refusal>,
    /// What the log keeps of it.
    asked: Value,
}

impl Unchecked {
    /// Tells the log and the caller.
    async fn answer(self, cx: &RequestCx) -> Result<Response, Stop> {
        let Self { client, refusal, asked } = self;
        refused_asking(cx, client.as_deref(), *refusal, asked).await
    }
}

/// Holds parameters against every check of a request; `pushed`: the client pushed them.
fn checked(cx: &RequestCx, params: &Params, pushed: bool) -> Result<Checked, Unchecked> {
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
            Err(Unchecked { client: None, refusal: Box::new(Refusal::Page(error)), asked: Value::Null })
        }
        (Err(refusal), client) => {
            let asked = json!(explain::asked::authorize(|name| params.text(name), pushed));
            Err(Unchecked { client, refusal: Box::new(refusal), asked })
        }
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
    /// The browser has come back from where a script sent it, with this.
    back: Option<Sent>,
}

impl Asked {
    /// What the log keeps of the request, so that it can be decided again.
    fn recorded(&self) -> Value {
        let param = |name: &str| self.params.get(name).map(String::as_str);
        json!(explain::asked::authorize(param, self.pushed.is_some()))
    }

    /// How far the login has come, where it waited.
    fn progress(&self) -> Option<&Progress> {
        self.waiting.as_ref().map(|waiting| &waiting.row.progress)
    }
}

/// How a request came here.
enum Origin {
    /// In a URL or a form.
    Sent,
    /// By its `request_uri`, whose hash this is.
    Pushed(String),
    /// It was sent or pushed before, and waited while its user was asked something, or was where a script
    /// sent the browser; then it comes back with something.
    Waited(Box<Waiting>, Option<Sent>),
}

async fn go_on(cx: RequestCx, params: Params, origin: Origin) -> Result<Response, Stop> {
    let (waiting, pushed, back) = match origin {
        Origin::Sent => (None, None, None),
        Origin::Pushed(uri_hash) => (None, Some(uri_hash), None),
        Origin::Waited(waiting, back) => {
            let pushed = waiting.row.progress.pushed.clone();
            (Some(*waiting), pushed, back)
        }
    };
    let (request, client, params) = match checked(&cx, &params, pushed.is_some()) {
        Ok(checked) => checked,
        Err(unchecked) => return unchecked.answer(&cx).await,
    };
    let wanted = Wanted::of(&cx, &request);
    let asked = Asked { client, request, wanted, params, waiting, pushed, back };
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
    let facts = ChangeFacts { client_id: &client.client_id, ..ChangeFacts::default() };
    // A page that sent a ticket waits for an answer at its callback, in whatever mode.
    if request.prompt.none || reason == LoginReason::TicketUnusable {
        let error = OAuthError::login_required().because(reason.code());
        let error = error.lifted_by(change(reason.code(), &facts));
        let told = json!({"asked": asked.recorded(), "login": login});
        return refuse_back(cx, client, request, error, told).await;
    }
    let page = match first_page(cx, &client.client_id, request.connection.as_deref()) {
        Ok(page) => page,
        Err(no_page) => {
            let error = match no_page {
                NoPage::ConnectionNotUsable => not_usable(cx, client, request.connection.as_deref()),
                NoPage::NoConnection => {
                    OAuthError::invalid_request("No connection with a login page is enabled for the client.")
                        .because("no_connection")
                }
            };
            let told = json!({"asked": asked.recorded(), "login": login});
            return refuse_back(cx, client, request, error, told).await;
        }
    };
    if let Some(waiting) = waiting {
        return show(cx, asked, page, &waiting.state, None).await;
    }
    let wants_sign_up = params.get("screen_hint").is_some_and(|hint| hint == "signup");
    let sign_up = sign_up_page(cx, &client.client_id, request.connection.as_deref());
    let page = sign_up.filter(|_| wants_sign_up).unwrap_or(page);
    let progress = Progress {
        params: params.clone(),
        pushed: pushed.clone(),
        login_reason: Some(reason.code().to_owned()),
        ..Progress::default()
    };
    let begun = login_transaction::draw(cx, &client.client_id, progress);
    login_transaction::begin(cx, &begun).await?;
    show(cx, asked, page, &begun.state, Some(begun.cookie)).await
}

/// Sends the browser to a hosted page, or to the provider of the connection that the request names.
async fn show(
    cx: &RequestCx,
    asked: &Asked,
    page: &str,
    state: &str,
    cookie: Option<HeaderValue>,
) -> Result<Response, Stop> {
    let Asked { client, request, params, .. } = asked;
    let named = request.connection.as_deref().filter(|_| page == PROVIDER);
    let Some(connection) = named.and_then(|name| cx.tenant.connection_for(name, &client.client_id)) else {
        return Ok(to_page(page, state, cookie));
    };
    match social::depart(cx, state, params, connection).await? {
        Ok(url) => {
            let response = respond::no_store((StatusCode::FOUND, [(header::LOCATION, url)]));
            Ok(with_cookie(response, cookie))
        }
        Err(error) => refuse_back(cx, client, request, error, json!({})).await,
    }
}

/// Why nobody can log in at the connection that the request names.
fn not_usable(cx: &RequestCx, client: &Client, name: Option<&str>) -> OAuthError {
    match name.and_then(|name| cx.tenant.connection_for(name, &client.client_id)) {
        // It is stored, so that tools keep working, and enabled, so that its owner expects it to work.
        Some(connection) => OAuthError::invalid_request(format!(
            "Logging in with connections of the type {} is not supported by this server.",
            connection.strategy
        ))
        .because("strategy_not_built"),
        None => {
            OAuthError::invalid_request("The connection does not exist or is not enabled for the client.")
                .because("connection_not_usable")
        }
    }
}

/// Sends the browser to a hosted page.
fn to_page(page: &str, state: &str, cookie: Option<HeaderValue>) -> Response {
    let target = format!("{page}?state={state}");
    with_cookie(respond::no_store((StatusCode::FOUND, [(header::LOCATION, target)])), cookie)
}

/// Adds a cookie to an answer.
fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
