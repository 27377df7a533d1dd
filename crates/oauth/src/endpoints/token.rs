//! `POST /oauth/token`: every grant type behind the same phases.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_core::explain::asked;
use gatewright_core::reasons::change::{ChangeFacts, change};
use gatewright_http::{Params, RequestCx, respond};

use serde_json::json;

use crate::client_auth;
use crate::events;
use crate::grants;
use crate::issuance;
use crate::scripts::event::Sent;
use crate::stop::Stop;

pub(crate) async fn token(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let params = Params::from_body(&headers, &body)?;
    let named = params.text("client_id").map(str::to_owned);
    let grant = params.text("grant_type").and_then(|name| grants::named(name).ok());
    let answer = issue(&cx, &headers, params).await;
    if let Err(Stop::Refused(error)) = &answer {
        log_early(&cx, grant, named.as_deref(), error).await?;
    }
    answer
}

/// Tells the tenant's owner of a refusal that came before the grant could. What names no client of the tenant
/// is not worth a row, and a device that has to wait asks every few seconds.
async fn log_early(
    cx: &RequestCx,
    grant: Option<&'static grants::Grant>,
    client_id: Option<&str>,
    error: &OAuthError,
) -> Result<(), Stop> {
    let waits = matches!(&*error.code, "authorization_pending" | "slow_down");
    let client = client_id.and_then(|client_id| cx.tenant.client(client_id));
    let (Some(client), None, false) = (client, cx.noted.log_id(), waits) else { return Ok(()) };
    let mut event = events::event(cx, grant.map_or("f", |grant| grant.events.1), Some(client));
    event.description = Some(error.description.to_string());
    let told = grant.map(|grant| json!({"asked": asked::token(grant.name)}));
    event.details = events::refusal(error, Some(client), told.unwrap_or_default());
    events::write(cx, event).await
}

async fn issue(cx: &RequestCx, headers: &HeaderMap, params: Params) -> Result<Response, Stop> {
    params.all_text(&["grant_type", "scope", "audience"])?;
    let name = params.text("grant_type").ok_or_else(|| OAuthError::missing_parameter("grant_type"))?;
    let grant = grants::named(name)?;
    params.all_text(grant.params)?;

    let client = client_auth::authenticate(cx, headers, &params).await?;
    if grants::needs_leave(grant) && !client.allows_grant(grant.name) {
        let text = format!("Grant type '{}' not allowed for the client.", grant.name);
        let error = OAuthError::unauthorized_client(text).because("grant_type_not_allowed");
        let facts = ChangeFacts {
            client_id: &client.client_id,
            grant_type: Some(grant.name),
            ..ChangeFacts::default()
        };
        return Err(error.lifted_by(change("grant_type_not_allowed", &facts)).into());
    }
    let sent = Sent::body(&params);
    let presented = (grant.present)(cx.clone(), client.clone(), params).await?;
    let issued = issuance::issue(cx, grant, client, presented, sent).await?;
    Ok(respond::json_no_store(200, &issued))
}
