//! The rows that users are found by: written with the user, in the same transaction.

use gatewright_core::ids::TenantId;
use gatewright_core::search::{Entry, index_entries};
use gatewright_store::{Db, Statement, StoreError, Tx, Val, params, sql};

use super::rows;

sql!(
    pub(super) ADD,
    "INSERT INTO user_index (tenant_id, user_id, path, value) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
);
// Fewer statements, which are what a write waits for on PostgreSQL.
sql!(
    ADD_FOUR,
    "INSERT INTO user_index (tenant_id, user_id, path, value)
     VALUES ($1, $2, $3, $4), ($1, $2, $5, $6), ($1, $2, $7, $8), ($1, $2, $9, $10) ON CONFLICT DO NOTHING"
);
sql!(REMOVE, "DELETE FROM user_index WHERE tenant_id = $1 AND user_id = $2 AND path = $3 AND value = $4");
sql!(UNINDEXED, "SELECT tenant_id, user_id FROM users WHERE NOT indexed LIMIT 200");
sql!(
    MARK,
    "UPDATE users SET indexed = TRUE, last_login = $3, logins_count = $4 WHERE tenant_id = $1 AND user_id = $2"
);

/// Writes and removes what a change of the user makes different. Both lists are sorted; a new user had
/// none before.
pub(super) async fn change(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    before: &[Entry],
    after: &[Entry],
) -> Result<(), StoreError> {
    for entry in before.iter().filter(|entry| after.binary_search(entry).is_err()) {
        run(tx, &REMOVE, tenant, user_id, std::slice::from_ref(entry)).await?;
    }
    let new: Vec<Entry> =
        after.iter().filter(|entry| before.binary_search(entry).is_err()).cloned().collect();
    add_entries(tx, tenant, user_id, &new).await
}

async fn add_entries(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    entries: &[Entry],
) -> Result<(), StoreError> {
    let (fours, rest) = entries.as_chunks::<4>();
    for four in fours {
        run(tx, &ADD_FOUR, tenant, user_id, four).await?;
    }
    for entry in rest {
        run(tx, &ADD, tenant, user_id, std::slice::from_ref(entry)).await?;
    }
    Ok(())
}

async fn run(
    tx: &mut Tx,
    statement: &Statement,
    tenant: &TenantId,
    user_id: &str,
    entries: &[Entry],
) -> Result<(), StoreError> {
    let mut values: Vec<Val> = params![tenant, user_id].into();
    for entry in entries {
        values.extend(params![&entry.path, &entry.value]);
    }
    tx.run(statement, &values).await.map(drop)
}

/// Writes the rows of users that an older version stored, a few hundred in each transaction. Several
/// nodes may do it at once. Returns how many there were.
///
/// # Errors
/// [`StoreError`] of the database; what was written stays, and the next call goes on.
pub async fn index_missing(db: &Db) -> Result<usize, StoreError> {
    let mut total = 0;
    loop {
        let count = db.write(|tx| Box::pin(index_some(tx))).await?;
        if count == 0 {
            return Ok(total);
        }
        total += count;
    }
}

async fn index_some(tx: &mut Tx) -> Result<usize, StoreError> {
    let rows = tx.all(&UNINDEXED, &[]).await?;
    for row in &rows {
        let (tenant, user_id) = (TenantId::new(row.text(0)?), row.text(1)?);
        let Some(user) = rows::claim(tx, &tenant, &user_id).await? else { continue };
        change(tx, &tenant, &user_id, user.entries(), &index_entries(&user)).await?;
        let (last_login, logins_count) = rows::login_columns(&user);
        tx.run(&MARK, &params![&tenant, &user_id, last_login, logins_count]).await?;
    }
    Ok(rows.len())
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
