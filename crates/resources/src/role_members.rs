//! Who has which role: `/roles/{id}/users` and `/users/{id}/roles`.

use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::{Value, json};

use crate::engine::field::{Field, SOME_TEXT, Shape, field};
use crate::engine::operation::Run;
use crate::engine::query::Paging;
use crate::engine::validate::Purpose;
use crate::engine::{Answer, ApiError, Handler, Input, Map, Method, OpCx, Operation, Resource};
use crate::{permissions, roles, users};

sql!(
    GIVE,
    "INSERT INTO user_roles (tenant_id, user_id, role_id) VALUES ($1, $2, $3)
     ON CONFLICT (tenant_id, user_id, role_id) DO NOTHING"
);
sql!(TAKE_AWAY, "DELETE FROM user_roles WHERE tenant_id = $1 AND user_id = $2 AND role_id = $3");
sql!(
    OF_USER,
    // A cross join, for SQLite then begins with the user's roles and not with all there are.
    "SELECT roles.doc FROM user_roles r CROSS JOIN roles
     WHERE r.tenant_id = $1 AND r.user_id = $2 AND roles.tenant_id = r.tenant_id AND roles.role_id = r.role_id
     ORDER BY roles.name, roles.role_id"
);
sql!(COUNT, "SELECT COUNT(*) FROM user_roles WHERE tenant_id = $1 AND role_id = $2");
sql!(
    MEMBERS,
    "SELECT u.doc, u.user_id FROM user_roles r
     JOIN users u ON u.tenant_id = r.tenant_id AND u.user_id = r.user_id
     WHERE r.tenant_id = $1 AND r.role_id = $2 AND r.user_id > $3 ORDER BY r.user_id LIMIT $4 OFFSET $5"
);

/// The roles that a user has, as the Management API shows them, by name.
pub async fn of_user(tx: &mut Tx, tenant: &TenantId, user_id: &str) -> Result<Vec<Value>, StoreError> {
    tx.all(&OF_USER, &params![tenant, user_id]).await?.iter().map(|row| row.json(0)).collect()
}

/// Gives a user a role, unless they have it.
pub(crate) async fn give(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    role_id: &str,
) -> Result<(), StoreError> {
    tx.run(&GIVE, &params![tenant, user_id, role_id]).await.map(drop)
}

const OF_ROLE: &str = "/roles/{id}/users";
const ITS_ROLES: &str = "/users/{id}/roles";
const IDS: Shape = Shape::List { of: &SOME_TEXT, min: 1 };
const USERS: &[Field] = &[field("users", IDS).required()];
const ROLES: &[Field] = &[field("roles", IDS).required()];

/// `/roles/{id}/users` and `/users/{id}/roles`.
pub static RESOURCE: Resource = Resource {
    name: "roles",
    operations: &[
        Operation::new(
            "get_role_user",
            Method::Get,
            OF_ROLE,
            "Get a role's users",
            &["read:users", "read:roles", "read:role_members"],
            Handler::Custom(members),
        ),
        Operation::new(
            "post_role_users",
            Method::Post,
            OF_ROLE,
            "Assign users to a role",
            &["update:roles", "create:role_members"],
            Handler::Custom(add_members),
        )
        .body(USERS, Purpose::Create),
        Operation::new(
            "get_user_roles",
            Method::Get,
            ITS_ROLES,
            "Get a user's roles",
            &["read:users", "read:roles", "read:role_members"],
            Handler::Custom(roles_of_user),
        ),
        Operation::new(
            "post_user_roles",
            Method::Post,
            ITS_ROLES,
            "Assign roles to a user",
            &["update:users", "create:role_members"],
            Handler::Custom(give_roles),
        )
        .body(ROLES, Purpose::Create)
        .success(204),
        Operation::new(
            "delete_user_roles",
            Method::Delete,
            ITS_ROLES,
            "Remove roles from a user",
            &["update:users", "delete:role_members"],
            Handler::Custom(take_roles),
        )
        .body(ROLES, Purpose::Create)
        .success(204),
    ],
};

fn members<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (tenant, role_id) = (&cx.request.tenant, input.id());
        roles::existing(cx, role_id).await?;
        let paging = input.query.paging();
        let after = match &paging {
            Paging::Checkpoint { from: Some(from), .. } => from.as_str(),
            _ => "",
        };
        // One more than the page holds tells whether another follows.
        let keys = params![tenant, role_id, after, paging.limit().saturating_add(1), paging.offset()];
        let mut rows = cx.tx.all(&MEMBERS, &keys).await?;
        let limit = usize::try_from(paging.limit()).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| row.text(1)).transpose()?;
        let users =
            rows.iter().map(|row| Ok(shown(&row.json(0)?))).collect::<Result<Vec<Value>, ApiError>>()?;
        Ok(match paging {
            Paging::Checkpoint { .. } => match next {
                Some(next) => json!({ "users": users, "next": next }),
                None => json!({ "users": users }),
            },
            paging => {
                let total = cx.tx.one(&COUNT, &params![tenant, role_id]).await?.int(0)?;
                paging.offset_body("users", users, total)
            }
        }
        .into())
    })
}

/// What a list of members shows of a user.
fn shown(user: &Value) -> Value {
    let members = ["user_id", "email", "name", "picture"].into_iter();
    let known = members.filter_map(|name| Some((name.to_owned(), user.get(name)?.clone())));
    Value::Object(Map::from_iter(known))
}

/// The ids that a body lists.
fn ids<'a>(input: &'a Input, member: &str) -> impl Iterator<Item = &'a str> {
    input.body.get(member).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn add_members<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        roles::is_for(&roles::existing(cx, input.id()).await?, None)?;
        for user_id in ids(input, "users") {
            if users::by_id(cx.tx, &cx.request.tenant, user_id).await?.is_none() {
                return Err(users::missing());
            }
            cx.tx.run(&GIVE, &params![&cx.request.tenant, user_id, input.id()]).await?;
        }
        Ok(Answer::default())
    })
}

fn roles_of_user<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = users::existing(cx, input).await?;
        let rows = cx.tx.all(&OF_USER, &params![&cx.request.tenant, user_id]).await?;
        let mut roles_of = Vec::new();
        for row in rows {
            let mut role = row.json(0)?;
            role.as_object_mut().map(roles::complete);
            roles_of.push(role);
        }
        Ok(permissions::cut("roles", roles_of, &input.query).into())
    })
}

fn give_roles<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = users::existing(cx, input).await?;
        for role_id in ids(input, "roles") {
            roles::is_for(&roles::existing(cx, role_id).await?, None)?;
            cx.tx.run(&GIVE, &params![&cx.request.tenant, user_id, role_id]).await?;
        }
        Ok(Answer::default())
    })
}

fn take_roles<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = users::existing(cx, input).await?;
        for role_id in ids(input, "roles") {
            cx.tx.run(&TAKE_AWAY, &params![&cx.request.tenant, user_id, role_id]).await?;
        }
        Ok(Answer::default())
    })
}
