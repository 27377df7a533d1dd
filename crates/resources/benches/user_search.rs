//! Finding users among a million: by id, by e-mail address, by the beginning of a name, by metadata.
//!
//! `cargo bench -p gatewright-resources --bench user_search` imports the users into a SQLite file and, if
//! `GATEWRIGHT_BENCH_DATABASE_URL` names an empty database, into PostgreSQL, and calls the operations as the
//! Management API does, without HTTP. Times are medians; the ratio is to reading one user's row by its key,
//! measured in turn with them, because wall-clock times move with whatever else the machine runs.
//! `GATEWRIGHT_BENCH_USERS` asks for another number of users.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement prints, and reads the real clock"
)]

use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gatewright_ambient::{Clock, Random};
use gatewright_core::ids::{Issuer, TenantId};
use gatewright_jose::MasterKey;
use gatewright_passwords::{Cost, Hasher};
use gatewright_resources::engine::body::RawBody;
use gatewright_resources::engine::execute::{Call, execute};
use gatewright_resources::engine::routes::{Routes, Target};
use gatewright_resources::engine::{Caller, Method, OpRequest};
use gatewright_resources::seed::{NewTenant, SeedCx};
use gatewright_resources::users::import::{Import, Reader};
use gatewright_resources::{MIGRATIONS, tenants};
use gatewright_store::{Db, DbConfig, Engine, StoreError, params, sql};
use serde_json::{Value, json};

sql!(ROW, "SELECT doc FROM users WHERE tenant_id = $1 AND user_id = $2");
sql!(STATISTICS, "ANALYZE");

fn main() {
    // `cargo test --all-targets` runs this too, without `--bench`: then it only has to run.
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let asked = std::env::var("GATEWRIGHT_BENCH_USERS").ok().and_then(|users| users.parse().ok());
    let users: u64 = asked.unwrap_or(if measuring { 1_000_000 } else { 2_000 });
    let rounds = if measuring { 101 } else { 3 };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("starts");
    runtime.block_on(async {
        let folder = std::env::temp_dir().join(format!("gatewright-user-search-{}", std::process::id()));
        std::fs::create_dir(&folder).expect("a folder can be made");
        let file = folder.join("users.db");
        measure("SQLite", &DbConfig::SqliteFile(file.clone()), Some(&file), users, rounds).await;
        std::fs::remove_dir_all(&folder).expect("the folder can be removed");
        if let Some(url) = std::env::var("GATEWRIGHT_BENCH_DATABASE_URL").ok().filter(|url| !url.is_empty()) {
            let config = DbConfig::Postgres { url, max_connections: 4 };
            measure("PostgreSQL", &config, None, users, rounds).await;
        }
    });
}

async fn measure(name: &str, config: &DbConfig, file: Option<&Path>, users: u64, rounds: usize) {
    let db = Db::open(config).await.expect("the database opens");
    let server = Server::begin(db).await;
    let started = Instant::now();
    server.import(users).await;
    let seconds = started.elapsed().as_secs_f64();
    let size = file.and_then(|file| std::fs::metadata(file).ok()).map_or(0, |data| data.len() / 1_000_000);
    println!(
        "{name}: {users} users imported in {seconds:.1} s{}",
        if size > 0 { format!(", {size} MB") } else { String::new() }
    );
    if server.db.engine() == Engine::Postgres {
        // What autovacuum does sooner or later.
        let done = server.db.write(|tx| Box::pin(async { tx.run(&STATISTICS, &[]).await })).await;
        done.expect("statistics are gathered");
    }
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); CASES.len()];
    let mut floor = Vec::new();
    let mut found = vec![0; CASES.len()];
    let mut number = 1;
    for _ in 0..rounds {
        for (index, case) in CASES.iter().enumerate() {
            number = (number * 7919 + 12_345) % users;
            floor.push(server.row(number).await);
            let (time, count) = server.call(&(case.target)(number)).await;
            times[index].push(time);
            found[index] = found[index].max(count);
        }
    }
    let floor = median(floor);
    println!("{:>46}  {:>10}  {:>8}  {:>6}", "", "µs", "ratio", "found");
    println!("{:>46}  {:>10.0}  {:>8.1}  {:>6}", "one row by its key", floor, 1.0, 1);
    for ((case, times), found) in CASES.iter().zip(times).zip(found) {
        let time = median(times);
        println!("{:>46}  {time:>10.0}  {:>8.1}  {found:>6}", case.name, time / floor);
    }
    server.db.close().await;
}

