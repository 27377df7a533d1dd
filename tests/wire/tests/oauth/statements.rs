//! Every statement of every resource is good SQL on both engines: the check a compiler would make.

use gatewright_testkit::{Server, on_every_database};

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
