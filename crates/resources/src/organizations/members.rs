//! The members of an organization, and the roles that they have in it.

use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::{Value, json};

use super::existing;
use crate::engine::field::{Field, SOME_TEXT, Shape, field};
use crate::engine::operation::Run;
use crate::engine::query::{Paging, checkpoint_body, cut};
use crate::engine::validate::Purpose;
use crate::engine::{Answer, ApiError, Handler, Input, Map, Method, OpCx, Operation, Resource};
use crate::{permissions, roles, users};

sql!(
    ADD,
    "INSERT INTO organization_members (tenant_id, organization_id, user_id) VALUES ($1, $2, $3)
     ON CONFLICT (tenant_id, organization_id, user_id) DO NOTHING"
);
sql!(
    IS_MEMBER,
    "SELECT 1 FROM organization_members WHERE tenant_id = $1 AND organization_id = $2 AND user_id = $3"
);
sql!(
    REMOVE,
    "DELETE FROM organization_members WHERE tenant_id = $1 AND organization_id = $2 AND user_id = $3"
);
sql!(
    NO_ROLES,
    "DELETE FROM organization_member_roles WHERE tenant_id = $1 AND organization_id = $2 AND user_id = $3"
);
sql!(COUNT, "SELECT COUNT(*) FROM organization_members WHERE tenant_id = $1 AND organization_id = $2");
sql!(
    PAGE,
    "SELECT u.doc, u.user_id FROM organization_members m
     JOIN users u ON u.tenant_id = m.tenant_id AND u.user_id = m.user_id
     WHERE m.tenant_id = $1 AND m.organization_id = $2 AND m.user_id > $3
     ORDER BY m.user_id LIMIT $4 OFFSET $5"
);
sql!(
    ROLES,
    "SELECT r.doc FROM organization_member_roles m CROSS JOIN roles r
     WHERE m.tenant_id = $1 AND m.organization_id = $2 AND m.user_id = $3
       AND r.tenant_id = m.tenant_id AND r.role_id = m.role_id ORDER BY r.name, r.role_id"
);
sql!(
    GIVE,
    "INSERT INTO organization_member_roles (tenant_id, organization_id, user_id, role_id) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant_id, organization_id, user_id, role_id) DO NOTHING"
);
sql!(
    TAKE,
    "DELETE FROM organization_member_roles
     WHERE tenant_id = $1 AND organization_id = $2 AND user_id = $3 AND role_id = $4"
);
sql!(
    OF_USER,
    "SELECT o.doc FROM organization_members m CROSS JOIN organizations o
     WHERE m.tenant_id = $1 AND m.user_id = $2
       AND o.tenant_id = m.tenant_id AND o.organization_id = m.organization_id ORDER BY o.name"
);
sql!(FORGET, "DELETE FROM organization_members WHERE tenant_id = $1 AND user_id = $2");
sql!(FORGET_ROLES, "DELETE FROM organization_member_roles WHERE tenant_id = $1 AND user_id = $2");

const LIST: &str = "/organizations/{id}/members";
const ITS_ROLES: &str = "/organizations/{id}/members/{user_id}/roles";
const SOME: Shape = Shape::List { of: &SOME_TEXT, min: 1 };
const MEMBERS_BODY: &[Field] = &[field("members", SOME).required()];
const ROLES_BODY: &[Field] = &[field("roles", SOME).required()];

/// `/organizations/{id}/members` and `/users/{id}/organizations`.
pub static RESOURCE: Resource = Resource {
    name: "organizations",
    operations: &[
        Operation::new(
            "get_organization_members",
            Method::Get,
            LIST,
            "Get members who belong to an organization",
            &["read:organization_members"],
            Handler::Custom(list),
        ),
        Operation::new(
            "post_members",
            Method::Post,
            LIST,
            "Add members to an organization",
            &["create:organization_members"],
            Handler::Custom(add),
        )
        .body(MEMBERS_BODY, Purpose::Create)
        .success(204),
        Operation::new(
            "delete_members",
            Method::Delete,
            LIST,
            "Remove members from an organization",
            &["delete:organization_members"],
            Handler::Custom(remove),
        )
        .body(MEMBERS_BODY, Purpose::Create)
        .success(204),
        Operation::new(
            "get_organization_member_roles",
            Method::Get,
            ITS_ROLES,
            "Get the roles of an organization member",
            &["read:organization_member_roles"],
            Handler::Custom(list_roles),
        ),
        Operation::new(
            "post_organization_member_roles",
            Method::Post,
            ITS_ROLES,
            "Assign roles to an organization member",
            &["create:organization_member_roles"],
            Handler::Custom(give_roles),
        )
        .body(ROLES_BODY, Purpose::Create)
        .success(204),
        Operation::new(
            "delete_organization_member_roles",
            Method::Delete,
            ITS_ROLES,
            "Remove roles from an organization member",
            &["delete:organization_member_roles"],
            Handler::Custom(take_roles),
        )
        .body(ROLES_BODY, Purpose::Create)
        .success(204),
        Operation::new(
            "get_user_organizations",
            Method::Get,
            "/users/{id}/organizations",
            "List user's organizations",
            &["read:organizations"],
            Handler::Custom(of_user),
        ),
    ],
};

