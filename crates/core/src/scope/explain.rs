//! The reasons in words: what is so, what to do, and the change of a setting that would do it.

use serde_json::{Value, json};

use super::reason::{Change, ChangeAction, Explanation, Reason};
use super::report::ScopeEntry;
use super::rules::{Case, is_management};
use super::{MAX_SCOPE_CHARS, MAX_SCOPES, OFFLINE_ACCESS, OIDC_SCOPES, ONLINE_ACCESS};
use crate::resource_server::SubjectType;

impl Case<'_> {
    /// The first reason, and the changes that lift all of them. `scope` is absent when the refusal of a whole
    /// request is explained.
    pub(super) fn explain(&self, reasons: &[Reason], scope: Option<&str>) -> Explanation {
        let scope = scope.unwrap_or_default();
        let reason = reasons.first().copied().unwrap_or(Reason::RequestRefused);
        let says = capitalized(&self.says(reason, scope));
        let changes: Vec<Option<Change>> = reasons.iter().map(|reason| self.change(*reason, scope)).collect();
        // A set that leaves a gate closed would change settings and grant nothing. What no setting lifts is to be
        // done otherwise, and makes the rest needless.
        let fixed = reasons.iter().zip(&changes).find(|(_, change)| change.is_none());
        let (told, mut set) = match fixed {
            Some((fixed, _)) => (std::slice::from_ref(fixed), Vec::new().into_iter()),
            None => (reasons, changes.into_iter().flatten().collect::<Vec<_>>().into_iter()),
        };
        let told: Vec<String> = told.iter().filter_map(|reason| self.remedy(*reason, scope)).collect();
        let remedy = (!told.is_empty()).then(|| told.join(" Besides, "));
        let (change, further) = (set.next(), set.collect());
        Explanation { reason, setting_id: self.setting_id(reason), says, remedy, change, further }
    }

    /// A grant that has to be made holds what is asked for, so the API has to define that first.
    pub(super) fn define_what_is_asked(&self, why: &mut Explanation, shut: &[Reason], requested: &[&str]) {
        if self.api.is_none() || why.change.is_none() || !shut.contains(&Reason::ClientGrantMissing) {
            return;
        }
        let undefined = requested.iter().filter(|scope| !self.api.is_some_and(|api| api.defines(scope)));
        let undefined = undefined.filter(|scope| self.is_for_the_api(scope));
        why.further.extend(undefined.filter_map(|scope| self.change(Reason::NotDefinedOnApi, scope)));
    }

    /// Why a request was refused: for the first of these entries, until what all of them lack is changed.
    pub(super) fn of_all<'e>(&self, entries: impl Iterator<Item = &'e ScopeEntry>) -> Explanation {
        let mut why: Option<Explanation> = None;
        let mut all = true;
        for entry in entries {
            all &= entry.why.change.is_some();
            match &mut why {
                None => why = Some(entry.why.clone()),
                Some(why) => why.further.extend(entry.why.change.iter().chain(&entry.why.further).cloned()),
            }
        }
        let mut why = why.unwrap_or_else(|| self.explain(&[Reason::NotInClientGrant], None));
        if !all {
            (why.change, why.further) = (None, Vec::new());
        }
        why
    }

    /// The id of the resource whose setting decided.
    fn setting_id(&self, reason: Reason) -> Option<String> {
        let (resource, _) = reason.setting().split_once('.').unwrap_or((reason.setting(), ""));
        let id = match resource {
            "client" => Some(self.facts.client.client_id.as_str()),
            "resource_server" => self.api.map(|api| api.id.as_str()),
            "client_grant" => self.grant.map(|grant| grant.id.as_str()),
            "user" => self.facts.user_id,
            _ => None,
        };
        id.map(str::to_owned)
    }

    fn says(&self, reason: Reason, scope: &str) -> String {
        let api = self.api_name();
        let client = self.client_name();
        let audience = self.audience.unwrap_or_default();
        let whose = self.whose();
        match reason {
            Reason::OidcStandard => format!("\"{scope}\" is an OpenID Connect scope and needs no API."),
            Reason::OfflineAccessAllowed => "Refresh tokens are allowed here.".into(),
            Reason::DefinedOnApi => format!("{api} defines it for any user."),
            Reason::CurrentUserScope => "It covers the user's own account only.".into(),
            Reason::InClientGrant => format!("{client} holds a client grant with it for {api}."),
            Reason::HeldPermission => format!("RBAC is on for {api}, and the user holds this permission."),
            Reason::NoApiAudience => {
                format!(
                    "No API was asked for, so nothing defines \"{scope}\"; the token is for /userinfo only."
                )
            }
            Reason::NotDefinedOnApi => format!("{api} defines no scope \"{scope}\"."),
            Reason::NotInClientGrant => {
                format!("The grant of {client} for {api} does not hold \"{scope}\".")
            }
            Reason::PermissionMissing => {
                format!("RBAC is on for {api}, and the user does not hold the permission \"{scope}\".")
            }
            Reason::EndUserTokenLimit => {
                "A user's own token can hold only *:current_user* scopes here.".into()
            }
            Reason::OfflineAccessOff => format!("{api} does not allow refresh tokens."),
            Reason::RefreshGrantTypeMissing => format!("{client} may not use the grant type refresh_token."),
            Reason::OfflineAccessInImplicit => "The implicit flow never issues refresh tokens.".into(),
            Reason::OnlineAccessUnsupported => "Refresh tokens bound to a session are not supported.".into(),
            Reason::ThirdPartyOidc => {
                format!("{client} is a third-party client in strict mode, which gets no identity.")
            }
            Reason::NotInOriginalGrant => format!("The refresh token was issued without \"{scope}\"."),
            Reason::AddedByScript => "A script added it.".into(),
            Reason::RemovedByScript => "A script removed it.".into(),
            Reason::ScriptScopeIgnored => "A script added it, which scripts cannot do here.".into(),
            Reason::UnknownApi => {
                format!("Tenant \"{}\" has no API with the identifier \"{audience}\".", self.facts.tenant)
            }
            Reason::ApiDeniesUsers => format!("{api} is closed to tokens of users."),
            Reason::ApiDeniesClients => format!("{api} is closed to machine-to-machine tokens."),
            Reason::ClientGrantMissing => format!("{client} has no client grant for {api} and {whose}."),
            Reason::ThirdPartySystemApi => {
                format!("{client} is a third-party client in strict mode; {api} is not open to those.")
            }
            Reason::MachineWithoutAudience => {
                "A machine-to-machine token needs an API, and none was named.".into()
            }
            Reason::RequestRefused => {
                "It could be granted, but another scope of this request was refused.".into()
            }
            Reason::ScopeTooLong => {
                format!("The scope parameter has more than {MAX_SCOPE_CHARS} characters.")
            }
            Reason::TooManyScopes => format!("The scope parameter names more than {MAX_SCOPES} scopes."),
        }
    }

    fn remedy(&self, reason: Reason, scope: &str) -> Option<String> {
        let api = self.api_name();
        let client = self.client_name();
        Some(match reason {
            Reason::OidcStandard
            | Reason::OfflineAccessAllowed
            | Reason::DefinedOnApi
            | Reason::CurrentUserScope
            | Reason::InClientGrant
            | Reason::AddedByScript
            | Reason::HeldPermission => return None,
            Reason::RemovedByScript | Reason::ScriptScopeIgnored => "change the script.".into(),
            Reason::NoApiAudience => self.misunderstood(scope).unwrap_or_else(|| {
                "send the parameter audience with the identifier of the API that defines it.".into()
            }),
            Reason::NotDefinedOnApi => self.undefined(scope),
            Reason::NotInClientGrant => "add it to scope of that client grant, or do not ask for it.".into(),
            Reason::PermissionMissing => {
                "give the user this permission or a role that has it, or switch off \
                 enforce_policies (RBAC) of the API."
                    .into()
            }
            Reason::EndUserTokenLimit => self.own_account(scope),
            Reason::OfflineAccessOff | Reason::ApiDeniesUsers | Reason::ApiDeniesClients
                if self.api.is_some_and(|api| api.is_system) =>
            {
                "do not ask for it: this API belongs to the system, and this cannot be changed.".into()
            }
            Reason::OfflineAccessOff => format!("set allow_offline_access of {api} to true."),
            Reason::RefreshGrantTypeMissing => format!("add refresh_token to grant_types of {client}."),
            Reason::OfflineAccessInImplicit => "use response_type=code with PKCE.".into(),
            Reason::OnlineAccessUnsupported => "ask for offline_access, or renew with prompt=none.".into(),
            Reason::ThirdPartyOidc => {
                "do not ask for it; only first-party clients, and third-party clients in permissive \
                 mode, learn who the user is."
                    .into()
            }
            Reason::NotInOriginalGrant => "send the user through a new login that asks for it.".into(),
            Reason::UnknownApi => {
                "create an API with exactly this identifier, trailing slash included, or correct the \
                 parameter audience."
                    .into()
            }
            Reason::ApiDeniesUsers => {
                format!(
                    "set subject_type_authorization.user.policy of {api} to allow_all or \
                 require_client_grant."
                )
            }
            Reason::ApiDeniesClients => {
                format!("set subject_type_authorization.client.policy of {api} to require_client_grant.")
            }
            Reason::ClientGrantMissing => self.grant_missing(),
            Reason::ThirdPartySystemApi => format!("use a first-party client for {api}."),
            Reason::MachineWithoutAudience => {
                "send the parameter audience with the identifier of the API.".into()
            }
            Reason::RequestRefused => "ask without the scopes that were refused.".into(),
            Reason::ScopeTooLong | Reason::TooManyScopes => "ask only for what this login needs.".into(),
        })
    }

    fn change(&self, reason: Reason, scope: &str) -> Option<Change> {
        let client = &self.facts.client.client_id;
        // Of the system's own APIs nothing but lifetimes can be changed.
        let on_api = |action| {
            self.api.filter(|api| !api.is_system).map(|api| Change {
                resource: "resource-servers",
                id: Some(api.id.clone()),
                action,
            })
        };
        match reason {
            // The scopes of the system's own APIs are fixed, and a misunderstanding is not cured by
            // defining a scope for it.
            Reason::NotDefinedOnApi if self.api.is_some_and(|api| api.is_system) => None,
            Reason::NotDefinedOnApi if self.misunderstood(scope).is_some() => None,
            Reason::NotDefinedOnApi => {
                on_api(ChangeAction::Append { field: "scopes", value: json!({ "value": scope }) })
            }
            Reason::NotInClientGrant => self.grant.map(|grant| Change {
                resource: "client-grants",
                id: Some(grant.id.clone()),
                action: ChangeAction::Append { field: "scope", value: json!(scope) },
            }),
            Reason::PermissionMissing => self.api.map(|api| Change {
                resource: "users",
                id: self.facts.user_id.map(str::to_owned),
                action: ChangeAction::Append {
                    field: "permissions",
                    value: json!({ "resource_server_identifier": api.identifier, "permission_name": scope }),
                },
            }),
            Reason::OfflineAccessOff => {
                on_api(ChangeAction::Set { field: "allow_offline_access", value: json!(true) })
            }
            Reason::RefreshGrantTypeMissing => Some(Change {
                resource: "clients",
                id: Some(client.clone()),
                action: ChangeAction::Append { field: "grant_types", value: json!("refresh_token") },
            }),
            Reason::UnknownApi => {
                let mut value = json!({ "identifier": self.audience });
                let scopes: Vec<Value> =
                    self.wanted_of_api().map(|scope| json!({ "value": scope })).collect();
                if !scopes.is_empty() {
                    value["scopes"] = json!(scopes);
                }
                if self.asked().any(|scope| scope == OFFLINE_ACCESS) {
                    value["allow_offline_access"] = json!(true);
                }
                Some(Change {
                    resource: "resource-servers",
                    id: None,
                    action: ChangeAction::Create { value },
                })
            }
            Reason::ApiDeniesUsers => on_api(ChangeAction::Set {
                field: "subject_type_authorization.user.policy",
                value: json!("allow_all"),
            }),
            Reason::ApiDeniesClients => on_api(ChangeAction::Set {
                field: "subject_type_authorization.client.policy",
                value: json!("require_client_grant"),
            }),
            Reason::ClientGrantMissing => Some(Change {
                resource: "client-grants",
                id: None,
                action: ChangeAction::Create {
                    value: json!({
                        "client_id": client,
                        "audience": self.audience,
                        "scope": self.wanted_of_api().collect::<Vec<_>>(),
                        "subject_type": self.ask.flow.subject(),
                    }),
                },
            }),
            _ => None,
        }
    }

    fn asked(&self) -> impl Iterator<Item = &str> {
        self.ask.scope.unwrap_or_default().split_whitespace()
    }

    /// Scopes that an API has to define to be granted; those of OpenID Connect need none in a user's token.
    fn is_for_the_api(&self, scope: &str) -> bool {
        let user = self.ask.flow.subject() == SubjectType::User;
        let of_protocol = OIDC_SCOPES.contains(&scope) || [OFFLINE_ACCESS, ONLINE_ACCESS].contains(&scope);
        !(user && of_protocol)
    }

    /// What was asked for, as far as the API has it or can be made to have it: the least grant that would do.
    fn wanted_of_api(&self) -> impl Iterator<Item = &str> {
        let mut known: Vec<&str> = Vec::new();
        self.asked().filter(move |scope| {
            let new = !known.contains(scope);
            known.push(scope);
            let can_be_defined = || {
                self.is_for_the_api(scope)
                    && self.misunderstood(scope).is_none()
                    && self.api.is_none_or(|api| !api.is_system)
            };
            new && (self.api.is_some_and(|api| api.defines(scope)) || can_be_defined())
        })
    }

    fn grant_missing(&self) -> String {
        let (client, api) = (self.client_name(), self.api_name());
        let subject = match self.ask.flow.subject() {
            SubjectType::User => "user",
            SubjectType::Client => "client",
        };
        let other = self.facts.grants.iter().any(|grant| {
            grant.client_id == self.facts.client.client_id && Some(grant.audience.as_str()) == self.audience
        });
        let note = if other { " The grant that exists is for the other subject_type." } else { "" };
        format!("create a client grant with subject_type {subject} for {client} and {api}.{note}")
    }

    fn whose(&self) -> &'static str {
        match self.ask.flow.subject() {
            SubjectType::User => "tokens of users",
            SubjectType::Client => "machine-to-machine tokens",
        }
    }

    pub(super) fn api_name(&self) -> String {
        match self.api {
            Some(api) if is_management(api) => "the Management API".into(),
            Some(api) if api.name.is_empty() => format!("the API \"{}\"", api.identifier),
            Some(api) => format!("the API \"{}\"", api.name),
            None => "the API".into(),
        }
    }

    fn client_name(&self) -> String {
        let client = self.facts.client;
        format!("the client \"{}\"", if client.name.is_empty() { &client.client_id } else { &client.name })
    }
}

fn capitalized(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
