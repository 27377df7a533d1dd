//! One-time codes and links of passwordless connections: sending one, and judging one that came back.
//!
//! `/passwordless/start`, `/co/authenticate` and the hosted pages all come here, so that a code is the
//! same thing wherever it is asked for and typed in. A link holds a secret of its own in a code's place:
//! the newest of either kind is the only one that is good, and neither is taken for the other.

mod first_login;

use std::sync::Arc;

use gatewright_adapters::email::{EmailKind, OwnText};
use gatewright_adapters::{CallerInfo, Sms, SmsRoute, Syntax, TemplateError, normalize_phone, render};
use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::email::normalize_address;
use gatewright_core::limits::RateLimit;
use gatewright_core::login::one_time_code::{CodeChannel, CodeFacts, CodeVerdict, verdict};
use gatewright_core::script::registration as script;
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_resources::passwordless_codes::{self, Replaced};
use gatewright_resources::{logs, rate_buckets, users};
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

use crate::events;
use crate::mail::Mail;
use crate::scripts::notification::{self, Delivery, Notice};
use crate::scripts::registration;
use crate::sign_up;
use crate::stop::Stop;

/// Unauthenticated starts from one address: 50 at once, 50 more an hour.
const STARTS_FROM_ONE_ADDRESS: RateLimit = RateLimit::new(50, 50, 3600);

/// The text of a connection without a template. It names the application, so that a code asked for by
/// one page and read out to another is noticed.
const DEFAULT_TEMPLATE: &str = "Your verification code for {{ application.name }} is: {{ code }}";

/// What codes of this connection are sent to; it names the texts.
pub(crate) fn channel(connection: &Connection) -> CodeChannel {
    if connection.strategy == "email" { CodeChannel::Email } else { CodeChannel::Phone }
}

/// Whether codes can be sent for this connection in this version.
pub(crate) fn built(connection: &Connection) -> bool {
    matches!(connection.strategy.as_str(), "sms" | "email")
}

/// The normal form of what was typed, under which codes and users of this connection are found. `None`
/// if the connection cannot send to it.
pub(crate) fn identifier(connection: &Connection, typed: &str) -> Option<String> {
    match channel(connection) {
        CodeChannel::Phone => normalize_phone(typed),
        CodeChannel::Email => normalize_address(typed),
    }
}

/// What is sent: the reader types it in, or follows it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    Code,
    Link,
}

impl Proof {
    /// The context under which the secret is hashed: a code is no link and a link no code.
    fn context(self, cx: &RequestCx, connection: &Connection, identifier: &str) -> String {
        let context = passwordless_codes::mac_context(&cx.tenant.id, &connection.name, identifier);
        match self {
            Self::Code => context,
            Self::Link => format!("{context}/link"),
        }
    }
}

/// A code to be sent.
pub(crate) struct CodeRequest<'a> {
    pub(crate) client: &'a Client,
    pub(crate) connection: &'a Connection,
    /// In its normal form, see [`identifier`].
    pub(crate) identifier: &'a str,
    /// What templates see as `request_language`.
    pub(crate) language: Option<&'a str>,
    /// The client proved who it is, so the limit of its address does not count.
    pub(crate) authenticated: bool,
    /// What the log says under `body`.
    pub(crate) body: Value,
}

