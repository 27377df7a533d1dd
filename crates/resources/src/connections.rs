//! Connections: where users come from.
//!
//! A strategy's settings are one object, `options`, which is kept sealed because many hold secrets,
//! and which a change replaces whole. Every option comes back as it was sent; the ones that this server
//! reads are checked (see [`options`]).

pub(crate) mod configuration;
pub mod members;
mod options;

use gatewright_core::connection::Connection;
use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_store::{BoxFuture, StoreError, Tx, Val, params, sql};
use serde_json::{Value, json};

use crate::engine::crud::{fill, merge, merge_member};
use crate::engine::documents::document_table;
use crate::engine::field::{BOOL, Field, OBJECT, SOME_TEXT, Shape, TEXT, field};
use crate::engine::format::Format;
use crate::engine::operation::Run;
use crate::engine::query::{Paging, Query};
use crate::engine::{
    Answer, ApiError, Crud, Handler, IdForm, Input, Map, Method, OpCx, OpRequest, Operation, Resource,
    Sealing,
};
use crate::{organizations, users};

document_table!(TABLE, "connections", id "connection_id", sealed "options_sealed", keys "name");
sql!(BY_NAME, "SELECT connection_id FROM connections WHERE tenant_id = $1 AND name = $2");

pub(crate) static CONNECTIONS: Crud = Crud {
    // Compat: the Terraform provider asks for other members and reads this one.
    always_shown: &["id"],
    sealed: Some("options"),
    not_found: ("The connection does not exist", Some("inexistent_connection")),
    conflict: "A connection with the same name already exists",
    keys: |connection| vec![Val::from(text(connection, "name"))],
    draft,
    change,
    remove,
    present,
    selects,
    ..Crud::plain(
        &TABLE,
        "/connections",
        "/connections/{id}",
        "connections",
        IdForm::Alphanumeric("con_", 16),
        FIELDS,
    )
};

const NAME: Shape = Shape::Text { min: 1, max: 128, format: Format::ConnectionName };
const ACTIVE: &[Field] = &[field("active", BOOL).required()];

const FIELDS: &[Field] = &[
    field("name", NAME).required().immutable().hint("The name of the connection"),
    field("strategy", Shape::OneOf(options::STRATEGIES))
        .required()
        .immutable()
        .hint("The identity provider identifier for the connection"),
    field("display_name", Shape::text(0, 128)),
    field("options", OBJECT).nullable(),
    field("enabled_clients", Shape::list(&SOME_TEXT)),
    field("is_domain_connection", BOOL),
    field("show_as_button", BOOL),
    field("realms", Shape::list(&SOME_TEXT)),
    field("metadata", Shape::TextMap { max_members: 10, max_length: 255 }),
    field("authentication", Shape::open_object(ACTIVE)),
    field("connected_accounts", Shape::open_object(ACTIVE)),
    field("cross_app_access_requesting_app", Shape::open_object(ACTIVE)).nullable(),
    field("cross_app_access_resource_app", OBJECT).nullable(),
];

const FILTERS: &[Field] =
    &[field("strategy", Shape::list(&Shape::OneOf(options::STRATEGIES))), field("name", TEXT)];

const CLIENT_STATES: &[Field] = &[field("client_id", SOME_TEXT).required(), field("status", BOOL).required()];

/// `/connections`.
pub static RESOURCE: Resource = Resource {
    name: "connections",
    operations: &[
        CONNECTIONS.lists("get_connections", "Get connections", &["read:connections"]).query(FILTERS),
        CONNECTIONS.creates("post_connections", "Create a connection", &["create:connections"]),
        CONNECTIONS.reads("get_connections_by_id", "Get a connection", &["read:connections"]),
        CONNECTIONS.updates("patch_connections_by_id", "Update a connection", &["update:connections"]),
        CONNECTIONS.deletes("delete_connections_by_id", "Delete a connection", &["delete:connections"]),
        Operation::new(
            "get_connection_clients",
            Method::Get,
            "/connections/{id}/clients",
            "Get the clients enabled for a connection",
            &["read:connections"],
            Handler::Custom(list_clients),
        ),
        Operation::new(
            "patch_clients",
            Method::Patch,
            "/connections/{id}/clients",
            "Update the clients enabled for a connection",
            &["update:connections"],
            Handler::Custom(update_clients),
        )
        .list_body(CLIENT_STATES)
        .success(204)
        .writes_config(),
    ],
};

/// Every connection of the tenant as decisions see it, oldest first, options opened.
pub async fn load(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
) -> Result<Vec<Connection>, StoreError> {
    let documents = CONNECTIONS.load(tx, tenant, master_key).await?;
    documents.into_iter().map(to_connection).collect()
}

/// The connection of this name.
pub async fn by_name(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
    name: &str,
) -> Result<Option<Connection>, StoreError> {
    let Some(row) = tx.opt(&BY_NAME, &params![tenant, name]).await? else { return Ok(None) };
    let found = CONNECTIONS.find(tx, tenant, master_key, &row.text(0)?).await?;
    found.map(to_connection).transpose()
}

