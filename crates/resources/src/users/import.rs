//! Importing users from a file in Auth0's format: a JSON array, or one JSON object a line.
//!
//! [`Rows`] cuts the file into rows without holding it, [`row`] checks one and makes ready what will be
//! stored, [`batch`] stores some hundreds in one transaction. Nothing that is wrong with one row touches
//! another. The job of the Management API and the command line both read [`Batches`] and [`store`] them.

mod batch;
mod factors;
mod file;
mod row;
mod run;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::BufRead;
use std::sync::Arc;

use gatewright_ambient::{Clock, Random};
use gatewright_core::connection::Connection;
use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;

use crate::engine::field::{BOOL, Field, OBJECT, SOME_TEXT, Shape, field};
use crate::engine::format::Format;

pub use batch::{Batch, Stored};
pub use file::{FileError, LONGEST_ROW, Row, Rows};
pub use row::{Refused, RowError};
pub use run::{Batches, count, store};

/// What is imported, and where to.
#[derive(Clone)]
pub struct Import {
    /// The tenant.
    pub tenant: TenantId,
    /// The connection that the users will be in.
    pub connection: Connection,
    /// Users who are there already are changed instead of refused.
    pub upsert: bool,
    /// Nobody else writes meanwhile, so a batch may keep the database for seconds.
    pub alone: bool,
    /// When.
    pub clock: Clock,
    /// Makes the ids of users that bring none.
    pub random: Random,
    /// Seals the secrets of factors.
    pub master_key: Arc<MasterKey>,
}

/// What a row may hold.
pub(crate) const ROW_FIELDS: &[Field] = &[
    field("email", Shape::format(Format::Email)),
    field("email_verified", BOOL),
    field("phone_number", Shape::format(Format::Phone)),
    field("phone_verified", BOOL),
    field("user_id", Shape::Text { min: 1, max: 255, format: Format::NoSpaces }),
    field("username", Shape::text(1, 128)),
    field("given_name", Shape::text(1, 150)),
    field("family_name", Shape::text(1, 150)),
    field("name", Shape::text(1, 300)),
    field("nickname", Shape::text(1, 300)),
    field("picture", Shape::format(Format::Url)),
    field("blocked", BOOL),
    field("app_metadata", OBJECT),
    field("user_metadata", OBJECT),
    field("password_hash", SOME_TEXT),
    field("custom_password_hash", OBJECT),
    field("mfa_factors", Shape::List { of: &OBJECT, min: 1 }),
];

/// Rows that are stored together: their entries in an index are written in its order, so the more there are, the
/// fewer pages are written. Others who want to write wait for one batch, about a tenth of a second.
const ROWS_A_BATCH: usize = 2000;
/// A batch of long rows ends earlier.
const BYTES_A_BATCH: usize = 1024 * 1024;
/// How many times larger a batch is where nobody waits for it. Among a million users an index has some twenty thousand
/// pages: of 2000 rows nearly every one is written to a page of its own, of 32,000 several share one.
const TIMES_ALONE: usize = 16;

/// Reads a file and hands out batches that are ready to be stored. All its work is done in `next`: give it
/// a thread of its own.
pub struct Reader<R> {
    rows: Rows<R>,
    import: Arc<Import>,
    provided: Provided,
    /// Rows that an earlier run has dealt with.
    skip: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads from the beginning.
    pub fn new(input: R, import: Arc<Import>) -> Self {
        Self { rows: Rows::new(input), import, provided: Provided::default(), skip: 0 }
    }

    /// Reads the first rows without handing them out: an earlier run has stored or refused them.
    #[must_use]
    pub fn after(self, rows: u64) -> Self {
        Self { skip: rows, ..self }
    }

    fn batch(&mut self) -> Result<Option<Batch>, FileError> {
        let now = self.import.clock.now();
        let mut batch = Batch::new(Arc::clone(&self.import), now);
        let mut bytes = 0;
        let times = if self.import.alone { TIMES_ALONE } else { 1 };
        while batch.len() < ROWS_A_BATCH * times && bytes < BYTES_A_BATCH * times {
            let Some(row) = self.rows.next() else { break };
            let mut row = row?;
            let length = row.bytes.as_ref().map_or(0, Vec::len);
            let checked = row::check(&mut row, &self.import, now).and_then(|ready| {
                let twice = self.provided.note(&ready);
                if twice { Err(ready.refused_as_duplicate()) } else { Ok(ready) }
            });
            if row.number <= self.skip {
                continue;
            }
            bytes += length;
            batch.add(row.number, row.ends_at, checked);
        }
        Ok((batch.len() > 0).then_some(batch))
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Batch, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batch().transpose()
    }
}

/// What the rows before held, as hashes of eight bytes: a file may hold millions.
#[derive(Default)]
struct Provided(HashSet<u64>);

impl Provided {
    /// Notes what a row is known by; says whether a row before was known by any of it.
    fn note(&mut self, ready: &row::Ready) -> bool {
        let hashes = ready.known_by().map(|(kind, name)| {
            let mut hasher = DefaultHasher::new();
            (kind, name).hash(&mut hasher);
            hasher.finish()
        });
        let hashes: Vec<u64> = hashes.collect();
        let twice = hashes.iter().any(|hash| self.0.contains(hash));
        if !twice {
            self.0.extend(hashes);
        }
        twice
    }
}

#[cfg(test)]
mod tests;
