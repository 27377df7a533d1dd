//! Sending a browser to a provider, with a state that it must bring back.

use std::collections::BTreeMap;

use gatewright_core::OAuthError;
use gatewright_core::connection::Connection;
use gatewright_core::social::{Departure, NotConfigured, authorization_url};
use gatewright_http::RequestCx;
use gatewright_jose::{pkce_s256, random_token, token_hash};
use gatewright_resources::login_transactions::LIFETIME_SECONDS;
use gatewright_resources::provider_logins::{self, ProviderLogin, Secrets};
use serde_json::Value;

use super::callback;
use crate::stop::Stop;

/// The address at the provider for a login that waits in the transaction of this state token; `params` are those of
/// the application's request. The inner error says what the connection lacks.
pub(crate) async fn depart(
    cx: &RequestCx,
    transaction: &str,
    params: &BTreeMap<String, String>,
    connection: &Connection,
) -> Result<Result<String, OAuthError>, Stop> {
    let random = &cx.app.random;
    let state = random_token(random, 32);
    let pkce = connection.options["pkce_enabled"] == Value::Bool(true);
    let code_verifier = pkce.then(|| random_token(random, 32));
    let code_challenge = code_verifier.as_deref().map(pkce_s256);
    let departure = Departure {
        options: &connection.options,
        redirect_uri: &callback(cx),
        state: &state,
        code_challenge: code_challenge.as_deref(),
        params,
    };
    let tokens_from = connection.text_option("tokenURL").ok_or(NotConfigured("tokenURL"));
    let url = match tokens_from.and_then(|_| authorization_url(&departure)) {
        Ok(url) => url,
        Err(NotConfigured(option)) => {
            let text = format!("The connection {} has no usable {option}.", connection.name);
            return Ok(Err(OAuthError::new(500, "server_error", text).because("provider_not_configured")));
        }
    };
    let login = ProviderLogin {
        state_hash: token_hash(&state),
        connection: connection.name.clone(),
        secrets: Secrets { transaction: transaction.to_owned(), code_verifier },
        expires_at: cx.now.plus_seconds(LIFETIME_SECONDS),
        used_at: None,
    };
    let within = cx.clone();
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let (app, tenant) = (&within.app, &within.tenant.id);
            provider_logins::insert(tx, tenant, (&app.master_key, &app.random), &login, within.now).await
        })
    });
    write.await?;
    Ok(Ok(url))
}

/// The login of a state that a browser brings back.
pub(crate) async fn find(cx: &RequestCx, state: Option<&str>) -> Result<Option<ProviderLogin>, Stop> {
    let Some(state) = state.filter(|state| state.len() <= 200) else { return Ok(None) };
    let (within, hash) = (cx.clone(), token_hash(state));
    let read = cx.app.db.read(move |tx| {
        Box::pin(async move {
            provider_logins::by_state(tx, &within.tenant.id, &within.app.master_key, &hash).await
        })
    });
    Ok(read.await?.filter(|login| login.expires_at > cx.now))
}

/// Spends it; `false` if it came back before.
pub(crate) async fn spend(cx: &RequestCx, login: &ProviderLogin) -> Result<bool, Stop> {
    let (within, hash) = (cx.clone(), login.state_hash.clone());
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move { provider_logins::spend(tx, &within.tenant.id, &hash, within.now).await })
    });
    Ok(write.await?)
}
