//! Bindings: which actions a trigger runs, in order.

use gatewright_store::{Row, StoreError, params, sql};
use serde_json::{Value, json};

use super::{ACTIONS, existing, named, page, present, text, triggers, versions};
use crate::engine::field::{Field, SOME_TEXT, Shape, TEXT, field};
use crate::engine::operation::Run;
use crate::engine::{ApiError, IdForm, Input, Map, OpCx};

sql!(
    OF_TRIGGER,
    "SELECT binding_id, action_id, display_name, created_at, updated_at FROM action_bindings
     WHERE tenant_id = $1 AND trigger_id = $2 ORDER BY position"
);
sql!(
    ADD,
    "INSERT INTO action_bindings
       (tenant_id, binding_id, trigger_id, position, action_id, display_name, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
);
sql!(CLEAR, "DELETE FROM action_bindings WHERE tenant_id = $1 AND trigger_id = $2");
sql!(COUNT, "SELECT COUNT(*) FROM action_bindings WHERE tenant_id = $1 AND action_id = $2");
sql!(FORGET, "DELETE FROM action_bindings WHERE tenant_id = $1 AND action_id = $2");

const REF: Shape = Shape::object(&[
    field("type", Shape::OneOf(&["binding_id", "action_id", "action_name"])).required(),
    field("value", SOME_TEXT).required(),
]);
const BINDING: Shape = Shape::object(&[
    field("ref", REF).required(),
    field("display_name", TEXT),
    field("secrets", Shape::list(&super::secrets::SECRET)),
]);
pub(super) const BODY: &[Field] = &[field("bindings", Shape::list(&BINDING)).required()];

/// Triggers that only one action can serve.
const SINGLE: &[&str] = &["custom-phone-provider", "custom-email-provider"];

struct Binding {
    id: String,
    action_id: String,
    display_name: String,
    created_at: gatewright_core::Timestamp,
    updated_at: gatewright_core::Timestamp,
}

fn read(row: &Row) -> Result<Binding, StoreError> {
    Ok(Binding {
        id: row.text(0)?,
        action_id: row.text(1)?,
        display_name: row.text(2)?,
        created_at: row.time(3)?,
        updated_at: row.time(4)?,
    })
}

async fn of_trigger(cx: &mut OpCx<'_>, trigger: &str) -> Result<Vec<Binding>, ApiError> {
    let rows = cx.tx.all(&OF_TRIGGER, &params![&cx.request.tenant, trigger]).await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// The bindings as they are shown, each with its action.
async fn shown(cx: &mut OpCx<'_>, trigger: &str, bindings: &[Binding]) -> Result<Vec<Value>, ApiError> {
    let deployed = versions::deployed_by_id(cx).await?;
    let mut shown = Vec::with_capacity(bindings.len());
    for binding in bindings {
        let action = existing(cx, &binding.action_id).await?;
        shown.push(json!({
            "id": binding.id,
            "trigger_id": trigger,
            "action": present(cx.request, &deployed, action),
            "display_name": binding.display_name,
            "created_at": binding.created_at.iso8601(),
            "updated_at": binding.updated_at.iso8601(),
        }));
    }
    Ok(shown)
}

/// `GET /actions/triggers/{triggerId}/bindings`.
pub(super) fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let trigger = triggers::of_path(input)?;
        let bindings = of_trigger(cx, trigger).await?;
        let shown = shown(cx, trigger, &bindings).await?;
        Ok(page(&input.query, "bindings", shown).into())
    })
}