impl CodeRequest<'_> {
    /// Draws, stores and sends a code; the one before it is dead once the new one is sent.
    ///
    /// # Errors
    /// `too_many_requests`, `bad.connection` (sign-up is closed and nobody has the identifier, or the
    /// template fails), `sms_provider_error`, `email_provider_error`.
    pub(crate) async fn send(&self, cx: &RequestCx) -> Result<(), Stop> {
        let code = cx.app.random.digits(self.connection.code_length());
        if channel(self.connection) == CodeChannel::Email {
            let vars = json!({"code": code, "send": "code"});
            return self.send_email(cx, EmailKind::PasswordlessCode, Proof::Code, &code, vars).await;
        }
        let message = self.message(&code)?;
        let stored = self.store(cx, Proof::Code, &code).await?;
        let delivery = self.deliver_sms(cx, message, &code).await;
        events::count_message("sms", &delivery.sent);
        match &delivery.sent {
            Ok(_receipt) => self.record(cx, "cs", &delivery, None).await,
            Err(error) => {
                let told = OAuthError::new(400, "sms_provider_error", error.public.clone());
                self.record(cx, "fn", &delivery, Some(stored)).await?;
                Err(told.into())
            }
        }
    }

    /// Hands the text to whom the connection names; if it names nobody, to the tenant's own provider.
    async fn deliver_sms(&self, cx: &RequestCx, body: String, code: &str) -> Delivery {
        let messenger = &cx.app.messenger;
        let unnamed = matches!(SmsRoute::from_options(self.connection), Ok(SmsRoute::Capture));
        if let Some(provider) = cx.tenant.custom_phone_provider()
            && unnamed
            && !messenger.captures_everything()
        {
            let notice = Notice {
                trigger: notification::PHONE,
                client: Some(self.client),
                connection: Some(self.connection),
                user: None,
                member: "notification",
                notification: json!({
                    "recipient": self.identifier, "as_text": body, "as_voice": body, "code": code,
                    "delivery_method": provider.delivery_method, "from": provider.from,
                    "locale": self.language.unwrap_or("en"), "message_type": "otp_verify",
                }),
                secrets: vec![code.to_owned()],
                public: "The phone provider could not send the message.",
            };
            return notice.deliver(cx).await;
        }
        let caller =
            CallerInfo { ip: cx.ip.to_string(), user_agent: cx.user_agent.clone().unwrap_or_default() };
        let sms = Sms { to: self.identifier.to_owned(), from: None, body, request: Some(caller) };
        messenger.send_sms(&cx.tenant.id, self.connection, &sms).await.into()
    }

    /// Draws, stores and mails a link; it is good in place of a code. `url` makes the link of its secret.
    ///
    /// # Errors
    /// As [`CodeRequest::send`].
    pub(crate) async fn send_link(&self, cx: &RequestCx, url: impl Fn(&str) -> String) -> Result<(), Stop> {
        let secret = cx.app.random.alphanumeric(LINK_SECRET_CHARACTERS);
        let vars = json!({"link": url(&secret), "send": "link"});
        self.send_email(cx, EmailKind::PasswordlessLink, Proof::Link, &secret, vars).await
    }

    async fn send_email(
        &self,
        cx: &RequestCx,
        kind: EmailKind,
        proof: Proof,
        secret: &str,
        vars: Value,
    ) -> Result<(), Stop> {
        let mail = Mail {
            kind,
            to: self.identifier,
            client: Some(self.client),
            connection: Some(self.connection),
            // Nobody is looked up before the secret comes back.
            user: None,
            language: self.language,
            vars,
        };
        let email = mail.write(cx, Some(own_email(self.connection, kind))).await?.map_err(template_fails)?;
        let stored = self.store(cx, proof, secret).await?;
        let delivery = mail.deliver(cx, &email).await;
        match &delivery.sent {
            Ok(_receipt) => self.record(cx, "cls", &delivery, None).await,
            Err(error) => {
                let told = OAuthError::new(400, "email_provider_error", error.public.clone());
                self.record(cx, "fn", &delivery, Some(stored)).await?;
                Err(told.into())
            }
        }
    }

    fn message(&self, code: &str) -> Result<String, Stop> {
        let vars = json!({
            "code": code,
            "password": code,
            "phone_number": self.identifier,
            "application": {"name": self.client.name},
            "request_language": self.language,
        });
        let (syntax, template) = match self.connection.text_option("template") {
            Some(template) => (Syntax::from_option(self.connection.text_option("syntax")), template),
            None => (Syntax::Liquid, DEFAULT_TEMPLATE),
        };
        render(syntax, template, &vars).map_err(template_fails)
    }

    async fn store(&self, cx: &RequestCx, proof: Proof, code: &str) -> Result<StoredCode, Stop> {
        let context = proof.context(cx, self.connection, self.identifier);
        let code_mac = cx.app.master_key.mac(&context, code.as_bytes());
        let expires_at = cx.now.plus_seconds(self.connection.code_lifetime_seconds());
        let within = cx.clone();
        let (name, identifier) = (self.connection.name.clone(), self.identifier.to_owned());
        let (authenticated, signup_disabled) = (self.authenticated, self.connection.signup_disabled());
        let write = cx.app.db.write(move |tx| {
            Box::pin(async move {
                let (tenant, caller) = (&within.tenant.id, within.ip.to_string());
                if !authenticated {
                    let limit = STARTS_FROM_ONE_ADDRESS;
                    let bucket = "passwordless_start";
                    let decision = rate_buckets::take(tx, tenant, bucket, limit, &caller, within.now).await?;
                    if !decision.allowed {
                        let text = "Too many codes were asked for from this address. Try again later.";
                        return Err(Stop::from(OAuthError::too_many_requests(text)));
                    }
                }
                // Compat: with sign-up closed the answer tells unknown numbers apart, as at Auth0. Tenants
                // who mind leave it open.
                if signup_disabled && users::by_identifier(tx, tenant, &name, &identifier).await?.is_none() {
                    let error = OAuthError::new(400, "bad.connection", "Public signup is disabled");
                    return Err(error.because("signup_disabled").into());
                }
                let before =
                    passwordless_codes::replace(tx, tenant, &name, &identifier, &code_mac, expires_at)
                        .await?;
                Ok(StoredCode { code_mac, before })
            })
        });
        write.await
    }

    /// Writes the log event; a code that was not sent is taken back with it.
    async fn record(
        &self,
        cx: &RequestCx,
        code: &'static str,
        delivery: &Delivery,
        take_back: Option<StoredCode>,
    ) -> Result<(), Stop> {
        let mut event = events::at_connection(events::event(cx, code, Some(self.client)), self.connection);
        event.user_name = Some(self.identifier.to_owned());
        event.details = json!({"body": self.body});
        if let Err(error) = &delivery.sent {
            event.details["error"] = json!({"message": error.public, "detail": error.detail});
        }
        if let Some(scripts) = &delivery.scripts {
            event.details["decision"] = json!({ "scripts": scripts });
        }
        let (within, name) = (cx.clone(), self.connection.name.clone());
        let identifier = self.identifier.to_owned();
        let write = cx.app.db.write(move |tx| {
            Box::pin(async move {
                let tenant = &within.tenant.id;
                if let Some(StoredCode { code_mac, before }) = take_back {
                    passwordless_codes::take_back(tx, tenant, &name, &identifier, &code_mac, before).await?;
                }
                logs::append(tx, tenant, within.now, &within.app.random, &event).await?;
                Ok::<_, Stop>(())
            })
        });
        write.await
    }
}

