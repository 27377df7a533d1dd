use std::collections::BTreeMap;
use std::io::BufReader;
use std::sync::Arc;

use gatewright_ambient::{Clock, Random};
use gatewright_core::Timestamp;
use gatewright_core::connection::Connection;
use gatewright_core::mfa::{Factor, otp};
use gatewright_jose::{MasterKey, one_time_password};
use gatewright_passwords::StoredHash;
use gatewright_store::StoreError;
use serde_json::{Value, json};

use super::{FileError, Import, LONGEST_ROW, Reader, Row, Rows};
use crate::authenticators::proof::{self, Otp};
use crate::testing::{Conversation, on_every_engine, tenant};
use crate::users::{by_identifier, export};
use crate::{authenticators, passwords};

fn import(upsert: bool) -> Arc<Import> {
    let connection =
        Connection { name: "users".to_owned(), strategy: "auth0".to_owned(), ..Connection::default() };
    let (clock, random) = (Clock::turnable().0, Random::seeded(5));
    let master_key = Arc::new(MasterKey::generate(&Random::seeded(6)));
    Arc::new(Import { tenant: tenant(), connection, upsert, alone: false, clock, random, master_key })
}

/// The rows as text, read through a buffer so small that everything is cut.
fn rows(file: &str) -> Vec<Result<String, String>> {
    let rows = Rows::new(BufReader::with_capacity(3, file.as_bytes()));
    rows.map(|row| match row {
        Ok(Row { bytes: Some(bytes), .. }) => Ok(String::from_utf8(bytes).unwrap()),
        Ok(Row { bytes: None, .. }) => Ok("too long".to_owned()),
        Err(error) => Err(error.to_string()),
    })
    .collect()
}

