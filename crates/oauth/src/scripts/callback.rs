//! Scripts that answer by a callback, one at a time: those of custom databases and of social connections.

use std::sync::Arc;

use gatewright_core::script::database::Answer;
use gatewright_http::RequestCx;
use gatewright_script::{ErrorKind, Program, ScriptError, Wrapper};
use serde_json::{Value, json};

use super::{Trigger, failure_reason, ledger, run_masked};

/// How the log names runs of a script.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named {
    /// Its trigger.
    pub(crate) trigger: &'static str,
    /// Its kind.
    pub(crate) kind: &'static str,
}

/// Calls a script with arguments of which the log shows no text in `secrets`, whatever the script prints or says.
/// Its answer, and the `scripts` member of `details.decision`.
pub(crate) async fn call(
    cx: &RequestCx,
    named: Named,
    program: &Arc<Program>,
    args: Value,
    secrets: Vec<String>,
) -> (Answer, Value) {
    let programs = vec![Arc::clone(program)];
    let trigger = Trigger {
        name: named.trigger,
        wrapper: Wrapper::Callback,
        programs: programs.clone(),
        input: json!({ "args": args }).into(),
        user_id: None,
        state: None,
    };
    let outcome = run_masked(cx, trigger, secrets.clone()).await;
    let runs = ledger::runs(named.kind, &programs, &outcome);
    let secrets: Vec<String> = ledger::own_secrets(program).cloned().chain(secrets).collect();
    let said = |error: &ScriptError| ledger::covered(&error.message, &secrets);
    let answer = match outcome.failure() {
        Some(error) if error.kind == ErrorKind::Thrown => {
            Answer::Threw { name: error.name.clone(), message: said(error), members: error.members.clone() }
        }
        Some(error) => Answer::Failed { reason: failure_reason(error.kind), message: said(error) },
        None => Answer::Result(outcome.result.clone()),
    };
    (answer, json!({ "runs": runs, "ignored": [] }))
}
