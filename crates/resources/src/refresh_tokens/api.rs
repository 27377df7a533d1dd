//! `/refresh-tokens` and `/users/{user_id}/refresh-tokens`: families, each shown as one token.

use gatewright_core::Timestamp;
use gatewright_core::client::Client;
use gatewright_core::ids::TenantId;
use gatewright_core::refresh::RefreshPolicy;
use gatewright_store::{Row, StoreError, Tx, params, sql};
use serde_json::{Map as JsonMap, Value, json};

use super::{LOCK_USER, revoke};
use crate::engine::field::{Field, OBJECT, SOME_TEXT, Shape, field};
use crate::engine::operation::Run;
use crate::engine::query::{checkpoint_body, cut};
use crate::engine::validate::Purpose;
use crate::engine::{Answer, ApiError, Handler, Input, Method, OpCx, Operation, Resource};
use crate::sessions::api::metadata;
use crate::users;

const READ: &[&str] = &["read:refresh_tokens"];
const DELETE: &[&str] = &["delete:refresh_tokens"];

const PARTIES: &[Field] = &[
    field("user_id", SOME_TEXT).hint("Tokens of this user"),
    field("client_id", SOME_TEXT).hint("Tokens of this client, beside user_id"),
];
const METADATA: &[Field] = &[field("refresh_token_metadata", OBJECT)
    .nullable()
    .required()
    .hint("Replaces what is noted; null removes it. Nothing reads it but this API")];
const REVOCATION: &[Field] = &[
    field("ids", Shape::List { of: &SOME_TEXT, min: 1 })
        .hint("Refresh tokens by their ids, and nothing else"),
    field("user_id", SOME_TEXT).hint("Every refresh token of this user"),
    field("client_id", SOME_TEXT).hint("Only those of this client"),
    field("audience", SOME_TEXT).hint("Only those for this API; needs client_id"),
];

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
            "get_refresh_tokens",
            Method::Get,
            "/refresh-tokens",
            "Get refresh tokens",
            READ,
            Handler::Custom(list_of),
        )
        .query(PARTIES),
        Operation::new(
            "revoke_refresh_tokens",
            Method::Post,
            "/refresh-tokens/revoke",
            "Revoke refresh tokens",
            DELETE,
            Handler::Custom(revoke_some),
        )
        .body(REVOCATION, Purpose::Create)
        .success(202),
        Operation::new(
            "patch_refresh_tokens_by_id",
            Method::Patch,
            "/refresh-tokens/{id}",
            "Update a refresh token",
            &["update:refresh_tokens"],
            Handler::Custom(update),
        )
        .body(METADATA, Purpose::Update),
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
       f.expires_at, f.audience, f.scope, c.doc, f.metadata
     FROM refresh_token_families f
     LEFT JOIN clients c ON c.tenant_id = f.tenant_id AND c.client_id = f.client_id
     WHERE f.tenant_id = $1 AND f.family_id = $2 AND f.revoked_at IS NULL
       AND (f.expires_at IS NULL OR f.expires_at > $3)"
);
sql!(
    PAGE,
    "SELECT f.family_id, f.user_id, f.client_id, f.session_id, f.rotating, f.issued_at, f.last_used_at,
       f.expires_at, f.audience, f.scope, c.doc, f.metadata
     FROM refresh_token_families f
     LEFT JOIN clients c ON c.tenant_id = f.tenant_id AND c.client_id = f.client_id
     WHERE f.tenant_id = $1 AND f.user_id = $2 AND f.revoked_at IS NULL
       AND (f.expires_at IS NULL OR f.expires_at > $3) AND f.family_id > $4
       AND ($6 = '' OR f.client_id = $6)
     ORDER BY f.family_id LIMIT $5"
);
sql!(
    SET_METADATA,
    "UPDATE refresh_token_families SET metadata = $3
     WHERE tenant_id = $1 AND family_id = $2 AND revoked_at IS NULL"
);
sql!(
    OF_PARTIES,
    "SELECT family_id FROM refresh_token_families
     WHERE tenant_id = $1 AND ($2 = '' OR user_id = $2) AND ($3 = '' OR client_id = $3)
       AND ($4 = '' OR audience = $4) AND revoked_at IS NULL ORDER BY family_id"
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
        let user_id = input.param("user_id");
        users::must_exist(cx.tx, &cx.request.tenant, user_id).await?;
        page(cx, input, user_id, "", "tokens").await
    })
}

