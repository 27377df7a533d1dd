//! Hints for scopes that people ask for by mistake: what they are after, and how to get it.

use super::rules::{Case, is_management};
use crate::resource_server::ResourceServer;

impl Case<'_> {
    /// What to do about a scope that the API does not define.
    pub(super) fn undefined(&self, scope: &str) -> String {
        let fixed = self.api.is_some_and(|api| api.is_system);
        self.misunderstood(scope).unwrap_or_else(|| match fixed {
            true => "ask for a scope that this API has; its list is fixed.".into(),
            false => format!("add it to scopes of {}, or ask for one that it defines.", self.api_name()),
        })
    }

    /// What was meant, where it can be told: then no new scope is needed.
    pub(super) fn misunderstood(&self, scope: &str) -> Option<String> {
        self.profile_name(scope).or_else(|| {
            if scope.contains(',') {
                return Some("separate scopes with spaces, not commas.".into());
            }
            let meant = near(self.api?, scope)?;
            Some(format!("ask for {meant}, which the API defines."))
        })
    }

    /// Names of profile fields that people ask for as if they were scopes, and what they are after.
    fn profile_name(&self, scope: &str) -> Option<String> {
        let at = if self.api.is_some_and(is_management) {
            String::new()
        } else {
            format!(" with audience {}", self.facts.issuer.management_audience())
        };
        Some(match scope {
            "user_metadata" => format!(
                "it is a field of the profile, not a scope. To let users edit it, ask for \
                 update:current_user_metadata{at}; to have it in a token, set a custom claim in an Action."
            ),
            "app_metadata" => format!(
                "it is a field of the profile, not a scope. To let users read it, ask for read:current_user{at}; \
                 to have it in a token, set a custom claim in an Action. Only a back end can write it."
            ),
            "identities" => format!(
                "it is a field of the profile, not a scope. To read it, ask for read:current_user{at}; to link \
                 accounts, for update:current_user_identities."
            ),
            "roles" | "groups" | "permissions" => format!(
                "no scope opens it. To have {scope} in a token, set a custom claim in an Action; for permissions, \
                 use RBAC with the token dialect access_token_authz."
            ),
            "name" | "nickname" | "picture" | "given_name" | "family_name" | "updated_at" => {
                "it is a claim, not a scope: ask for profile.".into()
            }
            "email_verified" => "it is a claim, not a scope: ask for email.".into(),
            "phone_number" | "phone_verified" | "phone_number_verified" => {
                "it is a claim, not a scope: ask for phone.".into()
            }
            "user_id" | "sub" => "every token has it as sub; no scope is needed.".into(),
            "created_at" | "last_login" | "logins_count" => {
                format!(
                    "it is a field of the profile, not a scope. To read it, ask for read:current_user{at}."
                )
            }
            _ => return None,
        })
    }

    /// The nearest thing that a user's own token can do at the Management API.
    pub(super) fn own_account(&self, scope: &str) -> String {
        const BACK_END: &str = "from a back end, call the API with the client credentials grant.";
        let instead = match scope {
            "read:users" | "read:users_app_metadata" => "read:current_user",
            "update:users" => "update:current_user_metadata",
            "create:users_app_metadata" | "update:users_app_metadata" | "delete:users_app_metadata" => {
                return format!("users cannot change their own app_metadata; {BACK_END}");
            }
            "read:user_idp_tokens" => return format!("users cannot read these tokens; {BACK_END}"),
            "read:device_credentials" | "create:device_credentials" => {
                "create:current_user_device_credentials"
            }
            "delete:device_credentials" => "delete:current_user_device_credentials",
            _ => return BACK_END.into(),
        };
        format!("ask for {instead}, which covers the user's own account; for other users, {BACK_END}")
    }
}

/// A scope of the API made of the same words: other case, order or separators.
fn near<'a>(api: &'a ResourceServer, scope: &str) -> Option<&'a str> {
    let wanted = words(scope);
    if wanted.is_empty() {
        return None;
    }
    api.scopes.iter().map(|definition| definition.value.as_str()).find(|known| words(known) == wanted)
}

fn words(scope: &str) -> Vec<String> {
    let parts = scope.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    let mut parts: Vec<String> = parts.map(str::to_lowercase).collect();
    parts.sort_unstable();
    parts
}
