//! Refusals: at the callback, or on a page where the callback is not to be trusted; always in the log.

use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_core::authorize::{ErrorRedirect, Refusal, Request, ResponseMode};
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_http::RequestCx;
use gatewright_resources::logs::{self, LogEvent};
use gatewright_store::StoreError;
use serde_json::{Value, json};

use crate::events;
use crate::pages::{ErrorPage, answer};
use crate::stop::Stop;

/// Answers at the callback with an error, and logs it with what decided.
pub(super) async fn refuse_back(
    cx: &RequestCx,
    client: &Client,
    request: &Request,
    error: OAuthError,
    decision: Value,
) -> Result<Response, Stop> {
    log_refusal(cx, Some(client), &error, request.prompt.none, decision).await?;
    Ok(answer_back(cx, client, request, error))
}

/// Answers at the callback with an error that is logged already.
pub(super) fn answer_back(cx: &RequestCx, client: &Client, request: &Request, error: OAuthError) -> Response {
    let back = ErrorRedirect {
        redirect_uri: request.redirect_uri.clone(),
        response_mode: request.response_mode,
        state: request.state.clone(),
        error,
    };
    back_or_page(cx, Some(client), &back)
}

/// An error goes to the callback, unless the client is a third party's that may not be used as a detour
/// (`open_redirect_protection`): then it stays on a page of ours. A message to a frame is no detour.
fn back_or_page(cx: &RequestCx, client: Option<&Client>, back: &ErrorRedirect) -> Response {
    let guarded = |client: &&Client| {
        !client.is_first_party && client.redirection_policy.as_deref() == Some("open_redirect_protection")
    };
    match client.filter(guarded) {
        Some(client) if back.response_mode != ResponseMode::WebMessage => {
            ErrorPage::of(cx, &back.error).with_client(Some(client)).respond()
        }
        _ => answer::error(cx, back),
    }
}

pub(super) async fn refused(
    cx: &RequestCx,
    client: Option<&Client>,
    refusal: Refusal,
) -> Result<Response, Stop> {
    refused_asking(cx, client, refusal, Value::Null).await
}

/// The same where the log keeps what was asked for.
pub(super) async fn refused_asking(
    cx: &RequestCx,
    client: Option<&Client>,
    refusal: Refusal,
    asked: Value,
) -> Result<Response, Stop> {
    let error = match &refusal {
        Refusal::Page(error) => error,
        Refusal::Redirect(back) => &back.error,
    };
    let told = if asked.is_null() { json!({}) } else { json!({ "asked": asked }) };
    log_refusal(cx, client, error, false, told).await?;
    Ok(match refusal {
        Refusal::Page(error) => ErrorPage::of(cx, &error).with_client(client).respond(),
        Refusal::Redirect(back) => back_or_page(cx, client, &back),
    })
}

pub(super) async fn log_refusal(
    cx: &RequestCx,
    client: Option<&Client>,
    error: &OAuthError,
    silent: bool,
    decision: Value,
) -> Result<(), StoreError> {
    let event = events::event(cx, if silent { "fsa" } else { "f" }, client);
    write(cx, event, client, error, decision).await
}

/// The same of a login at a connection.
pub(super) async fn log_refusal_at(
    cx: &RequestCx,
    client: &Client,
    connection: &Connection,
    error: &OAuthError,
    decision: Value,
) -> Result<(), StoreError> {
    let event = events::at_connection(events::event(cx, "f", Some(client)), connection);
    write(cx, event, Some(client), error, decision).await
}

async fn write(
    cx: &RequestCx,
    mut event: LogEvent,
    client: Option<&Client>,
    error: &OAuthError,
    decision: Value,
) -> Result<(), StoreError> {
    event.description = Some(error.description.to_string());
    event.details = events::refusal(error, client, decision);
    let within = cx.clone();
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            logs::append(tx, &within.tenant.id, within.now, &within.app.random, &event).await.map(drop)
        })
    });
    write.await
}
