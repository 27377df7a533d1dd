//! `POST /passwordless/start`: sends a one-time code by SMS, or a code or link by e-mail.
//!
//! Nothing in the answer, its status or its time depends on whether the number or address belongs to a
//! user: no user is looked up while sign-up is open, and `_id` is made from it, not from an account.

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_core::client::{Client, PASSWORDLESS_OTP};
use gatewright_core::connection::Connection;
use gatewright_core::login::one_time_code::CodeChannel;
use gatewright_core::redirect;
use gatewright_http::{Params, RequestCx, respond};
use serde_json::{Value, json};

use super::authorize::by_link::MagicLink;
use crate::client_auth;
use crate::passwordless::{self, CodeRequest};
use crate::stop::Stop;

pub(crate) async fn start(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let params = Params::from_body(&headers, &body).map_err(|error| bad("request", &error.to_string()))?;
    let texts = ["client_id", "client_secret", "connection", "phone_number", "email", "send"];
    params.all_text(&texts).map_err(|error| bad("request", &error.to_string()))?;

    let client = client(&cx, &params)?;
    let authenticated = authenticated(&cx, client, &headers, &params).await?;
    origin_allowed(&cx, client)?;
    if !client.allows_grant(PASSWORDLESS_OTP) {
        let text = format!("Grant type '{PASSWORDLESS_OTP}' not allowed for the client.");
        return Err(OAuthError::unauthorized_client(text).because("grant_type_not_allowed").into());
    }
    if params.value("authParams").is_some_and(|value| !value.is_object()) {
        return Err(bad("authParams", "authParams must be an object.").into());
    }
    let connection = connection(&cx, client, &params)?;
    let target = Target::of(connection);
    let identifier = target.identifier(connection, &params)?;
    let by_link = by_link(connection, &params)?;

    let language = language(&headers);
    let body = json!({
        "client_id": params.text("client_id"),
        "connection": params.text("connection"),
        target.name: identifier,
        "send": if by_link { "link" } else { "code" },
        "request_language": language,
        "authParams": params.value("authParams"),
    });
    let request = CodeRequest {
        client,
        connection,
        identifier: &identifier,
        language: language.as_deref(),
        authenticated,
        body,
    };
    if by_link {
        let link = MagicLink::of(&cx, client, connection, &identifier, params.value("authParams"))?;
        request.send_link(&cx, |secret| link.with(secret)).await?;
    } else {
        request.send(&cx).await?;
    }
    Ok(respond::json_no_store(
        200,
        &json!({
            "_id": opaque_id(&cx, connection, &identifier),
            target.name: identifier,
            target.verified: false,
            "request_language": language,
        }),
    ))
}

/// What a connection sends to, in the wire's names.
struct Target {
    name: &'static str,
    verified: &'static str,
    wrong: &'static str,
}

impl Target {
    const PHONE: Self = Self {
        name: "phone_number",
        verified: "phone_verified",
        wrong: "phone_number is not a valid number in international form.",
    };
    const EMAIL: Self =
        Self { name: "email", verified: "email_verified", wrong: "email is not a valid e-mail address." };

    fn of(connection: &Connection) -> Self {
        match passwordless::channel(connection) {
            CodeChannel::Phone => Self::PHONE,
            CodeChannel::Email => Self::EMAIL,
        }
    }

    /// The identifier in its normal form.
    fn identifier(&self, connection: &Connection, params: &Params) -> Result<String, OAuthError> {
        let typed =
            params.text(self.name).ok_or_else(|| bad(self.name, &format!("{} is required.", self.name)))?;
        passwordless::identifier(connection, typed).ok_or_else(|| bad(self.name, self.wrong))
    }
}

/// Compat: an e-mail is a link unless a code is asked for; SMS knows codes only, whatever `send` says.
fn by_link(connection: &Connection, params: &Params) -> Result<bool, OAuthError> {
    if passwordless::channel(connection) == CodeChannel::Phone {
        return Ok(false);
    }
    match params.text("send") {
        None | Some("link" | "link_ios" | "link_android") => Ok(true),
        Some("code") => Ok(false),
        Some(_) => Err(bad("send", "send must be link or code.")),
    }
}

fn bad(what: &str, text: &str) -> OAuthError {
    OAuthError::new(400, format!("bad.{what}"), text.to_owned())
}

fn client<'a>(cx: &'a RequestCx, params: &Params) -> Result<&'a Client, OAuthError> {
    let client_id = params.text("client_id").ok_or_else(|| bad("client_id", "client_id is required."))?;
    let client = cx.tenant.client(client_id).ok_or_else(|| bad("client_id", "Unknown client."))?;
    Ok(client)
}

/// Whether the caller proved to be the client. A wrong proof is refused; a missing one is refused for
/// confidential clients when the tenant says so.
async fn authenticated(
    cx: &RequestCx,
    client: &Client,
    headers: &HeaderMap,
    params: &Params,
) -> Result<bool, Stop> {
    if client.is_public() {
        return Ok(false);
    }
    if ["client_secret", "client_assertion"].iter().any(|name| params.text(name).is_some()) {
        client_auth::authenticate(cx, headers, params).await?;
        return Ok(true);
    }
    let flag = "/flags/enforce_client_authentication_on_passwordless_start";
    if cx.tenant.settings.pointer(flag).and_then(Value::as_bool).unwrap_or(false) {
        return Err(OAuthError::client_authentication_failed().because("client_secret_missing").into());
    }
    Ok(false)
}

/// A page of another origin than the client's may not act in its name. Programs have no origin.
pub(crate) fn origin_allowed(cx: &RequestCx, client: &Client) -> Result<(), OAuthError> {
    let Some(origin) = &cx.origin else { return Ok(()) };
    let allowed = origin == cx.issuer.origin()
        || redirect::origin_allowed(origin, &client.web_origins)
        || redirect::origin_allowed(origin, &client.allowed_origins)
        || redirect::origin_allowed(origin, &redirect::callback_origins(&client.callbacks));
    if allowed {
        return Ok(());
    }
    Err(OAuthError::access_denied(format!("Origin {origin} is not allowed."))
        .because("origin_not_registered"))
}

fn connection<'a>(cx: &'a RequestCx, client: &Client, params: &Params) -> Result<&'a Connection, OAuthError> {
    let name = params.text("connection").ok_or_else(|| bad("connection", "connection is required."))?;
    let connection = cx.tenant.connection_for(name, &client.client_id).ok_or_else(|| {
        bad("connection", "The connection does not exist or is not enabled for the client.")
    })?;
    if passwordless::built(connection) {
        return Ok(connection);
    }
    Err(bad("connection", "The connection is not a passwordless connection."))
}

fn language(headers: &HeaderMap) -> Option<String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let language = header("x-request-language").or_else(|| header(header::ACCEPT_LANGUAGE.as_str()))?;
    (!language.is_empty() && language.len() <= 200).then_some(language)
}

/// 24 hex digits that look like an account's id and stay the same for an identifier, but are none: they are
/// made from it alone, so they say nothing about whether it is known.
fn opaque_id(cx: &RequestCx, connection: &Connection, identifier: &str) -> String {
    let context = format!("{}/passwordless_start/{}", cx.tenant.id, connection.name);
    let mac = cx.app.master_key.mac(&context, identifier.as_bytes());
    mac.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}
