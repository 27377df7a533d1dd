//! `/dbconnections/signup` and `/dbconnections/change_password`, for widgets and SDKs.
//!
//! Compat: these two have errors of a shape of their own: `{code, description, name, statusCode}`, with
//! `policy` where a password is refused.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::user::User;
use gatewright_http::respond::Reason;
use gatewright_http::{Params, RequestCx, respond};
use serde_json::{Value, json};

use super::passwordless_start::origin_allowed;
use crate::account_link::{self, TooManyResets};
use crate::scripts::event::Sent;
use crate::sign_up::{self, Refusal, SCRIPT_ERROR};
use crate::stop::Stop;

/// Compat: the same for known and unknown addresses.
pub(crate) const RESET_SENT: &str = "We've just sent you an email to reset your password.";

const SIGN_UP_TEXTS: [&str; 4] = ["client_id", "email", "password", "connection"];
const RESET_TEXTS: [&str; 3] = ["client_id", "email", "connection"];

pub(crate) async fn signup(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let read = |cx: &RequestCx| {
        let params = params(&headers, &body, &SIGN_UP_TEXTS)?;
        let client = client(cx, &params)?;
        let connection = connection(cx, &client, &params)?;
        let form = sign_up::read(&connection, |name| params.value(name))?;
        let password = params.text("password").ok_or_else(|| Refusal::bad("password is required"))?;
        Ok::<_, Refusal>((client, connection, form, password.to_owned(), Sent::body(&params)))
    };
    let (client, connection, form, password, sent) = match read(&cx) {
        Ok(read) => read,
        Err(refusal) => return Ok(refused(&refusal)),
    };
    Ok(match sign_up::sign_up(&cx, &client, &connection, form, &password, &sent).await? {
        Ok(user) => respond::json_no_store(200, &signed_up(&user)),
        Err(refusal) => refused(&refusal),
    })
}

pub(crate) async fn change_password(
    cx: RequestCx,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Stop> {
    let read = |cx: &RequestCx| {
        let params = params(&headers, &body, &RESET_TEXTS)?;
        let client = client(cx, &params)?;
        let connection = connection(cx, &client, &params)?;
        if connection.options["disable_self_service_change_password"] == true {
            let text = "Users of this connection cannot change their password themselves.";
            return Err(Refusal::new(400, "unauthorized", text, "self_service_disabled"));
        }
        if params.has("organization") {
            return Err(Refusal::bad("Organizations are not built in this version of Gatewright."));
        }
        let email = params.text("email").ok_or_else(|| Refusal::bad("email is required"))?;
        Ok((client, connection, email.to_owned()))
    };
    let (client, connection, email) = match read(&cx) {
        Ok(read) => read,
        Err(refusal) => return Ok(refused(&refusal)),
    };
    match account_link::request_reset(&cx, &client, &connection, &email).await? {
        Ok(()) => {
            let kind = [
                (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            Ok(respond::no_store((kind, RESET_SENT)))
        }
        Err(TooManyResets) => {
            let text = "Too many password resets were asked for. Try again later.";
            Ok(refused(&Refusal::new(429, "too_many_requests", text, "too_many_resets")))
        }
    }
}

/// The parameters of a body, those of these names being text.
pub(crate) fn params(headers: &HeaderMap, body: &Bytes, texts: &[&str]) -> Result<Params, Refusal> {
    let params = Params::from_body(headers, body).map_err(|error| Refusal::bad(error.to_string()))?;
    params.all_text(texts).map_err(|error| Refusal::bad(error.to_string()))?;
    Ok(params)
}

fn client(cx: &RequestCx, params: &Params) -> Result<Arc<Client>, Refusal> {
    let client_id = params.text("client_id").ok_or_else(|| Refusal::bad("client_id is required"))?;
    let client = cx.tenant.client(client_id).cloned().ok_or_else(|| Refusal::bad("client not found"))?;
    if !client.is_first_party {
        let text = "This application may not use this endpoint.";
        return Err(Refusal::new(403, "unauthorized", text, "third_party_client"));
    }
    origin_allowed(cx, &client)
        .map_err(|error| Refusal::new(403, "unauthorized", error.description, "origin_not_registered"))?;
    Ok(client)
}

fn connection(cx: &RequestCx, client: &Client, params: &Params) -> Result<Arc<Connection>, Refusal> {
    let name = params.text("connection").ok_or_else(|| Refusal::bad("connection is required"))?;
    let found = cx.tenant.connection_for(name, &client.client_id);
    let database = found.filter(|connection| connection.strategy == "auth0").cloned();
    database.ok_or_else(|| {
        Refusal::bad("The connection does not exist, is no database or is not enabled for the client.")
    })
}

/// The refusal as these endpoints put it.
pub(crate) fn refused(refusal: &Refusal) -> Response {
    tracing::info!(error = %refusal.code, reason = refusal.reason, "{}", refusal.message);
    let mut body = json!({
        "name": refusal.name,
        "code": refusal.code,
        "message": refusal.message,
        "description": refusal.description,
        "statusCode": refusal.status,
    });
    // Compat: applications read the text of a script for the user here.
    if refusal.name == SCRIPT_ERROR {
        body["friendly_message"] = json!(refusal.message);
    }
    if let Some(policy) = &refusal.policy {
        body["policy"] = json!(policy);
    }
    let mut response = respond::json_no_store(refusal.status, &body).into_response();
    response.extensions_mut().insert(Reason(refusal.reason.to_owned()));
    response
}

/// What a sign-up is told of the account.
fn signed_up(user: &User) -> Value {
    let local_id = user.user_id.split_once('|').map_or(&*user.user_id, |(_, local)| local);
    let mut body = json!({"_id": local_id, "email_verified": false});
    for name in
        ["email", "username", "given_name", "family_name", "name", "nickname", "picture", "user_metadata"]
    {
        if let Some(value) = user.profile.get(name) {
            body[name] = value.clone();
        }
    }
    body
}
