//! Tenant log events, filled with what every one of them says about its request.

use gatewright_adapters::{DeliveryError, Receipt};
use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::ledger;
use gatewright_http::RequestCx;
use gatewright_resources::logs::{self, LogEvent};
use serde_json::{Value, json};

use crate::stop::Stop;

/// An event of this type code, with the caller, the host and the client.
pub(crate) fn event(cx: &RequestCx, code: &'static str, client: Option<&Client>) -> LogEvent {
    LogEvent {
        r#type: code,
        ip: cx.ip.to_string(),
        user_agent: cx.user_agent.clone(),
        hostname: Some(cx.issuer.domain().to_owned()),
        client_id: client.map(|client| client.client_id.clone()),
        client_name: client.map(|client| client.name.clone()),
        request_id: Some(cx.request_id.clone()),
        noted: Some(cx.noted.clone()),
        ..LogEvent::default()
    }
}

/// The event with the connection that was used.
pub(crate) fn at_connection(mut event: LogEvent, connection: &Connection) -> LogEvent {
    let kind = match connection.strategy.as_str() {
        "sms" | "email" => "passwordless",
        "auth0" => "database",
        _ => "social",
    };
    event.connection = Some(connection.name.clone());
    event.connection_id = Some(connection.id.clone());
    event.strategy = Some(connection.strategy.clone());
    event.strategy_type = Some(kind.to_owned());
    event
}

/// Writes one event in a transaction of its own.
pub(crate) async fn write(cx: &RequestCx, event: LogEvent) -> Result<(), Stop> {
    let within = cx.clone();
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let random = &within.app.random;
            logs::append(tx, &within.tenant.id, within.now, random, &event).await?;
            Ok::<_, Stop>(())
        })
    });
    write.await
}

/// Counts a message by channel and outcome.
pub(crate) fn count_message(channel: &'static str, sent: &Result<Receipt, DeliveryError>) {
    let outcome = match sent {
        Ok(receipt) if receipt.route == "capture" => "captured",
        Ok(_) => "sent",
        Err(_) => "failed",
    };
    metrics::counter!("gatewright_messages_total", "channel" => channel, "outcome" => outcome).increment(1);
}

/// `details` of a refusal: what the caller was told, and why. `decision` are members besides the reason.
pub(crate) fn refusal(error: &OAuthError, client: Option<&Client>, decision: Value) -> Value {
    let mut why = json!(ledger::refused(error, client.map(|client| client.client_id.as_str())));
    merge(&mut why, decision);
    json!({"error": {"message": error.description, "oauthError": error.code}, "decision": why})
}

/// Adds the members of one object to another; anything but objects is left as it is.
pub(crate) fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}
