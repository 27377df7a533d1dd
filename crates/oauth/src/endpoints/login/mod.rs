//! The hosted login: `/u/login…` and `/u/consent`, one file per page.
//!
//! Every page is a plain form that posts to its own address. A page belongs to a login transaction
//! (`crate::login_transaction`), named by `state` in its address and bound to the browser by a cookie;
//! each form carries a token that only a page of that transaction can know. What a post decides is kept in
//! the transaction; `/authorize/resume` makes the answer of it.

mod address;
mod challenge;
mod confirmation;
mod consent;
mod device_confirmation;
mod identifier;
pub(crate) mod mfa;
mod password;
mod provider;
mod reset;
mod signup;

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::limits::RateLimit;
use gatewright_core::login::screens::{First, NoPage, ScreenFacts, Way, first};
use gatewright_http::{Params, RequestCx, respond};
use gatewright_resources::login_transactions::{self, LoginTransaction, PageLogin, Progress};
use gatewright_resources::prompts::PROMPTS;
use gatewright_resources::rate_buckets;
use gatewright_store::Tx;
use serde_json::Value;

pub(crate) use address::address_challenge;
pub(crate) use challenge::{by_email, by_sms};
pub(crate) use confirmation::confirmation;
pub(crate) use consent::consent;
pub(crate) use device_confirmation::device_confirmation;
pub(crate) use identifier::identifier;
pub(crate) use password::{login, password};
pub(crate) use provider::provider;
pub(crate) use reset::{reset_email, reset_request};
pub(crate) use signup::{signup, signup_identifier, signup_password};

use crate::login_transaction::{self, Found, Waiting};
use crate::pages::screen::{Field, Form, Kind, Link, Resend, Screen, company};
use crate::pages::texts::{self, Texts};
use crate::passwordless;
use crate::stop::Stop;

const LOGIN: &str = "/u/login";
const IDENTIFIER: &str = "/u/login/identifier";
const PASSWORD: &str = "/u/login/password";
/// The way to the provider of a social connection.
pub(crate) const PROVIDER: &str = "/u/login/provider";
const SMS_CHALLENGE: &str = "/u/login/passwordless-sms-challenge";
const EMAIL_CHALLENGE: &str = "/u/login/passwordless-email-challenge";
/// The consent page.
pub(crate) const CONSENT: &str = "/u/consent";
/// The page that asks whether a device shows the code that was typed.
pub(crate) const DEVICE_CONFIRMATION: &str = "/u/device-confirmation";
/// The page that says which client will know the user.
pub(crate) const CONFIRMATION: &str = "/u/confirmation";
const SIGN_UP: &str = "/u/signup";
const SIGN_UP_IDENTIFIER: &str = "/u/signup/identifier";
const SIGN_UP_PASSWORD: &str = "/u/signup/password";
const ADDRESS_CHALLENGE: &str = "/u/email-identifier/challenge";
const RESET_REQUEST: &str = "/u/reset-password/request";
const RESET_EMAIL: &str = "/u/reset-password/email";
/// Where the pages send a browser whose user they know.
pub(crate) const RESUME: &str = "/authorize/resume";

/// A second post this soon after a login is the first one, pressed twice.
const DOUBLE_POST_SECONDS: i64 = 10;

/// Codes typed in from one address, for all its logins: 50 at once, 50 more in five minutes.
const CODES: RateLimit = RateLimit::new(50, 50, 300);

/// The path of the first page for a client, or why there is none.
pub(crate) fn first_page(
    cx: &RequestCx,
    client_id: &str,
    asked: Option<&str>,
) -> Result<&'static str, NoPage> {
    Ok(match first(&facts(cx, client_id, asked))? {
        First::Login(_) | First::Buttons => LOGIN,
        First::Identifier(_) => IDENTIFIER,
        First::Provider(_) => PROVIDER,
    })
}

/// The path of the sign-up for a client, if somebody may sign up at the connection asked for.
pub(crate) fn sign_up_page(cx: &RequestCx, client_id: &str, asked: Option<&str>) -> Option<&'static str> {
    let facts = facts(cx, client_id, asked);
    sign_up_connection(&facts)?;
    Some(if facts.identifier_first { SIGN_UP_IDENTIFIER } else { SIGN_UP })
}

/// The database at which people of these pages sign up.
fn sign_up_connection<'a>(facts: &ScreenFacts<'a>) -> Option<&'a Connection> {
    database(facts).filter(|connection| !connection.signup_disabled())
}

