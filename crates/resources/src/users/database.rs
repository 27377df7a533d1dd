//! Users of database connections: sign-up, passwords over the Management API, new passwords, proved
//! addresses. Hashes come in ready: they are made before a transaction begins.

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::backchannel::Initiator;
use gatewright_core::connection::Connection;
use gatewright_core::ids::TenantId;
use gatewright_core::password_policy::Person;
use gatewright_core::script::database::Profile;
use gatewright_passwords::StoredHash;
use gatewright_store::{BoxFuture, Db, StoreError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{profile, rows};
use crate::engine::{ApiError, Input, OpCx, OpRequest};
use crate::flows::Change;
use crate::passwords::{self, NewPasswordError};
use crate::{connections, login_failures, sessions};

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

/// Takes in an account of a custom database: makes it, or brings it up to date. `hash` moves its password here,
/// `refreshes` lets names and picture follow. The inner value is the user whose account it is.
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

/// Shows the account of `POST /users` to the tenant's scripts, makes it at a custom database, or hashes its
/// password.
pub(super) fn before_new<'a>(
    db: &'a Db,
    request: &'a OpRequest,
    input: &'a mut Input,
) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let name = input.body.get("connection").and_then(Value::as_str).unwrap_or_default().to_owned();
        // Whatever is missing here is refused in the transaction, with the words for it.
        let Some(connection) = connection(db, request, &name).await? else { return Ok(()) };
        if profile::draft(&connection, &input.body, request.now, String::new).is_err() {
            return Ok(());
        }
        let person = Person::of(|name| input.body.get(name));
        let password = input.body.get("password").and_then(Value::as_str);
        if let Some(password) = password.filter(|_| connection.strategy == "auth0") {
            let (tenant, hasher) = (&request.tenant, &request.passwords);
            let hash = passwords::vetted(db, hasher, tenant, &connection, None, &person, password).await;
            input.password = Some(hash.map_err(refused)?);
        }
        let Some(flows) = request.flows.clone() else { return Ok(()) };
        flows.before_registration(&connection, &mut input.body).await?;
        if let Some(profile) = flows.create(&connection, &input.body).await? {
            input.password = None;
            let made = Elsewhere { local_id: profile.local_id, members: profile.members };
            input.prepared = serde_json::to_value(made).unwrap_or_default();
        }
        Ok(())
    })
}

/// An account that was made at a custom database, on its way into the transaction.
#[derive(Serialize, Deserialize)]
pub(super) struct Elsewhere {
    local_id: String,
    members: Map<String, Value>,
}

/// Keeps the shadow of an account that was made at a custom database.
pub(super) async fn keep_shadow(
    cx: &mut OpCx<'_>,
    connection: &Connection,
    made: Elsewhere,
) -> Result<Value, ApiError> {
    let profile = Profile { local_id: made.local_id, members: made.members };
    let (tenant, now) = (&cx.request.tenant, cx.request.now);
    match adopt(cx.tx, tenant, connection, (&profile, true), None, now).await? {
        Ok(user) => Ok(user),
        Err(NotSignedUp::Profile(text)) => Err(ApiError::new(400, text)),
        Err(_) => Err(super::exists_already()),
    }
}

/// Changes password and address of `PATCH /users/{id}` at a custom database, or hashes the password.
pub(super) fn before_change<'a>(
    db: &'a Db,
    request: &'a OpRequest,
    input: &'a mut Input,
) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let text = |name: &str| input.body.get(name).and_then(Value::as_str);
        let (password, email) = (text("password"), text("email"));
        if password.is_none() && email.is_none() {
            return Ok(());
        }
        let (tenant, user_id) = (request.tenant.clone(), input.id().to_owned());
        let user =
            db.read(move |tx| Box::pin(async move { rows::by_id(tx, &tenant, &user_id).await })).await?;
        // Whatever is missing here is refused in the transaction, with the words for it.
        let Some(Value::Object(mut user)) = user else { return Ok(()) };
        let Ok(account) = profile::account_named(&user, &input.body) else { return Ok(()) };
        let account_id = account.id();
        let elsewhere = request.flows.clone().filter(|flows| flows.is_elsewhere(&account.connection));
        let Some(connection) = database(db, request, &account.connection).await? else { return Ok(()) };
        if let Some(password) = password {
            let person = Person::of(|name| input.body.get(name).or_else(|| user.get(name)));
            let (tenant, account) = (&request.tenant, Some(account_id.as_str()));
            let hash =
                passwords::vetted(db, &request.passwords, tenant, &connection, account, &person, password)
                    .await
                    .map_err(refused)?;
            if elsewhere.is_none() {
                input.password = Some(hash);
            }
        }
        let Some(flows) = elsewhere else { return Ok(()) };
        // The script comes last: what the transaction would refuse is refused before.
        let mut tried = user.clone();
        if profile::apply(&mut tried, &input.body, request.now).is_err() {
            return Ok(());
        }
        let known = profile::profile_of(&mut user, account.place).clone();
        let of = |name: &str| known.get(name).and_then(Value::as_str).unwrap_or_default();
        if let Some(email) = email.filter(|email| !email.eq_ignore_ascii_case(of("email"))) {
            let (tenant, new) = (request.tenant.clone(), email.to_owned());
            let name = connection.name.clone();
            let read = db
                .read(move |tx| Box::pin(async move { rows::by_identifier(tx, &tenant, &name, &new).await }));
            if read.await?.is_none() {
                let verified = input.body.get("email_verified") == Some(&Value::Bool(true));
                let change = Change::Email { email: of("email"), new: email, verified };
                flows.change(&connection.name, change).await?;
            }
        }
        if let Some(password) = password {
            let identifier = if of("email").is_empty() { of("username") } else { of("email") };
            flows.change(&connection.name, Change::Password { identifier, password }).await?;
        }
        Ok(())
    })
}

/// Deletes the accounts of `DELETE /users/{id}` at custom databases.
pub(super) fn delete_elsewhere<'a>(
    db: &'a Db,
    request: &'a OpRequest,
    input: &'a mut Input,
) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let Some(flows) = request.flows.clone() else { return Ok(()) };
        let (tenant, user_id) = (request.tenant.clone(), input.id().to_owned());
        let user =
            db.read(move |tx| Box::pin(async move { rows::by_id(tx, &tenant, &user_id).await })).await?;
        let identities = user.as_ref().and_then(|user| user["identities"].as_array());
        for identity in identities.into_iter().flatten() {
            let (name, id) = (identity["connection"].as_str(), identity["user_id"].as_str());
            if let (Some(name), Some(local_id)) = (name, id) {
                flows.change(name, Change::Delete { local_id }).await?;
            }
        }
        Ok(())
    })
}

/// The connection, if it is a database.
async fn database(db: &Db, request: &OpRequest, name: &str) -> Result<Option<Connection>, StoreError> {
    let found = connection(db, request, name).await?;
    Ok(found.filter(|connection| connection.strategy == "auth0"))
}

async fn connection(db: &Db, request: &OpRequest, name: &str) -> Result<Option<Connection>, StoreError> {
    let (tenant, master_key, name) = (request.tenant.clone(), request.master_key.clone(), name.to_owned());
    db.read(move |tx| Box::pin(async move { connections::by_name(tx, &tenant, &master_key, &name).await }))
        .await
}

fn refused(error: NewPasswordError) -> ApiError {
    match error {
        NewPasswordError::Weak(weakness) => ApiError::new(400, weakness.to_string()).code("invalid_password"),
        NewPasswordError::Store(error) => error.into(),
        NewPasswordError::Hash(_) => ApiError::new(503, "The service is not available, try again."),
    }
}
