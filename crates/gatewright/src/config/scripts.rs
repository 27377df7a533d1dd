//! `[scripts]`: where the tenants' own code runs, and what it finds there.

use std::path::PathBuf;

use super::ConfigError;
use super::setting::{Kind, Setting};
use super::values::Values;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "scripts.workers",
        variable: None,
        kind: Kind::Number,
        default: None,
        default_in_dev: None,
        example: "8",
        doc: "Processes that run Actions, Rules and other scripts at the same time, started when they are \
              needed; twice as many as there are cores, and at least 8, if not set.",
    },
    Setting {
        key: "scripts.modules",
        variable: None,
        kind: Kind::Text,
        default: None,
        default_in_dev: None,
        example: "\"modules\"",
        doc: "A folder with bundles that Actions can `require` besides the server's own library: `NAME.js` or \
              `NAME@VERSION.js`, CommonJS, read at start.",
    },
];

/// Where the tenants' own code runs.
#[derive(Clone, Debug)]
pub struct Scripts {
    /// Worker processes at the same time.
    pub workers: Option<usize>,
    /// A folder of modules.
    pub modules: Option<PathBuf>,
}

impl Scripts {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let workers = values.number::<usize>("scripts.workers")?;
        if workers.is_some_and(|workers| !(2..=1024).contains(&workers)) {
            return Err(values.error("scripts.workers", "must be 2 to 1024"));
        }
        Ok(Self { workers, modules: values.path("scripts.modules") })
    }
}
