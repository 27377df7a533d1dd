//! Values that come out of a statement.

use gatewright_core::Timestamp;
use serde_json::Value;
use tokio_postgres::types::{FromSql, Type};

use crate::StoreError;

/// One row of a result. Columns are read by position, from 0, as the type they were stored with.
///
/// Every getter fails with [`StoreError::Mismatch`] if the column is missing, is of another type, or
/// is `NULL` where the getter is not an `opt_` one.
pub struct Row {
    pub(crate) statement: &'static str,
    pub(crate) columns: Columns,
}

pub(crate) enum Columns {
    Sqlite(Vec<rusqlite::types::Value>),
    Postgres(tokio_postgres::Row),
}

/// A column's value in the terms of both engines.
enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
    Json(Value),
    Other(String),
}

impl Row {
    /// `TEXT`.
    pub fn text(&self, column: usize) -> Result<String, StoreError> {
        self.required(column, "text", self.opt_text(column))
    }

    /// `TEXT` or `NULL`.
    pub fn opt_text(&self, column: usize) -> Result<Option<String>, StoreError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            other => Err(self.mismatch(column, "text", &other)),
        }
    }

    /// `BIGINT`, `INTEGER` or a count.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.required(column, "an integer", self.opt_int(column))
    }

    /// `BIGINT`, `INTEGER` or `NULL`.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Int(number) => Ok(Some(number)),
            other => Err(self.mismatch(column, "an integer", &other)),
        }
    }

    /// `BOOLEAN`, or the result of a comparison.
    pub fn bool(&self, column: usize) -> Result<bool, StoreError> {
        self.required(column, "a boolean", self.opt_bool(column))
    }

    /// `BOOLEAN` or `NULL`.
    pub fn opt_bool(&self, column: usize) -> Result<Option<bool>, StoreError> {
        match (self.cell(column)?, &self.columns) {
            (Cell::Null, _) => Ok(None),
            (Cell::Bool(value), _) => Ok(Some(value)),
            // SQLite has no booleans: TRUE is 1.
            (Cell::Int(number @ (0 | 1)), Columns::Sqlite(_)) => Ok(Some(number == 1)),
            (other, _) => Err(self.mismatch(column, "a boolean", &other)),
        }
    }

    /// `{json}`.
    pub fn json(&self, column: usize) -> Result<Value, StoreError> {
        self.required(column, "JSON", self.opt_json(column))
    }

    /// `{json}` or `NULL`. The JSON value `null` is `Some(Value::Null)`.
    pub fn opt_json(&self, column: usize) -> Result<Option<Value>, StoreError> {
        match (self.cell(column)?, &self.columns) {
            (Cell::Null, _) => Ok(None),
            (Cell::Json(value), _) => Ok(Some(value)),
            (Cell::Text(text), Columns::Sqlite(_)) => {
                serde_json::from_str(&text).map(Some).map_err(|error| {
                    StoreError::Mismatch(format!(
                        "{}: column {column} holds no JSON: {error}",
                        self.statement
                    ))
                })
            }
            (other, _) => Err(self.mismatch(column, "JSON", &other)),
        }
    }

    /// `{blob}`.
    pub fn blob(&self, column: usize) -> Result<Vec<u8>, StoreError> {
        self.required(column, "bytes", self.opt_blob(column))
    }

    /// `{blob}` or `NULL`.
    pub fn opt_blob(&self, column: usize) -> Result<Option<Vec<u8>>, StoreError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Blob(bytes) => Ok(Some(bytes)),
            other => Err(self.mismatch(column, "bytes", &other)),
        }
    }

    /// A time, stored as `BIGINT` microseconds.
    pub fn time(&self, column: usize) -> Result<Timestamp, StoreError> {
        self.int(column).map(Timestamp::from_micros)
    }

    /// A time or `NULL`.
    pub fn opt_time(&self, column: usize) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int(column)?.map(Timestamp::from_micros))
    }

    fn required<T>(
        &self,
        column: usize,
        wanted: &str,
        value: Result<Option<T>, StoreError>,
    ) -> Result<T, StoreError> {
        value?.ok_or_else(|| self.mismatch(column, wanted, &Cell::Null))
    }

    fn cell(&self, column: usize) -> Result<Cell, StoreError> {
        let cell = match &self.columns {
            Columns::Sqlite(values) => values.get(column).map(sqlite_cell),
            Columns::Postgres(row) => {
                row.columns().get(column).map(|c| postgres_cell(row, column, c.type_()))
            }
        };
        cell.ok_or_else(|| StoreError::Mismatch(format!("{} returns no column {column}", self.statement)))
    }

    fn mismatch(&self, column: usize, wanted: &str, cell: &Cell) -> StoreError {
        let found = match cell {
            Cell::Null => "NULL",
            Cell::Bool(_) => "a boolean",
            Cell::Int(_) => "an integer",
            Cell::Text(_) => "text",
            Cell::Blob(_) => "bytes",
            Cell::Json(_) => "JSON",
            Cell::Other(type_name) => type_name,
        };
        StoreError::Mismatch(format!("{}: column {column} is {found}, not {wanted}", self.statement))
    }
}

fn sqlite_cell(value: &rusqlite::types::Value) -> Cell {
    use rusqlite::types::Value as V;
    match value {
        V::Null => Cell::Null,
        V::Integer(number) => Cell::Int(*number),
        V::Real(_) => Cell::Other("a floating point number".to_owned()),
        V::Text(text) => Cell::Text(text.clone()),
        V::Blob(bytes) => Cell::Blob(bytes.clone()),
    }
}

fn postgres_cell(row: &tokio_postgres::Row, column: usize, column_type: &Type) -> Cell {
    fn get<'a, T: FromSql<'a>>(row: &'a tokio_postgres::Row, column: usize, cell: fn(T) -> Cell) -> Cell {
        match row.try_get::<_, Option<T>>(column) {
            Ok(value) => value.map_or(Cell::Null, cell),
            Err(_) => Cell::Other("a value that cannot be decoded".to_owned()),
        }
    }
    match *column_type {
        Type::BOOL => get(row, column, Cell::Bool),
        Type::INT8 => get(row, column, Cell::Int),
        Type::INT4 => get(row, column, |n: i32| Cell::Int(n.into())),
        Type::INT2 => get(row, column, |n: i16| Cell::Int(n.into())),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
            get(row, column, Cell::Text)
        }
        Type::BYTEA => get(row, column, Cell::Blob),
        Type::JSON | Type::JSONB => get(row, column, Cell::Json),
        _ => Cell::Other(format!("of PostgreSQL's type {column_type}")),
    }
}
