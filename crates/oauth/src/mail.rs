//! Sending an e-mail: the tenant's text or the default one, the variables that every text may use, the
//! tenant's provider.

pub(crate) mod trial;

use gatewright_adapters::email::{self, Email, EmailKind, OwnText, compose};
use gatewright_adapters::{Syntax, TemplateError};
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::email::{EmailProvider, EmailTemplate};
use gatewright_core::user::User;
use gatewright_http::{Fault, RequestCx};
use serde_json::{Value, json};

use crate::scripts::notification::{self, Delivery, Notice, secrets_in};
use crate::stop::Stop;

/// The provider whose messages an Action delivers.
const CUSTOM: &str = "custom";

/// An e-mail to be written.
pub(crate) struct Mail<'a> {
    pub(crate) kind: EmailKind,
    /// The recipient.
    pub(crate) to: &'a str,
    /// The application that texts name.
    pub(crate) client: Option<&'a Client>,
    pub(crate) connection: Option<&'a Connection>,
    /// Whose profile texts may use; without one they know the address only.
    pub(crate) user: Option<&'a User>,
    /// What texts see as `request_language`.
    pub(crate) language: Option<&'a str>,
    /// What this kind of message is about: `url`, `code`, `link`, ...
    pub(crate) vars: Value,
}

impl Mail<'_> {
    /// Writes the message in the tenant's words, if `/api/v2/email-templates` holds any, and sends it.
    /// Words that cannot be rendered are replaced by the default ones, and the server's log says so: a
    /// user who waits for a link is not helped by an error.
    ///
    /// The error is a fault of ours; that of delivery is in the delivery.
    pub(crate) async fn send(&self, cx: &RequestCx) -> Result<Delivery, Stop> {
        let own = self.template(cx).map(own_text);
        let email = match self.write(cx, own).await? {
            Ok(email) => email,
            Err(error) => {
                let template = self.kind.name();
                tracing::warn!(%error, template, "A tenant's e-mail template cannot be rendered; the default is sent.");
                let default = self.write(cx, None).await?;
                default.map_err(|error| Stop::from(Fault::internal(error)))?
            }
        };
        Ok(self.deliver(cx, &email).await)
    }

    /// Hands a written message to the tenant's provider.
    pub(crate) async fn deliver(&self, cx: &RequestCx, email: &Email) -> Delivery {
        let messenger = &cx.app.messenger;
        let delivery = match cx.tenant.email_provider() {
            Some(custom) if custom.enabled && custom.name == CUSTOM && !messenger.captures_everything() => {
                self.notice(custom, email).deliver(cx).await
            }
            provider => messenger.send_email(&cx.tenant.id, provider, email).await.into(),
        };
        crate::events::count_message("email", &delivery.sent);
        delivery
    }

    /// The message for the Action that is the tenant's provider.
    fn notice(&self, provider: &EmailProvider, email: &Email) -> Notice<'_> {
        let from = email.from.clone().or_else(|| provider.default_from_address.clone());
        // The code and the links are the only secrets among the variables.
        let secret = |name: &&str| self.vars[*name].as_str().map(secrets_in);
        Notice {
            trigger: notification::EMAIL,
            client: self.client,
            connection: self.connection,
            user: self.user,
            notification: json!({
                "from": from, "to": email.to, "subject": email.subject, "html": email.html, "text": email.text,
                "locale": self.language.unwrap_or("en"), "message_type": message_type(self.kind),
            }),
            secrets: ["code", "link", "url"].iter().filter_map(secret).flatten().collect(),
            public: email::PUBLIC,
        }
    }

    /// Writes the message in these words. The inner error is that of the words.
    pub(crate) async fn write(
        &self,
        cx: &RequestCx,
        own: Option<OwnText>,
    ) -> Result<Result<Email, TemplateError>, Stop> {
        let (kind, vars) = (self.kind, self.variables(cx));
        // Rendering what a tenant wrote can take a while.
        let composed = tokio::task::spawn_blocking(move || compose(kind, own.as_ref(), &vars)).await;
        let composed = composed.map_err(|error| Stop::from(Fault::internal(error)))?;
        Ok(composed.map(|composed| Email {
            to: self.to.to_owned(),
            from: composed.from,
            subject: composed.subject,
            html: composed.html,
            text: composed.text,
            template: kind.name(),
            connection: self.connection.map(|connection| connection.name.clone()),
        }))
    }

    fn template<'c>(&self, cx: &'c RequestCx) -> Option<&'c EmailTemplate> {
        let names: &[&str] = match self.kind {
            // Compat: older tenants know the same text under these names.
            EmailKind::ResetEmail => &["reset_email", "change_password", "password_reset"],
            EmailKind::PasswordlessCode | EmailKind::PasswordlessLink | EmailKind::AccountExists => &[],
            EmailKind::VerifyEmail | EmailKind::VerifyEmailByCode | EmailKind::ResetEmailByCode => {
                &[self.kind.name()]
            }
        };
        names.iter().find_map(|name| cx.tenant.email_template(name))
    }

    fn variables(&self, cx: &RequestCx) -> Value {
        let application = self.client.map(|client| {
            json!({
                "name": client.name,
                "clientID": client.client_id,
                "client_id": client.client_id,
                "callback_domain": client.callbacks.first().and_then(|url| gatewright_core::redirect::origin_of(url)),
            })
        });
        let mut user = self.user.map(|user| user.profile.clone()).unwrap_or_default();
        user.insert("email".to_owned(), self.to.into());
        let mut vars = json!({
            "application": application,
            "client": application,
            "connection": {"name": self.connection.map(|connection| &connection.name)},
            "tenant": cx.tenant.id,
            "friendly_name": cx.tenant.text_setting("friendly_name"),
            "support_email": cx.tenant.text_setting("support_email"),
            "support_url": cx.tenant.text_setting("support_url"),
            "request_language": self.language,
            "user": user,
        });
        if let (Some(all), Some(mine)) = (vars.as_object_mut(), self.vars.as_object()) {
            all.extend(mine.clone());
        }
        vars
    }
}

/// What an Action is told a message is.
fn message_type(kind: EmailKind) -> &'static str {
    match kind {
        // Compat: one name for what passwordless logins send.
        EmailKind::PasswordlessCode | EmailKind::PasswordlessLink => "verification_code",
        kind => kind.name(),
    }
}

fn own_text(template: &EmailTemplate) -> OwnText {
    OwnText {
        from: template.from.clone(),
        subject: template.subject.clone(),
        body: template.body.clone(),
        syntax: Syntax::Liquid,
    }
}
