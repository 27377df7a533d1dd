//! The tenant's scripts in the flows: what they are shown, running them, what the log keeps of it.
//!
//! Owns: events and contexts, the server as scripts see it ([`host`]), the order of Rules and Actions, what a
//! failure means for the login. Does not own: what commands may do (`gatewright_core::script`), the engine
//! (`gatewright_script`).
//!
//! Reading order: [`login`] (Rules and post-login Actions), [`machine`] (client credentials), [`registration`],
//! [`reset`] and [`afterwards`] (sign-ups, new passwords), [`event`], [`context`] and [`hook`] (what scripts look at),
//! [`host`], [`carry_out`], [`ledger`].

pub(crate) mod afterwards;
pub(crate) mod carry_out;
mod context;
pub(crate) mod event;
mod hook;
mod host;
pub(crate) mod ledger;
pub(crate) mod login;
pub(crate) mod machine;
pub(crate) mod registration;
pub(crate) mod reset;

use std::sync::Arc;

use gatewright_core::OAuthError;
use gatewright_http::RequestCx;
use gatewright_script::{ErrorKind, Flow, Limits, Outcome, Program, ScriptError, Wrapper};
use serde_json::{Map, Value, json};

use self::host::ScriptHost;

/// The scripts of a trigger on one event.
pub(crate) struct Trigger<'a> {
    /// `post-login`, ..., or `rules`.
    pub(crate) name: &'a str,
    /// How they are called.
    pub(crate) wrapper: Wrapper,
    /// The scripts.
    pub(crate) programs: Vec<Arc<Program>>,
    /// What they look at.
    pub(crate) input: Value,
    /// The user that the flow is about, if there is one.
    pub(crate) user_id: Option<String>,
    /// The state token of the login, where there is one: `api.redirect` needs it.
    pub(crate) state: Option<&'a str>,
}

/// Runs them.
pub(crate) async fn run(cx: &RequestCx, trigger: Trigger<'_>) -> Outcome {
    let mut globals = Map::new();
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
    cx.app.scripts.run(flow, Arc::new(host)).await
}

/// What a failed Action or Hook means for its flow. The author's words stay in the log: they may hold anything.
pub(crate) fn failed(error: &ScriptError) -> OAuthError {
    let (text, reason) = match error.kind {
        ErrorKind::Thrown => ("An Action failed.", "script_threw"),
        ErrorKind::Invalid => ("An Action cannot be run.", "script_invalid"),
        ErrorKind::Time => ("The Actions took too long.", "script_time"),
        ErrorKind::Cpu => ("An Action used too much processor time.", "script_cpu"),
        ErrorKind::Memory => ("An Action used too much memory.", "script_memory"),
        ErrorKind::Output => ("An Action's output is too long.", "script_output"),
        ErrorKind::Stuck => ("An Action never ended.", "script_stuck"),
        ErrorKind::Worker => ("The Actions could not be run.", "script_worker"),
    };
    OAuthError::access_denied(text).because(reason)
}
