//! What is so now of what a log event is about: fetched, so that the core can decide the event again.

use gatewright_core::authorize::Ask;
use gatewright_core::client::Client;
use gatewright_core::explain::again::{Present, again as decide_again};
use gatewright_core::explain::replay::Recorded;
use gatewright_core::explain::{Report, asked};
use gatewright_core::ids::Issuer;
use gatewright_core::mfa::Standing;
use gatewright_store::{StoreError, Tx};
use serde_json::Value;

use super::{Facts, Place};
use crate::{authenticators, guardian, permissions, users};

/// Puts the event decided again in the place of what was recorded.
pub(super) async fn again(
    tx: &mut Tx,
    place: &Place<'_>,
    event: &Value,
    report: &mut Report,
) -> Result<(), StoreError> {
    let decision = &event["details"]["decision"];
    let ask = asked::ask(&decision["asked"]);
    let named = |name: &str| event[name].as_str().filter(|text| !text.is_empty());
    let client_id = named("client_id").or_else(|| ask.as_ref().and_then(|ask| ask.client_id.as_deref()));
    let client = client_id.and_then(|client_id| place.tenant.client(client_id));
    let issuer = issuer_of(place, event);
    let audience = audience(place, decision, ask.as_ref());
    let user_id = named("user_id");

    let nobody = Client::default();
    let facts = Facts::of(place, &issuer, client.map_or(&nobody, |client| client), audience.as_deref());
    let held = match (&facts.api, user_id) {
        (Some(api), Some(user_id)) if api.enforce_policies => {
            permissions::held(tx, &place.tenant.id, user_id, &api.id).await?
        }
        _ => Vec::new(),
    };
    let recorded = match &ask {
        Some(ask) => Recorded::of_request(&decision["scope"], ask, audience.as_deref()),
        None => Recorded::read(&decision["scope"]).map(|mut recorded| {
            recorded.audience.clone_from(&audience);
            recorded
        }),
    };
    let scopes = match (client, &recorded) {
        (Some(client), Some(recorded)) => {
            recorded.decide(&facts.about(place, &issuer, client, user_id, &held))
        }
        _ => None,
    };
    let connection = named("connection").or_else(|| ask.as_ref().and_then(|ask| ask.connection.as_deref()));
    let usable = |name: &str| place.tenant.connection_for(name, client_id.unwrap_or_default()).is_some();
    let present = Present {
        client: client.map(|client| &**client),
        scopes,
        audience: audience.as_deref(),
        api: facts.api.as_ref(),
        connection_enabled: connection.is_some_and(usable),
        user_blocked: match user_id {
            Some(user_id) => Some(blocked(tx, place, user_id).await?),
            None => None,
        },
        mfa_always: guardian::asks_always(place.tenant),
        factors: factors(tx, place, user_id).await?,
    };
    let again = decide_again(event, &present);
    report.basis = "now".into();
    report.verdict = again.verdict;
    report.differs = again.differs;
    // What is not of the decision (a token's signature, its family) stands as it is.
    let of_decision = gatewright_core::explain::recorded::rows(decision).len();
    let others = report.rows.split_off(of_decision.min(report.rows.len()));
    report.rows = again.rows;
    report.rows.extend(others);
    Ok(())
}

/// The audience to decide about: what was asked for, else the default of now; a code or a refresh token carries its
/// own.
fn audience(place: &Place<'_>, decision: &Value, ask: Option<&Ask>) -> Option<String> {
    let default = || place.tenant.default_audience().map(str::to_owned);
    if let Some(ask) = ask {
        return ask.audience.clone().or_else(default);
    }
    match decision["audience"]["reason"].as_str() {
        Some("audience_default" | "audience_none") => default(),
        _ => Recorded::read(&decision["scope"]).and_then(|recorded| recorded.audience),
    }
}

/// The issuer at which it happened.
fn issuer_of(place: &Place<'_>, event: &Value) -> Issuer {
    let scheme = if place.issuer.is_https() { "https" } else { "http" };
    match event["hostname"].as_str() {
        Some(host) => Issuer::new(scheme, host),
        None => place.issuer.clone(),
    }
}

/// Whether the user is blocked; `None`: there is no such user.
async fn blocked(tx: &mut Tx, place: &Place<'_>, user_id: &str) -> Result<Option<bool>, StoreError> {
    let user = users::by_id(tx, &place.tenant.id, user_id).await?;
    Ok(user.map(|user| user["blocked"] == true))
}

async fn factors(tx: &mut Tx, place: &Place<'_>, user_id: Option<&str>) -> Result<Standing, StoreError> {
    let (enabled, any_switched_on) = guardian::enabled(place.tenant);
    let mut enrolled = Vec::new();
    if let Some(user_id) = user_id {
        for found in authenticators::of_user(tx, &place.tenant.id, user_id).await? {
            if !enrolled.contains(&found.factor) {
                enrolled.push(found.factor);
            }
        }
    }
    Ok(Standing { enabled, any_switched_on, enrolled, ..Standing::default() })
}