/// The connection of this id.
pub async fn by_id(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
    id: &str,
) -> Result<Option<Connection>, StoreError> {
    CONNECTIONS.find(tx, tenant, master_key, id).await?.map(to_connection).transpose()
}

fn to_connection(document: Map) -> Result<Connection, StoreError> {
    serde_json::from_value(Value::Object(document))
        .map_err(|error| StoreError::Mismatch(format!("a connection's document: {error}")))
}

/// Takes a client that is gone out of every connection's `enabled_clients`.
pub(crate) async fn forget_client(
    tx: &mut Tx,
    sealing: &Sealing<'_>,
    client_id: &str,
) -> Result<(), StoreError> {
    for mut connection in CONNECTIONS.load(tx, sealing.tenant, sealing.master_key).await? {
        if set_client(&mut connection, client_id, false) {
            CONNECTIONS.store(tx, sealing, connection).await?;
        }
    }
    Ok(())
}

/// Enables or disables one client; says whether that changed anything.
pub(crate) fn set_client(connection: &mut Map, client_id: &str, enabled: bool) -> bool {
    let clients = connection.entry("enabled_clients").or_insert_with(|| json!([]));
    let Value::Array(clients) = clients else { return false };
    let before = clients.len();
    clients.retain(|known| known != client_id);
    let was_enabled = clients.len() < before;
    if enabled {
        clients.push(client_id.into());
    }
    was_enabled != enabled
}

/// What a connection is unless the body says otherwise.
pub(crate) fn complete(connection: &mut Map) {
    fill(connection, json!({ "options": {}, "enabled_clients": [], "is_domain_connection": false }));
    let realms = json!({ "realms": [connection.get("name")] });
    fill(connection, realms);
    let defaults = options::defaults(text(connection, "strategy"));
    if let Some(Value::Object(options)) = connection.get_mut("options") {
        fill(options, defaults);
    }
}

fn draft<'a>(cx: &'a mut OpCx<'_>, connection: &'a mut Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        options::check(connection)?;
        configuration::seal(cx.request, connection)?;
        complete(connection);
        Ok(())
    })
}

fn change<'a>(
    cx: &'a mut OpCx<'_>,
    connection: &'a mut Map,
    body: &'a Map,
) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let mut body = body.clone();
        if let Some(metadata) = body.remove("metadata") {
            merge_member(connection, "metadata", &metadata);
        }
        merge(connection, &body);
        options::check(connection)?;
        configuration::seal(cx.request, connection)
    })
}

fn remove<'a>(cx: &'a mut OpCx<'_>, connection: &'a Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let (tenant, now) = (&cx.request.tenant, cx.request.now);
        organizations::connections::forget(cx.tx, tenant, text(connection, "id")).await?;
        users::delete_of_connection(cx.tx, tenant, text(connection, "name"), now).await?;
        Ok(())
    })
}

fn present(_: &OpRequest, _: &Value, mut connection: Map) -> Map {
    fill(&mut connection, json!({ "options": {}, "enabled_clients": [] }));
    let shown = options::always_shown(text(&connection, "strategy"));
    if let Some(Value::Object(options)) = connection.get_mut("options") {
        fill(options, shown);
    }
    connection
}

fn selects(query: &Query, connection: &Map) -> bool {
    let strategies = query.all("strategy");
    (strategies.is_empty() || strategies.iter().any(|strategy| strategy == text(connection, "strategy")))
        && query.text("name").is_none_or(|name| name == text(connection, "name"))
}

fn list_clients<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let connection = named(cx, input).await?;
        let enabled: Vec<&str> = clients_of(&connection);
        let paging = input.query.paging();
        let start = match &paging {
            Paging::Checkpoint { from: Some(from), .. } => {
                enabled.iter().position(|id| id == from).map_or(0, |at| at + 1)
            }
            paging => usize::try_from(paging.offset()).unwrap_or(usize::MAX),
        };
        let limit = usize::try_from(paging.limit()).unwrap_or(0);
        let page: Vec<&str> = enabled.iter().copied().skip(start).take(limit).collect();
        let items: Vec<Value> = page.iter().map(|client_id| json!({ "client_id": client_id })).collect();
        let mut body = json!({ "clients": items });
        if start.saturating_add(limit) < enabled.len() {
            body["next"] = json!(page.last());
        }
        Ok(body.into())
    })
}

fn update_clients<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let mut connection = named(cx, input).await?;
        for change in &input.items {
            let enabled = change.get("status") == Some(&Value::Bool(true));
            set_client(&mut connection, text(change, "client_id"), enabled);
        }
        CONNECTIONS.store(cx.tx, &cx.request.sealing(), connection).await?;
        Ok(Answer::default())
    })
}

async fn named(cx: &mut OpCx<'_>, input: &Input) -> Result<Map, ApiError> {
    let request = cx.request;
    let found = CONNECTIONS.find(cx.tx, &request.tenant, &request.master_key, input.id()).await?;
    found.ok_or_else(|| CONNECTIONS.missing())
}

fn clients_of(connection: &Map) -> Vec<&str> {
    let clients = connection.get("enabled_clients").and_then(Value::as_array);
    clients.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn text<'a>(document: &'a Map, name: &str) -> &'a str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
#[path = "connections_tests.rs"]
mod tests;
