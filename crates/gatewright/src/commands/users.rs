//! `gatewright users`: moves users into and out of the local data, without the Management API.

mod export;
mod import;
mod progress;

use std::io::Write as _;
use std::process::ExitCode;

use crate::cli::UsersCommand;

/// How a command ended that could run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// With everything done.
    All,
    /// Some users were left out, and it said which.
    Some,
}

/// Imports or exports. Exit status: 0 all users, 1 some were left out, 2 it could not run or not to its end.
pub(super) fn run(command: UsersCommand) -> ExitCode {
    let outcome = match command {
        UsersCommand::Import(args) => import::run(&args),
        UsersCommand::Export(args) => export::run(&args),
    };
    match outcome {
        Ok(Outcome::All) => ExitCode::SUCCESS,
        Ok(Outcome::Some) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "gatewright: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Makes or empties a file that only its owner can read: users are in it.
fn private_file(path: &std::path::Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
