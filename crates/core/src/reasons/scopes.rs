//! Reasons of the scope decision, in general words; the report of a request has the names of its case.

use super::{Entry, entry};

pub(super) const TABLE: &[Entry] = &[
    entry("oidc_standard", "protocol.openid", "It is an OpenID Connect scope and needs no API.", ""),
    entry("offline_access_allowed", "client.grant_types", "Refresh tokens are allowed here.", ""),
    entry("defined_on_api", "resource_server.scopes", "The API defines it for any user.", ""),
    entry("current_user_scope", "system.current_user_scopes", "It covers the user's own account only.", ""),
    entry("in_client_grant", "client_grant.scope", "The client holds a client grant with it.", ""),
    entry("held_permission", "user.permissions", "RBAC is on, and the user holds this permission.", ""),
    entry(
        "no_api_audience",
        "request.audience",
        "No API was asked for, so nothing defines the scope; the token is for /userinfo only.",
        "send the parameter audience with the identifier of the API that defines it.",
    ),
    entry(
        "not_defined_on_api",
        "resource_server.scopes",
        "The API defines no such scope.",
        "add it to scopes of the API, or ask for one that it defines.",
    ),
    entry(
        "not_in_client_grant",
        "client_grant.scope",
        "The client's grant for the API does not hold the scope.",
        "add it to scope of that client grant, or do not ask for it.",
    ),
    entry(
        "permission_missing",
        "user.permissions",
        "RBAC is on for the API, and the user does not hold the permission.",
        "give the user this permission or a role that has it, or switch off enforce_policies (RBAC) of the API.",
    ),
    entry(
        "end_user_token_limit",
        "system.current_user_scopes",
        "A user's own token can hold only *:current_user* scopes of the Management API.",
        "ask for a *:current_user* scope; for other users, from a back end, use the client credentials grant.",
    ),
    entry(
        "offline_access_off",
        "resource_server.allow_offline_access",
        "The API does not allow refresh tokens.",
        "set allow_offline_access of the API to true.",
    ),
    entry(
        "refresh_grant_type_missing",
        "client.grant_types",
        "The client may not use the grant type refresh_token.",
        "add refresh_token to grant_types of the client.",
    ),
    entry(
        "offline_access_in_implicit",
        "request.response_type",
        "The implicit flow never issues refresh tokens (RFC 6749 section 4.2.2).",
        "use response_type=code with PKCE.",
    ),
    entry(
        "online_access_unsupported",
        "system.online_access",
        "Refresh tokens bound to a session are not supported.",
        "ask for offline_access, or renew with prompt=none.",
    ),
    entry(
        "third_party_oidc",
        "client.third_party_security_mode",
        "A third-party client in strict mode gets no identity.",
        "do not ask for it; only first-party clients, and third-party clients in permissive mode, learn who the \
         user is.",
    ),
    entry(
        "not_in_original_grant",
        "refresh_token.scope",
        "The refresh token was issued without the scope.",
        "send the user through a new login that asks for it.",
    ),
    entry("added_by_script", "action.code", "A script added it.", ""),
    entry("removed_by_script", "action.code", "A script removed it.", "change the script, or unbind it."),
    entry(
        "script_scope_ignored",
        "system.script_scopes",
        "A script added what scripts cannot add here.",
        "change the script, and ask for the scope in the request.",
    ),
    entry(
        "unknown_api",
        "resource_server.identifier",
        "The tenant has no API with this identifier.",
        "create an API with exactly this identifier, trailing slash included, or correct the parameter audience.",
    ),
    entry(
        "api_denies_users",
        "resource_server.subject_type_authorization.user.policy",
        "The API is closed to tokens of users.",
        "set subject_type_authorization.user.policy of the API to allow_all or require_client_grant.",
    ),
    entry(
        "api_denies_clients",
        "resource_server.subject_type_authorization.client.policy",
        "The API is closed to machine-to-machine tokens.",
        "set subject_type_authorization.client.policy of the API to require_client_grant.",
    ),
    entry(
        "client_grant_missing",
        "client_grant",
        "The client has no client grant for the API and this kind of token.",
        "create a client grant for the client and the API, with the subject_type of the token.",
    ),
    entry(
        "third_party_system_api",
        "client.third_party_security_mode",
        "A third-party client in strict mode may not use the system's own APIs.",
        "use a first-party client.",
    ),
    entry(
        "machine_without_audience",
        "request.audience",
        "A machine-to-machine token needs an API, and none was named.",
        "send the parameter audience with the identifier of the API.",
    ),
    entry(
        "request_refused",
        "request.scope",
        "The scope could be granted, but another scope of the request was refused.",
        "ask without the scopes that were refused.",
    ),
    entry("scope_too_long", "request.scope", "The scope parameter has too many characters.", LESS),
    entry("too_many_scopes", "request.scope", "The scope parameter names too many scopes.", LESS),
];

const LESS: &str = "ask only for what this login needs.";
