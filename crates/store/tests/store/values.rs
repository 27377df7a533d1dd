use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{Migration, Row, StoreError, Val, params, sql};
use serde_json::{Value, json};

use crate::support::{Place, refused};

const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    name: "things",
    sql: "CREATE TABLE things (
            tenant_id TEXT NOT NULL,
            id {text_c} NOT NULL,
            small INTEGER,
            big BIGINT,
            flag BOOLEAN,
            bytes {blob},
            doc {json},
            PRIMARY KEY (tenant_id, id)
        );
        CREATE INDEX things_flag ON things (tenant_id, flag) WHERE flag",
}];

sql!(
    PUT,
    "INSERT INTO things (tenant_id, id, small, big, flag, bytes, doc) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (tenant_id, id) DO UPDATE SET big = excluded.big, doc = excluded.doc"
);
sql!(GET, "SELECT id, small, big, flag, bytes, doc FROM things WHERE id = $2 AND tenant_id = $1");
sql!(BY_MEMBER, "SELECT doc ->> 'name', big > $2 FROM things WHERE tenant_id = $1 AND doc ->> 'name' = $3");
sql!(LIST, "SELECT id FROM things WHERE tenant_id = $1 ORDER BY id LIMIT $2");
sql!(COUNT, "SELECT COUNT(*) FROM things");
sql!(
    RENAME,
    "UPDATE things SET id = $3 WHERE tenant_id = $1 AND id = $2 AND flag = TRUE RETURNING id, doc, bytes"
);
sql!(DELETE, "DELETE FROM things WHERE tenant_id = $1 AND id = $2");
sql!(TWO, "SELECT CAST($2 AS TEXT), CAST($1 AS TEXT)");

async fn get(place: &Place, put: Vec<Val>) -> Result<Row, StoreError> {
    let db = place.with(MIGRATIONS).await;
    let key = vec![put[0].clone(), put[1].clone()];
    let run = db.write(move |tx| Box::pin(async move { tx.run(&PUT, &put).await })).await;
    let row = match run {
        Ok(count) => {
            assert_eq!(count, 1);
            db.read(move |tx| Box::pin(async move { tx.one(&GET, &key).await })).await
        }
        Err(error) => Err(error),
    };
    db.close().await;
    row
}

#[tokio::test]
async fn every_type_comes_back_as_it_went_in() {
    for place in Place::all().await {
        let doc =
            json!({"b": [1, 2.5, -3], "a": {"é\"\\": null, "": true}, "big": 9_007_199_254_740_993_i64});
        let at = Timestamp::from_micros(1_700_000_000_123_456);
        let tenant = TenantId::new("acme");
        let put = params![&tenant, "Ünï ☃'\"", -7_i32, at, true, vec![0_u8, 255, 7], &doc].to_vec();
        let row = get(&place, put).await.unwrap();
        assert_eq!(row.text(0).unwrap(), "Ünï ☃'\"");
        assert_eq!(row.int(1).unwrap(), -7);
        assert_eq!(row.time(2).unwrap(), at);
        assert_eq!(row.opt_time(2).unwrap(), Some(at));
        assert!(row.bool(3).unwrap());
        assert_eq!(row.blob(4).unwrap(), [0, 255, 7]);
        assert_eq!(row.json(5).unwrap(), doc);
    }
}

#[tokio::test]
async fn null_fits_every_type() {
    for place in Place::all().await {
        let null: [Option<i64>; 2] = [None, None];
        let put = params!["acme", "x", null[0], null[1], None::<bool>, None::<Vec<u8>>, None::<Value>];
        let row = get(&place, put.to_vec()).await.unwrap();
        assert_eq!(row.opt_int(1).unwrap(), None);
        assert_eq!(row.opt_time(2).unwrap(), None);
        assert_eq!(row.opt_bool(3).unwrap(), None);
        assert_eq!(row.opt_blob(4).unwrap(), None);
        assert_eq!(row.opt_json(5).unwrap(), None);
        assert_eq!(row.opt_text(0).unwrap().as_deref(), Some("x"));
    }
}

#[tokio::test]
async fn extremes_survive() {
    for place in Place::all().await {
        let put = params!["acme", "", i32::MIN, i64::MAX, false, Vec::<u8>::new(), Value::Null];
        let row = get(&place, put.to_vec()).await.unwrap();
        assert_eq!(row.text(0).unwrap(), "");
        assert_eq!(row.int(1).unwrap(), i64::from(i32::MIN));
        assert_eq!(row.int(2).unwrap(), i64::MAX);
        assert!(!row.bool(3).unwrap());
        assert_eq!(row.blob(4).unwrap(), Vec::<u8>::new());
        // JSON's null is a value, not SQL's NULL.
        assert_eq!(row.opt_json(5).unwrap(), Some(Value::Null));
    }
}

