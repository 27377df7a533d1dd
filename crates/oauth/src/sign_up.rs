//! Signing up at a database connection, from a widget or a page.
//!
//! The password is vetted and hashed before it is known whether the address has an account, so both take
//! the same time; unless the tenant wants it told, both refusals read alike too. The tenant's scripts look at a
//! sign-up then, for the same reason: what they refuse, they refuse either way.

mod elsewhere;

use std::sync::Arc;

use gatewright_adapters::email::EmailKind;
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::email::normalize_address;
use gatewright_core::password_policy::{Person, Weakness};
use gatewright_core::script::registration as script;
use gatewright_core::user::User;
use gatewright_http::{Fault, RequestCx};
use gatewright_passwords::StoredHash;
use gatewright_resources::account_tickets::Purpose;
use gatewright_resources::logs::{self, LogEvent};
use gatewright_resources::passwords::{self, NewPasswordError};
use gatewright_resources::users::{self, NotSignedUp};
use gatewright_store::Tx;
use serde_json::{Map, Value, json};

use crate::account_link::{self, Link};
use crate::attempts;
use crate::custom_database;
use crate::events;
use crate::scripts::afterwards;
use crate::scripts::event::Sent;
use crate::scripts::registration::{self, Candidate};
use crate::stop::Stop;

/// The name of a refusal by a script.
pub(crate) const SCRIPT_ERROR: &str = "PreUserRegistrationError";

const PROFILE: [&str; 5] = ["given_name", "family_name", "name", "nickname", "picture"];
const MOST_METADATA: usize = 10;
const LONGEST_METADATA_KEY: usize = 100;
const LONGEST_METADATA_VALUE: usize = 500;

/// Why nobody was signed up, as sign-up widgets are told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// `invalid_password`, `user_exists`, `invalid_signup`, ...
    pub(crate) code: Box<str>,
    /// `PasswordStrengthError`, `BadRequestError`, ...
    pub(crate) name: &'static str,
    /// A sentence, or the tree of rules that the password breaks.
    pub(crate) description: Value,
    /// In a sentence.
    pub(crate) message: Box<str>,
    /// The rules as lines of text.
    pub(crate) policy: Option<Box<str>>,
    /// What decided, for the log only.
    pub(crate) reason: &'static str,
}

impl Refusal {
    pub(crate) fn new(
        status: u16,
        code: &'static str,
        text: impl Into<String>,
        reason: &'static str,
    ) -> Self {
        let message: String = text.into();
        let description = message.clone().into();
        let message = message.into();
        let code = code.into();
        Self { status, code, name: "BadRequestError", description, message, policy: None, reason }
    }

    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::new(400, "invalid_request", text, "request_invalid")
    }

    /// By a script. Compat: hooks and actions have one name for it, whatever the code.
    fn by_script(refusal: &script::Refusal) -> Self {
        let refused = Self::new(400, "extensibility_error", refusal.message.clone(), refusal.reason);
        Self { code: refusal.code.as_str().into(), name: SCRIPT_ERROR, ..refused }
    }

    pub(crate) fn weak(weakness: &Weakness) -> Self {
        Self {
            status: 400,
            code: "invalid_password".into(),
            name: weakness.name(),
            description: weakness.description(),
            message: weakness.message().into(),
            policy: weakness.policy().map(Into::into),
            reason: "password_refused",
        }
    }
}

/// Reads a sign-up form: e-mail address or user name, password, profile. `get` gives the members as they
/// were sent.
pub(crate) fn read<'a>(
    connection: &Connection,
    get: impl Fn(&str) -> Option<&'a Value>,
) -> Result<Map<String, Value>, Refusal> {
    let text = |name: &str| get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let email = text("email").ok_or_else(|| Refusal::bad("email is required"))?;
    let email = normalize_address(email).ok_or_else(|| Refusal::bad("email is not a valid address"))?;
    let mut form = Map::new();
    form.insert("email".to_owned(), email.into());
    if connection.options["requires_username"] == true {
        let username = text("username").ok_or_else(|| Refusal::bad("username is required"))?.trim();
        let bound = |name: &str, default| {
            connection.options["validation"]["username"][name].as_u64().unwrap_or(default)
        };
        let (min, max) = (bound("min", 1), bound("max", 15));
        if !(min..=max).contains(&(username.chars().count() as u64)) {
            return Err(Refusal::bad(format!("username must have {min} to {max} characters")));
        }
        form.insert("username".to_owned(), username.to_lowercase().into());
    }
    for name in PROFILE {
        match get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(value)) if value.chars().count() <= 300 => {
                form.insert(name.to_owned(), value.trim().into());
            }
            Some(_) => return Err(Refusal::bad(format!("{name} must be a text of at most 300 characters"))),
        }
    }
    match get("user_metadata") {
        None | Some(Value::Null) => {}
        Some(Value::Object(metadata)) if metadata_fits(metadata) => {
            form.insert("user_metadata".to_owned(), Value::Object(metadata.clone()));
        }
        Some(_) => {
            let text = format!(
                "user_metadata must be an object of at most {MOST_METADATA} texts, with names of at most \
                 {LONGEST_METADATA_KEY} and values of at most {LONGEST_METADATA_VALUE} characters"
            );
            return Err(Refusal::bad(text));
        }
    }
    Ok(form)
}

