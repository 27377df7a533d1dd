//! `[server]`: where to listen, with which certificate, behind which proxies.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use super::ConfigError;
use super::setting::{Kind, Setting};
use super::values::Values;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "server.bind",
        variable: None,
        kind: Kind::List,
        default: Some("0.0.0.0"),
        default_in_dev: Some("127.0.0.1,::1"),
        example: "[\"0.0.0.0\"]",
        doc: "The addresses to listen on. `::` takes IPv4 as well on most systems. An IPv6 loopback that \
              the machine does not have is left out.",
    },
    Setting {
        key: "server.port",
        variable: None,
        kind: Kind::Number,
        default: None,
        default_in_dev: Some("8443"),
        example: "443",
        doc: "The HTTPS port; 0 takes any free one. Needs a certificate, except in `gatewright dev`.",
    },
    Setting {
        key: "server.http_port",
        variable: None,
        kind: Kind::Number,
        default: None,
        default_in_dev: None,
        example: "8080",
        doc: "A port for plain HTTP, for a proxy that speaks TLS in front (or for tools in development); 0 \
              takes any free one.",
    },
    Setting {
        key: "server.certificate",
        variable: None,
        kind: Kind::Text,
        default: None,
        default_in_dev: None,
        example: "\"/etc/gatewright/tls.crt\"",
        doc: "A PEM file with the certificate chain, the server's own certificate first. Read again when it \
              changes, and on SIGHUP.",
    },
    Setting {
        key: "server.certificate_key",
        variable: None,
        kind: Kind::Text,
        default: None,
        default_in_dev: None,
        example: "\"/etc/gatewright/tls.key\"",
        doc: "The PEM file with the certificate's private key.",
    },
    Setting {
        key: "server.trust_proxy",
        variable: None,
        kind: Kind::List,
        default: None,
        default_in_dev: None,
        example: "[\"10.0.0.0/8\"]",
        doc: "Addresses or networks of proxies. X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-For are \
              believed only in requests that come from one of them.",
    },
    Setting {
        key: "server.idle_seconds",
        variable: None,
        kind: Kind::Number,
        default: Some("300"),
        default_in_dev: Some("300"),
        example: "300",
        doc: "How long a connection may stay open without a request before the server closes it. Longer than \
              the proxy in front keeps its own to the server, or requests meet connections that are just \
              being closed: Go's clients keep theirs for 90 seconds, AWS's balancers 60, Google Cloud's 600.",
    },
    Setting {
        key: "server.shutdown_seconds",
        variable: None,
        kind: Kind::Number,
        default: Some("10"),
        default_in_dev: Some("2"),
        example: "10",
        doc: "How long requests under way may take to finish after SIGINT or SIGTERM.",
    },
    Setting {
        key: "server.threads",
        variable: None,
        kind: Kind::Number,
        default: Some("0"),
        default_in_dev: Some("2"),
        example: "0",
        doc: "Threads that serve requests; 0 means one for each processor.",
    },
];

/// Where to listen, and with which certificate.
#[derive(Clone, Debug)]
pub struct Server {
    /// Addresses to listen on.
    pub bind: Vec<IpAddr>,
    /// The HTTPS port; 0 for any free one.
    pub port: Option<u16>,
    /// The plain HTTP port; 0 for any free one.
    pub http_port: Option<u16>,
    /// PEM file of the certificate chain. Set exactly when `certificate_key` is.
    pub certificate: Option<PathBuf>,
    /// PEM file of the private key.
    pub certificate_key: Option<PathBuf>,
    /// Networks whose forwarding headers are believed.
    pub trust_proxy: Vec<IpNet>,
    /// Time for which a connection may be idle, in seconds.
    pub idle_seconds: u64,
    /// Time for requests under way after a signal to stop, in seconds.
    pub shutdown_seconds: u64,
    /// Threads that serve requests; 0 for one per processor.
    pub threads: usize,
}

impl Server {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let bind: Vec<IpAddr> = values.list("server.bind", "an IP address")?;
        if bind.is_empty() {
            return Err(values.error("server.bind", "name at least one address"));
        }
        let server = Self {
            bind,
            port: values.number("server.port")?,
            http_port: values.number("server.http_port")?,
            certificate: values.path("server.certificate"),
            certificate_key: values.path("server.certificate_key"),
            trust_proxy: read_networks(values)?,
            idle_seconds: read_idle(values)?,
            shutdown_seconds: values.number("server.shutdown_seconds")?.unwrap_or(10),
            threads: values.number("server.threads")?.unwrap_or(0),
        };
        match (&server.certificate, &server.certificate_key) {
            (Some(_), None) => {
                Err(values.error("server.certificate", "set server.certificate_key (--key) too"))
            }
            (None, Some(_)) => {
                Err(values.error("server.certificate_key", "set server.certificate (--cert) too"))
            }
            _ => Ok(server),
        }
    }
}

/// Zero would close every connection before its first request.
fn read_idle(values: &Values) -> Result<u64, ConfigError> {
    match values.number("server.idle_seconds")?.unwrap_or(300) {
        0 => Err(values.error("server.idle_seconds", "give at least one second")),
        seconds => Ok(seconds),
    }
}

fn read_networks(values: &Values) -> Result<Vec<IpNet>, ConfigError> {
    let read = |item: String| {
        let network = item.parse::<IpNet>().or_else(|_| item.parse::<IpAddr>().map(IpNet::from));
        network.map_err(|_| {
            let reason = format!("\"{item}\" is neither an IP address nor a network like 10.0.0.0/8");
            values.error("server.trust_proxy", &reason)
        })
    };
    values.texts("server.trust_proxy").into_iter().map(read).collect()
}
