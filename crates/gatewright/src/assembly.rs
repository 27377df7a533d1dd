//! Makes the parts of an [`App`] from the configuration.

use std::sync::Arc;
use std::time::Duration;

use gatewright_adapters::{GuardedClient, Messenger, MessengerSettings, OutboundPolicy};
use gatewright_ambient::{Clock, Random};
use gatewright_http::{App, Settings};
use gatewright_jose::{MasterKey, SignPool};
use gatewright_passwords::{Cost, Hasher};
use gatewright_resources::snapshot::Tenants;
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
    dev: bool,
) -> Arc<App> {
    // One RSA signature takes a quarter of a millisecond of one core: as many at once as there are cores.
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let passwords = &config.passwords;
    let cost = Cost { memory_kib: passwords.memory_kib, passes: passwords.passes };
    let hasher = Hasher::new(cost, passwords.at_once.unwrap_or(threads), random.clone());
    Arc::new(App {
        db,
        clock,
        random,
        master_key,
        tenants: Tenants::default(),
        messenger,
        signer: SignPool::new(threads),
        passwords: hasher,
        settings: Settings {
            dev,
            management_rate_limit: config.management.rate_limit,
            import_bytes: config.management.import_bytes,
        },
    })
}
