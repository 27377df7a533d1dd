//! `[dev]`: conveniences of `gatewright dev`, refused by `gatewright serve`.

use std::path::PathBuf;

use super::ConfigError;
use super::setting::{Kind, Setting};
use super::values::Values;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "dev.data_dir",
        variable: None,
        kind: Kind::Text,
        default: None,
        default_in_dev: Some(".gatewright"),
        example: "\".gatewright\"",
        doc: "The folder for the database, the local certificate authority and the master key.",
    },
    Setting {
        key: "dev.ephemeral",
        variable: None,
        kind: Kind::Switch,
        default: None,
        default_in_dev: Some("false"),
        example: "false",
        doc: "Keeps database and master key in memory. The certificate authority stays in the data folder, so \
              that it need not be trusted anew at each start.",
    },
    Setting {
        key: "dev.tenants",
        variable: None,
        kind: Kind::List,
        default: None,
        default_in_dev: None,
        example: "[\"acme\"]",
        doc: "Tenants beside `localhost`; `acme` answers at acme.localhost.",
    },
];

/// Conveniences of `gatewright dev`.
#[derive(Clone, Debug)]
pub struct Dev {
    /// The data folder.
    pub data_dir: PathBuf,
    /// Keep the database in memory.
    pub ephemeral: bool,
    /// Tenants beside `localhost`.
    pub tenants: Vec<String>,
}

impl Dev {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let tenants = values.texts("dev.tenants");
        if let Some(name) = tenants.iter().find(|name| !is_host_label(name)) {
            let reason = format!("\"{name}\" cannot stand before .localhost: use a-z, 0-9 and -");
            return Err(values.error("dev.tenants", &reason));
        }
        Ok(Self {
            data_dir: values.path("dev.data_dir").unwrap_or_else(|| PathBuf::from(".gatewright")),
            ephemeral: values.switch("dev.ephemeral"),
            tenants,
        })
    }
}

/// `true` for a label of a host name (RFC 1123 section 2.1), in lower case.
pub(crate) fn is_host_label(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty()
        && name.len() <= 63
        && name.chars().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
}
