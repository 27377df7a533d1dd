//! PostgreSQL's errors in the store's words.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use crate::StoreError;

/// Translates an error of the statement `name`. The server's detail is left out: it quotes values.
pub(super) fn store_error(name: &str, error: &Error) -> StoreError {
    match error.as_db_error() {
        Some(refused) => refused_by_server(name, refused),
        None if error.is_closed() => lost(),
        None => match error.source() {
            Some(why) if why.is::<std::io::Error>() => lost(),
            Some(why) => StoreError::Mismatch(format!("{name}: {error}: {why}")),
            // The driver's only sign of a wrong count: "expected 2 parameters but got 1".
            None if error.to_string().starts_with("expected ") => {
                StoreError::Mismatch(format!("{name}: {error}"))
            }
            None => StoreError::Other(format!("{name}: {error}")),
        },
    }
}

fn refused_by_server(name: &str, refused: &DbError) -> StoreError {
    let code = refused.code();
    let constraint = || refused.constraint().unwrap_or(name).to_owned();
    match code {
        &SqlState::UNIQUE_VIOLATION => return StoreError::Unique { constraint: constraint() },
        &SqlState::FOREIGN_KEY_VIOLATION => return StoreError::ForeignKey(constraint()),
        &SqlState::CHECK_VIOLATION | &SqlState::NOT_NULL_VIOLATION => {
            return StoreError::Constraint(format!("{name}: {}", refused.message()));
        }
        &SqlState::T_R_DEADLOCK_DETECTED
        | &SqlState::T_R_SERIALIZATION_FAILURE
        | &SqlState::LOCK_NOT_AVAILABLE
        | &SqlState::QUERY_CANCELED => {
            return StoreError::Busy(format!("{name}: {}", refused.message()));
        }
        _ => {}
    }
    match &code.code()[..2] {
        // Connection lost, server out of resources, stopping, or broken.
        "08" | "53" | "57" | "58" | "XX" => StoreError::Unavailable(format!("{name}: {}", refused.message())),
        // Data exceptions quote the value.
        "22" => StoreError::Mismatch(format!("{name}: PostgreSQL refused a value (error {})", code.code())),
        _ => StoreError::Other(format!("{name}: {}", refused.message())),
    }
}

/// Translates an error of opening a connection.
pub(super) fn cannot_connect(error: &Error) -> StoreError {
    let mut why =
        error.as_db_error().map_or_else(|| error.to_string(), |refused| refused.message().to_owned());
    if error.as_db_error().is_none()
        && let Some(source) = error.source()
    {
        why = format!("{why}: {source}");
    }
    if why.contains("UnknownIssuer") {
        why.push_str(" (name the PEM file of the server's CA with sslrootcert=PATH in the database URL)");
    } else if why.contains("not valid for name") {
        why.push_str(
            " (put a name of the certificate into the database URL; hostaddr=IP can give the address)",
        );
    }
    StoreError::Unavailable(format!("cannot connect to PostgreSQL: {why}"))
}

/// Translates an error of COMMIT.
pub(super) fn outcome_unknown(error: &Error) -> StoreError {
    match store_error("COMMIT", error) {
        StoreError::Unavailable(why) => StoreError::Unavailable(format!(
            "{why}; the connection was lost during the commit, so the change may or may not have happened"
        )),
        other => other,
    }
}

fn lost() -> StoreError {
    StoreError::Unavailable("the connection to PostgreSQL was lost".to_owned())
}
