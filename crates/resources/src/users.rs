//! Users: the profile that the Management API shows, and the identities by which they log in.
//!
//! [`profile`] decides what a profile holds, [`rows`] keeps it, and this file is the API. A user's own
//! token may read that user and change its `user_metadata`, nothing else.

pub mod access;
pub mod authentication_methods;
mod before;
mod database;
mod exchange;
pub mod export;
pub mod factors;
mod identities;
pub mod import;
mod index;
mod profile;
pub mod provider_tokens;
mod rows;
mod search;
mod social;

use before::Elsewhere;
pub use database::{NotSignedUp, adopt, change_password, prove_email, sign_up};
pub use exchange::{NotFound, find_or_create_exchanged};
pub use index::index_missing;
pub use rows::{by_account, by_id, by_identifier, find_or_create_passwordless, merge_metadata, record_login};
pub(crate) use rows::{delete as delete_account, delete_of_connection};
pub use social::{account_id, take_in};

use gatewright_core::backchannel::Initiator;
use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::Value;

use crate::engine::field::{BOOL, Field, OBJECT, SOME_TEXT, Shape, TEXT, field};
use crate::engine::format::Format;
use crate::engine::operation::Run;
use crate::engine::query::Query;
use crate::engine::validate::Purpose;
use crate::engine::{
    Answer, ApiError, Caller, Handler, Input, Map, Method, OpCx, OpRequest, Operation, Resource,
};
use crate::flows::Happened;
use crate::{connections, passwords, sessions};

const EMAIL: Shape = Shape::format(Format::Email);
const PHONE: Shape = Shape::format(Format::Phone);

const CREATE: &[Field] = &[
    field("connection", SOME_TEXT).required().hint("Name of the connection this user should be created in"),
    field("email", EMAIL).hint("The user's email"),
    field("email_verified", BOOL),
    field("phone_number", PHONE).hint("The user's phone number"),
    field("phone_verified", BOOL),
    field("username", Shape::text(1, 128)),
    field("password", SOME_TEXT),
    field("verify_email", BOOL),
    field("user_id", Shape::Text { min: 0, max: 255, format: Format::NoSpaces }),
    field("blocked", BOOL),
    field("name", Shape::text(1, 300)),
    field("given_name", Shape::text(1, 150)),
    field("family_name", Shape::text(1, 150)),
    field("nickname", Shape::text(1, 300)),
    field("picture", Shape::format(Format::Url)),
    field("user_metadata", OBJECT),
    field("app_metadata", OBJECT),
];

const UPDATE: &[Field] = &[
    field("connection", SOME_TEXT),
    field("client_id", SOME_TEXT),
    field("email", EMAIL).nullable(),
    field("email_verified", BOOL),
    field("phone_number", PHONE).nullable(),
    field("phone_verified", BOOL),
    field("username", Shape::text(1, 128)).nullable(),
    field("password", SOME_TEXT).nullable(),
    field("verify_email", BOOL),
    field("verify_phone_number", BOOL),
    field("blocked", BOOL),
    field("name", Shape::text(1, 300)).nullable(),
    field("given_name", Shape::text(1, 150)).nullable(),
    field("family_name", Shape::text(1, 150)).nullable(),
    field("nickname", Shape::text(1, 300)).nullable(),
    field("picture", Shape::format(Format::Url)).nullable(),
    field("user_metadata", OBJECT).nullable(),
    field("app_metadata", OBJECT).nullable(),
];

const FILTERS: &[Field] = &[
    field("q", TEXT).hint("A query in Lucene's syntax"),
    field("search_engine", Shape::OneOf(&["v1", "v2", "v3"])).hint("v3 is the only one that works"),
    field("connection", TEXT),
    field("sort", TEXT).hint("A field and a direction, e.g. created_at:-1"),
    field("primary_order", BOOL).hint("Changes nothing: the order is always the same"),
];

