//! Many new users in one transaction: statement by statement for all of them, not user by user.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_core::search::index_entries;
use gatewright_passwords::StoredHash;
use gatewright_store::{StoreError, Tx, Val, params};
use serde_json::Value;

use super::{
    DELETE, DELETE_FRESH_IDENTITY, DELETE_IDENTITIES, INSERT, INSERT_IDENTITY, INSERT_USERNAME, TAKEN,
    login_columns,
};
use crate::passwords::{self, NewPassword};
use crate::users::index;
use crate::users::profile::Draft;

/// A new user as parameters of the statements that store it: making them is most of the work, and can be
/// done before the transaction begins.
pub(crate) struct NewUser {
    identity: [Val; 6],
    user: [Val; 8],
    username: Option<[Val; 4]>,
    password: Option<NewPassword>,
    /// What it is found by.
    entries: Vec<[Val; 4]>,
}

/// Why a new user was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Somebody in the connection logs in by the identifier.
    Identifier,
    /// Somebody has the user name.
    Username,
    /// Somebody has the id.
    UserId,
}

impl NewUser {
    /// The parameters that store this draft, with this password.
    pub(crate) fn new(tenant: &TenantId, draft: Draft, hash: Option<&StoredHash>, now: Timestamp) -> Self {
        let text = |name: &str| draft.user.get(name).and_then(Value::as_str).map(str::to_owned);
        let (email, phone_number) = (text("email"), text("phone_number"));
        let user_id = text("user_id").unwrap_or_default();
        let username = text("username").filter(|_| draft.provider == "auth0");
        let username = username.map(|username| params![tenant, &draft.connection, username, &user_id]);
        let password = hash.map(|hash| NewPassword::new(tenant, &user_id, hash, now));
        let identity =
            params![tenant, draft.connection, draft.identifier, draft.provider, draft.local_id, &user_id];
        let entries = index_entries(&draft.user).into_iter();
        let entries = entries.map(|entry| params![tenant, &user_id, entry.path, entry.value]).collect();
        let (last_login, logins_count) = login_columns(&draft.user);
        let doc = Val::json_text(Value::Object(draft.user));
        let user = params![tenant, user_id, email, phone_number, doc, now, last_login, logins_count];
        Self { identity, user, username, password, entries }
    }

    /// The user's id.
    pub(crate) fn user_id(&self) -> &str {
        text(&self.user[1])
    }

    /// By what the person logs in.
    pub(crate) fn identifier(&self) -> &str {
        text(&self.identity[2])
    }

    /// The second name of an account of a database connection.
    pub(crate) fn username(&self) -> Option<&str> {
        self.username.as_ref().map(|values| text(&values[2]))
    }
}

fn text(value: &Val) -> &str {
    match value {
        Val::Text(text) => text,
        _ => "",
    }
}

/// Stores new users and says of each whether it was stored; of those that were not, nothing is. Where two
/// want the same, the first gets it.
pub(crate) async fn insert_many(
    tx: &mut Tx,
    tenant: &TenantId,
    users: &[&NewUser],
) -> Result<Vec<Result<(), Taken>>, StoreError> {
    let mut fate = vec![Ok(()); users.len()];
    let identities: Vec<&[Val]> = users.iter().map(|user| &user.identity[..]).collect();
    for (place, count) in tx.run_each(&INSERT_IDENTITY, &identities).await?.into_iter().enumerate() {
        if count == 0 {
            let of = &users[place].identity;
            let known = tx.opt(&TAKEN, &params![tenant, of[1].clone(), of[2].clone()]).await?.is_some();
            fate[place] = Err(if known { Taken::Identifier } else { Taken::UserId });
        }
    }
    let chosen = |fate: &[Result<(), Taken>]| -> Vec<usize> {
        (0..users.len()).filter(|place| fate[*place].is_ok()).collect()
    };

    let left = chosen(&fate);
    let rows: Vec<&[Val]> = left.iter().map(|place| &users[*place].user[..]).collect();
    for (place, count) in left.iter().zip(tx.run_each(&INSERT, &rows).await?) {
        if count == 0 {
            let of = &users[*place].identity;
            tx.run(&DELETE_FRESH_IDENTITY, &params![tenant, of[1].clone(), of[2].clone()]).await?;
            fate[*place] = Err(Taken::UserId);
        }
    }

    let named: Vec<(usize, &[Val])> = chosen(&fate)
        .into_iter()
        .filter_map(|place| Some((place, &users[place].username.as_ref()?[..])))
        .collect();
    let rows: Vec<&[Val]> = named.iter().map(|(_, row)| *row).collect();
    for ((place, _), count) in named.iter().zip(tx.run_each(&INSERT_USERNAME, &rows).await?) {
        if count == 0 {
            for statement in [&DELETE, &DELETE_IDENTITIES] {
                tx.run(statement, &params![tenant, users[*place].user_id()]).await?;
            }
            fate[*place] = Err(Taken::Username);
        }
    }

    let left = chosen(&fate);
    let with_password: Vec<&NewPassword> =
        left.iter().filter_map(|place| users[*place].password.as_ref()).collect();
    passwords::insert_many(tx, &with_password).await?;

    let mut entries: Vec<&[Val]> =
        left.iter().flat_map(|place| users[*place].entries.iter().map(|entry| &entry[..])).collect();
    // In the order of the table, so that neighbours are written together.
    entries.sort_by_key(|entry| (text(&entry[2]), text(&entry[3])));
    tx.run_each(&index::ADD, &entries).await?;
    Ok(fate)
}
