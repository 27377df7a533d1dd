//! `/refresh-tokens` and `/users/{user_id}/refresh-tokens`: families, each shown as one token.

use gatewright_core::Timestamp;
use gatewright_core::client::Client;
use gatewright_core::refresh::RefreshPolicy;
use gatewright_store::{Row, StoreError, params, sql};
use serde_json::{Map as JsonMap, Value, json};

use super::{LOCK_USER, revoke};
use crate::engine::operation::Run;
use crate::engine::query::{checkpoint_body, cut};
use crate::engine::{Answer, ApiError, Handler, Input, Method, OpCx, Operation, Resource};
use crate::users;

const READ: &[&str] = &["read:refresh_tokens"];
const DELETE: &[&str] = &["delete:refresh_tokens"];

/// Why a family ended that an administrator revoked, for the log of later exchanges.
const REVOKED: &str = "revoked_by_administrator";

/// `/refresh-tokens`.
pub static RESOURCE: Resource = Resource {
    name: "refresh-tokens",
    operations: &[
        Operation::new(
            "get_refresh_token",
            Method::Get,
            "/refresh-tokens/{id}",
            "Get a refresh token",
            READ,
            Handler::Custom(read),
        ),
        Operation::new(
            "delete_refresh_token",
            Method::Delete,
            "/refresh-tokens/{id}",
            "Delete a refresh token",
            DELETE,
            Handler::Custom(delete),
        )
        .success(202),
        Operation::new(
            "get_refresh_tokens_for_user",
            Method::Get,
            "/users/{user_id}/refresh-tokens",
            "Get a user's refresh tokens",
            READ,
            Handler::Custom(list),
        ),
        Operation::new(
            "delete_refresh_tokens_for_user",
            Method::Delete,
            "/users/{user_id}/refresh-tokens",
            "Delete a user's refresh tokens",
            DELETE,
            Handler::Custom(delete_all),
        )
        .success(202),
    ],
};

sql!(
    BY_ID,
    "SELECT f.family_id, f.user_id, f.client_id, f.session_id, f.rotating, f.issued_at, f.last_used_at,
       f.expires_at, f.audience, f.scope, c.doc
     FROM refresh_token_families f
     LEFT JOIN clients c ON c.tenant_id = f.tenant_id AND c.client_id = f.client_id
     WHERE f.tenant_id = $1 AND f.family_id = $2 AND f.revoked_at IS NULL
       AND (f.expires_at IS NULL OR f.expires_at > $3)"
);
sql!(
    PAGE,
    "SELECT f.family_id, f.user_id, f.client_id, f.session_id, f.rotating, f.issued_at, f.last_used_at,
       f.expires_at, f.audience, f.scope, c.doc
     FROM refresh_token_families f
     LEFT JOIN clients c ON c.tenant_id = f.tenant_id AND c.client_id = f.client_id
     WHERE f.tenant_id = $1 AND f.user_id = $2 AND f.revoked_at IS NULL
       AND (f.expires_at IS NULL OR f.expires_at > $3) AND f.family_id > $4
     ORDER BY f.family_id LIMIT $5"
);
sql!(
    OF_USER,
    "SELECT family_id FROM refresh_token_families
     WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL ORDER BY family_id"
);

fn missing() -> ApiError {
    ApiError::new(404, "The refresh token does not exist.").code("inexistent_refresh_token")
}

fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let row = cx.tx.opt(&BY_ID, &params![&request.tenant, input.id(), request.now]).await?;
        let token = shown(&row.ok_or_else(missing)?, request.now)?.ok_or_else(missing)?;
        Ok(Value::Object(input.query.project(token)).into())
    })
}

fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (request, user_id) = (cx.request, input.param("user_id"));
        users::must_exist(cx.tx, &request.tenant, user_id).await?;
        let (take, from) = input.query.checkpoint();
        let values = params![&request.tenant, user_id, request.now, from, take + 1];
        let mut rows = cx.tx.all(&PAGE, &values).await?;
        let more = cut(&mut rows, take);
        let mut tokens = Vec::new();
        for row in &rows {
            if let Some(token) = shown(row, request.now)? {
                tokens.push(Value::Object(input.query.project(token)));
            }
        }
        let next = rows.last().filter(|_| more).map(|row| row.text(0)).transpose()?;
        Ok(checkpoint_body("tokens", tokens, next).into())
    })
}

fn delete<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        revoke(cx.tx, &cx.request.tenant, input.id(), REVOKED, cx.request.now).await?;
        Ok(Answer::default())
    })
}

fn delete_all<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (request, user_id) = (cx.request, input.param("user_id"));
        users::must_exist(cx.tx, &request.tenant, user_id).await?;
        // Whoever touches several families of a user locks the user first.
        cx.tx.run(&LOCK_USER, &params![&request.tenant, user_id]).await?;
        for row in cx.tx.all(&OF_USER, &params![&request.tenant, user_id]).await? {
            revoke(cx.tx, &request.tenant, &row.text(0)?, REVOKED, request.now).await?;
        }
        Ok(Answer::default())
    })
}

/// A family as the API shows it, unless it was idle too long.
fn shown(row: &Row, now: Timestamp) -> Result<Option<JsonMap<String, Value>>, StoreError> {
    let client: Client = match row.opt_json(10)? {
        Some(doc) => serde_json::from_value(doc).map_err(|error| StoreError::Mismatch(error.to_string()))?,
        None => Client::default(),
    };
    let last_used_at = row.time(6)?;
    let idle = RefreshPolicy::of(&client).idle_seconds.map(|seconds| last_used_at.plus_seconds(seconds));
    if idle.is_some_and(|end| end <= now) {
        return Ok(None);
    }
    let issued_at = row.time(5)?;
    let (audience, scopes) = (row.opt_text(8)?, row.text(9)?);
    let resource_servers = match audience {
        Some(audience) => json!([{"audience": audience, "scopes": scopes}]),
        None => json!([]),
    };
    let token = json!({
        "id": row.text(0)?,
        "user_id": row.text(1)?,
        "client_id": row.text(2)?,
        "session_id": row.opt_text(3)?,
        "rotating": row.bool(4)?,
        "created_at": issued_at.iso8601(),
        "expires_at": row.opt_time(7)?.map(Timestamp::iso8601),
        "idle_expires_at": idle.map(Timestamp::iso8601),
        "last_exchanged_at": (last_used_at > issued_at).then(|| last_used_at.iso8601()),
        "resource_servers": resource_servers,
    });
    Ok(match token {
        Value::Object(token) => Some(token),
        _ => None,
    })
}
