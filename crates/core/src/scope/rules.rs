//! The rules, in order: access policy, what the API defines, client grant, the user's own limits,
//! RBAC. The first gate that is closed is the reason for which a scope is dropped; the remedy has to open all.

use super::reason::{Explanation, Reason};
use super::report::{Audience, Origin, Outcome, ScopeEntry, ScopeRefusal, ScopeReport};
use super::{
    CURRENT_USER_SCOPES, Flow, MAX_SCOPE_CHARS, MAX_SCOPES, OFFLINE_ACCESS, OIDC_SCOPES, ONLINE_ACCESS,
    ScopeAsk, ScopeFacts, ThirdPartyMode,
};
use crate::errors::OAuthError;
use crate::resource_server::{AccessPolicy, ClientGrant, ResourceServer, SubjectType};

/// The request and the facts that fit it; what the rules and the explanations read.
pub(super) struct Case<'a> {
    pub(super) ask: &'a ScopeAsk<'a>,
    pub(super) facts: &'a ScopeFacts<'a>,
    /// The audience asked for; absent for none and for `/userinfo`.
    pub(super) audience: Option<&'a str>,
    pub(super) api: Option<&'a ResourceServer>,
    pub(super) grant: Option<&'a ClientGrant>,
}

/// What stands between a scope and the token.
struct Gates {
    /// The gates that are closed, in the order in which a scope meets them.
    closed: Vec<Reason>,
    /// Why it is granted where none is.
    granted: Reason,
}

pub(super) fn decide(ask: &ScopeAsk<'_>, facts: &ScopeFacts<'_>) -> Result<ScopeReport, Box<ScopeRefusal>> {
    let case = Case::new(ask, facts);
    let requested = case.requested()?;
    if let Some((shut, error)) = case.shut_out() {
        let entries = requested.iter().map(|scope| {
            let gates = [shut.clone(), case.gates(scope).closed].concat();
            case.entry(scope, Origin::Requested, Outcome::Refused, &gates)
        });
        let entries = entries.collect();
        let mut why = case.explain(&shut, None);
        case.define_what_is_asked(&mut why, &shut, &requested);
        return Err(case.refusal(error, why, entries));
    }
    let candidates = case.candidates(&requested);
    let decided = candidates.iter().map(|(scope, origin)| {
        let gates = case.gates(scope);
        match gates.closed.is_empty() {
            true => case.entry(scope, *origin, Outcome::Granted, &[gates.granted]),
            false => case.entry(scope, *origin, case.closed(*origin), &gates.closed),
        }
    });
    let entries: Vec<ScopeEntry> = decided.collect();
    if entries.iter().any(|entry| entry.outcome == Outcome::Refused) {
        return Err(case.refuse_machine(entries));
    }
    let openid = entries.iter().any(|entry| entry.scope == "openid" && entry.outcome == Outcome::Granted);
    Ok(ScopeReport { flow: ask.flow.name(), audience: case.token_audience(openid), entries })
}

impl<'a> Case<'a> {
    fn new(ask: &'a ScopeAsk<'a>, facts: &'a ScopeFacts<'a>) -> Self {
        let machine = ask.flow.subject() == SubjectType::Client;
        // A machine has no userinfo: for it that audience is an API like any other, and unknown.
        let userinfo = facts.issuer.userinfo_audience();
        let audience =
            ask.audience.filter(|audience| !audience.is_empty() && (machine || *audience != userinfo));
        let api = facts.api.filter(|api| audience == Some(api.identifier.as_str()));
        let fits = |grant: &&ClientGrant| {
            grant.client_id == facts.client.client_id
                && grant.subject_type == ask.flow.subject()
                && audience == Some(grant.audience.as_str())
        };
        let grant = facts.grants.iter().find(fits);
        Self { ask, facts, audience, api, grant }
    }