/// `GET /refresh-tokens`. Compat: nobody asks for the tokens of all users.
fn list_of<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let Some(user_id) = input.query.text("user_id") else {
            return Err(ApiError::invalid_query("'Missing required property: user_id'"));
        };
        let client_id = input.query.text("client_id").unwrap_or_default();
        page(cx, input, user_id, client_id, "refresh_tokens").await
    })
}

/// Tokens of a user and, if one is named, a client.
async fn page(
    cx: &mut OpCx<'_>,
    input: &Input,
    user_id: &str,
    client_id: &str,
    plural: &'static str,
) -> Result<Answer, ApiError> {
    let request = cx.request;
    let (take, from) = input.query.checkpoint();
    let values = params![&request.tenant, user_id, request.now, from, take + 1, client_id];
    let mut rows = cx.tx.all(&PAGE, &values).await?;
    let more = cut(&mut rows, take);
    let mut tokens = Vec::new();
    for row in &rows {
        if let Some(token) = shown(row, request.now)? {
            tokens.push(Value::Object(input.query.project(token)));
        }
    }
    let next = rows.last().filter(|_| more).map(|row| row.text(0)).transpose()?;
    Ok(checkpoint_body(plural, tokens, next).into())
}

fn update<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let metadata = metadata(input, "refresh_token_metadata")?;
        cx.tx.run(&SET_METADATA, &params![&request.tenant, input.id(), metadata]).await?;
        let row = cx.tx.opt(&BY_ID, &params![&request.tenant, input.id(), request.now]).await?;
        let token = shown(&row.ok_or_else(missing)?, request.now)?.ok_or_else(missing)?;
        Ok(Value::Object(input.query.project(token)).into())
    })
}

/// Revokes tokens by their ids, or all of a user, of a client, of both, for one API.
fn revoke_some<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (tenant, now) = (&cx.request.tenant, cx.request.now);
        let text = |name: &str| input.body.get(name).and_then(Value::as_str).unwrap_or_default();
        let (user_id, client_id, audience) = (text("user_id"), text("client_id"), text("audience"));
        let ids = input.body.get("ids").and_then(Value::as_array);
        let refused = |why: &str| Err(ApiError::invalid_body(format_args!("'{why}'")));
        let mut families: Vec<String> = match ids {
            Some(_) if input.body.len() > 1 => return refused("ids stand alone"),
            Some(ids) => ids.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            None if user_id.is_empty() && client_id.is_empty() => {
                return refused("Missing required property: ids, user_id or client_id");
            }
            None if !audience.is_empty() && client_id.is_empty() => {
                return refused("audience needs client_id");
            }
            None => {
                // Whoever touches several families of a user locks the user first.
                cx.tx.run(&LOCK_USER, &params![tenant, user_id]).await?;
                let rows = cx.tx.all(&OF_PARTIES, &params![tenant, user_id, client_id, audience]).await?;
                rows.iter().map(|row| row.text(0)).collect::<Result<_, StoreError>>()?
            }
        };
        // One order for everybody, so that nobody waits in a circle.
        families.sort_unstable();
        for family in families {
            revoke(cx.tx, tenant, &family, REVOKED, now).await?;
        }
        Ok(Answer::default())
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
        revoke_all_of_user(cx.tx, &request.tenant, user_id, request.now).await?;
        Ok(Answer::default())
    })
}

/// Revokes every family of a user.
pub(crate) async fn revoke_all_of_user(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    // Whoever touches several families of a user locks the user first.
    tx.run(&LOCK_USER, &params![tenant, user_id]).await?;
    for row in tx.all(&OF_USER, &params![tenant, user_id]).await? {
        revoke(tx, tenant, &row.text(0)?, REVOKED, now).await?;
    }
    Ok(())
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
        Value::Object(mut token) => {
            if let Some(metadata) = row.opt_json(11)? {
                token.insert("refresh_token_metadata".to_owned(), metadata);
            }
            Some(token)
        }
        _ => None,
    })
}