/// In microseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64) * 1e6
}

struct Case {
    name: &'static str,
    /// What is called, for one of the users.
    target: fn(u64) -> String,
}

const CASES: &[Case] = &[
    Case { name: "by id", target: |n| format!("/users/auth0%7C{n}") },
    Case { name: "by e-mail address", target: |n| format!("/users-by-email?email={}", email(n)) },
    Case { name: "search: e-mail address", target: |n| search(&format!("email:\"{}\"", email(n))) },
    Case { name: "search: user id", target: |n| search(&format!("user_id:\"auth0|{n}\"")) },
    Case {
        name: "search: name prefix, few",
        target: |n| search(&format!("name:{}*", name(n).replace(' ', "\\ "))),
    },
    Case {
        name: "search: name prefix, a thousand",
        target: |n| search(&format!("name:given{}\\ family{}*", n % 100, 1 + n % 9)),
    },
    Case {
        name: "search: metadata, one",
        target: |n| search(&format!("app_metadata.account:\"account-{n}\"")),
    },
    Case {
        name: "search: metadata, a thousand",
        target: |n| search(&format!("user_metadata.address.city:\"City {}\"", n % 1000)),
    },
    Case { name: "search: metadata, a third of all", target: |_| search("app_metadata.plan:pro") },
    Case {
        name: "search: a third of all, newest first",
        target: |_| format!("{}&sort=created_at:-1", search("app_metadata.plan:pro")),
    },
    Case {
        name: "search: name prefix and metadata and not",
        target: |n| {
            search(&format!(
                "name:given{}\\ family{}* AND app_metadata.plan:pro AND NOT email_verified:true",
                n % 100,
                1 + n % 9
            ))
        },
    },
    Case {
        name: "search: number range",
        target: |n| search(&format!("app_metadata.seats:[{} TO {}]", n % 10_000, n % 10_000 + 5)),
    },
    Case {
        name: "search: metadata, a thousand, with total",
        target: |n| {
            format!(
                "{}&include_totals=true",
                search(&format!("user_metadata.address.city:\"City {}\"", n % 1000))
            )
        },
    },
    Case {
        name: "search: metadata, a third of all, with total",
        target: |_| format!("{}&include_totals=true", search("app_metadata.plan:pro")),
    },
    Case { name: "list", target: |_| "/users?per_page=50".to_owned() },
    Case { name: "list, with total", target: |_| "/users?per_page=50&include_totals=true".to_owned() },
    Case { name: "list, by from and take", target: |n| format!("/users?take=50&from=auth0%7C{n}") },
];

fn search(query: &str) -> String {
    let pairs = [("q", query), ("search_engine", "v3")];
    format!("/users?{}", serde_urlencoded::to_string(pairs).expect("text can be encoded"))
}

fn name(number: u64) -> String {
    format!("Given{} Family{}", number % 100, (number / 100) % 1000)
}

fn email(number: u64) -> String {
    format!("user{number}@company{}.example", number % 2000)
}

/// A user in the format of an import.
fn user(number: u64) -> Value {
    json!({
        "user_id": number.to_string(),
        "email": email(number),
        "email_verified": number.is_multiple_of(2),
        "name": name(number),
        "app_metadata": {
            "plan": (["free", "pro", "team"][usize::try_from(number % 3).unwrap_or(0)]),
            "account": format!("account-{number}"),
            "seats": number % 10_000,
        },
        "user_metadata": {"address": {"city": format!("City {}", (number / 7) % 1000)}},
    })
}

/// The users as a file, made as it is read.
struct File {
    next: u64,
    users: u64,
    line: Vec<u8>,
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.line.len() < buffer.len() && self.next < self.users {
            serde_json::to_writer(&mut self.line, &user(self.next))?;
            self.line.push(b'\n');
            self.next += 1;
        }
        let length = self.line.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.line[..length]);
        self.line.drain(..length);
        Ok(length)
    }
}