/// Letters and digits of a link's secret: 32 hold 190 bits.
const LINK_SECRET_CHARACTERS: usize = 32;

/// Whether this has the form of a link's secret, and so none of a code.
pub(crate) fn is_link_secret(text: &str) -> bool {
    text.len() == LINK_SECRET_CHARACTERS
}

fn template_fails(error: TemplateError) -> Stop {
    tracing::warn!(%error, "A message template of a connection cannot be rendered.");
    let text = "The message template of the connection cannot be rendered.";
    OAuthError::new(400, "bad.connection", text).because("template_fails").into()
}

/// What an e-mail connection's `options.email` says. A body that has no place for the link cannot carry
/// one, so the default stands in for it.
fn own_email(connection: &Connection, kind: EmailKind) -> OwnText {
    let text = |name: &str| {
        let text = connection.options.get("email").and_then(|email| email.get(name)).and_then(Value::as_str);
        text.filter(|text| !text.trim().is_empty()).map(str::to_owned)
    };
    let carries = |body: &String| kind != EmailKind::PasswordlessLink || body.contains("link");
    OwnText {
        from: text("from"),
        subject: text("subject"),
        body: text("body").filter(carries),
        syntax: match text("syntax").as_deref() {
            Some("md_with_macros") => Syntax::MdWithMacros,
            _ => Syntax::Liquid,
        },
    }
}

/// A code that is stored, but not sent yet.
struct StoredCode {
    code_mac: [u8; 32],
    before: Option<Replaced>,
}

/// A code that someone presents for an identifier.
#[derive(Clone)]
pub(crate) struct PresentedCode {
    pub(crate) cx: RequestCx,
    pub(crate) client: Arc<Client>,
    pub(crate) connection: Arc<Connection>,
    /// In its normal form, see [`identifier`].
    pub(crate) identifier: String,
    pub(crate) otp: String,
    /// What scripts said of the account that this code makes, where it makes one.
    pub(crate) screened: Screening,
}

pub(crate) use first_login::Screening;

/// Whom an accepted code proves.
pub(crate) struct Proven {
    pub(crate) user: User,
    pub(crate) verdict: CodeVerdict,
    /// The user is new. Once that is committed, the caller tells [`PresentedCode::made`].
    pub(crate) created: bool,
}

/// Why a code logs nobody in.
pub(crate) enum CodeRefusal {
    /// By the code itself.
    Code(CodeVerdict),
    /// The code was right, and its user is blocked.
    Blocked,
    /// The code was right, and a script wants no account for it.
    Denied(script::Refusal),
}

/// The refusal of a script, where errors are those of OAuth.
pub(crate) fn denied(refusal: script::Refusal) -> OAuthError {
    OAuthError::access_denied(refusal.message).because(refusal.reason)
}

impl PresentedCode {
    /// Judges the code in the caller's transaction, which must be committed whatever comes of it: the try
    /// is counted. An accepted code is spent and its user found or made; a refusal is logged under
    /// `refused_as`. The caller logs the success.
    pub(crate) async fn judge(
        &self,
        tx: &mut Tx,
        refused_as: &'static str,
    ) -> Result<Result<Proven, CodeRefusal>, Stop> {
        self.judge_as(tx, refused_as, Proof::Code).await
    }

