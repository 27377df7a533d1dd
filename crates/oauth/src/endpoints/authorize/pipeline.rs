//! The tenant's scripts in a login through the browser.

use gatewright_core::Timestamp;
use gatewright_http::RequestCx;
use gatewright_resources::login_transactions::ScriptProgress;
use serde_json::{Map, Value, json};

use super::Asked;
use super::draft::Place;
use super::found::Known;
use crate::scripts::event::Sent;
use crate::scripts::login::{self, Scene};
use crate::stop::Stop;

/// What came of the scripts.
pub(super) enum Step {
    /// There are none.
    None,
    /// They ran, now or before the user was asked something.
    Ran(Box<ScriptProgress>),
    /// A script sent the browser to this address, and it has not come back from there.
    SendAgain(String),
}

pub(super) async fn run(cx: &RequestCx, asked: &Asked, known: &Known, place: &Place) -> Result<Step, Stop> {
    let user = &known.person.user;
    let before = asked.waiting.as_ref().and_then(|waiting| waiting.row.progress.scripts.clone());
    // What was decided about one user is nothing that another one may log in with.
    let before = before.filter(|before| before.user_id == user.user_id);
    let back = asked.back.clone().filter(|_| before.is_some());
    match &before {
        // Consent or confirmation was missing; scripts run once for a login.
        Some(done) if done.waits_for.is_none() => return Ok(Step::Ran(Box::new(done.clone()))),
        Some(ScriptProgress { waits_for: Some(waiting), .. }) if back.is_none() => {
            return Ok(Step::SendAgain(waiting.url.clone()));
        }
        None if !login::any(cx) => return Ok(Step::None),
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
        methods: vec![method(cx, &session.connection, session.authenticated_at)],
        // This login is counted when it is recorded.
        logins_count: count + i64::from(place.begins()),
        can_redirect: !asked.request.prompt.none,
        back,
        state: asked.waiting.as_ref().map(|waiting| waiting.state.as_str()),
    };
    Ok(Step::Ran(Box::new(login::run_login(cx, &scene, before).await?)))
}

fn protocol(asked: &Asked) -> &'static str {
    let types = &asked.request.response_types;
    match (types.code, types.has_token_or_id_token()) {
        (true, true) => "oidc-hybrid-profile",
        (true, false) => "oidc-basic-profile",
        (false, _) => "oidc-implicit-profile",
    }
}

/// How a user of this connection authenticates.
pub(crate) fn method(cx: &RequestCx, connection: &str, at: Timestamp) -> (&'static str, Timestamp) {
    let strategy = cx.tenant.connection(connection).map_or("", |connection| connection.strategy.as_str());
    let name = match strategy {
        "sms" => "sms",
        "email" => "email",
        "auth0" => "pwd",
        _ => "federated",
    };
    (name, at)
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
