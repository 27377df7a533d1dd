//! `POST /explain`: why something was decided as it was, or how it would be decided now.
//!
//! Ours, not Auth0's. The command `gatewright explain` comes to the same [`explain`]. What is asked about is told
//! by its form ([`gatewright_core::explain::given`]); this fetches what the core needs to explain it.

mod again;
mod events;
mod tokens;

use gatewright_core::Timestamp;
use gatewright_core::client::Client;
use gatewright_core::explain::given::{Given, given};
use gatewright_core::explain::preview::{self, Decision};
use gatewright_core::explain::{Report, Row, recorded};
use gatewright_core::ids::Issuer;
use gatewright_core::resource_server::{ClientGrant, ResourceServer};
use gatewright_core::scope::{self, ScopeAsk, ScopeFacts, ThirdPartyMode};
use gatewright_store::{StoreError, Tx};
use serde_json::Value;

use crate::engine::field::{Field, Shape, field};
use crate::engine::operation::{Effect, Run};
use crate::engine::validate::Purpose;
use crate::engine::{ApiError, Handler, Input, Method, OpCx, Operation, Resource};
use crate::snapshot::{self, Tenant};
use crate::tenants;

const FIELDS: &[Field] = &[
    field("what", Shape::text(1, 16_384)).required().hint(
        "An authorize URL, a JWT, a refresh token, the id of a log event, or a request id (x-request-id)",
    ),
    field("basis", Shape::OneOf(&["recorded", "now"]))
        .hint("As it was decided then, or against the configuration now"),
];

/// `/explain`.
pub static RESOURCE: Resource = Resource {
    name: "explanations",
    operations: &[Operation::new(
        "post_explain",
        Method::Post,
        "/explain",
        "Explain a decision",
        &["read:explanations"],
        Handler::Custom(run),
    )
    .body(FIELDS, Purpose::Create)
    .effect(Effect::Reads)],
};

fn run<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let text = |name: &str| input.body.get(name).and_then(Value::as_str).unwrap_or_default();
        let tenant = snapshot::of_tenant(cx.tx, &cx.request.tenant, &cx.request.master_key).await?;
        let place = Place { tenant: &tenant, issuer: &cx.request.issuer, now: cx.request.now };
        let basis = if text("basis") == "now" { Basis::Now } else { Basis::Recorded };
        match explain(cx.tx, &place, text("what"), basis).await? {
            Ok(report) => Ok(serde_json::to_value(report).unwrap_or_default().into()),
            Err(Unexplained::NotUnderstood) => Err(ApiError::invalid_body(
                "'what is none of: an authorize URL, a JWT, a refresh token, a log id, a request id' on property what",
            )),
            Err(Unexplained::NotFound(what)) => Err(ApiError::new(404, what)),
            Err(Unexplained::OtherHost { named, own }) => Err(ApiError::invalid_body(format!(
                "'the URL is of the host {named}, and this tenant is served at {own}' on property what"
            ))),
        }
    })
}

/// Whose decision it is.
pub struct Place<'a> {
    /// The tenant, as it is configured now.
    pub tenant: &'a Tenant,
    /// Where it is asked; what is asked about may name another host of the tenant.
    pub issuer: &'a Issuer,
    /// The moment.
    pub now: Timestamp,
}

