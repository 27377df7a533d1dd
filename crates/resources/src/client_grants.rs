//! Client grants: what a client may ask of an API.
//!
//! A row refers to the API by its id, never by the audience text, which depends on the host for the
//! server's own APIs.

use gatewright_core::ids::TenantId;
use gatewright_core::resource_server::ClientGrant;
use gatewright_store::{BoxFuture, StoreError, Tx, Val, params, sql};
use serde_json::{Value, json};

use crate::clients;
use crate::engine::crud::{fill, merge};
use crate::engine::documents::document_table;
use crate::engine::field::{BOOL, Field, SOME_TEXT, Shape, TEXT, field};
use crate::engine::query::Query;
use crate::engine::{ApiError, Crud, IdForm, Map, OpCx, OpRequest, Resource};
use crate::{organizations, resource_servers};

document_table!(TABLE, "client_grants", id "client_grant_id", keys "client_id", "resource_server_id", "subject_type");
sql!(OF_CLIENT, "DELETE FROM client_grants WHERE tenant_id = $1 AND client_id = $2");
sql!(OF_API, "DELETE FROM client_grants WHERE tenant_id = $1 AND resource_server_id = $2");

pub(crate) static CLIENT_GRANTS: Crud = Crud {
    not_found: ("The client grant does not exist", Some("inexistent_client_grant")),
    conflict: "A resource with this identifier already exists.",
    keys: |grant| {
        ["client_id", "resource_server_id", "subject_type"].map(|key| Val::from(text(grant, key))).into()
    },
    draft,
    change,
    remove: |cx, grant| {
        Box::pin(async move {
            let tenant = &cx.request.tenant;
            Ok(organizations::client_grants::forget(cx.tx, tenant, text(grant, "id")).await?)
        })
    },
    background,
    present,
    selects,
    ..Crud::plain(
        &TABLE,
        "/client-grants",
        "/client-grants/{id}",
        "client_grants",
        IdForm::Alphanumeric("cgr_", 16),
        FIELDS,
    )
};

const SCOPES: Shape = Shape::list(&Shape::text(1, 280));
const SUBJECT_TYPES: Shape = Shape::OneOf(&["client", "user", "anonymous_user"]);

const FIELDS: &[Field] = &[
    field("client_id", SOME_TEXT).immutable().hint("ID of the client"),
    field("audience", SOME_TEXT)
        .required()
        .immutable()
        .hint("The audience (API identifier) of this client grant"),
    field("default_for", Shape::OneOf(&["third_party_clients"])).immutable(),
    field("subject_type", SUBJECT_TYPES).immutable(),
    field("scope", SCOPES).nullable().hint("Scopes allowed for this client grant"),
    field("allow_all_scopes", BOOL).nullable(),
    field("organization_usage", Shape::OneOf(&["deny", "allow", "require"])).nullable(),
    field("allow_any_organization", BOOL).nullable(),
    field("authorization_details_types", Shape::list(&Shape::text(1, 255))),
];

const FILTERS: &[Field] = &[
    field("audience", TEXT),
    field("client_id", TEXT),
    field("allow_any_organization", BOOL),
    field("subject_type", SUBJECT_TYPES),
    field("default_for", TEXT),
];

/// `/client-grants`.
pub static RESOURCE: Resource = Resource {
    name: "client-grants",
    operations: &[
        CLIENT_GRANTS.lists("get_client_grants", "Get client grants", &["read:client_grants"]).query(FILTERS),
        CLIENT_GRANTS.creates("post_client_grants", "Create a client grant", &["create:client_grants"]),
        CLIENT_GRANTS.reads("get_client_grant", "Get a client grant", &["read:client_grants"]),
        CLIENT_GRANTS.updates(
            "patch_client_grants_by_id",
            "Update a client grant",
            &["update:client_grants"],
        ),
        CLIENT_GRANTS.deletes(
            "delete_client_grants_by_id",
            "Delete a client grant",
            &["delete:client_grants"],
        ),
    ],
};

