//! A fresh database per test, on each engine.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use gatewright_core::Timestamp;
use gatewright_store::{Db, DbConfig, Migration, StoreError};

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// A folder or a PostgreSQL database, removed when dropped.
pub(crate) enum Place {
    Folder(PathBuf),
    Memory,
    Postgres { admin: String, name: String, url: String },
}

impl Place {
    pub(crate) fn folder() -> Self {
        let path = std::env::temp_dir().join(unique_name());
        std::fs::create_dir(&path).unwrap();
        Self::Folder(path)
    }

    /// SQLite in a file and in memory always; PostgreSQL when GATEWRIGHT_TEST_DATABASE_URL names a server.
    pub(crate) async fn all() -> Vec<Self> {
        let mut places = vec![Self::folder(), Self::Memory];
        places.extend(Self::postgres().await);
        places
    }

    pub(crate) async fn postgres() -> Option<Self> {
        let admin = std::env::var("GATEWRIGHT_TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())?;
        let name = unique_name();
        admin_run(&admin, &format!("CREATE DATABASE {name}")).await;
        let (base, query) = admin.split_once('?').map_or((admin.as_str(), ""), |(b, q)| (b, q));
        let host = base.split('/').nth(2).unwrap();
        let url = format!("postgres://{host}/{name}?{query}");
        Some(Self::Postgres { admin, name, url })
    }

    pub(crate) fn config(&self) -> DbConfig {
        match self {
            Self::Folder(path) => DbConfig::SqliteFile(path.join("test.db")),
            Self::Memory => DbConfig::SqliteMemory,
            Self::Postgres { url, .. } => DbConfig::Postgres { url: url.clone(), max_connections: 6 },
        }
    }

    pub(crate) async fn open(&self) -> Db {
        Db::open(&self.config()).await.unwrap()
    }

    pub(crate) async fn with(&self, migrations: &'static [Migration]) -> Db {
        let db = self.open().await;
        db.migrate(migrations, NOW).await.unwrap();
        db
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        match self {
            Self::Folder(path) => {
                let _ = std::fs::remove_dir_all(path);
            }
            Self::Memory => {}
            Self::Postgres { admin, name, .. } => {
                let (admin, sql) = (admin.clone(), format!("DROP DATABASE {name} WITH (FORCE)"));
                let dropping = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(admin_run(&admin, &sql));
                });
                let _ = dropping.join();
            }
        }
    }
}

async fn admin_run(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let driving = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    driving.await.unwrap().unwrap();
}

fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("gatewright_store_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The error of a job that must fail.
#[track_caller]
pub(crate) fn refused<T>(result: Result<T, StoreError>) -> StoreError {
    match result {
        Ok(_) => panic!("the job succeeded"),
        Err(error) => error,
    }
}
