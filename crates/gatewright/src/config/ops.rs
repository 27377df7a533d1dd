//! `[ops]`: the separate listener for health and metrics.

use std::net::{IpAddr, Ipv4Addr};

use super::ConfigError;
use super::setting::{Kind, Setting};
use super::values::Values;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "ops.bind",
        variable: None,
        kind: Kind::Text,
        default: Some("127.0.0.1"),
        default_in_dev: None,
        example: "\"127.0.0.1\"",
        doc: "The address of the listener for /healthz, /readyz and /metrics. It has no access control: keep \
              it away from the public.",
    },
    Setting {
        key: "ops.port",
        variable: None,
        kind: Kind::Number,
        default: Some("8444"),
        default_in_dev: None,
        example: "8444",
        doc: "Its port; 0 takes any free one.",
    },
];

/// The listener for health and metrics.
#[derive(Clone, Debug)]
pub struct Ops {
    /// Its address.
    pub bind: IpAddr,
    /// Its port; 0 for any free one.
    pub port: u16,
}

impl Ops {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let bind = match values.text("ops.bind") {
            Some(text) => text
                .parse()
                .map_err(|_| values.error("ops.bind", &format!("\"{text}\" is not an IP address")))?,
            None => IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        Ok(Self { bind, port: values.number("ops.port")?.unwrap_or(8444) })
    }
}