/// The database that the request names, else the oldest one.
fn database<'a>(facts: &ScreenFacts<'a>) -> Option<&'a Connection> {
    let meant = |connection: &&&Connection| facts.asked.is_none_or(|asked| asked == connection.name);
    let databases = facts.connections.iter().filter(meant);
    databases.copied().find(|connection| Way::of(connection) == Some(Way::Password))
}

fn facts<'a>(cx: &'a RequestCx, client_id: &str, asked: Option<&'a str>) -> ScreenFacts<'a> {
    let served = |connection: &&Arc<Connection>| match Way::of(connection) {
        Some(Way::Password | Way::Provider) => true,
        Some(Way::SmsCode | Way::EmailCode) => passwordless::built(connection),
        None => false,
    };
    let connections = cx.tenant.connections_of(client_id).filter(served).map(|found| &**found).collect();
    let prompts = cx.tenant.settings_of(&PROMPTS);
    let identifier_first = prompts.get("identifier_first").and_then(Value::as_bool);
    ScreenFacts { connections, asked, identifier_first: identifier_first.unwrap_or(false) }
}

/// A request for a page: a look at it, or its form sent in.
pub(crate) struct Visit {
    cx: RequestCx,
    waiting: Waiting,
    client: Arc<Client>,
    language: &'static str,
    /// The query of a look, the form of a post.
    params: Params,
    posted: bool,
}

impl Visit {
    /// Finds the transaction of the page, or answers that the login cannot go on.
    async fn open(
        cx: RequestCx,
        query: Option<String>,
        headers: &HeaderMap,
        body: Option<&Bytes>,
    ) -> Result<Result<Self, Response>, Stop> {
        let query = Params::from_urlencoded(query.unwrap_or_default().as_bytes()).unwrap_or_default();
        // A form with wrong parameters is no form of these pages: it is as good as an empty one.
        let form = body.map(|body| Params::from_urlencoded(body).unwrap_or_default());
        let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let state = form.as_ref().and_then(|form| form.text("state")).or(query.text("state"));
        let (client_id, other_browser) = match login_transaction::find(&cx, state).await? {
            Found::Live(waiting) => {
                if let Some(client) = cx.tenant.client(&waiting.row.client_id).cloned() {
                    let ui_locales = waiting.row.progress.params.get("ui_locales").map(String::as_str);
                    let language = texts::language(&cx.tenant, ui_locales, accept);
                    let (posted, params) = (form.is_some(), form.unwrap_or(query));
                    return Ok(Ok(Self { cx, waiting: *waiting, client, language, params, posted }));
                }
                (None, false)
            }
            Found::Over(client_id) => (client_id, false),
            Found::OtherBrowser(client_id) => (Some(client_id), true),
        };
        Ok(Err(login_transaction::lost(&cx, client_id.as_deref(), other_browser, accept)))
    }

    fn progress(&self) -> &Progress {
        &self.waiting.row.progress
    }

    fn texts(&self, prompt: &'static str, screen: &'static str) -> Texts {
        let values = vec![
            ("clientName", self.client.name.clone()),
            ("companyName", company(&self.cx)),
            ("seconds", "{seconds}".to_owned()),
        ];
        Texts::new(self.language, prompt, screen, values)
    }

    fn screen(&self, prompt: &'static str, screen: &'static str) -> Screen {
        Screen::new(&self.cx, screen, self.texts(prompt, screen))
    }

    fn href(&self, path: &str) -> String {
        format!("{path}?state={}", self.waiting.state)
    }

    fn go(&self, path: &str) -> Response {
        respond::no_store((StatusCode::FOUND, [(header::LOCATION, self.href(path))]))
    }

    /// A form of this page with what every form has.
    fn form(&self, action: &'static str) -> Form {
        let hidden = vec![("state", self.waiting.state.clone()), ("csrf", self.form_token())];
        Form { action, hidden, fields: Vec::new(), buttons: Vec::new(), resend: None }
    }

