//! A SQLite file belongs to one process, and what was answered survives its death.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use gatewright_store::{Db, DbConfig, StoreError};

use crate::jobs::{MIGRATIONS, add, codes};
use crate::support::{Place, refused};

const CHILD_FOLDER: &str = "GATEWRIGHT_STORE_TEST_CHILD_FOLDER";

#[tokio::test]
async fn a_second_handle_is_refused_until_the_first_closes() {
    let place = Place::folder();
    let db = place.with(MIGRATIONS).await;
    let error = refused(Db::open(&place.config()).await);
    let text = error.to_string();
    assert!(matches!(error, StoreError::InUse { .. }));
    assert!(text.contains(&format!("(process {})", std::process::id())), "{text}");
    assert!(text.contains("Stop that process first"), "{text}");
    db.write(|tx| Box::pin(add(tx, "kept"))).await.unwrap();
    db.close().await;
    let again = place.open().await;
    assert_eq!(codes(&again).await, ["kept"]);
    again.close().await;
}

#[tokio::test]
async fn a_tool_works_beside_the_process_that_has_the_file() {
    let place = Place::folder();
    let db = place.with(MIGRATIONS).await;
    let DbConfig::SqliteFile(file) = place.config() else { unreachable!() };
    let beside = Db::open(&DbConfig::SqliteFileBeside(file.clone())).await.unwrap();
    for round in 0..20 {
        let (ours, theirs) = (format!("a{round:02}"), format!("b{round:02}"));
        let ours = db.write(move |tx| Box::pin(async move { add(tx, &ours).await }));
        let theirs = beside.write(move |tx| Box::pin(async move { add(tx, &theirs).await }));
        let (ours, theirs) = tokio::join!(ours, theirs);
        ours.unwrap();
        theirs.unwrap();
    }
    beside.close().await;
    assert_eq!(codes(&db).await.len(), 40);
    db.close().await;
    // It makes no file.
    let missing = file.with_file_name("missing.db");
    assert!(Db::open(&DbConfig::SqliteFileBeside(missing.clone())).await.is_err());
    assert!(!missing.exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_the_file_does_not_get_round_the_lock() {
    let place = Place::folder();
    let db = place.with(MIGRATIONS).await;
    let (Place::Folder(folder), DbConfig::SqliteFile(file)) = (&place, place.config()) else {
        unreachable!()
    };
    let link = folder.join("link.db");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert!(matches!(refused(Db::open(&DbConfig::SqliteFile(link)).await), StoreError::InUse { .. }));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    db.close().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_explained() {
    let place = Place::folder();
    let Place::Folder(folder) = &place else { unreachable!() };
    let missing = folder.join("no").join("such.db");
    assert!(matches!(refused(Db::open(&DbConfig::SqliteFile(missing)).await), StoreError::Config(_)));
    let other = folder.join("other.db");
    std::fs::write(&other, "This is no database, although it is long enough to look like one. ".repeat(20))
        .unwrap();
    let error = refused(Db::open(&DbConfig::SqliteFile(other)).await).to_string();
    assert!(error.contains("not a SQLite database"), "{error}");
}

/// The test runs itself again as a child that writes until it is killed, and reports each code after
/// its answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_answered_survives_kill_9_and_the_lock_does_not() {
    if let Ok(folder) = std::env::var(CHILD_FOLDER) {
        let db = Db::open(&DbConfig::SqliteFile(format!("{folder}/test.db").into())).await.unwrap();
        let writers = (0..8).map(|writer| {
            let db = db.clone();
            tokio::spawn(async move {
                for n in 0.. {
                    let code = format!("{writer}-{n}");
                    let line = format!("code {code}\n");
                    db.write(move |tx| Box::pin(async move { add(tx, &code).await })).await.unwrap();
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        return;
    }
    let place = Place::folder();
    place.with(MIGRATIONS).await.close().await;
    let Place::Folder(folder) = &place else { unreachable!() };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "one_process::what_was_answered_survives_kill_9_and_the_lock_does_not",
            "--nocapture",
        ])
        .env(CHILD_FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    // The harness may print its own words before the first code on the same line.
    let mut answered: Vec<String> = Vec::new();
    for line in output.lines() {
        let Ok(line) = line else { break };
        if let Some((_, code)) = line.rsplit_once("code ") {
            answered.push(code.to_owned());
        }
        if answered.len() == 50 {
            let error = refused(Db::open(&place.config()).await).to_string();
            assert!(error.contains(&format!("(process {})", child.id())), "{error}");
        }
        if answered.len() == 400 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(answered.len() >= 400);
    // A last line may have been cut off by the kill.
    answered.pop();
    let db = place.open().await;
    let stored: std::collections::BTreeSet<String> = codes(&db).await.into_iter().collect();
    let missing: Vec<&String> = answered.iter().filter(|code| !stored.contains(*code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    db.close().await;
}
