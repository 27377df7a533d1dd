//! `[management]`: how often the Management API may be called, and how much it takes.

use gatewright_core::limits::RateLimit;

use super::setting::{Kind, Setting};
use super::values::Values;
use super::{ConfigError, Form};

/// Compat: the limits that Auth0 documents for production tenants.
const BURST: u32 = 50;
const PER_SECOND: u32 = 15;
/// Compat: 500 KB at Auth0.
const IMPORT_BYTES: usize = 20 * 1024 * 1024;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "management.burst",
        variable: None,
        kind: Kind::Number,
        default: Some("50"),
        default_in_dev: Some("0"),
        example: "50",
        doc: "Requests to the Management API that one client may make at once. `0` sets no limit.",
    },
    Setting {
        key: "management.per_second",
        variable: None,
        kind: Kind::Number,
        default: Some("15"),
        default_in_dev: None,
        example: "15",
        doc: "Requests that it may make each second after those.",
    },
    Setting {
        key: "management.import_bytes",
        variable: None,
        kind: Kind::Number,
        default: Some("20971520"),
        default_in_dev: None,
        example: "20971520",
        doc: "The longest upload of an import of users, in bytes. It is held in memory while it comes in.",
    },
];

/// How often the Management API may be called, and how much it takes.
#[derive(Clone, Copy, Debug)]
pub struct Management {
    /// The limit of one client; `None` for none.
    pub rate_limit: Option<RateLimit>,
    /// The longest upload of an import of users, in bytes.
    pub import_bytes: usize,
}

impl Management {
    pub(super) fn read(values: &Values, form: Form) -> Result<Self, ConfigError> {
        let default = if form == Form::Dev { 0 } else { BURST };
        let burst = values.number::<u32>("management.burst")?.unwrap_or(default);
        let per_second = values.number::<u32>("management.per_second")?.unwrap_or(PER_SECOND);
        if !(1..=1_000_000).contains(&per_second) {
            return Err(values.error("management.per_second", "must be 1 to 1000000"));
        }
        Ok(Self {
            rate_limit: (burst > 0).then(|| RateLimit::new(burst, per_second, 1)),
            import_bytes: values.number("management.import_bytes")?.unwrap_or(IMPORT_BYTES),
        })
    }
}
