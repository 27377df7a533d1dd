//! `/users/{id}/permissions`: permissions that users hold directly, and those that their roles give.

use std::collections::BTreeMap;

use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::{Value, json};

use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{Answer, Handler, Input, Map, Method, OpCx, Operation, Resource};
use crate::permissions::{self, BODY, Permission};
use crate::users;

sql!(
    GIVE,
    "INSERT INTO user_permissions (tenant_id, user_id, resource_server_id, permission_name)
     VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, user_id, resource_server_id, permission_name) DO NOTHING"
);
sql!(
    TAKE_AWAY,
    "DELETE FROM user_permissions
     WHERE tenant_id = $1 AND user_id = $2 AND resource_server_id = $3 AND permission_name = $4"
);
sql!(
    SOURCES,
    "SELECT resource_server_id, permission_name, NULL AS role_id, NULL AS role FROM user_permissions
     WHERE tenant_id = $1 AND user_id = $2
     UNION ALL
     SELECT p.resource_server_id, p.permission_name, p.role_id, roles.name
     FROM user_roles r CROSS JOIN role_permissions p CROSS JOIN roles
     WHERE r.tenant_id = $1 AND r.user_id = $2 AND p.tenant_id = r.tenant_id AND p.role_id = r.role_id
       AND roles.tenant_id = r.tenant_id AND roles.role_id = r.role_id"
);

const PATH: &str = "/users/{id}/permissions";

/// `/users/{id}/permissions`.
pub static RESOURCE: Resource = Resource {
    name: "users",
    operations: &[
        Operation::new(
            "get_permissions",
            Method::Get,
            PATH,
            "Get a user's permissions",
            &["read:users"],
            Handler::Custom(list),
        ),
        Operation::new(
            "post_permissions",
            Method::Post,
            PATH,
            "Assign permissions to a user",
            &["update:users"],
            Handler::Custom(assign),
        )
        .body(BODY, Purpose::Create)
        .success(201),
        Operation::new(
            "delete_permissions",
            Method::Delete,
            PATH,
            "Remove permissions from a user",
            &["update:users"],
            Handler::Custom(remove),
        )
        .body(BODY, Purpose::Create)
        .success(204),
    ],
};

/// Gives a permission; does nothing if the user holds it already.
pub async fn give(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    resource_server_id: &str,
    permission_name: &str,
) -> Result<(), StoreError> {
    tx.run(&GIVE, &params![tenant, user_id, resource_server_id, permission_name]).await.map(drop)
}

fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = users::existing(cx, input).await?;
        let rows = cx.tx.all(&SOURCES, &params![&cx.request.tenant, user_id]).await?;
        let mut held = BTreeMap::<Permission, Vec<Value>>::new();
        for row in rows {
            let permission = Permission { resource_server_id: row.text(0)?, name: row.text(1)? };
            held.entry(permission).or_default().push(match (row.opt_text(2)?, row.opt_text(3)?) {
                (Some(id), Some(name)) => {
                    json!({ "source_id": id, "source_name": name, "source_type": "ROLE" })
                }
                _ => json!({ "source_id": "", "source_name": "", "source_type": "DIRECT" }),
            });
        }
        let permissions = held.keys().cloned().collect();
        let sources = |permission: &Permission| {
            let mut sources = held.get(permission).cloned().unwrap_or_default();
            sources.sort_by_key(|source| source["source_type"].as_str().map(str::to_owned));
            Map::from_iter([("sources".to_owned(), Value::Array(sources))])
        };
        Ok(permissions::page(cx, &input.query, permissions, sources).await?.into())
    })
}

fn assign<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = users::existing(cx, input).await?;
        for permission in permissions::given(cx, input).await? {
            give(cx.tx, &cx.request.tenant, user_id, &permission.resource_server_id, &permission.name)
                .await?;
        }
        Ok(json!({}).into())
    })
}

fn remove<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = users::existing(cx, input).await?;
        for permission in permissions::taken(cx, input).await? {
            let keys = params![&cx.request.tenant, user_id, permission.resource_server_id, permission.name];
            cx.tx.run(&TAKE_AWAY, &keys).await?;
        }
        Ok(Answer::default())
    })
}
