//! Every statement of every resource is good SQL on both engines: the check a compiler would make.

use gatewright_testkit::{Server, on_every_database};

#[tokio::test]
async fn every_statement_is_accepted_by_every_database() {
    on_every_database(async |server: Server| {
        assert_eq!(server.refused_statements().await, Vec::<String>::new());
    })
    .await;
}
