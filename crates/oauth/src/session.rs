//! The browser's session with this host: one cookie, whose hash finds the row.
//!
//! The cookie is never `Partitioned`. A partitioned session would live inside the application's site,
//! where a logout, which happens on this host, could not end it.

use axum::http::HeaderValue;
use gatewright_core::Timestamp;
use gatewright_http::RequestCx;
use gatewright_http::cookies::{self, SetCookie};
use gatewright_jose::{random_token, token_hash};
use gatewright_resources::sessions::{self, Session};
use gatewright_store::{StoreError, Tx};

/// The name of the session cookie.
pub(crate) const COOKIE: &str = "gatewright_session";

/// Hashes of every session token the browser sent.
pub(crate) fn presented(cx: &RequestCx) -> Vec<String> {
    cookies::values(&cx.cookies, COOKIE).take(4).map(token_hash).collect()
}

/// The live session among those, if any.
pub(crate) async fn live(
    tx: &mut Tx,
    cx: &RequestCx,
    presented: &[String],
) -> Result<Option<Session>, StoreError> {
    for token_hash in presented {
        if let Some(session) = sessions::by_token(tx, &cx.tenant.id, token_hash, cx.now).await? {
            return Ok(Some(session));
        }
    }
    Ok(None)
}

/// A session about to begin, and the cookie that stands for it.
pub(crate) struct NewSession {
    pub(crate) session: Session,
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
    let lifetime = cx.tenant.hours_setting_in_seconds("session_lifetime", 168.0);
    let session = Session {
        session_id: cx.app.random.alphanumeric(32),
        token_hash: token_hash(&token),
        user_id: user_id.to_owned(),
        connection: connection.to_owned(),
        authenticated_at,
        expires_at: cx.now.plus_seconds(lifetime),
        idle_expires_at: idle_end(cx),
        last_client_id: client_id.to_owned(),
    };
    let cookie =
        SetCookie { name: COOKIE, value: &token, max_age_seconds: Some(lifetime), partitioned: false };
    NewSession { session, cookie: cookie.header(&cx.issuer) }
}

/// When a session that is used now ends if nothing more happens.
pub(crate) fn idle_end(cx: &RequestCx) -> Timestamp {
    cx.now.plus_seconds(cx.tenant.hours_setting_in_seconds("idle_session_lifetime", 72.0))
}

/// Removes the cookie.
pub(crate) fn removal(cx: &RequestCx) -> HeaderValue {
    SetCookie { name: COOKIE, value: "", max_age_seconds: Some(0), partitioned: false }.header(&cx.issuer)
}
