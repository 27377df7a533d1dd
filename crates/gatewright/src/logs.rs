//! Logs on standard error: text for people, JSON lines for machines. Standard output stays free for the
//! start screen and for `--json`.

use std::io::IsTerminal as _;

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Form, Log, LogFormat};

/// Sends the logs of the whole process to standard error. A second call changes nothing.
pub(crate) fn install(log: &Log, form: Form) {
    let terminal = std::io::stderr().is_terminal();
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal && form == Form::Serve,
    };
    // The filter was checked when the configuration was read.
    let filter: Targets = log.filter.parse().unwrap_or_default();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let installed = if json {
        tracing_subscriber::registry().with(lines.json().with_filter(filter)).try_init()
    } else {
        let lines = lines.with_ansi(terminal && std::env::var_os("NO_COLOR").is_none());
        tracing_subscriber::registry().with(lines.with_filter(filter)).try_init()
    };
    // Tests start several servers in one process: the first one's logs are everybody's.
    drop(installed);
}
