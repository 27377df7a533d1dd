//! `[bootstrap]`: the first administrator, who can then make others over the Management API.

use gatewright_core::ids::Secret;

use super::ConfigError;
use super::setting::{Kind, Setting};
use super::values::Values;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "bootstrap.admin_client_id",
        variable: None,
        kind: Kind::Text,
        default: None,
        default_in_dev: None,
        example: "\"admin\"",
        doc: "At start, makes (or keeps) a machine-to-machine client with this id and all scopes of the \
              Management API, in every tenant or in the one that bootstrap.tenant names.",
    },
    Setting {
        key: "bootstrap.admin_client_secret",
        variable: None,
        kind: Kind::Secret,
        default: None,
        default_in_dev: None,
        example: "\"file:/etc/gatewright/admin.secret\"",
        doc: "That client's secret.",
    },
    Setting {
        key: "bootstrap.tenant",
        variable: None,
        kind: Kind::Text,
        default: None,
        default_in_dev: None,
        example: "\"acme\"",
        doc: "The only tenant that gets that client.",
    },
];

/// The first administrator.
#[derive(Clone, Debug, Default)]
pub struct Bootstrap {
    /// Client id and secret; `None` if not set.
    pub admin: Option<(String, Secret<String>)>,
    /// The only tenant that gets the client; all if `None`.
    pub tenant: Option<String>,
}

impl Bootstrap {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let id = values.text("bootstrap.admin_client_id");
        let secret = values.secret("bootstrap.admin_client_secret")?;
        let admin = match (id, secret) {
            (Some(id), Some(secret)) => Some((id, secret)),
            (None, None) => None,
            (Some(_), None) => {
                let key = "bootstrap.admin_client_id";
                return Err(values.error(key, "set bootstrap.admin_client_secret too"));
            }
            (None, Some(_)) => {
                let key = "bootstrap.admin_client_secret";
                return Err(values.error(key, "set bootstrap.admin_client_id too"));
            }
        };
        Ok(Self { admin, tenant: values.text("bootstrap.tenant") })
    }
}
