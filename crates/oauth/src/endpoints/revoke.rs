//! `POST /oauth/revoke`, RFC 7009: a client gives up a refresh token, and with it the whole family.
//!
//! Access tokens are not revoked: signed ones cannot be, and Auth0 revokes refresh tokens only.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_http::{Params, RequestCx};
use gatewright_jose::token_hash;
use gatewright_resources::logs;
use gatewright_resources::refresh_tokens::{self, Family};
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::stop::Stop;
use crate::{client_auth, events};

pub(crate) async fn revoke(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let params = Params::from_body(&headers, &body)?;
    params.all_text(&["token", "token_type_hint"])?;
    let client = client_auth::authenticate(&cx, &headers, &params).await?;
    let token = params.text("token").ok_or_else(|| OAuthError::missing_parameter("token"))?;
    let (hash, within) = (token_hash(token), cx.clone());
    cx.app.db.write(move |tx| Box::pin(async move { end(tx, &within, &client, &hash).await })).await?;
    // RFC 7009 section 2.2: the same answer for a token that is unknown, or another client's.
    Ok((StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response())
}

async fn end(tx: &mut Tx, cx: &RequestCx, client: &Arc<Client>, hash: &str) -> Result<(), StoreError> {
    let Some(family) = refresh_tokens::family_of(tx, &cx.tenant.id, hash).await? else { return Ok(()) };
    if family.client_id != client.client_id {
        tracing::info!(reason = "refresh_token_of_other_client", "A client tried to revoke another's token.");
        return Ok(());
    }
    let because = "revoked_by_client";
    // Compat: such tenants end everything that the user granted this client on this API.
    let whole_grant =
        cx.tenant.settings.pointer("/flags/revoke_refresh_token_grant").and_then(Value::as_bool)
            == Some(true);
    let ended = match whole_grant {
        true => refresh_tokens::revoke_grant(tx, &cx.tenant.id, &family, because, cx.now).await?,
        false => refresh_tokens::revoke(tx, &cx.tenant.id, &family.family_id, because, cx.now).await?.into(),
    };
    if ended > 0 {
        log(tx, cx, client, &family, ended).await?;
    }
    Ok(())
}

async fn log(
    tx: &mut Tx,
    cx: &RequestCx,
    client: &Client,
    family: &Family,
    ended: u64,
) -> Result<(), StoreError> {
    let mut event = events::event(cx, "srrt", Some(client));
    event.user_id = Some(family.user_id.clone());
    event.audience.clone_from(&family.audience);
    event.details = json!({"decision": {
        "reason": "revoked_by_client", "family_id": family.family_id, "families_ended": ended,
    }});
    logs::append(tx, &cx.tenant.id, cx.now, &cx.app.random, &event).await?;
    Ok(())
}
