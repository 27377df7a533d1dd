//! A fresh database for each test, on every engine there is.

use gatewright_ambient::Random;
use tokio_postgres::{Client, NoTls};

use crate::server::{Options, Server};

/// Runs a conversation on SQLite, and on PostgreSQL when `GATEWRIGHT_TEST_DATABASE_URL` is set.
pub async fn on_every_database(conversation: impl AsyncFn(Server)) {
    with_options(Options::default(), conversation).await;
}

/// The same with a server that differs from the usual one.
pub async fn with_options(options: Options, conversation: impl AsyncFn(Server)) {
    conversation(Server::start(options.clone()).await).await;
    let Some(fresh) = FreshDatabase::create().await else { return };
    conversation(Server::start(Options { database_url: Some(fresh.url.clone()), ..options }).await).await;
    fresh.drop().await;
}

struct FreshDatabase {
    admin: Client,
    name: String,
    url: String,
}

impl FreshDatabase {
    async fn create() -> Option<Self> {
        let server = std::env::var("GATEWRIGHT_TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())?;
        let (admin, connection) =
            tokio_postgres::connect(&server, NoTls).await.expect("the test database server");
        tokio::spawn(connection);
        let name = format!("gatewright_wire_{}", Random::system().hex(16));
        admin.execute(&format!("CREATE DATABASE {name}"), &[]).await.expect("may create databases");
        let mut url = url::Url::parse(&server).expect("a URL");
        url.set_path(&name);
        Some(Self { admin, name, url: url.into() })
    }

    async fn drop(self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        self.admin.execute(&statement, &[]).await.expect("may drop its own database");
    }
}
