//! SQLite's group commit: jobs that wait share a transaction and its fate, not each other's failures.

use std::sync::mpsc;

use gatewright_store::{Db, Migration, StoreError, params, sql};
use tokio::task::JoinHandle;

use crate::jobs::{MIGRATIONS, add, codes};
use crate::support::{NOW, Place, refused};

/// A job that holds the writer, so that those queued behind it fall into its group.
struct Holder {
    release: mpsc::Sender<()>,
    job: JoinHandle<Result<(), StoreError>>,
}

async fn hold(db: &Db, code: &'static str) -> Holder {
    let (started, has_started) = tokio::sync::oneshot::channel();
    let (release, released) = mpsc::channel();
    let db = db.clone();
    let job = tokio::spawn(async move {
        db.write(move |tx| {
            Box::pin(async move {
                add(tx, code).await?;
                started.send(()).unwrap();
                released.recv().unwrap();
                Ok::<_, StoreError>(())
            })
        })
        .await
    });
    has_started.await.unwrap();
    Holder { release, job }
}

/// Queues a job and waits until it is in the queue.
async fn queue(db: &Db, code: &'static str, fail: bool) -> JoinHandle<Result<(), StoreError>> {
    let db = db.clone();
    let task = tokio::spawn(async move {
        db.write(move |tx| {
            Box::pin(async move {
                add(tx, code).await?;
                if fail { Err(StoreError::NotFound) } else { Ok(()) }
            })
        })
        .await
    });
    // One thread runs this test: after a turn the task has sent its job and waits for the answer.
    tokio::task::yield_now().await;
    task
}

#[tokio::test]
async fn a_failing_job_rolls_back_alone() {
    for place in [Place::folder(), Place::Memory] {
        let db = place.with(MIGRATIONS).await;
        let holder = hold(&db, "a").await;
        let fails = queue(&db, "b", true).await;
        let duplicate = queue(&db, "a", false).await;
        let works = queue(&db, "c", false).await;
        holder.release.send(()).unwrap();
        assert_eq!(holder.job.await.unwrap(), Ok(()));
        assert_eq!(fails.await.unwrap(), Err(StoreError::NotFound));
        assert!(refused(duplicate.await.unwrap()).is_on("codes_pkey"));
        assert_eq!(works.await.unwrap(), Ok(()));
        assert_eq!(codes(&db).await, ["a", "c"]);
        db.close().await;
    }
}

#[tokio::test]
async fn no_answer_comes_before_the_commit() {
    let place = Place::folder();
    let db = place.with(MIGRATIONS).await;
    let first = hold(&db, "first").await;
    let early = queue(&db, "early", false).await;
    // A second holder in the same group: it runs after `early`, whose work is then done.
    let (started, has_started) = tokio::sync::oneshot::channel();
    let (release, released) = mpsc::channel::<()>();
    let late = tokio::spawn({
        let db = db.clone();
        async move {
            db.write(move |_| {
                Box::pin(async move {
                    started.send(()).unwrap();
                    released.recv().unwrap();
                    Ok::<_, StoreError>(())
                })
            })
            .await
        }
    });
    tokio::task::yield_now().await;
    first.release.send(()).unwrap();
    has_started.await.unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!early.is_finished() && !first.job.is_finished());
    assert_eq!(codes(&db).await, Vec::<String>::new());
    release.send(()).unwrap();
    early.await.unwrap().unwrap();
    // Answered, so committed: another connection sees it at once.
    assert_eq!(codes(&db).await, ["early", "first"]);
    late.await.unwrap().unwrap();
    db.close().await;
}

const FAMILY: &[Migration] = &[
    MIGRATIONS[0],
    Migration {
        number: 2,
        name: "family",
        sql: "CREATE TABLE parents (id BIGINT PRIMARY KEY);
              CREATE TABLE children (parent_id BIGINT NOT NULL REFERENCES parents (id))",
    },
];

#[tokio::test]
async fn when_the_commit_fails_nobody_is_told_of_success() {
    for place in [Place::folder(), Place::Memory] {
        let db = place.with(FAMILY).await;
        let holder = hold(&db, "a").await;
        let before = queue(&db, "b", false).await;
        let own_failure = queue(&db, "b", true).await;
        let culprit = tokio::spawn({
            let db = db.clone();
            async move {
                db.write(|tx| {
                    Box::pin(async move {
                        // The one way to make COMMIT itself fail without a broken disk.
                        tx.all_dynamic("PRAGMA defer_foreign_keys = ON", &[]).await?;
                        let orphan = "INSERT INTO children (parent_id) VALUES (7) RETURNING parent_id";
                        tx.all_dynamic(orphan, &[]).await.map(drop)
                    })
                })
                .await
            }
        });
        tokio::task::yield_now().await;
        let after = queue(&db, "c", false).await;
        holder.release.send(()).unwrap();
        for job in [holder.job, before, own_failure, culprit, after] {
            assert!(matches!(refused(job.await.unwrap()), StoreError::ForeignKey(_)));
        }
        assert_eq!(codes(&db).await, Vec::<String>::new());
        db.write(|tx| Box::pin(add(tx, "d"))).await.unwrap();
        assert_eq!(codes(&db).await, ["d"]);
        db.close().await;
    }
}

const BLOBS: &[Migration] = &[
    MIGRATIONS[0],
    Migration { number: 2, name: "blobs", sql: "CREATE TABLE blobs (bytes {blob} NOT NULL)" },
];

sql!(BLOB, "INSERT INTO blobs (bytes) VALUES ($1)");

#[tokio::test]
async fn a_full_disk_fails_the_group_and_the_writer_goes_on() {
    for place in [Place::folder(), Place::Memory] {
        let db = place.open().await;
        db.migrate(BLOBS, NOW).await.unwrap();
        let limit = |pages: u32| {
            let sql = format!("PRAGMA max_page_count = {pages}");
            db.write(move |tx| Box::pin(async move { tx.all_dynamic(&sql, &[]).await }))
        };
        limit(40).await.unwrap();
        let holder = hold(&db, "a").await;
        let before = queue(&db, "b", false).await;
        let full = tokio::spawn({
            let db = db.clone();
            async move {
                db.write(|tx| Box::pin(async move { tx.run(&BLOB, &params![vec![1_u8; 400_000]]).await }))
                    .await
                    .map(drop)
            }
        });
        tokio::task::yield_now().await;
        let after = queue(&db, "c", false).await;
        holder.release.send(()).unwrap();
        // SQLite rolls the whole transaction back when it is full; jobs behind get a new one.
        for job in [holder.job, before, full] {
            let error = refused(job.await.unwrap());
            assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("full")), "{error}");
        }
        assert_eq!(after.await.unwrap(), Ok(()));
        limit(1_000_000).await.unwrap();
        db.write(|tx| Box::pin(async move { tx.run(&BLOB, &params![vec![1_u8; 400_000]]).await }))
            .await
            .unwrap();
        assert_eq!(codes(&db).await, ["c"]);
        db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_jobs_than_fit_into_the_queue_are_all_done() {
    for place in [Place::folder(), Place::Memory] {
        let db = place.with(MIGRATIONS).await;
        let tasks: Vec<_> = (0..3000)
            .map(|n| {
                let db = db.clone();
                tokio::spawn(async move {
                    db.write(move |tx| Box::pin(async move { add(tx, &format!("{n:05}")).await })).await
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(codes(&db).await.len(), 3000);
        db.close().await;
    }
}