#[tokio::test]
async fn the_wrong_getter_says_what_is_there() {
    for place in Place::all().await {
        let put = params!["acme", "x", 5_i64, Val::Null, true, vec![1_u8], json!([])];
        let row = get(&place, put.to_vec()).await.unwrap();
        for (error, says) in [
            (row.text(1).unwrap_err(), "column 1 is an integer, not text"),
            (row.int(0).unwrap_err(), "column 0 is text, not an integer"),
            (row.int(2).unwrap_err(), "column 2 is NULL, not an integer"),
            (row.bool(1).unwrap_err(), "column 1 is an integer, not a boolean"),
            (row.blob(0).unwrap_err(), "column 0 is text, not bytes"),
            (row.text(6).unwrap_err(), "returns no column 6"),
        ] {
            assert!(matches!(error, StoreError::Mismatch(_)));
            let text = error.to_string();
            assert!(text.contains(says) && text.contains("values::GET"), "{text}");
        }
    }
}

#[tokio::test]
async fn nul_characters_are_refused_on_both_engines() {
    for place in Place::all().await {
        for (id, doc) in [("a\0b", json!({})), ("a", json!({"k": ["\0"]})), ("a", json!({"\0": 1}))] {
            let put = params!["acme", id, 1_i64, 1_i64, true, vec![1_u8], doc];
            assert_eq!(refused(get(&place, put.to_vec()).await), StoreError::NulCharacter);
        }
        // Backslash, u, 0000 as text is not a NUL character.
        let put = params!["acme", "a", 1_i64, 1_i64, true, vec![1_u8], json!("\\u0000")];
        assert_eq!(get(&place, put.to_vec()).await.unwrap().json(5).unwrap(), json!("\\u0000"));
    }
}

#[tokio::test]
async fn create_read_update_delete() {
    for place in Place::all().await {
        let db = place.with(MIGRATIONS).await;
        for id in ["b", "B", "a", "ä", "_"] {
            let doc = json!({"name": format!("n{id}")});
            let put = params!["acme", id, 1_i64, 10_i64, id == "b", vec![9_u8], doc];
            let count = db.write(move |tx| Box::pin(async move { tx.run(&PUT, &put).await })).await;
            assert_eq!(count, Ok(1));
        }
        // Byte order on both engines, whatever the server's locale.
        let rows = db.read(|tx| Box::pin(async move { tx.all(&LIST, &params!["acme", 9_i64]).await }));
        let ids: Vec<String> = rows.await.unwrap().iter().map(|row| row.text(0).unwrap()).collect();
        assert_eq!(ids, ["B", "_", "a", "b", "ä"]);
        let found = db
            .read(|tx| Box::pin(async move { tx.opt(&BY_MEMBER, &params!["acme", 9_i64, "nb"]).await }))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((found.text(0), found.bool(1)), (Ok("nb".to_owned()), Ok(true)));

        let renamed = db
            .write(|tx| {
                Box::pin(async move {
                    let first = tx.opt(&RENAME, &params!["acme", "b", "c"]).await?;
                    let again = tx.opt(&RENAME, &params!["acme", "b", "c"]).await?;
                    Ok::<_, StoreError>((first, again.is_none()))
                })
            })
            .await
            .unwrap();
        assert!(renamed.1);
        assert_eq!(renamed.0.unwrap().text(0).unwrap(), "c");
        let deleted = db
            .write(|tx| {
                Box::pin(async move {
                    let first = tx.run(&DELETE, &params!["acme", "c"]).await?;
                    Ok::<_, StoreError>((first, tx.run(&DELETE, &params!["acme", "c"]).await?))
                })
            })
            .await;
        assert_eq!(deleted, Ok((1, 0)));
        let left = db.read(|tx| Box::pin(async move { tx.one(&COUNT, &[]).await })).await.unwrap();
        assert_eq!(left.int(0), Ok(4));
        let none = db.read(|tx| Box::pin(async move { tx.one(&GET, &params!["acme", "zz"]).await })).await;
        assert_eq!(refused(none), StoreError::NotFound);
        db.close().await;
    }
}

#[tokio::test]
async fn placeholders_bind_by_number() {
    for place in Place::all().await {
        let db = place.open().await;
        let row = db.read(|tx| Box::pin(async move { tx.one(&TWO, &params!["one", "two"]).await })).await;
        let row = row.unwrap();
        assert_eq!((row.text(0), row.text(1)), (Ok("two".to_owned()), Ok("one".to_owned())));
        let dynamic = db
            .read(|tx| {
                Box::pin(async move {
                    let sql = format!("SELECT {}, '$1'", "CAST($1 AS TEXT)");
                    tx.all_dynamic(&sql, &params!["value"]).await
                })
            })
            .await
            .unwrap();
        assert_eq!((dynamic[0].text(0), dynamic[0].text(1)), (Ok("value".to_owned()), Ok("$1".to_owned())));
        let short = db.read(|tx| Box::pin(async move { tx.one(&TWO, &params!["one"]).await })).await;
        assert!(matches!(refused(short), StoreError::Mismatch(_)));
        db.close().await;
    }
}

#[tokio::test]
async fn a_value_of_the_wrong_type_is_a_mismatch_on_postgres() {
    let Some(place) = Place::postgres().await else { return };
    let put = params!["acme", 5_i64, 1_i64, 1_i64, true, vec![1_u8], json!(1)];
    let error = refused(get(&place, put.to_vec()).await).to_string();
    assert!(error.contains("an integer was given for a parameter of type text"), "{error}");
    let put = params!["acme", "x", i64::MAX, 1_i64, true, vec![1_u8], json!(1)];
    assert!(matches!(refused(get(&place, put.to_vec()).await), StoreError::Mismatch(_)));
}
