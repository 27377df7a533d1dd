//! Making a login ticket: who authenticated, on which page, in which browser.
//!
//! `/authorize` spends it (`core::login::cross_origin` judges it there). It is given to pages of other
//! origins by `/co/authenticate`, and to pages of this host by `/usernamepassword/login`.

use axum::http::HeaderValue;
use gatewright_http::RequestCx;
use gatewright_http::cookies::SetCookie;
use gatewright_jose::{random_token, token_hash};
use gatewright_resources::login_tickets::LoginTicket;

/// The cookie that binds a ticket to the browser, where third-party cookies are let through.
pub(crate) const BINDING_COOKIE: &str = "gatewright_co";
/// Its twin, kept apart per embedding site, where they are not.
pub(crate) const BINDING_COOKIE_PARTITIONED: &str = "gatewright_co_p";

/// A page goes on at once; a ticket that waits is one that was left behind.
pub(crate) const LIFETIME_SECONDS: i64 = 120;

/// A ticket before it is known whose.
pub(crate) struct NewTicket {
    pub(crate) origin: String,
    ticket_hash: String,
    binding_hash: String,
}

impl NewTicket {
    /// A ticket for a page of this origin; also the value of the cookies that bind it.
    pub(crate) fn draw(cx: &RequestCx, origin: &str, ticket: &str) -> (Self, String) {
        let binding = random_token(&cx.app.random, 32);
        let (ticket_hash, binding_hash) = (token_hash(ticket), token_hash(&binding));
        (Self { origin: origin.to_owned(), ticket_hash, binding_hash }, binding)
    }

    /// The ticket of this user.
    pub(crate) fn of(&self, cx: &RequestCx, client_id: &str, user_id: &str, connection: &str) -> LoginTicket {
        LoginTicket {
            ticket_hash: self.ticket_hash.clone(),
            client_id: client_id.to_owned(),
            user_id: user_id.to_owned(),
            connection: connection.to_owned(),
            origin: self.origin.clone(),
            binding_hash: self.binding_hash.clone(),
            created_at: cx.now,
            expires_at: cx.now.plus_seconds(LIFETIME_SECONDS),
            used_at: None,
        }
    }
}

/// The binding cookie twice: browsers that block third-party cookies still send the partitioned one
/// inside a frame of the same page.
pub(crate) fn binding_cookies(cx: &RequestCx, binding: &str) -> Vec<HeaderValue> {
    let twins = [(BINDING_COOKIE, false), (BINDING_COOKIE_PARTITIONED, true)];
    let usable = twins.iter().filter(|(_, partitioned)| !partitioned || cx.issuer.is_https());
    usable
        .map(|(name, partitioned)| {
            let max_age_seconds = Some(LIFETIME_SECONDS);
            SetCookie { name, value: binding, max_age_seconds, partitioned: *partitioned }.header(&cx.issuer)
        })
        .collect()
}
