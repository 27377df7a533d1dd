//! The parts of the running server that requests use.

use std::net::IpAddr;
use std::sync::Arc;

use gatewright_adapters::Messenger;
use gatewright_ambient::{Clock, Random};
use gatewright_core::limits::RateLimit;
use gatewright_jose::{MasterKey, SignPool};
use gatewright_passwords::Hasher;
use gatewright_resources::flows::Flows;
use gatewright_resources::snapshot::Tenants;
use gatewright_script::{Cache, Pool};
use gatewright_store::Db;
use ipnet::IpNet;

use crate::context::RequestCx;

/// Everything a request may use, made once at start.
///
/// Nothing a second node would need lives here: the caches in it hold immutable things by version.
pub struct App {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Random values.
    pub random: Random,
    /// Seals and opens secrets at rest.
    pub master_key: Arc<MasterKey>,
    /// One immutable snapshot of each tenant's configuration.
    pub tenants: Tenants,
    /// Delivers one-time codes.
    pub messenger: Messenger,
    /// Signs tokens off the reactor.
    pub signer: SignPool,
    /// Hashes and compares passwords off the reactor.
    pub passwords: Hasher,
    /// Runs the tenants' scripts in workers.
    pub scripts: Pool,
    /// What Actions keep between runs.
    pub script_cache: Cache,
    /// The tenant's scripts around changes of users, as the Management API reaches them.
    pub flows: fn(RequestCx) -> Arc<dyn Flows>,
    /// What the process was told at start.
    pub settings: Settings,
}

/// Settings of the process that handlers read.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `gatewright dev`: explanations are shown to the caller and printed, the inbox is served.
    pub dev: bool,
    /// How often one client may call the Management API; `None` for no limit.
    pub management_rate_limit: Option<RateLimit>,
    /// The longest upload of an import of users, in bytes.
    pub import_bytes: usize,
}

/// The socket a request came in by; each listener adds it to its requests as an extension.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Whether this socket speaks TLS.
    pub tls: bool,
    /// The port it listens on; a `Host` header must name it.
    pub port: u16,
    /// Proxies whose `X-Forwarded-*` headers are believed.
    pub proxies: Arc<Proxies>,
}

/// Which peers are trusted to say who called and by which scheme and host.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// Networks of the proxies in front of this server.
    pub trusted: Vec<IpNet>,
}

impl Proxies {
    /// Whether this peer's forwarding headers are believed.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&peer.to_canonical()))
    }
}
