//! Versions of modules: what a draft was when it was published, for good.

use gatewright_store::{Val, params, sql};
use serde_json::{Value, json};

use super::super::{page, secrets, text};
use super::{CONTENT, MODULES, existing};
use crate::engine::documents::document_table;
use crate::engine::operation::Run;
use crate::engine::{ApiError, Crud, IdForm, Input, Map, OpCx};

document_table!(
    TABLE, "action_module_versions", id "version_id", sealed "secrets_sealed", keys "module_id", "number"
);
sql!(LAST, "SELECT MAX(number) FROM action_module_versions WHERE tenant_id = $1 AND module_id = $2");
sql!(FORGET, "DELETE FROM action_module_versions WHERE tenant_id = $1 AND module_id = $2");

pub(crate) static VERSIONS: Crud = Crud {
    sealed: Some(secrets::VALUES),
    not_found: ("That action module version does not exist.", None),
    keys: |version| {
        let number = version.get("version_number").and_then(Value::as_i64).unwrap_or_default();
        vec![text(version, "module_id").into(), Val::Int(number)]
    },
    ..Crud::plain(&TABLE, "", "", "versions", IdForm::Uuid, &[])
};

/// The members of a draft or a version that the other one has too, without the values of secrets.
pub(super) fn content(of: &Map) -> Map {
    let copied = CONTENT.iter().filter_map(|name| of.get_key_value(*name));
    copied.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// [`content`] of a version as JSON.
pub(super) fn content_of(version: &Value) -> Map {
    version.as_object().map(content).unwrap_or_default()
}

/// Every version of a module, the newest first.
async fn of_module(cx: &mut OpCx<'_>, module_id: &str) -> Result<Vec<Map>, ApiError> {
    let mut all = VERSIONS.load(cx.tx, &cx.request.tenant, &cx.request.master_key).await?;
    all.retain(|version| text(version, "module_id") == module_id);
    all.sort_by_key(|version| std::cmp::Reverse(version["version_number"].as_i64()));
    Ok(all)
}

/// The newest version of every module, by the module's id, with the values of its secrets.
pub(super) async fn latest(cx: &mut OpCx<'_>) -> Result<Value, ApiError> {
    let mut latest = Map::new();
    for version in VERSIONS.load(cx.tx, &cx.request.tenant, &cx.request.master_key).await? {
        let number = |version: &Value| version["version_number"].as_i64().unwrap_or(0);
        let (id, version) = (text(&version, "module_id").to_owned(), Value::Object(version));
        if latest.get(&id).is_none_or(|known| number(known) < number(&version)) {
            latest.insert(id, version);
        }
    }
    Ok(latest.into())
}

/// Makes a version of what the module's draft is.
pub(super) async fn publish(cx: &mut OpCx<'_>, module: &Map) -> Result<Map, ApiError> {
    let request = cx.request;
    let module_id = text(module, "id");
    let last = cx.tx.one(&LAST, &params![&request.tenant, module_id]).await?.opt_int(0)?;
    let mut version = content(module);
    if let Some(values) = module.get(secrets::VALUES) {
        version.insert(secrets::VALUES.to_owned(), values.clone());
    }
    for (name, value) in [
        ("id", Value::from(VERSIONS.id_form.draw(&request.random))),
        ("module_id", module_id.into()),
        ("version_number", (last.unwrap_or(0) + 1).into()),
        ("created_at", request.now.iso8601().into()),
    ] {
        version.insert(name.to_owned(), value);
    }
    VERSIONS.insert(cx.tx, &request.sealing(), version.clone()).await?;
    Ok(version)
}

fn shown(mut version: Map) -> Value {
    version.remove(secrets::VALUES);
    version.into()
}

/// `POST /actions/modules/{id}/versions`.
pub(super) fn publish_draft<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let module = existing(cx, input.id()).await?;
        Ok(shown(publish(cx, &module).await?).into())
    })
}

/// `GET /actions/modules/{id}/versions`: the newest first.
pub(super) fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input.id()).await?;
        let versions = of_module(cx, input.id()).await?.into_iter().map(shown).collect();
        Ok(page(&input.query, "versions", versions).into())
    })
}

/// `GET /actions/modules/{id}/versions/{versionId}`.
pub(super) fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input.id()).await?;
        Ok(shown(of(cx, input.id(), input.param("versionId")).await?).into())
    })
}

/// A version of this module, or 404.
async fn of(cx: &mut OpCx<'_>, module_id: &str, version_id: &str) -> Result<Map, ApiError> {
    let found = VERSIONS.find(cx.tx, &cx.request.tenant, &cx.request.master_key, version_id).await?;
    let version = found.filter(|version| text(version, "module_id") == module_id);
    version.ok_or_else(|| VERSIONS.missing())
}

/// `POST /actions/modules/{id}/rollback`: the draft becomes what a version is.
pub(super) fn roll_back<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let mut module = existing(cx, input.id()).await?;
        let wanted = input.body.get("module_version_id").and_then(Value::as_str).unwrap_or_default();
        let version = of(cx, input.id(), wanted).await?;
        module.extend(content(&version));
        let values = version.get(secrets::VALUES).cloned().unwrap_or_else(|| json!({}));
        module.insert(secrets::VALUES.to_owned(), values);
        module.insert("updated_at".to_owned(), cx.request.now.iso8601().into());
        MODULES.store(cx.tx, &cx.request.sealing(), module.clone()).await?;
        let background = (MODULES.background)(cx).await?;
        Ok((MODULES.present)(cx.request, &background, module).into())
    })
}

/// Deletes every version of a module.
pub(super) async fn forget(cx: &mut OpCx<'_>, module_id: &str) -> Result<(), ApiError> {
    cx.tx.run(&FORGET, &params![&cx.request.tenant, module_id]).await?;
    Ok(())
}
