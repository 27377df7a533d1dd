//! `/u/login`, identifier and password on one page, and `/u/login/password`, after the identifier page.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_core::connection::Connection;
use gatewright_core::login::screens::{First, Way, first};
use gatewright_http::RequestCx;
use gatewright_resources::login_transactions;

use super::identifier::prefilled;
use super::{IDENTIFIER, LOGIN, PASSWORD, RESUME, Visit, logged_in, page, password_field};
use crate::pages::screen::{Button, Field, Kind, Provider, Subject};
use crate::password_login;
use crate::stop::Stop;

page!(login, combined);
page!(password, after_identifier);

async fn combined(visit: Visit) -> Result<Response, Stop> {
    let Some(connection) = visit.chosen().filter(|chosen| Way::of(chosen) == Some(Way::Password)) else {
        let providers = visit.providers(&visit.texts("login", "login"));
        return Ok(match first(&visit.facts()) {
            Ok(First::Buttons) => show_buttons(&visit, providers),
            _ => visit.to_first_page(),
        });
    };
    let say = |said: Said| Ok(show_combined(&visit, &connection, &said));
    if !visit.posted {
        return say(Said::default());
    }
    if !visit.form_is_ours() {
        return say(Said { alert: Some("invalid-request"), ..Said::default() });
    }
    let (username, password) = (visit.params.text("username"), visit.params.text("password"));
    let (Some(username), Some(password)) = (username.filter(|name| name.len() <= 320), password) else {
        return say(Said {
            no_username: username.is_none_or(|name| name.len() > 320),
            no_password: password.is_none(),
            alert: None,
            told: None,
        });
    };
    match judge(&visit, &connection, username, password).await? {
        Outcome::LoggedIn => Ok(visit.go(RESUME)),
        Outcome::Lost => Ok(visit.lost()),
        Outcome::Refused(error) => say(refused(&error)),
    }
}

async fn after_identifier(visit: Visit) -> Result<Response, Stop> {
    let progress = visit.progress();
    let connection = progress.connection.as_deref().and_then(|name| visit.connection(name));
    let connection = connection.filter(|connection| Way::of(connection) == Some(Way::Password));
    let (Some(connection), Some(identifier)) = (connection, progress.identifier.clone()) else {
        return Ok(visit.to_first_page());
    };
    let say = |said: Said| Ok(show_password(&visit, &connection, &identifier, &said));
    if !visit.posted {
        return say(Said::default());
    }
    if !visit.form_is_ours() {
        return say(Said { alert: Some("invalid-request"), ..Said::default() });
    }
    let Some(password) = visit.params.text("password") else {
        return say(Said { no_password: true, ..Said::default() });
    };
    match judge(&visit, &connection, &identifier, password).await? {
        Outcome::LoggedIn => Ok(visit.go(RESUME)),
        Outcome::Lost => Ok(visit.lost()),
        Outcome::Refused(error) => say(refused(&error)),
    }
}

#[derive(Default)]
struct Said {
    no_username: bool,
    no_password: bool,
    alert: Option<&'static str>,
    /// A text that is no page's own.
    told: Option<String>,
}

enum Outcome {
    LoggedIn,
    Refused(OAuthError),
    Lost,
}

async fn judge(
    visit: &Visit,
    connection: &Arc<Connection>,
    identifier: &str,
    password: &str,
) -> Result<Outcome, Stop> {
    let verified = password_login::verify(&visit.cx, &visit.client, connection, identifier, password).await?;
    let user = match verified {
        Ok(user) => user,
        Err(error) => return Ok(Outcome::Refused(error)),
    };
    let (cx, state_hash) = (visit.cx.clone(), visit.waiting.row.state_hash.clone());
    let (name, typed) = (connection.name.clone(), identifier.trim().to_owned());
    let write = visit.cx.app.db.write(move |tx| {
        Box::pin(async move {
            let held = login_transactions::hold(tx, &cx.tenant.id, &state_hash, cx.now).await?;
            let Some(mut held) = held else { return Ok(Outcome::Lost) };
            held.progress.connection = Some(name.clone());
            held.progress.identifier = Some(typed);
            logged_in(tx, &cx, held, &user.user_id, &name).await?;
            Ok::<_, Stop>(Outcome::LoggedIn)
        })
    });
    write.await
}

/// A refusal in the words of the page, or of the script that gave it.
fn refused(error: &OAuthError) -> Said {
    match error.reason.as_deref() {
        Some("denied_by_script" | "account_conflict") => {
            Said { told: Some(error.description.to_string()), ..Said::default() }
        }
        Some(reason) if reason.starts_with("script_") => {
            Said { told: Some(error.description.to_string()), ..Said::default() }
        }
        _ => Said { alert: Some(text_of(error)), ..Said::default() },
    }
}

fn text_of(error: &OAuthError) -> &'static str {
    match error.reason.as_deref() {
        Some("too_many_tries" | "address_throttled") => "too-many-requests",
        Some("account_blocked") => "account-blocked",
        Some("user_blocked") => "user-blocked",
        _ => "wrong-credentials",
    }
}

/// The page of a client whose users all come from providers.
fn show_buttons(visit: &Visit, providers: Vec<Provider>) -> Response {
    let mut screen = visit.screen("login", "login");
    screen.providers = providers;
    visit.show(&screen)
}

fn show_combined(visit: &Visit, connection: &Connection, said: &Said) -> Response {
    let mut screen = visit.screen("login", "login");
    let texts = screen.texts.clone();
    let value = prefilled(visit, connection);
    let known = !value.is_empty() && !said.no_username;
    let mut form = visit.form(LOGIN);
    form.hidden.push(("connection", connection.name.clone()));
    form.fields.push(Field {
        kind: Kind::Username,
        name: "username",
        label: texts.get("usernamePlaceholder"),
        value,
        hint: None,
        error: said.no_username.then(|| texts.get("no-username")),
        focus: !known,
        last: false,
    });
    form.fields.push(password_field(&texts, said.no_password.then(|| texts.get("no-password")), known));
    form.buttons.push(Button { text: texts.get("buttonText"), value: "default", primary: true });
    screen.form = Some(form);
    screen.alert = said.told.clone().or_else(|| said.alert.map(|key| texts.get(key)));
    screen.aside = visit.forgot_link(&texts);
    screen.providers = visit.providers(&texts);
    screen.links =
        visit.sign_up_link(&texts).into_iter().chain(visit.other_ways(&texts, connection)).collect();
    visit.show(&screen)
}

fn show_password(visit: &Visit, connection: &Connection, identifier: &str, said: &Said) -> Response {
    let mut screen = visit.screen("login-password", "login-password");
    let texts = screen.texts.clone();
    screen.subject =
        Some(Subject { lead: None, text: identifier.to_owned(), edit: Some(visit.href(IDENTIFIER)) });
    let mut form = visit.form(PASSWORD);
    // Hidden from sight, but there: password managers save the password under it.
    form.hidden.push(("username", identifier.to_owned()));
    form.fields.push(password_field(&texts, said.no_password.then(|| texts.get("no-password")), true));
    form.buttons.push(Button { text: texts.get("buttonText"), value: "default", primary: true });
    screen.form = Some(form);
    screen.alert = said.told.clone().or_else(|| said.alert.map(|key| texts.get(key)));
    screen.aside = visit.forgot_link(&texts);
    screen.links =
        visit.sign_up_link(&texts).into_iter().chain(visit.other_ways(&texts, connection)).collect();
    visit.show(&screen)
}
