//! Where users are kept: one row with the whole document, one row per identity.
//!
//! The identities are in the document too, so a user is read with one row; the identity rows make
//! identifiers unique in a connection and find the user by them.

use std::ops::{Deref, DerefMut};

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::backchannel::Initiator;
use gatewright_core::connection::Connection;
use gatewright_core::ids::TenantId;
use gatewright_core::search::{Entry, index_entries};
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::{Map, Value, json};

mod many;

use super::profile::{self, Draft, NewIdentifier};
use super::{identities, index, provider_tokens};
use crate::engine::crud::merge_member;
use crate::{authenticators, grants, organizations, passwords, refresh_tokens, sessions, userinfo_claims};

pub(super) use many::{NewUser, Taken, insert_many};

sql!(BY_ID, "SELECT doc FROM users WHERE tenant_id = $1 AND user_id = $2");
sql!(
    BY_IDENTIFIER,
    "SELECT u.doc FROM identities i JOIN users u ON u.tenant_id = i.tenant_id AND u.user_id = i.user_id
     WHERE i.tenant_id = $1 AND i.connection = $2 AND i.identifier = $3"
);
// Waits for other writers of the same user, and shows what they left.
sql!(CLAIM, "SELECT doc, indexed FROM users WHERE tenant_id = $1 AND user_id = $2 FOR UPDATE");
sql!(
    STORE,
    "UPDATE users SET email = $3, phone_number = $4, doc = $5, updated_at = $6, last_login = $7,
       logins_count = $8, indexed = TRUE
     WHERE tenant_id = $1 AND user_id = $2"
);
sql!(
    INSERT,
    "INSERT INTO users (tenant_id, user_id, email, phone_number, doc, version, created_at, updated_at,
       last_login, logins_count, indexed)
     VALUES ($1, $2, $3, $4, $5, 1, $6, $6, $7, $8, TRUE) ON CONFLICT DO NOTHING"
);
sql!(
    INSERT_IDENTITY,
    "INSERT INTO identities (tenant_id, connection, identifier, provider, local_id, user_id)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"
);
sql!(
    TAKEN,
    "SELECT user_id, provider || '|' || local_id FROM identities
     WHERE tenant_id = $1 AND connection = $2 AND identifier = $3"
);
sql!(
    SET_IDENTIFIER,
    "UPDATE identities SET identifier = $5
     WHERE tenant_id = $1 AND local_id = $2 AND provider = $3 AND connection = $4"
);
sql!(DELETE, "DELETE FROM users WHERE tenant_id = $1 AND user_id = $2");
sql!(DELETE_IDENTITIES, "DELETE FROM identities WHERE tenant_id = $1 AND user_id = $2");
sql!(DELETE_PERMISSIONS, "DELETE FROM user_permissions WHERE tenant_id = $1 AND user_id = $2");
sql!(DELETE_ROLES, "DELETE FROM user_roles WHERE tenant_id = $1 AND user_id = $2");
sql!(
    INSERT_USERNAME,
    "INSERT INTO usernames (tenant_id, connection, username, user_id) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING"
);
sql!(DELETE_USERNAMES, "DELETE FROM usernames WHERE tenant_id = $1 AND user_id = $2");
sql!(
    USERNAME_TAKEN,
    "SELECT user_id FROM usernames WHERE tenant_id = $1 AND connection = $2 AND username = $3"
);
// The user names of an account, and of every account of a user.
sql!(
    DELETE_ALL_USERNAMES,
    "DELETE FROM usernames WHERE tenant_id = $1 AND user_id IN (
       SELECT provider || '|' || local_id FROM identities WHERE tenant_id = $1 AND user_id = $2)"
);
sql!(
    OF_CONNECTION,
    "SELECT user_id, provider || '|' || local_id FROM identities WHERE tenant_id = $1 AND connection = $2"
);

/// The whole document of a user.
pub async fn by_id(tx: &mut Tx, tenant: &TenantId, user_id: &str) -> Result<Option<Value>, StoreError> {
    tx.opt(&BY_ID, &params![tenant, user_id]).await?.map(|row| row.json(0)).transpose()
}

