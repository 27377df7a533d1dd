use gatewright_store::{Engine, Migration, StoreError, check, params, sql};

use crate::support::{NOW, Place, refused};

sql!(
    /// Right, and of no use to anybody else.
    GOOD,
    "SELECT number FROM schema_migrations WHERE number = $1 AND name = $2"
);
sql!(GAP, "SELECT number FROM schema_migrations WHERE number = $1 AND name = $3");
sql!(NO_TABLE, "SELECT 1 FROM does_not_exist");
sql!(QUOTES, "SELECT \"not_a_column\" FROM schema_migrations");
sql!(SYNTAX, "SELEC 1");

#[tokio::test]
async fn faulty_statements_are_found_on_both_engines() {
    for place in Place::all().await {
        let db = place.with(&[]).await;
        let failures = check::prepare_all(&db).await;
        let failed =
            |name: &str| failures.iter().any(|(failed, _)| failed.ends_with(&format!("statements::{name}")));
        assert!(!failed("GOOD"));
        for name in ["GAP", "NO_TABLE", "QUOTES", "SYNTAX"] {
            assert!(failed(name), "{name} on {db:?}");
        }
        // The store's own statements are in the register too, and fit the table that `migrate` makes.
        assert!(check::statement_count() > 5);
        assert!(!failures.iter().any(|(name, _)| name.starts_with("gatewright_store::")), "{failures:?}");
        db.close().await;
    }
}

#[tokio::test]
async fn errors_name_the_statement_and_hide_the_values() {
    const MIGRATIONS: &[Migration] = &[Migration {
        number: 1,
        name: "secrets",
        sql: "CREATE TABLE secrets (secret TEXT NOT NULL PRIMARY KEY, doc {json}, n BIGINT)",
    }];
    sql!(ADD, "INSERT INTO secrets (secret, doc) VALUES ($1, $2)");
    sql!(CAST, "SELECT secret FROM secrets WHERE n = CAST(CAST($1 AS TEXT) AS BIGINT)");
    for place in Place::all().await {
        let db = place.open().await;
        db.migrate(MIGRATIONS, NOW).await.unwrap();
        let add = || {
            let params = params!["hunter2", serde_json::json!("hunter3")];
            assert!(!format!("{params:?}").contains("hunter"));
            db.write(move |tx| Box::pin(async move { tx.run(&ADD, &params).await }))
        };
        add().await.unwrap();
        let unique = refused(add().await);
        assert!(unique.is_on("secrets_pkey"));
        let no_table = db.read(|tx| Box::pin(async move { tx.all(&NO_TABLE, &[]).await })).await;
        let cast = db.read(|tx| Box::pin(async move { tx.all(&CAST, &params!["hunter4"]).await })).await;
        let mut errors = vec![unique, refused(no_table)];
        assert!(errors[1].to_string().contains("statements::NO_TABLE"), "{}", errors[1]);
        // SQLite makes 0 of it.
        errors.extend(cast.err());
        for error in &errors {
            assert!(!format!("{error} {error:?}").contains("hunter"), "{error}");
        }
        assert!(matches!(errors[1], StoreError::Other(_)));
        db.close().await;
    }
}

#[tokio::test]
async fn one_statement_runs_for_many_sets_of_parameters_in_order() {
    const MIGRATIONS: &[Migration] = &[Migration {
        number: 1,
        name: "names",
        sql: "CREATE TABLE names (name TEXT NOT NULL PRIMARY KEY, place BIGINT NOT NULL)",
    }];
    sql!(NAME, "INSERT INTO names (name, place) VALUES ($1, $2) ON CONFLICT DO NOTHING");
    sql!(STRICT, "INSERT INTO names (name, place) VALUES ($1, $2)");
    sql!(NAMES, "SELECT name, place FROM names ORDER BY place");
    for place in Place::all().await {
        let db = place.with(MIGRATIONS).await;
        let counts = db
            .write(|tx| {
                Box::pin(async move {
                    // Every third name is the one before it again: the first comes in.
                    let sets: Vec<_> =
                        (0_i64..300).map(|n| params![format!("n{}", n - n % 3 / 2), n]).collect();
                    let sets: Vec<&[_]> = sets.iter().map(|set| &set[..]).collect();
                    tx.run_each(&NAME, &sets).await
                })
            })
            .await
            .unwrap();
        let expected: Vec<u64> = (0..300).map(|n| u64::from(n % 3 != 2)).collect();
        assert_eq!(counts, expected, "{db:?}");
        let rows = db.read(|tx| Box::pin(async move { tx.all(&NAMES, &[]).await })).await.unwrap();
        assert_eq!((rows.len(), rows[199].int(1).unwrap()), (200, 298));

        // One that fails ends the job, and none of them is there.
        let failed = db
            .write(|tx| {
                Box::pin(async move {
                    let sets = [params!["new", 1000], params!["n0", 1001], params!["newer", 1002]];
                    let sets: Vec<&[_]> = sets.iter().map(|set| &set[..]).collect();
                    tx.run_each(&STRICT, &sets).await
                })
            })
            .await;
        assert!(refused(failed).is_on("names_pkey"));
        let rows = db.read(|tx| Box::pin(async move { tx.all(&NAMES, &[]).await })).await.unwrap();
        assert_eq!(rows.len(), 200);
        db.close().await;
    }
}

#[tokio::test]
async fn a_bounded_statement_is_given_up_and_others_are_not() {
    for place in Place::all().await {
        let db = place.open().await;
        if db.engine() == Engine::Postgres || matches!(place, Place::Memory) {
            continue; // There the limit is one of time; and one SQLite is as good as another.
        }
        let count = |last: i64, bounded: bool| {
            db.read(move |tx| {
                Box::pin(async move {
                    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
                               SELECT COUNT(*) FROM n";
                    let values = params![last];
                    let rows = if bounded {
                        tx.all_bounded(sql, &values).await?
                    } else {
                        tx.all_dynamic(sql, &values).await?
                    };
                    rows[0].int(0)
                })
            })
        };
        assert_eq!(count(1000, true).await, Ok(1000));
        assert!(matches!(count(1_000_000_000_000, true).await, Err(StoreError::Busy(_))));
        assert_eq!(count(1000, false).await, Ok(1000));
        db.close().await;
    }
}

#[tokio::test]
async fn like_regards_case_on_every_engine() {
    for place in Place::all().await {
        let db = place.open().await;
        let like = |text: &'static str, pattern: &'static str| {
            db.read(move |tx| {
                Box::pin(async move {
                    let sql = "SELECT CAST($1 AS TEXT) LIKE $2 ESCAPE '\\'";
                    tx.all_dynamic(sql, &params![text, pattern]).await?[0].bool(0)
                })
            })
        };
        assert_eq!(like("Jane", "J%").await, Ok(true));
        assert_eq!(like("jane", "J%").await, Ok(false));
        assert_eq!(like("100%", "100\\%").await, Ok(true));
        assert_eq!(like("1000", "100\\%").await, Ok(false));
        db.close().await;
    }
}
