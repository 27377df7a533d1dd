//! `event` of post-login.

use gatewright_http::RequestCx;
use gatewright_resources::sessions::Session;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::event::{self, EventClient, EventConnection, EventTenant, EventUser, Request};
use super::login::Scene;

#[derive(Serialize)]
pub(super) struct Event<'a> {
    client: EventClient<'a>,
    request: Request<'a>,
    tenant: EventTenant<'a>,
    user: EventUser<'a>,
    authentication: Value,
    authorization: Value,
    stats: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<EventConnection<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_server: Option<Value>,
    transaction: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a Value>,
}

/// `event` of post-login.
pub(super) fn event<'a>(cx: &'a RequestCx, scene: &'a Scene<'_>, metadata: &Map<String, Value>) -> Event<'a> {
    let sent = scene.back.as_ref().unwrap_or(&scene.sent);
    let methods = scene.methods.iter().map(|method| method.told(json!(method.at.iso8601())));
    let methods: Vec<Value> = methods.collect();
    let transaction = match &scene.transaction {
        Some(transaction) => {
            let mut transaction = transaction.clone();
            transaction.insert("metadata".to_owned(), Value::Object(metadata.clone()));
            Value::Object(transaction)
        }
        None => transaction_without_browser(scene, metadata),
    };
    Event {
        client: event::client(scene.client),
        request: event::request(cx, sent),
        tenant: event::tenant(cx),
        user: EventUser { user: scene.user, standing: Some(scene.factors) },
        authentication: json!({ "methods": methods }),
        authorization: json!({ "roles": scene.roles }),
        stats: json!({ "logins_count": scene.logins_count }),
        connection: scene
            .connection
            .and_then(|name| cx.tenant.connection(name))
            .map(|found| event::connection(found)),
        resource_server: scene.wanted.api.as_ref().map(|api| json!({ "identifier": api.identifier })),
        transaction,
        session: scene.session.map(|session| session_of(scene, session)),
        refresh_token: scene.refresh_token.as_ref(),
    }
}

/// `event.transaction` where the client itself asks.
fn transaction_without_browser(scene: &Scene<'_>, metadata: &Map<String, Value>) -> Value {
    let scopes: Vec<&str> = scene.wanted.scope.as_deref().unwrap_or_default().split_whitespace().collect();
    json!({
        "acr_values": [], "ui_locales": [], "locale": "en", "protocol": scene.protocol,
        "requested_scopes": scopes, "metadata": metadata,
    })
}

fn session_of(scene: &Scene<'_>, session: &Session) -> Value {
    let times = session.times;
    json!({
        "id": session.session_id,
        "user_id": session.user_id,
        "authenticated_at": session.authenticated_at.iso8601(),
        "created_at": times.created_at.iso8601(),
        "updated_at": times.last_active_at.iso8601(),
        "last_interacted_at": times.last_active_at.iso8601(),
        "expires_at": times.expires_at.iso8601(),
        "idle_expires_at": times.idle_expires_at.iso8601(),
        "clients": [{ "client_id": scene.client.client_id }],
        "cookie": { "mode": if session.persistent { "persistent" } else { "non-persistent" } },
        "device": {},
        "metadata": {},
    })
}
