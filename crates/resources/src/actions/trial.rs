//! `POST /actions/actions/{id}/test`: runs the draft with an event of the caller's.

use gatewright_script::{Flow, Limits, Outcome, Program, Wrapper};
use gatewright_store::{BoxFuture, Db, StoreError};
use serde_json::{Value, json};
use std::sync::Arc;

use super::modules::pins;
use super::{ACTIONS, text};
use crate::engine::field::{Field, OBJECT, Shape, field};
use crate::engine::operation::Run;
use crate::engine::{ApiError, Input, Map, OpCx, OpRequest};
use crate::scripts;

/// Compat: `payload` may hold more than the event.
pub(super) const BODY: &[Field] =
    &[field("payload", Shape::open_object(&[field("event", OBJECT)])).required()];

/// Runs it: here, since no transaction may be open while a script runs.
pub(super) fn run<'a>(
    db: &'a Db,
    request: &'a OpRequest,
    input: &'a mut Input,
) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let Some(trial) = &request.trial else {
            return Err(ApiError::new(503, "The service is not available, try again."));
        };
        let (tenant, master_key, id) =
            (request.tenant.clone(), Arc::clone(&request.master_key), input.id().to_owned());
        let bundles = trial.modules().clone();
        let read = db.read(move |tx| {
            Box::pin(async move {
                let Some(action) = ACTIONS.find(tx, &tenant, &master_key, &id).await? else {
                    return Ok(None);
                };
                let mut program =
                    scripts::action(text(&action, "id"), text(&action, "name"), &action, &bundles);
                let pinned = pins::pinned(tx, &tenant, &master_key, std::iter::once(&action)).await?;
                pins::attach(&pinned, &bundles, &action, &mut program);
                Ok::<_, StoreError>(Some((action, program)))
            })
        });
        let (action, program) = read.await?.ok_or_else(|| ACTIONS.missing())?;
        let trigger = action["supported_triggers"][0]["id"].as_str().unwrap_or_default().to_owned();
        let event = input.body.get("payload").map_or(Value::Null, |payload| payload["event"].clone());
        let outcome = trial.run(&trigger, flow(request, &trigger, program, event)).await;
        input.prepared = answer(&outcome);
        Ok(())
    })
}

fn flow(request: &OpRequest, trigger: &str, program: Program, event: Value) -> Flow {
    let mut globals = Map::new();
    // What `api.redirect` needs of a login.
    let redirect = json!({
        "iss": request.issuer.domain(), "state": null, "now": request.now.seconds(), "ip": request.ip,
    });
    globals.insert("$redirect".to_owned(), redirect);
    globals.insert("$rules".to_owned(), json!([]));
    Flow {
        tenant: request.tenant.as_str().to_owned(),
        wrapper: Wrapper::Action { trigger: trigger.to_owned(), resume: None },
        programs: vec![Arc::new(program)],
        input: if event.is_object() { event } else { json!({}) }.into(),
        globals,
        limits: Limits::default(),
    }
}

/// Compat: commands, logs and stats, and the error of a script that failed.
fn answer(outcome: &Outcome) -> Value {
    let run = outcome.runs.first().cloned().unwrap_or_default();
    let millis = |micros: u64| micros.div_ceil(1000);
    let mut payload = json!({
        "commands": run.commands,
        "logs": run.console.join("\n"),
        "stats": {
            "total_request_duration_ms": millis(run.wall_micros),
            "total_runtime_execution_duration_ms": millis(run.wall_micros),
            "runtime_processing_duration_ms": millis(run.cpu_micros),
            "action_duration_ms": millis(run.wall_micros),
            "runtime_external_call_duration_ms": millis(run.wall_micros.saturating_sub(run.cpu_micros)),
            "boot_duration_ms": 0,
            "network_duration_ms": 0,
        },
    });
    if let Some(error) = run.error {
        payload["error"] = json!({ "name": error.name, "message": error.message, "stack": error.stack });
    }
    json!({ "payload": payload })
}

/// The answer is ready.
pub(super) fn told<'a>(_: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move { Ok(input.prepared.clone().into()) })
}
