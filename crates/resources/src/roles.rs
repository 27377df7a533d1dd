//! Roles: named sets of permissions.

use gatewright_core::ids::TenantId;
use gatewright_store::{BoxFuture, StoreError, Tx, Val, params, sql};
use serde_json::{Value, json};

use crate::engine::documents::document_table;
use crate::engine::field::{Field, SOME_TEXT, Shape, TEXT, field};
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{Answer, ApiError, Crud, Handler, IdForm, Input, Map, Method, OpCx, Operation, Resource};
use crate::organizations;
use crate::permissions::{self, BODY, Permission};

document_table!(TABLE, "roles", id "role_id", keys "name");
sql!(
    PERMISSIONS,
    "SELECT resource_server_id, permission_name FROM role_permissions
     WHERE tenant_id = $1 AND role_id = $2 ORDER BY resource_server_id, permission_name"
);
sql!(
    ADD_PERMISSION,
    "INSERT INTO role_permissions (tenant_id, role_id, resource_server_id, permission_name)
     VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, role_id, resource_server_id, permission_name) DO NOTHING"
);
sql!(
    REMOVE_PERMISSION,
    "DELETE FROM role_permissions
     WHERE tenant_id = $1 AND role_id = $2 AND resource_server_id = $3 AND permission_name = $4"
);
sql!(DELETE_PERMISSIONS, "DELETE FROM role_permissions WHERE tenant_id = $1 AND role_id = $2");
sql!(DELETE_IN_ORGANIZATIONS, "DELETE FROM organization_member_roles WHERE tenant_id = $1 AND role_id = $2");
sql!(DELETE_MEMBERS, "DELETE FROM user_roles WHERE tenant_id = $1 AND role_id = $2");

const ITEM: &str = "/roles/{id}";
const ITS_PERMISSIONS: &str = "/roles/{id}/permissions";

pub(crate) static ROLES: Crud = Crud {
    not_found: ("The role does not exist.", None),
    conflict: "A role with this name already exists.",
    keys: |role| vec![Val::from(text(role, "name"))],
    draft,
    remove,
    present: |_, _, mut role| {
        complete(&mut role);
        role
    },
    selects: |query, role| {
        let name = text(role, "name").to_lowercase();
        let is = |member: &str| query.text(member).is_none_or(|wanted| wanted == text(role, member));
        query.text("name_filter").is_none_or(|filter| name.contains(&filter.to_lowercase()))
            && is("type")
            && is("owner_id")
    },
    ..Crud::plain(&TABLE, "/roles", ITEM, "roles", IdForm::Alphanumeric("rol_", 16), FIELDS)
};

const FIELDS: &[Field] = &[
    field("name", Shape::text(1, 150)).required().hint("Name of the role"),
    field("description", Shape::text(0, 300)).nullable(),
    field("type", Shape::OneOf(&["tenant", "organization"])).immutable(),
    field("owner_id", SOME_TEXT).immutable().hint("The organization that a role of this type is for"),
];

/// `/roles` and the permissions of roles.
pub static RESOURCE: Resource = Resource {
    name: "roles",
    operations: &[
        ROLES.lists("get_roles", "Get roles", &["read:roles"]).query(&[
            field("name_filter", TEXT),
            field("type", TEXT),
            field("owner_id", TEXT),
        ]),
        ROLES.creates("post_roles", "Create a role", &["create:roles"]).success(200),
        ROLES.reads("get_roles_by_id", "Get a role", &["read:roles"]),
        ROLES.updates("patch_roles_by_id", "Update a role", &["update:roles"]),
        ROLES.deletes("delete_roles_by_id", "Delete a role", &["delete:roles"]).success(200),
        Operation::new(
            "get_role_permission",
            Method::Get,
            ITS_PERMISSIONS,
            "Get permissions granted by a role",
            &["read:roles"],
            Handler::Custom(list_permissions),
        ),
        Operation::new(
            "post_role_permission_assignment",
            Method::Post,
            ITS_PERMISSIONS,
            "Associate permissions with a role",
            &["update:roles"],
            Handler::Custom(add_permissions),
        )
        .body(BODY, Purpose::Create)
        .success(201),
        Operation::new(
            "delete_role_permission_assignment",
            Method::Delete,
            ITS_PERMISSIONS,
            "Remove permissions from a role",
            &["update:roles"],
            Handler::Custom(remove_permissions),
        )
        .body(BODY, Purpose::Create)
        .success(204),
    ],
};

