//! Attack protection: what a tenant's settings say about one attempt.
//!
//! *Brute-force protection* counts attempts on one account that did not succeed. *Suspicious IP throttling* gives
//! each address a bucket of failed logins, and one of sign-ups, that refills slowly. Either may be on without
//! the shield `block`: then it is only logged what would have been refused.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value};

use crate::limits::RateLimit;
use crate::time::Timestamp;

/// How long a block lasts after the last failure: 30 days.
pub const BLOCK_SECONDS: i64 = 30 * 86_400;

/// Addresses and networks that a tenant excepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList(Vec<IpNet>);

impl AllowList {
    /// Reads a list of addresses and networks; what is neither is left out.
    pub fn of(list: Option<&Value>) -> Self {
        let entries = list.and_then(Value::as_array).into_iter().flatten();
        Self(entries.filter_map(|entry| entry.as_str().and_then(network)).collect())
    }

    /// Whether the address is on it. An IPv4 address that is mapped to IPv6 counts as IPv4.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|network| network.contains(&ip))
    }
}

/// The network that a text names: `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`.
pub fn network(text: &str) -> Option<IpNet> {
    match text.contains('/') {
        true => text.parse().ok(),
        false => text.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical())),
    }
}

/// Brute-force protection that is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BruteForce {
    /// Attempts that may fail in a row.
    pub max_attempts: i64,
    /// Further attempts are refused; otherwise they are only logged.
    pub blocks: bool,
    /// Attempts are counted for each address apart, rather than from anywhere.
    pub per_address: bool,
    allowed: AllowList,
}

impl BruteForce {
    /// What the settings say of attempts from this address; `None` if these are not counted.
    pub fn of(settings: &Map<String, Value>, ip: IpAddr) -> Option<Self> {
        let found = Self {
            max_attempts: settings.get("max_attempts").and_then(Value::as_i64).unwrap_or(10).max(1),
            blocks: has_shield(settings, "block"),
            per_address: settings.get("mode").is_none_or(|mode| mode != "count_per_identifier"),
            allowed: AllowList::of(settings.get("allowlist")),
        };
        (is_on(settings) && !found.allowed.contains(ip)).then_some(found)
    }

    /// The attempts after which one more is refused: endless where nothing is blocked.
    pub fn most(&self) -> i64 {
        if self.blocks { self.max_attempts } else { i64::MAX }
    }

    /// What stands for the address in the key of the counter.
    pub fn place(&self, ip: IpAddr) -> String {
        if self.per_address { ip.to_string() } else { String::new() }
    }

    /// Failures before this time are forgotten.
    pub fn forgotten_before(now: Timestamp) -> Timestamp {
        now.plus_seconds(-BLOCK_SECONDS)
    }
}

/// Suspicious IP throttling of one stage, that is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// What an address may do.
    pub limit: RateLimit,
    /// More is refused; otherwise it is only logged.
    pub blocks: bool,
}

impl Throttle {
    /// What the settings say of this stage (`pre-login`, `pre-user-registration`) and address; `None` if it is
    /// not limited.
    pub fn of(settings: &Map<String, Value>, stage: &str, ip: IpAddr) -> Option<Self> {
        let stage = settings.get("stage")?.get(stage)?;
        let number = |name: &str| stage.get(name).and_then(Value::as_i64).filter(|number| *number > 0);
        let burst = u32::try_from(number("max_attempts")?).unwrap_or(u32::MAX);
        let limit = RateLimit::each(burst, number("rate")?.saturating_mul(1000));
        let found = Self { limit, blocks: has_shield(settings, "block") };
        let excepted = AllowList::of(settings.get("allowlist")).contains(ip);
        (is_on(settings) && !excepted).then_some(found)
    }
}

fn is_on(settings: &Map<String, Value>) -> bool {
    settings.get("enabled").and_then(Value::as_bool).unwrap_or(false)
}

fn has_shield(settings: &Map<String, Value>, shield: &str) -> bool {
    settings
        .get("shields")
        .and_then(Value::as_array)
        .is_some_and(|shields| shields.iter().any(|held| held == shield))
}

#[cfg(test)]
#[path = "protection_tests.rs"]
mod tests;
