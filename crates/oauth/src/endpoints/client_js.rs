//! `GET /client/{client_id}.js`: what Lock loads first, one call to `Auth0.setClient`.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_http::RequestCx;
use serde_json::{Map, Value, json};

pub(crate) async fn client_js(cx: RequestCx, Path(file): Path<String>) -> Response {
    let client = file.strip_suffix(".js").and_then(|client_id| cx.tenant.client(client_id));
    let Some(client) = client else {
        return (StatusCode::NOT_FOUND, "Not Found").into_response();
    };
    // Tools read this by pattern: exactly one call, no wrapper. JSON is JavaScript since ES2019.
    let body = format!("Auth0.setClient({});", settings(&cx, client));
    let headers = [
        (header::CONTENT_TYPE, "application/x-javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=15, stale-while-revalidate=15"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, body).into_response()
}

fn settings(cx: &RequestCx, client: &Client) -> Value {
    let mut strategies: Vec<(&str, Vec<Value>)> = Vec::new();
    for connection in cx.tenant.connections_of(&client.client_id) {
        let shown = shown_connection(connection);
        match strategies.iter_mut().find(|(name, _)| *name == connection.strategy) {
            Some((_, connections)) => connections.push(shown),
            None => strategies.push((&connection.strategy, vec![shown])),
        }
    }
    let strategies: Vec<Value> = strategies
        .into_iter()
        .map(|(name, connections)| json!({"name": name, "connections": connections}))
        .collect();
    json!({
        "id": client.client_id,
        "tenant": cx.tenant.id,
        // Lock shows a vendor badge for "free" and "dev".
        "subscription": "self-hosted",
        "authorize": cx.issuer.join("authorize"),
        "callback": client.callbacks.first(),
        "hasAllowedOrigins": !client.allowed_origins.is_empty(),
        "strategies": strategies,
    })
}

/// What Lock reads of a connection. Its flags must be real booleans.
fn shown_connection(connection: &Connection) -> Value {
    let mut shown = Map::new();
    shown.insert("name".into(), json!(connection.name));
    if let Some(display_name) = &connection.display_name {
        shown.insert("display_name".into(), json!(display_name));
    }
    let option = |name: &str| connection.options.get(name).cloned();
    if connection.strategy == "auth0" {
        shown.insert("showSignup".into(), json!(!connection.signup_disabled()));
        shown.insert("showForgot".into(), json!(true));
        let flag = |name| option(name).and_then(|value| value.as_bool()).unwrap_or(false);
        shown.insert("requires_username".into(), json!(flag("requires_username")));
        for name in ["passwordPolicy", "password_complexity_options", "validation"] {
            if let Some(value) = option(name).filter(|value| !value.is_null()) {
                shown.insert(name.into(), value);
            }
        }
    }
    for name in ["domain", "domain_aliases"] {
        if let Some(value) = option(name).filter(|value| !value.is_null()) {
            shown.insert(name.into(), value);
        }
    }
    Value::Object(shown)
}
