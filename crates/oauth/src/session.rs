//! The browser's session with this host: one cookie, whose hash finds the row.
//!
//! The cookie is never `Partitioned`. A partitioned session would live inside the application's site,
//! where a logout, which happens on this host, could not end it.

use axum::http::HeaderValue;
use gatewright_core::Timestamp;
use gatewright_core::backchannel::Initiator;
use gatewright_core::session::SessionLimits;
use gatewright_http::RequestCx;
use gatewright_http::cookies::{self, SetCookie};
use gatewright_jose::{random_token, token_hash};
use gatewright_resources::sessions::{self, Session, Use};
use gatewright_store::{StoreError, Tx};
use serde_json::{Map, Value};

/// The name of the session cookie.
pub(crate) const COOKIE: &str = "gatewright_session";

/// Hashes of every session token the browser sent.
pub(crate) fn presented(cx: &RequestCx) -> Vec<String> {
    cookies::values(&cx.cookies, COOKIE).take(4).map(token_hash).collect()
}

/// The live session among those, if any; its times are those after this use.
pub(crate) async fn live(
    tx: &mut Tx,
    cx: &RequestCx,
    presented: &[String],
) -> Result<Option<Session>, StoreError> {
    for token_hash in presented {
        let Some(session) = sessions::by_token(tx, &cx.tenant.id, token_hash, cx.now).await? else {
            continue;
        };
        if let Some(times) = limits(cx, session.persistent).used(session.times, cx.now) {
            return Ok(Some(Session { times, ..session }));
        }
    }
    Ok(None)
}

/// A session about to begin, and the cookie that stands for it.
pub(crate) struct NewSession {
    pub(crate) session: Session,
    token: String,
    pub(crate) cookie: HeaderValue,
}

/// Makes a session for a user who has just authenticated. The caller stores it.
pub(crate) fn begin(
    cx: &RequestCx,
    user_id: &str,
    connection: &str,
    client_id: &str,
    authenticated_at: Timestamp,
) -> NewSession {
    let token = random_token(&cx.app.random, 32);
    let persistent = is_persistent(cx);
    let session = Session {
        session_id: cx.app.random.alphanumeric(32),
        token_hash: token_hash(&token),
        user_id: user_id.to_owned(),
        connection: connection.to_owned(),
        authenticated_at,
        times: limits(cx, persistent).begin(cx.now),
        persistent,
        last_client_id: client_id.to_owned(),
        metadata: Map::new(),
        factors: Vec::new(),
    };
    let cookie = cookie(cx, &token, persistent);
    NewSession { session, token, cookie }
}

impl NewSession {
    /// The same session, whose cookie outlives the browser or not as a script says.
    pub(crate) fn persistent(mut self, cx: &RequestCx, persistent: Option<bool>) -> Self {
        if let Some(persistent) = persistent.filter(|persistent| *persistent != self.session.persistent) {
            self.session.persistent = persistent;
            self.session.times = limits(cx, persistent).begin(cx.now);
            self.cookie = cookie(cx, &self.token, persistent);
        }
        self
    }
}

fn cookie(cx: &RequestCx, token: &str, persistent: bool) -> HeaderValue {
    let max_age_seconds = persistent.then_some(limits(cx, persistent).absolute_seconds);
    SetCookie { name: COOKIE, value: token, max_age_seconds, partitioned: false }.header(&cx.issuer)
}

/// Whether sessions that begin now outlive the browser: `session_cookie.mode` of the tenant.
fn is_persistent(cx: &RequestCx) -> bool {
    let mode = cx.tenant.settings.pointer("/session_cookie/mode").and_then(Value::as_str);
    mode != Some("non-persistent")
}

/// How long sessions of this kind live.
fn limits(cx: &RequestCx, persistent: bool) -> SessionLimits {
    let setting = |name, default| cx.tenant.hours_setting_in_seconds(name, default);
    if persistent {
        return SessionLimits {
            absolute_seconds: setting("session_lifetime", 168.0),
            idle_seconds: setting("idle_session_lifetime", 72.0),
        };
    }
    SessionLimits {
        absolute_seconds: setting("ephemeral_session_lifetime", 72.0),
        idle_seconds: setting("idle_ephemeral_session_lifetime", 24.0),
    }
}

/// Stores a session that begins with this request, in place of the browser's old one.
pub(crate) async fn store(
    tx: &mut Tx,
    cx: &RequestCx,
    session: &Session,
    replaces: Option<&Session>,
    client_id: &str,
) -> Result<(), StoreError> {
    let tenant = &cx.tenant.id;
    match replaces {
        // The same user's clients are still logged in, and are told when this session ends.
        Some(old) if old.user_id == session.user_id => {
            sessions::succeed(tx, tenant, &old.session_id, &session.session_id).await?;
        }
        Some(old) => {
            sessions::end(tx, tenant, &old.session_id, Initiator::SessionRevoked, cx.now).await?;
        }
        None => {}
    }
    let ip = cx.ip.to_string();
    sessions::insert(tx, tenant, session, &used_by(cx, client_id, &ip)).await
}

/// Notes that this request uses a session; `false` if it has ended meanwhile.
pub(crate) async fn keep(
    tx: &mut Tx,
    cx: &RequestCx,
    session: &Session,
    client_id: &str,
) -> Result<bool, StoreError> {
    let ip = cx.ip.to_string();
    let by = used_by(cx, client_id, &ip);
    sessions::touch(tx, &cx.tenant.id, &session.session_id, session.times, &by).await
}

fn used_by<'a>(cx: &'a RequestCx, client_id: &'a str, ip: &'a str) -> Use<'a> {
    Use { client_id, issuer: cx.issuer.as_str(), ip, user_agent: cx.user_agent.as_deref() }
}

/// Removes the cookie.
pub(crate) fn removal(cx: &RequestCx) -> HeaderValue {
    SetCookie { name: COOKIE, value: "", max_age_seconds: Some(0), partitioned: false }.header(&cx.issuer)
}