    /// Judges the secret of a link, as [`PresentedCode::judge`] does a code.
    pub(crate) async fn judge_link(&self, tx: &mut Tx) -> Result<Result<Proven, CodeRefusal>, Stop> {
        self.judge_as(tx, "f", Proof::Link).await
    }

    async fn judge_as(
        &self,
        tx: &mut Tx,
        refused_as: &'static str,
        proof: Proof,
    ) -> Result<Result<Proven, CodeRefusal>, Stop> {
        let (tenant, name, now) = (&self.cx.tenant.id, &self.connection.name, self.cx.now);
        let verdict = self.verdict(tx, proof).await?;
        if verdict != CodeVerdict::Accepted {
            let why = json!({"reason": verdict.code(), "says": verdict.says()});
            self.log(tx, refused_as, None, why).await?;
            return Ok(Err(CodeRefusal::Code(verdict)));
        }
        if matches!(self.screened, Screening::NotNeeded)
            && registration::any(&self.cx)
            && users::by_identifier(tx, tenant, name, &self.identifier).await?.is_none()
        {
            // The account was there a moment ago. The code stays good: the next try shows it to the scripts.
            passwordless_codes::uncount_try(tx, tenant, name, &self.identifier).await?;
            let why = json!({"reason": "user_deleted", "says": "The user was deleted a moment ago."});
            self.log(tx, refused_as, None, why).await?;
            return Ok(Err(CodeRefusal::Code(CodeVerdict::Unknown)));
        }
        passwordless_codes::spend(tx, tenant, name, &self.identifier, now).await?;
        let random = &self.cx.app.random;
        let (document, created) =
            users::find_or_create_passwordless(tx, tenant, &self.connection, &self.identifier, now, random)
                .await?;
        let user: User =
            serde_json::from_value(document).map_err(|error| StoreError::Mismatch(error.to_string()))?;
        if user.blocked {
            let why = json!({"reason": "user_blocked", "says": "The user is blocked."});
            self.log(tx, refused_as, Some(&user.user_id), why).await?;
            return Ok(Err(CodeRefusal::Blocked));
        }
        if created {
            let scripts = match &self.screened {
                Screening::Passed(scripts) => scripts.clone(),
                Screening::NotNeeded => Value::Null,
            };
            let why = sign_up::decision("first_passwordless_login", scripts);
            self.log(tx, "ss", Some(&user.user_id), why).await?;
        }
        Ok(Ok(Proven { user, verdict, created }))
    }

    async fn verdict(&self, tx: &mut Tx, proof: Proof) -> Result<CodeVerdict, Stop> {
        count_and_judge(tx, &self.cx, &self.connection, &self.identifier, &self.otp, proof).await
    }

    /// Writes a log event about this attempt, with what decided.
    pub(crate) async fn log(
        &self,
        tx: &mut Tx,
        code: &'static str,
        user_id: Option<&str>,
        decision: Value,
    ) -> Result<(), Stop> {
        let event = events::event(&self.cx, code, Some(&self.client));
        let mut event = events::at_connection(event, &self.connection);
        event.user_id = user_id.map(str::to_owned);
        event.user_name = Some(self.identifier.clone());
        event.details = json!({"decision": decision});
        logs::append(tx, &self.cx.tenant.id, self.cx.now, &self.cx.app.random, &event).await?;
        Ok(())
    }
}

async fn count_and_judge(
    tx: &mut Tx,
    cx: &RequestCx,
    connection: &Connection,
    identifier: &str,
    otp: &str,
    proof: Proof,
) -> Result<CodeVerdict, Stop> {
    let stored = passwordless_codes::count_try(tx, &cx.tenant.id, &connection.name, identifier).await?;
    let context = proof.context(cx, connection, identifier);
    let facts = stored.map(|stored| CodeFacts {
        expires_at: stored.expires_at,
        used: stored.used,
        tries_so_far: u32::try_from(stored.tries_before).unwrap_or(u32::MAX),
        hash_matches: cx.app.master_key.mac_matches(&context, otp.as_bytes(), &stored.code_mac),
    });
    Ok(verdict(facts.as_ref(), cx.now))
}

/// Whether a code is right, without using it. A wrong one counts as a try, so this is no way to guess;
/// the caller's transaction must be committed whatever comes of it.
pub(crate) async fn look_at(
    tx: &mut Tx,
    cx: &RequestCx,
    connection: &Connection,
    identifier: &str,
    otp: &str,
) -> Result<CodeVerdict, Stop> {
    let verdict = count_and_judge(tx, cx, connection, identifier, otp, Proof::Code).await?;
    if verdict == CodeVerdict::Accepted {
        passwordless_codes::uncount_try(tx, &cx.tenant.id, &connection.name, identifier).await?;
    }
    Ok(verdict)
}
