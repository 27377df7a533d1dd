//! The tenant's scripts in a login through the browser.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use gatewright_core::mfa::{self, Decision};
use gatewright_core::script::{Halt, Verdict};
use gatewright_core::user::User;
use gatewright_core::{OAuthError, Timestamp};
use gatewright_http::{RequestCx, respond};
use gatewright_resources::login_transactions::{Progress, ScriptProgress};
use gatewright_resources::sessions::Session;
use serde_json::{Map, Value, json};
use url::Url;

use super::found::{Known, Person};
use super::issue::{Decided, lost_race};
use super::park::{Parked, park};
use super::refuse::refuse_back;
use super::{Asked, second_factor, with_cookie};
use crate::multifactor::Factors;
use crate::scripts::carry_out;
use crate::scripts::event::Sent;
use crate::scripts::login::{self, Method, Scene};
use crate::stop::Stop;

/// What comes after the scripts.
pub(super) enum Step {
    /// The login goes on.
    On(Box<(Asked, Known, Decided)>),
    /// It is refused, or the browser is sent elsewhere first.
    Answered(Response),
}

/// Runs the tenant's scripts and carries out what they decided, as far as it comes before consent.
pub(super) async fn run(
    cx: &RequestCx,
    asked: Asked,
    known: Known,
    mut decided: Decided,
) -> Result<Step, Stop> {
    let mut scripts = match ran(cx, &asked, &known, &decided).await? {
        Ran::Nothing => return Ok(Step::On(Box::new((asked, known, decided)))),
        Ran::SendAgain(url) => return Ok(Step::Answered(sent_away(&url, asked_state(&asked), None))),
        Ran::Scripts(scripts) => *scripts,
    };
    let (client, request) = (Arc::clone(&asked.client), asked.request.clone());
    let user_id = known.person.user.user_id.clone();
    let stored = (!decided.place.begins()).then(|| decided.place.session().session_id.clone());
    carry_out::revoke(cx, stored.as_deref(), None, &mut scripts.verdict).await?;
    decided.report = login::apply(decided.report, &asked.wanted, &mut scripts.verdict);
    decided.ledger["scope"] = json!(decided.report);
    decided.ledger["scripts"] = carry_out::ledger(&scripts);
    let answer = match scripts.verdict.halt.take() {
        Some(Halt::Denied(error)) => {
            carry_out::metadata_now(cx, &user_id, &mut scripts.verdict).await?;
            refuse_back(cx, &client, &request, error, decided.ledger).await?
        }
        Some(Halt::Factors(commands)) => {
            carry_out::metadata_now(cx, &user_id, &mut scripts.verdict).await?;
            // Whether the queue is done was decided as the scripts ran; what is left of it is asked for.
            return match mfa::of_commands(&commands, &decided.factors.standing) {
                Decision::Ask(ask) => {
                    second_factor::ask_for(cx, asked, known, decided, (ask, Some(scripts))).await
                }
                Decision::Refused(error) => {
                    Ok(Step::Answered(refuse_back(cx, &client, &request, error, decided.ledger).await?))
                }
                Decision::GoesOn(_) => Ok(Step::Answered(lost_race(cx, &client, &request).await?)),
            };
        }
        Some(Halt::Redirect { url, .. }) => {
            carry_out::metadata_now(cx, &user_id, &mut scripts.verdict).await?;
            let wait = move |progress| Progress { scripts: Some(scripts), ..progress };
            match park(cx, asked, known, wait).await? {
                Some(Parked { state, cookie }) => sent_away(&url, Some(&state), cookie),
                None => lost_race(cx, &client, &request).await?,
            }
        }
        None => match primary_account(cx, &asked, decided.person, &scripts.verdict).await? {
            Ok(person) => {
                let place = decided.place.after(cx, &scripts.verdict, &person.user.user_id);
                let decided = Decided { person, place, ran: Some(scripts), ..decided };
                return Ok(Step::On(Box::new((asked, known, decided))));
            }
            Err(error) => refuse_back(cx, &client, &request, error, decided.ledger).await?,
        },
    };
    Ok(Step::Answered(answer))
}

/// What came of the scripts.
enum Ran {
    /// There are none.
    Nothing,
    /// They ran, now or before the user was asked something.
    Scripts(Box<ScriptProgress>),
    /// One sent the browser to this address, and it has not come back from there.
    SendAgain(String),
}

