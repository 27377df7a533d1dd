//! A dev server in this process, on a loopback port, with a clock to turn and a mailbox to read.

use gatewright::config::{Config, DatabaseUrl};
use gatewright::{DevServer, RunningDev, start_dev};
use gatewright_adapters::Capture;
use gatewright_ambient::{Clock, Random, Turn};
use gatewright_core::Timestamp;
use gatewright_core::ids::{Secret, TenantId};
use gatewright_core::limits::RateLimit;
use gatewright_passwords::StoredHash;
use gatewright_resources::passwords;
use gatewright_script::Workers;
use reqwest::{Certificate, Client};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

use crate::admin::Admin;
use crate::mailbox::Mailbox;
use crate::page::Page;

const ADMIN_ID: &str = "testadmin0000000000000000000000a";
const ADMIN_SECRET: &str = "a-secret-that-only-tests-know-0123456789";

/// A host that leads to test servers, for a tenant to take as its own.
pub const CUSTOM_DOMAIN: &str = "login.localhost";

/// How a test server differs from the usual one.
#[derive(Clone, Debug)]
pub struct Options {
    /// A PostgreSQL database; SQLite otherwise.
    pub database_url: Option<String>,
    /// Whether SQLite has a file, as in production, and not only memory.
    pub on_disk: bool,
    /// Whether it tells no more than a server in production: for measurements.
    pub discreet: bool,
    /// Tenants beside `localhost`: `acme` is served at `acme.localhost`.
    pub tenants: Vec<String>,
    /// Whether messages go to the mailbox. `false` sends them to the gateways that connections name.
    pub captures: bool,
    /// How often a client may call the Management API.
    pub management_rate_limit: Option<RateLimit>,
    /// The program whose processes run scripts; threads of this one run them, if not set.
    pub worker_program: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            database_url: None,
            on_disk: false,
            discreet: false,
            tenants: vec!["acme".to_owned()],
            captures: true,
            management_rate_limit: None,
            worker_program: None,
        }
    }
}

/// A running server.
pub struct Server {
    running: RunningDev,
    http: Client,
    _data: TempDir,
    clock: Clock,
    /// Turns the server's clock.
    pub turn: Turn,
    /// What it sent.
    pub mailbox: Mailbox,
}

