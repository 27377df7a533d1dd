//! Compares every registered statement with the schema: our compile-time check of SQL.

use std::collections::BTreeSet;

use crate::dialect::placeholder_numbers;
use crate::statement::Registered;
use crate::{Db, Row, Statement, StoreError, Val};

/// Prepares every statement declared with [`sql!`](crate::sql) in the linked crates, on the migrated
/// database `db`, and returns those that fail, by name. Run it once per engine.
///
/// A statement also fails here if its placeholders are not `$1` to `$n` without a gap.
pub async fn prepare_all(db: &Db) -> Vec<(String, StoreError)> {
    let mut failures = Vec::new();
    for Registered(statement) in inventory::iter::<Registered> {
        // One job each: on PostgreSQL a failure would spoil a common transaction.
        let prepared = db.read(move |tx| Box::pin(tx.prepare(statement))).await;
        let checked = prepared.and_then(|parameters| check_placeholders(statement, parameters));
        if let Err(error) = checked {
            failures.push((statement.name().to_owned(), error));
        }
    }
    failures.sort_by(|a, b| a.0.cmp(&b.0));
    failures
}

/// The statements declared with [`sql!`](crate::sql) in the linked crates that do not have this word in them, by name.
pub fn statements_without(word: &str) -> Vec<&'static str> {
    let all = inventory::iter::<Registered>.into_iter().map(|Registered(statement)| statement);
    let mut without: Vec<_> = all.filter(|one| !one.text().contains(word)).map(|one| one.name()).collect();
    without.sort_unstable();
    without
}

/// The statements declared with [`sql!`](crate::sql) in the linked crates that look at all rows of a table, or at all of
/// one tenant, with that step of their plan. SQLite only: PostgreSQL plans by what is in the tables.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn wide_statements(db: &Db) -> Result<Vec<(&'static str, String)>, StoreError> {
    let mut wide = Vec::new();
    for Registered(statement) in inventory::iter::<Registered> {
        let numbers = placeholder_numbers(statement.text()).into_iter().max().unwrap_or(0);
        let (sql, values) = (format!("EXPLAIN QUERY PLAN {}", statement.text()), vec![Val::Null; numbers]);
        // A statement that writes is not run either, but it is not even explained to a job that reads.
        let plan: Vec<Row> =
            db.write(move |tx| Box::pin(async move { tx.all_dynamic(&sql, &values).await })).await?;
        for step in plan {
            let step = step.text(3)?;
            let is_wide = step.starts_with("SCAN ") && !step.contains("CONSTANT ROW")
                || step.ends_with("(tenant_id=?)");
            if is_wide {
                wide.push((statement.name(), step));
            }
        }
    }
    wide.sort();
    Ok(wide)
}

/// How many statements are registered in this program.
pub fn statement_count() -> usize {
    inventory::iter::<Registered>.into_iter().count()
}

fn check_placeholders(statement: &Statement, parameters: usize) -> Result<(), StoreError> {
    let numbers: BTreeSet<usize> = placeholder_numbers(statement.text()).into_iter().collect();
    if numbers.iter().copied().eq(1..=parameters) {
        return Ok(());
    }
    Err(StoreError::Other(format!(
        "{}: the placeholders are {numbers:?}, not $1 to ${parameters} without a gap",
        statement.name()
    )))
}
