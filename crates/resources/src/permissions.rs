//! Permissions: scopes of APIs as roles and users hold them, `{resource_server_identifier, permission_name}`.
//!
//! [`held`] is what role-based access control cuts a user's scopes to. A permission whose scope the API
//! no longer defines is held by nobody until it is defined again: it stays stored and is not shown.

use std::collections::BTreeMap;

use gatewright_core::ids::TenantId;
use gatewright_core::resource_server::ResourceServer;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::{Value, json};

use crate::engine::field::{Field, SOME_TEXT, Shape, field};
use crate::engine::query::{Paging, Query};
use crate::engine::{ApiError, Input, Map, OpCx};
use crate::resource_servers;

sql!(
    // A cross join, for SQLite then begins with the user's roles and not with those of all.
    HELD,
    "SELECT permission_name FROM user_permissions
     WHERE tenant_id = $1 AND user_id = $2 AND resource_server_id = $3
     UNION
     SELECT p.permission_name FROM user_roles r CROSS JOIN role_permissions p
     WHERE r.tenant_id = $1 AND r.user_id = $2
       AND p.tenant_id = r.tenant_id AND p.role_id = r.role_id AND p.resource_server_id = $3
     ORDER BY permission_name"
);
sql!(USERS_OF_API, "DELETE FROM user_permissions WHERE tenant_id = $1 AND resource_server_id = $2");
sql!(ROLES_OF_API, "DELETE FROM role_permissions WHERE tenant_id = $1 AND resource_server_id = $2");

const ENTRY: &[Field] = &[
    field("resource_server_identifier", SOME_TEXT).required(),
    field("permission_name", SOME_TEXT).required(),
];

/// The body that gives or takes permissions.
pub(crate) const BODY: &[Field] =
    &[field("permissions", Shape::List { of: &Shape::object(ENTRY), min: 1 }).required()];

/// The names of all permissions the user holds on the API, direct and through roles, in alphabetical
/// order.
pub async fn held(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    resource_server_id: &str,
) -> Result<Vec<String>, StoreError> {
    let rows = tx.all(&HELD, &params![tenant, user_id, resource_server_id]).await?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// A permission as rows name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Permission {
    /// The API's id, which outlives a change of the host.
    pub(crate) resource_server_id: String,
    /// The scope.
    pub(crate) name: String,
}

/// The permissions of a body that gives them: every one is a scope that its API defines.
pub(crate) async fn given(cx: &mut OpCx<'_>, input: &Input) -> Result<Vec<Permission>, ApiError> {
    let mut permissions = Vec::new();
    for (index, (audience, name)) in entries(input).enumerate() {
        let api = resource_servers::by_audience(cx, audience).await?;
        let api = api.ok_or_else(|| resource_servers::RESOURCE_SERVERS.missing())?;
        if !api.defines(name) {
            return Err(ApiError::invalid_body(format_args!(
                "'The API {audience} does not define {name}' on property permissions[{index}].permission_name"
            )));
        }
        permissions.push(Permission { resource_server_id: api.id, name: name.to_owned() });
    }
    Ok(permissions)
}

/// The permissions of a body that takes them away. Those that cannot exist are left out: they are gone.
pub(crate) async fn taken(cx: &mut OpCx<'_>, input: &Input) -> Result<Vec<Permission>, ApiError> {
    let mut permissions = Vec::new();
    for (audience, name) in entries(input) {
        if let Some(api) = resource_servers::by_audience(cx, audience).await? {
            permissions.push(Permission { resource_server_id: api.id, name: name.to_owned() });
        }
    }
    Ok(permissions)
}

fn entries(input: &Input) -> impl Iterator<Item = (&str, &str)> {
    let entries = input.body.get("permissions").and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(|entry| {
        Some((entry["resource_server_identifier"].as_str()?, entry["permission_name"].as_str()?))
    })
}

/// One page of permissions as the API shows them, each with what `extra` adds.
pub(crate) async fn page(
    cx: &mut OpCx<'_>,
    query: &Query,
    held: Vec<Permission>,
    extra: impl Fn(&Permission) -> Map,
) -> Result<Value, ApiError> {
    let apis: BTreeMap<String, ResourceServer> = resource_servers::load(cx.tx, &cx.request.tenant)
        .await?
        .into_iter()
        .map(|api| (api.id.clone(), api))
        .collect();
    let identifiers = resource_servers::identifiers(cx).await?;
    let shown = held.iter().filter_map(|permission| {
        let api = apis.get(&permission.resource_server_id)?;
        let scope = api.scopes.iter().find(|scope| scope.value == permission.name)?;
        let mut entry = extra(permission);
        entry.insert("permission_name".to_owned(), permission.name.as_str().into());
        entry.insert("description".to_owned(), scope.description.as_str().into());
        entry.insert("resource_server_name".to_owned(), api.name.as_str().into());
        entry.insert(
            "resource_server_identifier".to_owned(),
            identifiers.get(&api.id).cloned().unwrap_or_default(),
        );
        Some(Value::Object(entry))
    });
    let shown: Vec<Value> = shown.collect();
    Ok(cut("permissions", shown, query))
}

/// One page of a short list that was read whole.
pub(crate) fn cut(plural: &str, items: Vec<Value>, query: &Query) -> Value {
    let total = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let paging = query.paging();
    let start = usize::try_from(paging.offset()).unwrap_or(usize::MAX);
    let limit = usize::try_from(paging.limit()).unwrap_or(0);
    let page: Vec<Value> = items.into_iter().skip(start).take(limit).collect();
    match paging {
        Paging::Checkpoint { .. } => json!({ plural: page }),
        paging => paging.offset_body(plural, page, total),
    }
}

/// Forgets every permission on an API that is being deleted.
pub(crate) async fn delete_of_resource_server(
    tx: &mut Tx,
    tenant: &TenantId,
    id: &str,
) -> Result<(), StoreError> {
    tx.run(&USERS_OF_API, &params![tenant, id]).await?;
    tx.run(&ROLES_OF_API, &params![tenant, id]).await.map(drop)
}