/// The user who logs in at a connection by this phone number (E.164), e-mail address or name.
pub async fn by_identifier(
    tx: &mut Tx,
    tenant: &TenantId,
    connection_name: &str,
    identifier: &str,
) -> Result<Option<Value>, StoreError> {
    let values = params![tenant, connection_name, profile::comparable(identifier)];
    tx.opt(&BY_IDENTIFIER, &values).await?.map(|row| row.json(0)).transpose()
}

/// The user who has just proved to hold this phone number or e-mail address, made if there is none.
/// Says whether it was made. Of two first logins at once, one makes the user and both get it.
pub async fn find_or_create_passwordless(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &Connection,
    identifier: &str,
    now: Timestamp,
    random: &Random,
) -> Result<(Value, bool), StoreError> {
    if let Some(user) = by_identifier(tx, tenant, &connection.name, identifier).await? {
        return Ok((verified(tx, tenant, connection, user, now).await?, false));
    }
    let draft = profile::passwordless(connection, identifier, random.hex(24), now);
    let user = draft.user.clone();
    if insert(tx, tenant, draft, now).await? {
        return Ok((Value::Object(user), true));
    }
    // The other login has committed: the insert waited for that.
    let user = by_identifier(tx, tenant, &connection.name, identifier).await?.ok_or(StoreError::NotFound)?;
    Ok((user, false))
}

/// Notes on a user made by an administrator that the identifier is now proved.
async fn verified(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &Connection,
    user: Value,
    now: Timestamp,
) -> Result<Value, StoreError> {
    let (_, member) = profile::verified_members(&connection.strategy);
    let user_id = user["user_id"].as_str().unwrap_or_default();
    if user[member] == Value::Bool(true) || !user_id.starts_with(&format!("{}|", connection.strategy)) {
        return Ok(user);
    }
    let Some(mut claimed) = claim(tx, tenant, user_id).await? else { return Ok(user) };
    claimed.insert(member.to_owned(), Value::Bool(true));
    claimed.insert("updated_at".to_owned(), now.iso8601().into());
    store(tx, tenant, user_id, &claimed, now).await?;
    Ok(claimed.into_value())
}

/// Counts a login and notes when and from where; returns the new document. `None` if the user is gone.
pub async fn record_login(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    ip: &str,
    now: Timestamp,
) -> Result<Option<Value>, StoreError> {
    let Some(mut user) = claim(tx, tenant, user_id).await? else { return Ok(None) };
    let count = user.get("logins_count").and_then(Value::as_i64).unwrap_or(0);
    user.insert("logins_count".to_owned(), json!(count + 1));
    user.insert("last_ip".to_owned(), ip.into());
    user.insert("last_login".to_owned(), now.iso8601().into());
    user.insert("updated_at".to_owned(), now.iso8601().into());
    store(tx, tenant, user_id, &user, now).await?;
    Ok(Some(user.into_value()))
}

/// Merges into a user's metadata, at the first level; null deletes. Returns the new document, `None` if the user
/// is gone.
pub async fn merge_metadata(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    (user_metadata, app_metadata): (&Map<String, Value>, &Map<String, Value>),
    now: Timestamp,
) -> Result<Option<Value>, StoreError> {
    let Some(mut user) = claim(tx, tenant, user_id).await? else { return Ok(None) };
    for (name, changes) in [("user_metadata", user_metadata), ("app_metadata", app_metadata)] {
        if !changes.is_empty() {
            merge_member(&mut user, name, &Value::Object(changes.clone()));
        }
    }
    user.insert("updated_at".to_owned(), now.iso8601().into());
    store(tx, tenant, user_id, &user, now).await?;
    Ok(Some(user.into_value()))
}

/// The document of a user that this transaction is about to change, and what it was found by before.
pub(super) struct Claimed {
    user: Map<String, Value>,
    entries: Vec<Entry>,
}

impl Claimed {
    /// What the index holds of the user.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The document.
    pub(super) fn into_value(self) -> Value {
        Value::Object(self.user)
    }
}

impl Deref for Claimed {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.user
    }
}

impl DerefMut for Claimed {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.user
    }
}

