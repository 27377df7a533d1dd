//! Messages that the tenant's own Action or Hook delivers: the custom e-mail and phone providers, second factors.
//!
//! The caller waits for the outcome, as with every other provider. What the Action prints may hold a code or a
//! link, so the log shows stars in their place.

use std::sync::Arc;
use std::time::Duration;

use gatewright_adapters::{DeliveryError, DeliveryErrorKind, Receipt};
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::script::notification::{Next, next};
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_script::{Program, Wrapper};
use serde_json::{Value, json};

use super::event::{self, Sent};
use super::{Trigger, failed, ledger, run_masked};
use crate::multifactor::message::Message;

/// The trigger of the e-mail provider `custom`.
pub(crate) const EMAIL: &str = "custom-email-provider";
/// The trigger of the phone provider `custom`.
pub(crate) const PHONE: &str = "custom-phone-provider";

/// The trigger of the phone factor's messages, of Actions and Hooks.
pub(crate) const FACTOR: &str = "send-phone-message";

/// A message for an Action.
pub(crate) struct Notice<'a> {
    /// [`EMAIL`], [`PHONE`] or [`FACTOR`].
    pub(crate) trigger: &'static str,
    pub(crate) client: Option<&'a Client>,
    pub(crate) connection: Option<&'a Connection>,
    pub(crate) user: Option<&'a User>,
    /// The member of `event` that holds the message.
    pub(crate) member: &'static str,
    /// What it holds.
    pub(crate) notification: Value,
    /// What nobody may read in a log.
    pub(crate) secrets: Vec<String>,
    /// What callers are told whatever went wrong.
    pub(crate) public: &'static str,
}

/// What came of handing a message over.
pub(crate) struct Delivery {
    pub(crate) sent: Result<Receipt, DeliveryError>,
    /// The runs of the Action for a log event's `details.decision.scripts`, where one ran.
    pub(crate) scripts: Option<Value>,
}

impl From<Result<Receipt, DeliveryError>> for Delivery {
    fn from(sent: Result<Receipt, DeliveryError>) -> Self {
        Self { sent, scripts: None }
    }
}

impl Notice<'_> {
    /// Runs the Action until it has taken the message, dropped it, or failed.
    pub(crate) async fn deliver(&self, cx: &RequestCx) -> Delivery {
        let programs = cx.tenant.scripts().actions(self.trigger).to_vec();
        if programs.is_empty() {
            let detail =
                format!("the tenant's provider is custom, and no action is bound to {}", self.trigger);
            return self.failure(DeliveryErrorKind::Misconfigured, detail, None);
        }
        let (mut runs, mut ran_ms) = (Vec::new(), 0);
        for tries_before in 0.. {
            let trigger = Trigger {
                name: self.trigger,
                wrapper: Wrapper::Action { trigger: self.trigger.to_owned(), resume: None },
                programs: programs.clone(),
                input: self.event(cx).into(),
                user_id: self.user.map(|user| user.user_id.clone()),
                state: None,
            };
            let ran = run_masked(cx, trigger, self.secrets.clone()).await;
            runs.extend(ledger::runs("action", &programs, &ran));
            ran_ms += ran.runs.iter().map(|run| run.wall_micros / 1000).sum::<u64>();
            let told = Some(ledger::told(&runs, &[]));
            if let Some(error) = ran.failure() {
                let detail = failed(error).description.into_owned();
                return self.failure(DeliveryErrorKind::Temporary, detail, told);
            }
            let commands = ran.runs.first().map_or(&[][..], |run| &run.commands);
            match next(commands, tries_before, ran_ms) {
                Next::Taken => return self.done("custom", told),
                // Not to send it is the Action's decision; whoever asked is told nothing of it.
                Next::Dropped(_) => return self.done("custom, dropped", told),
                Next::Again(pause_ms) => tokio::time::sleep(Duration::from_millis(pause_ms)).await,
                Next::GivenUp(reason) => {
                    let detail = format!("the action asked for too many tries: {reason}");
                    return self.failure(DeliveryErrorKind::Temporary, detail, told);
                }
            }
        }
        self.failure(DeliveryErrorKind::Temporary, "the action was never done".to_owned(), None)
    }

    fn done(&self, route: &'static str, scripts: Option<Value>) -> Delivery {
        Delivery { sent: Ok(Receipt { route, provider_message_id: None }), scripts }
    }

    fn failure(&self, kind: DeliveryErrorKind, detail: String, scripts: Option<Value>) -> Delivery {
        let detail = format!("{}: {}", self.trigger, ledger::covered(&detail, &self.secrets));
        Delivery { sent: Err(DeliveryError { kind, public: self.public.to_owned(), detail }), scripts }
    }

    fn event(&self, cx: &RequestCx) -> Value {
        let mut event = json!({
            "request": event::request(cx, &Sent::default()),
            "tenant": event::tenant_of_message(cx),
        });
        event[self.member] = self.notification.clone();
        if let Some(client) = self.client {
            event["client"] = json!(event::client(client));
        }
        if let Some(connection) = self.connection {
            event["connection"] = json!(event::connection(connection));
        }
        event["user"] = match self.user {
            Some(user) => event::user(user),
            // Nobody is looked up before the code comes back.
            None => json!({}),
        };
        event
    }
}

/// The same by a Hook.
///
/// # Errors
/// What a failed engine stops with is in the delivery.
pub(crate) async fn by_hook(
    cx: &RequestCx,
    hook: &Arc<Program>,
    message: &Message<'_>,
    text: &str,
    public: &str,
) -> Delivery {
    let Message { client, user, code, to, language, .. } = message;
    let context = json!({
        "message_type": "sms", "action": message.action(), "language": language, "code": code,
        "ip": cx.ip.to_string(), "user_agent": cx.user_agent,
        "client": { "client_id": client.client_id, "name": client.name, "client_metadata": client.client_metadata },
        "user": event::user(user),
        "webtask": { "secrets": hook.secrets },
    });
    let programs = vec![Arc::clone(hook)];
    let trigger = Trigger {
        name: FACTOR,
        wrapper: Wrapper::Hook,
        programs: programs.clone(),
        input: json!({ "args": [to, text, context] }).into(),
        user_id: Some(user.user_id.clone()),
        state: None,
    };
    let secrets = vec![(*code).to_owned()];
    let ran = run_masked(cx, trigger, secrets.clone()).await;
    let told = Some(ledger::told(&ledger::runs("hook", &programs, &ran), &[]));
    let sent = match ran.failure() {
        None => Ok(Receipt { route: "hook", provider_message_id: None }),
        Some(error) => {
            let detail = format!("{FACTOR}: {}", ledger::covered(&failed(error).description, &secrets));
            Err(DeliveryError { kind: DeliveryErrorKind::Temporary, public: public.to_owned(), detail })
        }
    };
    Delivery { sent, scripts: told }
}

/// The parts of links and codes that nobody may read: what is long enough to be a secret, and the whole.
pub(crate) fn secrets_in(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    let long = parts.filter(|part| part.len() >= 16).map(str::to_owned);
    std::iter::once(text.to_owned()).chain(long).collect()
}

#[cfg(test)]
mod tests {
    use super::secrets_in;

    #[test]
    fn links_hide_their_secret_however_they_are_escaped() {
        let link = "https://a.example/u/reset?ticket=abcdefghijklmnop1234&x=1";
        assert_eq!(secrets_in(link), [link, "abcdefghijklmnop1234"]);
        assert_eq!(secrets_in("123456"), ["123456"]);
    }
}
