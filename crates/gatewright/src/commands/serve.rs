//! `gatewright serve`: the production form. Nothing is made up: what is missing is an error.

use std::sync::Arc;

use anyhow::Context as _;
use gatewright_adapters::OutboundPolicy;
use gatewright_ambient::{Clock, Random};
use gatewright_jose::MasterKey;
use rustls::server::ResolvesServerCert;

use crate::cli::ServeArgs;
use crate::config::{Config, Form};
use crate::server::{Running, Signals, Stage};
use crate::tls::FileCertificate;
use crate::{assembly, database, seeding};

/// Runs until a signal.
pub(super) fn run(args: &ServeArgs) -> anyhow::Result<()> {
    let config = Config::load(Form::Serve, &args.inputs())?;
    config.check_for_serving()?;
    crate::logs::install(&config.log, Form::Serve);
    super::runtime(config.server.threads)?.block_on(serve(config))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let mut signals = Signals::catch()?;
    let running = tokio::select! {
        started = start(config) => started?,
        _ = signals.next() => return Ok(()),
    };
    let addresses = running.addresses;
    tracing::info!(
        https_port = addresses.https_port,
        http_port = addresses.http_port,
        ops = %addresses.ops,
        version = env!("CARGO_PKG_VERSION"),
        "Gatewright serves."
    );
    let signal = signals.next().await;
    tracing::info!(signal, "Stopping.");
    running.stop().await;
    Ok(())
}

async fn start(config: Config) -> anyhow::Result<Running> {
    let (clock, random) = (Clock::system(), Random::system());
    let key = config.keys.master_key.as_ref().context("keys.master_key is not set")?;
    let master_key = Arc::new(MasterKey::from_base64(key.reveal()).context("keys.master_key")?);
    let mut stage = Stage::open(&config)?;
    let mut certificate: Option<Arc<dyn ResolvesServerCert>> = None;
    if let (Some(chain), Some(key)) = (&config.server.certificate, &config.server.certificate_key) {
        let own = Arc::new(FileCertificate::load(chain, key)?);
        stage.spawn(Arc::clone(&own).keep_fresh());
        certificate = Some(own);
    }
    let db = database::open(&database::configured(&config)?, clock.now()).await?;
    seeding::check_master_key(&db, &master_key).await?;
    seeding::bootstrap_admin(&db, &config, &master_key, &clock, &random).await?;
    seeding::warn_without_tenants(&db).await?;
    let policy = OutboundPolicy { allow_loopback: false, allow: config.outbound.allow.clone() };
    let messenger = assembly::messenger(&config, policy, &clock);
    let workers = assembly::script_workers()?;
    let app = assembly::app(db, clock, random, master_key, messenger, &config, (false, workers))?;
    stage.run(app, None, certificate)
}
