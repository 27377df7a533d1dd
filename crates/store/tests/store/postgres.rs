//! What only a server can do to us.

use gatewright_store::{Db, DbConfig, StoreError, params, sql};

use crate::jobs::{MIGRATIONS, add, codes};
use crate::support::{Place, refused};

sql!(
    OTHERS_END,
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
);
sql!(OWN_END, "SELECT pg_terminate_backend(pg_backend_pid())");
sql!(SLEEP, "SELECT 1 FROM pg_sleep(CAST(CAST($1 AS TEXT) AS DOUBLE PRECISION))");
sql!(TIMEOUT, "SELECT set_config('statement_timeout', '20ms', TRUE)");
sql!(SETTINGS, "SELECT current_setting($1)");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_fails_its_job_only() {
    let Some(place) = Place::postgres().await else { return };
    let db = place.with(MIGRATIONS).await;
    let lost = db
        .write(|tx| {
            Box::pin(async move {
                add(tx, "lost").await?;
                tx.all(&OWN_END, &[]).await?;
                Ok::<_, StoreError>(())
            })
        })
        .await;
    assert!(matches!(refused(lost), StoreError::Unavailable(_)));
    db.write(|tx| Box::pin(add(tx, "kept"))).await.unwrap();
    assert_eq!(codes(&db).await, ["kept"]);
    db.close().await;
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_busy_and_its_transaction_is_gone() {
    let Some(place) = Place::postgres().await else { return };
    let db = place.with(MIGRATIONS).await;
    let slow = db
        .write(|tx| {
            Box::pin(async move {
                add(tx, "slow").await?;
                tx.all(&TIMEOUT, &[]).await?;
                tx.all(&SLEEP, &params!["5"]).await.map(drop)
            })
        })
        .await;
    assert!(matches!(refused(slow), StoreError::Busy(_)));
    assert_eq!(codes(&db).await, Vec::<String>::new());
    for (setting, expected) in [
        ("statement_timeout", "15s"),
        ("lock_timeout", "5s"),
        ("default_transaction_isolation", "read committed"),
    ] {
        let row =
            db.read(move |tx| Box::pin(async move { tx.one(&SETTINGS, &params![setting]).await })).await;
        assert_eq!(row.unwrap().text(0).unwrap(), expected);
    }
    db.close().await;
}

#[tokio::test]
async fn a_restarted_server_costs_no_more_than_the_open_connections() {
    let Some(place) = Place::postgres().await else { return };
    let db = place.with(MIGRATIONS).await;
    let other = place.open().await;
    other.write(|tx| Box::pin(add(tx, "a"))).await.unwrap();
    db.read(|tx| Box::pin(async move { tx.all(&OTHERS_END, &[]).await })).await.unwrap();
    // The driver notices the closed socket as soon as its task runs.
    let mut last = Ok(());
    for n in 0..50 {
        last = other.write(move |tx| Box::pin(async move { add(tx, &format!("b{n}")).await })).await;
        if last.is_ok() {
            break;
        }
    }
    last.unwrap();
    other.close().await;
    db.close().await;
}

#[tokio::test]
async fn an_unreachable_server_is_unavailable() {
    let url = "postgres://nobody:hunter2@127.0.0.1:1/none".to_owned();
    let error = refused(Db::open(&DbConfig::Postgres { url, max_connections: 1 }).await);
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(!error.to_string().contains("hunter2"));
    let url = "postgres://127.0.0.1/none".to_owned();
    let error = refused(Db::open(&DbConfig::Postgres { url, max_connections: 0 }).await);
    assert!(matches!(error, StoreError::Config(_)), "{error}");
}
