//! Modules: code that several actions share, as `require('actions:NAME')`.
//!
//! As with actions, a change goes to the draft and publishing makes an immutable [version](versions). An action names
//! the version that it uses ([`pins`]), so publishing another one changes no login until the action is deployed
//! with it.

pub(crate) mod pins;
pub(crate) mod versions;

use gatewright_store::{BoxFuture, params, sql};
use serde_json::{Value, json};

use super::{ACTIONS, page, secrets, text};
use crate::engine::crud::{fill, merge};
use crate::engine::documents::document_table;
use crate::engine::field::{BOOL, Field, SOME_TEXT, Shape, TEXT, field};
use crate::engine::format::Format;
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{
    Answer, ApiError, Crud, Handler, IdForm, Input, Map, Method, OpCx, OpRequest, Operation, Resource,
};

document_table!(TABLE, "action_modules", id "module_id", sealed "secrets_sealed", keys "name");
sql!(BY_NAME, "SELECT module_id FROM action_modules WHERE tenant_id = $1 AND name = $2");
sql!(COUNT, "SELECT COUNT(*) FROM action_modules WHERE tenant_id = $1");

pub(crate) static MODULES: Crud = Crud {
    sealed: Some(secrets::VALUES),
    not_found: ("That action module does not exist.", None),
    conflict: "An action module with the same name already exists.",
    keys: |module| vec![text(module, "name").into()],
    draft,
    change,
    background: |cx| Box::pin(background(cx)),
    present,
    ..Crud::plain(&TABLE, "/actions/modules", "/actions/modules/{id}", "modules", IdForm::Uuid, FIELDS)
};

/// What a version keeps of the draft, besides the values of its secrets.
const CONTENT: &[&str] = &["code", "dependencies", "secrets"];
/// The most that a tenant may have, as at Auth0.
const MOST: i64 = 100;
/// The longest code, in bytes.
const LONGEST_CODE: usize = 100_000;

const DEPENDENCY: Shape =
    Shape::object(&[field("name", SOME_TEXT).required(), field("version", TEXT).required()]);
const FIELDS: &[Field] = &[
    // `require` must be able to name it.
    field("name", Shape::Text { min: 1, max: 255, format: Format::NoSpaces }).required().immutable(),
    field("code", Shape::text(0, LONGEST_CODE)).required(),
    field("secrets", Shape::list(&secrets::SECRET)),
    field("dependencies", Shape::list(&DEPENDENCY)),
    field("api_version", TEXT).immutable(),
    field("publish", BOOL).immutable(),
];
const READ: &[&str] = &["read:actions"];
const CHANGE: &[&str] = &["update:actions"];
const VERSIONS_PATH: &str = "/actions/modules/{id}/versions";

/// `/actions/modules`.
pub static RESOURCE: Resource = Resource {
    name: "actions",
    operations: &[
        Operation::new(
            "get_action_modules",
            Method::Get,
            "/actions/modules",
            "Get action modules",
            READ,
            Handler::Custom(list),
        ),
        MODULES.creates("post_action_module", "Create an action module", &["create:actions"]),
        MODULES.reads("get_action_module", "Get an action module", READ),
        MODULES.updates("patch_action_module", "Update an action module", CHANGE),
        Operation::new(
            "delete_action_module",
            Method::Delete,
            "/actions/modules/{id}",
            "Delete an action module",
            &["delete:actions"],
            Handler::Custom(delete),
        )
        .success(204)
        .writes_config(),
        Operation::new(
            "get_action_module_actions",
            Method::Get,
            "/actions/modules/{id}/actions",
            "Get the actions that use a module",
            READ,
            Handler::Custom(pins::list),
        ),
        Operation::new(
            "post_action_module_rollback",
            Method::Post,
            "/actions/modules/{id}/rollback",
            "Roll a module's draft back to a version",
            CHANGE,
            Handler::Custom(versions::roll_back),
        )
        .body(&[field("module_version_id", SOME_TEXT).required()], Purpose::Create)
        .writes_config(),
        Operation::new(
            "get_action_module_versions",
            Method::Get,
            VERSIONS_PATH,
            "Get an action module's versions",
            READ,
            Handler::Custom(versions::list),
        ),
        Operation::new(
            "post_action_module_version",
            Method::Post,
            VERSIONS_PATH,
            "Publish an action module",
            CHANGE,
            Handler::Custom(versions::publish_draft),
        )
        .success(201)
        .writes_config(),
        Operation::new(
            "get_action_module_version",
            Method::Get,
            "/actions/modules/{id}/versions/{versionId}",
            "Get a version of an action module",
            READ,
            Handler::Custom(versions::read),
        ),
    ],
};

