//! Some hundreds of rows, ready to be stored in one transaction.

use std::sync::Arc;

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_passwords::StoredHash;
use gatewright_store::{Db, StoreError, Tx, params, sql};

use super::row::{Ready, Refused, RowError};
use super::{Import, factors};
use crate::passwords;
use crate::users::rows::{self, Taken};

sql!(
    HOLDER,
    "SELECT user_id, provider || '|' || local_id FROM identities
     WHERE tenant_id = $1 AND connection = $2 AND identifier = $3"
);

/// What an existing user takes over from a row of the same identifier. Compat: metadata as they are, not
/// merged; nothing that the user logs in by.
const TAKEN_OVER: &[&str] = &[
    "email_verified",
    "given_name",
    "family_name",
    "name",
    "nickname",
    "picture",
    "user_metadata",
    "app_metadata",
];

/// Rows that are stored together.
pub struct Batch {
    import: Arc<Import>,
    now: Timestamp,
    ready: Vec<(u64, Ready)>,
    refused: Vec<(u64, Refused)>,
    /// The number of the last row.
    pub last_row: u64,
    /// How many bytes of the file are read when its last row is.
    pub ends_at: u64,
}

/// What became of the rows of a batch.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Users made.
    pub inserted: u64,
    /// Users changed.
    pub updated: u64,
    /// Rows refused, with their numbers in the file; in order.
    pub refused: Vec<(u64, Refused)>,
}

impl Batch {
    pub(super) fn new(import: Arc<Import>, now: Timestamp) -> Self {
        Self { import, now, ready: Vec::new(), refused: Vec::new(), last_row: 0, ends_at: 0 }
    }

    pub(super) fn add(&mut self, number: u64, ends_at: u64, checked: Result<Ready, Refused>) {
        (self.last_row, self.ends_at) = (number, ends_at);
        match checked {
            Ok(ready) => self.ready.push((number, ready)),
            Err(refused) => self.refused.push((number, refused)),
        }
    }

    /// How many rows it has.
    #[expect(clippy::len_without_is_empty, reason = "none is handed out empty")]
    pub fn len(&self) -> usize {
        self.ready.len() + self.refused.len()
    }

    /// Stores what can be stored.
    ///
    /// # Errors
    /// [`StoreError`] of the database: nothing of the batch is stored then.
    pub async fn store(&self, tx: &mut Tx) -> Result<Stored, StoreError> {
        let mut stored = self.store_rows(tx, &self.ready).await?;
        self.add_refused(&mut stored);
        Ok(stored)
    }

    /// Stores row by row, each in a transaction of its own, after the batch as a whole could not be: a row
    /// that the database does not take is refused then, alone.
    ///
    /// # Errors
    /// [`StoreError`], if it is none of a row: the database is busy or gone.
    pub async fn store_singly(self: &Arc<Self>, db: &Db) -> Result<Stored, StoreError> {
        let mut all = Stored::default();
        for place in 0..self.ready.len() {
            let batch = Arc::clone(self);
            let write = db.write(move |tx| {
                Box::pin(async move { batch.store_rows(tx, &batch.ready[place..=place]).await })
            });
            match write.await {
                Ok(one) => {
                    all.inserted += one.inserted;
                    all.updated += one.updated;
                    all.refused.extend(one.refused);
                }
                Err(error) if is_of_the_row(&error) => {
                    let (number, ready) = &self.ready[place];
                    let message = format!("The database does not take this user: {error}");
                    let error = RowError::whole("NOT_PASSED", &message);
                    all.refused.push((*number, ready.refused(error)));
                }
                Err(error) => return Err(error),
            }
        }
        self.add_refused(&mut all);
        Ok(all)
    }

    /// Adds the rows that were refused before.
    fn add_refused(&self, stored: &mut Stored) {
        stored.refused.extend(self.refused.iter().cloned());
        stored.refused.sort_by_key(|(number, _)| *number);
    }

    async fn store_rows(&self, tx: &mut Tx, rows: &[(u64, Ready)]) -> Result<Stored, StoreError> {
        let mut stored = Stored::default();
        let tenant = &self.import.tenant;
        let mut new = Vec::with_capacity(rows.len());
        for (number, ready) in rows {
            let known = match self.import.upsert {
                true => self.update(tx, tenant, ready).await?,
                false => None,
            };
            match known {
                None => new.push((number, ready)),
                Some(Ok(())) => stored.updated += 1,
                Some(Err(error)) => stored.refused.push((*number, ready.refused(error))),
            }
        }
        let users: Vec<_> = new.iter().map(|(_, ready)| &ready.user).collect();
        for ((number, ready), fate) in new.into_iter().zip(rows::insert_many(tx, tenant, &users).await?) {
            match fate {
                Ok(()) => {
                    factors::store(tx, &self.import, ready.user.user_id(), &ready.factors, self.now).await?;
                    stored.inserted += 1;
                }
                Err(taken) => stored.refused.push((*number, ready.refused(conflict(taken, ready)))),
            }
        }
        Ok(stored)
    }

    /// Changes the user who has the row's identifier; `None` if there is none.
    async fn update(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        ready: &Ready,
    ) -> Result<Option<Result<(), RowError>>, StoreError> {
        let values = params![tenant, &self.import.connection.name, ready.user.identifier()];
        let Some(row) = tx.opt(&HOLDER, &values).await? else { return Ok(None) };
        let (user_id, account_id) = (row.text(0)?, row.text(1)?);
        if user_id != account_id {
            let message = "The account is linked to another user";
            return Ok(Some(Err(RowError::whole("CONFLICT", message))));
        }
        let Some(mut user) = rows::claim(tx, tenant, &user_id).await? else { return Ok(None) };
        let mut body = ready.body();
        for name in TAKEN_OVER {
            if let Some(value) = body.remove(*name) {
                user.insert((*name).to_owned(), value);
            }
        }
        user.insert("updated_at".to_owned(), self.now.iso8601().into());
        rows::store(tx, tenant, &user_id, &user, self.now).await?;
        // Compat: a hash of another system may be replaced until somebody logged in by it.
        if let Some(hash) = ready.hash.as_ref().filter(|_| body.contains_key("custom_password_hash")) {
            let old = passwords::hash_of(tx, tenant, &user_id).await?;
            if old.as_ref().is_none_or(StoredHash::is_imported) {
                passwords::set(tx, tenant, &user_id, hash, self.now).await?;
            }
        }
        factors::store(tx, &self.import, &user_id, &ready.factors, self.now).await?;
        Ok(Some(Ok(())))
    }
}

/// Whether the same rows could fail again, and others not.
fn is_of_the_row(error: &StoreError) -> bool {
    !matches!(error, StoreError::Busy(_) | StoreError::Unavailable(_) | StoreError::InUse { .. })
}

fn conflict(taken: Taken, ready: &Ready) -> RowError {
    let (code, path) = match taken {
        Taken::Username => ("CONFLICT_USERNAME", "username"),
        Taken::UserId => ("CONFLICT", "user_id"),
        Taken::Identifier if ready.user.identifier().contains('@') => ("CONFLICT_EMAIL", "email"),
        Taken::Identifier if ready.user.identifier().starts_with('+') => ("CONFLICT", "phone_number"),
        Taken::Identifier => ("CONFLICT_USERNAME", "username"),
    };
    RowError { code, message: format!("A user with this {path} exists already"), path: Some(path.to_owned()) }
}
