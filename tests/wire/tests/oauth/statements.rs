//! Every statement of every resource is good SQL on both engines: the check a compiler would make.

use gatewright_testkit::{Options, Server, on_every_database};

#[tokio::test]
async fn every_statement_is_accepted_by_every_database() {
    on_every_database(async |server: Server| {
        assert_eq!(server.refused_statements().await, Vec::<String>::new());
        // Every row and every query carries the tenant. What is about the database itself has none.
        let about_tenants = |name: &&str| !name.contains("::migrate::") && !name.starts_with("gatewright::");
        let without = server.statements_without_tenant();
        assert_eq!(without.into_iter().filter(about_tenants).collect::<Vec<_>>(), Vec::<&str>::new());
    })
    .await;
}

/// Tables with a row, or a few, for each tenant: all of one tenant's are what is wanted. `t` is `tenants`.
const FEW: &[&str] = &[
    "tenants",
    "t",
    "signing_keys",
    "rules",
    "rules_configs",
    "captured_messages",
    "action_bindings",
    "schema_migrations",
    "4-ROW",
];

/// Statements that look at all rows of a tenant, and may, for no login waits for them.
const WIDE: &[&str] = &[
    // What depends on something that an administrator removes.
    "gatewright_resources::grants::DELETE_OF_CLIENT",
    "gatewright_resources::organizations::client_grants::FORGET",
    "gatewright_resources::organizations::connections::FORGET",
    "gatewright_resources::permissions::ROLES_OF_API",
    "gatewright_resources::permissions::USERS_OF_API",
    "gatewright_resources::pushed_requests::OF_CLIENT",
    "gatewright_resources::refresh_tokens::api::OF_PARTIES",
    "gatewright_resources::refresh_tokens::api::OF_USER",
    "gatewright_resources::roles::DELETE_IN_ORGANIZATIONS",
    // Lists and sums of the Management API and the dashboard.
    "gatewright_resources::actions::modules::COUNT",
    "gatewright_resources::device_credentials::COUNT",
    "gatewright_resources::device_credentials::LIST",
    "gatewright_resources::organizations::client_grants::OF_GRANT",
    "gatewright_resources::stats::ACTIVE",
    "gatewright_resources::users::export::COUNT",
    "gatewright_resources::users::export::COUNT_OF_CONNECTION",
    // From the newest event on, and the event is new.
    "gatewright_resources::explanations::events::BY_REQUEST",
    // The configuration, read when it has changed.
    "gatewright_resources::actions::versions::DEPLOYED",
    "gatewright_resources::resource_servers::DOCS",
    // The first administrator: as many rows as there are roles.
    "gatewright_resources::dashboard::administrators::EXIST",
    // Through an index of what is left to be done.
    "gatewright_resources::users::index::UNINDEXED",
];

fn may_be_wide(name: &str, step: &str) -> bool {
    let table = step.split(' ').nth(1).unwrap_or_default();
    // `ALL` is what a module calls the statement that lists its part of the configuration.
    name.ends_with("::ALL") || FEW.contains(&table) || WIDE.contains(&name)
}

#[tokio::test]
async fn no_request_looks_at_all_rows_of_a_tenant() {
    let server = Server::start(Options::default()).await;
    let wide = server.wide_statements().await;
    let unexpected: Vec<_> = wide.iter().filter(|(name, step)| !may_be_wide(name, step)).collect();
    assert!(unexpected.is_empty(), "they need an index, or a place in the list: {unexpected:#?}");
    let narrow: Vec<_> = WIDE.iter().filter(|name| !wide.iter().any(|(wide, _)| wide == *name)).collect();
    assert!(narrow.is_empty(), "they are found by an index now: {narrow:?}");
}
