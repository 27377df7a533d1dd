//! The reasons of the scope decision: stable codes, and the setting that decided.

use serde::{Serialize, Serializer};
use serde_json::Value;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $setting:literal;)+) => {
        /// Why a scope was granted, dropped or refused. Codes are stable: logs and tools rely on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[doc = $doc])+ $name,)+ }

        impl Reason {
            /// Every reason, for documentation and tests.
            pub const ALL: &[Reason] = &[$(Reason::$name,)+];

            /// The stable code, e.g. `not_defined_on_api`.
            pub const fn code(self) -> &'static str {
                match self { $(Reason::$name => $code,)+ }
            }

            /// What decided: a setting as `resource.field`, or a part of the request or protocol.
            pub const fn setting(self) -> &'static str {
                match self { $(Reason::$name => $setting,)+ }
            }
        }
    };
}

reasons! {
    /// Granted: an OpenID Connect scope, which needs no API.
    OidcStandard = "oidc_standard", "protocol.openid";
    /// Granted: refresh tokens are allowed here.
    OfflineAccessAllowed = "offline_access_allowed", "client.grant_types";
    /// Granted: the API defines it and lets any user's token hold it.
    DefinedOnApi = "defined_on_api", "resource_server.scopes";
    /// Granted: one of the scopes over one's own account at the Management API.
    CurrentUserScope = "current_user_scope", "system.current_user_scopes";
    /// Granted: the client grant holds it.
    InClientGrant = "in_client_grant", "client_grant.scope";
    /// Granted: RBAC is on and the user holds the permission.
    HeldPermission = "held_permission", "user.permissions";

    /// Dropped: without an API there is nothing to define it.
    NoApiAudience = "no_api_audience", "request.audience";
    /// Dropped: the API defines no such scope.
    NotDefinedOnApi = "not_defined_on_api", "resource_server.scopes";
    /// Dropped for a user's token, refused for a machine's: outside the client grant.
    NotInClientGrant = "not_in_client_grant", "client_grant.scope";
    /// Dropped: RBAC is on and the user lacks the permission.
    PermissionMissing = "permission_missing", "user.permissions";
    /// Dropped: a user's own token can hold only the current_user scopes of the Management API.
    EndUserTokenLimit = "end_user_token_limit", "system.current_user_scopes";
    /// Dropped: the API allows no refresh tokens.
    OfflineAccessOff = "offline_access_off", "resource_server.allow_offline_access";
    /// Dropped: the client may not use refresh tokens.
    RefreshGrantTypeMissing = "refresh_grant_type_missing", "client.grant_types";
    /// Dropped: the implicit flow never issues refresh tokens (RFC 6749 section 4.2.2).
    OfflineAccessInImplicit = "offline_access_in_implicit", "request.response_type";
    /// Dropped: session-bound refresh tokens are not built.
    OnlineAccessUnsupported = "online_access_unsupported", "system.online_access";
    /// Dropped: a strict third-party client gets no identity.
    ThirdPartyOidc = "third_party_oidc", "client.third_party_security_mode";
    /// Dropped: a refresh can narrow the scopes, not widen them (RFC 6749 section 6).
    NotInOriginalGrant = "not_in_original_grant", "refresh_token.scope";

    /// Granted: a script added it.
    AddedByScript = "added_by_script", "action.code";
    /// Dropped: a script took it away.
    RemovedByScript = "removed_by_script", "action.code";
    /// Dropped: a script added what scripts cannot add.
    ScriptScopeIgnored = "script_scope_ignored", "system.script_scopes";

    /// Refused: no API has this identifier.
    UnknownApi = "unknown_api", "resource_server.identifier";
    /// Refused: the API is closed to users' tokens.
    ApiDeniesUsers = "api_denies_users", "resource_server.subject_type_authorization.user.policy";
    /// Refused: the API is closed to machines.
    ApiDeniesClients = "api_denies_clients", "resource_server.subject_type_authorization.client.policy";
    /// Refused: the client holds no grant for this API and this kind of token.
    ClientGrantMissing = "client_grant_missing", "client_grant";
    /// Refused: a strict third-party client asks for one of the system's own APIs.
    ThirdPartySystemApi = "third_party_system_api", "client.third_party_security_mode";
    /// Refused: a machine asks for a token without naming an API.
    MachineWithoutAudience = "machine_without_audience", "request.audience";
    /// Refused: could be granted, but another scope of the request was refused.
    RequestRefused = "request_refused", "request.scope";
    /// Refused: the scope parameter is too long.
    ScopeTooLong = "scope_too_long", "request.scope";
    /// Refused: the scope parameter names too many scopes.
    TooManyScopes = "too_many_scopes", "request.scope";
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// A reason in words, with what to do about it. For the owner of the client, never for the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The reason.
    pub reason: Reason,
    /// The id of the resource that has the setting which decided, where it is one.
    pub setting_id: Option<String>,
    /// One sentence: what is so.
    pub says: String,
    /// What to change, in the request or in a setting; absent when the scope was granted.
    pub remedy: Option<String>,
    /// The change of a setting that would lift this reason, where there is one and nothing that cannot be
    /// changed stands behind it. A proposal: whoever applies it must be entitled to.
    pub change: Option<Change>,
    /// What has to be changed besides, because other settings would have the same outcome: all of it together
    /// is the smallest set that grants the scope. In a request that was refused the set of the refusal comes
    /// first.
    pub further: Vec<Change>,
}

impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("reason", self.reason.code())?;
        members.serialize_entry("setting", self.reason.setting())?;
        if let Some(id) = &self.setting_id {
            members.serialize_entry("setting_id", id)?;
        }
        members.serialize_entry("says", &self.says)?;
        members.serialize_entry("remedy", &self.remedy)?;
        members.serialize_entry("change", &self.change)?;
        if !self.further.is_empty() {
            members.serialize_entry("further_changes", &self.further)?;
        }
        members.end()
    }
}

/// A change of one setting, in the words of the Management API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The resource's path segment: `clients`, `resource-servers`, `client-grants` or `users`.
    pub resource: &'static str,
    /// Which one; absent when it is to be created, or when the user is not known.
    pub id: Option<String>,
    /// What to do with it.
    #[serde(flatten)]
    pub action: ChangeAction,
}

/// What a [`Change`] does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum ChangeAction {
    /// Give the field this value; dots separate nested fields.
    Set {
        /// The field.
        field: &'static str,
        /// Its new value.
        value: Value,
    },
    /// Add this item to the list in the field.
    Append {
        /// The field.
        field: &'static str,
        /// The item to add.
        value: Value,
    },
    /// Create a resource from this body.
    Create {
        /// The body of the POST.
        value: Value,
    },
}
