//! The text message of a second factor, and who delivers it.
//!
//! The tenant's own Action or Hook (`send-phone-message`) where it is chosen, its account at Twilio likewise; else
//! the tenant's phone provider, else the way of its `sms` connection. In `dev` the inbox takes all of them.

use std::sync::Arc;

use gatewright_adapters::{CallerInfo, DeliveryError, Sms, Syntax, render};
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::mfa::Factor;
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_resources::guardian::phone;
use gatewright_store::StoreError;
use serde_json::{Value, json};

use super::event;
use crate::events;
use crate::scripts::notification::{self, Delivery, Notice};
use crate::stop::Stop;

/// What callers are told whatever went wrong.
const PUBLIC: &str = "The phone provider could not send the message.";

/// A code on its way to a phone.
pub(crate) struct Message<'a> {
    pub(crate) client: &'a Client,
    pub(crate) user: &'a User,
    /// The number is being enrolled, else it is challenged.
    pub(crate) enrollment: bool,
    pub(crate) code: &'a str,
    pub(crate) to: &'a str,
    pub(crate) language: &'a str,
}

impl Message<'_> {
    /// Hands it over and tells of it in the log; `false` if it could not be sent.
    pub(crate) async fn deliver(&self, cx: &RequestCx) -> Result<bool, Stop> {
        let delivery = self.send(cx).await?;
        events::count_message("sms", &delivery.sent);
        let failed = delivery.sent.as_ref().err();
        let code = if failed.is_some() { "gd_send_sms_failure" } else { "gd_send_sms" };
        let mut event = event(cx, self.client, self.user, Factor::Phone, code);
        event.details["message"] = json!({ "to": self.to, "action": self.action() });
        if let Some(error) = failed {
            event.details["error"] = json!({ "message": error.public, "detail": error.detail });
        }
        if let Some(scripts) = &delivery.scripts {
            event.details["decision"] = json!({ "scripts": scripts });
        }
        events::write(cx, event).await?;
        Ok(failed.is_none())
    }

    /// Hands it over and waits for what came of it.
    ///
    /// # Errors
    /// What a failed database or engine stops with; a message that could not be sent is in the delivery.
    async fn send(&self, cx: &RequestCx) -> Result<Delivery, Stop> {
        let text = match self.text(cx) {
            Ok(text) => text,
            Err(error) => return Ok(Err(error).into()),
        };
        let (messenger, scripts) = (&cx.app.messenger, cx.tenant.scripts());
        let provider = phone::provider(&cx.tenant);
        if messenger.captures_everything() {
            return Ok(self.by_route(cx, Arc::new(Connection::default()), text).await);
        }
        // Compat: without a provider of its own here, `auth0` is whatever the tenant has.
        if provider != "twilio" {
            if !scripts.actions(notification::FACTOR).is_empty() {
                return Ok(self
                    .notice(notification::FACTOR, "message_options", self.options(&text))
                    .deliver(cx)
                    .await);
            }
            if let Some(hook) = scripts.hook(notification::FACTOR).cloned() {
                return Ok(notification::by_hook(cx, &hook, self, &text, PUBLIC).await);
            }
        }
        match provider.as_str() {
            "phone-message-hook" => {
                let detail = "the phone factor's provider is phone-message-hook: nothing is bound to send-phone-message";
                Ok(Err(DeliveryError::misconfigured(detail)).into())
            }
            "twilio" => {
                let twilio = twilio(cx).await?;
                Ok(self.by_route(cx, Arc::new(twilio), text).await)
            }
            _ => Ok(self.by_tenant(cx, text).await),
        }
    }

    /// By the tenant's own phone provider, else as the `sms` connection sends.
    async fn by_tenant(&self, cx: &RequestCx, text: String) -> Delivery {
        if let Some(provider) = cx.tenant.custom_phone_provider() {
            let kind = if self.enrollment { "otp_enroll" } else { "otp_verify" };
            let notification = json!({
                "recipient": self.to, "as_text": text, "as_voice": text, "code": self.code,
                "delivery_method": provider.delivery_method, "from": provider.from,
                "locale": self.language, "message_type": kind,
            });
            return self.notice(notification::PHONE, "notification", notification).deliver(cx).await;
        }
        match cx.tenant.sms_connection().cloned() {
            Some(connection) => self.by_route(cx, connection, text).await,
            None => Err(DeliveryError::misconfigured("the tenant has no way to send text messages")).into(),
        }
    }

    async fn by_route(&self, cx: &RequestCx, connection: Arc<Connection>, body: String) -> Delivery {
        let caller =
            CallerInfo { ip: cx.ip.to_string(), user_agent: cx.user_agent.clone().unwrap_or_default() };
        let sms = Sms { to: self.to.to_owned(), from: None, body, request: Some(caller) };
        cx.app.messenger.send_sms(&cx.tenant.id, &connection, &sms).await.into()
    }

    fn notice<'n>(&'n self, trigger: &'static str, member: &'static str, told: Value) -> Notice<'n> {
        Notice {
            trigger,
            client: Some(self.client),
            connection: None,
            user: Some(self.user),
            member,
            notification: told,
            secrets: vec![self.code.to_owned()],
            public: PUBLIC,
        }
    }

    /// `event.message_options`.
    fn options(&self, text: &str) -> Value {
        json!({
            "action": self.action(), "code": self.code, "message_type": "sms", "recipient": self.to, "text": text,
        })
    }

    /// What the message is for, as scripts name it.
    pub(crate) fn action(&self) -> &'static str {
        if self.enrollment { "enrollment" } else { "second-factor-authentication" }
    }

    fn text(&self, cx: &RequestCx) -> Result<String, DeliveryError> {
        let name = cx.tenant.text_setting("friendly_name").unwrap_or_else(|| cx.issuer.domain());
        let vars = json!({
            "code": self.code, "phone_number": self.to, "locale": self.language,
            "tenant": { "friendly_name": name }, "application": { "name": self.client.name },
        });
        let template = phone::template(&cx.tenant, self.enrollment);
        render(Syntax::Liquid, &template, &vars).map_err(|error| {
            DeliveryError::misconfigured(format!("the template of the phone factor's messages: {error}"))
        })
    }
}

/// The account at Twilio, as a connection would name it.
async fn twilio(cx: &RequestCx) -> Result<Connection, StoreError> {
    let within = cx.clone();
    let read = cx.app.db.read(move |tx| {
        Box::pin(async move { phone::twilio_account(tx, &within.tenant.id, &within.app.master_key).await })
    });
    let account = read.await?;
    let mut options = json!({ "provider": "twilio" });
    for (setting, option) in [
        ("sid", "twilio_sid"),
        ("auth_token", "twilio_token"),
        ("from", "from"),
        ("messaging_service_sid", "messaging_service_sid"),
    ] {
        if let Some(value) = account.get(setting) {
            options[option] = value.clone();
        }
    }
    Ok(Connection { options, ..Connection::default() })
}
