//! `GET /v2/logout`: ends the browser's session with this host and returns to the application.

use axum::extract::RawQuery;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatewright_core::OAuthError;
use gatewright_core::backchannel::Initiator;
use gatewright_core::redirect;
use gatewright_http::{Params, RequestCx, respond};
use gatewright_resources::{logs, sessions};
use serde_json::json;

use crate::pages::ErrorPage;
use crate::stop::Stop;
use crate::{backchannel, events, session};

pub(crate) async fn v2_logout(cx: RequestCx, RawQuery(query): RawQuery) -> Result<Response, Stop> {
    let params = match Params::from_urlencoded(query.unwrap_or_default().as_bytes()) {
        Ok(params) => params,
        Err(error) => {
            return Ok(ErrorPage::of(&cx, &OAuthError::invalid_request(error.to_string())).respond());
        }
    };
    let client = match params.text("client_id") {
        Some(client_id) => match cx.tenant.client(client_id) {
            Some(client) => Some(std::sync::Arc::clone(client)),
            None => {
                let error = OAuthError::invalid_request(format!("Unknown client: {client_id}"));
                return Ok(ErrorPage::of(&cx, &error.because("client_unknown")).respond());
            }
        },
        None => None,
    };
    // With a client its own list counts, without one the tenant's.
    let allowed: Vec<String> = match &client {
        Some(client) => client.allowed_logout_urls.clone(),
        None => serde_json::from_value(cx.tenant.settings["allowed_logout_urls"].clone()).unwrap_or_default(),
    };
    let return_to = match params.text("returnTo") {
        Some(url) if redirect::logout_url_allowed(url, &allowed) => Some(url.to_owned()),
        Some(url) => {
            let text = format!("The \"returnTo\" URL {url} is not in the list of allowed logout URLs.");
            let error = OAuthError::invalid_request(text).because("logout_url_not_registered");
            return Ok(ErrorPage::of(&cx, &error).with_client(client.as_deref()).respond());
        }
        None => client.as_ref().and_then(|client| client.allowed_logout_urls.first().cloned()),
    };
    end_session(&cx, client.as_deref(), return_to.as_deref()).await?;

    let mut response = match &return_to {
        Some(url) => (StatusCode::FOUND, [(header::LOCATION, url.clone())]).into_response(),
        None => (StatusCode::OK, "OK").into_response(),
    };
    response.headers_mut().append(header::SET_COOKIE, session::removal(&cx));
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(respond::no_store(response))
}

/// Ends the browser's session, if it has one, logs it, and begins to tell the clients that took part.
pub(super) async fn end_session(
    cx: &RequestCx,
    client: Option<&gatewright_core::client::Client>,
    return_to: Option<&str>,
) -> Result<(), Stop> {
    let presented = session::presented(cx);
    if presented.is_empty() {
        return Ok(());
    }
    let mut event = events::event(cx, "slo", client);
    let return_to = return_to.map(str::to_owned);
    let within = cx.clone();
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let (tenant, now) = (&within.tenant.id, within.now);
            let Some(session) = session::live(tx, &within, &presented).await? else { return Ok(None) };
            let id = session.session_id;
            let told = sessions::end(tx, tenant, &id, Initiator::RpLogout, now).await?;
            let Some(told) = told else { return Ok(None) };
            event.user_id = Some(session.user_id);
            event.connection = Some(session.connection);
            event.details =
                json!({"return_to": return_to, "session_id": id, "backchannel_logout_clients": told});
            logs::append(tx, tenant, now, &within.app.random, &event).await?;
            Ok::<_, Stop>((!told.is_empty()).then_some(id))
        })
    });
    if let Some(session_id) = write.await? {
        backchannel::tell_now(cx, session_id).await;
    }
    Ok(())
}
