//! Triggers: the places in a flow that actions can be bound to.

use serde_json::{Value, json};

use super::text;
use crate::engine::field::{Shape, TEXT, field};
use crate::engine::operation::Run;
use crate::engine::{ApiError, Input, Map, OpCx};

/// Every trigger's id.
pub(super) const IDS: &[&str] = &[
    "post-login",
    "credentials-exchange",
    "pre-user-registration",
    "post-user-registration",
    "post-change-password",
    "send-phone-message",
    "custom-phone-provider",
    "custom-email-provider",
    "password-reset-post-challenge",
    "custom-token-exchange",
    "event-stream",
    "password-hash-migration",
    "login-post-identifier",
    "signup-post-identifier",
    "post-credential-validation",
];
pub(super) const ID: Shape = Shape::OneOf(IDS);

/// A trigger in an action. What is not its id and version is taken and not kept: it is the server's to say.
pub(super) const TRIGGER: Shape = Shape::object(&[
    field("id", ID).required(),
    field("version", Shape::text(1, 16)),
    field("status", TEXT),
    field("runtimes", Shape::list(&TEXT)),
    field("default_runtime", TEXT),
    field("compatible_triggers", Shape::list(&Shape::open_object(&[]))),
    field("binding_policy", Shape::OneOf(&["trigger-bound", "entity-bound"])),
]);

/// Versions by trigger, the current one last. Triggers without a line have no known version and take `v1`.
const VERSIONS: &[(&str, &[&str])] = &[
    ("post-login", &["v1", "v2", "v3"]),
    ("credentials-exchange", &["v1", "v2"]),
    ("pre-user-registration", &["v1", "v2"]),
    ("post-user-registration", &["v1", "v2"]),
    ("post-change-password", &["v1", "v2"]),
    ("send-phone-message", &["v1", "v2"]),
    ("custom-phone-provider", &["v1"]),
    ("custom-email-provider", &["v1"]),
    ("password-reset-post-challenge", &["v1"]),
    ("custom-token-exchange", &["v1"]),
    ("event-stream", &["v1"]),
];

/// Triggers whose actions are named by another object of the tenant's.
const ENTITY_BOUND: &[&str] = &["custom-token-exchange", "event-stream"];

fn versions(id: &str) -> &'static [&'static str] {
    VERSIONS.iter().find(|(known, _)| *known == id).map_or(&["v1"], |(_, versions)| versions)
}

/// Reduces the triggers of an action to id and version, the current one unless it says otherwise.
pub(super) fn complete(action: &mut Map) -> Result<(), ApiError> {
    let Some(Value::Array(triggers)) = action.get_mut("supported_triggers") else { return Ok(()) };
    for trigger in triggers {
        let id = trigger["id"].as_str().unwrap_or_default().to_owned();
        let known = versions(&id);
        let version = match trigger["version"].as_str() {
            Some(version) if !known.contains(&version) => {
                return Err(ApiError::invalid_body(format_args!(
                    "'The trigger {id} has no version {version}' on property supported_triggers"
                )));
            }
            Some(version) => version.to_owned(),
            None => known.last().copied().unwrap_or_default().to_owned(),
        };
        *trigger = json!({ "id": id, "version": version });
    }
    Ok(())
}

/// Whether the action can be bound to this trigger.
pub(super) fn supports(action: &Map, id: &str) -> bool {
    let triggers = action.get("supported_triggers").and_then(Value::as_array);
    triggers.into_iter().flatten().filter_map(Value::as_object).any(|trigger| text(trigger, "id") == id)
}

/// The trigger that a path names.
pub(super) fn of_path(input: &Input) -> Result<&str, ApiError> {
    let id = input.param("triggerId");
    match IDS.contains(&id) {
        true => Ok(id),
        false => Err(ApiError::invalid_path("'There is no such trigger' on property triggerId")),
    }
}

/// `GET /actions/triggers`.
pub(super) fn list<'a>(_: &'a mut OpCx<'_>, _: &'a Input) -> Run<'a> {
    Box::pin(async move { Ok(json!({ "triggers": all() }).into()) })
}

fn all() -> Vec<Value> {
    let described = |id: &&'static str, version: &&'static str| {
        let is_current = versions(id).last() == Some(version);
        let (runtimes, default): (&[&str], _) = match (is_current, *version) {
            (false, "v1") => (&["node12"], "node12"),
            _ => (&["node12", "node16", "node18", "node22"], "node22"),
        };
        let compatible: Vec<Value> = match (*id, *version) {
            ("post-login", "v3") => vec![json!({ "id": "post-login", "version": "v2" })],
            _ => Vec::new(),
        };
        json!({
            "id": id,
            "version": version,
            "status": if is_current { "CURRENT" } else { "DEPRECATED" },
            "runtimes": runtimes,
            "default_runtime": default,
            "compatible_triggers": compatible,
            "binding_policy": if ENTITY_BOUND.contains(id) { "entity-bound" } else { "trigger-bound" },
        })
    };
    VERSIONS
        .iter()
        .flat_map(|(id, versions)| versions.iter().map(move |version| described(id, version)))
        .collect()
}
