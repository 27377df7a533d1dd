//! Tenants: who is served at which host, and the settings of each.
//!
//! Owns the version that tells every node when a tenant's configuration has changed. What a new tenant
//! is born with is in [`crate::seed`].

use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::{Value, json};

use crate::custom_domains;
use crate::engine::crud::merge;
use crate::engine::field::{BOOL, Field, OBJECT, SOME_TEXT, Shape, TEXT, field};
use crate::engine::format::Format;
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{Handler, Input, Map, Method, OpCx, Operation, Resource};

pub use crate::seed::{NewTenant, SeedCx, create};

/// A tenant as the server lists it at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its name in every row.
    pub id: TenantId,
    /// The host it is served at, without port.
    pub host: String,
    /// Raised by every configuration write.
    pub config_version: i64,
}

sql!(
    pub(crate) INSERT,
    "INSERT INTO tenants (tenant_id, host, config_version, settings, created_at) VALUES ($1, $2, 1, $3, $4)"
);
sql!(ALL, "SELECT tenant_id, host, config_version FROM tenants ORDER BY tenant_id");
sql!(BY_HOST, "SELECT tenant_id, config_version FROM tenants WHERE host = $1");
sql!(HOST, "SELECT host FROM tenants WHERE tenant_id = $1");
sql!(TOUCH, "UPDATE tenants SET config_version = config_version + 1 WHERE tenant_id = $1");
sql!(SETTINGS, "SELECT settings FROM tenants WHERE tenant_id = $1");
sql!(pub(crate) SET, "UPDATE tenants SET settings = $2 WHERE tenant_id = $1");

/// Every tenant of this database.
pub async fn load_all(tx: &mut Tx) -> Result<Vec<Tenant>, StoreError> {
    let rows = tx.all(&ALL, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(Tenant { id: TenantId::new(row.text(0)?), host: row.text(1)?, config_version: row.int(2)? })
        })
        .collect()
}

/// The tenant served at this host (without port) and the version of its configuration: the one made with it, or
/// else the one whose custom domain it is.
pub async fn by_host(tx: &mut Tx, host: &str) -> Result<Option<(TenantId, i64)>, StoreError> {
    match tx.opt(&BY_HOST, &params![host]).await? {
        Some(row) => Ok(Some((TenantId::new(row.text(0)?), row.int(1)?))),
        None => custom_domains::served(tx, host).await,
    }
}

/// The host that the tenant was made with.
///
/// # Errors
/// [`StoreError::NotFound`] if there is no such tenant.
pub async fn host(tx: &mut Tx, tenant: &TenantId) -> Result<String, StoreError> {
    tx.one(&HOST, &params![tenant]).await?.text(0)
}

/// Says that the tenant's configuration changes in this transaction. Writers of one tenant's
/// configuration wait here for each other, so call it before reading what is to be changed.
pub async fn touch(tx: &mut Tx, tenant: &TenantId) -> Result<(), StoreError> {
    tx.run(&TOUCH, &params![tenant]).await.map(drop)
}

/// The tenant's settings as `GET /api/v2/tenants/settings` shows them.
pub async fn settings(tx: &mut Tx, tenant: &TenantId) -> Result<Value, StoreError> {
    let mut settings = default_settings();
    if let Some(row) = tx.opt(&SETTINGS, &params![tenant]).await?
        && let Value::Object(stored) = row.json(0)?
    {
        // Migration 49 copied these to rows of their own.
        let moved = |name: &str| matches!(name, "prompts" | "branding");
        for (name, value) in stored.into_iter().filter(|(name, _)| !moved(name)) {
            settings[name] = value;
        }
    }
    Ok(settings)
}

/// What settings are until somebody changes them.
fn default_settings() -> Value {
    json!({
        "default_audience": "",
        "default_directory": "",
        "enabled_locales": ["en"],
        "flags": {
            "enable_client_connections": true,
            "enable_pipeline2": true,
            "enable_public_signup_user_exists_error": false,
            "allow_legacy_delegation_grant_types": false,
            "allow_legacy_ro_grant_types": false,
            "disable_impersonation": true,
            "revoke_refresh_token_grant": false,
            "enable_sso": true,
        },
        "friendly_name": "",
        "idle_session_lifetime": 72,
        "picture_url": "",
        "sandbox_version": "22",
        "sandbox_versions_available": ["22"],
        "session_lifetime": 168,
        "support_email": "",
        "support_url": "",
    })
}

/// Our own setting: standard claims have the types that OpenID Connect gives them.
pub const STRICT_CLAIMS: &str = "gatewright_strict_oidc_claims";

const URL_OR_EMPTY: Shape = Shape::format(Format::UrlOrEmpty);
const PAGE: &[Field] = &[field("enabled", BOOL), field("html", TEXT)];
const ERROR_PAGE: &[Field] = &[field("html", TEXT), field("show_log_link", BOOL), field("url", URL_OR_EMPTY)];
const MINUTES: Shape = Shape::Int { min: 1, max: i64::MAX };
const COUNTRIES: &[Field] = &[
    field("list", Shape::list(&Shape::format(Format::CountryCode))),
    field("mode", Shape::OneOf(&["allow", "deny"])),
];

