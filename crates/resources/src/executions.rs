//! Executions: what came of the Actions of a flow. The flow's log event names them.
//!
//! They are written with the event that tells of the flow, in one transaction: an execution that the log names
//! exists, and a login pays for no transaction more.

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::{Value, json};

use crate::engine::operation::Run;
use crate::engine::{ApiError, Input, OpCx};

sql!(
    INSERT,
    "INSERT INTO action_executions (tenant_id, execution_id, doc, created_at) VALUES ($1, $2, $3, $4)"
);
sql!(
    BY_ID,
    "SELECT doc FROM action_executions WHERE tenant_id = $1 AND execution_id = $2 AND created_at > $3"
);
sql!(EXPIRED, "DELETE FROM action_executions WHERE tenant_id = $1 AND created_at <= $2");

/// How long they are kept: ten days, as at Auth0.
const KEPT_SECONDS: i64 = 10 * 86_400;
/// One write in so many looks for what has expired.
const CLEANS_ONE_IN: u8 = 64;

/// Keeps an execution for each trigger of which a log event tells runs of Actions; their ids.
pub(crate) async fn keep(
    tx: &mut Tx,
    tenant: &TenantId,
    now: Timestamp,
    random: &Random,
    details: &Value,
) -> Result<Vec<String>, StoreError> {
    let mut ids = Vec::new();
    for (trigger, results) in by_trigger(&details["decision"]["scripts"]["runs"]) {
        let execution_id = random.alphanumeric(32);
        let doc = json!({
            "id": execution_id,
            "trigger_id": trigger,
            "status": "final",
            "results": results,
            "created_at": now.iso8601(),
            "updated_at": now.iso8601(),
        });
        tx.run(&INSERT, &params![tenant, &execution_id, doc, now]).await?;
        ids.push(execution_id);
    }
    if !ids.is_empty() && random.bytes::<1>()[0].is_multiple_of(CLEANS_ONE_IN) {
        tx.run(&EXPIRED, &params![tenant, now.plus_seconds(-KEPT_SECONDS)]).await?;
    }
    Ok(ids)
}

/// The results of Actions, in order, by their trigger.
fn by_trigger(runs: &Value) -> Vec<(String, Vec<Value>)> {
    let mut found: Vec<(String, Vec<Value>)> = Vec::new();
    let runs = runs.as_array().into_iter().flatten();
    for run in runs.filter(|run| run["kind"] == "action") {
        let trigger = run["trigger"].as_str().unwrap_or_default();
        let result = result(run);
        match found.iter_mut().find(|(known, _)| known == trigger) {
            Some((_, results)) => results.push(result),
            None => found.push((trigger.to_owned(), vec![result])),
        }
    }
    found
}

fn result(run: &Value) -> Value {
    let mut result = json!({
        "action_name": run["name"], "started_at": run["started_at"], "ended_at": run["ended_at"],
    });
    if run["error"].is_object() {
        let text = |name: &str| run["error"][name].as_str().unwrap_or_default().to_owned();
        result["error"] = json!({ "id": text("name"), "msg": text("message") });
    }
    result
}

/// `GET /actions/executions/{id}`.
pub(crate) fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let kept_since = cx.request.now.plus_seconds(-KEPT_SECONDS);
        let row = cx.tx.opt(&BY_ID, &params![&cx.request.tenant, input.id(), kept_since]).await?;
        let row = row.ok_or_else(|| ApiError::new(404, "That execution does not exist."))?;
        Ok(row.json(0)?.into())
    })
}

#[cfg(test)]
mod tests {
    use super::by_trigger;
    use serde_json::json;

    #[test]
    fn runs_are_told_by_trigger_and_rules_are_left_out() {
        let runs = json!([
            {"kind": "rule", "name": "r"},
            {"kind": "action", "trigger": "custom-token-exchange", "name": "x", "started_at": "a", "ended_at": "b"},
            {"kind": "action", "trigger": "post-login", "name": "y",
                "error": {"kind": "thrown", "name": "TypeError", "message": "m", "stack": "s"}},
            {"kind": "action", "trigger": "post-login", "name": "z"},
        ]);
        let found = by_trigger(&runs);
        let names: Vec<(&str, usize)> = found.iter().map(|(name, all)| (name.as_str(), all.len())).collect();
        assert_eq!(names, [("custom-token-exchange", 1), ("post-login", 2)]);
        assert_eq!(found[0].1[0], json!({"action_name": "x", "started_at": "a", "ended_at": "b"}));
        assert_eq!(found[1].1[0]["error"], json!({"id": "TypeError", "msg": "m"}));
        assert!(by_trigger(&json!(null)).is_empty());
    }
}
