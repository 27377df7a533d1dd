//! `POST /oauth/par`, RFC 9126: a client pushes an authorization request and gets a `request_uri` to send
//! the browser with.
//!
//! Everything that `/authorize` checks is checked here too, so that what cannot succeed is known at once.
//! It is checked again when it is used: the client may have changed since.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_core::authorize::pushed;
use gatewright_http::{Params, RequestCx, respond};
use gatewright_jose::{random_token, token_hash};
use gatewright_resources::pushed_requests::{self, PushedRequest};
use gatewright_store::StoreError;
use serde_json::{Value, json};

use super::refuse::log_refusal;
use super::{Unchecked, as_params, checked};
use crate::client_auth;
use crate::stop::Stop;

pub(crate) async fn par(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    if !offered(&cx) {
        let text = "Pushed authorization requests are switched off for this tenant.";
        return Err(OAuthError::new(404, "not_found", text).because("par_off").into());
    }
    let params = Params::from_body(&headers, &body)?;
    params.all_text(&params.names().collect::<Vec<_>>())?;
    let client = client_auth::authenticate(&cx, &headers, &params).await?;
    let sent = params.names().filter(|name| !pushed::AUTHENTICATION.contains(name));
    let mut sent: BTreeMap<String, String> =
        sent.filter_map(|name| Some((name.to_owned(), params.text(name)?.to_owned()))).collect();
    let named = sent.insert("client_id".to_owned(), client.client_id.clone());
    if named.is_some_and(|named| named != client.client_id) {
        let text = "client_id is not the client that authenticates.";
        return Err(OAuthError::invalid_request(text).because("client_id_of_other").into());
    }
    // Section 2.1: a pushed request does not refer to another.
    if sent.contains_key("request_uri") {
        let text = "request_uri is not allowed in a pushed request.";
        return Err(OAuthError::invalid_request(text).because("request_uri_pushed").into());
    }
    let params = match checked(&cx, &as_params(&sent)?, true) {
        Ok((_, _, params)) => params,
        Err(Unchecked { refusal, .. }) => {
            let error = pushed::refusal(*refusal);
            log_refusal(&cx, Some(&client), &error, false, json!({})).await?;
            return Err(error.into());
        }
    };
    let uri = format!("{}{}", pushed::REQUEST_URI, random_token(&cx.app.random, 32));
    let lifetime = pushed::lifetime_seconds(&client);
    let request = PushedRequest {
        uri_hash: token_hash(&uri),
        client_id: client.client_id.clone(),
        params,
        expires_at: cx.now.plus_seconds(lifetime),
    };
    let within = cx.clone();
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move { pushed_requests::insert(tx, &within.tenant.id, &request, within.now).await })
    });
    write.await?;
    Ok(respond::json_no_store(201, &json!({"request_uri": uri, "expires_in": lifetime})))
}

/// Whether the tenant takes pushed requests: yes, unless its settings say no.
pub(crate) fn offered(cx: &RequestCx) -> bool {
    cx.tenant.settings.get("pushed_authorization_requests_supported") != Some(&Value::Bool(false))
}

/// What was pushed under this `request_uri`, if it is alive and this client's (RFC 9126 section 2.2).
pub(super) async fn find(
    cx: &RequestCx,
    client_id: Option<&str>,
    uri: &str,
) -> Result<Option<PushedRequest>, StoreError> {
    let (tenant, hash, now) = (cx.tenant.id.clone(), token_hash(uri), cx.now);
    let read = cx
        .app
        .db
        .read(move |tx| Box::pin(async move { pushed_requests::live(tx, &tenant, &hash, now).await }));
    Ok(read.await?.filter(|found| client_id == Some(found.client_id.as_str())))
}
