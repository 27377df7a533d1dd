//! Which addresses the server may call: public ones, and those an operator has listed.
//!
//! A tenant's administrator writes URLs (an SMS gateway, later webhooks and scripts). Without this
//! check such a URL could reach the operator's own network or a cloud's metadata service.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::Deserialize;
use thiserror::Error;

#[cfg(test)]
mod tests;

/// What the server may call besides public addresses. The default allows nothing more.
#[derive(Clone, Debug, Default)]
pub struct OutboundPolicy {
    /// Allow 127.0.0.0/8 and ::1 on every port: for development.
    pub allow_loopback: bool,
    /// The operator's exceptions, from `outbound.allow`.
    pub allow: Vec<AllowEntry>,
}

impl OutboundPolicy {
    /// Whether this address and port may be called, or the kind of address that stands against it.
    pub(crate) fn check(&self, address: IpAddr, port: u16) -> Result<(), AddressKind> {
        let Some(kind) = AddressKind::of(address) else { return Ok(()) };
        if self.allow_loopback && kind == AddressKind::Loopback {
            return Ok(());
        }
        if self.allow.iter().any(|entry| entry.allows_address(address, port)) { Ok(()) } else { Err(kind) }
    }

    /// Whether the operator has listed this name and port, wherever it resolves to.
    pub(crate) fn lists_host(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.');
        self.allow.iter().any(|entry| match entry {
            AllowEntry::Host(allowed, allowed_port) => {
                *allowed_port == port && allowed.eq_ignore_ascii_case(host)
            }
            AllowEntry::Address(..) | AllowEntry::Network(..) => false,
        })
    }

    /// Whether an exception holds for this port alone.
    pub(crate) fn names_port(&self, port: u16) -> bool {
        self.allow.iter().any(|entry| match entry {
            AllowEntry::Address(_, allowed) | AllowEntry::Host(_, allowed) => *allowed == port,
            AllowEntry::Network(_) => false,
        })
    }
}

/// One exception: an address and port, a host name and port, or a network on every port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum AllowEntry {
    /// `127.0.0.1:4200` or `[::1]:4200`.
    Address(IpAddr, u16),
    /// `sms.internal:8080`: this name on this port, wherever it resolves to.
    Host(String, u16),
    /// `10.0.0.0/8`, `fd00::/8`, or one address without a port.
    Network(IpNet),
}

impl AllowEntry {
    /// Reads a list separated by commas, as in `GATEWRIGHT_OUTBOUND_ALLOW`; empty parts are skipped.
    pub fn parse_list(list: &str) -> Result<Vec<Self>, AllowEntryError> {
        list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::parse).collect()
    }

    fn allows_address(&self, address: IpAddr, port: u16) -> bool {
        let address = address.to_canonical();
        match self {
            Self::Address(allowed, allowed_port) => *allowed == address && *allowed_port == port,
            Self::Network(network) => network.contains(&address),
            Self::Host(..) => false,
        }
    }
}

/// Why an entry of `outbound.allow` was not understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("outbound.allow: \"{entry}\" {problem}")]
pub struct AllowEntryError {
    entry: String,
    problem: String,
}

impl FromStr for AllowEntry {
    type Err = AllowEntryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_entry(text.trim()).map_err(|problem| AllowEntryError { entry: text.to_owned(), problem })
    }
}

impl TryFrom<String> for AllowEntry {
    type Error = AllowEntryError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

fn parse_entry(text: &str) -> Result<AllowEntry, String> {
    if text.contains("://") {
        return Err("is a URL; write only its host and port, as in sms.internal:8080".into());
    }
    if text.contains('/') {
        let network: IpNet =
            text.parse().map_err(|_| "is not a network; write one as 10.0.0.0/8".to_owned())?;
        if network != network.trunc() {
            return Err(format!("has bits set beyond its prefix; did you mean {}?", network.trunc()));
        }
        return Ok(AllowEntry::Network(network));
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(AllowEntry::Network(IpNet::from(address.to_canonical())));
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err("has no port; write host:port, address:port or a network such as 10.0.0.0/8".into());
    };
    let port: u16 = match port.parse() {
        Ok(port) if port > 0 => port,
        _ => return Err(format!("has \"{port}\" where a port from 1 to 65535 should be")),
    };
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Ok(address) = bare.unwrap_or(host).parse::<IpAddr>() {
        if bare.is_none() && address.is_ipv6() {
            return Err(format!("is ambiguous; write [{host}]:{port}"));
        }
        return Ok(AllowEntry::Address(address.to_canonical(), port));
    }
    // The URL parser decides what a host name is, so that an entry and a request agree on its spelling.
    match url::Host::parse(host) {
        Ok(url::Host::Domain(name)) if !name.contains('*') => {
            Ok(AllowEntry::Host(name.trim_end_matches('.').to_owned(), port))
        }
        Ok(url::Host::Ipv4(address)) => Ok(AllowEntry::Address(address.into(), port)),
        Ok(url::Host::Domain(_)) => Err("has a wildcard; list each host by its name".into()),
        Ok(url::Host::Ipv6(_)) | Err(_) => Err(format!("has \"{host}\" where a host name should be")),
    }
}

impl fmt::Display for AllowEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address, port) => write!(f, "{}", std::net::SocketAddr::new(*address, *port)),
            Self::Host(host, port) => write!(f, "{host}:{port}"),
            Self::Network(network) => write!(f, "{network}"),
        }
    }
}