async fn ran(cx: &RequestCx, asked: &Asked, known: &Known, decided: &Decided) -> Result<Ran, Stop> {
    let (place, factors) = (&decided.place, &decided.factors);
    let user = &known.person.user;
    let before = asked.waiting.as_ref().and_then(|waiting| waiting.row.progress.scripts.clone());
    // What was decided about one user is nothing that another one may log in with.
    let before = before.filter(|before| before.user_id == user.user_id);
    let back = asked.back.clone().filter(|_| before.is_some());
    match &before {
        // Consent or confirmation was missing; scripts run once for a login.
        Some(done) if done.waits_for.is_none() => return Ok(Ran::Scripts(Box::new(done.clone()))),
        Some(ScriptProgress { waits_for: Some(waiting), .. })
            if back.is_none() && waiting.factors.is_empty() =>
        {
            return Ok(Ran::SendAgain(waiting.url.clone()));
        }
        None if !login::any(cx) => return Ok(Ran::Nothing),
        _ => {}
    }
    let session = place.session();
    let sent = Sent::query(asked.params.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let count = user.profile.get("logins_count").and_then(Value::as_i64).unwrap_or(0);
    let scene = Scene {
        client: &asked.client,
        user,
        connection: Some(&session.connection),
        protocol: protocol(asked),
        wanted: &asked.wanted,
        sent,
        transaction: Some(transaction(asked)),
        session: Some(session),
        begins: place.begins(),
        refresh_token: None,
        methods: methods(cx, session, factors),
        factors: &factors.standing,
        roles: &decided.roles,
        // This login is counted when it is recorded.
        logins_count: count + i64::from(place.begins()),
        can_redirect: !asked.request.prompt.none,
        back,
        state: asked.waiting.as_ref().map(|waiting| waiting.state.as_str()),
    };
    Ok(Ran::Scripts(Box::new(login::run_login(cx, &scene, before).await?)))
}

fn asked_state(asked: &Asked) -> Option<&str> {
    asked.waiting.as_ref().map(|waiting| waiting.state.as_str())
}

/// Sends the browser where a script wants it, with the state that it must bring back to `/continue`.
fn sent_away(url: &str, state: Option<&str>, cookie: Option<HeaderValue>) -> Response {
    let target = match Url::parse(url) {
        Ok(mut target) => {
            target.query_pairs_mut().append_pair("state", state.unwrap_or_default());
            target.to_string()
        }
        // The engine has checked it.
        Err(_) => url.to_owned(),
    };
    with_cookie(respond::no_store((StatusCode::FOUND, [(header::LOCATION, target)])), cookie)
}

/// The account that a script chose in place of the one that logged in, which must be linked to it.
async fn primary_account(
    cx: &RequestCx,
    asked: &Asked,
    person: Person,
    verdict: &Verdict,
) -> Result<Result<Person, OAuthError>, Stop> {
    let Some(chosen) = verdict.primary_user.as_ref().filter(|id| **id != person.user.user_id) else {
        return Ok(Ok(person));
    };
    let (within, client, wanted, id) =
        (cx.clone(), Arc::clone(&asked.client), asked.wanted.clone(), chosen.clone());
    let read = cx.app.db.read(move |tx| {
        Box::pin(async move { super::found::person(tx, &within, &client, &wanted, &id).await })
    });
    let found = read.await?.filter(|chosen| !chosen.user.blocked && is_linked(&chosen.user, &person.user));
    let refusal = || {
        OAuthError::access_denied("The account that an Action chose is not linked to the one that logged in.")
            .because("primary_user_not_linked")
    };
    Ok(found.ok_or_else(refusal))
}

/// Whether one of the identities of `primary` is the account `other`.
fn is_linked(primary: &User, other: &User) -> bool {
    let identities = primary.profile.get("identities").and_then(Value::as_array);
    identities.into_iter().flatten().any(|identity| {
        let text = |name: &str| identity[name].as_str().unwrap_or_default();
        format!("{}|{}", text("provider"), text("user_id")) == other.user_id
    })
}

fn protocol(asked: &Asked) -> &'static str {
    let types = &asked.request.response_types;
    match (types.code, types.has_token_or_id_token()) {
        (true, true) => "oidc-hybrid-profile",
        (true, false) => "oidc-basic-profile",
        (false, _) => "oidc-implicit-profile",
    }
}

/// How the user of a session authenticated: at its connection, and with second factors.
fn methods(cx: &RequestCx, session: &Session, factors: &Factors) -> Vec<Method> {
    let first = method(cx, &session.connection, session.authenticated_at);
    let further = factors.methods().map(|(factor, at)| Method { name: "mfa", factor: Some(factor), at });
    std::iter::once(first).chain(further).collect()
}

/// How a user of this connection authenticates.
pub(crate) fn method(cx: &RequestCx, connection: &str, at: Timestamp) -> Method {
    let strategy = cx.tenant.connection(connection).map_or("", |connection| connection.strategy.as_str());
    let name = match strategy {
        "sms" => "sms",
        "email" => "email",
        "auth0" => "pwd",
        _ => "federated",
    };
    Method { name, factor: None, at }
}

/// `event.transaction`.
fn transaction(asked: &Asked) -> Map<String, Value> {
    let (request, params) = (&asked.request, &asked.params);
    let words = |name: &str| -> Vec<String> {
        params.get(name).map(|text| text.split_whitespace().map(str::to_owned).collect()).unwrap_or_default()
    };
    let mut transaction = Map::new();
    let mut member = |name: &str, value: Value| {
        if !value.is_null() {
            transaction.insert(name.to_owned(), value);
        }
    };
    member("acr_values", json!(words("acr_values")));
    member("locale", json!(words("ui_locales").first().map_or("en", String::as_str)));
    member("login_hint", json!(params.get("login_hint")));
    member("prompt", json!(words("prompt")));
    member("protocol", json!(protocol(asked)));
    member("redirect_uri", json!(request.redirect_uri));
    member("requested_scopes", json!(words("scope")));
    member("response_mode", json!(params.get("response_mode")));
    member("response_type", json!(words("response_type")));
    member("state", json!(request.state));
    member("ui_locales", json!(words("ui_locales")));
    transaction
}
