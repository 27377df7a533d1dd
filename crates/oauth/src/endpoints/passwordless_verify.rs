//! `POST /passwordless/verify`: whether a code is right. It stays good.
//!
//! auth0.js asks this on pages of this host and goes on to `/passwordless/verify_redirect`, which uses the
//! code. The answer therefore sets a cookie that shows there that this browser knew the code: without it,
//! a link with a code in it could log its reader in as somebody else.

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use gatewright_core::connection::Connection;
use gatewright_core::login::one_time_code::{CodeChannel, CodeVerdict};
use gatewright_http::cookies::{self, SetCookie};
use gatewright_http::{Params, RequestCx, respond};
use gatewright_jose::constant_time_eq;
use serde_json::json;

use super::dbconnections;
use super::passwordless_start::origin_allowed;
use crate::events;
use crate::passwordless;
use crate::sign_up::Refusal;
use crate::stop::Stop;

/// The cookie that shows that this browser had a code verified.
const COOKIE: &str = "gatewright_verified";

/// The page goes on at once.
const LIFETIME_SECONDS: i64 = 120;

const TEXTS: [&str; 5] = ["client_id", "connection", "phone_number", "email", "verification_code"];

/// The parameter with what a code of this channel was sent to.
pub(crate) const fn identifier_name(channel: CodeChannel) -> &'static str {
    match channel {
        CodeChannel::Phone => "phone_number",
        CodeChannel::Email => "email",
    }
}

/// Whether this browser had this code verified a moment ago.
pub(crate) fn verified_here(cx: &RequestCx, connection: &Connection, identifier: &str, otp: &str) -> bool {
    let expected = mark(cx, connection, identifier, otp);
    cookies::values(&cx.cookies, COOKIE).any(|value| constant_time_eq(value.as_bytes(), expected.as_bytes()))
}

/// A keyed hash of a verified code, so that the cookie says nothing and nobody can make one.
fn mark(cx: &RequestCx, connection: &Connection, identifier: &str, otp: &str) -> String {
    let context = format!("{}/passwordless_verified/{}/{identifier}", cx.tenant.id, connection.name);
    let mac = cx.app.master_key.mac(&context, otp.as_bytes());
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) async fn verify(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let read =
        dbconnections::params(&headers, &body, &TEXTS).and_then(|params| Presented::read(&cx, &params));
    let presented = match read {
        Ok(presented) => presented,
        Err(refusal) => return Ok(dbconnections::refused(&refusal)),
    };
    let (within, connection) = (cx.clone(), presented.connection.clone());
    let (identifier, otp) = (presented.identifier.clone(), presented.otp.clone());
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move { passwordless::look_at(tx, &within, &connection, &identifier, &otp).await })
    });
    let verdict = write.await?;
    if verdict != CodeVerdict::Accepted {
        presented.log(&cx, verdict).await?;
        return Ok(dbconnections::refused(&wrong(verdict, passwordless::channel(&presented.connection))));
    }
    let mut response = respond::json_no_store(200, &json!({}));
    // A form of another site can come here too, and must not leave its mark in the browser.
    if cx.origin.as_deref().is_none_or(|origin| origin == cx.issuer.origin()) {
        let value = mark(&cx, &presented.connection, &presented.identifier, &presented.otp);
        let max_age_seconds = Some(LIFETIME_SECONDS);
        let cookie = SetCookie { name: COOKIE, value: &value, max_age_seconds, partitioned: false };
        response.headers_mut().append(header::SET_COOKIE, cookie.header(&cx.issuer));
    }
    Ok(response)
}

/// Compat: Lock has texts for these codes.
fn wrong(verdict: CodeVerdict, channel: CodeChannel) -> Refusal {
    let text = verdict.public_text(channel);
    let refusal = match verdict {
        CodeVerdict::TooManyTries => Refusal::new(429, "too_many_attempts", text, verdict.code()),
        _ => Refusal::new(401, "invalid_user_password", text, verdict.code()),
    };
    Refusal { name: "ValidationError", ..refusal }
}

/// A code, and whom it would prove.
struct Presented {
    client_id: Option<String>,
    connection: Connection,
    identifier: String,
    otp: String,
}

impl Presented {
    fn read(cx: &RequestCx, params: &Params) -> Result<Self, Refusal> {
        let text = |name: &str| params.text(name).ok_or_else(|| Refusal::bad(format!("{name} is required")));
        // Compat: auth0.js does not always say which client it is.
        let client = match params.text("client_id") {
            Some(client_id) => {
                Some(cx.tenant.client(client_id).ok_or_else(|| Refusal::bad("client not found"))?)
            }
            None => None,
        };
        let foreign = |text: String| Refusal::new(403, "unauthorized", text, "origin_not_registered");
        match (&cx.origin, client) {
            (_, Some(client)) => {
                origin_allowed(cx, client).map_err(|error| foreign(error.description.to_string()))?;
            }
            (Some(origin), None)
                if origin != cx.issuer.origin() && !cx.tenant.knows_browser_origin(origin) =>
            {
                return Err(foreign(format!("Origin {origin} is not allowed.")));
            }
            _ => {}
        }
        let name = text("connection")?;
        let connection = match client {
            Some(client) => cx.tenant.connection_for(name, &client.client_id),
            None => cx.tenant.connection(name),
        };
        let connection = connection
            .filter(|connection| passwordless::built(connection))
            .ok_or_else(|| Refusal::bad("The connection is not a passwordless connection."))?;
        let typed = text(identifier_name(passwordless::channel(connection)))?;
        let identifier = passwordless::identifier(connection, typed).unwrap_or_else(|| typed.to_owned());
        Ok(Self {
            client_id: client.map(|client| client.client_id.clone()),
            connection: (**connection).clone(),
            identifier,
            otp: text("verification_code")?.to_owned(),
        })
    }

    async fn log(&self, cx: &RequestCx, verdict: CodeVerdict) -> Result<(), Stop> {
        let client = self.client_id.as_deref().and_then(|client_id| cx.tenant.client(client_id));
        let event = events::event(cx, "f", client.map(|client| &**client));
        let mut event = events::at_connection(event, &self.connection);
        event.user_name = Some(self.identifier.clone());
        event.details = json!({"decision": {"reason": verdict.code(), "says": verdict.says()}});
        events::write(cx, event).await
    }
}
