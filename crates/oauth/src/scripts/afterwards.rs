//! post-user-registration and post-change-password: what runs after the answer, and changes nothing of it.
//!
//! Each run leaves a log event of its own, as there is no other that could tell of it.

use std::sync::Arc;

use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_script::{Program, Wrapper};
use serde_json::{Map, Value, json};

use super::event::{self, Sent};
use super::{Trigger, hook, ledger, run};
use crate::events;

/// Compat: Auth0 has no code for a run that went well.
pub(crate) const EXECUTED: &str = "actions_executed";
const FAILED: &str = "actions_execution_failed";

/// Something that happened to an account.
struct Happened {
    cx: RequestCx,
    client: Option<Arc<Client>>,
    connection: Arc<Connection>,
    user: User,
    sent: Sent,
    what: &'static What,
}

/// A trigger that tells of it.
struct What {
    trigger: &'static str,
    /// The log's code where the hook fails.
    hook_failed: &'static str,
    /// The members of `event.user`; empty for all.
    shows: &'static [&'static str],
}

static REGISTERED: What = What { trigger: "post-user-registration", hook_failed: "fpurh", shows: &[] };

static PASSWORD_CHANGED: What = What {
    trigger: "post-change-password",
    hook_failed: "fcph",
    shows: &[
        "user_id",
        "email",
        "email_verified",
        "username",
        "phone_number",
        "phone_verified",
        "last_password_reset",
    ],
};

/// An account was made, and that is committed.
pub(crate) fn registered(
    cx: &RequestCx,
    client: Option<&Arc<Client>>,
    connection: &Arc<Connection>,
    user: &User,
    sent: &Sent,
) {
    begin(cx, client, connection, user, sent, &REGISTERED);
}

/// An account has another password, and that is committed.
pub(crate) fn password_changed(
    cx: &RequestCx,
    client: Option<&Arc<Client>>,
    connection: &Arc<Connection>,
    user: &User,
    sent: &Sent,
) {
    begin(cx, client, connection, user, sent, &PASSWORD_CHANGED);
}

fn begin(
    cx: &RequestCx,
    client: Option<&Arc<Client>>,
    connection: &Arc<Connection>,
    user: &User,
    sent: &Sent,
    what: &'static What,
) {
    let scripts = cx.tenant.scripts();
    if scripts.actions(what.trigger).is_empty() && scripts.hook(what.trigger).is_none() {
        return;
    }
    let happened = Happened {
        cx: cx.clone(),
        client: client.cloned(),
        connection: Arc::clone(connection),
        user: user.clone(),
        sent: sent.clone(),
        what,
    };
    tokio::spawn(happened.tell());
}

impl Happened {
    async fn tell(self) {
        let scripts = self.cx.tenant.scripts();
        if let Some(program) = scripts.hook(self.what.trigger) {
            let context = hook::context(&self.cx, self.client.as_deref(), &self.connection, &self.sent);
            let input = json!({ "args": [hook::user(&self.cx, &self.shown()), context] });
            self.run_and_log("hook", vec![Arc::clone(program)], Wrapper::Hook, input).await;
        }
        let programs = scripts.actions(self.what.trigger).to_vec();
        if !programs.is_empty() {
            let wrapper = Wrapper::Action { trigger: self.what.trigger.to_owned(), resume: None };
            let input = json!({
                "connection": event::connection(&self.connection),
                "request": event::request(&self.cx, &self.sent),
                "tenant": event::tenant(&self.cx),
                "transaction": { "acr_values": [], "ui_locales": [], "locale": "en", "requested_scopes": [] },
                "user": self.shown(),
            });
            self.run_and_log("action", programs, wrapper, input).await;
        }
    }

    /// The user as the trigger shows it.
    fn shown(&self) -> Map<String, Value> {
        let Value::Object(mut user) = event::user(&self.user) else { return Map::new() };
        for name in ["identities", "multifactor", "enrolledFactors"] {
            user.remove(name);
        }
        if !self.what.shows.is_empty() {
            user.retain(|name, _| self.what.shows.contains(&name.as_str()));
        }
        user
    }

    async fn run_and_log(&self, kind: &str, programs: Vec<Arc<Program>>, wrapper: Wrapper, input: Value) {
        let trigger = Trigger {
            name: self.what.trigger,
            wrapper,
            programs: programs.clone(),
            input: input.into(),
            user_id: Some(self.user.user_id.clone()),
            state: None,
        };
        let outcome = run(&self.cx, trigger).await;
        let error = outcome.failure();
        let code = match (error, kind) {
            (None, _) => EXECUTED,
            (Some(_), "hook") => self.what.hook_failed,
            (Some(_), _) => FAILED,
        };
        let event = events::event(&self.cx, code, self.client.as_deref());
        let mut event = events::at_connection(event, &self.connection);
        event.user_id = Some(self.user.user_id.clone());
        event.user_name = self.user.text("email").or(self.user.text("phone_number")).map(str::to_owned);
        event.description = error.map(|error| error.message.clone());
        event.details = json!({
            "trigger_id": self.what.trigger,
            "decision": { "scripts": { "runs": ledger::runs(kind, &programs, &outcome), "ignored": [] } },
        });
        if events::write(&self.cx, event).await.is_err() {
            tracing::error!("What a script did could not be logged.");
        }
    }
}
