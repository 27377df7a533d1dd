//! Grant types that Auth0 has and this version has not: known by name, checked for their parameters, and
//! refused in words. Discovery does not list them.

use std::sync::Arc;

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_http::{Params, RequestCx};
use gatewright_store::BoxFuture;
use serde_json::Value;

use super::{Grant, Presented};
use crate::events;
use crate::stop::Stop;

/// A grant type that is not built.
struct Unbuilt {
    grant: Grant,
    /// What a request must have.
    required: &'static [&'static str],
    /// What is missing, in words.
    feature: &'static str,
}

static UNBUILT: &[Unbuilt] = &[
    unbuilt(
        "urn:okta:params:oauth:grant-type:webauthn",
        &["auth_session", "authn_response"],
        ("s", "f"),
        "Passkeys are not built in this version.",
    ),
    unbuilt(
        "urn:openid:params:grant-type:ciba",
        &["auth_req_id"],
        ("ciba_exchange_succeeded", "ciba_exchange_failed"),
        "Backchannel authentication (CIBA) is not built in this version.",
    ),
    unbuilt(
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        &["assertion"],
        ("idjag_exchange_succeeded", "jwt_bearer_exchange_failed"),
        "JWT bearer assertions are not built in this version.",
    ),
    unbuilt(
        "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
        &["connection", "subject_token", "subject_token_type", "requested_token_type"],
        ("seta", "feta"),
        "Tokens of other identity providers (Token Vault) are not built in this version.",
    ),
];

const fn unbuilt(
    name: &'static str,
    required: &'static [&'static str],
    events: (&'static str, &'static str),
    feature: &'static str,
) -> Unbuilt {
    Unbuilt { grant: Grant { name, params: &[], events, present: refuse }, required, feature }
}

/// The grant of this name, if it is known and not built.
pub(super) fn named(name: &str) -> Option<&'static Grant> {
    UNBUILT.iter().map(|unbuilt| &unbuilt.grant).find(|grant| grant.name == name)
}

type Refusal = BoxFuture<'static, Result<Box<dyn Presented>, Stop>>;

fn refuse(cx: RequestCx, client: Arc<Client>, params: Params) -> Refusal {
    Box::pin(async move {
        let name = params.text("grant_type").unwrap_or_default();
        let found = UNBUILT.iter().find(|unbuilt| unbuilt.grant.name == name);
        let Some(unbuilt) = found else { return Err(super::unsupported(name).into()) };
        let given = |name: &&&str| match params.value(name) {
            Some(value) => value.as_str() != Some(""),
            None => false,
        };
        if let Some(missing) = unbuilt.required.iter().find(|name| !given(name)) {
            return Err(OAuthError::missing_parameter(missing).into());
        }
        let text = format!("Unsupported grant type: {name}. {}", unbuilt.feature);
        let error = OAuthError::new(403, "unsupported_grant_type", text).because("grant_type_not_built");
        log(&cx, &client, unbuilt.grant.events.1, &error).await?;
        Err(error.into())
    })
}

async fn log(cx: &RequestCx, client: &Client, code: &'static str, error: &OAuthError) -> Result<(), Stop> {
    let mut event = events::event(cx, code, Some(client));
    event.description = Some(error.description.to_string());
    event.details = events::refusal(error, Some(client), Value::Null);
    events::write(cx, event).await
}