/// The ids that a body lists.
fn ids<'a>(input: &'a Input, member: &str) -> impl Iterator<Item = &'a str> {
    input.body.get(member).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Compat: the roles of each member are shown to who asks for them with `fields`.
fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (tenant, id) = (&cx.request.tenant, input.id());
        existing(cx, id).await?;
        let paging = input.query.paging();
        let from = match &paging {
            Paging::Checkpoint { from: Some(from), .. } => from.as_str(),
            _ => "",
        };
        // One more than the page holds tells whether another follows.
        let keys = params![tenant, id, from, paging.limit().saturating_add(1), paging.offset()];
        let mut rows = cx.tx.all(&PAGE, &keys).await?;
        let more = cut(&mut rows, paging.limit());
        let next = rows.last().filter(|_| more).map(|row| row.text(1)).transpose()?;
        let with_roles =
            input.query.text("fields").is_some_and(|fields| fields.split(',').any(|name| name == "roles"));
        let mut members = Vec::with_capacity(rows.len());
        for row in &rows {
            let user = row.json(0)?;
            let known = ["user_id", "email", "name", "picture"].into_iter();
            let mut member: Map =
                known.filter_map(|name| Some((name.to_owned(), user.get(name)?.clone()))).collect();
            if with_roles {
                let held = roles_of(cx, id, &row.text(1)?).await?;
                let held = held.iter().map(|role| json!({ "id": role["id"], "name": role["name"] }));
                member.insert("roles".to_owned(), held.collect());
            }
            members.push(Value::Object(input.query.project(member)));
        }
        Ok(match paging {
            Paging::Checkpoint { .. } => checkpoint_body("members", members, next),
            paging => {
                let total = cx.tx.one(&COUNT, &params![tenant, id]).await?.int(0)?;
                paging.offset_body("members", members, total)
            }
        }
        .into())
    })
}

fn add<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input.id()).await?;
        for user_id in ids(input, "members") {
            users::must_exist(cx.tx, &cx.request.tenant, user_id).await?;
            cx.tx.run(&ADD, &params![&cx.request.tenant, input.id(), user_id]).await?;
        }
        Ok(Answer::default())
    })
}

fn remove<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input.id()).await?;
        for user_id in ids(input, "members") {
            for statement in [&NO_ROLES, &REMOVE] {
                cx.tx.run(statement, &params![&cx.request.tenant, input.id(), user_id]).await?;
            }
        }
        Ok(Answer::default())
    })
}

/// The member that the path names, or 404.
async fn member<'a>(cx: &mut OpCx<'_>, input: &'a Input) -> Result<&'a str, ApiError> {
    existing(cx, input.id()).await?;
    let user_id = input.param("user_id");
    let found = cx.tx.opt(&IS_MEMBER, &params![&cx.request.tenant, input.id(), user_id]).await?;
    found.map(|_| user_id).ok_or_else(|| ApiError::new(404, "The user is no member of the organization."))
}

async fn roles_of(cx: &mut OpCx<'_>, id: &str, user_id: &str) -> Result<Vec<Value>, ApiError> {
    let rows = cx.tx.all(&ROLES, &params![&cx.request.tenant, id, user_id]).await?;
    let mut roles = rows.iter().map(|row| row.json(0)).collect::<Result<Vec<Value>, StoreError>>()?;
    roles.iter_mut().filter_map(Value::as_object_mut).for_each(crate::roles::complete);
    Ok(roles)
}

fn list_roles<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = member(cx, input).await?;
        let roles = roles_of(cx, input.id(), user_id).await?;
        Ok(permissions::cut("roles", roles, &input.query).into())
    })
}

fn give_roles<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = member(cx, input).await?;
        for role_id in ids(input, "roles") {
            roles::is_for(&roles::existing(cx, role_id).await?, Some(input.id()))?;
            cx.tx.run(&GIVE, &params![&cx.request.tenant, input.id(), user_id, role_id]).await?;
        }
        Ok(Answer::default())
    })
}

fn take_roles<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = member(cx, input).await?;
        for role_id in ids(input, "roles") {
            cx.tx.run(&TAKE, &params![&cx.request.tenant, input.id(), user_id, role_id]).await?;
        }
        Ok(Answer::default())
    })
}

fn of_user<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = users::existing(cx, input).await?;
        let rows = cx.tx.all(&OF_USER, &params![&cx.request.tenant, user_id]).await?;
        let found = rows.iter().map(|row| row.json(0)).collect::<Result<_, _>>()?;
        Ok(permissions::cut("organizations", found, &input.query).into())
    })
}

/// Takes a user who is deleted out of every organization.
pub(crate) async fn forget(tx: &mut Tx, tenant: &TenantId, user_id: &str) -> Result<(), StoreError> {
    for statement in [&FORGET_ROLES, &FORGET] {
        tx.run(statement, &params![tenant, user_id]).await?;
    }
    Ok(())
}
