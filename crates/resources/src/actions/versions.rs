//! Versions of actions: what a draft was when it was deployed, for good.

use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_store::{StoreError, Tx, Val, params, sql};
use serde_json::{Value, json};

use super::{ACTIONS, CONTENT, base, deployed_id, existing, page, secrets, text};
use crate::engine::documents::document_table;
use crate::engine::operation::Run;
use crate::engine::{ApiError, Crud, IdForm, Input, Map, OpCx};

document_table!(
    TABLE, "action_versions", id "version_id", sealed "secrets_sealed", keys "action_id", "number"
);
sql!(
    OF_ACTION,
    "SELECT doc FROM action_versions WHERE tenant_id = $1 AND action_id = $2 ORDER BY number DESC"
);
sql!(LAST, "SELECT MAX(number) FROM action_versions WHERE tenant_id = $1 AND action_id = $2");
sql!(
    DEPLOYED,
    "SELECT v.doc, v.secrets_sealed, v.version_id, a.action_id, a.name FROM actions a
     JOIN action_versions v ON v.tenant_id = a.tenant_id AND v.version_id = a.deployed_version_id
     WHERE a.tenant_id = $1"
);
sql!(FORGET, "DELETE FROM action_versions WHERE tenant_id = $1 AND action_id = $2");

pub(crate) static VERSIONS: Crud = Crud {
    sealed: Some(secrets::VALUES),
    not_found: ("That action version does not exist.", None),
    keys: |version| {
        let number = version.get("number").and_then(Value::as_i64).unwrap_or_default();
        vec![text(version, "action_id").into(), Val::Int(number)]
    },
    ..Crud::plain(&TABLE, "", "", "versions", IdForm::Uuid, &[])
};

/// The deployed version of every action, by its own id, without secrets.
pub(super) async fn deployed_by_id(cx: &mut OpCx<'_>) -> Result<Value, ApiError> {
    let rows = cx.tx.all(&DEPLOYED, &params![&cx.request.tenant]).await?;
    let versions = rows.iter().map(|row| Ok((row.text(2)?, row.json(0)?)));
    Ok(Value::Object(versions.collect::<Result<Map, StoreError>>()?))
}

/// A deployed version, with its secrets, and the action that it is of.
pub(crate) struct Deployed {
    pub(crate) action_id: String,
    pub(crate) name: String,
    pub(crate) version: Map,
}

/// The deployed version of every action.
///
/// # Errors
/// [`StoreError`] of the database.
pub(crate) async fn deployed(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
) -> Result<Vec<Deployed>, StoreError> {
    let rows = tx.all(&DEPLOYED, &params![tenant]).await?;
    let deployed = rows.iter().map(|row| {
        let version = VERSIONS.open(tenant, master_key, row)?;
        Ok(Deployed { action_id: row.text(3)?, name: row.text(4)?, version })
    });
    deployed.collect()
}

/// Makes a version of what the action's draft is and deploys it: the caller stores the action.
pub(super) async fn deploy(cx: &mut OpCx<'_>, action: &mut Map) -> Result<Map, ApiError> {
    let content = content(action);
    let version = add(cx, text(action, "id"), content).await?;
    action.insert("deployed_version_id".to_owned(), text(&version, "id").into());
    action.insert("all_changes_deployed".to_owned(), true.into());
    Ok(version)
}

/// Notes whether the draft is what is deployed.
pub(super) async fn compare(cx: &mut OpCx<'_>, action: &mut Map) -> Result<(), ApiError> {
    let deployed = match deployed_id(action).map(str::to_owned) {
        Some(id) => VERSIONS.find(cx.tx, &cx.request.tenant, &cx.request.master_key, &id).await?,
        None => None,
    };
    let same = deployed.is_some_and(|version| content(&version) == content(action));
    action.insert("all_changes_deployed".to_owned(), same.into());
    Ok(())
}

/// The members of a draft or a version that the other one has too.
fn content(of: &Map) -> Map {
    let copied = CONTENT.iter().chain([&secrets::VALUES]).filter_map(|name| of.get_key_value(*name));
    copied.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Stores a new version of the action.
async fn add(cx: &mut OpCx<'_>, action_id: &str, content: Map) -> Result<Map, ApiError> {
    let request = cx.request;
    let last = cx.tx.one(&LAST, &params![&request.tenant, action_id]).await?.opt_int(0)?;
    let now = request.now.iso8601();
    let mut version = content;
    for (name, value) in [
        ("id", Value::from(VERSIONS.id_form.draw(&request.random))),
        ("action_id", action_id.into()),
        ("number", (last.unwrap_or(0) + 1).into()),
        ("status", "built".into()),
        ("built_at", now.clone().into()),
        ("created_at", now.clone().into()),
        ("updated_at", now.into()),
    ] {
        version.insert(name.to_owned(), value);
    }
    VERSIONS.insert(cx.tx, &request.sealing(), version.clone()).await?;
    Ok(version)
}

fn present(mut version: Map, action: &Map) -> Value {
    version.remove(secrets::VALUES);
    let is_deployed = deployed_id(action) == Some(text(&version, "id"));
    version.insert("deployed".to_owned(), is_deployed.into());
    version.insert("action".to_owned(), base(action).into());
    version.into()
}

/// `POST /actions/actions/{id}/deploy`.
pub(super) fn deploy_draft<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let mut action = existing(cx, input.id()).await?;
        let version = deploy(cx, &mut action).await?;
        ACTIONS.store(cx.tx, &cx.request.sealing(), action.clone()).await?;
        Ok(present(version, &action).into())
    })
}

/// `GET /actions/actions/{actionId}/versions`: the newest first.
pub(super) fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let action = existing(cx, input.param("actionId")).await?;
        let rows = cx.tx.all(&OF_ACTION, &params![&cx.request.tenant, text(&action, "id")]).await?;
        let mut versions = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Value::Object(version) = row.json(0)? {
                versions.push(present(version, &action));
            }
        }
        Ok(page(&input.query, "versions", versions).into())
    })
}

/// `GET /actions/actions/{actionId}/versions/{id}`.
pub(super) fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (action, version) = named(cx, input).await?;
        Ok(present(version, &action).into())
    })
}

/// `POST /actions/actions/{actionId}/versions/{id}/deploy`. Compat: it deploys a copy, under a new number.
pub(super) fn deploy_again<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (mut action, version) = named(cx, input).await?;
        let content = content(&version);
        let copy = add(cx, text(&action, "id"), content.clone()).await?;
        action.insert("deployed_version_id".to_owned(), text(&copy, "id").into());
        if input.body.get("update_draft") == Some(&json!(true)) {
            action.extend(content);
            action.insert("updated_at".to_owned(), cx.request.now.iso8601().into());
        }
        compare(cx, &mut action).await?;
        ACTIONS.store(cx.tx, &cx.request.sealing(), action.clone()).await?;
        Ok(present(copy, &action).into())
    })
}

/// The action and the version of it that a path names.
async fn named(cx: &mut OpCx<'_>, input: &Input) -> Result<(Map, Map), ApiError> {
    let action = existing(cx, input.param("actionId")).await?;
    let version = VERSIONS.find(cx.tx, &cx.request.tenant, &cx.request.master_key, input.id()).await?;
    let version = version.filter(|version| text(version, "action_id") == text(&action, "id"));
    Ok((action, version.ok_or_else(|| VERSIONS.missing())?))
}

/// Deletes every version of an action.
pub(super) async fn forget(cx: &mut OpCx<'_>, action_id: &str) -> Result<(), ApiError> {
    cx.tx.run(&FORGET, &params![&cx.request.tenant, action_id]).await?;
    Ok(())
}
