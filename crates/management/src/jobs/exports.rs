//! An export: page after page of users becomes part after part of a compressed file. A gzip file may be
//! many, one behind the other (RFC 1952 section 2.2), so that any node can go on.

use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use gatewright_http::App;
use gatewright_resources::jobs::queue::{Progress, Stop, Taken};
use gatewright_resources::users::export::{self, Export, Format};
use gatewright_store::StoreError;
use serde_json::Value;

/// Users of one part.
const A_PART: i64 = 1000;

/// Writes the job's file.
pub(super) async fn run(app: &Arc<App>, job: &Arc<Taken>) -> Result<(), Stop> {
    let connection = job.doc["connection"].as_str().map(str::to_owned);
    let limit = job.doc["limit"].as_i64().unwrap_or(i64::MAX);
    if job.rows_total.is_none() {
        let (job, connection, now) = (Arc::clone(job), connection.clone(), app.clock.now());
        let write = app.db.write(move |tx| {
            Box::pin(async move {
                let total = export::count(tx, &job.tenant, connection.as_deref()).await?;
                job.set_total(tx, total.min(limit), now).await
            })
        });
        write.await?;
    }
    let fields = job.doc["fields"].as_array().map_or(&[][..], Vec::as_slice);
    let format = Format::named(job.doc["format"].as_str().unwrap_or_default());
    let export = Arc::new(Export::new(format, fields));
    let (mut done, mut after) = (job.rows_done, job.last_user_id.clone().unwrap_or_default());
    loop {
        let wanted = A_PART.min(limit - done);
        let (tenant, connection, from) = (job.tenant.clone(), connection.clone(), after.clone());
        let read = app.db.read(move |tx| {
            Box::pin(async move { export::page(tx, &tenant, connection.as_deref(), &from, wanted).await })
        });
        let users = read.await?;
        // The first part holds what stands above the users, even if there are none.
        if users.is_empty() && done > 0 {
            return Ok(());
        }
        let part = if done == 0 { 0 } else { done / A_PART + i64::from(done % A_PART > 0) };
        let count = i64::try_from(users.len()).unwrap_or(i64::MAX);
        after = users.last().map_or(after, |(user_id, _)| user_id.clone());
        let bytes = {
            let (export, first) = (Arc::clone(&export), done == 0);
            let packed = tokio::task::spawn_blocking(move || pack(&export, first, users)).await;
            packed.map_err(std::io::Error::other).and_then(|packed| packed)
        };
        let bytes = bytes.map_err(|error| Stop::Store(StoreError::Other(error.to_string())))?;
        done += count;
        let (job, now) = (Arc::clone(job), app.clock.now());
        let progress = Progress { rows_done: done, last_user_id: Some(after.clone()), ..Progress::default() };
        let write = app.db.write(move |tx| {
            Box::pin(async move {
                job.note(tx, &progress, now).await?;
                Ok::<_, Stop>(job.add_part(tx, part, bytes).await?)
            })
        });
        write.await?;
        if count < wanted || done >= limit {
            return Ok(());
        }
    }
}

fn pack(export: &Export, first: bool, users: Vec<(String, Value)>) -> std::io::Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    if first {
        packed.write_all(export.head().as_bytes())?;
    }
    for (_, user) in users {
        packed.write_all(export.line(user).as_bytes())?;
    }
    packed.finish()
}
