use std::sync::mpsc;

use gatewright_store::{Db, Migration, StoreError, Tx, params, sql};

use crate::support::{Place, refused};

pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    name: "codes",
    sql: "CREATE TABLE codes (code TEXT NOT NULL PRIMARY KEY, used_by BIGINT);
          CREATE TABLE logs (entry TEXT NOT NULL)",
}];

sql!(pub(crate) ADD, "INSERT INTO codes (code) VALUES ($1)");
sql!(SPEND, "UPDATE codes SET used_by = $2 WHERE code = $1 AND used_by IS NULL RETURNING code");
sql!(SPENT_BY, "SELECT used_by FROM codes WHERE code = $1");
sql!(pub(crate) CODES, "SELECT code FROM codes ORDER BY code");
sql!(LOG, "INSERT INTO logs (entry) VALUES ($1)");
sql!(LOGS, "SELECT COUNT(*) FROM logs");

pub(crate) async fn add(tx: &mut Tx, code: &str) -> Result<(), StoreError> {
    tx.run(&ADD, &params![code]).await.map(drop)
}

pub(crate) async fn codes(db: &Db) -> Vec<String> {
    let rows = db.read(|tx| Box::pin(async move { tx.all(&CODES, &[]).await })).await.unwrap();
    rows.iter().map(|row| row.text(0).unwrap()).collect()
}

/// Waits inside a job. On PostgreSQL a job runs on the runtime, whose tasks must go on meanwhile.
fn wait_for(signal: &mpsc::Receiver<()>) {
    tokio::task::block_in_place(|| signal.recv().unwrap());
}

#[derive(Debug, PartialEq)]
enum Refusal {
    Used,
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_spend_a_code_one_wins() {
    for place in Place::all().await {
        let db = place.with(MIGRATIONS).await;
        db.write(|tx| Box::pin(add(tx, "c"))).await.unwrap();
        let spending = (0..12_i64).map(|who| {
            let db = db.clone();
            tokio::spawn(async move {
                db.write(move |tx| {
                    Box::pin(async move {
                        tx.run(&LOG, &params!["tried"]).await?;
                        tx.opt(&SPEND, &params!["c", who]).await?.ok_or(Refusal::Used)?;
                        Ok::<_, Refusal>(who)
                    })
                })
                .await
            })
        });
        let mut winners = Vec::new();
        for task in spending.collect::<Vec<_>>() {
            match task.await.unwrap() {
                Ok(who) => winners.push(who),
                Err(refusal) => assert_eq!(refusal, Refusal::Used),
            }
        }
        assert_eq!(winners.len(), 1);
        let spent = db.read(|tx| Box::pin(async move { tx.one(&SPENT_BY, &params!["c"]).await })).await;
        assert_eq!(spent.unwrap().int(0), Ok(winners[0]));
        // What a refused job wrote before is gone with it.
        let logs = db.read(|tx| Box::pin(async move { tx.one(&LOGS, &[]).await })).await.unwrap();
        assert_eq!(logs.int(0), Ok(1));
        db.close().await;
    }
}

#[tokio::test]
async fn a_panic_rolls_back_its_job_and_harms_no_other() {
    for place in Place::all().await {
        let db = place.with(MIGRATIONS).await;
        for round in 0..3 {
            let panicked = db
                .write(move |tx| {
                    Box::pin(async move {
                        add(tx, "lost").await?;
                        if round < 9 {
                            panic!("round {round}");
                        }
                        Ok::<_, StoreError>(())
                    })
                })
                .await;
            assert_eq!(refused(panicked), StoreError::Panicked(format!("round {round}")));
            let read = db
                .read(move |_| -> gatewright_store::BoxFuture<'_, Result<(), StoreError>> {
                    panic!("before")
                })
                .await;
            assert_eq!(refused(read), StoreError::Panicked("before".to_owned()));
        }
        db.write(|tx| Box::pin(add(tx, "kept"))).await.unwrap();
        assert_eq!(codes(&db).await, ["kept"]);
        db.close().await;
    }
}