/// The stored module of this id, or 404.
async fn existing(cx: &mut OpCx<'_>, id: &str) -> Result<Map, ApiError> {
    let found = MODULES.find(cx.tx, &cx.request.tenant, &cx.request.master_key, id).await?;
    found.ok_or_else(|| MODULES.missing())
}

/// The stored module of this name.
async fn named(cx: &mut OpCx<'_>, name: &str) -> Result<Option<Map>, ApiError> {
    match cx.tx.opt(&BY_NAME, &params![&cx.request.tenant, name]).await? {
        Some(row) => existing(cx, &row.text(0)?).await.map(Some),
        None => Ok(None),
    }
}

fn draft<'a>(cx: &'a mut OpCx<'_>, module: &'a mut Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let now = cx.request.now.iso8601();
        if cx.tx.one(&COUNT, &params![&cx.request.tenant]).await?.int(0)? >= MOST {
            return Err(ApiError::new(400, format!("A tenant can have {MOST} action modules at most.")));
        }
        module.remove("api_version");
        fill(module, json!({ "dependencies": [], "secrets": [] }));
        secrets::take(module, &Map::new(), &now)?;
        module.insert("created_at".to_owned(), now.clone().into());
        module.insert("updated_at".to_owned(), now.into());
        if module.remove("publish") == Some(Value::Bool(true)) {
            versions::publish(cx, module).await?;
        }
        Ok(())
    })
}

fn change<'a>(
    cx: &'a mut OpCx<'_>,
    module: &'a mut Map,
    body: &'a Map,
) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let (before, now) = (module.clone(), cx.request.now.iso8601());
        merge(module, body);
        if body.contains_key("secrets") {
            secrets::take(module, &before, &now)?;
        }
        module.insert("updated_at".to_owned(), now.into());
        Ok(())
    })
}

/// The newest version of every module, and how many actions use it: members of one object, by the module's id.
async fn background(cx: &mut OpCx<'_>) -> Result<Value, ApiError> {
    Ok(json!({ "latest": versions::latest(cx).await?, "uses": pins::count(cx).await? }))
}

fn present(_: &OpRequest, background: &Value, mut module: Map) -> Map {
    let id = text(&module, "id").to_owned();
    let latest = &background["latest"][&id];
    let same = latest.is_object() && versions::content(&module) == versions::content_of(latest);
    let draft_secrets = module.remove(secrets::VALUES).unwrap_or_default();
    let same = same && draft_secrets == latest[secrets::VALUES];
    module.insert("all_changes_published".to_owned(), same.into());
    let uses = background["uses"][&id].as_i64().unwrap_or(0);
    module.insert("actions_using_module_total".to_owned(), uses.into());
    if let Some(version) = latest.as_object() {
        module.insert("latest_version_number".to_owned(), version["version_number"].clone());
        let mut version = version.clone();
        version.remove(secrets::VALUES);
        version.remove("module_id");
        module.insert("latest_version".to_owned(), version.into());
    }
    module
}

fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let modules = MODULES.load(cx.tx, &request.tenant, &request.master_key).await?;
        let background = background(cx).await?;
        let shown = modules.into_iter().map(|module| {
            let mut module = present(request, &background, module);
            // Compat: a list tells its number only.
            module.remove("latest_version");
            Value::Object(module)
        });
        Ok(page(&input.query, "modules", shown.collect()).into())
    })
}

fn delete<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let module = existing(cx, input.id()).await?;
        if !pins::of_module(cx, input.id()).await?.is_empty() {
            return Err(ApiError::new(412, "Unable to delete an action module that actions use."));
        }
        versions::forget(cx, input.id()).await?;
        cx.tx.run(&DELETE, &params![&cx.request.tenant, text(&module, "id")]).await?;
        Ok(Answer::default())
    })
}
