//! `POST /oauth/token`: every grant type behind the same phases.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_http::{Params, RequestCx, respond};

use crate::client_auth;
use crate::grants;
use crate::issuance;
use crate::scripts::event::Sent;
use crate::stop::Stop;

pub(crate) async fn token(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let params = Params::from_body(&headers, &body)?;
    params.all_text(&["grant_type", "scope", "audience"])?;
    let name = params.text("grant_type").ok_or_else(|| OAuthError::missing_parameter("grant_type"))?;
    let grant = grants::named(name)?;
    params.all_text(grant.params)?;

    let client = client_auth::authenticate(&cx, &headers, &params).await?;
    if grants::needs_leave(grant) && !client.allows_grant(grant.name) {
        let text = format!("Grant type '{}' not allowed for the client.", grant.name);
        return Err(OAuthError::unauthorized_client(text).because("grant_type_not_allowed").into());
    }
    let sent = Sent::body(&params);
    let presented = (grant.present)(cx.clone(), client.clone(), params).await?;
    let issued = issuance::issue(&cx, grant, client, presented, sent).await?;
    Ok(respond::json_no_store(200, &issued))
}