/// Takes a user to change it. Others who want to wait until this transaction ends.
pub(super) async fn claim(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
) -> Result<Option<Claimed>, StoreError> {
    let Some(row) = tx.opt(&CLAIM, &params![tenant, user_id]).await? else { return Ok(None) };
    match row.json(0)? {
        Value::Object(user) => {
            let entries = if row.bool(1)? { index_entries(&user) } else { Vec::new() };
            Ok(Some(Claimed { user, entries }))
        }
        _ => Err(StoreError::Mismatch("a user's document is not an object".into())),
    }
}

/// Stores a changed document.
pub(super) async fn store(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    user: &Claimed,
    now: Timestamp,
) -> Result<(), StoreError> {
    let text = |name: &str| user.get(name).and_then(Value::as_str).map(str::to_owned);
    let (email, phone_number) = (text("email"), text("phone_number"));
    let (last_login, logins_count) = login_columns(user);
    let doc = Value::Object(user.user.clone());
    let values = params![tenant, user_id, email, phone_number, doc, now, last_login, logins_count];
    tx.run(&STORE, &values).await?;
    index::change(tx, tenant, user_id, &user.entries, &index_entries(user)).await
}

/// What the columns for searching hold of `last_login` and `logins_count`.
pub(super) fn login_columns(user: &Map<String, Value>) -> (Option<Timestamp>, Option<i64>) {
    let last_login = user.get("last_login").and_then(Value::as_str).and_then(Timestamp::parse_iso8601);
    (last_login, user.get("logins_count").and_then(Value::as_i64))
}

/// Stores a new user; `false` if its identifier or id is taken, and then nothing is stored.
pub(super) async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    draft: Draft,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let text = |name: &str| draft.user.get(name).and_then(Value::as_str).map(str::to_owned);
    let user_id = text("user_id").unwrap_or_default();
    let username = text("username").filter(|_| draft.provider == "auth0");
    let connection = draft.connection.clone();
    let identity =
        params![tenant, draft.connection, draft.identifier, draft.provider, draft.local_id, user_id.as_str()];
    if tx.run(&INSERT_IDENTITY, &identity).await? == 0 {
        return Ok(false);
    }
    if !insert_user(tx, tenant, draft.user, now).await? {
        // The id is taken by a user of another connection.
        tx.run(&DELETE_FRESH_IDENTITY, &params![tenant, identity[1].clone(), identity[2].clone()]).await?;
        return Ok(false);
    }
    if let Some(username) = username
        && !set_username(tx, tenant, &connection, &user_id, Some(&username)).await?
    {
        delete(tx, tenant, &user_id, now).await?;
        return Ok(false);
    }
    Ok(true)
}

/// Sets the user name of an account, or takes it away; `false` if somebody else has it.
pub(super) async fn set_username(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &str,
    user_id: &str,
    username: Option<&str>,
) -> Result<bool, StoreError> {
    tx.run(&DELETE_USERNAMES, &params![tenant, user_id]).await?;
    let Some(username) = username else { return Ok(true) };
    Ok(tx.run(&INSERT_USERNAME, &params![tenant, connection, username, user_id]).await? == 1)
}

/// Whether an account of this connection has the user name.
pub(super) async fn username_taken(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &str,
    username: &str,
) -> Result<bool, StoreError> {
    Ok(tx.opt(&USERNAME_TAKEN, &params![tenant, connection, username]).await?.is_some())
}

sql!(
    DELETE_FRESH_IDENTITY,
    "DELETE FROM identities WHERE tenant_id = $1 AND connection = $2 AND identifier = $3"
);

/// Sets by what the user logs in; `false` if somebody else does.
pub(super) async fn set_identifier(
    tx: &mut Tx,
    tenant: &TenantId,
    new: &NewIdentifier,
) -> Result<bool, StoreError> {
    let taken = tx.opt(&TAKEN, &params![tenant, &new.connection, &new.identifier]).await?;
    if let Some(row) = taken {
        return Ok(row.text(1)? == new.account_id);
    }
    let (provider, local_id) = new.account_id.split_once('|').unwrap_or_default();
    let values = params![tenant, local_id, provider, &new.connection, &new.identifier];
    tx.run(&SET_IDENTIFIER, &values).await?;
    Ok(true)
}

