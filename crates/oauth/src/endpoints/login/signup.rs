//! `/u/signup`, address and password on one page, and `/u/signup/identifier` with `/u/signup/password`, on
//! two.
//!
//! Where the tenant does not want it told which addresses have accounts, a code proves the address before
//! anything is made of it ([`super::address`]); who has an account gets a message that says so instead. Else,
//! and where nobody takes the tenant's e-mail, the account is made at once.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::connection::Connection;
use gatewright_core::email::normalize_address;
use gatewright_http::RequestCx;
use gatewright_resources::login_transactions::{self, SignUp};
use serde_json::{Map, Value};

use super::{
    ADDRESS_CHALLENGE, RESUME, SIGN_UP, SIGN_UP_IDENTIFIER, SIGN_UP_PASSWORD, Visit, address, logged_in, page,
};
use crate::custom_database;
use crate::pages::policy::Policy;
use crate::pages::screen::{Button, Field, Kind, Link, Screen, Subject};
use crate::scripts::event::Sent;
use crate::sign_up::{self, Refusal, SCRIPT_ERROR};
use crate::stop::Stop;

page!(signup, combined);
page!(signup_identifier, identifier);
page!(signup_password, password);

/// What a page says besides its question.
#[derive(Default)]
struct Said {
    email: Option<&'static str>,
    username: Option<&'static str>,
    password: Option<&'static str>,
    alert: Option<&'static str>,
    /// A script's own words.
    told: Option<String>,
}

impl Said {
    fn alert(key: &'static str) -> Self {
        Self { alert: Some(key), ..Self::default() }
    }
}

async fn combined(visit: Visit) -> Result<Response, Stop> {
    let Some(connection) = visit.sign_up_connection() else { return Ok(visit.to_first_page()) };
    let say = |said: Said| Ok(show_combined(&visit, &connection, &said));
    if !visit.posted {
        return say(Said::default());
    }
    if !visit.form_is_ours() {
        return say(Said::alert("invalid-request"));
    }
    if visit.just_logged_in() {
        return Ok(visit.go(RESUME));
    }
    let password = visit.params.text("password");
    match (read(&visit, &connection), password) {
        (Ok(form), Some(password)) => match submit(&visit, &connection, form, password).await? {
            Ok(answer) => Ok(answer),
            Err(said) => say(said),
        },
        (Ok(_), None) => say(Said { password: Some("no-password"), ..Said::default() }),
        (Err(said), password) => say(Said { password: password.is_none().then_some("no-password"), ..said }),
    }
}

async fn identifier(visit: Visit) -> Result<Response, Stop> {
    let Some(connection) = visit.sign_up_connection() else { return Ok(visit.to_first_page()) };
    let say = |said: Said| Ok(show_identifier(&visit, &connection, &said));
    if !visit.posted {
        return say(Said::default());
    }
    if !visit.form_is_ours() {
        return say(Said::alert("invalid-request"));
    }
    let form = match read(&visit, &connection) {
        Ok(form) => form,
        Err(said) => return say(said),
    };
    let kept = visit.change(move |progress| progress.sign_up = Some(SignUp { form, ..SignUp::default() }));
    Ok(if kept.await? { visit.go(SIGN_UP_PASSWORD) } else { visit.lost() })
}

async fn password(visit: Visit) -> Result<Response, Stop> {
    let waiting = visit.progress().sign_up.as_ref().map(|sign_up| sign_up.form.clone());
    let (Some(connection), Some(form)) = (visit.sign_up_connection(), waiting) else {
        return Ok(match visit.just_logged_in() {
            true => visit.go(RESUME),
            false => visit.to_first_page(),
        });
    };
    let email = form.get("email").and_then(Value::as_str).unwrap_or_default().to_owned();
    let say = |said: Said| Ok(show_password(&visit, &connection, &email, &said));
    if !visit.posted {
        return say(Said::default());
    }
    if !visit.form_is_ours() {
        return say(Said::alert("invalid-request"));
    }
    let Some(password) = visit.params.text("password") else {
        return say(Said { password: Some("no-password"), ..Said::default() });
    };
    match submit(&visit, &connection, form, password).await? {
        Ok(answer) => Ok(answer),
        Err(said) => say(said),
    }
}

/// E-mail address and user name as typed, in their normal form.
fn read(visit: &Visit, connection: &Connection) -> Result<Map<String, Value>, Said> {
    let email = visit.params.text("email");
    let email = match email.map(normalize_address) {
        None => Some("no-email"),
        Some(None) => Some("invalid-email-format"),
        Some(Some(_)) => None,
    };
    let username = match visit.params.text("username") {
        _ if !asks_for_username(connection) => None,
        None => Some("no-username-signup"),
        Some(name) if name.contains('@') => Some("invalid-username"),
        Some(_) => None,
    };
    if email.is_some() || username.is_some() {
        return Err(Said { email, username, ..Said::default() });
    }
    // Nothing else of what a form may hold becomes part of a profile here.
    let typed = |name: &str| visit.params.value(name).filter(|_| matches!(name, "email" | "username"));
    // The address is good, so it is the name that is too short or too long.
    sign_up::read(connection, typed)
        .map_err(|_| Said { username: Some("invalid-username"), ..Said::default() })
}