impl Server {
    /// Starts one.
    pub async fn start(options: Options) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let mut config = Config::dev_defaults();
        config.server.port = Some(0);
        config.ops.port = 0;
        config.dev.data_dir = data.path().to_owned();
        config.dev.tenants = options.tenants;
        config.dev.ephemeral = options.database_url.is_none() && !options.on_disk;
        config.database.url = options.database_url.map(|url| DatabaseUrl::Postgres(Secret::new(url)));
        config.database.max_connections = 4;
        config.management.rate_limit = options.management_rate_limit;
        // A test that lets a gateway hang should not hang long itself.
        config.outbound.sms_timeout_seconds = 1;
        config.passwords.memory_kib = 8;
        config.passwords.passes = 1;
        config.bootstrap.admin = Some((ADMIN_ID.to_owned(), Secret::new(ADMIN_SECRET.to_owned())));
        let (clock, turn) = Clock::turnable();
        let mailbox = Mailbox::default();
        let capture = options.captures.then(|| Arc::new(mailbox.clone()) as Arc<dyn Capture>);
        let processes = |exe| Workers::Process { exe, args: vec!["script-worker".to_owned()] };
        let workers = Some(options.worker_program.map_or(Workers::Threads, processes));
        let discreet = options.discreet;
        let dev =
            DevServer { config, clock: clock.clone(), random: Random::system(), capture, workers, discreet };
        let running =
            start_dev(dev).await.unwrap_or_else(|error| panic!("the server did not start: {error:#}"));
        let authority = running.screen.ca_certificate.as_ref().expect("a local authority");
        let http = client(&std::fs::read(authority).expect("its certificate"), &running);
        Self { running, http, _data: data, clock, turn, mailbox }
    }

    /// The server's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The issuer of the tenant `localhost`.
    pub fn issuer(&self) -> &str {
        &self.running.screen.issuer
    }

    /// The issuer of another tenant.
    pub fn issuer_of(&self, tenant: &str) -> &str {
        let line = self.running.screen.tenants.iter().find(|line| line.id == tenant);
        &line.unwrap_or_else(|| panic!("no tenant {tenant}")).issuer
    }

    /// The dev client of a tenant.
    pub fn client_id_of(&self, tenant: &str) -> &str {
        let line = self.running.screen.tenants.iter().find(|line| line.id == tenant);
        &line.unwrap_or_else(|| panic!("no tenant {tenant}")).client_id
    }

    /// The dev client of the tenant `localhost`, a single-page application.
    pub fn client_id(&self) -> &str {
        &self.running.screen.client_id
    }

    /// The audience of the example API.
    pub fn audience(&self) -> &str {
        &self.running.screen.audience
    }

    /// The audience of the Management API.
    pub fn management_audience(&self) -> String {
        format!("{}api/v2/", self.issuer())
    }

    /// A page of this origin in a browser of its own.
    pub fn page(&self, origin: &str) -> Page {
        Page::new(self.http.clone(), self.issuer(), Some(origin))
    }

    /// A page that talks to another tenant.
    pub fn page_at(&self, tenant: &str, origin: &str) -> Page {
        Page::new(self.http.clone(), self.issuer_of(tenant), Some(origin))
    }

    /// A client that is no browser.
    pub fn tool(&self) -> Page {
        Page::new(self.http.clone(), self.issuer(), None)
    }

    /// A client that is no browser, at [`CUSTOM_DOMAIN`].
    pub fn tool_at_custom_domain(&self) -> Page {
        Page::new(
            self.http.clone(),
            &self.issuer().replace("//localhost", &format!("//{CUSTOM_DOMAIN}")),
            None,
        )
    }

    /// The bootstrap administrator, with a token for the Management API.
    pub async fn admin(&self) -> Admin {
        self.admin_of("localhost").await
    }

    /// The bootstrap administrator at another tenant.
    pub async fn admin_of(&self, tenant: &str) -> Admin {
        let page = Page::new(self.http.clone(), self.issuer_of(tenant), None);
        Admin::log_in(page, self.issuer_of(tenant), ADMIN_ID, ADMIN_SECRET).await
    }

    /// The declared statements that say nothing of a tenant.
    pub fn statements_without_tenant(&self) -> Vec<&'static str> {
        gatewright_store::check::statements_without("tenant_id")
    }

    /// The declared statements that this server's database refuses, with its reasons.
    pub async fn refused_statements(&self) -> Vec<String> {
        let refused = gatewright_store::check::prepare_all(&self.running.server.app.db).await;
        refused.into_iter().map(|(name, error)| format!("{name}: {error}")).collect()
    }

    /// The declared statements that look at all rows of a tenant, with the step of the plan; SQLite only.
    pub async fn wide_statements(&self) -> Vec<(&'static str, String)> {
        gatewright_store::check::wide_statements(&self.running.server.app.db).await.expect("plans")
    }

    /// How many passwords it has hashed since it started.
    pub fn passwords_hashed(&self) -> u64 {
        self.running.server.app.passwords.computed()
    }

    /// Gives an account of the tenant `localhost` the hash of another system, as an import does.
    pub async fn import_password(&self, user_id: &str, custom_password_hash: serde_json::Value) {
        let app = &self.running.server.app;
        let hash = StoredHash::imported(&custom_password_hash).expect("a known format");
        let (tenant, user_id, now) = (TenantId::new("localhost"), user_id.to_owned(), app.clock.now());
        let write = app.db.write(move |tx| {
            Box::pin(async move { passwords::set(tx, &tenant, &user_id, &hash, now).await })
        });
        write.await.expect("the account's row");
    }

    /// The stored hash of an account of the tenant `localhost`, as text.
    pub async fn stored_password(&self, user_id: &str) -> String {
        let (tenant, user_id) = (TenantId::new("localhost"), user_id.to_owned());
        let read = self
            .running
            .server
            .app
            .db
            .read(move |tx| Box::pin(async move { passwords::hash_of(tx, &tenant, &user_id).await }));
        read.await.expect("a readable row").expect("the account has a password").to_string()
    }

    /// Stops it cleanly.
    pub async fn stop(self) {
        self.running.server.stop().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "tests call the server under test on loopback")]
fn client(authority: &[u8], running: &RunningDev) -> Client {
    let mut builder = Client::builder()
        .tls_certs_only([Certificate::from_pem(authority).expect("PEM")])
        .redirect(reqwest::redirect::Policy::none());
    for tenant in &running.screen.tenants {
        let url = url::Url::parse(&tenant.issuer).expect("a URL");
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], url.port().unwrap_or(443)));
        builder =
            builder.resolve(url.host_str().unwrap_or_default(), address).resolve(CUSTOM_DOMAIN, address);
    }
    builder.build().expect("a client")
}