/// `PATCH /actions/triggers/{triggerId}/bindings`: these and no others, in this order.
pub(super) fn replace<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let trigger = triggers::of_path(input)?;
        let sent = input.body.get("bindings").and_then(Value::as_array);
        let sent: Vec<&Map> = sent.into_iter().flatten().filter_map(Value::as_object).collect();
        if SINGLE.contains(&trigger) && sent.len() > 1 {
            return Err(ApiError::new(400, format!("The trigger {trigger} takes one action only.")));
        }
        let before = of_trigger(cx, trigger).await?;
        let mut bindings: Vec<Binding> = Vec::with_capacity(sent.len());
        for binding in sent {
            let binding = bound(cx, trigger, &before, binding).await?;
            if bindings.iter().any(|other| other.id == binding.id) {
                return Err(ApiError::new(400, "An action cannot be bound to a trigger twice."));
            }
            bindings.push(binding);
        }
        let tenant = &cx.request.tenant;
        cx.tx.run(&CLEAR, &params![tenant, trigger]).await?;
        for (position, binding) in (0_i64..).zip(&bindings) {
            let Binding { id, action_id, display_name, created_at, updated_at } = binding;
            let values =
                params![tenant, id, trigger, position, action_id, display_name, *created_at, *updated_at];
            cx.tx.run(&ADD, &values).await?;
        }
        Ok(json!({ "bindings": shown(cx, trigger, &bindings).await? }).into())
    })
}

/// The binding that a body's item asks for: the one that its action has already, or a new one.
async fn bound(
    cx: &mut OpCx<'_>,
    trigger: &str,
    before: &[Binding],
    sent: &Map,
) -> Result<Binding, ApiError> {
    if sent.get("secrets").and_then(Value::as_array).is_some_and(|secrets| !secrets.is_empty()) {
        return Err(ApiError::unsupported("A binding has no secrets of its own: set them on the action."));
    }
    let reference = sent.get("ref").and_then(Value::as_object).cloned().unwrap_or_default();
    let value = text(&reference, "value");
    let missing = || ApiError::new(400, format!("There is no action for the reference {value}."));
    let find = |of: &dyn Fn(&Binding) -> bool| before.iter().find(|binding| of(binding));
    let action = match text(&reference, "type") {
        "binding_id" => {
            let binding = find(&|binding| binding.id == value).ok_or_else(missing)?;
            Some(existing(cx, &binding.action_id.clone()).await?)
        }
        "action_name" => named(cx, value).await?,
        _ => ACTIONS.find(cx.tx, &cx.request.tenant, &cx.request.master_key, value).await?,
    };
    let action = action.ok_or_else(missing)?;
    let name = text(&action, "name");
    if !triggers::supports(&action, trigger) {
        return Err(ApiError::new(400, format!("The action {name} does not support the trigger {trigger}.")));
    }
    if !action.contains_key("deployed_version_id") {
        return Err(ApiError::new(
            400,
            format!("The action {name} is not deployed yet: only deployed ones can be bound."),
        ));
    }
    let (id, now) = (text(&action, "id"), cx.request.now);
    let known = find(&|binding| binding.action_id == id);
    let asked = text(sent, "display_name");
    let display_name = match (asked, known) {
        ("", Some(known)) => known.display_name.clone(),
        ("", None) => name.to_owned(),
        (asked, _) => asked.to_owned(),
    };
    Ok(match known {
        Some(known) => Binding {
            id: known.id.clone(),
            action_id: id.to_owned(),
            updated_at: if known.display_name == display_name { known.updated_at } else { now },
            created_at: known.created_at,
            display_name,
        },
        None => Binding {
            id: IdForm::Uuid.draw(&cx.request.random),
            action_id: id.to_owned(),
            display_name,
            created_at: now,
            updated_at: now,
        },
    })
}

/// Whether a trigger is bound to the action.
pub(super) async fn binds(cx: &mut OpCx<'_>, action_id: &str) -> Result<bool, ApiError> {
    Ok(cx.tx.one(&COUNT, &params![&cx.request.tenant, action_id]).await?.int(0)? > 0)
}

/// Takes the action away from every trigger.
pub(super) async fn forget(cx: &mut OpCx<'_>, action_id: &str) -> Result<(), ApiError> {
    cx.tx.run(&FORGET, &params![&cx.request.tenant, action_id]).await?;
    Ok(())
}
