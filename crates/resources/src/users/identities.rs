//! Linking: two accounts become the identities of one user, and an identity becomes a user again.
//!
//! The identity rows move to the user who keeps them, so whoever logs in by one of them is that user.
//! Passwords and user names belong to the account, `auth0|…`, and stay with it. The account's profile is
//! kept in `profileData`; its metadata is not.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_jose::{Expect, verify};
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::{Map, Value, json};

use super::rows::{self, Claimed};
use super::{exists_already, missing, profile, user_id, without_tokens};
use crate::engine::field::{Field, SOME_TEXT, field};
use crate::engine::operation::Run;
use crate::engine::{ApiError, Input, OpCx};
use crate::{connections, signing_keys};

/// The body of `POST /users/{id}/identities`: the first three, or the last.
pub(super) const LINK: &[Field] = &[
    field("provider", SOME_TEXT).hint("The strategy of the account to be linked"),
    field("user_id", SOME_TEXT).hint("Its id, with or without the provider"),
    field("connection_id", SOME_TEXT).hint("The id of its connection"),
    field("link_with", SOME_TEXT).hint("An ID token of the account to be linked"),
];

sql!(
    OWNER,
    "SELECT user_id, connection FROM identities WHERE tenant_id = $1 AND local_id = $2 AND provider = $3"
);
sql!(MOVE_ALL, "UPDATE identities SET user_id = $3 WHERE tenant_id = $1 AND user_id = $2");
sql!(
    MOVE_ONE,
    "UPDATE identities SET user_id = $5
     WHERE tenant_id = $1 AND local_id = $2 AND provider = $3 AND connection = $4"
);
sql!(
    DELETE_ONE,
    "DELETE FROM identities WHERE tenant_id = $1 AND local_id = $2 AND provider = $3 AND connection = $4"
);

/// What of a user is kept with the identity when it is linked to another.
const PROFILE: &[&str] = &[
    "email",
    "email_verified",
    "phone_number",
    "phone_verified",
    "username",
    "name",
    "given_name",
    "family_name",
    "nickname",
    "picture",
];

/// The user to whom an account belongs: its own, or the one it is linked to. `account_id` is `PROVIDER|LOCAL`.
pub(super) async fn owner(
    tx: &mut Tx,
    tenant: &TenantId,
    account_id: &str,
) -> Result<Option<String>, StoreError> {
    let Some((provider, local_id)) = account_id.split_once('|') else { return Ok(None) };
    let row = tx.opt(&OWNER, &params![tenant, local_id, provider]).await?;
    row.map(|row| row.text(0)).transpose()
}

pub(super) fn link<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (tenant, now) = (&cx.request.tenant, cx.request.now);
        let primary_id = user_id(input)?;
        super::must_exist(cx.tx, tenant, primary_id).await?;
        let secondary_id = match input.body.get("link_with").and_then(Value::as_str) {
            Some(token) => subject(cx, input, token).await?,
            None => named(cx, input).await?,
        };
        if secondary_id == primary_id {
            return Err(refused("The main and the linked account are the same."));
        }
        let (mut primary, secondary) = claim_both(cx.tx, tenant, primary_id, &secondary_id).await?;
        let moved = as_identities(&secondary);
        identities(&mut primary).extend(moved);
        primary.insert("updated_at".to_owned(), now.iso8601().into());
        cx.tx.run(&MOVE_ALL, &params![tenant, &secondary_id, primary_id]).await?;
        rows::delete_linked(cx.tx, tenant, &secondary_id, &secondary, now).await?;
        rows::store(cx.tx, tenant, primary_id, &primary, now).await?;
        Ok(shown(&primary).into())
    })
}

pub(super) fn unlink<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (tenant, now) = (&cx.request.tenant, cx.request.now);
        let owner_id = user_id(input)?;
        let provider = input.param("provider");
        let local_id = local(provider, input.param("user_id"));
        let mut user = rows::claim(cx.tx, tenant, owner_id).await?.ok_or_else(missing)?;
        let found = identities(&mut user)
            .iter()
            .position(|identity| identity["provider"] == provider && identity["user_id"] == local_id);
        let identity = match found {
            None => return Err(ApiError::new(404, "The identity does not exist.")),
            Some(0) => return Err(refused("The main identity of a user cannot be unlinked.")),
            Some(place) => identities(&mut user).remove(place),
        };
        user.insert("updated_at".to_owned(), now.iso8601().into());
        rows::store(cx.tx, tenant, owner_id, &user, now).await?;
        let connection = identity["connection"].as_str().unwrap_or_default().to_owned();
        let new_id = format!("{provider}|{local_id}");
        cx.tx.run(&MOVE_ONE, &params![tenant, local_id, provider, connection, &new_id]).await?;
        if !rows::insert_user(cx.tx, tenant, profile::unlinked(identity, &new_id, now), now).await? {
            return Err(exists_already());
        }
        Ok(shown(&user).into())
    })
}

