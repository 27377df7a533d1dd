//! `[log]`: what is written to standard error.

use std::str::FromStr;

use super::ConfigError;
use super::setting::{Kind, Setting};
use super::values::Values;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "log.filter",
        variable: Some("GATEWRIGHT_LOG"),
        kind: Kind::Text,
        default: Some("info"),
        default_in_dev: Some("info,gatewright_store=warn"),
        example: "\"info,gatewright_oauth=debug\"",
        doc: "The level (error, warn, info, debug, trace, off), for all and for parts of the server.",
    },
    Setting {
        key: "log.format",
        variable: None,
        kind: Kind::Text,
        default: Some("auto"),
        default_in_dev: None,
        example: "\"json\"",
        doc: "`text` for people, `json` for machines; `auto` is text on a terminal and in `gatewright dev`, \
              else JSON.",
    },
];

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Log {
    /// Levels, as `info,gatewright_oauth=debug`.
    pub filter: String,
    /// For people or for machines.
    pub format: LogFormat,
}

/// The shape of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal and in `gatewright dev`, else JSON.
    Auto,
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Log {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let filter = values.text("log.filter").unwrap_or_else(|| "info".to_owned());
        if tracing_subscriber::filter::Targets::from_str(&filter).is_err() {
            return Err(
                values.error("log.filter", "expected a level or target=level pairs, separated by commas")
            );
        }
        let format = match values.text("log.format").as_deref() {
            None | Some("auto") => LogFormat::Auto,
            Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(_) => return Err(values.error("log.format", "expected auto, text or json")),
        };
        Ok(Self { filter, format })
    }
}
