//! The members of a client.

use serde_json::Value;

use crate::engine::field::{BOOL, Field, OBJECT, SOME_TEXT, Shape, TEXT, field};
use crate::engine::format::Format;
use crate::engine::{ApiError, Map};

/// Most members of `client_metadata`.
const METADATA_KEYS: usize = 10;

const URLS: Shape = Shape::list(&Shape::format(Format::UrlWithPlaceholders));
const TEXTS: Shape = Shape::list(&SOME_TEXT);
const POSITIVE: Shape = Shape::Int { min: 1, max: i64::MAX };

const APP_TYPES: &[&str] = &[
    "native",
    "spa",
    "regular_web",
    "non_interactive",
    "resource_server",
    "express_configuration",
    "rms",
    "box",
    "cloudbees",
    "concur",
    "dropbox",
    "mscrm",
    "echosign",
    "egnyte",
    "newrelic",
    "office365",
    "salesforce",
    "sentry",
    "sharepoint",
    "slack",
    "springcm",
    "zendesk",
    "zoom",
    "sso_integration",
    "oag",
];

const JWT: &[Field] = &[
    field("lifetime_in_seconds", POSITIVE),
    field("secret_encoded", BOOL),
    field("scopes", OBJECT),
    field("alg", Shape::OneOf(&["HS256", "RS256", "RS512", "PS256"])),
];

const REFRESH_TOKEN: &[Field] = &[
    field("rotation_type", Shape::OneOf(&["rotating", "non-rotating"])).required(),
    field("expiration_type", Shape::OneOf(&["expiring", "non-expiring"])).required(),
    field("leeway", Shape::Int { min: 0, max: i64::MAX }),
    field("token_lifetime", Shape::Int { min: 1, max: 157_788_000 }),
    field("infinite_token_lifetime", BOOL),
    field("idle_token_lifetime", POSITIVE),
    field("infinite_idle_token_lifetime", BOOL),
    field("policies", Shape::list(&Shape::object(POLICY))).nullable(),
];

const TOKEN_EXCHANGE: &[Field] = &[field(
    "allow_any_profile_of_type",
    Shape::list(&Shape::OneOf(&["custom_authentication", "on_behalf_of_token_exchange"])),
)];
const POLICY: &[Field] = &[
    field("audience", Shape::text(1, 600)).required(),
    field("scope", Shape::list(&Shape::text(1, 280))).required(),
];

const LOGOUT: &[Field] = &[
    field("backchannel_logout_urls", Shape::list(&Shape::format(Format::HttpsUrlOrEmpty))),
    field("backchannel_logout_initiators", Shape::open_object(INITIATORS)),
    field("backchannel_logout_session_metadata", OBJECT).nullable(),
];

const INITIATORS: &[Field] =
    &[field("mode", Shape::OneOf(&["custom", "all"])), field("selected_initiators", TEXTS)];

const SESSION_TRANSFER: &[Field] = &[
    field("can_create_session_transfer_token", BOOL),
    field("enforce_cascade_revocation", BOOL),
    field("allowed_authentication_methods", Shape::list(&Shape::OneOf(&["cookie", "query"]))).nullable(),
    field("enforce_device_binding", Shape::OneOf(&["ip", "asn", "none"])),
    field("allow_refresh_token", BOOL),
    field("enforce_online_refresh_tokens", BOOL),
    field("delegation", OBJECT).nullable(),
];

const SOCIAL: &[Field] = &[field("enabled", BOOL)];
const NATIVE_SOCIAL: &[Field] = &[
    field("apple", Shape::object(SOCIAL)),
    field("facebook", Shape::object(SOCIAL)),
    field("google", Shape::object(SOCIAL)),
];

const DEFAULT_ORGANIZATION: &[Field] = &[
    field("organization_id", SOME_TEXT).required(),
    field("flows", Shape::list(&Shape::OneOf(&["client_credentials"]))).required(),
];

const CREDENTIALS: Shape = Shape::open_object(&[field("credentials", Shape::list(&OBJECT)).required()]);
const AUTHENTICATION_METHODS: &[Field] = &[
    field("private_key_jwt", CREDENTIALS),
    field("tls_client_auth", CREDENTIALS),
    field("self_signed_tls_client_auth", CREDENTIALS),
];

