//! `gatewright dev`: a working server with no configuration at all.
//!
//! [`start_dev`] is the whole of it and is what the tests start; [`run`] adds the terminal around it.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use gatewright_adapters::{Capture, CaptureScope, OutboundPolicy};
use gatewright_ambient::{Clock, Random};
use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_script::Workers;
use rustls::server::ResolvesServerCert;

use crate::cli::DevArgs;
use crate::config::{Config, Form};
use crate::inbox::Inbox;
use crate::invitation;
use crate::seeding::{self, SeededTenant};
use crate::server::{Addresses, Running, Signals, Stage};
use crate::start_screen::{StartScreen, TenantLine, issuer_at};
use crate::tls::{Authority, FileCertificate, Leaves};
use crate::{assembly, database};

/// What a dev server is started with.
pub struct DevServer {
    /// The configuration; [`Config::dev_defaults`] and changes to it, in tests.
    pub config: Config,
    /// The time that requests see.
    pub clock: Clock,
    /// Random values.
    pub random: Random,
    /// Takes every message instead of the inbox, if set.
    pub capture: Option<Arc<dyn Capture>>,
    /// Where scripts run; processes of this program, if not set. A test is another program.
    pub workers: Option<Workers>,
    /// Tells clients, and keeps in its log, no more than a server in production: for measurements.
    pub discreet: bool,
}

/// A dev server that is up.
pub struct RunningDev {
    /// The server.
    pub server: Running,
    /// What its start screen says: issuers, clients, files.
    pub screen: StartScreen,
}

/// Runs until a signal.
pub(super) fn run(args: &DevArgs) -> anyhow::Result<()> {
    let config = Config::load(Form::Dev, &args.inputs())?;
    crate::logs::install(&config.log, Form::Dev);
    super::runtime(config.server.threads)?.block_on(async {
        let mut signals = Signals::catch()?;
        let dev = DevServer {
            config,
            clock: Clock::system(),
            random: Random::system(),
            capture: None,
            workers: None,
            discreet: false,
        };
        let running = tokio::select! {
            started = start_dev(dev) => started?,
            _ = signals.next() => return Ok(()),
        };
        if args.json {
            super::say(&format!("{}\n", running.screen.json()))?;
        } else {
            super::say(&running.screen.text(std::io::stdout().is_terminal()))?;
        }
        let signal = signals.next().await;
        tracing::info!(signal, "Stopping.");
        running.server.stop().await;
        Ok(())
    })
}

/// Starts a dev server in this process; it serves when this returns.
///
/// # Errors
/// A port is taken, the data folder cannot be used, the database does not answer.
pub async fn start_dev(dev: DevServer) -> anyhow::Result<RunningDev> {
    let began = tokio::time::Instant::now();
    let DevServer { config, clock, random, capture, workers, discreet } = dev;
    let data_dir = config.dev.data_dir.clone();
    let database = database::for_dev(&config, &data_dir)?;
    let mut stage = Stage::open(&config)?;
    let has_authority = config.server.port.is_some() && config.server.certificate.is_none();
    if has_authority || !config.dev.ephemeral {
        make_data_dir(&data_dir)?;
    }
    // Keys take a while, and so does opening the database: both at once.
    let certificate = tokio::task::spawn_blocking({
        let (config, random) = (config.clone(), random.clone());
        move || Certificate::prepare(&config, &random)
    });
    let master_key = Arc::new(master_key(&config, &data_dir, &random)?);
    let db = database::open(&database, clock.now()).await?;
    let tenants = seeding::dev_tenants(&db, &config, &master_key, &clock, &random).await?;
    let first = tenants.first().context("the tenant localhost is always there")?;
    let invitation = invitation::first(&db, &first.id, clock.now(), &random).await?;
    let clients: HashMap<TenantId, String> =
        tenants.iter().map(|tenant| (tenant.id.clone(), tenant.client_id.clone())).collect();
    let inbox = Inbox::new(db.clone(), clock.clone(), stage.stopping()).with_clients(clients);
    let (capture, scope) = match capture {
        Some(capture) => (capture, CaptureScope::Everything),
        // A connection that names a gateway is sent to it, so that gateways can be tried out.
        None => (Arc::new(inbox.clone()) as Arc<dyn Capture>, CaptureScope::Unconfigured),
    };
    let policy = OutboundPolicy { allow_loopback: true, allow: config.outbound.allow.clone() };
    let messenger = assembly::messenger(&config, policy, &clock).with_capture(capture, scope);
    let workers = workers.map_or_else(assembly::script_workers, Ok)?;
    let app = assembly::app(db, clock, random, master_key, messenger, &config, (!discreet, workers))?;
    warn_if_exposed(&config);
    let resolver = match certificate.await.context("making certificates")?? {
        None => None,
        Some(Certificate::Own(own)) => {
            stage.spawn(Arc::clone(&own).keep_fresh());
            Some(own as Arc<dyn ResolvesServerCert>)
        }
        Some(Certificate::Local(leaves)) => Some(leaves as Arc<dyn ResolvesServerCert>),
    };
    let authority = Authority::certificate_file_in(&data_dir);
    let authority = has_authority.then(|| std::path::absolute(&authority).unwrap_or(authority));
    let addresses = stage.addresses();
    let server = stage.run(app, Some(inbox), resolver)?;
    let screen = screen(addresses, (tenants, invitation), authority, &database, began.elapsed().as_millis())?;
    Ok(RunningDev { server, screen })
}