/// The user whom an ID token names: it was issued to the application that calls.
async fn subject(cx: &mut OpCx<'_>, input: &Input, token: &str) -> Result<String, ApiError> {
    if input.body.len() > 1 {
        return Err(ApiError::invalid_body("'It stands alone' on property link_with"));
    }
    let request = cx.request;
    let keys = signing_keys::load(cx.tx, &request.tenant, &request.master_key).await?;
    let audience = Some(request.caller.client_id.as_str());
    let expect = Expect { issuer: request.issuer.as_str(), audience, now: request.now, leeway_seconds: 0 };
    let claims = verify(token, &keys, &expect).map_err(|error| {
        ApiError::invalid_body(format_args!(
            "'It must be an ID token that this server issued to the calling application: {error}' on property link_with"
        ))
    })?;
    Ok(claims["sub"].as_str().unwrap_or_default().to_owned())
}

/// The user whose first identity the body names.
async fn named(cx: &mut OpCx<'_>, input: &Input) -> Result<String, ApiError> {
    let request = cx.request;
    let text = |name: &str| input.body.get(name).and_then(Value::as_str);
    let missing = |name: &str| ApiError::invalid_body(format_args!("'Missing required property: {name}'"));
    let provider = text("provider").ok_or_else(|| missing("provider"))?;
    let local_id = local(provider, text("user_id").ok_or_else(|| missing("user_id"))?);
    let row = cx.tx.opt(&OWNER, &params![&request.tenant, local_id, provider]).await?;
    let nobody = || ApiError::new(400, "The account to be linked does not exist.").code("inexistent_user");
    let row = row.ok_or_else(nobody)?;
    if let Some(id) = text("connection_id") {
        let known = connections::load(cx.tx, &request.tenant, &request.master_key).await?;
        let connection = row.text(1)?;
        if !known.iter().any(|known| known.id == id && known.name == connection) {
            return Err(nobody());
        }
    }
    let owner = row.text(0)?;
    if owner != format!("{provider}|{local_id}") {
        return Err(ApiError::conflict("The account is linked already.").code("auth0_idp_error"));
    }
    Ok(owner)
}

/// An id without its provider.
fn local<'a>(provider: &str, id: &'a str) -> &'a str {
    id.strip_prefix(provider).and_then(|rest| rest.strip_prefix('|')).unwrap_or(id)
}

fn refused(message: &'static str) -> ApiError {
    ApiError::unsupported(message)
}

/// Takes both users, in an order that two links at once share.
async fn claim_both(
    tx: &mut Tx,
    tenant: &TenantId,
    primary: &str,
    secondary: &str,
) -> Result<(Claimed, Claimed), ApiError> {
    let nobody = || ApiError::new(400, "The account to be linked does not exist.").code("inexistent_user");
    if primary < secondary {
        let first = rows::claim(tx, tenant, primary).await?.ok_or_else(missing)?;
        return Ok((first, rows::claim(tx, tenant, secondary).await?.ok_or_else(nobody)?));
    }
    let second = rows::claim(tx, tenant, secondary).await?;
    let first = rows::claim(tx, tenant, primary).await?.ok_or_else(missing)?;
    Ok((first, second.ok_or_else(nobody)?))
}

fn identities(user: &mut Map<String, Value>) -> &mut Vec<Value> {
    let identities = user.entry("identities").or_insert_with(|| json!([]));
    if !identities.is_array() {
        *identities = json!([]);
    }
    identities.as_array_mut().expect("it was made an array")
}

/// A user as identities of another: the first with the profile, then those that were linked to it.
fn as_identities(user: &Map<String, Value>) -> Vec<Value> {
    let mut all = user.get("identities").and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(Value::Object(first)) = all.first_mut() {
        let profile: Map<String, Value> = PROFILE
            .iter()
            .filter_map(|name| user.get_key_value(*name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        first.insert("profileData".to_owned(), profile.into());
    }
    all
}

fn shown(user: &Map<String, Value>) -> Value {
    let mut identities = user.get("identities").cloned().unwrap_or_else(|| json!([]));
    without_tokens(&mut identities);
    identities
}

/// Takes an account that is linked to somebody away from them, because its connection is being deleted.
pub(super) async fn remove(
    tx: &mut Tx,
    tenant: &TenantId,
    owner: &str,
    account_id: &str,
    connection: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some((provider, local_id)) = account_id.split_once('|') else { return Ok(()) };
    let Some(mut user) = rows::claim(tx, tenant, owner).await? else { return Ok(()) };
    identities(&mut user)
        .retain(|identity| !(identity["provider"] == provider && identity["user_id"] == local_id));
    user.insert("updated_at".to_owned(), now.iso8601().into());
    rows::store(tx, tenant, owner, &user, now).await?;
    rows::forget_account(tx, tenant, account_id).await?;
    tx.run(&DELETE_ONE, &params![tenant, local_id, provider, connection]).await.map(drop)
}