const FIELDS: &[Field] = &[
    field("acr_values_supported", Shape::list(&SOME_TEXT)).nullable(),
    field("allow_organization_name_in_authentication_api", BOOL).nullable(),
    field("allowed_logout_urls", Shape::list(&Shape::format(Format::UrlWithPlaceholders))),
    field("authorization_response_iss_parameter_supported", BOOL).nullable(),
    field("change_password", Shape::object(PAGE)).nullable(),
    field("client_id_metadata_document_supported", BOOL),
    field("country_codes", Shape::object(COUNTRIES)).nullable(),
    field("customize_mfa_in_postlogin_action", BOOL).nullable(),
    field("default_audience", TEXT),
    field("default_directory", TEXT),
    field("default_redirection_uri", Shape::format(Format::HttpsUrlOrEmpty)),
    field("default_token_quota", OBJECT).nullable(),
    field(
        "device_flow",
        Shape::object(&[
            field("charset", Shape::OneOf(&["base20", "digits"])),
            field("mask", Shape::text(0, 20)),
        ]),
    )
    .nullable(),
    field("dynamic_client_registration_security_mode", Shape::OneOf(&["strict", "permissive"])),
    field("enable_ai_guide", BOOL),
    field("enabled_locales", Shape::List { of: &Shape::text(2, 10), min: 1 }),
    field("ephemeral_session_lifetime", Shape::Number),
    field("ephemeral_session_lifetime_in_minutes", MINUTES),
    field("error_page", Shape::object(ERROR_PAGE)).nullable(),
    field("flags", OBJECT),
    field("friendly_name", TEXT),
    field(STRICT_CLAIMS, BOOL),
    field("guardian_mfa_page", Shape::object(PAGE)).nullable(),
    field("idle_ephemeral_session_lifetime", Shape::Number),
    field("idle_ephemeral_session_lifetime_in_minutes", MINUTES),
    field("idle_session_lifetime", Shape::Number),
    field("idle_session_lifetime_in_minutes", MINUTES),
    field("include_session_metadata_in_tenant_logs", BOOL),
    field("legacy_sandbox_version", Shape::text(0, 8)),
    field("mtls", Shape::object(&[field("enable_endpoint_aliases", BOOL)])).nullable(),
    field("oidc_logout", Shape::object(&[field("rp_logout_end_session_endpoint_discovery", BOOL)])),
    field("phone_consolidated_experience", BOOL),
    field("picture_url", URL_OR_EMPTY),
    field("pushed_authorization_requests_supported", BOOL).nullable(),
    field("resource_parameter_profile", Shape::OneOf(&["audience", "compatibility"])),
    field("sandbox_version", Shape::text(0, 8)),
    field("security_headers", OBJECT).nullable(),
    field(
        "session_cookie",
        Shape::object(&[field("mode", Shape::OneOf(&["persistent", "non-persistent"])).required()]),
    )
    .nullable(),
    field("session_lifetime", Shape::Number),
    field("session_lifetime_in_minutes", MINUTES),
    field(
        "sessions",
        Shape::object(&[field("oidc_logout_prompt_enabled", BOOL), field("anonymous", OBJECT)]),
    )
    .nullable(),
    field("skip_non_verifiable_callback_uri_confirmation_prompt", BOOL).nullable(),
    field("support_email", Shape::format(Format::EmailOrEmpty)),
    field("support_url", URL_OR_EMPTY),
];

/// `/tenants/settings`.
pub static RESOURCE: Resource = Resource {
    name: "tenants",
    operations: &[
        Operation::new(
            "tenant_settings_route",
            Method::Get,
            "/tenants/settings",
            "Get tenant settings",
            &["read:tenant_settings"],
            Handler::Custom(read),
        ),
        Operation::new(
            "patch_settings",
            Method::Patch,
            "/tenants/settings",
            "Update tenant settings",
            &["update:tenant_settings"],
            Handler::Custom(update),
        )
        .body(FIELDS, Purpose::Update)
        .writes_config(),
    ],
};

fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let settings = object(settings(cx.tx, &cx.request.tenant).await?);
        Ok(input.query.project(settings).into())
    })
}

fn update<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let mut changed = object(settings(cx.tx, &request.tenant).await?);
        let mut body = input.body.clone();
        in_hours(&mut body);
        for name in KEPT_IN_PARTS {
            let Some(Value::Object(part)) = body.get_mut(*name) else { continue };
            let mut whole = changed.remove(*name).map(object).unwrap_or_default();
            merge(&mut whole, part);
            *part = whole;
        }
        merge(&mut changed, &body);
        cx.tx.run(&SET, &params![&request.tenant, Value::Object(changed.clone())]).await?;
        Ok(changed.into())
    })
}

/// Compat: of these objects a change says what is different: a page that is switched off keeps its text.
const KEPT_IN_PARTS: &[&str] = &["flags", "change_password", "guardian_mfa_page"];

/// Lifetimes may be given in minutes; they are kept in hours.
fn in_hours(body: &mut Map) {
    const LIFETIMES: &[&str] = &[
        "session_lifetime",
        "idle_session_lifetime",
        "ephemeral_session_lifetime",
        "idle_ephemeral_session_lifetime",
    ];
    for name in LIFETIMES {
        if let Some(minutes) = body.remove(&format!("{name}_in_minutes")).and_then(|minutes| minutes.as_f64())
        {
            body.insert((*name).to_owned(), json!(minutes / 60.0));
        }
    }
}

fn object(value: Value) -> Map {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
#[path = "tenants_tests.rs"]
mod tests;
