//! Which version of a module an action uses: the member `modules` of its draft and its versions.

use std::collections::BTreeMap;

use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_script::Program;
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

use super::super::versions::deployed_by_id;
use super::super::{deployed_id, page, secrets, text};
use super::{ACTIONS, existing, named, versions};
use crate::engine::field::{INT, Shape, TEXT, field};
use crate::engine::operation::Run;
use crate::engine::{ApiError, Input, Map, OpCx};
use crate::scripts::Modules;

/// The most that one action may use, as at Auth0.
const MOST: usize = 3;

/// A module as an action's body names it.
pub(in crate::actions) const REFERENCE: Shape = Shape::object(&[
    field("module_id", TEXT),
    field("module_name", TEXT),
    field("module_version_id", TEXT),
    field("module_version_number", INT),
]);

/// Completes the references of a body: what names no version gets the newest one.
pub(in crate::actions) async fn complete(cx: &mut OpCx<'_>, action: &mut Map) -> Result<(), ApiError> {
    let sent = match action.remove("modules") {
        Some(Value::Array(sent)) => sent,
        _ => return Ok(()),
    };
    if sent.len() > MOST {
        return Err(ApiError::new(400, format!("An action can use {MOST} modules at most.")));
    }
    let mut pinned: Vec<Value> = Vec::new();
    for reference in sent.iter().filter_map(Value::as_object) {
        let pin = pin(cx, reference).await?;
        if pinned.iter().any(|other| other["module_id"] == pin["module_id"]) {
            return Err(ApiError::new(400, "An action cannot use a module twice."));
        }
        pinned.push(pin);
    }
    // Compat: an action without modules has no such member.
    if !pinned.is_empty() {
        action.insert("modules".to_owned(), pinned.into());
    }
    Ok(())
}

async fn pin(cx: &mut OpCx<'_>, reference: &Map) -> Result<Value, ApiError> {
    let (id, name) = (text(reference, "module_id"), text(reference, "module_name"));
    let none = || {
        ApiError::new(400, format!("There is no action module {}.", if id.is_empty() { name } else { id }))
    };
    let module = match id.is_empty() {
        true => named(cx, name).await?.ok_or_else(none)?,
        false => existing(cx, id).await.map_err(|_| none())?,
    };
    let (wanted, number) = (text(reference, "module_version_id"), reference.get("module_version_number"));
    let mut all = versions::VERSIONS.load(cx.tx, &cx.request.tenant, &cx.request.master_key).await?;
    all.retain(|version| version["module_id"] == module["id"]);
    all.sort_by_key(|version| version["version_number"].as_i64());
    let version = match (wanted, number) {
        ("", None) => all.pop(),
        ("", Some(number)) => all.into_iter().find(|version| version["version_number"] == *number),
        (id, _) => all.into_iter().find(|version| version["id"] == id),
    };
    let version = version.ok_or_else(|| {
        let name = text(&module, "name");
        ApiError::new(400, format!("The action module {name} has no such version: publish one."))
    })?;
    Ok(json!({
        "module_id": module["id"], "module_name": module["name"],
        "module_version_id": version["id"], "module_version_number": version["version_number"],
    }))
}

/// The references of a draft or a version.
fn references(of: &Map) -> impl Iterator<Item = &Value> {
    of.get("modules").and_then(Value::as_array).into_iter().flatten()
}

/// The actions that use a module, in their draft or deployed, with the reference that counts: the deployed one.
pub(super) async fn of_module(cx: &mut OpCx<'_>, module_id: &str) -> Result<Vec<(Map, Value)>, ApiError> {
    let deployed = deployed_by_id(cx).await?;
    let mut using = Vec::new();
    for action in ACTIONS.load(cx.tx, &cx.request.tenant, &cx.request.master_key).await? {
        let deployed = deployed_id(&action).and_then(|id| deployed[id].as_object());
        let mut both = deployed.into_iter().flat_map(references).chain(references(&action));
        let reference = both.find(|one| one["module_id"] == module_id).cloned();
        drop(both);
        if let Some(reference) = reference {
            using.push((action, reference));
        }
    }
    Ok(using)
}

/// How many actions use each module, by its id.
pub(super) async fn count(cx: &mut OpCx<'_>) -> Result<Value, ApiError> {
    let mut counts = Map::new();
    let deployed = deployed_by_id(cx).await?;
    for version in deployed.as_object().into_iter().flat_map(Map::values).filter_map(Value::as_object) {
        for reference in references(version) {
            let id = reference["module_id"].as_str().unwrap_or_default().to_owned();
            let known = counts.get(&id).and_then(Value::as_i64).unwrap_or(0);
            counts.insert(id, (known + 1).into());
        }
    }
    Ok(counts.into())
}

/// `GET /actions/modules/{id}/actions`.
pub(super) fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input.id()).await?;
        let using = of_module(cx, input.id()).await?.into_iter().map(|(action, reference)| {
            json!({
                "action_id": action["id"], "action_name": action["name"],
                "module_version_id": reference["module_version_id"],
                "module_version_number": reference["module_version_number"],
                "supported_triggers": action["supported_triggers"],
            })
        });
        Ok(page(&input.query, "actions", using.collect()).into())
    })
}

/// The versions of modules that these versions of actions use, by their ids, with their secrets.
///
/// # Errors
/// [`StoreError`] of the database.
pub(crate) async fn pinned(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
    of: impl Iterator<Item = &Map>,
) -> Result<BTreeMap<String, Map>, StoreError> {
    let mut pinned = BTreeMap::new();
    for id in of.flat_map(references).filter_map(|reference| reference["module_version_id"].as_str()) {
        if !pinned.contains_key(id)
            && let Some(version) = versions::VERSIONS.find(tx, tenant, master_key, id).await?
        {
            pinned.insert(id.to_owned(), version);
        }
    }
    Ok(pinned)
}

/// Gives a program what `require('actions:NAME')` finds, with the dependencies of those modules.
pub(crate) fn attach(
    pinned: &BTreeMap<String, Map>,
    bundles: &Modules,
    version: &Map,
    program: &mut Program,
) {
    for reference in references(version) {
        let id = reference["module_version_id"].as_str().unwrap_or_default();
        let Some(module) = pinned.get(id) else { continue };
        let name = reference["module_name"].as_str().unwrap_or_default();
        let values = module.get(secrets::VALUES).cloned().unwrap_or_else(|| json!({}));
        program.modules.insert(format!("actions:{name}"), with_secrets(text(module, "code"), &values));
        for (name, code) in bundles.of(module) {
            program.modules.entry(name).or_insert(code);
        }
    }
}

/// The code with the global `actions` that it alone sees. It stands before the first line, so that lines keep their
/// numbers.
fn with_secrets(code: &str, values: &Value) -> String {
    // JSON is JavaScript, but for two characters that were line ends once.
    let values = values.to_string().replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    format!("var actions = Object.freeze({{ secrets: Object.freeze({values}) }}); {code}")
}

#[cfg(test)]
mod tests {
    use super::with_secrets;
    use serde_json::json;

    #[test]
    fn secrets_stand_before_the_first_line() {
        let code = with_secrets("a;\nb;", &json!({"KEY": "it's \"so\"\u{2028}"}));
        assert_eq!(code.lines().count(), 2);
        assert!(code.ends_with("; a;\nb;") && code.contains(r#"{"KEY":"it's \"so\"\u2028"}"#), "{code}");
    }
}
