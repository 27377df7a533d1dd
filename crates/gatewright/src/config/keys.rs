//! `[keys]`: the key that seals every other secret in the database.

use gatewright_core::ids::Secret;

use super::ConfigError;
use super::setting::{Kind, Setting};
use super::values::Values;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[Setting {
    key: "keys.master_key",
    variable: Some("GATEWRIGHT_MASTER_KEY"),
    kind: Kind::Secret,
    default: None,
    default_in_dev: None,
    example: "\"file:/etc/gatewright/master.key\"",
    doc: "Seals client secrets, connection settings and signing keys in the database: 32 bytes in base64, as \
          `gatewright keygen` prints them. Whoever loses it loses those secrets. In `gatewright dev`: made on \
          first start, in the data folder.",
}];

/// The key that seals secrets at rest.
#[derive(Clone, Debug)]
pub struct Keys {
    /// 32 bytes in base64; `None` if not set.
    pub master_key: Option<Secret<String>>,
}

impl Keys {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        Ok(Self { master_key: values.secret("keys.master_key")? })
    }
}