    /// The distinct scopes asked for, in order. Any white space separates them.
    fn requested(&self) -> Result<Vec<&'a str>, Box<ScopeRefusal>> {
        let text = self.ask.scope.unwrap_or_default();
        let mut distinct: Vec<&str> = Vec::new();
        // Characters are counted first: the search below must not meet an unbounded list.
        let too_long = text.chars().nth(MAX_SCOPE_CHARS).is_some();
        if !too_long {
            for scope in text.split_whitespace() {
                if !distinct.contains(&scope) {
                    distinct.push(scope);
                }
            }
        }
        let (reason, text) = match (too_long, distinct.len() > MAX_SCOPES) {
            (true, _) => {
                (Reason::ScopeTooLong, format!("scope must not exceed {MAX_SCOPE_CHARS} characters"))
            }
            (_, true) => {
                (Reason::TooManyScopes, format!("scope must not name more than {MAX_SCOPES} scopes"))
            }
            _ => return Ok(distinct),
        };
        Err(self.refusal(OAuthError::invalid_request(text), self.explain(&[reason], None), Vec::new()))
    }

    /// What stops the request before any scope is looked at: every reason, and the error of the first.
    fn shut_out(&self) -> Option<(Vec<Reason>, OAuthError)> {
        let machine = self.ask.flow.subject() == SubjectType::Client;
        let Some(audience) = self.audience else {
            // Compat: the text is about an API of old that a token without audience was for.
            let text = "Non-global clients are not allowed access to APIv1";
            return machine.then(|| (vec![Reason::MachineWithoutAudience], OAuthError::access_denied(text)));
        };
        let Some(api) = self.api else {
            let text = format!("Service not found: {audience}");
            let mut shut = vec![Reason::UnknownApi];
            // The API that has to be made will ask for a grant at once.
            if machine || self.strict_third_party() {
                shut.push(Reason::ClientGrantMissing);
            }
            return Some((shut, OAuthError::access_denied(text)));
        };
        let mut shut = Vec::new();
        if self.policy(api) == AccessPolicy::DenyAll {
            shut.push(if machine { Reason::ApiDeniesClients } else { Reason::ApiDeniesUsers });
        }
        if self.strict_third_party() && api.is_system {
            shut.push(Reason::ThirdPartySystemApi);
        }
        if self.needs_grant(api) && self.grant.is_none() {
            shut.push(Reason::ClientGrantMissing);
        }
        let text = format!("Client is not authorized to access resource server \"{audience}\".");
        let error = match shut.first()? {
            Reason::ApiDeniesUsers | Reason::ApiDeniesClients => OAuthError::access_denied(text),
            Reason::ThirdPartySystemApi => OAuthError::unauthorized_client(text),
            _ if machine => OAuthError::access_denied(format!(
                "Client is not authorized to access \"{audience}\". You need to create a \"client-grant\" \
                 associated to this API."
            )),
            _ if self.strict_third_party() => OAuthError::unauthorized_client(text),
            _ => OAuthError::access_denied(text),
        };
        Some((shut, error))
    }

    /// Requested scopes, then those that the flow adds.
    fn candidates(&self, requested: &[&'a str]) -> Vec<(&'a str, Origin)> {
        let mut all: Vec<(&str, Origin)> =
            requested.iter().map(|scope| (*scope, Origin::Requested)).collect();
        let mut add = |scope: &'a str| {
            if !all.iter().any(|(known, _)| *known == scope) {
                all.push((scope, Origin::Default));
            }
        };
        match self.ask.flow {
            Flow::ClientCredentials if requested.is_empty() => match (self.api, self.grant) {
                (Some(api), Some(grant)) if grant.allow_all_scopes => defined(api).for_each(add),
                (_, Some(grant)) => grant.scope.iter().for_each(|scope| add(scope)),
                _ => (),
            },
            Flow::Refresh { original } if requested.is_empty() => {
                original.iter().for_each(|scope| add(scope))
            }
            // Compat: proof of the user's password is taken as leave for everything, unless scopes were
            // chosen; `openid` alone stands for the whole OpenID set.
            Flow::Password if requested.is_empty() || requested == ["openid"] => {
                if !requested.is_empty() {
                    OIDC_SCOPES.into_iter().for_each(&mut add);
                }
                match self.api {
                    // With `require_client_grant` scopes must be asked for by name.
                    Some(api) if self.needs_grant(api) => (),
                    Some(api) if is_management(api) => {
                        CURRENT_USER_SCOPES.into_iter().filter(|scope| api.defines(scope)).for_each(add);
                    }
                    Some(api) => defined(api).for_each(add),
                    None => (),
                }
            }
            _ => (),
        }
        all
    }

    fn gates(&self, scope: &str) -> Gates {
        match self.ask.flow.subject() {
            SubjectType::User => self.for_user(scope),
            SubjectType::Client => self.for_machine(scope),
        }
    }

    /// What becomes of a scope that meets a closed gate.
    fn closed(&self, origin: Origin) -> Outcome {
        match (self.ask.flow.subject(), origin) {
            // A default cannot be the caller's fault: it is left out where a request would be refused.
            (SubjectType::Client, Origin::Requested) => Outcome::Refused,
            _ => Outcome::Dropped,
        }
    }

    fn for_user(&self, scope: &str) -> Gates {
        let mut closed = Vec::new();
        let mut gate = |is_open: bool, reason| {
            if !is_open {
                closed.push(reason);
            }
        };
        if let Flow::Refresh { original } = self.ask.flow {
            gate(original.iter().any(|given| given == scope), Reason::NotInOriginalGrant);
        }
        if OIDC_SCOPES.contains(&scope) {
            gate(!self.strict_third_party(), Reason::ThirdPartyOidc);
            return Gates { closed, granted: Reason::OidcStandard };
        }
        match scope {
            OFFLINE_ACCESS => {
                gate(self.ask.flow != Flow::Implicit, Reason::OfflineAccessInImplicit);
                gate(self.api.is_none_or(|api| api.allow_offline_access), Reason::OfflineAccessOff);
                let may = self.facts.client.allows_grant("refresh_token");
                gate(may, Reason::RefreshGrantTypeMissing);
                return Gates { closed, granted: Reason::OfflineAccessAllowed };
            }
            ONLINE_ACCESS => gate(false, Reason::OnlineAccessUnsupported),
            _ => (),
        }
        let Some(api) = self.api else {
            gate(self.audience.is_some(), Reason::NoApiAudience);
            gate(self.misunderstood(scope).is_none(), Reason::NotDefinedOnApi);
            return Gates { closed, granted: Reason::DefinedOnApi };
        };
        let by_grant = self.needs_grant(api);
        gate(api.defines(scope), Reason::NotDefinedOnApi);
        // A client without any grant was shut out before; the one that it needs is made to hold the scope.
        gate(!by_grant || self.grant.is_none_or(|grant| covers(grant, scope)), Reason::NotInClientGrant);
        if is_management(api) {
            gate(CURRENT_USER_SCOPES.contains(&scope), Reason::EndUserTokenLimit);
            return Gates { closed, granted: Reason::CurrentUserScope };
        }
        // RBAC is about the tenant's own APIs; the system's APIs have limits of their own.
        if api.enforce_policies && !api.is_system {
            gate(self.facts.permissions.iter().any(|held| held == scope), Reason::PermissionMissing);
            return Gates { closed, granted: Reason::HeldPermission };
        }
        Gates { closed, granted: if by_grant { Reason::InClientGrant } else { Reason::DefinedOnApi } }
    }

    fn for_machine(&self, scope: &str) -> Gates {
        let mut closed = Vec::new();
        let defined = self.api.map_or_else(|| self.misunderstood(scope).is_none(), |api| api.defines(scope));
        if !defined {
            closed.push(Reason::NotDefinedOnApi);
        }
        if self.grant.is_some_and(|grant| !covers(grant, scope)) {
            closed.push(Reason::NotInClientGrant);
        }
        Gates { closed, granted: Reason::InClientGrant }
    }

    /// One scope outside the grant refuses the whole request, so no scope of it is granted.
    fn refuse_machine(&self, entries: Vec<ScopeEntry>) -> Box<ScopeRefusal> {
        let outside = || entries.iter().filter(|entry| entry.outcome == Outcome::Refused);
        let names: Vec<&str> = outside().map(|entry| entry.scope.as_str()).collect();
        let error =
            OAuthError::access_denied(format!("Client has not been granted scopes: {}", names.join(", ")));
        let why = self.of_all(outside());
        let refused = entries.into_iter().map(|entry| match entry.outcome {
            Outcome::Refused => entry,
            _ => self.entry(&entry.scope, entry.origin, Outcome::Refused, &[Reason::RequestRefused]),
        });
        let refused = refused.collect();
        self.refusal(error, why, refused)
    }

    fn entry(&self, scope: &str, origin: Origin, outcome: Outcome, reasons: &[Reason]) -> ScopeEntry {
        ScopeEntry { scope: scope.to_owned(), origin, outcome, why: self.explain(reasons, Some(scope)) }
    }

    fn refusal(&self, error: OAuthError, why: Explanation, entries: Vec<ScopeEntry>) -> Box<ScopeRefusal> {
        let error = error.because(why.reason.code()).lifted_by(why.change.clone());
        let audience = self.ask.audience.filter(|audience| !audience.is_empty()).map(str::to_owned);
        Box::new(ScopeRefusal { error, why, flow: self.ask.flow.name(), audience, entries })
    }

    fn token_audience(&self, openid: bool) -> Audience {
        match self.api {
            None => Audience::Opaque,
            Some(api) => Audience::Api {
                identifier: api.identifier.clone(),
                // `/userinfo` checks the tenant's RSA keys; it could not check an HS256 signature.
                with_userinfo: openid
                    && (api.signing_alg.starts_with("RS") || api.signing_alg.starts_with("PS")),
            },
        }
    }

    fn policy(&self, api: &ResourceServer) -> AccessPolicy {
        match self.ask.flow.subject() {
            SubjectType::User => api.subject_type_authorization.user.policy,
            SubjectType::Client => api.subject_type_authorization.client.policy,
        }
    }

    /// A machine's scopes live in its grant, so it needs one whatever the policy.
    pub(super) fn needs_grant(&self, api: &ResourceServer) -> bool {
        self.ask.flow.subject() == SubjectType::Client
            || self.policy(api) == AccessPolicy::RequireClientGrant
            || self.strict_third_party()
    }

    fn strict_third_party(&self) -> bool {
        !self.facts.client.is_first_party && self.facts.third_party_mode == ThirdPartyMode::Strict
    }
}

fn covers(grant: &ClientGrant, scope: &str) -> bool {
    grant.allow_all_scopes || grant.scope.iter().any(|given| given == scope)
}

fn defined(api: &ResourceServer) -> impl Iterator<Item = &str> {
    api.scopes.iter().map(|definition| definition.value.as_str())
}

/// By path, not by issuer: an identifier presented at some other host must not lift the limit on
/// users' tokens.
pub(super) fn is_management(api: &ResourceServer) -> bool {
    api.is_system && api.identifier.ends_with("api/v2/")
}
