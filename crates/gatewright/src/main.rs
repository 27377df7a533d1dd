//! The `gatewright` command.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    // A worker for scripts starts often, and gives up what it could do before anything else runs.
    if std::env::args_os().nth(1).is_some_and(|command| command == "script-worker") {
        return gatewright_script::run_worker();
    }
    // Several crates of the build could choose a provider for TLS; this is the one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match gatewright::commands::run(gatewright::cli::Cli::parse()) {
        Ok(status) => status,
        Err(error) => {
            // `{:#}`: the error and its causes on one line.
            let _ = writeln!(std::io::stderr(), "gatewright: {error:#}");
            ExitCode::FAILURE
        }
    }
}