fn asks_for_username(connection: &Connection) -> bool {
    connection.options["requires_username"] == true
}

/// Goes on with an address and a password: to the code that proves the address, or to an account.
async fn submit(
    visit: &Visit,
    connection: &Arc<Connection>,
    form: Map<String, Value>,
    password: &str,
) -> Result<Result<Response, Said>, Stop> {
    let (cx, client) = (&visit.cx, &visit.client);
    let sent = sent(visit);
    let custom = custom_database::of(cx, connection);
    // A script makes the account of the password itself, which is kept nowhere while a code is waited for.
    let made_at_once = custom.as_ref().is_some_and(|custom| !custom.imports());
    let takes_email = cx.app.messenger.takes_email(cx.tenant.email_provider());
    if takes_email && !made_at_once && !sign_up::tells_of_accounts(cx) {
        let vetted = match sign_up::vet(cx, client, connection, form, password, &sent).await? {
            Ok(vetted) => vetted,
            Err(refusal) => return Ok(Err(said(&refusal))),
        };
        let elsewhere = match &custom {
            Some(custom) => custom.knows(&vetted.form).await.map_err(|(refusal, _)| refusal),
            None => Ok(None),
        };
        let Ok(elsewhere) = elsewhere else { return Ok(Err(Said::alert("signup-failed"))) };
        return Ok(match address::ask(visit, connection, vetted, elsewhere).await? {
            address::Asked::Yes => Ok(visit.go(ADDRESS_CHALLENGE)),
            address::Asked::TooOften => Err(Said::alert("too-many-email")),
            address::Asked::Lost => Ok(visit.lost()),
        });
    }
    let user = match sign_up::sign_up(cx, client, connection, form, password, &sent).await? {
        Ok(user) => user,
        Err(refusal) => return Ok(Err(said(&refusal))),
    };
    let (cx, state_hash) = (visit.cx.clone(), visit.waiting.row.state_hash.clone());
    let name = connection.name.clone();
    let write = visit.cx.app.db.write(move |tx| {
        Box::pin(async move {
            let held = login_transactions::hold(tx, &cx.tenant.id, &state_hash, cx.now).await?;
            let Some(held) = held else { return Ok(false) };
            logged_in(tx, &cx, held, &user.user_id, &name).await?;
            Ok::<_, Stop>(true)
        })
    });
    Ok(Ok(if write.await? { visit.go(RESUME) } else { visit.lost() }))
}

/// What scripts may see of the form: not what names this login and its browser.
pub(super) fn sent(visit: &Visit) -> Sent {
    let typed = ["email", "username"].into_iter();
    Sent::typed(typed.filter_map(|name| Some((name, visit.params.text(name)?))))
}

/// A refusal in the words of a page.
fn said(refusal: &Refusal) -> Said {
    let mut said = Said::default();
    match (&*refusal.code, refusal.name, refusal.reason) {
        (_, SCRIPT_ERROR, _) | (.., "denied_by_script") => said.told = Some(refusal.message.to_string()),
        ("invalid_password", "PasswordDictionaryError", _) => said.password = Some("password-too-common"),
        ("invalid_password", "PasswordNoUserInfoError", _) => {
            said.password = Some("password-contains-user-information");
        }
        ("invalid_password", ..) => said.password = Some("password-too-weak"),
        ("user_exists", ..) => said.email = Some("email-in-use"),
        ("username_exists", ..) => said.username = Some("username-taken"),
        (_, _, "too_many_signups") => said.alert = Some("ip-signup-blocked"),
        _ => said.alert = Some("signup-failed"),
    }
    said
}

fn show_combined(visit: &Visit, connection: &Connection, said: &Said) -> Response {
    let mut screen = visit.screen("signup", "signup");
    let mut form = visit.form(SIGN_UP);
    let typed = fields_of_account(visit, &screen, connection, said);
    let focus = !typed.iter().any(|field| field.focus);
    form.fields = typed;
    form.fields.push(password_field(&screen, said, focus));
    form.buttons.push(Button { text: screen.texts.get("buttonText"), value: "default", primary: true });
    screen.form = Some(form);
    with_policy(visit, &mut screen, connection, said);
    finish(visit, screen, said)
}