fn metadata_fits(metadata: &Map<String, Value>) -> bool {
    let fits = |(name, value): (&String, &Value)| {
        let short = |value: &str| value.chars().count() <= LONGEST_METADATA_VALUE;
        name.chars().count() <= LONGEST_METADATA_KEY && value.as_str().is_some_and(short)
    };
    metadata.len() <= MOST_METADATA && metadata.iter().all(fits)
}

/// Makes the account and sends the link that proves its address. `form` comes from [`read`], `sent` is what
/// scripts may see of the request.
pub(crate) async fn sign_up(
    cx: &RequestCx,
    client: &Arc<Client>,
    connection: &Arc<Connection>,
    form: Map<String, Value>,
    password: &str,
    sent: &Sent,
) -> Result<Result<User, Refusal>, Stop> {
    let vetted = match vet(cx, client, connection, form, password, sent).await? {
        Ok(vetted) => vetted,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Vetted { form, hash, scripts } = vetted;
    if let Some(custom) = custom_database::of(cx, connection) {
        if custom.imports() {
            if let Err(refusal) = elsewhere::not_known(cx, client, connection, &custom, &form).await? {
                return Ok(Err(refusal));
            }
        } else {
            return elsewhere::sign_up(cx, client, connection, &custom, form, password, sent).await;
        }
    }
    let link = Link::draw(cx, Purpose::VerifyEmail);
    let (client_too, connection_too) = (Arc::clone(client), Arc::clone(connection));
    let account = Account {
        cx: cx.clone(),
        client: client_too,
        connection: connection_too,
        form,
        hash,
        scripts: scripts.clone(),
    };
    let (form, own) = (account.form.clone(), link.clone());
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let made = account.make(tx, "signed_up").await?;
            if let Ok(user) = &made {
                own.store(tx, &account.cx, Some(&account.client), &account.connection, user).await?;
            }
            Ok::<_, Stop>(made)
        })
    });
    let user = match write.await? {
        Ok(user) => user,
        Err(error) => return refused(cx, client, connection, &form, told(cx, error), scripts).await,
    };
    afterwards::registered(cx, Some(client), connection, &user, sent);
    account_link::send(cx, EmailKind::VerifyEmail, &link, client, connection, &user);
    Ok(Ok(user))
}

/// A sign-up to which nothing is to be said any more but that its address has an account.
pub(crate) struct Vetted {
    /// With the metadata that scripts added.
    pub(crate) form: Map<String, Value>,
    pub(crate) hash: StoredHash,
    /// What the log says of scripts; null where none ran.
    pub(crate) scripts: Value,
}

