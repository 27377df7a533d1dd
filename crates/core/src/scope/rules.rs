//! The rules, in order: access policy, what the API defines, client grant, the user's own limits,
//! RBAC. A scope meets the first rule that drops it, or is granted by the last one it passed.

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

type Decided = (Outcome, Reason);

pub(super) fn decide(ask: &ScopeAsk<'_>, facts: &ScopeFacts<'_>) -> Result<ScopeReport, Box<ScopeRefusal>> {
    let case = Case::new(ask, facts);
    let requested = case.requested()?;
    if let Some((reason, error)) = case.shut_out() {
        let entries = requested.iter().map(|s| case.entry(s, Origin::Requested, (Outcome::Refused, reason)));
        let entries = entries.collect();
        return Err(case.refusal(error, case.explain(reason, None), entries));
    }
    let candidates = case.candidates(&requested);
    let decided =
        candidates.iter().map(|(scope, origin)| case.entry(scope, *origin, case.one(scope, *origin)));
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
        Err(self.refusal(OAuthError::invalid_request(text), self.explain(reason, None), Vec::new()))
    }

    /// What stops the request before any scope is looked at.
    fn shut_out(&self) -> Option<(Reason, OAuthError)> {
        let machine = self.ask.flow.subject() == SubjectType::Client;
        let Some(audience) = self.audience else {
            // Compat: the text is about an API of old that a token without audience was for.
            let text = "Non-global clients are not allowed access to APIv1";
            return machine.then(|| (Reason::MachineWithoutAudience, OAuthError::access_denied(text)));
        };
        let Some(api) = self.api else {
            let text = format!("Service not found: {audience}");
            return Some((Reason::UnknownApi, OAuthError::access_denied(text)));
        };
        let text = format!("Client is not authorized to access resource server \"{audience}\".");
        if self.policy(api) == AccessPolicy::DenyAll {
            let reason = if machine { Reason::ApiDeniesClients } else { Reason::ApiDeniesUsers };
            return Some((reason, OAuthError::access_denied(text)));
        }
        if self.strict_third_party() && api.is_system {
            return Some((Reason::ThirdPartySystemApi, OAuthError::unauthorized_client(text)));
        }
        if !self.needs_grant(api) || self.grant.is_some() {
            return None;
        }
        let error = match () {
            () if machine => OAuthError::access_denied(format!(
                "Client is not authorized to access \"{audience}\". You need to create a \"client-grant\" \
                 associated to this API."
            )),
            () if self.strict_third_party() => OAuthError::unauthorized_client(text),
            () => OAuthError::access_denied(text),
        };
        Some((Reason::ClientGrantMissing, error))
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

    fn one(&self, scope: &str, origin: Origin) -> Decided {
        match self.ask.flow.subject() {
            SubjectType::User => self.for_user(scope),
            SubjectType::Client => self.for_machine(scope, origin),
        }
    }

    fn for_user(&self, scope: &str) -> Decided {
        let (granted, dropped) = (|reason| (Outcome::Granted, reason), |reason| (Outcome::Dropped, reason));
        if let Flow::Refresh { original } = self.ask.flow
            && !original.iter().any(|given| given == scope)
        {
            return dropped(Reason::NotInOriginalGrant);
        }
        if OIDC_SCOPES.contains(&scope) {
            return if self.strict_third_party() {
                dropped(Reason::ThirdPartyOidc)
            } else {
                granted(Reason::OidcStandard)
            };
        }
        match scope {
            OFFLINE_ACCESS => return self.offline_access(),
            ONLINE_ACCESS => return dropped(Reason::OnlineAccessUnsupported),
            _ => (),
        }
        let Some(api) = self.api else { return dropped(Reason::NoApiAudience) };
        if !api.defines(scope) {
            return dropped(Reason::NotDefinedOnApi);
        }
        let by_grant = self.needs_grant(api);
        if by_grant && !self.grant.is_some_and(|grant| covers(grant, scope)) {
            return dropped(Reason::NotInClientGrant);
        }
        if is_management(api) {
            return if CURRENT_USER_SCOPES.contains(&scope) {
                granted(Reason::CurrentUserScope)
            } else {
                dropped(Reason::EndUserTokenLimit)
            };
        }
        // RBAC is about the tenant's own APIs; the system's APIs have limits of their own.
        if api.enforce_policies && !api.is_system {
            return if self.facts.permissions.iter().any(|held| held == scope) {
                granted(Reason::HeldPermission)
            } else {
                dropped(Reason::PermissionMissing)
            };
        }
        granted(if by_grant { Reason::InClientGrant } else { Reason::DefinedOnApi })
    }

    fn offline_access(&self) -> Decided {
        let reason = match () {
            () if self.ask.flow == Flow::Implicit => Reason::OfflineAccessInImplicit,
            () if self.api.is_some_and(|api| !api.allow_offline_access) => Reason::OfflineAccessOff,
            () if !self.facts.client.allows_grant("refresh_token") => Reason::RefreshGrantTypeMissing,
            () => return (Outcome::Granted, Reason::OfflineAccessAllowed),
        };
        (Outcome::Dropped, reason)
    }

    fn for_machine(&self, scope: &str, origin: Origin) -> Decided {
        // A default cannot be the caller's fault: it is left out where a request would be refused.
        let outcome = if origin == Origin::Default { Outcome::Dropped } else { Outcome::Refused };
        match (self.api, self.grant) {
            (Some(api), _) if !api.defines(scope) => (outcome, Reason::NotDefinedOnApi),
            (Some(_), Some(grant)) if covers(grant, scope) => (Outcome::Granted, Reason::InClientGrant),
            _ => (outcome, Reason::NotInClientGrant),
        }
    }

    /// One scope outside the grant refuses the whole request, so no scope of it is granted.
    fn refuse_machine(&self, entries: Vec<ScopeEntry>) -> Box<ScopeRefusal> {
        let outside = || entries.iter().filter(|entry| entry.outcome == Outcome::Refused);
        let names: Vec<&str> = outside().map(|entry| entry.scope.as_str()).collect();
        let error =
            OAuthError::access_denied(format!("Client has not been granted scopes: {}", names.join(", ")));
        let why = outside().map(|entry| entry.why.clone()).next();
        let why = why.unwrap_or_else(|| self.explain(Reason::NotInClientGrant, None));
        let refused = entries.into_iter().map(|entry| match entry.outcome {
            Outcome::Refused => entry,
            _ => self.entry(&entry.scope, entry.origin, (Outcome::Refused, Reason::RequestRefused)),
        });
        let refused = refused.collect();
        self.refusal(error, why, refused)
    }

    fn entry(&self, scope: &str, origin: Origin, (outcome, reason): Decided) -> ScopeEntry {
        ScopeEntry { scope: scope.to_owned(), origin, outcome, why: self.explain(reason, Some(scope)) }
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