struct Server {
    db: Db,
    routes: Routes,
    request: Arc<OpRequest>,
}

impl Server {
    async fn begin(db: Db) -> Self {
        let (clock, random) = (Clock::system(), Random::system());
        db.migrate(MIGRATIONS, clock.now()).await.expect("the schema is made");
        let master_key = Arc::new(MasterKey::generate(&random));
        let tenant = TenantId::new("bench");
        let cx = SeedCx { now: clock.now(), random: random.clone(), master_key: Arc::clone(&master_key) };
        let new = NewTenant { id: tenant.clone(), host: "localhost".into(), friendly_name: "Bench".into() };
        let created = db.write(move |tx| Box::pin(async move { tenants::create(tx, &new, &cx).await })).await;
        created.expect("the database is empty");
        let caller = Caller { scopes: vec!["read:users".into()], ..Caller::default() };
        let passwords = Hasher::new(Cost::LEAST, 1, random.clone());
        let request = Arc::new(OpRequest {
            tenant,
            issuer: Issuer::new("https", "localhost"),
            caller,
            now: clock.now(),
            random,
            master_key,
            passwords,
            request_id: None,
            ip: "127.0.0.1".into(),
            user_agent: None,
            custom_domain: None,
            flows: None,
            trial: None,
        });
        Self { db, routes: Routes::new(gatewright_resources::operations()), request }
    }

    async fn import(&self, users: u64) {
        self.db.expect_much().await.expect("the database is open");
        let connection = json!({"id": "con_bench", "name": "Users", "strategy": "auth0", "options": {}});
        let import = Arc::new(Import {
            tenant: self.request.tenant.clone(),
            connection: serde_json::from_value(connection).expect("it is a connection"),
            upsert: false,
            alone: true,
            clock: Clock::system(),
            random: Random::system(),
            master_key: Arc::clone(&self.request.master_key),
        });
        let (batches, mut ready) = tokio::sync::mpsc::channel(1);
        let file = BufReader::with_capacity(1 << 20, File { next: 0, users, line: Vec::new() });
        let reading = std::thread::spawn(move || {
            for batch in Reader::new(file, import) {
                batches
                    .blocking_send(Arc::new(batch.expect("the file is well-formed")))
                    .expect("they are awaited");
            }
        });
        let mut stored = 0;
        while let Some(batch) = ready.recv().await {
            let write = self.db.write(move |tx| Box::pin(async move { batch.store(tx).await }));
            stored += write.await.expect("it is stored").inserted;
        }
        reading.join().expect("it was read");
        assert_eq!(stored, users);
    }

    /// The floor: the row of one user.
    async fn row(&self, number: u64) -> Duration {
        let (tenant, user_id) = (self.request.tenant.clone(), format!("auth0|{number}"));
        let started = Instant::now();
        let read = self
            .db
            .read(move |tx| Box::pin(async move { tx.one(&ROW, &params![tenant, user_id]).await?.json(0) }));
        let user: Result<Value, StoreError> = read.await;
        let time = started.elapsed();
        assert!(user.expect("there is such a user").is_object());
        time
    }

    /// How long a call takes, and how many users it finds.
    async fn call(&self, target: &str) -> (Duration, usize) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let started = Instant::now();
        let Ok((Target::Built(operation), params)) = self.routes.find(Method::Get, path) else {
            panic!("{path} is not built")
        };
        let call = Call { params, path: path.to_owned(), query: query.to_owned(), body: RawBody::default() };
        let answer = execute(&self.db, operation, Arc::clone(&self.request), call).await;
        let time = started.elapsed();
        let body = answer.unwrap_or_else(|error| panic!("{target}: {error}")).body.unwrap_or_default();
        let found = body["total"].as_u64().and_then(|total| usize::try_from(total).ok());
        let list = body.as_array().or_else(|| body["users"].as_array()).map(Vec::len);
        (time, found.or(list).unwrap_or(1))
    }
}
