//! `POST /oauth/ro`: what came before the grants of passwords and one-time codes. auth0.js still calls it.
//! It says the same in other words, and is answered as `/oauth/token` would.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_core::client::{Client, PASSWORDLESS_OTP};
use gatewright_http::{Params, RequestCx, respond};
use url::form_urlencoded;

use super::co_authenticate::page_allowed;
use crate::grants::{self, passwordless_otp};
use crate::password_login::PASSWORD_REALM;
use crate::scripts::event::Sent;
use crate::stop::Stop;
use crate::{client_auth, issuance, passwordless};

const TEXTS: [&str; 5] = ["client_id", "connection", "username", "password", "scope"];

pub(crate) async fn ro(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let params = Params::from_body(&headers, &body)?;
    params.all_text(&TEXTS)?;
    let client = client_auth::authenticate(&cx, &headers, &params).await?;
    let text = |name: &str| params.text(name).ok_or_else(|| OAuthError::missing_parameter(name));
    let name = text("connection")?;
    let connection = cx.tenant.connection_for(name, &client.client_id);
    let (grant_type, proof) = match connection {
        Some(connection) if connection.strategy == "auth0" => (PASSWORD_REALM, "password"),
        Some(connection) if passwordless::built(connection) => (PASSWORDLESS_OTP, "otp"),
        _ => return Err(OAuthError::invalid_request(format!("Unknown realm {name}.")).into()),
    };
    if !client.allows_grant(grant_type) {
        let text = format!("Grant type '{grant_type}' not allowed for the client.");
        return Err(OAuthError::unauthorized_client(text).because("grant_type_not_allowed").into());
    }
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("realm", name)
        .append_pair("username", text("username")?)
        .append_pair(proof, text("password")?)
        .append_pair("scope", params.text("scope").unwrap_or_default())
        .finish();
    let params = Params::from_urlencoded(form.as_bytes())?;
    let grant = grants::named(grant_type)?;
    let sent = Sent::body(&params);
    let presented = if grant_type == PASSWORDLESS_OTP && from_its_page(&cx, &client) {
        passwordless_otp::from_page(cx.clone(), client.clone(), &params).await?
    } else {
        (grant.present)(cx.clone(), client.clone(), params).await?
    };
    let issued = issuance::issue(&cx, grant, client, presented, sent).await?;
    Ok(respond::json_no_store(200, &issued))
}

/// Whether a page calls that could do the same at `/co/authenticate`.
fn from_its_page(cx: &RequestCx, client: &Client) -> bool {
    let allowed = |origin: &str| page_allowed(origin, cx, client);
    client.cross_origin_authentication && cx.origin.as_deref().is_some_and(allowed)
}