/// The stored role of this id, or 404.
pub(crate) async fn existing(cx: &mut OpCx<'_>, id: &str) -> Result<Map, ApiError> {
    let found = ROLES.find(cx.tx, &cx.request.tenant, &cx.request.master_key, id).await?;
    found.ok_or_else(|| ROLES.missing())
}

/// What every role shows, whenever it was made.
pub(crate) fn complete(role: &mut Map) {
    role.entry("description").or_insert(Value::Null);
    role.entry("type").or_insert("tenant".into());
}

/// A role for the members of one organization names it as its owner; another has no owner.
fn draft<'a>(cx: &'a mut OpCx<'_>, role: &'a mut Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        match (text(role, "type") == "organization", role.get("owner_id").and_then(Value::as_str)) {
            (true, Some(owner)) => organizations::existing(cx, owner).await.map(drop),
            (true, None) => Err(ApiError::invalid_body("'Missing required property: owner_id'")),
            (false, Some(_)) => Err(ApiError::invalid_body(
                "'Only roles of the type organization have one' on property owner_id",
            )),
            (false, None) => Ok(()),
        }
    })
}

/// Refuses to give a role to somebody for whom it is not: one of an organization is for its members, as such.
pub(crate) fn is_for(role: &Map, organization: Option<&str>) -> Result<(), ApiError> {
    match role.get("owner_id").and_then(Value::as_str) {
        Some(owner) if Some(owner) != organization => Err(ROLES.missing()),
        _ => Ok(()),
    }
}

/// Deletes the roles that are for an organization only.
pub(crate) async fn delete_of_organization(cx: &mut OpCx<'_>, organization: &str) -> Result<(), ApiError> {
    let tenant = cx.request.tenant.clone();
    for role in ROLES.load(cx.tx, &tenant, &cx.request.master_key).await? {
        if text(&role, "owner_id") == organization {
            remove(cx, &role).await?;
            cx.tx.run(ROLES.table.delete, &params![&tenant, text(&role, "id")]).await?;
        }
    }
    Ok(())
}

fn text<'a>(role: &'a Map, name: &str) -> &'a str {
    role.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn remove<'a>(cx: &'a mut OpCx<'_>, role: &'a Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let id = role.get("id").and_then(Value::as_str).unwrap_or_default();
        for statement in [&DELETE_PERMISSIONS, &DELETE_MEMBERS, &DELETE_IN_ORGANIZATIONS] {
            cx.tx.run(statement, &params![&cx.request.tenant, id]).await?;
        }
        Ok(())
    })
}

/// Adds a permission to a role, unless it has it.
pub(crate) async fn give_permission(
    tx: &mut Tx,
    tenant: &TenantId,
    role_id: &str,
    resource_server_id: &str,
    name: &str,
) -> Result<(), StoreError> {
    tx.run(&ADD_PERMISSION, &params![tenant, role_id, resource_server_id, name]).await.map(drop)
}

async fn permissions_of(
    tx: &mut Tx,
    tenant: &TenantId,
    role_id: &str,
) -> Result<Vec<Permission>, StoreError> {
    let rows = tx.all(&PERMISSIONS, &params![tenant, role_id]).await?;
    rows.iter().map(|row| Ok(Permission { resource_server_id: row.text(0)?, name: row.text(1)? })).collect()
}

fn list_permissions<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input.id()).await?;
        let held = permissions_of(cx.tx, &cx.request.tenant, input.id()).await?;
        Ok(permissions::page(cx, &input.query, held, |_| Map::new()).await?.into())
    })
}

fn add_permissions<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input.id()).await?;
        for permission in permissions::given(cx, input).await? {
            let keys =
                params![&cx.request.tenant, input.id(), permission.resource_server_id, permission.name];
            cx.tx.run(&ADD_PERMISSION, &keys).await?;
        }
        Ok(json!({}).into())
    })
}

fn remove_permissions<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input.id()).await?;
        for permission in permissions::taken(cx, input).await? {
            let keys =
                params![&cx.request.tenant, input.id(), permission.resource_server_id, permission.name];
            cx.tx.run(&REMOVE_PERMISSION, &keys).await?;
        }
        Ok(Answer::default())
    })
}
