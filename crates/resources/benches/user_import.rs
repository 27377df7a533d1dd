//! Importing users into a SQLite file that nobody else has open: users a second, and how many times longer than the
//! floor.
//!
//! `cargo bench -p gatewright-resources --bench user_import` imports 100,000 users, first without and then
//! with bcrypt hashes; `GATEWRIGHT_BENCH_USERS=1000000` a million. The floor is measured in the same run: the
//! stored documents of (at most) 100,000 of these users written again as bare rows, a hundred a statement, as
//! many a transaction as a batch has, into a table with nothing but its key and with the same durability. The
//! importer also writes identities, rows of searchable values and their indexes for each.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement prints, and reads the real clock"
)]

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use gatewright_ambient::{Clock, Random};
use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_resources::seed::{NewTenant, SeedCx};
use gatewright_resources::users::import::{Batches, Import, Reader, store};
use gatewright_resources::{MIGRATIONS, tenants};
use gatewright_store::{Db, DbConfig};
use rusqlite::{Connection, params_from_iter};
use serde_json::{Value, json};

/// Documents that the floor writes.
const MOST_OF_FLOOR: i64 = 100_000;
/// Rows of one statement of the floor.
const A_STATEMENT: usize = 100;
/// Rows of one transaction of the floor: as many as a batch of the importer.
const A_TRANSACTION: usize = 32_000;

fn main() {
    // `cargo test --all-targets` runs this too, without `--bench`: then it only has to run.
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let asked = std::env::var("GATEWRIGHT_BENCH_USERS").ok().and_then(|users| users.parse().ok());
    let users: u64 = asked.unwrap_or(if measuring { 100_000 } else { 2_000 });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("starts");
    for (name, hashes) in [("profiles", false), ("profiles with bcrypt hashes", true)] {
        let folder = std::env::temp_dir().join(format!("gatewright-user-import-{}", std::process::id()));
        std::fs::create_dir(&folder).expect("a folder can be made");
        let (file, database) = (folder.join("users.json"), folder.join("users.db"));
        write_file(&file, users, hashes).expect("the file is written");
        let seconds = runtime.block_on(import(&file, &database, users));
        let a_second = users as f64 / seconds;
        let floor = floor(&database, &folder.join("floor.db")).expect("the floor is measured");
        let megabytes = std::fs::metadata(&database).map_or(0, |data| data.len() / 1_000_000);
        println!(
            "{name}: {users} users in {seconds:.1} s, {a_second:.0} a second, {megabytes} MB; floor {floor:.0} a \
             second, ratio {:.1}",
            floor / a_second
        );
        std::fs::remove_dir_all(&folder).expect("the folder can be removed");
    }
}

/// A user in the format of an import: ids in the order in which they were made, addresses in none.
fn user(number: u64, hashes: bool) -> Value {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut user = json!({
        "user_id": format!("{:024x}", 0x6500_0000_u64 + number),
        "email": format!("{mixed:016x}@company{}.example", number % 2000),
        "email_verified": number.is_multiple_of(2),
        "name": format!("Given{} Family{}", number % 100, (number / 100) % 1000),
        "app_metadata": {
            "plan": (["free", "pro", "team"][usize::try_from(number % 3).unwrap_or(0)]),
            "account": format!("account-{number}"),
            "seats": number % 10_000,
        },
        "user_metadata": {"address": {"city": format!("City {}", (number / 7) % 1000)}},
    });
    if hashes {
        let digest = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890".chars();
        let start = usize::try_from(mixed % 32).unwrap_or(0);
        let salt: String = format!("{mixed:016x}abcdeu");
        let digest: String = digest.skip(start).take(30).collect();
        user["password_hash"] = format!("$2b$10${salt}{digest}u").into();
    }
    user
}

fn write_file(path: &Path, users: u64, hashes: bool) -> std::io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    for number in 0..users {
        serde_json::to_writer(&mut file, &user(number, hashes))?;
        file.write_all(b"\n")?;
    }
    file.flush()
}

/// How many seconds the import of the file takes.
async fn import(file: &Path, database: &Path, users: u64) -> f64 {
    let db = Db::open(&DbConfig::SqliteFile(database.to_owned())).await.expect("the database opens");
    let (clock, random) = (Clock::system(), Random::system());
    db.migrate(MIGRATIONS, clock.now()).await.expect("the schema is made");
    let master_key = Arc::new(MasterKey::generate(&random));
    let tenant = TenantId::new("bench");
    let cx = SeedCx { now: clock.now(), random: random.clone(), master_key: Arc::clone(&master_key) };
    let new = NewTenant { id: tenant.clone(), host: "localhost".into(), friendly_name: "Bench".into() };
    let created = db.write(move |tx| Box::pin(async move { tenants::create(tx, &new, &cx).await })).await;
    created.expect("the database is empty");
    let connection = json!({"id": "con_bench", "name": "Users", "strategy": "auth0", "options": {}});
    let connection = serde_json::from_value(connection).expect("it is a connection");
    let import =
        Arc::new(Import { tenant, connection, upsert: false, alone: true, clock, random, master_key });
    db.expect_much().await.expect("the database is open");
    let reader = Reader::new(BufReader::new(File::open(file).expect("the file opens")), import);

    let began = Instant::now();
    let mut batches = Batches::of(reader);
    let mut stored = 0;
    while let Some(batch) = batches.next().await.expect("the file is well-formed") {
        let write = store(&db, &batch, |_, _, _| Box::pin(async { Ok(()) }));
        let outcome = write.await.expect("it is stored");
        assert_eq!(outcome.refused, []);
        stored += outcome.inserted;
    }
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(stored, users);
    db.close().await;
    seconds
}

/// Users a second, as bare rows.
fn floor(imported: &Path, path: &Path) -> rusqlite::Result<f64> {
    let from = Connection::open(imported)?;
    let mut select = from.prepare("SELECT user_id, doc FROM users ORDER BY user_id LIMIT ?1")?;
    let rows = select.query_map([MOST_OF_FLOOR], |row| {
        let (user_id, doc): (String, rusqlite::types::Value) = (row.get(0)?, row.get(1)?);
        Ok([rusqlite::types::Value::Text(user_id), doc])
    })?;
    let rows: Vec<[rusqlite::types::Value; 2]> = rows.collect::<Result<_, _>>()?;

    let mut to = Connection::open(path)?;
    to.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    to.pragma_update(None, "synchronous", "FULL")?;
    to.execute_batch("CREATE TABLE floor (user_id TEXT NOT NULL PRIMARY KEY, doc TEXT NOT NULL)")?;
    let began = Instant::now();
    for transaction in rows.chunks(A_TRANSACTION) {
        let tx = to.transaction()?;
        for statement in transaction.chunks(A_STATEMENT) {
            let places = vec!["(?, ?)"; statement.len()].join(", ");
            let mut insert = tx.prepare_cached(&format!("INSERT INTO floor VALUES {places}"))?;
            insert.execute(params_from_iter(statement.iter().flatten()))?;
        }
        tx.commit()?;
    }
    Ok(rows.len() as f64 / began.elapsed().as_secs_f64())
}
