//! Credentials-exchange Actions, and the Hook before them: what runs when a machine gets a token.

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::scope::ScopeReport;
use gatewright_core::script::{Halt, ScriptFacts, Verdict, actions};
use gatewright_http::RequestCx;
use gatewright_script::{ErrorKind, Wrapper};
use serde_json::{Value, json};

use super::event::{self, Sent};
use super::{Trigger, failed, ledger, run};
use crate::decision::Wanted;

/// The trigger's id.
const CREDENTIALS_EXCHANGE: &str = "credentials-exchange";

/// What scripts made of a machine's token.
#[derive(Default)]
pub(crate) struct Ran {
    pub(crate) verdict: Verdict,
    pub(crate) runs: Vec<Value>,
}

/// Whether the tenant has anything to run.
pub(crate) fn any(cx: &RequestCx) -> bool {
    let scripts = cx.tenant.scripts();
    !scripts.actions(CREDENTIALS_EXCHANGE).is_empty() || scripts.hook(CREDENTIALS_EXCHANGE).is_some()
}

/// Runs the hook, then the actions.
pub(crate) async fn run_exchange(
    cx: &RequestCx,
    client: &Client,
    wanted: &Wanted,
    report: &ScopeReport,
    sent: &Sent,
) -> Ran {
    let facts = ScriptFacts {
        system_api: wanted.api.as_ref().is_some_and(|api| api.is_system),
        ..ScriptFacts::default()
    };
    let mut ran = Ran::default();
    if let Some(hook) = cx.tenant.scripts().hook(CREDENTIALS_EXCHANGE) {
        let context = json!({ "webtask": { "secrets": hook.secrets } });
        let shown = json!({
            "id": client.client_id, "name": client.name, "metadata": client.client_metadata,
            "tenant": cx.tenant.id.as_str(),
        });
        let programs = vec![hook.clone()];
        let trigger = Trigger {
            name: CREDENTIALS_EXCHANGE,
            wrapper: Wrapper::Hook,
            programs: programs.clone(),
            input: json!({ "args": [shown, report.granted(), wanted.audience, context] }).into(),
            user_id: None,
            state: None,
        };
        let outcome = run(cx, trigger).await;
        ran.runs.extend(ledger::runs("hook", &programs, &outcome));
        ran.verdict = match outcome.failure() {
            Some(error) => Verdict::denied(hook_refusal(error)),
            None => {
                actions::judge(&format!("The hook \"{}\"", hook.name), &as_commands(&outcome.result), &facts)
            }
        };
    }
    let programs = cx.tenant.scripts().actions(CREDENTIALS_EXCHANGE).to_vec();
    if ran.verdict.halt.is_some() || programs.is_empty() {
        return ran;
    }
    let trigger = Trigger {
        name: CREDENTIALS_EXCHANGE,
        wrapper: Wrapper::Action { trigger: CREDENTIALS_EXCHANGE.to_owned(), resume: None },
        programs: programs.clone(),
        input: event_of(cx, client, wanted, report, sent).into(),
        user_id: None,
        state: None,
    };
    let outcome = run(cx, trigger).await;
    ran.runs.extend(ledger::runs("action", &programs, &outcome));
    for done in &outcome.runs {
        let by = programs.get(done.program).map_or("", |program| program.name.as_str());
        let verdict = actions::judge(&format!("The action \"{by}\""), &done.commands, &facts);
        ran.verdict = std::mem::take(&mut ran.verdict).then(verdict);
    }
    if let Some(error) = outcome.failure() {
        ran.verdict.halt.get_or_insert_with(|| Halt::Denied(failed(error)));
    }
    ran
}

fn event_of(cx: &RequestCx, client: &Client, wanted: &Wanted, report: &ScopeReport, sent: &Sent) -> Value {
    let requested: Vec<&str> = wanted.scope.as_deref().unwrap_or_default().split_whitespace().collect();
    json!({
        "client": event::client(client),
        "request": event::request(cx, sent),
        "tenant": event::tenant(cx),
        "resource_server": { "identifier": wanted.audience },
        "transaction": { "requested_scopes": requested },
        "accessToken": { "customClaims": {}, "scope": report.granted() },
    })
}

/// A hook gives its callback the members of the token: `scope` replaces the scopes, the others are claims.
fn as_commands(token: &Value) -> Vec<Value> {
    let members = token.as_object().into_iter().flatten();
    let commands = members.map(|(name, value)| match (name.as_str(), value) {
        ("scope", Value::Array(_)) => json!({ "type": "accessToken.setScopes", "scopes": value }),
        _ => json!({ "type": "accessToken.setCustomClaim", "name": name, "value": value }),
    });
    commands.collect()
}

/// Hooks refuse with errors of these names; what else fails is not told.
fn hook_refusal(error: &gatewright_script::ScriptError) -> OAuthError {
    let code = match (error.kind, error.name.as_str()) {
        (ErrorKind::Thrown, "InvalidScopeError") => "invalid_scope",
        (ErrorKind::Thrown, "InvalidRequestError") => "invalid_request",
        (ErrorKind::Thrown, "ServerError") => {
            let error = OAuthError::new(500, "server_error", error.message.clone());
            return error.because("denied_by_script");
        }
        _ => return failed(error),
    };
    OAuthError::new(400, code, error.message.clone()).because("denied_by_script")
}
