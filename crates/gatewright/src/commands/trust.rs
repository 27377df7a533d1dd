//! `gatewright trust`: puts the local certificate authority into the stores of the system and of browsers.
//!
//! First a plan (pure, from what is there), shown and asked about; then its steps, each of which may fail
//! without keeping the others from being done.

mod plan;

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use aws_lc_rs::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::cli::TrustArgs;
use crate::tls::Authority;
use plan::{Action, Machine, Step};

/// Installs or uninstalls, after asking.
pub(super) fn run(args: &TrustArgs) -> anyhow::Result<()> {
    let file = Authority::certificate_file_in(&args.data_dir);
    if !file.exists() {
        bail!(
            "there is no certificate authority in {} yet: start `gatewright dev` once, or name its data folder \
             with --data-dir",
            args.data_dir.display()
        );
    }
    let file = file.canonicalize().context("the certificate's path")?;
    let machine = machine();
    let steps = plan::plan(&machine, &file, &nickname(&file)?, args.uninstall);
    let out = &mut std::io::stdout().lock();
    let verb = if args.uninstall { "Take out" } else { "Trust" };
    writeln!(out, "{verb} the certificate authority {}", file.display())?;
    if !args.uninstall {
        writeln!(out, "It can speak for localhost only; its key stays in the data folder.")?;
    }
    for step in &steps {
        writeln!(out, "  - {}", step.what)?;
    }
    for note in plan::notes(&machine) {
        writeln!(out, "  ! {note}")?;
    }
    if steps.is_empty() {
        bail!("no certificate store was found on this machine; import {} by hand", file.display());
    }
    if !args.yes && !agreed(out)? {
        writeln!(out, "Nothing was changed.")?;
        return Ok(());
    }
    let failed = steps.iter().filter(|step| !carry_out(step, out)).count();
    match failed {
        0 => Ok(writeln!(out, "Done. Browsers that are open need a restart.")?),
        _ => bail!("{failed} of {} steps failed; import {} by hand there", steps.len(), file.display()),
    }
}

fn agreed(out: &mut impl std::io::Write) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("there is no terminal to ask on: add --yes");
    }
    write!(out, "Go on? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn carry_out(step: &Step, out: &mut impl std::io::Write) -> bool {
    for action in &step.actions {
        if let Err(reason) = perform(action) {
            let _ = writeln!(out, "  failed   {}: {reason}", step.what);
            return false;
        }
    }
    let _ = writeln!(out, "  done     {}", step.what);
    true
}

fn perform(action: &Action) -> Result<(), String> {
    match action {
        Action::MakeFolder(path) => std::fs::create_dir_all(path).map_err(|error| error.to_string()),
        Action::Run { program, arguments, may_fail } => {
            let result = Command::new(program).args(arguments).output();
            let output = result.map_err(|error| format!("{program}: {error}"))?;
            if output.status.success() || *may_fail {
                return Ok(());
            }
            let words = String::from_utf8_lossy(&output.stderr);
            Err(format!("{program}: {}", words.trim().lines().last().unwrap_or("it failed without a word")))
        }
    }
}

/// A name that two data folders do not share, since stores find certificates by name.
fn nickname(file: &Path) -> anyhow::Result<String> {
    let der = CertificateDer::from_pem_file(file)
        .map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
    let fingerprint = digest(&SHA256, &der);
    let short: String = fingerprint.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("gatewright-dev-{short}"))
}

fn machine() -> Machine {
    let home = std::env::home_dir();
    let folders = home.iter().flat_map(|home| plan::nss_candidates(home)).flat_map(|folder| expand(&folder));
    Machine {
        os: std::env::consts::OS,
        is_root: is_root(),
        has_program: ["update-ca-certificates", "update-ca-trust", "sudo", "certutil", "security"]
            .into_iter()
            .filter(|program| on_path(program))
            .collect(),
        nss_databases: folders.filter(|folder| folder.join("cert9.db").exists()).collect(),
        chromium_database: home.map(|home| home.join(".pki/nssdb")),
    }
}

/// A candidate whose last part is `*` stands for every folder beside it.
fn expand(candidate: &Path) -> Vec<PathBuf> {
    if !candidate.ends_with("*") {
        return vec![candidate.to_owned()];
    }
    let entries = candidate.parent().and_then(|parent| std::fs::read_dir(parent).ok());
    entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian keeps update-ca-certificates where an ordinary user's PATH does not look.
    let extra = [PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")];
    std::env::split_paths(&path).chain(extra).any(|folder| folder.join(program).is_file())
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
