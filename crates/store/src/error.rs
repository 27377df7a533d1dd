//! What can go wrong in the database, the same on both engines.

/// Why a database operation did not happen. The texts name statements and constraints, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// [`Tx::one`](crate::Tx::one) found no row.
    #[error("no row found")]
    NotFound,
    /// A row with these key values exists already.
    ///
    /// `constraint` is the same on both engines: the name of a `CREATE UNIQUE INDEX`,
    /// `TABLE_pkey` for a primary key, `TABLE_COLUMN_.._key` for an unnamed `UNIQUE` in the table.
    #[error("unique constraint {constraint} violated")]
    Unique {
        /// Name of the index or constraint.
        constraint: String,
    },
    /// A foreign key points nowhere, or the row is still pointed at.
    #[error("foreign key violated: {0}")]
    ForeignKey(String),
    /// A NOT NULL or CHECK constraint refused the row.
    #[error("constraint violated: {0}")]
    Constraint(String),
    /// The text cannot be stored on every engine: it holds a NUL character.
    #[error("text with a NUL character cannot be stored")]
    NulCharacter,
    /// A lock, a deadlock, a time limit or a full queue: the same job may succeed when tried again.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The database cannot be reached, is out of space, fails to read or write, or is closed.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Another process has this SQLite file open.
    #[error(
        "the database {path} is in use by another process{holder}. Stop that process first, or choose \
         another data directory; to run several nodes, use PostgreSQL (--database-url postgres://…)"
    )]
    InUse {
        /// The database file.
        path: String,
        /// ` (process 1234)`, or empty if not known.
        holder: String,
    },
    /// A value has not the type that was asked for, or that the statement needs.
    #[error("type mismatch: {0}")]
    Mismatch(String),
    /// The job awaited something other than its [`Tx`]; it was rolled back.
    #[error(
        "the job was rolled back: it awaited something other than the database. \
         No transaction may be open while the network, a script or a timer is waited for"
    )]
    AwaitedElsewhere,
    /// A statement of this job failed before, so the job cannot go on; it was rolled back.
    #[error("the job was rolled back: {0}")]
    Aborted(String),
    /// The job panicked; it was rolled back.
    #[error("the job was rolled back: it panicked: {0}")]
    Panicked(String),
    /// A migration cannot be applied, or the database and the binary do not belong together.
    #[error("migration: {0}")]
    Migration(String),
    /// The configuration cannot be used.
    #[error("database configuration: {0}")]
    Config(String),
    /// Anything else, in the engine's words; usually a faulty statement.
    #[error("{0}")]
    Other(String),
}

impl StoreError {
    /// `true` if this is a violation of the unique index or constraint named `index`.
    pub fn is_on(&self, index: &str) -> bool {
        matches!(self, Self::Unique { constraint } if constraint == index)
    }
}
