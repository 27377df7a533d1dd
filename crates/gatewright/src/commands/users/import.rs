//! `gatewright users import`: the importer of the Management API's job, on a file of this machine.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use gatewright_ambient::{Clock, Random};
use gatewright_resources::users::import::{self, Batches, FileError, Import, Reader, Refused};
use serde_json::json;

use super::progress::Progress;
use super::{Outcome, private_file};
use crate::cli::UsersImportArgs;
use crate::commands::local::Local;

/// Rows that are named on standard error when no file takes them.
const MOST_NAMED: u64 = 10;

pub(super) fn run(args: &UsersImportArgs) -> anyhow::Result<Outcome> {
    // Another thread reads the file.
    crate::commands::runtime(0)?.block_on(async {
        let local = Local::open(&args.data).await?;
        let outcome = import_into(&local, args).await;
        local.db.close().await;
        outcome
    })
}

/// What became of the rows.
#[derive(Default)]
struct Sum {
    inserted: u64,
    updated: u64,
    refused: u64,
}

async fn import_into(local: &Local, args: &UsersImportArgs) -> anyhow::Result<Outcome> {
    let connection = local.connection(&args.connection).await?;
    if !matches!(connection.strategy.as_str(), "auth0" | "sms" | "email") {
        bail!(
            "users of a {} connection are made when they log in; only database, sms and email connections take \
             imports",
            connection.strategy
        );
    }
    let (input, total) = open(&args.file).await?;
    let mut refusals = Refusals::open(args.errors.as_deref())?;
    let import = Import {
        tenant: local.tenant.clone(),
        connection,
        upsert: args.upsert,
        alone: local.is_alone(),
        clock: Clock::system(),
        random: Random::system(),
        master_key: Arc::clone(&local.master_key),
    };
    if import.alone {
        local.db.expect_much().await?;
    }
    let mut batches = Batches::of(Reader::new(input, Arc::new(import)));
    let (mut progress, mut sum) = (Progress::new(total), Sum::default());
    let ended = store_all(local, &mut batches, &mut refusals, &mut progress, &mut sum).await;
    let spent = progress.end();
    refusals.end(sum.refused)?;
    let Sum { inserted, updated, refused } = sum;
    let rows = inserted + updated + refused;
    crate::commands::say(&format!(
        "{rows} rows in {:.1} s: {inserted} users imported, {updated} updated, {refused} refused.\n",
        spent.as_secs_f64()
    ))?;
    ended.with_context(|| format!("stopped behind row {rows}; what is imported stays"))?;
    Ok(if refused == 0 { Outcome::All } else { Outcome::Some })
}

async fn store_all(
    local: &Local,
    batches: &mut Batches,
    refusals: &mut Refusals,
    progress: &mut Progress,
    sum: &mut Sum,
) -> anyhow::Result<()> {
    while let Some(batch) = batches.next().await? {
        let began = tokio::time::Instant::now();
        let stored = import::store(&local.db, &batch, |_, _, _| Box::pin(async { Ok(()) })).await?;
        sum.inserted += stored.inserted;
        sum.updated += stored.updated;
        sum.refused += stored.refused.len() as u64;
        refusals.add(&stored.refused)?;
        progress.at(batch.last_row);
        if local.beside_server {
            // As long as the server had to wait: it has logins to write.
            tokio::time::sleep(began.elapsed()).await;
        }
    }
    Ok(())
}

/// The file, and how many rows it has: it is looked at as a whole first, and one that is cut short imports
/// nobody. Standard input can be read only once.
async fn open(file: &Path) -> anyhow::Result<(Box<dyn BufRead + Send>, Option<u64>)> {
    if file == Path::new("-") {
        return Ok((Box::new(BufReader::with_capacity(1 << 20, io::stdin())), None));
    }
    let named = || file.display().to_string();
    let open = || File::open(file).map(|opened| BufReader::with_capacity(1 << 20, opened));
    let first = open().with_context(named)?;
    if !first.get_ref().metadata().with_context(named)?.is_file() {
        // A pipe has one reading in it as well.
        return Ok((Box::new(first), None));
    }
    let counted = tokio::task::spawn_blocking(move || import::count(first)).await;
    let total =
        counted.map_err(|error| FileError::Unreadable(io::Error::other(error))).and_then(|count| count);
    Ok((Box::new(open().with_context(named)?), Some(total.with_context(named)?)))
}

/// Where refused rows go: every one to a file as a line of JSON, or the first few to standard error.
struct Refusals {
    file: Option<BufWriter<File>>,
    named: u64,
}

impl Refusals {
    fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let open = |path: &Path| private_file(path).with_context(|| path.display().to_string());
        Ok(Self { file: path.map(open).transpose()?.map(BufWriter::new), named: 0 })
    }

    fn add(&mut self, refused: &[(u64, Refused)]) -> anyhow::Result<()> {
        for (row, refusal) in refused {
            let mut shown = refusal.to_json();
            if let Some(file) = &mut self.file {
                shown["row"] = json!(row);
                writeln!(file, "{shown}").context("the file of errors")?;
            } else if self.named < MOST_NAMED {
                self.named += 1;
                for error in &refusal.errors {
                    let _ = writeln!(io::stderr(), "row {row}: {} ({})", error.message, error.code);
                }
            }
        }
        Ok(())
    }

    fn end(self, refused: u64) -> anyhow::Result<()> {
        if let Some(mut file) = self.file {
            file.flush().context("the file of errors")?;
        } else if refused > self.named {
            let more = refused - self.named;
            let _ = writeln!(io::stderr(), "and {more} more rows; --errors FILE takes them all");
        }
        Ok(())
    }
}
