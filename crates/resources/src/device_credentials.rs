//! Device credentials: the refresh tokens by which devices speak for users, as the Management API lists and
//! ends them.
//!
//! Owns: two operations over the families of `crate::refresh_tokens`, each family being one credential.
//! Public keys, which users' own tokens would add, are not built.

use gatewright_core::Timestamp;
use gatewright_store::{Val, params, sql};
use serde_json::{Value, json};

use crate::engine::field::{Field, Shape, TEXT, field};
use crate::engine::operation::Run;
use crate::engine::query::Query;
use crate::engine::{Answer, Handler, Input, Map, Method, OpCx, Operation, Resource};
use crate::refresh_tokens;

const ROTATING: &str = "rotating_refresh_token";
const KEPT: &str = "refresh_token";

const FILTERS: &[Field] = &[
    field("user_id", TEXT),
    field("client_id", TEXT),
    field("type", Shape::OneOf(&["public_key", KEPT, ROTATING])),
];

/// `/device-credentials`.
pub static RESOURCE: Resource = Resource {
    name: "device-credentials",
    operations: &[
        Operation::new(
            "get_device_credentials",
            Method::Get,
            "/device-credentials",
            "Retrieve device credentials",
            &["read:device_credentials"],
            Handler::Custom(list),
        )
        .query(FILTERS),
        Operation::new(
            "delete_device_credentials_by_id",
            Method::Delete,
            "/device-credentials/{id}",
            "Delete a device credential",
            &["delete:device_credentials", "delete:current_user_device_credentials"],
            Handler::Custom(delete),
        )
        .success(204),
    ],
};

// Each filter is whether there is none, and its value, so that one statement serves them all.
sql!(
    LIST,
    "SELECT family_id, client_id, user_id, rotating FROM refresh_token_families
     WHERE tenant_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
       AND ($3 OR user_id = $4) AND ($5 OR client_id = $6) AND ($7 OR rotating = $8)
     ORDER BY issued_at, family_id LIMIT $9 OFFSET $10"
);
sql!(
    COUNT,
    "SELECT COUNT(*) FROM refresh_token_families
     WHERE tenant_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
       AND ($3 OR user_id = $4) AND ($5 OR client_id = $6) AND ($7 OR rotating = $8)"
);

/// The values of both statements up to the page.
fn filters(cx: &OpCx<'_>, query: &Query, kind: Option<&str>) -> Vec<Val> {
    let now: Timestamp = cx.request.now;
    let mut values: Vec<Val> = params![&cx.request.tenant, now].into();
    for name in ["user_id", "client_id"] {
        let wanted = query.text(name);
        values.push(Val::Bool(wanted.is_none()));
        values.push(wanted.unwrap_or_default().into());
    }
    values.push(Val::Bool(kind.is_none()));
    values.push(Val::Bool(kind == Some(ROTATING)));
    values
}

fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (query, paging) = (&input.query, input.query.paging());
        // Compat: with paging and without a type, tokens that do not rotate are meant.
        let kind = query.text("type").or_else(|| query.text("page").map(|_| KEPT));
        if kind == Some("public_key") {
            return Ok(paging.offset_body("device_credentials", Vec::new(), 0).into());
        }
        let mut values = filters(cx, query, kind);
        let total = cx.tx.one(&COUNT, &values).await?.int(0)?;
        values.extend([Val::Int(paging.limit()), Val::Int(paging.offset())]);
        let mut found = Vec::new();
        for row in cx.tx.all(&LIST, &values).await? {
            let kind = if row.bool(3)? { ROTATING } else { KEPT };
            let credential = json!({
                "id": row.text(0)?, "type": kind, "user_id": row.text(2)?, "client_id": row.text(1)?,
            });
            found.push(Value::Object(query.project(members(credential))));
        }
        Ok(paging.offset_body("device_credentials", found, total).into())
    })
}

/// Compat: what is not there any more is deleted all the same.
fn delete<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let because = "device_credential_deleted";
        refresh_tokens::revoke(cx.tx, &request.tenant, input.id(), because, request.now).await?;
        Ok(Answer::default())
    })
}

fn members(value: Value) -> Map {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