/// Deletes a user with identities, sessions, refresh tokens, grants and permissions. Nothing happens if there is none.
pub(crate) async fn delete(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    passwords::forget(tx, tenant, user_id).await?;
    // Before the identities, which name the accounts.
    provider_tokens::forget_user(tx, tenant, user_id).await?;
    for statement in [&DELETE_ALL_USERNAMES, &DELETE_IDENTITIES] {
        tx.run(statement, &params![tenant, user_id]).await?;
    }
    match claim(tx, tenant, user_id).await? {
        Some(user) => delete_linked(tx, tenant, user_id, &user, now).await,
        None => Ok(()),
    }
}

/// Deletes a user whose accounts are gone, or belong to another user now.
pub(super) async fn delete_linked(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    user: &Claimed,
    now: Timestamp,
) -> Result<(), StoreError> {
    index::change(tx, tenant, user_id, user.entries(), &[]).await?;
    for statement in [&DELETE, &DELETE_PERMISSIONS, &DELETE_ROLES] {
        tx.run(statement, &params![tenant, user_id]).await?;
    }
    authenticators::remove_all(tx, tenant, user_id).await?;
    organizations::members::forget(tx, tenant, user_id).await?;
    userinfo_claims::forget_user(tx, tenant, user_id).await?;
    refresh_tokens::delete_of_user(tx, tenant, user_id).await?;
    grants::delete_of_user(tx, tenant, user_id).await?;
    sessions::end_all_of_user(tx, tenant, user_id, Initiator::AccountDeleted, now).await
}

/// Deletes every user of a connection that is being deleted.
pub(crate) async fn delete_of_connection(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    for row in tx.all(&OF_CONNECTION, &params![tenant, connection]).await? {
        let (user_id, account_id) = (row.text(0)?, row.text(1)?);
        if user_id == account_id {
            delete(tx, tenant, &user_id, now).await?;
        } else {
            identities::remove(tx, tenant, &user_id, &account_id, connection, now).await?;
        }
    }
    Ok(())
}

/// Deletes what an account logs in by and with.
pub(super) async fn forget_account(
    tx: &mut Tx,
    tenant: &TenantId,
    account_id: &str,
) -> Result<(), StoreError> {
    passwords::forget_account(tx, tenant, account_id).await?;
    provider_tokens::forget(tx, tenant, account_id).await?;
    tx.run(&DELETE_USERNAMES, &params![tenant, account_id]).await.map(drop)
}

/// Stores a user whose identity is there already; `false` if the id is taken.
pub(super) async fn insert_user(
    tx: &mut Tx,
    tenant: &TenantId,
    user: Map<String, Value>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let text = |name: &str| user.get(name).and_then(Value::as_str).map(str::to_owned);
    let (email, phone_number) = (text("email"), text("phone_number"));
    let user_id = text("user_id").unwrap_or_default();
    let (last_login, logins_count) = login_columns(&user);
    let entries = index_entries(&user);
    let doc = Value::Object(user);
    let values = params![tenant, user_id.as_str(), email, phone_number, doc, now, last_login, logins_count];
    if tx.run(&INSERT, &values).await? == 0 {
        return Ok(false);
    }
    index::change(tx, tenant, &user_id, &[], &entries).await?;
    Ok(true)
}

/// Takes the user to whom an account belongs, to change it. `account_id` is the user's own id, or that of an
/// account linked to it.
pub(super) async fn claim_owner(
    tx: &mut Tx,
    tenant: &TenantId,
    account_id: &str,
) -> Result<Option<(String, Claimed)>, StoreError> {
    let Some(owner) = identities::owner(tx, tenant, account_id).await? else { return Ok(None) };
    Ok(claim(tx, tenant, &owner).await?.map(|user| (owner, user)))
}

/// The whole document of the user to whom an account belongs.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn by_account(
    tx: &mut Tx,
    tenant: &TenantId,
    account_id: &str,
) -> Result<Option<Value>, StoreError> {
    match identities::owner(tx, tenant, account_id).await? {
        Some(owner) => by_id(tx, tenant, &owner).await,
        None => Ok(None),
    }
}
