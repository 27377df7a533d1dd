//! The connections of an organization, at `/connections` and, those that are enabled, at `/enabled_connections`.

use gatewright_core::ids::TenantId;
use gatewright_store::{Row, StoreError, Tx, params, sql};
use serde_json::{Value, json};

use super::{existing, text};
use crate::connections::CONNECTIONS;
use crate::engine::crud::{fill, merge};
use crate::engine::field::{BOOL, Field, SOME_TEXT, Shape, field};
use crate::engine::format::Format;
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{Answer, ApiError, Handler, Input, Map, Method, OpCx, Operation, Resource};
use crate::permissions;

sql!(
    ALL,
    "SELECT o.doc, c.doc FROM organization_connections o
     JOIN connections c ON c.tenant_id = o.tenant_id AND c.connection_id = o.connection_id
     WHERE o.tenant_id = $1 AND o.organization_id = $2 ORDER BY c.name"
);
sql!(
    ADD,
    "INSERT INTO organization_connections (tenant_id, organization_id, connection_id, doc) VALUES ($1, $2, $3, $4)"
);
sql!(
    SET,
    "UPDATE organization_connections SET doc = $4
     WHERE tenant_id = $1 AND organization_id = $2 AND connection_id = $3"
);
sql!(
    REMOVE,
    "DELETE FROM organization_connections WHERE tenant_id = $1 AND organization_id = $2 AND connection_id = $3"
);
sql!(FORGET, "DELETE FROM organization_connections WHERE tenant_id = $1 AND connection_id = $2");

const LIST: &str = "/organizations/{id}/connections";
const ITEM: &str = "/organizations/{id}/connections/{connection_id}";
const ENABLED_LIST: &str = "/organizations/{id}/enabled_connections";
const ENABLED_ITEM: &str = "/organizations/{id}/enabled_connections/{connectionId}";

/// What the older paths take.
pub(super) const ENABLED: &[Field] = &[
    field("connection_id", SOME_TEXT).required().immutable(),
    field("assign_membership_on_login", BOOL),
    field("show_as_button", BOOL),
    field("is_signup_enabled", BOOL),
];
const FIELDS: &[Field] = &[
    field("connection_id", SOME_TEXT).required().immutable(),
    field("assign_membership_on_login", BOOL),
    field("show_as_button", BOOL),
    field("is_signup_enabled", BOOL),
    field("is_enabled", BOOL).nullable(),
    field("organization_access_level", Shape::OneOf(&["none", "readonly", "limited", "full"])).nullable(),
    field("organization_connection_name", Shape::Text { min: 1, max: 50, format: Format::NoSpaces })
        .nullable(),
];
const READ: &[&str] = &["read:organization_connections"];
const CREATE: &[&str] = &["create:organization_connections"];
const UPDATE: &[&str] = &["update:organization_connections"];
const DELETE: &[&str] = &["delete:organization_connections"];

/// `/organizations/{id}/connections` and `/enabled_connections`.
pub static RESOURCE: Resource = Resource {
    name: "organizations",
    operations: &[
        Operation::new(
            "get_organization_connections",
            Method::Get,
            LIST,
            "Get an organization's connections",
            READ,
            Handler::Custom(|cx, input| list(cx, input, Paths::New)),
        )
        .query(&[field("is_enabled", BOOL)]),
        Operation::new(
            "post_organization_connection",
            Method::Post,
            LIST,
            "Add a connection to an organization",
            CREATE,
            Handler::Custom(|cx, input| create(cx, input, Paths::New)),
        )
        .body(FIELDS, Purpose::Create)
        .success(201)
        .writes_config(),
        Operation::new(
            "get_organization_connection",
            Method::Get,
            ITEM,
            "Get an organization's connection",
            READ,
            Handler::Custom(|cx, input| read(cx, input, Paths::New)),
        ),
        Operation::new(
            "patch_organization_connection",
            Method::Patch,
            ITEM,
            "Update an organization's connection",
            UPDATE,
            Handler::Custom(|cx, input| update(cx, input, Paths::New)),
        )
        .body(FIELDS, Purpose::Update)
        .writes_config(),
        Operation::new(
            "delete_organization_connection",
            Method::Delete,
            ITEM,
            "Remove a connection from an organization",
            DELETE,
            Handler::Custom(delete),
        )
        .success(204)
        .writes_config(),
        Operation::new(
            "get_enabled_connections",
            Method::Get,
            ENABLED_LIST,
            "Get connections enabled for an organization",
            READ,
            Handler::Custom(|cx, input| list(cx, input, Paths::Older)),
        ),
        Operation::new(
            "post_enabled_connections",
            Method::Post,
            ENABLED_LIST,
            "Add connections to an organization",
            CREATE,
            Handler::Custom(|cx, input| create(cx, input, Paths::Older)),
        )
        .body(ENABLED, Purpose::Create)
        .success(201)
        .writes_config(),
        Operation::new(
            "get_enabled_connections_by_connection_id",
            Method::Get,
            ENABLED_ITEM,
            "Get an enabled connection for an organization",
            READ,
            Handler::Custom(|cx, input| read(cx, input, Paths::Older)),
        ),
        Operation::new(
            "patch_enabled_connections_by_connection_id",
            Method::Patch,
            ENABLED_ITEM,
            "Update the connection of an organization",
            UPDATE,
            Handler::Custom(|cx, input| update(cx, input, Paths::Older)),
        )
        .body(ENABLED, Purpose::Update)
        .writes_config(),
        Operation::new(
            "delete_enabled_connections_by_connection_id",
            Method::Delete,
            ENABLED_ITEM,
            "Delete connections from an organization",
            DELETE,
            Handler::Custom(delete),
        )
        .success(204)
        .writes_config(),
    ],
};

