use gatewright_store::{Migration, MigrationReport, StoreError, sql};

use crate::support::{NOW, Place, refused};

const ONE: Migration = Migration {
    number: 1,
    name: "shelves",
    sql: "CREATE TABLE shelves (id TEXT NOT NULL PRIMARY KEY, doc {json} NOT NULL)",
};
const TWO: Migration =
    Migration { number: 2, name: "shelves_width", sql: "ALTER TABLE shelves ADD COLUMN width BIGINT" };
const BROKEN: Migration = Migration {
    number: 3,
    name: "broken",
    sql: "CREATE TABLE half (id TEXT); INSERT INTO nowhere VALUES (1)",
};

sql!(HISTORY, "SELECT number, name, applied_at FROM schema_migrations ORDER BY number");

fn report(applied: &[u32], current: u32) -> MigrationReport {
    MigrationReport { applied: applied.to_vec(), current }
}

#[tokio::test]
async fn each_runs_once_in_order() {
    for place in Place::all().await {
        let db = place.open().await;
        assert_eq!(db.migrate(&[ONE], NOW).await, Ok(report(&[1], 1)));
        assert_eq!(db.migrate(&[ONE], NOW).await, Ok(report(&[], 1)));
        assert_eq!(db.migrate(&[ONE, TWO], NOW.plus_seconds(5)).await, Ok(report(&[2], 2)));
        let rows = db.read(|tx| Box::pin(async move { tx.all(&HISTORY, &[]).await })).await.unwrap();
        let history: Vec<_> = rows
            .iter()
            .map(|row| (row.int(0).unwrap(), row.text(1).unwrap(), row.time(2).unwrap()))
            .collect();
        let expected = [(1, "shelves".to_owned(), NOW), (2, "shelves_width".to_owned(), NOW.plus_seconds(5))];
        assert_eq!(history, expected);
        db.close().await;
    }
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    const CHANGED: Migration = Migration { sql: "CREATE TABLE shelves (id TEXT)", ..ONE };
    for place in Place::all().await {
        let db = place.with(&[ONE]).await;
        let error = refused(db.migrate(&[CHANGED, TWO], NOW).await).to_string();
        assert!(error.contains("1 (shelves)") && error.contains("must never change"), "{error}");
        assert_eq!(db.migrate(&[ONE, TWO], NOW).await, Ok(report(&[2], 2)));
        db.close().await;
    }
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    for place in Place::all().await {
        let db = place.with(&[ONE, TWO]).await;
        let error = refused(db.migrate(&[ONE], NOW).await).to_string();
        assert!(error.contains("newer than this program") && error.contains("2 (shelves_width)"), "{error}");
        let error = refused(db.migrate(&[TWO], NOW).await).to_string();
        assert!(error.contains("which this program does not know"), "{error}");
        db.close().await;
    }
}

#[tokio::test]
async fn a_failing_migration_leaves_nothing_behind() {
    const MENDED: Migration = Migration { sql: "CREATE TABLE half (id TEXT)", ..BROKEN };
    for place in Place::all().await {
        let db = place.open().await;
        let error = refused(db.migrate(&[ONE, TWO, BROKEN], NOW).await);
        assert!(matches!(&error, StoreError::Migration(why) if why.starts_with("3 (broken)")), "{error}");
        // Those before it stay, and a mended one can run: `half` was not left over.
        assert_eq!(db.migrate(&[ONE, TWO, MENDED], NOW).await, Ok(report(&[3], 3)));
        db.close().await;
    }
}

#[tokio::test]
async fn bad_lists_are_refused() {
    let db = Place::Memory.open().await;
    const DEFERRED: Migration =
        Migration { sql: "CREATE TABLE a (b TEXT REFERENCES c (d) DEFERRABLE INITIALLY DEFERRED)", ..ONE };
    for list in [&[TWO, ONE][..], &[ONE, ONE], &[DEFERRED]] {
        let list: &'static [Migration] = Vec::leak(list.to_vec());
        assert!(matches!(refused(db.migrate(list, NOW).await), StoreError::Migration(_)));
    }
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_together_migrate_once() {
    let Some(place) = Place::postgres().await else { return };
    let nodes = (0..4).map(|_| {
        let config = place.config();
        tokio::spawn(async move {
            let db = gatewright_store::Db::open(&config).await?;
            let report = db.migrate(&[ONE, TWO], NOW).await;
            db.close().await;
            report
        })
    });
    let mut applied = Vec::new();
    for node in nodes.collect::<Vec<_>>() {
        applied.extend(node.await.unwrap().unwrap().applied);
    }
    applied.sort_unstable();
    assert_eq!(applied, [1, 2]);
}