/// Every member that a client may be given.
pub(super) const FIELDS: &[Field] = &[
    field("name", Shape::Text { min: 1, max: 200, format: Format::NoAngleBrackets })
        .required()
        .hint("The name of the client"),
    field("description", Shape::text(0, 140)),
    field("client_secret", SOME_TEXT).only_on_update(),
    field("app_type", Shape::OneOf(APP_TYPES)).hint("The type of application this client represents"),
    field("logo_uri", Shape::format(Format::UrlOrEmpty)),
    field("callbacks", Shape::list(&Shape::format(Format::CallbackUrl)))
        .hint("A set of URLs that are valid to call back from the server"),
    field("allowed_origins", URLS),
    field("web_origins", URLS),
    field("allowed_logout_urls", URLS),
    field("client_aliases", TEXTS),
    field("allowed_clients", TEXTS),
    field("grant_types", TEXTS),
    field("token_endpoint_auth_method", Shape::OneOf(&["none", "client_secret_post", "client_secret_basic"]))
        .nullable(),
    field("client_authentication_methods", Shape::object(AUTHENTICATION_METHODS)).nullable(),
    field("is_token_endpoint_ip_header_trusted", BOOL),
    field("is_first_party", BOOL),
    field("oidc_conformant", BOOL),
    field("jwt_configuration", Shape::object(JWT)),
    field("encryption_key", OBJECT).nullable(),
    field("sso", BOOL),
    field("sso_disabled", BOOL),
    field("cross_origin_authentication", BOOL),
    field("cross_origin_loc", Shape::format(Format::UrlOrEmpty)).nullable(),
    field("custom_login_page_on", BOOL),
    field("custom_login_page", TEXT),
    field("custom_login_page_preview", TEXT),
    field("form_template", TEXT),
    field("addons", OBJECT).nullable(),
    field("client_metadata", Shape::TextMap { max_members: METADATA_KEYS, max_length: 255 }),
    field("mobile", OBJECT).nullable(),
    field("initiate_login_uri", Shape::format(Format::HttpsUrlOrEmpty)),
    field("native_social_login", Shape::object(NATIVE_SOCIAL)).nullable(),
    field("fedcm_login", OBJECT).nullable(),
    field("refresh_token", Shape::object(REFRESH_TOKEN)).nullable(),
    field("oidc_logout", Shape::open_object(LOGOUT)).nullable(),
    field("oidc_backchannel_logout", Shape::open_object(LOGOUT)).nullable(),
    field("session_transfer", Shape::object(SESSION_TRANSFER)).nullable(),
    field("default_organization", Shape::object(DEFAULT_ORGANIZATION)).nullable(),
    field("organization_usage", Shape::OneOf(&["deny", "allow", "require"])).nullable(),
    field(
        "organization_require_behavior",
        Shape::OneOf(&["no_prompt", "pre_login_prompt", "post_login_prompt"]),
    )
    .nullable(),
    field("organization_discovery_methods", Shape::list(&Shape::OneOf(&["email", "organization_name"])))
        .nullable(),
    field("require_pushed_authorization_requests", BOOL),
    field("require_proof_of_possession", BOOL),
    field("signed_request_object", OBJECT).nullable(),
    field("token_vault_privileged_access", OBJECT).nullable(),
    field(
        "compliance_level",
        Shape::OneOf(&[
            "none",
            "fapi1_adv_pkj_par",
            "fapi1_adv_mtls_par",
            "fapi2_sp_pkj_mtls",
            "fapi2_sp_mtls_mtls",
        ]),
    )
    .nullable(),
    field("skip_non_verifiable_callback_uri_confirmation_prompt", BOOL).nullable(),
    field("token_exchange", Shape::object(TOKEN_EXCHANGE)).nullable(),
    field("par_request_expiry", Shape::Int { min: 10, max: 600 }).nullable(),
    field("token_quota", OBJECT).nullable(),
    field("resource_server_identifier", Shape::text(1, 600)),
    field("third_party_security_mode", Shape::OneOf(&["strict", "permissive"])),
    field("redirection_policy", Shape::OneOf(&["allow_always", "open_redirect_protection"])),
    field("express_configuration", OBJECT).nullable(),
    field("my_organization_configuration", OBJECT).nullable(),
    field("async_approval_notification_channels", Shape::list(&Shape::OneOf(&["guardian-push", "email"])))
        .nullable(),
    field("identity_assertion_authorization_grant", Shape::open_object(&[field("active", BOOL).required()]))
        .nullable(),
    field("anonymous_sessions", Shape::open_object(&[field("active", BOOL).required()])).nullable(),
    field("b2b_integration_configuration", OBJECT).nullable(),
];

/// Metadata merged with what was there still has at most ten keys.
pub(super) fn metadata_fits(client: &Map) -> Result<(), ApiError> {
    let keys = client.get("client_metadata").and_then(Value::as_object).map_or(0, Map::len);
    if keys > METADATA_KEYS {
        return Err(ApiError::invalid_body(format_args!(
            "'Too many properties defined ({keys}), maximum {METADATA_KEYS}' on property client_metadata"
        )));
    }
    Ok(())
}
