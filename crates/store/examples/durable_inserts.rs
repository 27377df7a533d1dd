//! Prints how many durable inserts and point reads a database does each second, from one caller after
//! another and from many at once. On SQLite the difference is group commit.
//!
//! `cargo run --release -p gatewright-store --example durable_inserts -- [FILE | postgres://…]`

use gatewright_ambient::Clock;
use gatewright_store::{Db, DbConfig, Migration, StoreError, params, sql};

const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    name: "inserts",
    sql: "CREATE TABLE inserts (tenant_id TEXT NOT NULL, id BIGINT NOT NULL, doc {json} NOT NULL,
                                PRIMARY KEY (tenant_id, id))",
}];

sql!(INSERT, "INSERT INTO inserts (tenant_id, id, doc) VALUES ($1, $2, $3)");
sql!(NEXT, "SELECT COALESCE(MAX(id), 0) + 1 FROM inserts WHERE tenant_id = $1");
sql!(GET, "SELECT doc FROM inserts WHERE tenant_id = $1 AND id = $2");

const TENANT: &str = "localhost";
const CALLERS: i64 = 64;

#[tokio::main]
async fn main() -> Result<(), StoreError> {
    let target = std::env::args().nth(1);
    let temporary = std::env::temp_dir().join(format!("durable_inserts_{}.db", std::process::id()));
    let config = match &target {
        Some(url) if url.starts_with("postgres") => {
            DbConfig::Postgres { url: url.clone(), max_connections: 8 }
        }
        Some(file) => DbConfig::SqliteFile(file.into()),
        None => DbConfig::SqliteFile(temporary.clone()),
    };
    let clock = Clock::system();
    let db = Db::open(&config).await?;
    db.migrate(MIGRATIONS, clock.now()).await?;
    let row = db.read(|tx| Box::pin(async move { tx.one(&NEXT, &params![TENANT]).await })).await?;
    let first = row.int(0)?;

    report(&clock, "inserts one by one", 500, insert(db.clone(), first, 500)).await?;
    let all = at_once(&db, |db, caller| insert(db, first + 500 + caller * 200, 200));
    report(&clock, "inserts of 64 callers", CALLERS * 200, all).await?;
    report(&clock, "reads one by one", 5_000, read(db.clone(), first, 5_000)).await?;
    let all = at_once(&db, |db, _| read(db, first, 500));
    report(&clock, "reads of 64 callers", CALLERS * 500, all).await?;

    db.close().await;
    if target.is_none() {
        for suffix in ["", ".lock"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", temporary.display()));
        }
    }
    Ok(())
}

async fn insert(db: Db, from: i64, count: i64) -> Result<(), StoreError> {
    for id in from..from + count {
        let doc = serde_json::json!({"name": "A row of the usual size", "number": id, "tags": ["a", "b"]});
        db.write(move |tx| Box::pin(async move { tx.run(&INSERT, &params![TENANT, id, doc]).await })).await?;
    }
    Ok(())
}

async fn read(db: Db, from: i64, count: i64) -> Result<(), StoreError> {
    for n in 0..count {
        let id = from + n % 500;
        db.read(move |tx| Box::pin(async move { tx.one(&GET, &params![TENANT, id]).await }))
            .await?
            .json(0)?;
    }
    Ok(())
}

async fn at_once<F>(db: &Db, job: impl Fn(Db, i64) -> F) -> Result<(), StoreError>
where
    F: Future<Output = Result<(), StoreError>> + Send + 'static,
{
    let callers: Vec<_> = (0..CALLERS).map(|caller| tokio::spawn(job(db.clone(), caller))).collect();
    for caller in callers {
        caller.await.map_err(|error| StoreError::Other(error.to_string()))??;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "printing is what this program is for")]
async fn report(
    clock: &Clock,
    what: &str,
    count: i64,
    work: impl Future<Output = Result<(), StoreError>>,
) -> Result<(), StoreError> {
    let start = clock.now().micros();
    work.await?;
    let micros = (clock.now().micros() - start).max(1);
    println!("{what:<24}{:>9} a second", count * 1_000_000 / micros);
    Ok(())
}
