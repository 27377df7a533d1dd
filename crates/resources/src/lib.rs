//! One file per concept: type, table, SQL, schema, scopes, operations.
//!
//! Start with [`engine`], which turns a declared resource into routes, checks and log events; then
//! [`clients`] or [`client_grants`] show what a resource looks like. [`OPERATIONS`](operations) is
//! what the Management API and the dashboard can do. The remaining modules are rows of the login
//! flows that no API lists.

pub mod access_tokens;
pub mod account_tickets;
pub mod actions;
pub mod attack_protection;
pub mod authenticators;
pub mod authorization_codes;
pub mod branding;
pub mod captured_messages;
pub mod client_assertions;
pub mod client_credentials;
pub mod client_grants;
pub mod client_registrations;
pub mod clients;
pub mod connections;
pub mod custom_domains;
pub mod dashboard;
pub mod device_codes;
pub mod device_credentials;
pub mod email_provider;
pub mod email_templates;
pub mod email_trials;
pub mod engine;
mod executions;
pub mod explanations;
pub mod flows;
pub mod grants;
pub mod guardian;
pub mod hooks;
pub mod jobs;
pub mod log_streams;
pub mod login_failures;
pub mod login_tickets;
pub mod login_transactions;
pub mod logout_deliveries;
pub mod logs;
pub mod mfa_tokens;
pub mod organizations;
pub mod passwordless_codes;
pub mod passwords;
pub mod permissions;
pub mod prompt_partials;
pub mod prompt_texts;
pub mod prompts;
pub mod provider_logins;
pub mod pushed_requests;
pub mod rate_buckets;
pub mod refresh_tokens;
pub mod resource_servers;
pub mod role_members;
pub mod roles;
pub mod rules;
pub mod rules_configs;
pub mod screen_renderings;
pub mod scripts;
pub mod seed;
pub mod sessions;
pub mod signing_keys;
pub mod snapshot;
pub mod stats;
pub mod tenants;
pub mod tickets;
pub mod token_exchange_profiles;
pub mod user_blocks;
pub mod user_permissions;
pub mod userinfo_claims;
pub mod users;

use engine::{Operation, Resource};
use gatewright_store::Migration;

/// Every resource that is built.
pub static RESOURCES: &[&Resource] = &[
    &actions::RESOURCE,
    &actions::modules::RESOURCE,
    &attack_protection::RESOURCE,
    &branding::RESOURCE,
    &branding::page_template::RESOURCE,
    &branding::phone_providers::RESOURCE,
    &branding::phone_templates::RESOURCE,
    &branding::themes::RESOURCE,
    &clients::RESOURCE,
    &connections::RESOURCE,
    &client_grants::RESOURCE,
    &custom_domains::RESOURCE,
    &device_credentials::RESOURCE,
    &email_provider::RESOURCE,
    &email_templates::RESOURCE,
    &grants::RESOURCE,
    &hooks::RESOURCE,
    &jobs::RESOURCE,
    &log_streams::RESOURCE,
    &guardian::RESOURCE,
    &guardian::phone::RESOURCE,
    &guardian::enrollments::RESOURCE,
    &guardian::providers::RESOURCE,
    &logs::RESOURCE,
    &prompt_partials::RESOURCE,
    &prompt_texts::RESOURCE,
    &prompts::RESOURCE,
    &screen_renderings::RESOURCE,
    &refresh_tokens::api::RESOURCE,
    &organizations::RESOURCE,
    &organizations::client_grants::RESOURCE,
    &organizations::connections::RESOURCE,
    &organizations::members::RESOURCE,
    &resource_servers::RESOURCE,
    &role_members::RESOURCE,
    &roles::RESOURCE,
    &rules::RESOURCE,
    &rules_configs::RESOURCE,
    &sessions::api::RESOURCE,
    &signing_keys::api::RESOURCE,
    &tenants::RESOURCE,
    &tickets::RESOURCE,
    &token_exchange_profiles::RESOURCE,
    &user_permissions::RESOURCE,
    &connections::members::RESOURCE,
    &stats::RESOURCE,
    &user_blocks::RESOURCE,
    &user_blocks::ANOMALY,
    &users::RESOURCE,
    &users::access::RESOURCE,
    &users::factors::RESOURCE,
    &users::authentication_methods::RESOURCE,
];

/// Operations that this server has and Auth0 has not.
pub static OWN_RESOURCES: &[&Resource] = &[&email_trials::RESOURCE, &explanations::RESOURCE];

/// Every operation of the real API that is built.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    RESOURCES.iter().flat_map(|resource| resource.operations)
}

/// Every operation of this server alone.
pub fn own_operations() -> impl Iterator<Item = &'static Operation> {
    OWN_RESOURCES.iter().flat_map(|resource| resource.operations)
}

macro_rules! migrations {
    ($($number:literal $name:literal,)+) => {
        &[$(Migration {
            number: $number,
            name: $name,
            sql: include_str!(concat!("../migrations/", $name, ".sql")),
        }),+]
    };
}

/// The schema, in order; for both databases.
pub static MIGRATIONS: &[Migration] = migrations![
    1 "0001_tenants",
    2 "0002_signing_keys",
    3 "0003_clients",
    4 "0004_connections",
    5 "0005_resource_servers",
    6 "0006_client_grants",
    7 "0007_users",
    8 "0008_identities",
    9 "0009_logs",
    10 "0010_sessions",
    11 "0011_passwordless_codes",
    12 "0012_login_tickets",
    13 "0013_authorization_codes",
    14 "0014_access_tokens",
    15 "0015_rate_buckets",
    16 "0016_user_permissions",
    20 "0020_captured_messages",
    21 "0021_refresh_token_families",
    22 "0022_refresh_tokens",
    23 "0023_access_tokens_of_codes",
    24 "0024_passwords",
    25 "0025_usernames",
    26 "0026_account_tickets",
    28 "0028_captured_emails",
    29 "0029_email_providers",
    30 "0030_email_templates",
    32 "0032_login_transactions",
    33 "0033_grants",
    34 "0034_private_key_jwt",
    35 "0035_pushed_requests",
    36 "0036_client_registrations",
    37 "0037_device_codes",
    40 "0040_session_clients",
    41 "0041_session_details",
    42 "0042_logout_deliveries",
    43 "0043_prompt_texts",
    44 "0044_login_transactions_by_browser",
    48 "0048_roles",
    49 "0049_settings",
    50 "0050_jobs",
    51 "0051_ticket_options",
    58 "0058_actions",
    59 "0059_rules",
    60 "0060_user_index",
    61 "0061_log_streams",
    62 "0062_signing_key_states",
    63 "0063_custom_domains",
    64 "0064_organizations",
    70 "0070_login_failures",
    71 "0071_phone_messages",
    80 "0080_session_metadata",
    81 "0081_scripts",
    90 "0090_token_exchange_profiles",
    91 "0091_action_executions",
    92 "0092_log_request_ids",
    93 "0093_dashboard",
    94 "0094_action_modules",
    97 "0097_provider_logins",
    98 "0098_authenticators",
    99 "0099_authenticator_secrets",
    100 "0100_mfa_tokens",
    101 "0101_lookups",
    102 "0102_users_phone_number",
];

#[cfg(test)]
mod testing;