/// `/users`.
pub static RESOURCE: Resource = Resource {
    name: "users",
    operations: &[
        Operation::new(
            "get_users",
            Method::Get,
            "/users",
            "List or search users",
            &["read:users", "read:user_idp_tokens"],
            Handler::Custom(search::list),
        )
        .query(FILTERS),
        Operation::new(
            "post_users",
            Method::Post,
            "/users",
            "Create a user",
            &["create:users"],
            Handler::Custom(create),
        )
        .body(CREATE, Purpose::Create)
        .prepare(before::before_new)
        .success(201),
        Operation::new(
            "get_users_by_id",
            Method::Get,
            "/users/{id}",
            "Get a user",
            &["read:users", "read:current_user", "read:user_idp_tokens"],
            Handler::Custom(read),
        )
        .own(&["read:current_user"], &[]),
        Operation::new(
            "patch_users_by_id",
            Method::Patch,
            "/users/{id}",
            "Update a user",
            &["update:users", "update:users_app_metadata", "update:current_user_metadata"],
            Handler::Custom(update),
        )
        .own(&["update:current_user_metadata", "create:current_user_metadata"], &["user_metadata"])
        .body(UPDATE, Purpose::Update)
        .prepare(before::before_change),
        Operation::new(
            "delete_users_by_id",
            Method::Delete,
            "/users/{id}",
            "Delete a user",
            &["delete:users", "delete:current_user"],
            Handler::Custom(delete),
        )
        .prepare(before::delete_elsewhere)
        .success(204),
        Operation::new(
            "post_identities",
            Method::Post,
            "/users/{id}/identities",
            "Link a user account",
            &["update:users", "update:current_user_identities"],
            Handler::Custom(identities::link),
        )
        .own(&["update:current_user_identities"], &["link_with"])
        .body(identities::LINK, Purpose::Create)
        .success(201),
        Operation::new(
            "delete_user_identity_by_user_id",
            Method::Delete,
            "/users/{id}/identities/{provider}/{user_id}",
            "Unlink a user identity",
            &["update:users", "update:current_user_identities"],
            Handler::Custom(identities::unlink),
        )
        .own(&["update:current_user_identities"], &[]),
        Operation::new(
            "get_users_by_email",
            Method::Get,
            "/users-by-email",
            "Get users by email",
            &["read:users"],
            Handler::Custom(list_by_email),
        )
        .query(&[field("email", TEXT)]),
    ],
};

// The index is of lower-case addresses; case counts all the same. The plus keeps SQLite from reading every user
// in the order of another index, to save the sorting of one or two rows.
sql!(
    BY_EMAIL,
    // `COALESCE` keeps SQLite from putting $2 in place of the column in `lower(email)`, which no index would serve.
    "SELECT doc FROM users WHERE tenant_id = $1 AND lower(email) = lower($2) AND COALESCE(email, '') = $2
     ORDER BY +created_at, user_id"
);

pub(crate) fn missing() -> ApiError {
    ApiError::new(404, "The user does not exist.").code("inexistent_user")
}

/// Refuses a call about nobody.
///
/// # Errors
/// 404 `inexistent_user`.
pub(crate) async fn must_exist(tx: &mut Tx, tenant: &TenantId, user_id: &str) -> Result<(), ApiError> {
    by_id(tx, tenant, user_id).await?.map(drop).ok_or_else(missing)
}

fn exists_already() -> ApiError {
    ApiError::conflict("The user already exists.").code("auth0_idp_error")
}

/// An id is `PROVIDER|LOCAL`; nothing else can name a user.
fn user_id(input: &Input) -> Result<&str, ApiError> {
    let id = input.id();
    match id.split_once('|') {
        Some((provider, local)) if !provider.is_empty() && !local.is_empty() => Ok(id),
        _ => Err(ApiError::invalid_path(format_args!(
            "'Object didn't pass validation for format user-id: {}' on property id",
            id.chars().take(100).collect::<String>()
        ))),
    }
}

/// The id of the user that the path names, if there is such a user.
pub(crate) async fn existing<'a>(cx: &mut OpCx<'_>, input: &'a Input) -> Result<&'a str, ApiError> {
    let id = user_id(input)?;
    by_id(cx.tx, &cx.request.tenant, id).await?.map(|_| id).ok_or_else(missing)
}

/// The user as the caller may see it.
fn present(caller: &Caller, query: &Query, user: Value) -> Value {
    let Value::Object(mut user) = user else { return user };
    if (caller.is_user || !caller.has("read:user_idp_tokens"))
        && let Some(identities) = user.get_mut("identities")
    {
        without_tokens(identities);
    }
    Value::Object(query.project(user))
}

/// Takes the providers' tokens out of identities.
fn without_tokens(identities: &mut Value) {
    for identity in identities.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        identity.remove("access_token");
        identity.remove("refresh_token");
    }
}

fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let mut user = by_id(cx.tx, &cx.request.tenant, user_id(input)?).await?.ok_or_else(missing)?;
        if !cx.request.caller.is_user && cx.request.caller.has("read:user_idp_tokens") {
            provider_tokens::show(cx.tx, &cx.request.tenant, &cx.request.master_key, &mut user).await?;
        }
        Ok(present(&cx.request.caller, &input.query, user).into())
    })
}

