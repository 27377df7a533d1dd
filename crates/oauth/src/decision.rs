//! Gathers the facts of a scope decision, asks the core, and shows the answer to those who may see it.

use gatewright_core::authorize::Request;
use gatewright_core::client::Client;
use gatewright_core::resource_server::ResourceServer;
use gatewright_core::scope::{self, Flow, ScopeAsk, ScopeFacts, ScopeRefusal, ScopeReport};
use gatewright_http::RequestCx;
use gatewright_resources::permissions;
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

/// What was asked, before it is decided.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// The `scope` parameter.
    pub(crate) scope: Option<String>,
    /// The `audience` parameter, or the tenant's default.
    pub(crate) audience: Option<String>,
    /// The API of that audience.
    pub(crate) api: Option<ResourceServer>,
    /// How the token will travel.
    pub(crate) flow: Flow<'static>,
    /// What a refresh token was issued for: then the flow is the exchange of that token.
    pub(crate) original: Option<Vec<String>>,
}

impl Wanted {
    /// Fills in the tenant's default audience and finds the API.
    pub(crate) fn new(
        cx: &RequestCx,
        scope: Option<&str>,
        audience: Option<&str>,
        flow: Flow<'static>,
    ) -> Self {
        let audience = audience.or_else(|| cx.tenant.default_audience()).map(str::to_owned);
        let api = audience.as_deref().and_then(|audience| cx.tenant.resource_server(audience, &cx.issuer));
        Self { scope: scope.map(str::to_owned), audience, api, flow, original: None }
    }

    /// What a request of `/authorize` asks for.
    pub(crate) fn of(cx: &RequestCx, request: &Request) -> Self {
        Self::new(cx, request.scope.as_deref(), request.audience.as_deref(), request.flow())
    }

    /// The same audience as when a refresh token was issued, and scopes that it may be narrowed to. The
    /// tenant's default audience may have changed since; it is not filled in.
    pub(crate) fn narrowed(
        cx: &RequestCx,
        scope: Option<&str>,
        audience: Option<&str>,
        original: Vec<String>,
    ) -> Self {
        let api = audience.and_then(|audience| cx.tenant.resource_server(audience, &cx.issuer));
        Self {
            scope: scope.map(str::to_owned),
            audience: audience.map(str::to_owned),
            api,
            flow: Flow::Code,
            original: Some(original),
        }
    }

    /// The user's permissions on the API; read only where role-based access control applies.
    pub(crate) async fn permissions(
        &self,
        tx: &mut Tx,
        cx: &RequestCx,
        user_id: &str,
    ) -> Result<Vec<String>, StoreError> {
        match &self.api {
            Some(api) if api.enforce_policies => permissions::held(tx, &cx.tenant.id, user_id, &api.id).await,
            _ => Ok(Vec::new()),
        }
    }

    /// Decides. The table goes to the server's log in `dev`.
    pub(crate) fn decide(
        &self,
        cx: &RequestCx,
        client: &Client,
        user_id: Option<&str>,
        permissions: &[String],
    ) -> Result<ScopeReport, Box<ScopeRefusal>> {
        let decided = self.predict(cx, client, user_id, permissions);
        if cx.app.settings.dev {
            let (subject, table) = match &decided {
                Ok(report) => (user_id.unwrap_or(&client.client_id), report.table()),
                Err(refusal) => (user_id.unwrap_or(&client.client_id), refusal.table()),
            };
            let audience = self.audience.as_deref().unwrap_or("userinfo only");
            tracing::info!("Scopes of {subject} through {}, for {audience}:\n{table}", client.name);
        }
        decided
    }

    /// What [`Self::decide`] would say, of which nobody is told.
    pub(crate) fn predict(
        &self,
        cx: &RequestCx,
        client: &Client,
        user_id: Option<&str>,
        permissions: &[String],
    ) -> Result<ScopeReport, Box<ScopeRefusal>> {
        let grants =
            self.api.as_ref().map(|api| cx.tenant.grants(&client.client_id, api)).unwrap_or_default();
        let flow = self.original.as_ref().map_or(self.flow, |original| Flow::Refresh { original });
        let ask = ScopeAsk { scope: self.scope.as_deref(), audience: self.audience.as_deref(), flow };
        let facts = ScopeFacts {
            tenant: &cx.tenant.id,
            issuer: &cx.issuer,
            client,
            third_party_mode: scope::ThirdPartyMode::Strict,
            api: self.api.as_ref(),
            grants: &grants,
            user_id,
            permissions,
        };
        scope::decide(&ask, &facts)
    }
}

/// The `decision` member of a log event's details.
pub(crate) fn detail(decided: &Result<ScopeReport, Box<ScopeRefusal>>) -> Value {
    match decided {
        Ok(report) => json!({"scope": report}),
        Err(refusal) => json!({"scope": refusal}),
    }
}
