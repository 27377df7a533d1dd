//! What Rules look at: `user` and `context`.

use gatewright_http::RequestCx;
use serde_json::{Value, json};

use super::login::Scene;

/// The input of the rules of a login.
pub(super) fn input(cx: &RequestCx, scene: &Scene<'_>, roles: &[String]) -> Value {
    json!({ "user": user(scene), "context": context(cx, scene, roles) })
}

/// Compat: members of `app_metadata` stand at the root too, and either kind of metadata may be missing.
fn user(scene: &Scene<'_>) -> Value {
    let mut user = scene.user.profile.clone();
    user.insert("user_id".to_owned(), scene.user.user_id.clone().into());
    if let Some(Value::Object(metadata)) = user.get("app_metadata").cloned() {
        for (name, value) in metadata {
            user.entry(name).or_insert(value);
        }
    }
    Value::Object(user)
}

fn context(cx: &RequestCx, scene: &Scene<'_>, roles: &[String]) -> Value {
    let connection = scene.connection.and_then(|name| cx.tenant.connection(name));
    let methods = scene.methods.iter().map(|method| method.told(json!(method.at.micros() / 1000)));
    let methods: Vec<Value> = methods.collect();
    let protocol = if scene.back.is_some() { "redirect-callback" } else { scene.protocol };
    let sent = scene.back.as_ref().unwrap_or(&scene.sent);
    let clients: Vec<&str> = scene.session.iter().map(|session| session.last_client_id.as_str()).collect();
    json!({
        "tenant": cx.tenant.id.as_str(),
        "clientID": scene.client.client_id,
        "clientName": scene.client.name,
        "clientMetadata": scene.client.client_metadata,
        "connection": connection.map(|connection| &connection.name),
        "connectionID": connection.map(|connection| &connection.id),
        "connectionStrategy": connection.map(|connection| &connection.strategy),
        "connectionOptions": {},
        "connectionMetadata": connection.map(|connection| &connection.metadata),
        "sessionID": scene.session.map(|session| &session.session_id),
        "protocol": protocol,
        "stats": { "loginsCount": scene.logins_count },
        "sso": {
            "with_auth0": scene.session.is_some() && !scene.begins,
            "with_dbconn": connection.is_some_and(|connection| connection.strategy == "auth0"),
            "current_clients": clients,
        },
        "request": {
            "userAgent": cx.user_agent,
            "ip": cx.ip.to_string(),
            "hostname": cx.issuer.domain(),
            "query": sent.query,
            "body": sent.body,
            "geoip": {},
        },
        "authentication": { "methods": methods },
        "authorization": { "roles": roles },
        "accessToken": {},
        "idToken": {},
    })
}