#[tokio::test]
async fn awaiting_anything_but_the_database_is_refused_on_sqlite() {
    for place in [Place::folder(), Place::Memory] {
        let db = place.with(MIGRATIONS).await;
        let waited = db
            .write(|tx| {
                Box::pin(async move {
                    add(tx, "lost").await?;
                    tokio::task::yield_now().await;
                    add(tx, "never").await
                })
            })
            .await;
        assert_eq!(refused(waited), StoreError::AwaitedElsewhere);
        let waited = db
            .read(|tx| {
                Box::pin(async move {
                    std::future::pending::<()>().await;
                    tx.all(&CODES, &[]).await
                })
            })
            .await;
        assert_eq!(refused(waited), StoreError::AwaitedElsewhere);
        db.write(|tx| Box::pin(add(tx, "kept"))).await.unwrap();
        assert_eq!(codes(&db).await, ["kept"]);
        db.close().await;
    }
}

#[tokio::test]
async fn a_read_cannot_write() {
    for place in Place::all().await {
        let db = place.with(MIGRATIONS).await;
        let error = refused(db.read(|tx| Box::pin(add(tx, "x"))).await);
        assert!(error.to_string().contains("jobs::ADD writes, but Db::read was used"), "{error}");
        let error = db
            .read(|tx| {
                Box::pin(async move { tx.all_dynamic(" -- x\n DELETE FROM codes RETURNING code", &[]).await })
            })
            .await;
        assert!(refused(error).to_string().contains("Db::read was used"));
        db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_runs_to_its_end_when_its_caller_goes_away() {
    for place in Place::all().await {
        let db = place.with(MIGRATIONS).await;
        let (started, has_started) = mpsc::channel();
        let (proceed, may_proceed) = mpsc::channel();
        let caller = tokio::spawn({
            let db = db.clone();
            async move {
                db.write(move |tx| {
                    Box::pin(async move {
                        add(tx, "first").await?;
                        started.send(()).unwrap();
                        wait_for(&may_proceed);
                        add(tx, "second").await
                    })
                })
                .await
            }
        });
        has_started.recv().unwrap();
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        proceed.send(()).unwrap();
        // Waits for its turn on SQLite; PostgreSQL's job runs beside.
        db.write(|tx| Box::pin(add(tx, "third"))).await.unwrap();
        for _ in 0..1000 {
            if codes(&db).await.len() == 3 {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(codes(&db).await, ["first", "second", "third"]);
        db.close().await;
    }
}

#[tokio::test]
async fn after_close_every_clone_says_so() {
    for place in Place::all().await {
        let db = place.with(MIGRATIONS).await;
        let clone = db.clone();
        let written = tokio::spawn({
            let db = db.clone();
            async move { db.write(|tx| Box::pin(add(tx, "x"))).await }
        });
        written.await.unwrap().unwrap();
        db.close().await;
        clone.close().await;
        let error = refused(clone.write(|tx| Box::pin(add(tx, "y"))).await);
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        let error = refused(clone.read(|tx| Box::pin(async move { tx.all(&CODES, &[]).await })).await);
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_see_committed_data_while_a_write_is_open() {
    // In memory reads queue behind writes instead.
    for place in [Some(Place::folder()), Place::postgres().await].into_iter().flatten() {
        let db = place.with(MIGRATIONS).await;
        db.write(|tx| Box::pin(add(tx, "old"))).await.unwrap();
        let (started, has_started) = mpsc::channel();
        let (proceed, may_proceed) = mpsc::channel();
        let writing = tokio::spawn({
            let db = db.clone();
            async move {
                db.write(move |tx| {
                    Box::pin(async move {
                        add(tx, "new").await?;
                        started.send(()).unwrap();
                        wait_for(&may_proceed);
                        Ok::<_, StoreError>(())
                    })
                })
                .await
            }
        });
        has_started.recv().unwrap();
        assert_eq!(codes(&db).await, ["old"]);
        proceed.send(()).unwrap();
        writing.await.unwrap().unwrap();
        assert_eq!(codes(&db).await, ["new", "old"]);
        db.close().await;
    }
}