/// Judges and hashes the password of a sign-up, and shows it to the tenant's scripts, whether or not its
/// address has an account; refuses where nobody may sign up, or too many do.
pub(crate) async fn vet(
    cx: &RequestCx,
    client: &Client,
    connection: &Connection,
    mut form: Map<String, Value>,
    password: &str,
    sent: &Sent,
) -> Result<Result<Vetted, Refusal>, Stop> {
    let hash = match hash(cx, client, connection, &form, password).await? {
        Ok(hash) => hash,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if !registration::any(cx) {
        return Ok(Ok(Vetted { form, hash, scripts: Value::Null }));
    }
    let candidate = Candidate { client: Some(client), connection, profile: &form, sent };
    let screened = registration::screen(cx, &candidate).await;
    let scripts = screened.ledger();
    if let Some(refusal) = &screened.registration.refusal {
        let mut event = refused_event(cx, client, connection, &form, refusal.reason, scripts);
        event.description = Some(refusal.log.clone());
        events::write(cx, event).await?;
        return Ok(Err(Refusal::by_script(refusal)));
    }
    screened.registration.apply(&mut form);
    Ok(Ok(Vetted { form, hash, scripts }))
}

async fn hash(
    cx: &RequestCx,
    client: &Client,
    connection: &Connection,
    form: &Map<String, Value>,
    password: &str,
) -> Result<Result<StoredHash, Refusal>, Stop> {
    if connection.signup_disabled() {
        let text = "Public signup is disabled";
        let refusal = Refusal::new(400, "public_signup_disabled", text, "signup_disabled");
        return refused(cx, client, connection, form, refusal, Value::Null).await;
    }
    if !allowed_once_more(cx, client, connection).await? {
        let text = "Too many sign-ups from this address. Try again later.";
        let refusal = Refusal::new(429, "too_many_requests", text, "too_many_signups");
        return refused(cx, client, connection, form, refusal, Value::Null).await;
    }
    let person = Person::of(|name| form.get(name));
    let (app, tenant) = (&cx.app, &cx.tenant.id);
    let vetted = passwords::vetted(&app.db, &app.passwords, tenant, connection, None, &person, password);
    match vetted.await {
        Ok(hash) => Ok(Ok(hash)),
        Err(NewPasswordError::Weak(weakness)) => {
            refused(cx, client, connection, form, Refusal::weak(&weakness), Value::Null).await
        }
        Err(NewPasswordError::Hash(error)) => Err(Fault::from(error).into()),
        Err(NewPasswordError::Store(error)) => Err(error.into()),
    }
}

/// Whether the tenant wants people told that an address has an account.
pub(crate) fn tells_of_accounts(cx: &RequestCx) -> bool {
    let flag = "/flags/enable_public_signup_user_exists_error";
    cx.tenant.settings.pointer(flag).and_then(Value::as_bool).unwrap_or(false)
}

/// What is told of an address or name that has an account.
fn told(cx: &RequestCx, why: NotSignedUp) -> Refusal {
    let tell = tells_of_accounts(cx);
    match why {
        NotSignedUp::Profile(text) => Refusal::new(400, "invalid_request", text, "profile_not_allowed"),
        NotSignedUp::EmailTaken if tell => {
            Refusal::new(400, "user_exists", "The user already exists.", "user_exists")
        }
        NotSignedUp::UsernameTaken if tell => Refusal::new(
            400,
            "username_exists",
            "The username provided is in use already.",
            "username_exists",
        ),
        NotSignedUp::EmailTaken | NotSignedUp::IdTaken | NotSignedUp::Moved => {
            Refusal::new(400, "invalid_signup", "Invalid sign up", "user_exists")
        }
        NotSignedUp::UsernameTaken => {
            Refusal::new(400, "invalid_signup", "Invalid sign up", "username_exists")
        }
    }
}

/// Counts a sign-up from this address; one that would have been refused is logged.
async fn allowed_once_more(cx: &RequestCx, client: &Client, connection: &Connection) -> Result<bool, Stop> {
    let Some(throttle) = attempts::sign_up_throttle(cx) else { return Ok(true) };
    let (within, blocks) = (cx.clone(), throttle.blocks);
    let write = cx
        .app
        .db
        .write(move |tx| Box::pin(async move { attempts::count_sign_up(tx, &within, &throttle).await }));
    let allowed = write.await.map_err(Stop::from)?;
    if !allowed {
        let mut event = events::at_connection(events::event(cx, "limit_mu", Some(client)), connection);
        event.details = json!({"decision": {"reason": "too_many_signups"}});
        events::write(cx, event).await?;
    }
    Ok(allowed || !blocks)
}

/// An account about to be made.
pub(crate) struct Account {
    pub(crate) cx: RequestCx,
    pub(crate) client: Arc<Client>,
    pub(crate) connection: Arc<Connection>,
    /// From [`read`].
    pub(crate) form: Map<String, Value>,
    pub(crate) hash: StoredHash,
    /// What the log says of scripts; null where none ran.
    pub(crate) scripts: Value,
}

impl Account {
    /// Makes it and logs that, in the caller's transaction.
    pub(crate) async fn make(
        &self,
        tx: &mut Tx,
        reason: &'static str,
    ) -> Result<Result<User, NotSignedUp>, Stop> {
        let (cx, random) = (&self.cx, &self.cx.app.random);
        let made =
            users::sign_up(tx, &cx.tenant.id, &self.connection, &self.form, &self.hash, cx.now, random)
                .await?;
        let document = match made {
            Ok(document) => document,
            Err(error) => return Ok(Err(error)),
        };
        let user: User = serde_json::from_value(document).map_err(Fault::internal)?;
        let mut event = events::at_connection(events::event(cx, "ss", Some(&self.client)), &self.connection);
        event.user_id = Some(user.user_id.clone());
        event.user_name = user.text("email").map(str::to_owned);
        event.details = json!({"decision": decision(reason, self.scripts.clone())});
        logs::append(tx, &cx.tenant.id, cx.now, random, &event).await?;
        Ok(Ok(user))
    }
}

async fn refused<T>(
    cx: &RequestCx,
    client: &Client,
    connection: &Connection,
    form: &Map<String, Value>,
    refusal: Refusal,
    scripts: Value,
) -> Result<Result<T, Refusal>, Stop> {
    let mut event = refused_event(cx, client, connection, form, refusal.reason, scripts);
    event.description = Some(refusal.message.to_string());
    events::write(cx, event).await?;
    Ok(Err(refusal))
}

fn refused_event(
    cx: &RequestCx,
    client: &Client,
    connection: &Connection,
    form: &Map<String, Value>,
    reason: &str,
    scripts: Value,
) -> LogEvent {
    let mut event = events::at_connection(events::event(cx, "fs", Some(client)), connection);
    event.user_name = form.get("email").and_then(Value::as_str).map(str::to_owned);
    event.details = json!({"decision": decision(reason, scripts)});
    event
}

/// `details.decision` of a log event about a sign-up.
pub(crate) fn decision(reason: &str, scripts: Value) -> Value {
    match scripts {
        Value::Null => json!({ "reason": reason }),
        scripts => json!({ "reason": reason, "scripts": scripts }),
    }
}
