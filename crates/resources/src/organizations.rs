//! Organizations: groups of users with [connections], [members] and [client grants](client_grants) of their own.
//!
//! They are stored; nobody logs in to one yet: `organization` is refused at `/authorize` and `/oauth/token`.

pub mod client_grants;
pub mod connections;
pub mod members;

use gatewright_store::{BoxFuture, params, sql};
use serde_json::{Value, json};

use crate::engine::crud::{fill, merge};
use crate::engine::documents::document_table;
use crate::engine::field::{BOOL, Field, OBJECT, Shape, TEXT, field};
use crate::engine::format::Format;
use crate::engine::operation::Run;
use crate::engine::{Answer, ApiError, Crud, Handler, IdForm, Input, Map, Method, OpCx, Operation, Resource};
use crate::roles;

document_table!(TABLE, "organizations", id "organization_id", keys "name");
sql!(BY_NAME, "SELECT organization_id FROM organizations WHERE tenant_id = $1 AND name = $2");
sql!(NO_CONNECTIONS, "DELETE FROM organization_connections WHERE tenant_id = $1 AND organization_id = $2");
sql!(NO_MEMBERS, "DELETE FROM organization_members WHERE tenant_id = $1 AND organization_id = $2");
sql!(NO_ROLES, "DELETE FROM organization_member_roles WHERE tenant_id = $1 AND organization_id = $2");
sql!(NO_GRANTS, "DELETE FROM organization_client_grants WHERE tenant_id = $1 AND organization_id = $2");

pub(crate) static ORGANIZATIONS: Crud = Crud {
    not_found: ("No organization found by that id or name", None),
    conflict: "An organization with this name already exists.",
    keys: |organization| vec![text(organization, "name").into()],
    draft,
    change,
    ..Crud::plain(&TABLE, "/organizations", ITEM, "organizations", IdForm::Alphanumeric("org_", 16), FIELDS)
};

const ITEM: &str = "/organizations/{id}";
const COLOR: Shape = Shape::format(Format::Color);
const BRANDING: Shape = Shape::object(&[
    field("logo_url", Shape::format(Format::HttpsUrlOrEmpty)).nullable(),
    field(
        "colors",
        Shape::object(&[field("primary", COLOR).required(), field("page_background", COLOR).required()]),
    ),
]);
const FIELDS: &[Field] = &[
    field("name", Shape::Text { min: 1, max: 50, format: Format::OrganizationName })
        .required()
        .hint("The name of this organization"),
    field("display_name", Shape::text(1, 255)),
    field("branding", BRANDING),
    field("metadata", Shape::TextMap { max_members: 25, max_length: 255 }),
    field("enabled_connections", Shape::list(&Shape::object(connections::ENABLED))).immutable(),
    field("token_quota", OBJECT).nullable(),
    field("third_party_client_access", Shape::OneOf(&["block", "allow"])),
    field("is_app_entitlement_active", BOOL).nullable(),
];
const READ: &[&str] = &["read:organizations", "read:organizations_summary"];

/// `/organizations`.
pub static RESOURCE: Resource = Resource {
    name: "organizations",
    operations: &[
        ORGANIZATIONS.lists("get_organizations", "Get organizations", READ).query(&[field("sort", TEXT)]),
        ORGANIZATIONS
            .creates(
                "post_organizations",
                "Create an organization",
                &["create:organizations", "create:organization_connections"],
            )
            .partly("logging in to it"),
        Operation::new(
            "get_name_by_name",
            Method::Get,
            "/organizations/name/{name}",
            "Get organization by name",
            &["read:organizations"],
            Handler::Custom(read_by_name),
        ),
        ORGANIZATIONS.reads("get_organizations_by_id", "Get an organization", READ),
        ORGANIZATIONS.updates(
            "patch_organizations_by_id",
            "Modify an organization",
            &["update:organizations"],
        ),
        Operation::new(
            "delete_organizations_by_id",
            Method::Delete,
            ITEM,
            "Delete an organization",
            &["delete:organizations"],
            Handler::Custom(delete),
        )
        .success(204)
        .writes_config(),
    ],
};

/// The stored organization of this id, or 404.
pub(crate) async fn existing(cx: &mut OpCx<'_>, id: &str) -> Result<Map, ApiError> {
    let found = ORGANIZATIONS.find(cx.tx, &cx.request.tenant, &cx.request.master_key, id).await?;
    found.ok_or_else(|| ORGANIZATIONS.missing())
}

fn draft<'a>(cx: &'a mut OpCx<'_>, organization: &'a mut Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let name = json!({ "display_name": organization.get("name") });
        fill(organization, name);
        if let Some(Value::Array(enabled)) = organization.remove("enabled_connections") {
            for connection in enabled.into_iter().filter_map(|one| one.as_object().cloned()) {
                connections::add(cx, text(organization, "id"), connection).await?;
            }
        }
        Ok(())
    })
}

/// Compat: metadata is replaced whole, other than that of users and clients.
fn change<'a>(
    _: &'a mut OpCx<'_>,
    organization: &'a mut Map,
    body: &'a Map,
) -> BoxFuture<'a, Result<(), ApiError>> {
    merge(organization, body);
    if let Some(Value::Object(metadata)) = organization.get_mut("metadata") {
        metadata.retain(|_, value| !value.is_null());
    }
    Box::pin(async { Ok(()) })
}

fn read_by_name<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let row = cx.tx.opt(&BY_NAME, &params![&cx.request.tenant, input.param("name")]).await?;
        let row = row.ok_or_else(|| ORGANIZATIONS.missing())?;
        Ok(existing(cx, &row.text(0)?).await?.into())
    })
}

fn delete<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input.id()).await?;
        roles::delete_of_organization(cx, input.id()).await?;
        for statement in [&NO_CONNECTIONS, &NO_ROLES, &NO_MEMBERS, &NO_GRANTS, &DELETE] {
            cx.tx.run(statement, &params![&cx.request.tenant, input.id()]).await?;
        }
        Ok(Answer::default())
    })
}

fn text<'a>(document: &'a Map, name: &str) -> &'a str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
#[path = "organizations_tests.rs"]
mod tests;
