//! Makes the parts of an [`App`] from the configuration.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use gatewright_adapters::{GuardedClient, Messenger, MessengerSettings, OutboundPolicy};
use gatewright_ambient::{Clock, Random};
use gatewright_http::{App, Settings};
use gatewright_jose::{MasterKey, SignPool};
use gatewright_passwords::{Cost, Hasher};
use gatewright_resources::scripts::Modules;
use gatewright_resources::snapshot::Tenants;
use gatewright_script::{Cache, Pool, PoolSettings, Workers};
use gatewright_store::Db;

use crate::config::Config;

/// Delivers messages through the providers that connections name.
pub(crate) fn messenger(config: &Config, policy: OutboundPolicy, clock: &Clock) -> Messenger {
    let timeout = Duration::from_secs(config.outbound.sms_timeout_seconds);
    let settings = MessengerSettings {
        twilio_base_url: config.outbound.twilio_base_url.clone(),
        gateway_timeout: timeout,
        twilio_timeout: timeout,
        ..MessengerSettings::default()
    };
    Messenger::live(GuardedClient::new(policy), clock.clone(), settings)
}

/// The parts that requests use.
pub(crate) fn app(
    db: Db,
    clock: Clock,
    random: Random,
    master_key: Arc<MasterKey>,
    messenger: Messenger,
    config: &Config,
    (dev, workers): (bool, Workers),
) -> anyhow::Result<Arc<App>> {
    // One RSA signature takes a quarter of a millisecond of one core: as many at once as there are cores.
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let passwords = &config.passwords;
    let cost = Cost { memory_kib: passwords.memory_kib, passes: passwords.passes };
    let hasher = Hasher::new(cost, passwords.at_once.unwrap_or(threads), random.clone());
    let modules = match &config.scripts.modules {
        Some(folder) => Modules::read(folder)
            .with_context(|| format!("scripts.modules: cannot read the folder {}", folder.display()))?,
        None => Modules::default(),
    };
    let mut pool = PoolSettings::for_processors(workers, threads);
    if let Some(most) = config.scripts.workers {
        pool.max = most;
    }
    Ok(Arc::new(App {
        db,
        clock,
        random,
        master_key,
        tenants: Tenants::with_modules(modules),
        messenger,
        signer: SignPool::new(threads),
        passwords: hasher,
        scripts: Pool::new(pool),
        script_cache: Cache::default(),
        flows: gatewright_oauth::flows,
        settings: Settings {
            dev,
            management_rate_limit: config.management.rate_limit,
            import_bytes: config.management.import_bytes,
        },
    }))
}

/// Workers that are processes of this very program.
pub(crate) fn script_workers() -> anyhow::Result<Workers> {
    Ok(PoolSettings::this_program(vec!["script-worker".to_owned()])?.workers)
}
