//! Actions: the tenant's own code, as a draft and the versions that were deployed of it.
//!
//! A change goes to the draft; deploying makes an immutable [version](versions) of it, with the values of its
//! secrets; the deployed version is what a trigger that the action is [bound](bindings) to runs
//! ([`crate::scripts`]).

pub mod bindings;
pub mod modules;
pub(crate) mod secrets;
mod trial;
mod triggers;
pub mod versions;

use gatewright_store::{BoxFuture, Val, params, sql};
use serde_json::{Value, json};

use crate::engine::Handler;
use crate::engine::crud::{fill, merge};
use crate::engine::documents::document_table;
use crate::engine::field::{BOOL, Field, SOME_TEXT, Shape, TEXT, field};
use crate::engine::operation::Run;
use crate::engine::query::Query;
use crate::engine::validate::Purpose;
use crate::engine::{
    Answer, ApiError, Crud, IdForm, Input, Map, Method, OpCx, OpRequest, Operation, Resource,
};
use crate::{executions, token_exchange_profiles};

document_table!(
    TABLE, "actions", id "action_id", sealed "secrets_sealed", keys "name", "deployed_version_id"
);
sql!(BY_NAME, "SELECT action_id FROM actions WHERE tenant_id = $1 AND name = $2");

pub(crate) static ACTIONS: Crud = Crud {
    sealed: Some(secrets::VALUES),
    not_found: ("That action does not exist.", None),
    conflict: "An action with the same name already exists.",
    keys: |action| vec![text(action, "name").into(), deployed_id(action).map_or(Val::Null, Val::from)],
    draft,
    change,
    background: |cx| Box::pin(versions::deployed_by_id(cx)),
    present,
    ..Crud::plain(&TABLE, "/actions/actions", "/actions/actions/{id}", "actions", IdForm::Uuid, FIELDS)
};

/// What a version keeps of the draft, besides the values of its secrets.
const CONTENT: &[&str] = &["code", "dependencies", "modules", "runtime", "secrets", "supported_triggers"];

/// Compat: the auth0 CLI sends an empty text where none was chosen.
const RUNTIMES: Shape = Shape::OneOf(&["node12", "node16", "node18", "node18-actions", "node22", ""]);
const DEPENDENCY: Shape = Shape::object(&[
    field("name", SOME_TEXT).required(),
    field("version", TEXT),
    field("registry_url", TEXT),
]);
const FIELDS: &[Field] = &[
    field("name", Shape::text(1, 255)).required().hint("The name of the action"),
    field("supported_triggers", Shape::List { of: &triggers::TRIGGER, min: 1 })
        .required()
        .hint("The trigger that the action can be bound to"),
    field("code", TEXT),
    field("dependencies", Shape::list(&DEPENDENCY)),
    field("runtime", RUNTIMES),
    field("secrets", Shape::list(&secrets::SECRET)),
    field("modules", Shape::list(&modules::pins::REFERENCE)),
    field("deploy", BOOL).immutable(),
];

const LIST_QUERY: &[Field] = &[
    field("triggerId", triggers::ID),
    field("actionName", TEXT),
    field("deployed", BOOL),
    field("installed", BOOL),
];
const READ: &[&str] = &["read:actions"];

