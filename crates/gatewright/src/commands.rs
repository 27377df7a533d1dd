//! The commands, one file each. [`run`] picks the one that was typed.

mod actions;
mod admin;
mod dev;
mod explain;
mod keygen;
mod local;
mod migrate;
mod serve;
mod tenants;
mod trust;
mod users;

use std::io::Write as _;
use std::process::ExitCode;

pub use dev::{DevServer, RunningDev, start_dev};

use crate::cli::{Cli, Command};
use crate::config::reference;

/// Runs one command to its end, and says with which status the process ends.
///
/// # Errors
/// Whatever keeps the command from doing its work, in words for the terminal.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Dev(args) => dev::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::Trust(args) => trust::run(&args),
        Command::Keygen => keygen::run(),
        Command::Tenants(args) => tenants::run(args.command),
        Command::Explain(args) => return Ok(explain::run(&args)),
        Command::Users(args) => return Ok(users::run(args.command)),
        Command::Admin(args) => admin::run(args.command),
        Command::Actions(args) => return actions::run(args.command),
        Command::ScriptWorker => return Ok(gatewright_script::run_worker()),
        Command::Config => say(&reference::example()),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Writes to standard output; a reader that went away (`| head`) is no error.
fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// A runtime with `threads` workers; 0 means one for each processor.
fn runtime(threads: usize) -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if threads > 0 {
        builder.worker_threads(threads);
    }
    Ok(builder.enable_all().build()?)
}
