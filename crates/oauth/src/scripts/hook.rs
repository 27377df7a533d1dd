//! What the Hooks around accounts look at: a user in the names of old, and a context.

use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_http::RequestCx;
use serde_json::{Map, Value, json};

use super::event::Sent;

/// The first argument of a hook. The password is never in it.
pub(super) fn user(cx: &RequestCx, profile: &Map<String, Value>) -> Value {
    let mut user = profile.clone();
    user.remove("identities");
    for (name, of_hooks) in [
        ("user_id", "id"),
        ("email_verified", "emailVerified"),
        ("phone_number", "phoneNumber"),
        ("phone_verified", "phoneNumberVerified"),
    ] {
        if let Some(value) = user.remove(name) {
            user.insert(of_hooks.to_owned(), value);
        }
    }
    // Compat: hooks set members of these without a look whether they are there.
    for name in ["user_metadata", "app_metadata"] {
        user.entry(name).or_insert_with(|| json!({}));
    }
    user.insert("tenant".to_owned(), cx.tenant.id.as_str().into());
    Value::Object(user)
}

/// The second argument; the engine adds the hook's secrets.
pub(super) fn context(
    cx: &RequestCx,
    client: Option<&Client>,
    connection: &Connection,
    sent: &Sent,
) -> Value {
    json!({
        "clientID": client.map(|client| &client.client_id),
        "connection": { "id": connection.id, "name": connection.name, "tenant": cx.tenant.id.as_str() },
        "request": {
            "ip": cx.ip.to_string(), "userAgent": cx.user_agent, "hostname": cx.issuer.domain(),
            "query": sent.query, "body": sent.body, "geoip": {},
        },
        "requestLanguage": null,
        "renderLanguage": null,
    })
}
