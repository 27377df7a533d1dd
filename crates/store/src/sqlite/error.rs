//! SQLite's errors in the store's words, with PostgreSQL's names for constraints.

use rusqlite::{Connection, ErrorCode, ffi};

use crate::StoreError;

/// Translates an error of the statement `name` on `connection`.
pub(super) fn store_error(connection: &Connection, name: &str, error: &rusqlite::Error) -> StoreError {
    let rusqlite::Error::SqliteFailure(failure, message) = error else {
        return match error {
            rusqlite::Error::InvalidParameterCount(given, wanted) => {
                StoreError::Mismatch(format!("{name} takes {wanted} parameters, not {given}"))
            }
            other => StoreError::Other(format!("{name}: {other}")),
        };
    };
    let message = message.clone().unwrap_or_else(|| failure.to_string());
    match failure.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            return StoreError::Unique { constraint: constraint_name(connection, &message) };
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => return StoreError::ForeignKey(name.to_owned()),
        _ => {}
    }
    match failure.code {
        ErrorCode::ConstraintViolation => StoreError::Constraint(format!("{name}: {message}")),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy(message),
        ErrorCode::OperationInterrupted => StoreError::Busy(format!("{name} takes too long")),
        ErrorCode::DiskFull
        | ErrorCode::SystemIoFailure
        | ErrorCode::OutOfMemory
        | ErrorCode::CannotOpen
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::PermissionDenied
        | ErrorCode::ReadOnly => StoreError::Unavailable(format!("{name}: {message}")),
        ErrorCode::TypeMismatch => StoreError::Mismatch(format!("{name}: {message}")),
        _ => StoreError::Other(format!("{name}: {message}")),
    }
}

/// Translates an error before there is a connection to ask.
pub(super) fn cannot_open(path: &str, error: &rusqlite::Error) -> StoreError {
    let hint = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => " (the file is not a SQLite database)",
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
            " (check who owns the file and its folder)"
        }
        _ => "",
    };
    StoreError::Unavailable(format!("cannot open {path}: {error}{hint}"))
}

/// The violated constraint by the name that PostgreSQL gives.
///
/// SQLite names an expression index (`index 'users_lower_email'`), but reports any other as columns
/// (`clients.tenant_id, clients.name`); the index is looked up by these.
fn constraint_name(connection: &Connection, message: &str) -> String {
    let Some((_, what)) = message.split_once("constraint failed: ") else { return message.to_owned() };
    if let Some(index) = what.strip_prefix("index '").and_then(|rest| rest.strip_suffix('\'')) {
        return index.to_owned();
    }
    let pairs: Vec<(&str, &str)> = what.split(", ").filter_map(|part| part.rsplit_once('.')).collect();
    let Some((table, _)) = pairs.first() else { return what.to_owned() };
    let columns: Vec<&str> = pairs.iter().map(|(_, column)| *column).collect();
    find_index(connection, table, &columns).ok().flatten().unwrap_or_else(|| {
        // A rowid alias (INTEGER PRIMARY KEY) has no index at all.
        format!("{table}_pkey")
    })
}

fn find_index(connection: &Connection, table: &str, columns: &[&str]) -> rusqlite::Result<Option<String>> {
    let mut indexes = connection
        .prepare_cached("SELECT name, origin FROM pragma_index_list(?1) WHERE \"unique\" = 1 ORDER BY seq")?;
    let mut members = connection.prepare_cached("SELECT name FROM pragma_index_info(?1) ORDER BY seqno")?;
    let indexes: Vec<(String, String)> =
        indexes.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    for (name, origin) in indexes {
        let of_index: Vec<Option<String>> =
            members.query_map([&name], |row| row.get(0))?.collect::<Result<_, _>>()?;
        if of_index.iter().map(|column| column.as_deref().unwrap_or_default()).eq(columns.iter().copied()) {
            return Ok(Some(match origin.as_str() {
                "pk" => format!("{table}_pkey"),
                "u" => format!("{table}_{}_key", columns.join("_")),
                _ => name,
            }));
        }
    }
    Ok(None)
}