/// `/actions`.
pub static RESOURCE: Resource = Resource {
    name: "actions",
    operations: &[
        Operation::new(
            "get_actions",
            Method::Get,
            "/actions/actions",
            "Get actions",
            READ,
            Handler::Custom(list),
        )
        .query(LIST_QUERY),
        ACTIONS.creates("post_action", "Create an action", &["create:actions"]),
        ACTIONS.reads("get_action", "Get an action", READ),
        ACTIONS.updates("patch_action", "Update an action", &["update:actions"]),
        Operation::new(
            "delete_action",
            Method::Delete,
            "/actions/actions/{id}",
            "Delete an action",
            &["delete:actions"],
            Handler::Custom(delete),
        )
        .query(&[field("force", BOOL)])
        .success(204)
        .writes_config(),
        Operation::new(
            "post_deploy_action",
            Method::Post,
            "/actions/actions/{id}/deploy",
            "Deploy an action",
            &["create:actions"],
            Handler::Custom(versions::deploy_draft),
        )
        .partly("installing dependencies")
        .writes_config(),
        Operation::new(
            "get_action_versions",
            Method::Get,
            "/actions/actions/{actionId}/versions",
            "Get an action's versions",
            READ,
            Handler::Custom(versions::list),
        ),
        Operation::new(
            "get_action_version",
            Method::Get,
            "/actions/actions/{actionId}/versions/{id}",
            "Get a specific version of an action",
            READ,
            Handler::Custom(versions::read),
        ),
        Operation::new(
            "post_deploy_draft_version",
            Method::Post,
            "/actions/actions/{actionId}/versions/{id}/deploy",
            "Roll back to a previous action version",
            &["create:actions"],
            Handler::Custom(versions::deploy_again),
        )
        .optional_body(&[field("update_draft", BOOL)])
        .writes_config(),
        Operation::new(
            "post_test_action",
            Method::Post,
            "/actions/actions/{id}/test",
            "Test an action",
            &["create:actions"],
            Handler::Custom(trial::told),
        )
        .body(trial::BODY, Purpose::Create)
        .prepare(trial::run),
        Operation::new(
            "get_execution",
            Method::Get,
            "/actions/executions/{id}",
            "Get an execution",
            READ,
            Handler::Custom(executions::read),
        ),
        Operation::new(
            "get_triggers",
            Method::Get,
            "/actions/triggers",
            "Get triggers",
            READ,
            Handler::Custom(triggers::list),
        ),
        Operation::new(
            "get_bindings",
            Method::Get,
            "/actions/triggers/{triggerId}/bindings",
            "Get trigger bindings",
            READ,
            Handler::Custom(bindings::list),
        ),
        Operation::new(
            "patch_bindings",
            Method::Patch,
            "/actions/triggers/{triggerId}/bindings",
            "Update trigger bindings",
            &["update:actions"],
            Handler::Custom(bindings::replace),
        )
        .body(bindings::BODY, Purpose::Create)
        .writes_config(),
    ],
};

/// The stored action of this id, or 404.
async fn existing(cx: &mut OpCx<'_>, id: &str) -> Result<Map, ApiError> {
    let found = ACTIONS.find(cx.tx, &cx.request.tenant, &cx.request.master_key, id).await?;
    found.ok_or_else(|| ACTIONS.missing())
}

/// Whether there is an action of this id that supports the trigger.
pub(crate) async fn supports(cx: &mut OpCx<'_>, id: &str, trigger: &str) -> Result<bool, ApiError> {
    let found = ACTIONS.find(cx.tx, &cx.request.tenant, &cx.request.master_key, id).await?;
    Ok(found.is_some_and(|action| triggers::supports(&action, trigger)))
}

/// The stored action of this name.
async fn named(cx: &mut OpCx<'_>, name: &str) -> Result<Option<Map>, ApiError> {
    match cx.tx.opt(&BY_NAME, &params![&cx.request.tenant, name]).await? {
        Some(row) => existing(cx, &row.text(0)?).await.map(Some),
        None => Ok(None),
    }
}

fn draft<'a>(cx: &'a mut OpCx<'_>, action: &'a mut Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let now = cx.request.now.iso8601();
        modules::pins::complete(cx, action).await?;
        if action.get("runtime").is_some_and(|runtime| runtime == "") {
            action.remove("runtime");
        }
        fill(action, json!({ "code": "", "dependencies": [], "runtime": "node22", "secrets": [] }));
        triggers::complete(action)?;
        secrets::take(action, &Map::new(), &now)?;
        action.insert("created_at".to_owned(), now.clone().into());
        action.insert("updated_at".to_owned(), now.into());
        // Nothing is installed for an action, so there is nothing to wait for.
        action.insert("status".to_owned(), "built".into());
        action.insert("all_changes_deployed".to_owned(), false.into());
        if action.remove("deploy") == Some(Value::Bool(true)) {
            versions::deploy(cx, action).await?;
        }
        Ok(())
    })
}