fn create<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let name = input.body.get("connection").and_then(Value::as_str).unwrap_or_default();
        let connection = connections::by_name(cx.tx, &request.tenant, &request.master_key, name).await?;
        let connection = connection.ok_or_else(|| {
            ApiError::new(400, "The connection does not exist.").code("inexistent_connection")
        })?;
        if let Ok(made) = serde_json::from_value::<Elsewhere>(input.prepared.clone()) {
            let user = before::keep_shadow(cx, &connection, made).await?;
            return Ok(made_account(request, input, name, user));
        }
        let draft = profile::draft(&connection, &input.body, request.now, || request.random.hex(24))?;
        let user = draft.user.clone();
        if !rows::insert(cx.tx, &request.tenant, draft, request.now).await? {
            return Err(exists_already());
        }
        if let Some(hash) = &input.password {
            let user_id = user.get("user_id").and_then(Value::as_str).unwrap_or_default();
            passwords::set(cx.tx, &request.tenant, user_id, hash, request.now).await?;
        }
        Ok(made_account(request, input, name, Value::Object(user)))
    })
}

/// The answer to a new account, and what scripts hear of it.
fn made_account(request: &OpRequest, input: &Input, connection: &str, user: Value) -> Answer {
    let happened = Happened::Registered { connection: connection.to_owned(), user: user.clone() };
    let body = present(&request.caller, &input.query, user);
    Answer { happened: Some(happened), ..Answer::from(body) }
}

fn update<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let id = user_id(input)?;
        let caller = &request.caller;
        if !caller.is_user && !caller.has("update:users") {
            only_app_metadata(&input.body)?;
        }
        let mut user = rows::claim(cx.tx, &request.tenant, id).await?.ok_or_else(missing)?;
        let before = Map::clone(&user);
        let account = profile::account_named(&user, &input.body)?;
        let account_id = account.id();
        let change = profile::apply(&mut user, &input.body, request.now)?;
        if let Some(change) = change
            && !rows::set_identifier(cx.tx, &request.tenant, &change).await?
        {
            return Err(exists_already());
        }
        if input.body.contains_key("username") && account.provider == "auth0" {
            let username = text(profile::profile_of(&mut user, account.place), "username");
            if !rows::set_username(cx.tx, &request.tenant, &account.connection, &account_id, username).await?
            {
                return Err(exists_already());
            }
        }
        if let Some(hash) = &input.password {
            passwords::set(cx.tx, &request.tenant, &account_id, hash, request.now).await?;
        }
        // Its hash is here, or the script of a custom database has set it.
        let new_password = input.body.get("password").is_some_and(Value::is_string);
        if let Some(initiator) = logged_out_by(&before, &user, new_password) {
            sessions::end_all_of_user(cx.tx, &request.tenant, id, initiator, request.now).await?;
        }
        rows::store(cx.tx, &request.tenant, id, &user, request.now).await?;
        let user = user.into_value();
        let happened = new_password.then(|| Happened::PasswordChanged {
            connection: account.connection.clone(),
            user: user.clone(),
        });
        Ok(Answer { happened, ..Answer::from(present(caller, &input.query, user)) })
    })
}

/// Why a change ends the user's sessions, if it does: what the user logs in by or with is another one.
fn logged_out_by(before: &Map, after: &Map, new_password: bool) -> Option<Initiator> {
    const IDENTIFIERS: &[&str] = &["email", "email_verified", "phone_number", "username", "identities"];
    if new_password {
        return Some(Initiator::PasswordChanged);
    }
    let changed = IDENTIFIERS.iter().any(|name| before.get(*name) != after.get(*name));
    changed.then_some(Initiator::EmailIdentifierChanged)
}

fn text<'a>(user: &'a Map, name: &str) -> Option<&'a str> {
    user.get(name).and_then(Value::as_str)
}

/// What `update:users_app_metadata` alone allows.
fn only_app_metadata(body: &Map) -> Result<(), ApiError> {
    if body.keys().any(|name| !matches!(name.as_str(), "app_metadata" | "connection" | "client_id")) {
        return Err(ApiError::insufficient_scope(&["update:users"]));
    }
    Ok(())
}

fn delete<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        rows::delete(cx.tx, &cx.request.tenant, user_id(input)?, cx.request.now).await?;
        Ok(Answer::default())
    })
}

fn list_by_email<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let email = input.query.text("email").filter(|email| !email.is_empty());
        let email = email.ok_or_else(|| ApiError::invalid_query("'Missing required property: email'"))?;
        let rows = cx.tx.all(&BY_EMAIL, &params![&cx.request.tenant, email]).await?;
        let users = rows.iter().map(|row| row.json(0)).collect::<Result<Vec<Value>, StoreError>>()?;
        let caller = &cx.request.caller;
        Ok(users.into_iter().map(|user| present(caller, &input.query, user)).collect::<Value>().into())
    })
}

#[cfg(test)]
#[path = "users_tests.rs"]
mod tests;
