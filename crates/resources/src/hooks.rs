//! Hooks: scripts at extension points, which Auth0 ended in November 2026. Here they go on running
//! ([`crate::scripts`]).

use gatewright_store::BoxFuture;
use serde_json::{Value, json};

use crate::engine::crud::{fill, merge};
use crate::engine::documents::document_table;
use crate::engine::field::{BOOL, Field, SOME_TEXT, Shape, TEXT, field};
use crate::engine::format::Format;
use crate::engine::operation::Run;
use crate::engine::query::Query;
use crate::engine::{
    Answer, ApiError, Crud, Handler, IdForm, Input, Map, Method, OpCx, OpRequest, Operation, Resource,
};

document_table!(TABLE, "hooks", id "hook_id", sealed "secrets_sealed");

pub(crate) static HOOKS: Crud = Crud {
    sealed: Some(SECRETS),
    not_found: ("The hook does not exist.", Some("HookDoesNotExist")),
    draft,
    change,
    present: shown,
    selects,
    ..Crud::plain(&TABLE, "/hooks", "/hooks/{id}", "hooks", IdForm::Digits("", 12), FIELDS)
};

/// The member, never shown, that holds the values of the secrets by name.
pub(crate) const SECRETS: &str = "secret_values";
/// The most that one hook may have.
const MOST_SECRETS: usize = 20;
/// What is shown in the place of a secret.
const HIDDEN: &str = "_VALUE_NOT_SHOWN_";

const TRIGGER: Shape = Shape::OneOf(&[
    "credentials-exchange",
    "pre-user-registration",
    "post-user-registration",
    "post-change-password",
    "send-phone-message",
]);
const FIELDS: &[Field] = &[
    field("name", Shape::Text { min: 1, max: 255, format: Format::ScriptName })
        .required()
        .hint("Name of this hook"),
    field("script", SOME_TEXT).required().hint("Code to be executed when this hook runs"),
    field("triggerId", TRIGGER).required().immutable(),
    field("enabled", BOOL),
    field("dependencies", Shape::TextMap { max_members: 100, max_length: 255 }),
];
const ITS_SECRETS: &str = "/hooks/{id}/secrets";
const SECRETS_BODY: Shape = Shape::TextMap { max_members: MOST_SECRETS, max_length: 4096 };

/// `/hooks`.
pub static RESOURCE: Resource = Resource {
    name: "hooks",
    operations: &[
        HOOKS
            .lists("get_hooks", "Get hooks", &["read:hooks"])
            .query(&[field("enabled", BOOL), field("triggerId", TRIGGER)]),
        HOOKS.creates("post_hooks", "Create a hook", &["create:hooks"]),
        HOOKS.reads("get_hooks_by_id", "Get a hook", &["read:hooks"]),
        HOOKS.updates("patch_hooks_by_id", "Update a hook", &["update:hooks"]),
        HOOKS.deletes("delete_hooks_by_id", "Delete a hook", &["delete:hooks"]),
        Operation::new(
            "get_secrets",
            Method::Get,
            ITS_SECRETS,
            "Get hook secrets",
            &["read:hooks"],
            Handler::Custom(list_secrets),
        ),
        Operation::new(
            "post_secrets",
            Method::Post,
            ITS_SECRETS,
            "Add hook secrets",
            &["update:hooks"],
            Handler::Custom(add_secrets),
        )
        .shaped_body(&SECRETS_BODY)
        .unlogged_bodies()
        .success(201)
        .writes_config(),
        Operation::new(
            "patch_secrets",
            Method::Patch,
            ITS_SECRETS,
            "Update hook secrets",
            &["update:hooks"],
            Handler::Custom(change_secrets),
        )
        .shaped_body(&SECRETS_BODY)
        .unlogged_bodies()
        .writes_config(),
        Operation::new(
            "delete_secrets",
            Method::Delete,
            ITS_SECRETS,
            "Delete hook secrets",
            &["delete:hooks"],
            Handler::Custom(delete_secrets),
        )
        .shaped_body(&Shape::list(&TEXT))
        .success(204)
        .writes_config(),
    ],
};

fn draft<'a>(cx: &'a mut OpCx<'_>, hook: &'a mut Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        // The first of a trigger is switched on, later ones wait for somebody to choose them.
        let first = others_enabled(cx, hook).await?.is_empty();
        fill(hook, json!({ "dependencies": {}, "enabled": first }));
        only_one(cx, hook).await
    })
}