fn change<'a>(
    cx: &'a mut OpCx<'_>,
    action: &'a mut Map,
    body: &'a Map,
) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let (before, now) = (action.clone(), cx.request.now.iso8601());
        merge(action, body);
        if body.contains_key("modules") {
            modules::pins::complete(cx, action).await?;
        }
        if body.contains_key("supported_triggers") {
            triggers::complete(action)?;
        }
        if body.contains_key("secrets") {
            secrets::take(action, &before, &now)?;
        }
        action.insert("updated_at".to_owned(), now.into());
        versions::compare(cx, action).await
    })
}

fn present(_: &OpRequest, deployed: &Value, mut action: Map) -> Map {
    action.remove(secrets::VALUES);
    if let Some(Value::String(id)) = action.remove("deployed_version_id")
        && let Value::Object(version) = &deployed[&id]
    {
        let mut version = version.clone();
        version.insert("deployed".to_owned(), true.into());
        action.insert("deployed_version".to_owned(), version.into());
    }
    action
}

/// An action as versions and bindings show it.
fn base(action: &Map) -> Map {
    const BASE: &[&str] =
        &["id", "name", "supported_triggers", "created_at", "updated_at", "all_changes_deployed"];
    action
        .iter()
        .filter(|(name, _)| BASE.contains(&name.as_str()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let actions = ACTIONS.load(cx.tx, &request.tenant, &request.master_key).await?;
        let deployed = versions::deployed_by_id(cx).await?;
        let chosen = actions.into_iter().map(|action| present(request, &deployed, action));
        let chosen = chosen.filter(|action| selects(&input.query, action)).map(Value::Object);
        Ok(page(&input.query, "actions", chosen.collect()).into())
    })
}

fn selects(query: &Query, action: &Map) -> bool {
    query.text("triggerId").is_none_or(|id| triggers::supports(action, id))
        && query.text("actionName").is_none_or(|name| name == text(action, "name"))
        && query.bool("deployed").is_none_or(|wanted| wanted == action.contains_key("deployed_version"))
        // Installed ones come from a marketplace, which there is none of.
        && query.bool("installed") != Some(true)
}

/// A page of a list. Compat: the lists of this resource have totals of a shape of their own.
fn page(query: &Query, plural: &str, items: Vec<Value>) -> Value {
    let paging = query.paging();
    let at = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let total = items.len();
    let items: Vec<Value> = items.into_iter().skip(at(paging.offset())).take(at(paging.limit())).collect();
    let page = query.int("page").unwrap_or(0);
    // Compat: go-auth0 knows by `start` and `limit` alone that there is no next page.
    let (start, limit) = (paging.offset(), paging.limit());
    json!({ "total": total, "page": page, "per_page": limit, "start": start, "limit": limit, plural: items })
}

fn delete<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let action = existing(cx, input.id()).await?;
        if input.query.bool("force") != Some(true) {
            if bindings::binds(cx, input.id()).await? {
                return Err(ApiError::conflict("Unable to delete an action bound to a trigger."));
            }
            if token_exchange_profiles::names(cx, input.id()).await? {
                return Err(ApiError::conflict(
                    "Unable to delete an action that a token exchange profile names.",
                ));
            }
        }
        bindings::forget(cx, input.id()).await?;
        token_exchange_profiles::forget(cx, input.id()).await?;
        versions::forget(cx, input.id()).await?;
        cx.tx.run(&DELETE, &params![&cx.request.tenant, text(&action, "id")]).await?;
        Ok(Answer::default())
    })
}

fn deployed_id(action: &Map) -> Option<&str> {
    action.get("deployed_version_id")?.as_str()
}

fn text<'a>(document: &'a Map, name: &str) -> &'a str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
#[path = "actions_tests.rs"]
mod tests;