#[test]
fn every_form_of_a_file() {
    let check = |file: &str, expected: &[&str]| {
        let expected: Vec<Result<String, String>> =
            expected.iter().map(|row| Ok((*row).to_owned())).collect();
        assert_eq!(rows(file), expected, "{file}");
    };
    check("[]", &[]);
    check("\u{feff} [ ] \n", &[]);
    check(r#"[{"a":1},{"b":[1,"],}\"["]} , {} ]"#, &[r#"{"a":1}"#, r#"{"b":[1,"],}\"["]}"#, "{}"]);
    // What is not JSON inside stays a row.
    check(r#"[{"a":},nonsense,,{"b":2}]"#, &[r#"{"a":}"#, "nonsense", "", r#"{"b":2}"#]);
    check("{\"a\":1}\n\n  {\"b\":2}\r\n{\"c\":", &[r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":"#]);
    let long = format!("[{{\"a\":\"{}\"}},{{}}]", "x".repeat(LONGEST_ROW));
    check(&long, &["too long", "{}"]);
}

#[test]
fn files_that_are_none_say_where() {
    let check = |file: &str, rows_before: usize, expected: &str| {
        let found = rows(file);
        assert_eq!(
            (found.len(), found.last().unwrap()),
            (rows_before + 1, &Err(expected.to_owned())),
            "{file}"
        );
    };
    let no_users = FileError::NotUsers.to_string();
    check("", 0, &no_users);
    check("  \n", 0, &no_users);
    check("nonsense", 0, &no_users);
    check("\"text\"", 0, &no_users);
    check(r#"[{"a":1},{"b":2"#, 1, "the array is not closed: the file ends at byte 15");
    check("[", 0, "the array is not closed: the file ends at byte 1");
    check("[{}] {}", 1, "there is more behind the end of the array, at byte 5");
}

/// Stores a file and says what became of it: numbers, and code and path of each error by row.
async fn store(
    db: &gatewright_store::Db,
    upsert: bool,
    file: &str,
) -> (u64, u64, Vec<(u64, String, String)>) {
    let (mut inserted, mut updated, mut refused) = (0, 0, Vec::new());
    for batch in Reader::new(BufReader::new(file.as_bytes()), import(upsert)) {
        let batch = batch.unwrap();
        let stored = db.write(move |tx| Box::pin(async move { batch.store(tx).await })).await.unwrap();
        inserted += stored.inserted;
        updated += stored.updated;
        for (row, refusal) in stored.refused {
            let error = &refusal.errors[0];
            refused.push((row, error.code.to_owned(), error.path.clone().unwrap_or_default()));
        }
    }
    (inserted, updated, refused)
}

async fn user(db: &gatewright_store::Db, identifier: &'static str) -> Option<Value> {
    let tenant = tenant();
    db.read(move |tx| Box::pin(async move { by_identifier(tx, &tenant, "users", identifier).await }))
        .await
        .unwrap()
}

#[tokio::test]
async fn each_wrong_row_says_what_is_wrong_and_the_others_come_in() {
    let cases: Vec<(Value, &str, &str)> = vec![
        (json!({"email": "good@example.com"}), "", ""),
        (json!([]), "OBJECT_REQUIRED", ""),
        (json!({"name": "nobody"}), "ANY_OF_MISSING", ""),
        (json!({"email": 5}), "INVALID_TYPE", "email"),
        (json!({"email": "nonsense"}), "FORMAT", "email"),
        (json!({"email": "null@example.com", "name": null}), "INVALID_TYPE", "name"),
        (json!({"email": "a@example.com", "given_name": ""}), "MIN_LENGTH", "given_name"),
        (json!({"email": "a@example.com", "nickname": "x".repeat(301)}), "MAX_LENGTH", "nickname"),
        (json!({"email": "a@example.com", "phone_number": "040"}), "PATTERN", "phone_number"),
        (json!({"email": "a@example.com", "picture": "x"}), "FORMAT", "picture"),
        (json!({"email": "a@example.com", "user_metadata": {"a": "\u{0}"}}), "FORMAT", "user_metadata"),
        (json!({"email": "a@example.com", "user_metadata": {"a.b": 1}}), "NOT_PASSED", "user_metadata"),
        (json!({"email": "a@example.com", "app_metadata": {"blocked": true}}), "NOT_PASSED", "app_metadata"),
        (json!({"email": "a@example.com", "username": "x@y"}), "NOT_PASSED", "username"),
        (json!({"email": "a@example.com", "shoe_size": 43}), "NOT_PASSED", "shoe_size"),
        (json!({"email": "a@example.com", "mfa_factors": []}), "ARRAY_LENGTH_SHORT", "mfa_factors"),
        (
            json!({"email": "a@example.com", "mfa_factors": [{"email": {"value": "b@example.com"}}]}),
            "MFA_FACTORS_FAILED",
            "mfa_factors",
        ),
        (
            json!({"email": "a@example.com", "mfa_factors": [{"totp": {"secret": "no base32!"}}]}),
            "MFA_FACTORS_FAILED",
            "mfa_factors",
        ),
        (
            json!({"email": "a@example.com", "mfa_factors": [{"phone": {"value": "+1"}}, {"phone": {"value": "+2"}}]}),
            "MFA_FACTORS_FAILED",
            "mfa_factors",
        ),
        (
            json!({"email": "a@example.com", "mfa_factors": vec![json!({}); 11]}),
            "ARRAY_LENGTH_LONG",
            "mfa_factors",
        ),
        (json!({"email": "a@example.com", "password_hash": "plain"}), "FORMAT", "password_hash"),
        (
            json!({"email": "a@example.com", "custom_password_hash": {"algorithm": "rot13"}}),
            "FORMAT",
            "custom_password_hash",
        ),
        (
            json!({"email": "a@example.com", "password_hash": "x", "custom_password_hash": {}}),
            "NOT_PASSED",
            "",
        ),
        (json!({"email": "GOOD@example.com"}), "DUPLICATED_USER", ""),
        (json!({"email": "good2@example.com", "user_id": "one", "username": "Second"}), "", ""),
        (json!({"email": "good3@example.com", "user_id": "one"}), "DUPLICATED_USER", ""),
        (json!({"email": "good4@example.com", "username": "second"}), "DUPLICATED_USER", ""),
    ];
    on_every_engine(async |server: Conversation| {
        let db = &server.db;
        let file = Value::Array(cases.iter().map(|(row, ..)| row.clone()).collect()).to_string();
        let (inserted, updated, refused) = store(db, false, &file).await;
        let expected: Vec<(u64, String, String)> = (1..)
            .zip(&cases)
            .filter(|(_, (_, code, _))| !code.is_empty())
            .map(|(row, (_, code, path))| (row, (*code).to_owned(), (*path).to_owned()))
            .collect();
        assert_eq!(refused, expected);
        assert_eq!((inserted, updated), (2, 0));

        // What is there already is refused by what is taken; the row behind is not.
        let again = json!([
            {"email": "good@example.com"}, {"email": "new@example.com", "username": "second"},
            {"email": "newer@example.com", "user_id": "one"}, {"username": "third", "user_id": "two"},
            {"email": "newest@example.com"},
        ]);
        let (inserted, _, refused) = store(db, false, &again.to_string()).await;
        let codes: Vec<(u64, &str)> = refused.iter().map(|(row, code, _)| (*row, code.as_str())).collect();
        assert_eq!(codes, [(1, "CONFLICT_EMAIL"), (2, "CONFLICT_USERNAME"), (3, "CONFLICT")]);
        assert_eq!(inserted, 2);
        for nobody in ["new@example.com", "newer@example.com"] {
            assert_eq!(user(db, nobody).await, None, "{nobody}");
        }
        assert!(user(db, "newest@example.com").await.is_some());
    })
    .await;
}

#[tokio::test]
async fn an_upsert_replaces_what_it_may() {
    on_every_engine(async |server: Conversation| {
        let db = &server.db;
        let first = json!([{"email": "ann@example.com", "user_id": "1", "name": "Ann", "blocked": true,
            "username": "ann", "user_metadata": {"a": 1, "b": 2}, "app_metadata": {"plan": "free"}}]);
        assert_eq!(store(db, false, &first.to_string()).await, (1, 0, vec![]));
        let second = json!([
            {"email": "Ann@Example.com", "user_id": "2", "given_name": "Ann", "blocked": false, "username": "anne",
             "email_verified": true, "user_metadata": {"c": 3}},
            {"email": "bob@example.com"},
            {"email": "ann@example.com", "name": "once more"},
        ]);
        let (inserted, updated, refused) = store(db, true, &second.to_string()).await;
        assert_eq!((inserted, updated), (1, 1));
        assert_eq!((refused[0].0, refused[0].1.as_str()), (3, "DUPLICATED_USER"));
        let ann = user(db, "ann@example.com").await.unwrap();
        assert_eq!((&ann["user_id"], &ann["name"], &ann["given_name"]), (&json!("auth0|1"), &json!("Ann"), &json!("Ann")));
        assert_eq!((&ann["blocked"], &ann["username"], &ann["email_verified"]), (&json!(true), &json!("ann"), &json!(true)));
        assert_eq!((&ann["user_metadata"], &ann["app_metadata"]), (&json!({"c": 3}), &json!({"plan": "free"})));
    })
    .await;
}

#[tokio::test]
async fn factors_come_along_and_replace_none() {
    on_every_engine(async |server: Conversation| {
        let db = &server.db;
        let row = |factors: Value| {
            json!([{"email": "ann@example.com", "user_id": "1", "mfa_factors": factors}]).to_string()
        };
        let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
        let first = row(json!([{"totp": {"secret": secret}}]));
        assert_eq!(store(db, false, &first).await, (1, 0, vec![]));
        let second =
            row(json!([{"totp": {"secret": "GEZDGNBVGY3TQOJQ"}}, {"phone": {"value": "+61400111222"}}]));
        assert_eq!(store(db, true, &second).await, (0, 1, vec![]));
        let now = Timestamp::from_seconds(1_700_000_000);
        let code = one_time_password(&otp::from_base32(secret).unwrap(), otp::steps(now)[0]);
        let master_key = import(false).master_key.clone();
        let spent = db.write(move |tx| {
            Box::pin(async move {
                let mut judged = Vec::new();
                for _ in 0..2 {
                    let typed = ("auth0|1", code.as_str());
                    judged.push(proof::spend_otp(tx, &tenant(), &master_key, typed, now).await?);
                }
                let factors = authenticators::of_user(tx, &tenant(), "auth0|1").await?;
                Ok::<_, StoreError>((
                    judged,
                    factors.into_iter().map(|found| found.factor).collect::<Vec<_>>(),
                ))
            })
        });
        let (judged, factors) = spent.await.unwrap();
        assert_eq!(judged, [Otp::Right, Otp::Spent]);
        assert_eq!(factors, [Factor::Otp, Factor::Phone]);
    })
    .await;
}

#[tokio::test]
async fn what_an_earlier_run_did_is_not_done_again() {
    on_every_engine(async |server: Conversation| {
        let db = &server.db;
        let rows: Vec<Value> = (0..2500).map(|n| json!({"email": format!("u{n}@example.com")})).collect();
        let file = Value::from(rows).to_string();
        let mut reader = Reader::new(BufReader::new(file.as_bytes()), import(false));
        let first = reader.next().unwrap().unwrap();
        let last_row = first.last_row;
        db.write(move |tx| Box::pin(async move { first.store(tx).await })).await.unwrap();
        assert_eq!(last_row, 2000);
        let mut inserted = 0;
        for batch in Reader::new(BufReader::new(file.as_bytes()), import(false)).after(last_row) {
            let batch = batch.unwrap();
            let stored = db.write(move |tx| Box::pin(async move { batch.store(tx).await })).await.unwrap();
            assert_eq!(stored.refused, []);
            inserted += stored.inserted;
        }
        assert_eq!(inserted, 500);
    })
    .await;
}

/// A valid row, from a generator of numbers: each member there or not, and any text in it.
fn valid_row(random: &Random, number: u64) -> Value {
    const TEXTS: &[&str] = &[
        "Ann",
        "O'Neil \"x\"",
        "日本",
        "a,b]}{[",
        "\\ \n\t",
        "\u{1f600}",
        "é",
        "=1+1",
        " spaces ",
        "\u{202e}",
    ];
    let pick = |count: u64| u64::from_str_radix(&random.hex(8), 16).unwrap() % count;
    let text = || {
        let words: Vec<&str> = (0..=pick(3)).map(|_| TEXTS[usize::try_from(pick(10)).unwrap()]).collect();
        words.join(" ")
    };
    let metadata = || {
        let value = |kind| match kind {
            0 => Value::Null,
            1 => json!(pick(1 << 30)),
            2 => json!(-0.5),
            3 => json!([text(), {"deep": [true, text()]}]),
            4 => json!({"plan": text(), "": {}}),
            _ => text().into(),
        };
        let names = ["a", "b c", "ünï", "long_name"];
        let members = names.iter().filter(|_| pick(2) == 0).map(|name| ((*name).to_owned(), value(pick(6))));
        Value::Object(members.collect())
    };
    // At least one of the identifiers, in any combination.
    let identifiers = 1 + pick(7);
    let mut row =
        json!({"user_id": format!("{}-{number}", ["ÄB", "id|x", "0"][usize::try_from(pick(3)).unwrap()])});
    if identifiers & 1 > 0 {
        let domain = ["example.com", "Example.ORG"][usize::try_from(pick(2)).unwrap()];
        row["email"] = format!("U{number}@{domain}").into();
        if pick(2) == 0 {
            row["email_verified"] = (pick(2) == 0).into();
        }
    }
    if identifiers & 2 > 0 {
        row["username"] = format!("name.{number}").into();
    }
    if identifiers & 4 > 0 {
        row["phone_number"] = format!("+49{:08}", 10_000_000 + number).into();
        if pick(2) == 0 {
            row["phone_verified"] = (pick(2) == 0).into();
        }
    }
    for name in ["name", "given_name", "family_name", "nickname"] {
        if pick(2) == 0 {
            row[name] = text().into();
        }
    }
    for (name, value) in [
        ("picture", json!("https://example.com/p.png?a=b")),
        ("blocked", json!(pick(2) == 0)),
        ("user_metadata", metadata()),
        ("app_metadata", metadata()),
    ] {
        if pick(2) == 0 {
            row[name] = value;
        }
    }
    match pick(4) {
        0 => row["password_hash"] = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW".into(),
        1 => {
            row["custom_password_hash"] = json!({"algorithm": "sha256", "hash": {"value": random.hex(64),
            "encoding": "hex"}, "salt": {"value": text(), "position": "prefix"}})
        }
        _ => {}
    }
    row
}

/// Every user with the hash, by id; without the dates, which are those of the import.
async fn everybody(db: &gatewright_store::Db) -> BTreeMap<String, (Value, Option<String>)> {
    let tenant = tenant();
    let read = db.read(move |tx| {
        Box::pin(async move {
            let mut all = BTreeMap::new();
            for (user_id, mut user) in export::page(tx, &tenant, Some("users"), "", 10_000).await? {
                for date in ["created_at", "updated_at"] {
                    user.as_object_mut().unwrap().remove(date).unwrap();
                }
                let hash = passwords::hash_of(tx, &tenant, &user_id).await?;
                all.insert(user_id, (user, hash.map(|hash| hash.to_string())));
            }
            Ok::<_, StoreError>(all)
        })
    });
    read.await.unwrap()
}

#[tokio::test]
async fn valid_rows_imported_exported_and_imported_elsewhere_are_the_same_users() {
    on_every_engine(async |server: Conversation| {
        let random = Random::seeded(11);
        let rows: Vec<Value> = (0..600).map(|number| valid_row(&random, number)).collect();
        let (inserted, _, refused) = store(&server.db, false, &Value::from(rows).to_string()).await;
        assert_eq!((inserted, refused), (600, vec![]));
        let there = everybody(&server.db).await;
        let lines = there.values().map(|(user, hash)| {
            let hash = hash.as_ref().map(|hash| StoredHash::parse(hash).unwrap());
            export::import_row(user, "users", hash.as_ref()).unwrap()
        });
        let file: String = lines.map(|row| format!("{row}\n")).collect();
        let elsewhere = Conversation::in_memory().await;
        let (inserted, _, refused) = store(&elsewhere.db, false, &file).await;
        assert_eq!((inserted, refused), (600, vec![]));
        assert_eq!(everybody(&elsewhere.db).await, there);
    })
    .await;
}