fn show_identifier(visit: &Visit, connection: &Connection, said: &Said) -> Response {
    let mut screen = visit.screen("signup-id", "signup-id");
    let mut form = visit.form(SIGN_UP_IDENTIFIER);
    form.fields = fields_of_account(visit, &screen, connection, said);
    if let Some(last) = form.fields.last_mut() {
        last.last = true;
    }
    if !form.fields.iter().any(|field| field.focus)
        && let Some(first) = form.fields.first_mut()
    {
        first.focus = true;
    }
    form.buttons.push(Button { text: screen.texts.get("buttonText"), value: "default", primary: true });
    screen.form = Some(form);
    finish(visit, screen, said)
}

fn show_password(visit: &Visit, connection: &Connection, email: &str, said: &Said) -> Response {
    let mut screen = visit.screen("signup-password", "signup-password");
    let edit = Some(visit.href(SIGN_UP_IDENTIFIER));
    screen.subject = Some(Subject { lead: None, text: email.to_owned(), edit });
    let mut form = visit.form(SIGN_UP_PASSWORD);
    // Password managers save the password under it.
    form.hidden.push(("username", email.to_owned()));
    form.fields.push(password_field(&screen, said, true));
    form.buttons.push(Button { text: screen.texts.get("buttonText"), value: "default", primary: true });
    screen.form = Some(form);
    with_policy(visit, &mut screen, connection, said);
    finish(visit, screen, said)
}

fn finish(visit: &Visit, mut screen: Screen, said: &Said) -> Response {
    let in_field = said.email.or(said.username);
    screen.alert = said.told.clone().or_else(|| said.alert.map(|key| screen.texts.get(key)));
    // Errors of the account's own page are shown where its fields are.
    let has_fields =
        screen.form.as_ref().is_some_and(|form| form.fields.iter().any(|field| field.name == "email"));
    if let Some(key) = in_field.filter(|_| !has_fields) {
        screen.alert = Some(screen.texts.get(key));
    }
    if has_fields {
        screen.providers = visit.providers(&screen.texts);
    }
    let href = visit.href(visit.log_in_path());
    let lead = Some(screen.texts.get("loginActionText"));
    screen.links.push(Link { lead, text: screen.texts.get("loginActionLinkText"), href });
    visit.show(&screen)
}

fn fields_of_account(visit: &Visit, screen: &Screen, connection: &Connection, said: &Said) -> Vec<Field> {
    let texts = &screen.texts;
    let known = visit.progress().sign_up.as_ref();
    let typed = |name: &str| {
        let known = known.and_then(|sign_up| sign_up.form.get(name)).and_then(Value::as_str);
        let typed = if visit.posted { visit.params.text(name) } else { known };
        typed.filter(|typed| typed.len() <= 320).unwrap_or_default().to_owned()
    };
    let mut email = typed("email");
    if email.is_empty() && !visit.posted {
        // What was typed at the login, or what the application knows, if it can be an address.
        let progress = visit.progress();
        let hint = progress.params.get("login_hint").or(progress.identifier.as_ref());
        email = hint.filter(|hint| normalize_address(hint).is_some()).cloned().unwrap_or_default();
    }
    let empty = email.is_empty();
    let mut fields = vec![Field {
        kind: Kind::NewEmail,
        name: "email",
        label: texts.get("emailPlaceholder"),
        value: email,
        hint: None,
        error: said.email.map(|key| texts.get(key)),
        focus: said.email.is_some() || empty,
        last: false,
    }];
    if asks_for_username(connection) {
        let bound = |name: &str, default: u64| {
            connection.options["validation"]["username"][name].as_u64().unwrap_or(default).to_string()
        };
        let username = typed("username");
        let texts = texts.clone().with("min", bound("min", 1)).with("max", bound("max", 15));
        fields.push(Field {
            kind: Kind::NewUsername,
            name: "username",
            label: texts.get("usernamePlaceholder"),
            value: username.clone(),
            hint: said.username.is_none().then(|| texts.get("invalid-username")),
            error: said.username.map(|key| texts.get(key)),
            focus: said.email.is_none() && !empty && (said.username.is_some() || username.is_empty()),
            last: false,
        });
    }
    fields
}

fn password_field(screen: &Screen, said: &Said, focus: bool) -> Field {
    Field {
        kind: Kind::NewPassword,
        name: "password",
        label: screen.texts.get("passwordPlaceholder"),
        value: String::new(),
        hint: None,
        error: said.password.map(|key| screen.texts.get(key)),
        focus,
        last: true,
    }
}

fn with_policy(visit: &Visit, screen: &mut Screen, connection: &Connection, said: &Said) {
    let sent = visit.params.text("password").filter(|_| said.password.is_some());
    screen.policy = Some(Policy::of(connection, &screen.texts, sent));
}
