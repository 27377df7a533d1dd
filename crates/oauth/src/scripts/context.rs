//! What Rules look at: `user` and `context`.

use gatewright_core::script::rules;
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::{Map, Value, json};

use super::event::Nothing;
use super::login::Scene;

/// The input of the rules of a login.
#[derive(Serialize)]
pub(super) struct RulesInput<'a> {
    user: RulesUser<'a>,
    context: Context<'a>,
    /// Which members of the two are looked at afterwards.
    told: rules::Told,
}

/// Compat: members of `app_metadata` stand at the root too, and either kind of metadata may be missing.
pub(super) struct RulesUser<'a>(&'a User);

impl<'a> RulesUser<'a> {
    fn app_metadata(&self) -> Option<&'a Map<String, Value>> {
        self.0.profile.get("app_metadata").and_then(Value::as_object)
    }

    /// An attribute as rules find it.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.profile.get(name).or_else(|| self.app_metadata()?.get(name))
    }
}

impl Serialize for RulesUser<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let profile = &self.0.profile;
        let mut user = serializer.serialize_map(None)?;
        user.serialize_entry("user_id", &self.0.user_id)?;
        for (name, value) in profile.iter().filter(|(name, _)| *name != "user_id") {
            user.serialize_entry(name, value)?;
        }
        for (name, value) in self.app_metadata().into_iter().flatten() {
            if name != "user_id" && !profile.contains_key(name) {
                user.serialize_entry(name, value)?;
            }
        }
        user.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    tenant: &'a str,
    #[serde(rename = "clientID")]
    client_id: &'a str,
    client_name: &'a str,
    client_metadata: &'a Map<String, Value>,
    connection: Option<&'a str>,
    #[serde(rename = "connectionID")]
    connection_id: Option<&'a str>,
    connection_strategy: Option<&'a str>,
    connection_options: Nothing,
    connection_metadata: Option<&'a Map<String, Value>>,
    #[serde(rename = "sessionID")]
    session_id: Option<&'a str>,
    protocol: &'static str,
    stats: Value,
    sso: Value,
    request: Request<'a>,
    authentication: Value,
    authorization: Value,
    access_token: Nothing,
    id_token: Nothing,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    user_agent: Option<&'a str>,
    ip: String,
    hostname: &'a str,
    query: &'a Map<String, Value>,
    body: &'a Map<String, Value>,
    geoip: Nothing,
}

/// What the rules of a login are shown.
pub(super) fn input<'a>(cx: &'a RequestCx, scene: &'a Scene<'_>) -> RulesInput<'a> {
    RulesInput { user: user(scene), context: context(cx, scene), told: rules::TOLD }
}

/// The user as rules are shown it.
pub(super) fn user<'a>(scene: &'a Scene<'_>) -> RulesUser<'a> {
    RulesUser(scene.user)
}

/// How the login goes on, in the words of rules.
pub(super) fn protocol(scene: &Scene<'_>) -> &'static str {
    if scene.back.is_some() { "redirect-callback" } else { scene.protocol }
}

fn context<'a>(cx: &'a RequestCx, scene: &'a Scene<'_>) -> Context<'a> {
    let connection = scene.connection.and_then(|name| cx.tenant.connection(name));
    let methods = scene.methods.iter().map(|method| method.told(json!(method.at.micros() / 1000)));
    let methods: Vec<Value> = methods.collect();
    let sent = scene.back.as_ref().unwrap_or(&scene.sent);
    let clients: Vec<&str> = scene.session.iter().map(|session| session.last_client_id.as_str()).collect();
    Context {
        tenant: cx.tenant.id.as_str(),
        client_id: &scene.client.client_id,
        client_name: &scene.client.name,
        client_metadata: &scene.client.client_metadata,
        connection: connection.map(|connection| connection.name.as_str()),
        connection_id: connection.map(|connection| connection.id.as_str()),
        connection_strategy: connection.map(|connection| connection.strategy.as_str()),
        connection_options: Nothing {},
        connection_metadata: connection.map(|connection| &connection.metadata),
        session_id: scene.session.map(|session| session.session_id.as_str()),
        protocol: protocol(scene),
        stats: json!({ "loginsCount": scene.logins_count }),
        sso: json!({
            "with_auth0": scene.session.is_some() && !scene.begins,
            "with_dbconn": connection.is_some_and(|connection| connection.strategy == "auth0"),
            "current_clients": clients,
        }),
        request: Request {
            user_agent: cx.user_agent.as_deref(),
            ip: cx.ip.to_string(),
            hostname: cx.issuer.domain(),
            query: &sent.query,
            body: &sent.body,
            geoip: Nothing {},
        },
        authentication: json!({ "methods": methods }),
        authorization: json!({ "roles": scene.roles }),
        access_token: Nothing {},
        id_token: Nothing {},
    }
}
