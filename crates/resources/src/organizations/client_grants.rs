//! The client grants that an organization may be used with.

use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::Value;

use super::{existing, text};
use crate::client_grants::CLIENT_GRANTS;
use crate::engine::crud::fill;
use crate::engine::field::{SOME_TEXT, Shape, TEXT, field};
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{Answer, ApiError, Handler, Input, Map, Method, OpCx, Operation, Resource};
use crate::permissions;

sql!(
    ALL,
    "SELECT g.doc FROM organization_client_grants o
     JOIN client_grants g ON g.tenant_id = o.tenant_id AND g.client_grant_id = o.client_grant_id
     WHERE o.tenant_id = $1 AND o.organization_id = $2 ORDER BY g.created_at, g.client_grant_id"
);
sql!(
    ADD,
    "INSERT INTO organization_client_grants (tenant_id, organization_id, client_grant_id) VALUES ($1, $2, $3)"
);
sql!(
    REMOVE,
    "DELETE FROM organization_client_grants WHERE tenant_id = $1 AND organization_id = $2 AND client_grant_id = $3"
);
sql!(
    OF_GRANT,
    "SELECT o.doc FROM organization_client_grants g
     JOIN organizations o ON o.tenant_id = g.tenant_id AND o.organization_id = g.organization_id
     WHERE g.tenant_id = $1 AND g.client_grant_id = $2 ORDER BY o.name"
);
sql!(FORGET, "DELETE FROM organization_client_grants WHERE tenant_id = $1 AND client_grant_id = $2");

const LIST: &str = "/organizations/{id}/client-grants";

/// `/organizations/{id}/client-grants` and `/client-grants/{id}/organizations`.
pub static RESOURCE: Resource = Resource {
    name: "organizations",
    operations: &[
        Operation::new(
            "get_organization_client_grants",
            Method::Get,
            LIST,
            "Get client grants associated to an organization",
            &["read:organization_client_grants"],
            Handler::Custom(list),
        )
        .query(&[
            field("audience", TEXT),
            field("client_id", TEXT),
            field("grant_ids", Shape::list(&TEXT)),
        ]),
        Operation::new(
            "create_organization_client_grants",
            Method::Post,
            LIST,
            "Associate a client grant with an organization",
            &["create:organization_client_grants"],
            Handler::Custom(add),
        )
        .body(&[field("grant_id", SOME_TEXT).required()], Purpose::Create)
        .success(201)
        .writes_config(),
        Operation::new(
            "delete_client_grants_by_grant_id",
            Method::Delete,
            "/organizations/{id}/client-grants/{grant_id}",
            "Remove a client grant from an organization",
            &["delete:organization_client_grants"],
            Handler::Custom(remove),
        )
        .success(204)
        .writes_config(),
        Operation::new(
            "get_client_grant_organizations",
            Method::Get,
            "/client-grants/{id}/organizations",
            "Get the organizations associated to a client grant",
            &["read:organization_client_grants"],
            Handler::Custom(of_grant),
        ),
    ],
};

async fn presented(cx: &mut OpCx<'_>, grants: Vec<Map>) -> Result<Vec<Map>, ApiError> {
    let background = (CLIENT_GRANTS.background)(cx).await?;
    let shown = grants.into_iter().map(|grant| {
        let mut grant = (CLIENT_GRANTS.present)(cx.request, &background, grant);
        let defaults = serde_json::json!({ "organization_usage": "deny", "allow_any_organization": false });
        fill(&mut grant, defaults);
        grant
    });
    Ok(shown.collect())
}

fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input.id()).await?;
        let rows = cx.tx.all(&ALL, &params![&cx.request.tenant, input.id()]).await?;
        let mut grants = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Value::Object(grant) = row.json(0)? {
                grants.push(grant);
            }
        }
        let query = &input.query;
        let ids = query.all("grant_ids");
        let mut grants = presented(cx, grants).await?;
        grants.retain(|grant| {
            let is = |name: &str| query.text(name).is_none_or(|wanted| text(grant, name) == wanted);
            is("audience")
                && is("client_id")
                && (ids.is_empty() || ids.iter().any(|id| text(grant, "id") == id))
        });
        let shown = grants.into_iter().map(Value::Object).collect();
        Ok(permissions::cut("client_grants", shown, query).into())
    })
}

fn add<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input.id()).await?;
        let (request, id) = (cx.request, text(&input.body, "grant_id"));
        let grant = CLIENT_GRANTS.find(cx.tx, &request.tenant, &request.master_key, id).await?;
        let grant = grant.ok_or_else(|| CLIENT_GRANTS.missing())?;
        cx.tx.run(&ADD, &params![&request.tenant, input.id(), id]).await.map_err(|error| match error {
            StoreError::Unique { .. } => {
                ApiError::conflict("The organization has this client grant already.")
            }
            other => other.into(),
        })?;
        let mut shown = presented(cx, vec![grant]).await?.pop().unwrap_or_default();
        // Compat: named after the body's member in this answer.
        shown.insert("grant_id".to_owned(), id.into());
        Ok(shown.into())
    })
}

fn remove<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input.id()).await?;
        cx.tx.run(&REMOVE, &params![&cx.request.tenant, input.id(), input.param("grant_id")]).await?;
        Ok(Answer::default())
    })
}

fn of_grant<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let grant = CLIENT_GRANTS.find(cx.tx, &request.tenant, &request.master_key, input.id()).await?;
        grant.ok_or_else(|| CLIENT_GRANTS.missing())?;
        let rows = cx.tx.all(&OF_GRANT, &params![&request.tenant, input.id()]).await?;
        let found = rows.iter().map(|row| row.json(0)).collect::<Result<_, _>>()?;
        Ok(permissions::cut("organizations", found, &input.query).into())
    })
}

/// Takes a client grant that is deleted out of every organization.
pub(crate) async fn forget(tx: &mut Tx, tenant: &TenantId, grant_id: &str) -> Result<(), StoreError> {
    tx.run(&FORGET, &params![tenant, grant_id]).await.map(drop)
}
