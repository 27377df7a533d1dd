//! pre-user-registration: the hook and the actions that look at an account before it is made.
//!
//! They run whether or not the address has an account already, so that neither time nor text tells.

use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::script::registration::{self, Refusal, Registration};
use gatewright_http::RequestCx;
use gatewright_script::{ErrorKind, ScriptError, Wrapper};
use serde_json::{Map, Value, json};

use super::event::{self, Sent};
use super::{Trigger, failure_reason, hook, ledger, run};

/// The trigger's id.
const PRE_USER_REGISTRATION: &str = "pre-user-registration";

/// Somebody who signs up.
pub(crate) struct Candidate<'a> {
    pub(crate) client: Option<&'a Client>,
    pub(crate) connection: &'a Connection,
    /// E-mail address, phone number, user name, profile, metadata: all that is known.
    pub(crate) profile: &'a Map<String, Value>,
    pub(crate) sent: &'a Sent,
}

/// What scripts made of a sign-up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Screened {
    pub(crate) registration: Registration,
    runs: Vec<Value>,
}

impl Screened {
    /// The `scripts` member of the log event's `details.decision`; null where none ran.
    pub(crate) fn ledger(&self) -> Value {
        match self.runs.is_empty() && self.registration.refusal.is_none() {
            true => Value::Null,
            false => json!({ "runs": self.runs, "ignored": self.registration.notes }),
        }
    }
}

/// Whether the tenant has anything to run.
pub(crate) fn any(cx: &RequestCx) -> bool {
    let scripts = cx.tenant.scripts();
    !scripts.actions(PRE_USER_REGISTRATION).is_empty() || scripts.hook(PRE_USER_REGISTRATION).is_some()
}

/// Runs the hook, then the actions. No transaction may be open.
pub(crate) async fn screen(cx: &RequestCx, candidate: &Candidate<'_>) -> Screened {
    let mut screened = Screened::default();
    if let Some(program) = cx.tenant.scripts().hook(PRE_USER_REGISTRATION) {
        let programs = vec![program.clone()];
        let context = hook::context(cx, candidate.client, candidate.connection, candidate.sent);
        let trigger = Trigger {
            name: PRE_USER_REGISTRATION,
            wrapper: Wrapper::Hook,
            programs: programs.clone(),
            input: json!({ "args": [hook::user(cx, candidate.profile), context] }).into(),
            user_id: None,
            state: None,
        };
        let outcome = run(cx, trigger).await;
        screened.runs.extend(ledger::runs("hook", &programs, &outcome));
        screened.registration = match outcome.failure() {
            Some(error) if error.kind == ErrorKind::Thrown => {
                refused(registration::of_hook_error(&error.name, &error.message, &error.members))
            }
            Some(error) => refused(refusal_of(error)),
            None => registration::of_hook(&outcome.result),
        };
    }
    let programs = cx.tenant.scripts().actions(PRE_USER_REGISTRATION).to_vec();
    if screened.registration.refusal.is_none() && !programs.is_empty() {
        let trigger = Trigger {
            name: PRE_USER_REGISTRATION,
            wrapper: Wrapper::Action { trigger: PRE_USER_REGISTRATION.to_owned(), resume: None },
            programs: programs.clone(),
            input: event_of(cx, candidate).into(),
            user_id: None,
            state: None,
        };
        let outcome = run(cx, trigger).await;
        screened.runs.extend(ledger::runs("action", &programs, &outcome));
        for done in &outcome.runs {
            let name = programs.get(done.program).map_or("", |program| program.name.as_str());
            let more = registration::of_commands(&format!("The action \"{name}\""), &done.commands);
            screened.registration = std::mem::take(&mut screened.registration).then(more);
        }
        if let Some(error) = outcome.failure() {
            let known = &mut screened.registration.refusal;
            known.get_or_insert_with(|| refusal_of(error));
        }
    }
    if candidate.connection.strategy != "auth0" {
        screened.registration.without_metadata("pre-user-registration");
    }
    screened
}

fn refusal_of(error: &ScriptError) -> Refusal {
    Refusal::failed(error.message.clone(), failure_reason(error.kind))
}

fn refused(refusal: Refusal) -> Registration {
    Registration { refusal: Some(refusal), ..Registration::default() }
}

fn event_of(cx: &RequestCx, candidate: &Candidate<'_>) -> Value {
    let mut event = json!({
        "connection": event::connection(candidate.connection),
        "request": event::request(cx, candidate.sent),
        "tenant": event::tenant(cx),
        "user": candidate.profile,
    });
    if let Some(client) = candidate.client {
        event["client"] = json!(event::client(client));
    }
    event
}
