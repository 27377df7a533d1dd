//! Users of database connections: sign-up, accounts of custom databases, new passwords, proved addresses. Hashes
//! come in ready: they are made before a transaction begins.

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::backchannel::Initiator;
use gatewright_core::connection::Connection;
use gatewright_core::ids::TenantId;
use gatewright_core::script::database::Profile;
use gatewright_passwords::StoredHash;
use gatewright_store::{StoreError, Tx};
use serde_json::{Map, Value};

use super::{profile, rows};
use crate::{login_failures, passwords, sessions};

/// Why nobody was signed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSignedUp {
    /// The e-mail address has an account.
    EmailTaken,
    /// The user name has one.
    UsernameTaken,
    /// The profile is not allowed; the text is fit for the caller.
    Profile(String),
    /// The id belongs to an account of another connection.
    IdTaken,
    /// The account has a password here by now.
    Moved,
}

/// Makes an account. `form` holds `email`, `username` and profile members as `POST /users` names them.
/// Of two sign-ups of one address at once, one makes the account.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn sign_up(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &Connection,
    form: &Map<String, Value>,
    hash: &StoredHash,
    now: Timestamp,
    random: &Random,
) -> Result<Result<Value, NotSignedUp>, StoreError> {
    let draft = match profile::draft(connection, form, now, || random.hex(24)) {
        Ok(draft) => draft,
        Err(error) => return Ok(Err(NotSignedUp::Profile(error.message.into_owned()))),
    };
    if let Some(username) = draft.user.get("username").and_then(Value::as_str)
        && rows::username_taken(tx, tenant, &connection.name, username).await?
    {
        return Ok(Err(NotSignedUp::UsernameTaken));
    }
    let user = draft.user.clone();
    if !rows::insert(tx, tenant, draft, now).await? {
        return Ok(Err(NotSignedUp::EmailTaken));
    }
    let user_id = user.get("user_id").and_then(Value::as_str).unwrap_or_default();
    passwords::set(tx, tenant, user_id, hash, now).await?;
    Ok(Ok(Value::Object(user)))
}

/// Takes in an account of a custom database: makes it, or brings it up to date. `hash` moves its password here, once:
/// an old password must not come back after the user chose another. `refreshes` lets names and picture follow. The
/// inner value is the user whose account it is.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn adopt(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &Connection,
    (profile, refreshes): (&Profile, bool),
    hash: Option<&StoredHash>,
    now: Timestamp,
) -> Result<Result<Value, NotSignedUp>, StoreError> {
    let account_id = format!("auth0|{}", profile.local_id);
    // Of two first logins at once one makes the account: the other's insert waits for it, and then finds it.
    for _ in 0..2 {
        if let Some((owner, mut user)) = rows::claim_owner(tx, tenant, &account_id).await? {
            let place = profile::place_of(&user, &account_id);
            if user.get("identities").is_none_or(|all| all[place]["connection"] != connection.name.as_str()) {
                return Ok(Err(NotSignedUp::IdTaken));
            }
            if hash.is_some() && passwords::hash_of(tx, tenant, &account_id).await?.is_some() {
                return Ok(Err(NotSignedUp::Moved));
            }
            if follow(profile::profile_of(&mut user, place), profile, refreshes) {
                user.insert("updated_at".to_owned(), now.iso8601().into());
                rows::store(tx, tenant, &owner, &user, now).await?;
            }
            if let Some(hash) = hash {
                passwords::set(tx, tenant, &account_id, hash, now).await?;
            }
            return Ok(Ok(user.into_value()));
        }
        let mut body = profile.members.clone();
        body.insert("user_id".to_owned(), profile.local_id.clone().into());
        let draft = match profile::draft(connection, &body, now, String::new) {
            Ok(draft) => draft,
            Err(error) => return Ok(Err(NotSignedUp::Profile(error.message.into_owned()))),
        };
        if let Some(username) = profile.text("username")
            && rows::username_taken(tx, tenant, &connection.name, username).await?
        {
            return Ok(Err(NotSignedUp::UsernameTaken));
        }
        let user = draft.user.clone();
        if rows::insert(tx, tenant, draft, now).await? {
            if let Some(hash) = hash {
                passwords::set(tx, tenant, &account_id, hash, now).await?;
            }
            return Ok(Ok(Value::Object(user)));
        }
    }
    Ok(Err(NotSignedUp::EmailTaken))
}

/// Lets a known account follow its database; says whether anything changed. An address once proved stays proved.
fn follow(account: &mut Map<String, Value>, profile: &Profile, refreshes: bool) -> bool {
    let mut follows: Vec<&str> = Vec::new();
    if refreshes {
        follows.extend(["name", "nickname", "given_name", "family_name", "picture"]);
    }
    let same_address = account.get("email").is_some_and(|email| profile.text("email") == email.as_str());
    if same_address && profile.members.get("email_verified") == Some(&Value::Bool(true)) {
        follows.push("email_verified");
    }
    let mut changed = false;
    for name in follows {
        if let Some(value) = profile.members.get(name)
            && account.get(name) != Some(value)
        {
            account.insert(name.to_owned(), value.clone());
            changed = true;
        }
    }
    changed
}

/// Sets a new password that the user chose by a link: ends every session, and the address that the link
/// proves, if any, is verified if it is still the user's. Without `hash` the password is kept elsewhere. `None` if
/// the user is gone.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn change_password(
    tx: &mut Tx,
    tenant: &TenantId,
    account_id: &str,
    email: Option<&str>,
    hash: Option<&StoredHash>,
    now: Timestamp,
) -> Result<Option<Value>, StoreError> {
    let Some((owner, mut user)) = rows::claim_owner(tx, tenant, account_id).await? else { return Ok(None) };
    let place = profile::place_of(&user, account_id);
    let account = profile::profile_of(&mut user, place);
    if email.is_some() && account.get("email").and_then(Value::as_str) == email {
        account.insert("email_verified".to_owned(), Value::Bool(true));
    }
    user.insert("last_password_reset".to_owned(), now.iso8601().into());
    user.insert("updated_at".to_owned(), now.iso8601().into());
    rows::store(tx, tenant, &owner, &user, now).await?;
    match hash {
        Some(hash) => passwords::set(tx, tenant, account_id, hash, now).await?,
        None => login_failures::clear_account(tx, tenant, account_id).await?,
    }
    sessions::end_all_of_user(tx, tenant, &owner, Initiator::PasswordChanged, now).await?;
    Ok(Some(user.into_value()))
}

/// Notes that the user reads mail at this address. `None` if it is no longer the user's, or the user is
/// gone.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn prove_email(
    tx: &mut Tx,
    tenant: &TenantId,
    account_id: &str,
    email: &str,
    now: Timestamp,
) -> Result<Option<Value>, StoreError> {
    let Some((owner, mut user)) = rows::claim_owner(tx, tenant, account_id).await? else { return Ok(None) };
    let place = profile::place_of(&user, account_id);
    let account = profile::profile_of(&mut user, place);
    if account.get("email").and_then(Value::as_str) != Some(email) {
        return Ok(None);
    }
    account.insert("email_verified".to_owned(), Value::Bool(true));
    user.insert("updated_at".to_owned(), now.iso8601().into());
    rows::store(tx, tenant, &owner, &user, now).await?;
    Ok(Some(user.into_value()))
}
