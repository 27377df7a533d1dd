//! What a job can do: run statements.

use crate::postgres::Session;
use crate::row::Row;
use crate::sqlite::Connection;
use crate::{Engine, Statement, StoreError, Val, dialect};

/// The transaction of one job; see [`Db::read`](crate::Db::read) and [`Db::write`](crate::Db::write).
///
/// A statement that fails ends the job: PostgreSQL refuses the rest of the transaction, so both
/// engines do. Later calls answer [`StoreError::Aborted`], and the job is rolled back even if it
/// returns `Ok`. To go on after a conflict, write `ON CONFLICT DO NOTHING` and look at the count.
/// [`StoreError::NotFound`], [`StoreError::NulCharacter`] and a failed column getter are not failed
/// statements.
pub struct Tx {
    conn: Conn,
    mode: Mode,
    failed: Option<String>,
}

enum Conn {
    Sqlite(Connection),
    Postgres(Session),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Read,
    Write,
}

/// A statement's text: declared, or composed at run time.
#[derive(Clone, Copy)]
pub(crate) enum Text<'a> {
    Declared(&'a Statement),
    Composed(&'a str),
}

impl<'a> Text<'a> {
    fn common(self) -> &'a str {
        match self {
            Self::Declared(statement) => statement.text(),
            Self::Composed(sql) => sql,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Declared(statement) => statement.name(),
            Self::Composed(_) => "a composed statement",
        }
    }
}

impl Tx {
    /// The first row.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is none.
    pub async fn one(&mut self, statement: &Statement, params: &[Val]) -> Result<Row, StoreError> {
        self.opt(statement, params).await?.ok_or(StoreError::NotFound)
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// A [`StoreError`] of the engine; the job cannot go on after it.
    pub async fn opt(&mut self, statement: &Statement, params: &[Val]) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(Text::Declared(statement), params, 1).await?.into_iter().next())
    }

    /// All rows.
    ///
    /// # Errors
    /// A [`StoreError`] of the engine; the job cannot go on after it.
    pub async fn all(&mut self, statement: &Statement, params: &[Val]) -> Result<Vec<Row>, StoreError> {
        self.rows(Text::Declared(statement), params, usize::MAX).await
    }

    /// Runs the statement and returns how many rows it inserted, updated or deleted.
    ///
    /// # Errors
    /// A [`StoreError`] of the engine; the job cannot go on after it.
    pub async fn run(&mut self, statement: &Statement, params: &[Val]) -> Result<u64, StoreError> {
        let text = Text::Declared(statement);
        self.admit(text, params)?;
        let outcome = match &mut self.conn {
            Conn::Sqlite(connection) => connection.run(text, params),
            Conn::Postgres(session) => session.run(text, params).await,
        };
        self.note(text, outcome)
    }

    /// Runs the statement once for each set of parameters, in order, and returns the counts. PostgreSQL gets
    /// them without waiting for one answer after another: for writing many rows.
    ///
    /// # Errors
    /// A [`StoreError`] of the engine; the job cannot go on after it.
    pub async fn run_each(&mut self, statement: &Statement, sets: &[&[Val]]) -> Result<Vec<u64>, StoreError> {
        let text = Text::Declared(statement);
        sets.iter().try_for_each(|params| self.admit(text, params))?;
        let outcome = match &mut self.conn {
            Conn::Sqlite(connection) => connection.run_each(text, sets),
            Conn::Postgres(session) => session.run_each(text, sets).await,
        };
        self.note(text, outcome)
    }

    /// All rows of a statement composed at run time, such as a search. The same dialect; it is
    /// prepared anew each time and not covered by [`check`](crate::check). Values belong in `params`,
    /// never in the text. `{collate_c}` behind an expression compares it byte by byte.
    ///
    /// # Errors
    /// A [`StoreError`] of the engine; the job cannot go on after it.
    pub async fn all_dynamic(&mut self, sql: &str, params: &[Val]) -> Result<Vec<Row>, StoreError> {
        let sql = dialect::expand_collation(sql, self.engine());
        self.rows(Text::Composed(&sql), params, usize::MAX).await
    }

    /// Like [`all_dynamic`](Self::all_dynamic) for statements whose cost a caller decides: given up after a
    /// few seconds of work on SQLite, and on PostgreSQL after the limit that every statement has there.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if it was given up, or another of the engine; the job cannot go on after it.
    pub async fn all_bounded(&mut self, sql: &str, params: &[Val]) -> Result<Vec<Row>, StoreError> {
        let sql = dialect::expand_collation(sql, self.engine());
        let text = Text::Composed(&sql);
        if let Conn::Sqlite(connection) = &mut self.conn {
            connection.bound_work(true)?;
        }
        let rows = self.rows(text, params, usize::MAX).await;
        if let Conn::Sqlite(connection) = &mut self.conn {
            connection.bound_work(false)?;
        }
        rows
    }

    /// Which engine runs.
    pub const fn engine(&self) -> Engine {
        match self.conn {
            Conn::Sqlite(_) => Engine::Sqlite,
            Conn::Postgres(_) => Engine::Postgres,
        }
    }

    async fn rows(&mut self, text: Text<'_>, params: &[Val], most: usize) -> Result<Vec<Row>, StoreError> {
        self.admit(text, params)?;
        let outcome = match &mut self.conn {
            Conn::Sqlite(connection) => connection.rows(text, params, most),
            Conn::Postgres(session) => session.rows(text, params).await,
        };
        self.note(text, outcome)
    }

    /// Several statements without parameters, separated by `;`.
    pub(crate) async fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        let text = Text::Composed(sql);
        let outcome = match &mut self.conn {
            Conn::Sqlite(connection) => connection.batch(sql),
            Conn::Postgres(session) => session.batch(sql).await,
        };
        self.note(text, outcome)
    }

    /// Prepares without running, and returns the number of parameters.
    pub(crate) async fn prepare(&mut self, statement: &Statement) -> Result<usize, StoreError> {
        match &mut self.conn {
            Conn::Sqlite(connection) => connection.prepare(statement),
            Conn::Postgres(session) => session.prepare(statement).await,
        }
    }

    /// What must hold before the engine sees a statement.
    fn admit(&self, text: Text<'_>, params: &[Val]) -> Result<(), StoreError> {
        self.unfailed()?;
        if self.mode == Mode::Read && !only_reads(text.common()) {
            return Err(StoreError::Other(format!("{} writes, but Db::read was used", text.name())));
        }
        params.iter().try_for_each(Val::check)
    }

    fn note<T>(&mut self, text: Text<'_>, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &outcome {
            self.failed = Some(format!("{} failed before: {error}", text.name()));
        }
        outcome
    }
}

