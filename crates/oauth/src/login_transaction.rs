//! The browser's side of a login transaction: the state token in its URLs, the cookie that binds it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatewright_core::client::Client;
use gatewright_http::cookies::{self, SetCookie};
use gatewright_http::{RequestCx, respond};
use gatewright_jose::{constant_time_eq, random_token, token_hash};
use gatewright_resources::login_transactions::{self, LIFETIME_SECONDS, LoginTransaction, Progress};
use url::Url;

use crate::pages::screen::{Screen, company};
use crate::pages::texts::{self, Texts};
use crate::stop::Stop;

/// The cookie that shows that a page belongs to a login of this browser. One for all its logins.
const COOKIE: &str = "gatewright_login";

/// A transaction as the browser knows it.
#[derive(Clone)]
pub(crate) struct Waiting {
    /// The token in its URLs.
    pub(crate) state: String,
    /// The value of the cookie.
    pub(crate) binding: String,
    pub(crate) row: LoginTransaction,
}

impl Waiting {
    /// Whether a login at this connection can end it: a request that names a connection means it.
    pub(crate) fn takes(&self, connection: &str) -> bool {
        self.row.progress.params.get("connection").is_none_or(|asked| asked == connection)
    }
}

/// A transaction about to begin, and the cookie that binds it.
pub(crate) struct Begun {
    pub(crate) state: String,
    pub(crate) row: LoginTransaction,
    pub(crate) cookie: HeaderValue,
}

/// Makes a transaction for a request that has to wait. The caller stores it.
pub(crate) fn draw(cx: &RequestCx, client_id: &str, progress: Progress) -> Begun {
    let state = random_token(&cx.app.random, 32);
    let known = cookies::values(&cx.cookies, COOKIE).next().filter(|value| is_ours(value));
    let binding = known.map_or_else(|| random_token(&cx.app.random, 32), str::to_owned);
    let cookie = SetCookie {
        name: COOKIE,
        value: &binding,
        max_age_seconds: Some(LIFETIME_SECONDS),
        partitioned: false,
    };
    let row = LoginTransaction {
        state_hash: token_hash(&state),
        binding_hash: token_hash(&binding),
        client_id: client_id.to_owned(),
        progress,
        expires_at: cx.now.plus_seconds(LIFETIME_SECONDS),
        used_at: None,
    };
    Begun { cookie: cookie.header(&cx.issuer), state, row }
}

/// A value that this server can have drawn: it goes into a header again.
fn is_ours(value: &str) -> bool {
    value.len() >= 40 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Stores a transaction.
pub(crate) async fn begin(cx: &RequestCx, begun: &Begun) -> Result<(), Stop> {
    let (within, row) = (cx.clone(), begun.row.clone());
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move { login_transactions::insert(tx, &within.tenant.id, &row, within.now).await })
    });
    Ok(write.await?)
}

/// The login that this browser left for the client, begun again: its state token is known to the browser
/// only. The address becomes what its pages are filled in with.
pub(crate) async fn left_behind(cx: &RequestCx, client_id: &str, email: &str) -> Result<Option<Begun>, Stop> {
    let Some(binding) = cookies::values(&cx.cookies, COOKIE).next().filter(|value| is_ours(value)) else {
        return Ok(None);
    };
    let (within, binding_hash, client_id) = (cx.clone(), token_hash(binding), client_id.to_owned());
    let read = cx.app.db.read(move |tx| {
        Box::pin(async move {
            let tenant = &within.tenant.id;
            login_transactions::newest_of_browser(tx, tenant, &binding_hash, &client_id, within.now).await
        })
    });
    let Some(left) = read.await? else { return Ok(None) };
    let progress = Progress {
        params: left.progress.params,
        pushed: left.progress.pushed,
        connection: left.progress.connection,
        identifier: Some(email.to_owned()),
        ..Progress::default()
    };
    let begun = draw(cx, &left.client_id, progress);
    begin(cx, &begun).await?;
    Ok(Some(begun))
}

/// What the state token of a page leads to.
pub(crate) enum Found {
    Live(Box<Waiting>),
    /// Answered before, too old, or never made. The client, where it is known.
    Over(Option<String>),
    /// Alive, but begun in another browser, or in one that keeps no cookies.
    OtherBrowser(String),
}

/// Finds the transaction of a page.
pub(crate) async fn find(cx: &RequestCx, state: Option<&str>) -> Result<Found, Stop> {
    let Some(state) = state.filter(|state| state.len() <= 200) else { return Ok(Found::Over(None)) };
    let (tenant, hash) = (cx.tenant.id.clone(), token_hash(state));
    let read = cx
        .app
        .db
        .read(move |tx| Box::pin(async move { login_transactions::by_state(tx, &tenant, &hash).await }));
    let Some(row) = read.await? else { return Ok(Found::Over(None)) };
    if row.used_at.is_some() || row.expires_at <= cx.now {
        return Ok(Found::Over(Some(row.client_id)));
    }
    let mut sent = cookies::values(&cx.cookies, COOKIE);
    let binding = sent
        .find(|value| constant_time_eq(token_hash(value).as_bytes(), row.binding_hash.as_bytes()))
        .map(str::to_owned);
    Ok(match binding {
        Some(binding) => Found::Live(Box::new(Waiting { state: state.to_owned(), binding, row })),
        None => Found::OtherBrowser(row.client_id),
    })
}

/// The answer where the login cannot go on: the application begins it anew, if it said where.
///
/// In another browser, or without cookies, nothing is begun anew: it would end here again, for ever.
pub(crate) fn lost(
    cx: &RequestCx,
    client_id: Option<&str>,
    other_browser: bool,
    accept_language: Option<&str>,
) -> Response {
    let client = client_id.and_then(|client_id| cx.tenant.client(client_id));
    let anew = if other_browser { None } else { start_anew(cx, client.map(|client| &**client)) };
    let reason = if other_browser { "other_browser" } else { "expired" };
    tracing::info!(reason, client_id, anew = anew.is_some(), "A login page has no login to go on with.");
    if let Some(target) = anew.and_then(|url| HeaderValue::from_str(url.as_str()).ok()) {
        return respond::no_store((StatusCode::FOUND, [(header::LOCATION, target)])).into_response();
    }
    let values = vec![("companyName", company(cx))];
    let language = texts::language(&cx.tenant, None, accept_language);
    let mut page = Screen::new(cx, "lost", Texts::new(language, "lost", "lost", values));
    page.description = page.texts.get(if other_browser { "otherBrowser" } else { "expired" });
    page.request_id = Some(cx.request_id.clone());
    page.respond(StatusCode::BAD_REQUEST, &[])
}

/// `initiate_login_uri` of the client, else the tenant's default, with the issuer
/// (OpenID Connect Core section 4).
pub(crate) fn start_anew(cx: &RequestCx, client: Option<&Client>) -> Option<Url> {
    let of_client = client.and_then(|client| client.initiate_login_uri.as_deref());
    let target = of_client
        .filter(|uri| !uri.is_empty())
        .or_else(|| cx.tenant.text_setting("default_redirection_uri"))?;
    let mut url = Url::parse(target).ok()?;
    url.query_pairs_mut().append_pair("iss", cx.issuer.as_str());
    Some(url)
}
