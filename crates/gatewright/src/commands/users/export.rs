//! `gatewright users export`: users as lines of JSON, as CSV, or as rows that an import takes.

use std::io::{self, BufWriter, Write};

use anyhow::Context as _;
use gatewright_core::ids::TenantId;
use gatewright_passwords::StoredHash;
use gatewright_resources::passwords;
use gatewright_resources::users::export::{self, Export, Format};
use gatewright_store::{Db, StoreError};
use serde_json::Value;

use super::progress::Progress;
use super::{Outcome, private_file};
use crate::cli::{ExportFormat, UsersExportArgs};
use crate::commands::local::Local;

/// Users that are read together.
const A_PAGE: i64 = 1000;

pub(super) fn run(args: &UsersExportArgs) -> anyhow::Result<Outcome> {
    crate::commands::runtime(0)?.block_on(async {
        let local = Local::open(&args.data).await?;
        let outcome = export_from(&local, args).await;
        local.db.close().await;
        outcome
    })
}

async fn export_from(local: &Local, args: &UsersExportArgs) -> anyhow::Result<Outcome> {
    if let Some(name) = &args.connection {
        local.connection(name).await?;
    }
    let writer = match (args.format, &args.connection) {
        (ExportFormat::Json, _) => Writer::Shown(Export::new(Format::Json, &[])),
        (ExportFormat::Csv, _) => Writer::Shown(Export::new(Format::Csv, &[])),
        (ExportFormat::Import, Some(connection)) => Writer::Rows(connection.clone()),
        (ExportFormat::Import, None) => {
            anyhow::bail!("--format import needs --connection: an import puts users into one")
        }
    };
    let file = args.file.as_deref().filter(|file| file.as_os_str() != "-");
    let (out, place): (Box<dyn Write>, String) = match file {
        Some(path) => {
            let place = path.display().to_string();
            (Box::new(private_file(path).with_context(|| place.clone())?), place)
        }
        None => (Box::new(io::stdout()), "standard output".to_owned()),
    };
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let (tenant, connection) = (local.tenant.clone(), args.connection.clone());
    let count = local
        .db
        .read(move |tx| Box::pin(async move { export::count(tx, &tenant, connection.as_deref()).await }));
    let mut progress = Progress::new(u64::try_from(count.await?).ok());
    let (mut written, mut left_out, mut after) = (0_u64, 0_u64, String::new());
    out.write_all(writer.head().as_bytes()).with_context(|| place.clone())?;
    loop {
        let page = page(&local.db, &local.tenant, args, after).await?;
        for (_, user, hash) in &page {
            match writer.line(user, hash.as_ref()) {
                Some(line) => {
                    out.write_all(line.as_bytes()).with_context(|| place.clone())?;
                    written += 1;
                }
                None => left_out += 1,
            }
        }
        progress.at(written + left_out);
        let Some((last, ..)) = page.into_iter().next_back() else { break };
        after = last;
    }
    out.flush().with_context(|| place.clone())?;
    let spent = progress.end().as_secs_f64();
    let mut summary = format!("{written} users written in {spent:.1} s.\n");
    if left_out > 0 {
        summary += &format!(
            "{left_out} users were left out: another connection is the one that they were made in.\n"
        );
    }
    // Standard output may be what holds the users.
    let _ = io::stderr().write_all(summary.as_bytes());
    Ok(if left_out == 0 { Outcome::All } else { Outcome::Some })
}

type Exported = (String, Value, Option<StoredHash>);

/// The users behind `after`, with their hashes if the format has a place for them.
async fn page(
    db: &Db,
    tenant: &TenantId,
    args: &UsersExportArgs,
    after: String,
) -> Result<Vec<Exported>, StoreError> {
    let (tenant, connection) = (tenant.clone(), args.connection.clone());
    let with_hashes = args.format == ExportFormat::Import;
    let read = db.read(move |tx| {
        Box::pin(async move {
            let users = export::page(tx, &tenant, connection.as_deref(), &after, A_PAGE).await?;
            let mut page = Vec::with_capacity(users.len());
            for (user_id, user) in users {
                let hash = match with_hashes {
                    true => passwords::hash_of(tx, &tenant, &user_id).await?,
                    false => None,
                };
                page.push((user_id, user, hash));
            }
            Ok::<_, StoreError>(page)
        })
    });
    read.await
}

enum Writer {
    /// As the Management API's job writes them.
    Shown(Export),
    /// Rows of an import into a connection of this name.
    Rows(String),
}

impl Writer {
    fn head(&self) -> String {
        match self {
            Self::Shown(export) => export.head(),
            Self::Rows(_) => String::new(),
        }
    }

    fn line(&self, user: &Value, hash: Option<&StoredHash>) -> Option<String> {
        match self {
            Self::Shown(export) => Some(export.line(user.clone())),
            Self::Rows(connection) => {
                export::import_row(user, connection, hash).map(|row| format!("{row}\n"))
            }
        }
    }
}