/// Every grant of the tenant with the id of the API it is on. Its `audience` is empty: only a request
/// knows it.
pub async fn load(tx: &mut Tx, tenant: &TenantId) -> Result<Vec<(String, ClientGrant)>, StoreError> {
    let rows = tx.all(&ALL, &params![tenant]).await?;
    rows.iter()
        .map(|row| {
            let document = row.json(0)?;
            let api = document["resource_server_id"].as_str().unwrap_or_default().to_owned();
            let grant = serde_json::from_value(document)
                .map_err(|error| StoreError::Mismatch(format!("a client grant's document: {error}")))?;
            Ok((api, grant))
        })
        .collect()
}

pub(crate) async fn delete_of_client(
    tx: &mut Tx,
    tenant: &TenantId,
    client_id: &str,
) -> Result<(), StoreError> {
    tx.run(&OF_CLIENT, &params![tenant, client_id]).await.map(drop)
}

pub(crate) async fn delete_of_resource_server(
    tx: &mut Tx,
    tenant: &TenantId,
    id: &str,
) -> Result<(), StoreError> {
    tx.run(&OF_API, &params![tenant, id]).await.map(drop)
}

fn draft<'a>(cx: &'a mut OpCx<'_>, grant: &'a mut Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let request = cx.request;
        let client_id = text(grant, "client_id").to_owned();
        if client_id.is_empty() == grant.get("default_for").is_none() {
            return Err(ApiError::invalid_body("'Missing required property: client_id'"));
        }
        if !client_id.is_empty() {
            let client =
                clients::CLIENTS.find(cx.tx, &request.tenant, &request.master_key, &client_id).await?;
            client.ok_or_else(|| clients::CLIENTS.missing())?;
        }
        let audience = grant.remove("audience").and_then(|audience| audience.as_str().map(str::to_owned));
        let api = resource_servers::by_audience(cx, &audience.unwrap_or_default()).await?;
        let api = api.ok_or_else(|| resource_servers::RESOURCE_SERVERS.missing())?;
        grant.insert("resource_server_id".to_owned(), api.id.as_str().into());
        fill(grant, json!({ "scope": [], "subject_type": "client" }));
        scopes_are_defined(grant, |scope| api.defines(scope))
    })
}

fn change<'a>(
    cx: &'a mut OpCx<'_>,
    grant: &'a mut Map,
    body: &'a Map,
) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        merge(grant, body);
        fill(grant, json!({ "scope": [] }));
        if !body.contains_key("scope") {
            return Ok(());
        }
        let apis = resource_servers::load(cx.tx, &cx.request.tenant).await?;
        let api = apis.iter().find(|api| api.id == text(grant, "resource_server_id"));
        scopes_are_defined(grant, |scope| api.is_some_and(|api| api.defines(scope)))
    })
}

/// A grant names scopes that its API defines.
fn scopes_are_defined(grant: &Map, defines: impl Fn(&str) -> bool) -> Result<(), ApiError> {
    let scopes = grant.get("scope").and_then(Value::as_array);
    let unknown: Vec<&str> =
        scopes.into_iter().flatten().filter_map(Value::as_str).filter(|scope| !defines(scope)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(ApiError::new(400, format!("Scopes not defined on the resource server: {}", unknown.join(", ")))
        .code("validation_error"))
}

fn background<'a>(cx: &'a mut OpCx<'_>) -> BoxFuture<'a, Result<Value, ApiError>> {
    Box::pin(async move { Ok(Value::Object(resource_servers::identifiers(cx).await?)) })
}

fn present(_: &OpRequest, identifiers: &Value, mut grant: Map) -> Map {
    if let Some(Value::String(id)) = grant.remove("resource_server_id") {
        grant.insert("audience".to_owned(), identifiers[&id].clone());
    }
    grant
}

fn selects(query: &Query, grant: &Map) -> bool {
    let is = |name: &str| query.text(name).is_none_or(|wanted| wanted == text(grant, name));
    ["audience", "client_id", "subject_type", "default_for"].into_iter().all(is)
        && query.bool("allow_any_organization").is_none_or(|wanted| {
            wanted == grant.get("allow_any_organization").and_then(Value::as_bool).unwrap_or(false)
        })
}

fn text<'a>(document: &'a Map, name: &str) -> &'a str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}