/// What the HTTPS listener shows.
enum Certificate {
    /// The developer's own.
    Own(Arc<FileCertificate>),
    /// Leaves of the local authority.
    Local(Arc<Leaves>),
}

impl Certificate {
    /// Nothing without an HTTPS port.
    fn prepare(config: &Config, random: &Random) -> anyhow::Result<Option<Self>> {
        if config.server.port.is_none() {
            return Ok(None);
        }
        if let (Some(chain), Some(key)) = (&config.server.certificate, &config.server.certificate_key) {
            return Ok(Some(Self::Own(Arc::new(FileCertificate::load(chain, key)?))));
        }
        // Whoever checks the certificate has the real time, whatever a test has done to the server's.
        let clock = Clock::system();
        let authority = Authority::load_or_create(&config.dev.data_dir, random, clock.now())?;
        Ok(Some(Self::Local(Arc::new(Leaves::new(authority, clock, random.clone())?))))
    }
}

/// The configured key; else a passing one; else the one in the data folder, made on first start.
fn master_key(config: &Config, data_dir: &Path, random: &Random) -> anyhow::Result<MasterKey> {
    if let Some(key) = &config.keys.master_key {
        return MasterKey::from_base64(key.reveal()).context("keys.master_key");
    }
    if config.dev.ephemeral {
        return Ok(MasterKey::generate(random));
    }
    let file = data_dir.join("master.key");
    if !file.exists() {
        let made = MasterKey::generate(random).to_base64();
        match crate::tls::write_private(&file, format!("{}\n", made.as_str()).as_bytes()) {
            // Another start was faster: its key is the one.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            outcome => outcome.with_context(|| file.display().to_string())?,
        }
    }
    read_master_key(&file)
}

/// The key that a file holds.
pub(super) fn read_master_key(file: &Path) -> anyhow::Result<MasterKey> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    MasterKey::from_base64(text.trim()).with_context(|| file.display().to_string())
}

/// Makes the data folder, for its owner only, and keeps it out of version control.
fn make_data_dir(data_dir: &Path) -> anyhow::Result<()> {
    if data_dir.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(data_dir)
        .with_context(|| format!("cannot make the data folder {} (--data-dir)", data_dir.display()))?;
    std::fs::write(data_dir.join(".gitignore"), "*\n").context("the data folder")?;
    Ok(())
}

fn warn_if_exposed(config: &Config) {
    if config.server.bind.iter().any(|ip| !ip.is_loopback()) {
        tracing::warn!(
            "This server is for development: whoever reaches it can read every code in its inbox. Bind it \
             to loopback addresses, or use `gatewright serve`."
        );
    }
}

fn screen(
    addresses: Addresses,
    (tenants, invitation): (Vec<SeededTenant>, Option<String>),
    ca_certificate: Option<PathBuf>,
    database: &gatewright_store::DbConfig,
    started_in_ms: u128,
) -> anyhow::Result<StartScreen> {
    let (scheme, port) = match (addresses.https_port, addresses.http_port) {
        (Some(port), _) => ("https", port),
        (None, Some(port)) => ("http", port),
        (None, None) => anyhow::bail!("no listener: give --port or --http"),
    };
    let lines: Vec<TenantLine> = tenants
        .iter()
        .map(|tenant| TenantLine {
            id: tenant.id.to_string(),
            issuer: issuer_at(scheme, &tenant.host, port).as_str().to_owned(),
            client_id: tenant.client_id.clone(),
        })
        .collect();
    let first = tenants.first().context("the tenant localhost is always there")?;
    let issuer = issuer_at(scheme, &first.host, port);
    Ok(StartScreen {
        domain: issuer.domain().to_owned(),
        client_id: first.client_id.clone(),
        audience: first.audience.clone(),
        ca_certificate,
        inbox: issuer.join("dev/inbox"),
        dashboard: issuer.join("dashboard"),
        invitation: invitation.map(|path| issuer.join(&path)),
        ops: format!("http://{}", addresses.ops),
        http_issuer: addresses.http_port.map(|port| issuer_at("http", &first.host, port).as_str().to_owned()),
        issuer: issuer.as_str().to_owned(),
        tenants: lines,
        data: match database {
            gatewright_store::DbConfig::SqliteMemory => "in memory, gone at the end".to_owned(),
            gatewright_store::DbConfig::SqliteFile(path)
            | gatewright_store::DbConfig::SqliteFileBeside(path) => path.display().to_string(),
            gatewright_store::DbConfig::Postgres { .. } => "PostgreSQL".to_owned(),
        },
        started_in_ms,
    })
}
