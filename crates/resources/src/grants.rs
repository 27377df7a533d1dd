//! Grants of users: what a user has allowed a client to do at an API. One row per user, client and API.

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{Row, StoreError, Tx, Val, params, sql};
use serde_json::{Value, json};

use crate::engine::field::{TEXT, field};
use crate::engine::operation::Run;
use crate::engine::query::Paging;
use crate::engine::{Answer, ApiError, Handler, Input, Method, OpCx, Operation, Resource};
use crate::refresh_tokens;

sql!(
    SCOPE,
    "SELECT scope FROM grants WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3 AND audience = $4"
);
sql!(
    PUT,
    "INSERT INTO grants (tenant_id, user_id, client_id, audience, grant_id, scope, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
     ON CONFLICT (tenant_id, user_id, client_id, audience) DO UPDATE SET scope = $6, updated_at = $7"
);

sql!(
    DELETE,
    "DELETE FROM grants WHERE tenant_id = $1 AND grant_id = $2 RETURNING user_id, client_id, audience"
);
sql!(
    DELETE_OF_USER,
    "DELETE FROM grants WHERE tenant_id = $1 AND user_id = $2 RETURNING user_id, client_id, audience"
);
sql!(DELETE_OF_CLIENT, "DELETE FROM grants WHERE tenant_id = $1 AND client_id = $2");

const DELETE_SCOPES: &[&str] = &["delete:grants"];

/// `/grants`.
pub static RESOURCE: Resource = Resource {
    name: "grants",
    operations: &[
        Operation::new(
            "get_grants",
            Method::Get,
            "/grants",
            "Get grants",
            &["read:grants"],
            Handler::Custom(list),
        )
        .query(&[field("user_id", TEXT), field("client_id", TEXT), field("audience", TEXT)]),
        Operation::new(
            "delete_grants_by_user_id",
            Method::Delete,
            "/grants",
            "Delete a user's grants",
            DELETE_SCOPES,
            Handler::Custom(delete_all),
        )
        .query(&[field("user_id", TEXT)])
        .success(204),
        Operation::new(
            "delete_grants_by_id",
            Method::Delete,
            "/grants/{id}",
            "Delete a grant",
            DELETE_SCOPES,
            Handler::Custom(delete),
        )
        .success(204),
    ],
};

/// Whose grant, to whom, at which API.
#[derive(Clone, Copy, Debug)]
pub struct Parties<'a> {
    /// The user who allows it.
    pub user_id: &'a str,
    /// The client that is allowed.
    pub client_id: &'a str,
    /// The API.
    pub audience: &'a str,
}

/// The scopes allowed so far; empty if there is no grant.
pub async fn scopes(tx: &mut Tx, tenant: &TenantId, parties: Parties<'_>) -> Result<Vec<String>, StoreError> {
    let values = params![tenant, parties.user_id, parties.client_id, parties.audience];
    let Some(row) = tx.opt(&SCOPE, &values).await? else { return Ok(Vec::new()) };
    serde_json::from_value(row.json(0)?).map_err(|error| StoreError::Mismatch(error.to_string()))
}

/// Adds scopes to what is allowed. `grant_id` names the grant if it is new.
pub async fn allow(
    tx: &mut Tx,
    tenant: &TenantId,
    parties: Parties<'_>,
    grant_id: &str,
    more: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut allowed = scopes(tx, tenant, parties).await?;
    for scope in more {
        if !allowed.contains(scope) {
            allowed.push(scope.clone());
        }
    }
    let values =
        params![tenant, parties.user_id, parties.client_id, parties.audience, grant_id, json!(allowed), now];
    tx.run(&PUT, &values).await.map(drop)
}

/// Deletes all of a user that is being deleted.
pub(crate) async fn delete_of_user(tx: &mut Tx, tenant: &TenantId, user_id: &str) -> Result<(), StoreError> {
    tx.run(&DELETE_OF_USER, &params![tenant, user_id]).await.map(drop)
}

/// Deletes all of a client that is being deleted.
pub(crate) async fn delete_of_client(
    tx: &mut Tx,
    tenant: &TenantId,
    client_id: &str,
) -> Result<(), StoreError> {
    tx.run(&DELETE_OF_CLIENT, &params![tenant, client_id]).await.map(drop)
}

fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let query = &input.query;
        let mut conditions = String::from("tenant_id = $1");
        let mut values: Vec<Val> = params![&cx.request.tenant].into();
        for column in ["user_id", "client_id", "audience"] {
            if let Some(value) = query.text(column).filter(|value| !value.is_empty()) {
                values.push(value.into());
                conditions.push_str(&format!(" AND {column} = ${}", values.len()));
            }
        }
        let count = format!("SELECT COUNT(*) FROM grants WHERE {conditions}");
        let counted = cx.tx.all_dynamic(&count, &values).await?;
        let total = counted.first().map_or(Ok(0), |row| row.int(0))?;
        // Of the two ways of paging this operation knows the older one only.
        let paging = match query.paging() {
            Paging::Checkpoint { .. } => {
                return Err(ApiError::invalid_query("'Use page and per_page' on property take"));
            }
            paging => paging,
        };
        values.extend(params![paging.limit(), paging.offset()]);
        let sql = format!(
            "SELECT grant_id, client_id, user_id, audience, scope FROM grants WHERE {conditions}
             ORDER BY created_at, grant_id LIMIT ${} OFFSET ${}",
            values.len() - 1,
            values.len()
        );
        let rows = cx.tx.all_dynamic(&sql, &values).await?;
        let grants = rows.iter().map(shown).collect::<Result<Vec<Value>, StoreError>>()?;
        Ok(paging.offset_body("grants", grants, total).into())
    })
}

fn shown(row: &Row) -> Result<Value, StoreError> {
    Ok(json!({
        "id": row.text(0)?,
        "clientID": row.text(1)?,
        "user_id": row.text(2)?,
        "audience": row.text(3)?,
        "scope": row.json(4)?,
    }))
}

fn delete<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let deleted = cx.tx.opt(&DELETE, &params![&cx.request.tenant, input.id()]).await?;
        if let Some(row) = deleted {
            take_back(cx, &row).await?;
        }
        Ok(Answer::default())
    })
}

fn delete_all<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = input.query.text("user_id").filter(|user_id| !user_id.is_empty());
        let user_id =
            user_id.ok_or_else(|| ApiError::invalid_query("'Missing required property: user_id'"))?;
        for row in cx.tx.all(&DELETE_OF_USER, &params![&cx.request.tenant, user_id]).await? {
            take_back(cx, &row).await?;
        }
        Ok(Answer::default())
    })
}

/// What was allowed is no longer: refresh tokens that came of it end.
async fn take_back(cx: &mut OpCx<'_>, row: &Row) -> Result<(), StoreError> {
    let (user_id, client_id, audience) = (row.text(0)?, row.text(1)?, row.text(2)?);
    let userinfo = audience == cx.request.issuer.userinfo_audience();
    let audience = if userinfo { "" } else { audience.as_str() };
    let parties = Parties { user_id: &user_id, client_id: &client_id, audience };
    refresh_tokens::revoke_of_grant(cx.tx, &cx.request.tenant, parties, cx.request.now).await
}