    /// A keyed hash over transaction and browser: another site's form cannot know it.
    fn form_token(&self) -> String {
        let context = format!("{}/login_form/{}", self.cx.tenant.id, self.waiting.row.state_hash);
        let mac = self.cx.app.master_key.mac(&context, self.waiting.binding.as_bytes());
        mac.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether the form is one of this transaction's pages.
    fn form_is_ours(&self) -> bool {
        let sent = self.params.text("csrf").unwrap_or_default();
        gatewright_jose::constant_time_eq(sent.as_bytes(), self.form_token().as_bytes())
    }

    fn action(&self) -> &str {
        self.params.text("action").unwrap_or("default")
    }

    /// The connections that the pages can serve for this client.
    fn connections(&self) -> Vec<&Connection> {
        facts(&self.cx, &self.client.client_id, None).connections
    }

    /// A connection by its name, if it may be used in this login: a request that names one means it.
    fn connection(&self, name: &str) -> Option<Arc<Connection>> {
        if self.progress().params.get("connection").is_some_and(|asked| asked != name) {
            return None;
        }
        self.connections().iter().find(|connection| connection.name == name)?;
        self.cx.tenant.connection(name).cloned()
    }

    /// The connection this page is about: named by the page, else by the request, else the first.
    fn chosen(&self) -> Option<Arc<Connection>> {
        if let Some(name) = self.params.text("connection") {
            return self.connection(name);
        }
        let asked = self.progress().params.get("connection").map(String::as_str);
        match first(&facts(&self.cx, &self.client.client_id, asked)).ok()? {
            First::Login(found) | First::Identifier(found) | First::Provider(found) => {
                self.connection(&found.name)
            }
            First::Buttons => None,
        }
    }

    /// What decides about the pages of this login.
    fn facts(&self) -> ScreenFacts<'_> {
        let asked = self.progress().params.get("connection").map(String::as_str);
        facts(&self.cx, &self.client.client_id, asked)
    }

    /// The database at which this login's user may sign up.
    fn sign_up_connection(&self) -> Option<Arc<Connection>> {
        self.cx.tenant.connection(&sign_up_connection(&self.facts())?.name).cloned()
    }

    /// The database whose users may choose a new password themselves.
    fn reset_connection(&self) -> Option<Arc<Connection>> {
        let facts = self.facts();
        let found = database(&facts)
            .filter(|connection| connection.options["disable_self_service_change_password"] != true);
        self.cx.tenant.connection(&found?.name).cloned()
    }

    /// Where to log in with a password.
    fn log_in_path(&self) -> &'static str {
        if self.identifier_first() { IDENTIFIER } else { LOGIN }
    }

    /// The way to the sign-up, for pages of a database connection.
    fn sign_up_link(&self, texts: &Texts) -> Option<Link> {
        self.sign_up_connection()?;
        let page = if self.identifier_first() { SIGN_UP_IDENTIFIER } else { SIGN_UP };
        let lead = Some(texts.first(&["signupActionText", "footerText"]));
        let text = texts.first(&["signupActionLinkText", "footerLinkText"]);
        Some(Link { lead, text, href: self.href(page) })
    }

    /// The way to a new password.
    fn forgot_link(&self, texts: &Texts) -> Option<Link> {
        self.reset_connection()?;
        let text = texts.get("forgotPasswordText");
        Some(Link { lead: None, text, href: self.href(RESET_REQUEST) })
    }

    /// The button for another message, and how long to wait for it.
    fn resend(&self, texts: &Texts, wait_seconds: i64) -> Resend {
        let wait_template = texts.get("resendWaitText");
        let wait_text = match wait_seconds {
            0 => String::new(),
            seconds => wait_template.replace("{seconds}", &seconds.to_string()),
        };
        Resend {
            lead: texts.get("resendText"),
            text: texts.get("resendActionText"),
            wait_seconds,
            wait_text,
            wait_template,
        }
    }

    /// Counts a code typed in from this address; `false` if there were too many, of whatever login.
    async fn may_try_once_more(&self) -> Result<bool, Stop> {
        let cx = self.cx.clone();
        let write = self.cx.app.db.write(move |tx| {
            Box::pin(async move {
                let caller = cx.ip.to_string();
                rate_buckets::take(tx, &cx.tenant.id, "code_page", CODES, &caller, cx.now).await
            })
        });
        Ok(write.await.map_err(Stop::from)?.allowed)
    }

    /// Back to where this login begins.
    fn to_first_page(&self) -> Response {
        let asked = self.progress().params.get("connection").map(String::as_str);
        self.go(first_page(&self.cx, &self.client.client_id, asked).unwrap_or(IDENTIFIER))
    }

    /// Ways to log in at other connections, unless the request names one.
    fn other_ways(&self, texts: &Texts, than: &Connection) -> Vec<Link> {
        if self.progress().params.contains_key("connection") {
            return Vec::new();
        }
        let mut seen = vec![Way::of(than)];
        let mut links = Vec::new();
        for connection in self.connections() {
            let way = Way::of(connection);
            let (key, page) = match way {
                Some(Way::SmsCode) => ("useSmsText", IDENTIFIER),
                Some(Way::EmailCode) => ("useEmailText", IDENTIFIER),
                Some(Way::Password) => {
                    ("usePasswordText", if self.identifier_first() { IDENTIFIER } else { LOGIN })
                }
                // It has a button.
                Some(Way::Provider) | None => continue,
            };
            if seen.contains(&way) {
                continue;
            }
            seen.push(way);
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("state", &self.waiting.state).append_pair("connection", &connection.name);
            let href = format!("{page}?{}", query.finish());
            links.push(Link { lead: None, text: texts.get(key), href });
        }
        links
    }

    fn identifier_first(&self) -> bool {
        facts(&self.cx, &self.client.client_id, None).identifier_first
    }

    fn show(&self, screen: &Screen) -> Response {
        let status = if screen.has_error() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        let setting = self.cx.tenant.text_setting("default_redirection_uri");
        let mut leads_to: Vec<&str> = vec![setting.unwrap_or_default()];
        leads_to.push(self.client.initiate_login_uri.as_deref().unwrap_or_default());
        let callback = self.progress().params.get("redirect_uri").map(String::as_str);
        leads_to.push(callback.or(self.client.callbacks.first().map(String::as_str)).unwrap_or_default());
        screen.respond(status, &leads_to)
    }

    /// Changes how far the login has come; `false` if its life is over.
    async fn change(&self, change: impl FnOnce(&mut Progress) + Send + 'static) -> Result<bool, Stop> {
        let (cx, state_hash) = (self.cx.clone(), self.waiting.row.state_hash.clone());
        let write = self.cx.app.db.write(move |tx| {
            Box::pin(async move {
                let tenant = &cx.tenant.id;
                let Some(held) = login_transactions::hold(tx, tenant, &state_hash, cx.now).await? else {
                    return Ok(false);
                };
                let mut progress = held.progress;
                change(&mut progress);
                login_transactions::set_progress(tx, tenant, &state_hash, &progress).await?;
                Ok::<_, Stop>(true)
            })
        });
        write.await
    }

    fn lost(&self) -> Response {
        login_transaction::lost(&self.cx, Some(&self.client.client_id), false, None)
    }

    /// Whether somebody has just logged in here: the form was sent twice.
    fn just_logged_in(&self) -> bool {
        just_logged_in(&self.cx, self.progress())
    }
}

