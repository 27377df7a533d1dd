//! Tables of cases, and the tenant that they bend.

mod apis;
mod flows;
mod parameter;

use super::*;
use crate::resource_server::{AccessPolicy, ScopeDefinition};

pub(crate) const API: &str = "https://orders.example/";
pub(crate) const MANAGEMENT: &str = "https://localhost:8443/api/v2/";

/// A tenant with one client, one API and the Management API, to be bent by each case.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) tenant: TenantId,
    pub(crate) issuer: Issuer,
    pub(crate) client: Client,
    pub(crate) orders: ResourceServer,
    pub(crate) management: ResourceServer,
    pub(crate) grants: Vec<ClientGrant>,
    pub(crate) permissions: Vec<String>,
    pub(crate) third_party_mode: ThirdPartyMode,
}

pub(crate) fn definitions(scopes: &[&str]) -> Vec<ScopeDefinition> {
    let named = |value: &&str| ScopeDefinition { value: (*value).into(), description: String::new() };
    scopes.iter().map(named).collect()
}

pub(crate) fn strings(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

impl World {
    pub(crate) fn new() -> Self {
        let mut management = definitions(&CURRENT_USER_SCOPES);
        management.extend(definitions(&[
            "read:users",
            "update:users",
            "read:clients",
            "delete:current_user",
        ]));
        Self {
            tenant: TenantId::new("localhost"),
            issuer: Issuer::new("https", "localhost:8443"),
            client: Client {
                client_id: "CLIENT".into(),
                name: "My page".into(),
                app_type: "spa".into(),
                grant_types: strings("implicit authorization_code refresh_token"),
                ..Client::default()
            },
            orders: ResourceServer {
                id: "rs_orders".into(),
                identifier: API.into(),
                name: "Orders".into(),
                scopes: definitions(&["read:orders", "write:orders", "delete:orders"]),
                allow_offline_access: true,
                ..ResourceServer::default()
            },
            management: ResourceServer {
                id: "rs_management".into(),
                identifier: MANAGEMENT.into(),
                scopes: management,
                is_system: true,
                ..ResourceServer::default()
            },
            grants: Vec::new(),
            permissions: Vec::new(),
            third_party_mode: ThirdPartyMode::Strict,
        }
    }

    pub(crate) fn with(mut self, bend: impl FnOnce(&mut Self)) -> Self {
        bend(&mut self);
        self
    }

    pub(crate) fn granting(self, audience: &str, subject_type: SubjectType, scope: &str) -> Self {
        self.with(|world| {
            world.grants.push(ClientGrant {
                id: format!("cgr_{}", world.grants.len()),
                client_id: "CLIENT".into(),
                audience: audience.into(),
                scope: strings(scope),
                subject_type,
                allow_all_scopes: false,
            });
        })
    }

    pub(crate) fn decide(
        &self,
        flow: Flow<'_>,
        audience: &str,
        scope: &str,
    ) -> Result<ScopeReport, Box<ScopeRefusal>> {
        self.with_facts(audience, |facts| {
            decide(&ScopeAsk { scope: Some(scope), audience: Some(audience), flow }, facts)
        })
    }

    /// What is known about a request for this audience.
    pub(crate) fn with_facts<T>(&self, audience: &str, decide: impl FnOnce(&ScopeFacts<'_>) -> T) -> T {
        let apis = [&self.orders, &self.management];
        decide(&ScopeFacts {
            tenant: &self.tenant,
            issuer: &self.issuer,
            client: &self.client,
            third_party_mode: self.third_party_mode,
            api: apis.into_iter().find(|api| api.identifier == audience),
            grants: &self.grants,
            user_id: Some("sms|5b5e"),
            permissions: &self.permissions,
        })
    }
}

/// One line per run of a case: `+scope:reason` granted, `-` dropped, `!` refused, `*` marks a default.
fn line(entries: &[ScopeEntry]) -> String {
    let words = entries.iter().map(|entry| {
        let sign = match entry.outcome {
            Outcome::Granted => "+",
            Outcome::Dropped => "-",
            Outcome::Refused => "!",
        };
        let origin = if entry.origin == Origin::Default { "*" } else { "" };
        format!("{sign}{origin}{}={}", entry.scope, entry.reason().code())
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Runs the decision; refusals read `code: text | entries`.
fn check(world: &World, flow: Flow<'_>, audience: &str, scope: &str, expect: &str) {
    let got = match world.decide(flow, audience, scope) {
        Ok(report) => line(&report.entries),
        Err(refusal) => format!("{} | {}", refusal.error, line(&refusal.entries)),
    };
    assert_eq!(got.trim_end(), expect, "flow {}, audience {audience:?}, scope {scope:?}", flow.name());
}
