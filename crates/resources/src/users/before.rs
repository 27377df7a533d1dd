//! What changes of users over the Management API do before their transaction: passwords are hashed, the tenant's
//! scripts look at new accounts, and change what is elsewhere.

use gatewright_core::connection::Connection;
use gatewright_core::password_policy::Person;
use gatewright_core::script::database::Profile;
use gatewright_store::{BoxFuture, Db, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::database::{NotSignedUp, adopt};
use super::{profile, rows};
use crate::connections;
use crate::engine::{ApiError, Input, OpCx, OpRequest};
use crate::flows::Change;
use crate::passwords::{self, NewPasswordError};

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