/// Whether somebody has logged in within the last seconds.
pub(crate) fn just_logged_in(cx: &RequestCx, progress: &Progress) -> bool {
    progress.login.as_ref().is_some_and(|login| login.at.plus_seconds(DOUBLE_POST_SECONDS) > cx.now)
}

/// Notes who logged in, in the caller's transaction, which holds the row.
pub(crate) async fn logged_in(
    tx: &mut Tx,
    cx: &RequestCx,
    held: LoginTransaction,
    user_id: &str,
    connection: &str,
) -> Result<(), Stop> {
    let login = PageLogin { user_id: user_id.to_owned(), connection: connection.to_owned(), at: cx.now };
    // What another user allowed on the way here is not this one's consent.
    let progress = Progress {
        params: held.progress.params,
        pushed: held.progress.pushed,
        connection: held.progress.connection,
        identifier: held.progress.identifier,
        login: Some(login),
        device: held.progress.device,
        ..Progress::default()
    };
    Ok(login_transactions::set_progress(tx, &cx.tenant.id, &held.state_hash, &progress).await?)
}

fn password_field(texts: &Texts, error: Option<String>, focus: bool) -> Field {
    let label = texts.get("passwordPlaceholder");
    Field {
        kind: Kind::Password,
        name: "password",
        label,
        value: String::new(),
        hint: None,
        error,
        focus,
        last: true,
    }
}

/// Declares a page: `GET` and `POST` of one path come to the same function.
macro_rules! page {
    ($name:ident, $serve:path) => {
        /// The page, looked at or sent in.
        pub(crate) async fn $name(
            cx: RequestCx,
            headers: HeaderMap,
            RawQuery(query): RawQuery,
            method: axum::http::Method,
            body: Bytes,
        ) -> Result<Response, Stop> {
            let body = (method == axum::http::Method::POST).then_some(&body);
            match Visit::open(cx, query, &headers, body).await? {
                Ok(visit) => $serve(visit).await,
                Err(lost) => Ok(lost),
            }
        }
    };
}
use page;
