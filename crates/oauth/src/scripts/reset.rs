//! password-reset-post-challenge: the actions between the link of a reset and the new password.

use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::script::{Halt, ScriptFacts, Verdict, actions};
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_resources::login_transactions::{ScriptProgress, WaitingScript};
use gatewright_script::Wrapper;
use serde_json::{Value, json};

use super::event::{self, Sent};
use super::login::note_metadata;
use super::{Trigger, failed, ledger, run, unavailable};

/// The trigger's id.
pub(crate) const TRIGGER: &str = "password-reset-post-challenge";

/// A reset, as its actions see it.
pub(crate) struct Scene<'a> {
    pub(crate) client: Option<&'a Client>,
    pub(crate) connection: &'a Connection,
    pub(crate) user: &'a User,
    pub(crate) sent: &'a Sent,
    pub(crate) locale: &'static str,
    /// The state token of the transaction in which the reset waits.
    pub(crate) state: &'a str,
}

/// Whether the tenant has anything to run.
pub(crate) fn any(cx: &RequestCx) -> bool {
    !cx.tenant.scripts().actions(TRIGGER).is_empty()
}

/// Runs them, from the start or from where `before` stopped.
pub(crate) async fn run_reset(cx: &RequestCx, scene: &Scene<'_>, before: ScriptProgress) -> ScriptProgress {
    let resume = before.waits_for.as_ref().and_then(|waiting| waiting.action_id.clone());
    let mut progress = ScriptProgress { waits_for: None, ..before };
    let bound = cx.tenant.scripts().actions(TRIGGER);
    // An action that was unbound while the browser was away is over: those after it are not known then.
    let first = resume.as_ref().map_or(Some(0), |id| bound.iter().position(|program| program.id == *id));
    let Some(first) = first else {
        progress.verdict = Verdict::denied(unavailable());
        return progress;
    };
    let programs = bound[first..].to_vec();
    if programs.is_empty() {
        return progress;
    }
    let trigger = Trigger {
        name: TRIGGER,
        wrapper: Wrapper::Action {
            trigger: TRIGGER.to_owned(),
            resume: resume.map(|_| "onContinuePostChallenge".to_owned()),
        },
        programs: programs.clone(),
        input: event_of(cx, scene, &progress).into(),
        user_id: Some(scene.user.user_id.clone()),
        state: Some(scene.state),
    };
    let outcome = run(cx, trigger).await;
    progress.runs.extend(ledger::runs("action", &programs, &outcome));
    let facts = ScriptFacts { can_redirect: true, ..ScriptFacts::default() };
    for ran in &outcome.runs {
        let program = programs.get(ran.program);
        let by = format!("The action \"{}\"", program.map_or("", |program| program.name.as_str()));
        let verdict = actions::judge(&by, &ran.commands, &facts);
        if let Some(Halt::Redirect { url, .. }) = &verdict.halt {
            let action_id = program.map(|program| program.id.clone());
            progress.waits_for = Some(WaitingScript { action_id, url: url.clone(), factors: Vec::new() });
        }
        progress.verdict = progress.verdict.then(verdict);
        note_metadata(&mut progress.metadata, &ran.commands);
    }
    if let Some(error) = outcome.failure()
        && !matches!(progress.verdict.halt, Some(Halt::Denied(_)))
    {
        progress.waits_for = None;
        progress.verdict.halt = Some(Halt::Denied(failed(error)));
    }
    progress
}

/// The address that an action set for the end of the reset; the last one counts.
pub(crate) fn result_url(verdict: &Verdict) -> Option<String> {
    let set = |command: &&Value| command["type"] == "transaction.setResultUrl";
    let last = verdict.others.iter().rfind(set)?;
    last["url"].as_str().map(str::to_owned)
}

fn event_of(cx: &RequestCx, scene: &Scene<'_>, progress: &ScriptProgress) -> Value {
    let count = scene.user.profile.get("logins_count").and_then(Value::as_i64).unwrap_or(0);
    let mut event = json!({
        "connection": event::connection(scene.connection),
        "request": event::request(cx, scene.sent),
        "tenant": event::tenant(cx),
        "user": event::user(scene.user),
        "stats": { "logins_count": count },
        "authentication": { "methods": [{ "name": "email", "timestamp": cx.now.iso8601() }] },
        "transaction": { "locale": scene.locale, "ui_locales": [], "state": "", "metadata": progress.metadata },
    });
    if let Some(client) = scene.client {
        event["client"] = json!(event::client(client));
    }
    event
}