fn change<'a>(cx: &'a mut OpCx<'_>, hook: &'a mut Map, body: &'a Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        merge(hook, body);
        only_one(cx, hook).await
    })
}

/// Switches the other hooks of the trigger off, if this one is on.
async fn only_one(cx: &mut OpCx<'_>, hook: &Map) -> Result<(), ApiError> {
    if hook.get("enabled") != Some(&Value::Bool(true)) {
        return Ok(());
    }
    for mut other in others_enabled(cx, hook).await? {
        other.insert("enabled".to_owned(), false.into());
        HOOKS.store(cx.tx, &cx.request.sealing(), other).await?;
    }
    Ok(())
}

/// The other hooks of the same trigger that are on.
async fn others_enabled(cx: &mut OpCx<'_>, hook: &Map) -> Result<Vec<Map>, ApiError> {
    let request = cx.request;
    let mut all = HOOKS.load(cx.tx, &request.tenant, &request.master_key).await?;
    all.retain(|other| {
        let same = |name: &str| other.get(name) == hook.get(name);
        other.get("enabled") == Some(&Value::Bool(true)) && same("triggerId") && !same("id")
    });
    Ok(all)
}

fn shown(_: &OpRequest, _: &Value, mut hook: Map) -> Map {
    hook.remove(SECRETS);
    hook
}

fn selects(query: &Query, hook: &Map) -> bool {
    let is = |name: &str, wanted: Value| hook.get(name) == Some(&wanted);
    query.bool("enabled").is_none_or(|wanted| is("enabled", wanted.into()))
        && query.text("triggerId").is_none_or(|wanted| is("triggerId", wanted.into()))
}

async fn existing(cx: &mut OpCx<'_>, input: &Input) -> Result<(Map, Map), ApiError> {
    let request = cx.request;
    let found = HOOKS.find(cx.tx, &request.tenant, &request.master_key, input.id()).await?;
    let mut hook = found.ok_or_else(|| HOOKS.missing())?;
    let secrets = match hook.remove(SECRETS) {
        Some(Value::Object(secrets)) => secrets,
        _ => Map::new(),
    };
    Ok((hook, secrets))
}

async fn store(cx: &mut OpCx<'_>, mut hook: Map, secrets: Map) -> Result<(), ApiError> {
    if secrets.len() > MOST_SECRETS {
        return Err(ApiError::new(400, format!("A hook can have {MOST_SECRETS} secrets at most.")));
    }
    hook.insert(SECRETS.to_owned(), secrets.into());
    Ok(HOOKS.store(cx.tx, &cx.request.sealing(), hook).await?)
}

/// Compat: names with a fixed text for each value.
fn list_secrets<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (_, secrets) = existing(cx, input).await?;
        Ok(secrets.into_iter().map(|(name, _)| (name, Value::from(HIDDEN))).collect::<Map>().into())
    })
}

fn add_secrets<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (hook, mut secrets) = existing(cx, input).await?;
        let sent = sent(input);
        if let Some(known) = sent.keys().find(|name| secrets.contains_key(*name)) {
            return Err(ApiError::conflict(format!("The hook has a secret named {known} already.")));
        }
        secrets.extend(sent);
        store(cx, hook, secrets).await?;
        Ok(Answer::default())
    })
}

fn change_secrets<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (hook, mut secrets) = existing(cx, input).await?;
        let sent = sent(input);
        if let Some(unknown) = sent.keys().find(|name| !secrets.contains_key(*name)) {
            return Err(ApiError::new(400, format!("The hook has no secret named {unknown}.")));
        }
        secrets.extend(sent);
        store(cx, hook, secrets).await?;
        Ok(Answer::default())
    })
}

fn delete_secrets<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (hook, mut secrets) = existing(cx, input).await?;
        for name in input.whole.as_array().into_iter().flatten().filter_map(Value::as_str) {
            secrets.remove(name);
        }
        store(cx, hook, secrets).await?;
        Ok(Answer::default())
    })
}

/// The secrets of a body that have a value.
fn sent(input: &Input) -> Map {
    let members = input.whole.as_object().into_iter().flatten();
    members
        .filter(|(_, value)| value.is_string())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
