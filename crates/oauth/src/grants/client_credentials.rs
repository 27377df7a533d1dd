//! The client credentials grant, RFC 6749 section 4.4: a machine gets a token for itself.
//! Owns: who the subject is. Not: client authentication, scopes, claims, signing.

use std::sync::Arc;

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::scope::Flow;
use gatewright_core::tokens::Channel;
use gatewright_core::tokens::access_token::{self, AccessTokenFacts};
use gatewright_http::{Params, RequestCx};
use gatewright_resources::logs;
use serde_json::{Value, json};

use super::{Grant, Issued};
use crate::decision::{self, Wanted};
use crate::events;
use crate::mint;
use crate::stop::Stop;

pub(super) static GRANT: Grant = Grant {
    name: "client_credentials",
    params: &["organization"],
    redeem: |cx, client, params| Box::pin(redeem(cx, client, params)),
};

async fn redeem(cx: RequestCx, client: Arc<Client>, params: Params) -> Result<Issued, Stop> {
    // RFC 6749 section 4.4: confidential clients only.
    if client.is_public() {
        return Err(OAuthError::client_authentication_failed().because("client_is_public").into());
    }
    if params.has("organization") {
        let text = "Organizations are not built in this version of Gatewright.";
        return Err(OAuthError::invalid_request(text).into());
    }
    let wanted = Wanted::new(&cx, params.text("scope"), params.text("audience"), Flow::ClientCredentials);
    let decided = wanted.decide(&cx, &client, None, &[]);
    let ledger = decision::detail(&decided);
    let report = match decided {
        Ok(report) => report,
        Err(refusal) => {
            log(&cx, &client, "feccft", &wanted, String::new(), ledger).await?;
            return Err(refusal.error.into());
        }
    };
    decision::signing_alg_supported(wanted.api.as_ref())?;
    let scope = report.scope_text();
    let plan = access_token::plan(&AccessTokenFacts {
        issuer: &cx.issuer,
        subject: &format!("{}@clients", client.client_id),
        client_id: &client.client_id,
        audience: &report.audience,
        api: wanted.api.as_ref(),
        scope: &scope,
        permissions: &report.granted().into_iter().map(str::to_owned).collect::<Vec<_>>(),
        channel: Channel::Back,
        // Compat: with a hyphen.
        grant: Some("client-credentials"),
        now: cx.now,
        jti: &cx.app.random.alphanumeric(22),
    });
    log(&cx, &client, "seccft", &wanted, scope.clone(), ledger).await?;
    let expires_in = plan.lifetime_seconds();
    let access_token = mint::access_token(&cx, plan, None).await?;
    Ok(Issued { access_token, id_token: None, scope, expires_in, token_type: "Bearer" })
}

async fn log(
    cx: &RequestCx,
    client: &Client,
    code: &'static str,
    wanted: &Wanted,
    scope: String,
    ledger: Value,
) -> Result<(), Stop> {
    let mut event = events::event(cx, code, Some(client));
    event.audience = wanted.audience.clone();
    event.scope = scope.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    event.details = json!({"decision": ledger});
    let within = cx.clone();
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            logs::append(tx, &within.tenant.id, within.now, &within.app.random, &event).await?;
            Ok::<_, Stop>(())
        })
    });
    write.await
}
