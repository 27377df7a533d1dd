//! The tenant's scripts in the flows: what they are shown, running them, what the log keeps of it.
//!
//! Owns: events and contexts, the order of Rules and Actions, what a failure means for the login. Does not own:
//! what commands may do (`gatewright_core::script`), the engine (`gatewright_script`), the server as scripts see it
//! (`gatewright_http::script_host`).
//!
//! Reading order: [`login`] (Rules and post-login Actions), [`machine`] (client credentials), [`registration`],
//! [`reset`] and [`afterwards`] (sign-ups, new passwords), [`event`], [`post_login`], [`context`] and [`hook`] (what scripts look at),
//! [`exchange`] (tokens of the tenant's own), [`notification`] (messages), [`callback`] (custom databases, social
//! connections), [`carry_out`], [`ledger`].

pub(crate) mod afterwards;
pub(crate) mod callback;
pub(crate) mod carry_out;
mod context;
pub(crate) mod event;
pub(crate) mod exchange;
mod hook;
pub(crate) mod ledger;
pub(crate) mod login;
pub(crate) mod machine;
pub(crate) mod notification;
mod post_login;
pub(crate) mod registration;
pub(crate) mod reset;
mod rule_token;

use std::ops::Deref;
use std::sync::Arc;

use gatewright_core::{OAuthError, Timestamp};
use gatewright_http::RequestCx;
use gatewright_http::script_host::ScriptHost;
use gatewright_script::{ErrorKind, Flow, Input, Limits, Outcome, Program, ScriptError, Wrapper};
use serde_json::{Map, Value, json};

/// The scripts of a trigger on one event.
pub(crate) struct Trigger<'a> {
    /// `post-login`, ..., or `rules`.
    pub(crate) name: &'a str,
    /// How they are called.
    pub(crate) wrapper: Wrapper,
    /// The scripts.
    pub(crate) programs: Vec<Arc<Program>>,
    /// What they look at.
    pub(crate) input: Input,
    /// The user that the flow is about, if there is one.
    pub(crate) user_id: Option<String>,
    /// The state token of the login, where there is one: `api.redirect` needs it.
    pub(crate) state: Option<&'a str>,
}

/// Scripts that ran, and what the log may tell of it besides.
pub(crate) struct Ran {
    outcome: Outcome,
    trigger: String,
    started_at: Timestamp,
    /// The event of Actions, in `dev`: `gatewright actions run` can run them on it again.
    event: Option<Value>,
    /// Texts that the log shows as stars.
    masked: Vec<String>,
}

impl Deref for Ran {
    type Target = Outcome;

    fn deref(&self) -> &Outcome {
        &self.outcome
    }
}

/// Runs them.
pub(crate) async fn run(cx: &RequestCx, trigger: Trigger<'_>) -> Ran {
    run_masked(cx, trigger, Vec::new()).await
}

/// Runs them on an event that holds secrets, such as a one-time code: whatever scripts print, the log shows none.
pub(crate) async fn run_masked(cx: &RequestCx, trigger: Trigger<'_>, mut masked: Vec<String>) -> Ran {
    let mut globals = Map::new();
    if trigger.wrapper == Wrapper::Rule {
        let (auth0, token) = rule_token::auth0(cx, &trigger.programs).await;
        globals.insert("$auth0".to_owned(), auth0);
        masked.extend(token);
    }
    let shown = cx.app.settings.dev && matches!(trigger.wrapper, Wrapper::Action { .. }) && masked.is_empty();
    let event = shown.then(|| trigger.input.value());
    let redirect = json!({
        "iss": cx.issuer.domain(), "state": trigger.state, "now": cx.now.seconds(), "ip": cx.ip.to_string(),
    });
    globals.insert("$redirect".to_owned(), redirect);
    let rules: Vec<&str> = cx.tenant.scripts().rules().iter().map(|rule| rule.id.as_str()).collect();
    globals.insert("$rules".to_owned(), json!(rules));
    globals.insert("$domain".to_owned(), json!(cx.issuer.domain()));
    let host = ScriptHost::new(cx, trigger.name, trigger.user_id);
    let flow = Flow {
        tenant: cx.tenant.id.as_str().to_owned(),
        wrapper: trigger.wrapper,
        programs: trigger.programs,
        input: trigger.input,
        globals,
        limits: Limits::default(),
    };
    metrics::counter!("gatewright_script_flows_total", "trigger" => trigger.name.to_owned()).increment(1);
    let started_at = cx.app.clock.now();
    let outcome = cx.app.scripts.run(flow, Arc::new(host)).await;
    Ran { outcome, trigger: trigger.name.to_owned(), started_at, event, masked }
}

/// What scripts look at, as JSON.
fn written(value: &impl serde::Serialize) -> Input {
    Input::of(value).unwrap_or_else(|error| {
        tracing::error!(%error, "what scripts look at is no JSON");
        Value::Null.into()
    })
}

/// What a failed Action or Hook means for its flow. The author's words stay in the log: they may hold anything.
pub(crate) fn failed(error: &ScriptError) -> OAuthError {
    let text = match error.kind {
        ErrorKind::Thrown => "An Action failed.",
        ErrorKind::Invalid => "An Action cannot be run.",
        ErrorKind::Time => "The Actions took too long.",
        ErrorKind::Cpu => "An Action used too much processor time.",
        ErrorKind::Memory => "An Action used too much memory.",
        ErrorKind::Output => "An Action's output is too long.",
        ErrorKind::Stuck => "An Action never ended.",
        ErrorKind::Worker => "The Actions could not be run.",
    };
    OAuthError::access_denied(text).because(failure_reason(error.kind))
}

/// The reason that the log gives for a failure.
pub(crate) fn failure_reason(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Thrown => "script_threw",
        ErrorKind::Invalid => "script_invalid",
        ErrorKind::Time => "script_time",
        ErrorKind::Cpu => "script_cpu",
        ErrorKind::Memory => "script_memory",
        ErrorKind::Output => "script_output",
        ErrorKind::Stuck => "script_stuck",
        ErrorKind::Worker => "script_worker",
    }
}

/// The script that a flow would go on with is gone: unbound, deleted or switched off while the browser was away.
pub(crate) fn unavailable() -> OAuthError {
    OAuthError::access_denied("The tenant's scripts could not be run.").because("script_unbound")
}

#[cfg(test)]
mod tests {
    use gatewright_script::ErrorKind;

    use super::failure_reason;

    #[test]
    fn a_failure_of_the_server_is_told_from_one_of_the_script() {
        assert_eq!(failure_reason(ErrorKind::Worker), "script_worker");
        assert_eq!(failure_reason(ErrorKind::Thrown), "script_threw");
    }
}
