//! Custom token exchange: the one Action that judges a token of the tenant's own.

use std::sync::Arc;

use gatewright_core::client::Client;
use gatewright_core::script::{Halt, ScriptFacts, actions};
use gatewright_http::RequestCx;
use gatewright_resources::login_transactions::ScriptProgress;
use gatewright_script::{Program, Wrapper};
use serde_json::{Value, json};

use super::event::{self, Sent};
use super::{Trigger, failed, ledger, run_masked};
use crate::decision::Wanted;

/// The trigger's id.
const CUSTOM_TOKEN_EXCHANGE: &str = "custom-token-exchange";

/// Runs the Action of a profile. `transaction` is `event.transaction`.
pub(crate) async fn run_exchange(
    cx: &RequestCx,
    client: &Client,
    program: &Arc<Program>,
    wanted: &Wanted,
    sent: &Sent,
    transaction: Value,
) -> ScriptProgress {
    let programs = vec![Arc::clone(program)];
    // Whoever reads the log must not get to use them.
    let tokens = ["subject_token", "actor_token"].map(|name| transaction[name].as_str().map(str::to_owned));
    let mut event = json!({
        "client": event::client(client),
        "request": event::request(cx, sent),
        "tenant": event::tenant(cx),
        "transaction": transaction,
    });
    if let Some(audience) = &wanted.audience {
        event["resource_server"] = json!({ "identifier": audience });
    }
    let trigger = Trigger {
        name: CUSTOM_TOKEN_EXCHANGE,
        wrapper: Wrapper::Action { trigger: CUSTOM_TOKEN_EXCHANGE.to_owned(), resume: None },
        programs: programs.clone(),
        input: event.into(),
        user_id: None,
        state: None,
    };
    let ran = run_masked(cx, trigger, tokens.into_iter().flatten().collect()).await;
    let facts = ScriptFacts {
        system_api: wanted.api.as_ref().is_some_and(|api| api.is_system),
        ..ScriptFacts::default()
    };
    let commands = ran.runs.first().map_or(&[][..], |run| &run.commands);
    let mut verdict = actions::judge(&format!("The action \"{}\"", program.name), commands, &facts);
    if let Some(error) = ran.failure() {
        verdict.halt.get_or_insert_with(|| Halt::Denied(failed(error)));
    }
    ScriptProgress { verdict, runs: ledger::runs("action", &programs, &ran), ..ScriptProgress::default() }
}