/// Why an address is not a public one (IANA's special-purpose address registries).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressKind {
    Unspecified,
    Loopback,
    Private,
    SharedCarrier,
    LinkLocal,
    CloudMetadata,
    Documentation,
    Benchmark,
    Multicast,
    Reserved,
}

impl AddressKind {
    /// `None` for a public address.
    pub(crate) fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Option<Self> {
        let [a, b, c, d] = address.octets();
        match (a, b, c, d) {
            (0, ..) => Some(Self::Unspecified),
            (127, ..) => Some(Self::Loopback),
            (10, ..) | (172, 16..=31, ..) | (192, 168, ..) => Some(Self::Private),
            // Metadata services outside link-local space: Azure's, Alibaba's, Oracle's.
            (169, 254, 169, 254) | (168, 63, 129, 16) | (100, 100, 100, 200) | (192, 0, 0, 192) => {
                Some(Self::CloudMetadata)
            }
            (100, 64..=127, ..) => Some(Self::SharedCarrier),
            (169, 254, ..) => Some(Self::LinkLocal),
            (192, 0, 2, _) | (198, 51, 100, _) | (203, 0, 113, _) => Some(Self::Documentation),
            (198, 18..=19, ..) => Some(Self::Benchmark),
            (192, 0, 0, _) | (192, 88, 99, _) | (240.., ..) => Some(Self::Reserved),
            (224..=239, ..) => Some(Self::Multicast),
            _ => None,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Option<Self> {
        let [s0, s1, s2, s3, s4, s5, s6, s7] = address.segments();
        let v4 = |high: u16, low: u16| {
            let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
            Self::of_v4(Ipv4Addr::new(a, b, c, d))
        };
        match (s0, s1, s2, s3, s4, s5) {
            (0, 0, 0, 0, 0, 0) if (s6, s7) == (0, 0) => Some(Self::Unspecified),
            (0, 0, 0, 0, 0, 0) if (s6, s7) == (0, 1) => Some(Self::Loopback),
            // Addresses that carry an IPv4 address are judged by it: mapped, NAT64 (RFC 6052), 6to4.
            (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => v4(s6, s7),
            (0x2002, high, low, ..) => v4(high, low),
            (0xfd00, 0xec2, 0, 0, 0, 0) if (s6, s7) == (0, 0x254) => Some(Self::CloudMetadata),
            (0xfc00..=0xfdff, ..) => Some(Self::Private),
            (0xfe80..=0xfebf, ..) => Some(Self::LinkLocal),
            (0xff00.., ..) => Some(Self::Multicast),
            (0x2001, 0xdb8, ..) | (0x3fff, 0..=0xfff, ..) => Some(Self::Documentation),
            // 2001::/23 holds Teredo, benchmarking and other protocol assignments.
            (0x2001, 0..=0x1ff, ..) => Some(Self::Reserved),
            // Only 2000::/3 is handed out as public (RFC 4291 section 2.4); the rest is not for calling.
            (0x2000..=0x3fff, ..) => None,
            _ => Some(Self::Reserved),
        }
    }

    /// The kind in words, for the log.
    pub(crate) const fn says(self) -> &'static str {
        match self {
            Self::Unspecified => "an unspecified address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::SharedCarrier => "a carrier's shared address",
            Self::LinkLocal => "a link-local address",
            Self::CloudMetadata => "a cloud metadata address",
            Self::Documentation => "a documentation address",
            Self::Benchmark => "a benchmarking address",
            Self::Multicast => "a multicast address",
            Self::Reserved => "a reserved address",
        }
    }
}