/// Which of the two ways was asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Paths {
    /// `/connections`: all of them.
    New,
    /// `/enabled_connections`: those that are enabled, with fewer members.
    Older,
}

/// The id of the connection that the path names.
fn connection_id(input: &Input) -> &str {
    match input.param("connectionId") {
        "" => input.param("connection_id"),
        id => id,
    }
}

fn is_enabled(connection: &Map) -> bool {
    connection.get("is_enabled") != Some(&Value::Bool(false))
}

/// Stored settings and, apart, what is shown of the connection itself.
async fn all(cx: &mut OpCx<'_>, organization_id: &str) -> Result<Vec<(Map, Value)>, ApiError> {
    let both = |row: &Row| match (row.json(0)?, row.json(1)?) {
        (Value::Object(settings), connection) => {
            let shown = json!({ "name": connection["name"], "strategy": connection["strategy"] });
            Ok((settings, shown))
        }
        _ => Err(StoreError::Mismatch("an organization's connection is no object".to_owned())),
    };
    let rows = cx.tx.all(&ALL, &params![&cx.request.tenant, organization_id]).await?;
    Ok(rows.iter().map(both).collect::<Result<_, _>>()?)
}

fn present((mut settings, connection): (Map, Value), paths: Paths) -> Value {
    if paths == Paths::Older {
        for name in ["is_enabled", "organization_access_level", "organization_connection_name"] {
            settings.remove(name);
        }
    }
    settings.insert("connection".to_owned(), connection);
    settings.into()
}

async fn named(cx: &mut OpCx<'_>, input: &Input, paths: Paths) -> Result<(Map, Value), ApiError> {
    existing(cx, input.id()).await?;
    let id = connection_id(input);
    let found = all(cx, input.id()).await?.into_iter().find(|(settings, _)| {
        text(settings, "connection_id") == id && (paths == Paths::New || is_enabled(settings))
    });
    found.ok_or_else(|| ApiError::new(404, "The connection is not part of the organization."))
}

/// Adds a connection that the organization does not have yet.
pub(super) async fn add(
    cx: &mut OpCx<'_>,
    organization_id: &str,
    mut settings: Map,
) -> Result<(Map, Value), ApiError> {
    let (request, id) = (cx.request, text(&settings, "connection_id").to_owned());
    let connection = CONNECTIONS.find(cx.tx, &request.tenant, &request.master_key, &id).await?;
    let connection = connection.ok_or_else(|| CONNECTIONS.missing())?;
    settings.retain(|_, value| !value.is_null());
    fill(
        &mut settings,
        json!({
            "assign_membership_on_login": false,
            "show_as_button": true,
            "is_signup_enabled": false,
            "is_enabled": true,
            "organization_access_level": "none",
        }),
    );
    let values = params![&request.tenant, organization_id, &id, Value::Object(settings.clone())];
    cx.tx.run(&ADD, &values).await.map_err(|error| match error {
        StoreError::Unique { .. } => ApiError::conflict("The organization has this connection already."),
        other => other.into(),
    })?;
    let shown = json!({ "name": connection.get("name"), "strategy": connection.get("strategy") });
    Ok((settings, shown))
}

fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input, paths: Paths) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input.id()).await?;
        let (plural, wanted) = match paths {
            Paths::New => ("connections", input.query.bool("is_enabled")),
            Paths::Older => ("enabled_connections", Some(true)),
        };
        let mut known = all(cx, input.id()).await?;
        known.retain(|(settings, _)| wanted.is_none_or(|wanted| is_enabled(settings) == wanted));
        let shown = known.into_iter().map(|connection| present(connection, paths)).collect();
        Ok(permissions::cut(plural, shown, &input.query).into())
    })
}

fn create<'a>(cx: &'a mut OpCx<'_>, input: &'a Input, paths: Paths) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input.id()).await?;
        let added = add(cx, input.id(), input.body.clone()).await?;
        Ok(present(added, paths).into())
    })
}

fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input, paths: Paths) -> Run<'a> {
    Box::pin(async move { Ok(present(named(cx, input, paths).await?, paths).into()) })
}

fn update<'a>(cx: &'a mut OpCx<'_>, input: &'a Input, paths: Paths) -> Run<'a> {
    Box::pin(async move {
        let (mut settings, connection) = named(cx, input, paths).await?;
        merge(&mut settings, &input.body);
        fill(&mut settings, json!({ "is_enabled": true, "organization_access_level": "none" }));
        let values =
            params![&cx.request.tenant, input.id(), connection_id(input), Value::Object(settings.clone())];
        cx.tx.run(&SET, &values).await?;
        Ok(present((settings, connection), paths).into())
    })
}

fn delete<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input.id()).await?;
        cx.tx.run(&REMOVE, &params![&cx.request.tenant, input.id(), connection_id(input)]).await?;
        Ok(Answer::default())
    })
}

/// Takes a connection that is deleted out of every organization.
pub(crate) async fn forget(tx: &mut Tx, tenant: &TenantId, connection_id: &str) -> Result<(), StoreError> {
    tx.run(&FORGET, &params![tenant, connection_id]).await.map(drop)
}
