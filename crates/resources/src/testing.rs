//! A fresh database with one tenant on each engine, and calls on it as the Management API makes them.

use std::sync::Arc;

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::ids::{Issuer, TenantId};
use gatewright_jose::MasterKey;
use std::sync::atomic::{AtomicU32, Ordering};

use gatewright_passwords::{Cost, Hasher};
use gatewright_store::{Db, DbConfig, StoreError};
use serde_json::Value;
use tokio_postgres::NoTls;

use crate::engine::body::RawBody;
use crate::engine::execute::{Call, execute};
use crate::engine::routes::{Routes, Target};
use crate::engine::{Caller, Method, OpRequest};
use crate::resource_servers::management_scopes;
use crate::seed::{NewTenant, SeedCx};
use crate::tenants;

/// The tenant of every test.
pub(crate) fn tenant() -> TenantId {
    TenantId::new("localhost")
}

/// A server without HTTP.
pub(crate) struct Conversation {
    pub(crate) db: Db,
    pub(crate) seed: SeedCx,
    routes: Routes,
}

/// Runs a conversation on SQLite, and on PostgreSQL when `GATEWRIGHT_TEST_DATABASE_URL` names a server.
pub(crate) async fn on_every_engine(conversation: impl AsyncFn(Conversation)) {
    conversation(Conversation::in_memory().await).await;

    let Some(admin) = std::env::var("GATEWRIGHT_TEST_DATABASE_URL").ok().filter(|url| !url.is_empty()) else {
        return;
    };
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name =
        format!("gatewright_resources_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    admin_run(&admin, &format!("CREATE DATABASE {name}")).await;
    let (base, query) = admin.split_once('?').unwrap_or((&admin, ""));
    let host = base.split('/').nth(2).unwrap();
    let url = format!("postgres://{host}/{name}?{query}");
    let db = Db::open(&DbConfig::Postgres { url, max_connections: 4 }).await.unwrap();
    conversation(Conversation::begin(db.clone()).await).await;
    db.close().await;
    admin_run(&admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

async fn admin_run(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let driving = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    driving.await.unwrap().unwrap();
}

impl Conversation {
    /// A tenant in a database in memory.
    pub(crate) async fn in_memory() -> Self {
        Self::begin(Db::open(&DbConfig::SqliteMemory).await.unwrap()).await
    }

    /// A tenant in an empty database.
    async fn begin(db: Db) -> Self {
        db.migrate(crate::MIGRATIONS, Timestamp::from_seconds(1)).await.unwrap();
        let random = Random::seeded(7);
        let master_key = Arc::new(MasterKey::generate(&random));
        let seed = SeedCx { now: Timestamp::from_seconds(1_700_000_000), random, master_key };
        let cx = seed.clone();
        db.write(move |tx| {
            Box::pin(async move {
                let new = NewTenant { id: tenant(), host: "localhost".into(), friendly_name: "Local".into() };
                tenants::create(tx, &new, &cx).await
            })
        })
        .await
        .unwrap();
        Self { db, seed, routes: Routes::new(crate::operations().chain(crate::own_operations())) }
    }

    /// A machine with every scope.
    pub(crate) fn admin() -> Caller {
        Self::machine(&management_scopes().collect::<Vec<_>>())
    }

    /// A machine with these scopes.
    pub(crate) fn machine(scopes: &[&str]) -> Caller {
        Caller {
            subject: "m2m@clients".into(),
            client_id: "m2m".into(),
            client_name: None,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            is_user: false,
        }
    }

    /// A user with a token of their own.
    pub(crate) fn user(user_id: &str, scopes: &[&str]) -> Caller {
        Caller { subject: user_id.into(), client_id: "spa".into(), is_user: true, ..Self::machine(scopes) }
    }

    /// Calls as an admin and returns status and body.
    pub(crate) async fn call(&self, method: &str, target: &str, body: Value) -> (u16, Value) {
        self.call_as(Self::admin(), method, target, body).await
    }

    /// Calls and returns status and body; a refusal's body is `message (errorCode)`.
    pub(crate) async fn call_as(
        &self,
        caller: Caller,
        method: &str,
        target: &str,
        body: Value,
    ) -> (u16, Value) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (found, params) = match self.routes.find(Method::named(method).unwrap(), path) {
            Ok(found) => found,
            Err(error) => return (error.status, error.body()["message"].clone()),
        };
        let Target::Built(operation) = found else { panic!("{method} {path} is not built") };
        let request = OpRequest {
            tenant: tenant(),
            issuer: Issuer::new("https", "localhost:8443"),
            caller,
            now: self.seed.now,
            random: self.seed.random.clone(),
            master_key: Arc::clone(&self.seed.master_key),
            passwords: Hasher::new(Cost::LEAST, 1, self.seed.random.clone()),
            ip: "127.0.0.1".into(),
            user_agent: None,
            custom_domain: None,
            flows: None,
            trial: None,
        };
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let body = RawBody { content_type: None, bytes };
        let call = Call { params, path: path.to_owned(), query: query.to_owned(), body };
        match execute(&self.db, operation, Arc::new(request), call).await {
            Ok(answer) => (answer.status.unwrap(), answer.body.unwrap_or_default()),
            Err(error) => {
                let code = error.error_code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
                if let Some(cause) = &error.cause {
                    panic!("{method} {target}: {cause}");
                }
                (error.status, format!("{}{code}", error.message).into())
            }
        }
    }

    /// Runs a write on the database.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl for<'t> FnOnce(
            &'t mut gatewright_store::Tx,
        ) -> gatewright_store::BoxFuture<'t, Result<T, StoreError>>
        + Send
        + 'static,
    ) -> T {
        self.db.write(job).await.unwrap()
    }
}
