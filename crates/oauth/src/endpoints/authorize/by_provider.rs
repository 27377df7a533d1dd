//! `GET /login/callback`: the browser comes back from the provider of a social connection.
//!
//! Its state is good once, and in the browser that was sent there only. What is learned is noted in the login
//! transaction, as a page of this host would note it; `/authorize/resume` makes the answer of it.

use std::sync::Arc;

use axum::extract::RawQuery;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_core::authorize::Refusal;
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::login::screens::Way;
use gatewright_core::social as answers;
use gatewright_http::{Params, RequestCx};
use gatewright_resources::users::{self, provider_tokens};
use gatewright_resources::{login_transactions, logs};
use gatewright_store::Tx;
use serde_json::json;

use super::refuse::{answer_back, log_refusal_at, refused};
use super::{checked, device, waiting_params};
use crate::endpoints::login::{self as pages, RESUME};
use crate::events;
use crate::login_transaction::{self, Found, Waiting};
use crate::pages::texts;
use crate::scripts::afterwards;
use crate::sign_up::decision;
use crate::social::{self, Fetched, Refused};
use crate::stop::Stop;

pub(crate) async fn callback(
    cx: RequestCx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Stop> {
    let params = Params::from_urlencoded(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let Some(login) = social::find(&cx, params.text("state")).await? else { return unknown(&cx, None).await };
    let (client_id, other_browser) =
        match login_transaction::find(&cx, Some(&login.secrets.transaction)).await? {
            Found::Live(waiting) => {
                let Some(client) = cx.tenant.client(&waiting.row.client_id).cloned() else {
                    return unknown(&cx, None).await;
                };
                // It may have been taken from the client meanwhile.
                let connection = cx.tenant.connection_for(&login.connection, &client.client_id).cloned();
                let connection = connection.filter(|found| Way::of(found) == Some(Way::Provider));
                let Some(connection) = connection else { return unknown(&cx, Some(&client)).await };
                if !social::spend(&cx, &login).await? {
                    return unknown(&cx, Some(&client)).await;
                }
                let verifier = login.secrets.code_verifier;
                let arrival = Arrival { cx, client, connection, waiting: *waiting };
                return arrival.go_on(&params, verifier.as_deref(), accept).await;
            }
            Found::Over(client_id) => (client_id, false),
            Found::OtherBrowser(client_id) => (Some(client_id), true),
        };
    Ok(login_transaction::lost(&cx, client_id.as_deref(), other_browser, accept))
}

/// Compat: on a page, for nothing says where else this browser belongs.
async fn unknown(cx: &RequestCx, client: Option<&Client>) -> Result<Response, Stop> {
    let text = "The state of this login at a provider is unknown, or was used before.";
    let error = OAuthError::invalid_request(text).because("provider_state_unknown");
    refused(cx, client, Refusal::Page(error)).await
}

/// A browser that came back, with the login that it was sent for.
#[derive(Clone)]
struct Arrival {
    cx: RequestCx,
    client: Arc<Client>,
    connection: Arc<Connection>,
    waiting: Waiting,
}

impl Arrival {
    async fn go_on(
        self,
        params: &Params,
        code_verifier: Option<&str>,
        accept_language: Option<&str>,
    ) -> Result<Response, Stop> {
        let fetched = match (params.text("error"), params.text("code")) {
            (None, Some(code)) => social::fetch(&self.cx, &self.connection, code, code_verifier).await,
            // RFC 6749 section 4.1.2.1.
            (Some(error), _) => {
                let description = params.text("error_description");
                let told = json!({ "error": error, "error_description": description });
                Err(Refused {
                    error: answers::refusal(error, description),
                    decision: json!({ "provider": told }),
                })
            }
            (None, None) => Err(Refused { error: answers::refusal("no code", None), decision: json!({}) }),
        };
        let Arrival { cx, client, connection, waiting } = &self;
        match fetched {
            Err(refusal) => {
                let ui_locales = waiting.row.progress.params.get("ui_locales").map(String::as_str);
                let language = texts::language(&cx.tenant, ui_locales, accept_language);
                refuse(cx, waiting, connection, refusal, language).await
            }
            Ok(fetched) => {
                let (within, db) = (self.clone(), cx.app.db.clone());
                let noted =
                    db.write(move |tx| Box::pin(async move { within.note(tx, &fetched).await })).await?;
                Ok(match noted {
                    true => super::to_page(RESUME, &waiting.state, None),
                    false => login_transaction::lost(cx, Some(&client.client_id), false, accept_language),
                })
            }
        }
    }

    /// Takes the account in, and notes who logged in; `false` if the login is over.
    async fn note(&self, tx: &mut Tx, fetched: &Fetched) -> Result<bool, Stop> {
        let Arrival { cx, connection, .. } = self;
        let (tenant, now) = (&cx.tenant.id, cx.now);
        let held = login_transactions::hold(tx, tenant, &self.waiting.row.state_hash, now).await?;
        let Some(mut held) = held else { return Ok(false) };
        let follows = connection.text_option("set_user_root_attributes").unwrap_or("on_each_login");
        let kept = (&fetched.profile, follows == "on_each_login");
        let user = users::take_in(tx, tenant, connection, kept, now).await?;
        let account_id = users::account_id(connection, &fetched.profile);
        let sealing = (&*cx.app.master_key, &cx.app.random);
        provider_tokens::keep(tx, tenant, sealing, &account_id, &fetched.tokens).await?;
        let user_id = user["user_id"].as_str().unwrap_or_default();
        let mut event = events::event(cx, afterwards::EXECUTED, Some(&self.client));
        event = events::at_connection(event, connection);
        event.user_id = Some(user_id.to_owned());
        event.user_name = user["name"].as_str().map(str::to_owned);
        event.details = json!({
            "trigger_id": social::TRIGGER,
            "decision": decision("profile_fetched", fetched.scripts.clone()),
        });
        logs::append(tx, tenant, now, &cx.app.random, &event).await?;
        held.progress.connection = Some(connection.name.clone());
        pages::logged_in(tx, cx, held, user_id, &connection.name).await?;
        Ok(true)
    }
}

/// Ends the login that waits, and tells the application, or the device, that it failed.
pub(crate) async fn refuse(
    cx: &RequestCx,
    waiting: &Waiting,
    connection: &Connection,
    refusal: Refused,
    language: &'static str,
) -> Result<Response, Stop> {
    let Refused { error, decision } = refusal;
    if waiting.row.progress.device.is_some() {
        return device::refuse(cx, waiting, "fdeac", error, decision, language).await;
    }
    let (within, state_hash) = (cx.clone(), waiting.row.state_hash.clone());
    let write = cx.app.db.write(move |tx| {
        Box::pin(
            async move { login_transactions::spend(tx, &within.tenant.id, &state_hash, within.now).await },
        )
    });
    if !write.await? {
        return Ok(login_transaction::lost(cx, Some(&waiting.row.client_id), false, None));
    }
    match checked(cx, &waiting_params(waiting)?, waiting.row.progress.pushed.is_some()) {
        Ok((request, client, _)) => {
            log_refusal_at(cx, &client, connection, &error, decision).await?;
            Ok(answer_back(cx, &client, &request, error))
        }
        Err(unchecked) => unchecked.answer(cx).await,
    }
}