/// Against what it is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// What was decided then, as the log has it.
    Recorded,
    /// The configuration of this moment.
    Now,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unexplained {
    /// It has not the form of anything that can be explained.
    NotUnderstood,
    /// It has, and it is not there.
    NotFound(&'static str),
    /// A URL of a host that is not the tenant's.
    OtherHost {
        /// The URL's.
        named: String,
        /// The one that the tenant was made with.
        own: String,
    },
}

/// Explains what is asked about.
///
/// # Errors
/// [`StoreError`] of the database; [`Unexplained`] where there is nothing to say.
pub async fn explain(
    tx: &mut Tx,
    place: &Place<'_>,
    asked: &str,
    basis: Basis,
) -> Result<Result<Report, Unexplained>, StoreError> {
    match given(asked) {
        None => Ok(Err(Unexplained::NotUnderstood)),
        Some(Given::AuthorizeUrl { origin, params }) => {
            let issuer = match origin.as_deref().and_then(|origin| origin.split_once("://")) {
                Some((scheme, host)) => match of_tenant(tx, place, host).await? {
                    Ok(()) => Issuer::new(scheme, host),
                    Err(other) => return Ok(Err(other)),
                },
                // A path without a host is of the place where it is asked.
                None => place.issuer.clone(),
            };
            Ok(Ok(authorize_url(place, &issuer, &params)))
        }
        Some(Given::Token(token)) => tokens::jwt(tx, place, &token, basis).await.map(Ok),
        Some(Given::Reason(code)) => {
            let rows = vec![Row::new("reason", "", recorded::outcome_of(code), code)];
            Ok(Ok(Report { about: "reason".into(), rows, ..Report::default() }))
        }
        Some(Given::RefreshToken(token)) => tokens::refresh_token(tx, place, &token).await,
        Some(Given::LogId(id)) => match events::by_id(tx, place, &id).await? {
            Some(event) => events::explain(tx, place, &event, basis).await.map(Ok),
            None => Ok(Err(Unexplained::NotFound("There is no log event with this id."))),
        },
        Some(Given::RequestId(id)) => match events::by_request_id(tx, place, &id).await? {
            Some(event) => events::explain(tx, place, &event, basis).await.map(Ok),
            None => Ok(Err(Unexplained::NotFound("No log event was written for this request id."))),
        },
    }
}

/// An authorize URL has no user yet: where RBAC is on, permissions are those of nobody.
fn authorize_url(place: &Place<'_>, issuer: &Issuer, params: &[(String, String)]) -> Report {
    let client_id = params.iter().find(|(name, _)| name == "client_id").map(|(_, value)| value.as_str());
    let client = client_id.and_then(|id| place.tenant.client(id)).map(|client| &**client);
    preview::authorize(params, client, |request| {
        // Without a client no request comes so far.
        let nobody = Client::default();
        let client = client.unwrap_or(&nobody);
        let audience = request.audience.as_deref().or_else(|| place.tenant.default_audience());
        let facts = Facts::of(place, issuer, client, audience);
        let ask = ScopeAsk { scope: request.scope.as_deref(), audience, flow: request.flow() };
        let scopes = scope::decide(&ask, &facts.about(place, issuer, client, None, &[]));
        Decision { scopes, api: facts.api }
    })
}

/// What the configuration says of a client and an API.
struct Facts {
    api: Option<ResourceServer>,
    grants: Vec<ClientGrant>,
}

impl Facts {
    fn of(place: &Place<'_>, issuer: &Issuer, client: &Client, audience: Option<&str>) -> Self {
        let api = audience.and_then(|audience| place.tenant.resource_server(audience, issuer));
        let grants = api.as_ref().map(|api| place.tenant.grants(&client.client_id, api)).unwrap_or_default();
        Self { api, grants }
    }

    fn about<'a>(
        &'a self,
        place: &'a Place<'_>,
        issuer: &'a Issuer,
        client: &'a Client,
        user_id: Option<&'a str>,
        permissions: &'a [String],
    ) -> ScopeFacts<'a> {
        ScopeFacts {
            tenant: &place.tenant.id,
            issuer,
            client,
            third_party_mode: ThirdPartyMode::Strict,
            api: self.api.as_ref(),
            grants: &self.grants,
            user_id,
            permissions,
        }
    }
}

/// Whether the tenant is served at the host: its own, a custom domain, or where it is asked.
async fn of_tenant(
    tx: &mut Tx,
    place: &Place<'_>,
    host: &str,
) -> Result<Result<(), Unexplained>, StoreError> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_here = place.issuer.domain() == host;
    let served = tenants::by_host(tx, name).await?.is_some_and(|(tenant, _)| tenant == place.tenant.id);
    if is_here || served {
        return Ok(Ok(()));
    }
    let own = tenants::host(tx, &place.tenant.id).await?;
    Ok(Err(Unexplained::OtherHost { named: name.to_owned(), own }))
}

#[cfg(test)]
#[path = "explanations_tests.rs"]
mod tests;