impl Tx {
    pub(crate) const fn on_sqlite(connection: Connection) -> Self {
        Self { conn: Conn::Sqlite(connection), mode: Mode::Read, failed: None }
    }

    pub(crate) const fn on_postgres(session: Session, mode: Mode) -> Self {
        Self { conn: Conn::Postgres(session), mode, failed: None }
    }

    /// Makes the transaction ready for the next job on the same connection.
    pub(crate) fn renew(&mut self, mode: Mode) {
        self.mode = mode;
        self.failed = None;
    }

    /// An error if a statement failed.
    pub(crate) fn unfailed(&self) -> Result<(), StoreError> {
        self.failed.as_ref().map_or(Ok(()), |why| Err(StoreError::Aborted(why.clone())))
    }

    pub(crate) fn sqlite(&mut self) -> Option<&mut Connection> {
        match &mut self.conn {
            Conn::Sqlite(connection) => Some(connection),
            Conn::Postgres(_) => None,
        }
    }

    pub(crate) fn postgres(&mut self) -> Option<&mut Session> {
        match &mut self.conn {
            Conn::Sqlite(_) => None,
            Conn::Postgres(session) => Some(session),
        }
    }
}

/// `true` if the first word is one that reads. Data-modifying CTEs are not in the common dialect.
fn only_reads(sql: &str) -> bool {
    let first = sql.split(|c: char| !c.is_ascii_alphabetic()).find(|word| !word.is_empty());
    first.is_some_and(|word| ["select", "with", "values"].iter().any(|w| word.eq_ignore_ascii_case(w)))
}
