//! What Actions look at: the parts of `event` that several triggers share.

use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::mfa::Standing;
use gatewright_core::user::User;
use gatewright_http::{Params, RequestCx};
use serde_json::{Map, Value, json};

/// The request that a flow belongs to, as scripts may see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    /// The HTTP method.
    pub(crate) method: &'static str,
    /// The query.
    pub(crate) query: Map<String, Value>,
    /// The body.
    pub(crate) body: Map<String, Value>,
}

/// Parameters that prove something: they are the server's to check, no script's to see.
const PROOFS: &[&str] = &[
    "password",
    "client_secret",
    "client_assertion",
    "otp",
    "mfa_token",
    "oob_code",
    "binding_code",
    "recovery_code",
    "code",
    "code_verifier",
    "refresh_token",
    "device_code",
    "assertion",
    "subject_token",
    "actor_token",
    "login_ticket",
    "verification_code",
    "_csrf",
    "csrf",
];

impl Sent {
    /// A request of a browser to `/authorize`.
    pub(crate) fn query<'a>(params: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self { method: "GET", query: shown(params), body: Map::new() }
    }

    /// What was typed into a form.
    pub(crate) fn typed<'a>(params: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self { method: "POST", query: Map::new(), body: shown(params) }
    }

    /// A request with a body.
    pub(crate) fn body(params: &Params) -> Self {
        let pairs = params.names().filter_map(|name| Some((name, params.text(name)?)));
        Self { method: "POST", query: Map::new(), body: shown(pairs) }
    }
}

/// The parameters without those that prove something.
fn shown<'a>(params: impl Iterator<Item = (&'a str, &'a str)>) -> Map<String, Value> {
    let shown = params.filter(|(name, _)| !PROOFS.contains(name));
    shown.map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// `event.request`.
pub(crate) fn request(cx: &RequestCx, sent: &Sent) -> Value {
    json!({
        "ip": cx.ip.to_string(),
        "method": sent.method,
        "hostname": cx.issuer.domain(),
        "user_agent": cx.user_agent,
        "query": sent.query,
        "body": sent.body,
        "geoip": {},
    })
}

/// `event.client`.
pub(crate) fn client(client: &Client) -> Value {
    json!({ "client_id": client.client_id, "name": client.name, "metadata": client.client_metadata })
}

/// `event.connection`.
pub(crate) fn connection(connection: &Connection) -> Value {
    json!({
        "id": connection.id, "name": connection.name, "strategy": connection.strategy,
        "metadata": connection.metadata,
    })
}

/// `event.tenant`.
pub(crate) fn tenant(cx: &RequestCx) -> Value {
    json!({ "id": cx.tenant.id.as_str() })
}

/// `event.tenant` of messages, which may name the tenant and its support.
pub(crate) fn tenant_of_message(cx: &RequestCx) -> Value {
    let mut shown = tenant(cx);
    for (name, setting) in [
        ("friendly_name", "friendly_name"),
        ("logo_url", "picture_url"),
        ("support_email", "support_email"),
        ("support_url", "support_url"),
    ] {
        if let Some(text) = cx.tenant.text_setting(setting) {
            shown[name] = text.into();
        }
    }
    shown
}

/// The same with the second factors that the user has enrolled.
pub(crate) fn user_with(found: &User, standing: &Standing) -> Value {
    let mut shown = user(found);
    let enrolled = standing.enrolled.iter().map(|factor| json!({ "type": factor.name() }));
    shown["enrolledFactors"] = enrolled.collect();
    if !standing.enrolled.is_empty() {
        shown["multifactor"] = json!(["guardian"]);
    }
    shown
}

/// Members of a stored user that are not part of `event.user`.
const HIDDEN: &[&str] =
    &["blocked", "blocked_for", "last_ip", "last_login", "logins_count", "guardian_authenticators"];

/// `event.user`: both kinds of metadata are always there, providers' tokens never.
pub(crate) fn user(user: &User) -> Value {
    let mut shown: Map<String, Value> = user.profile.clone();
    shown.retain(|name, _| !HIDDEN.contains(&name.as_str()));
    shown.insert("user_id".to_owned(), user.user_id.clone().into());
    for metadata in ["app_metadata", "user_metadata"] {
        if !shown.get(metadata).is_some_and(Value::is_object) {
            shown.insert(metadata.to_owned(), json!({}));
        }
    }
    for identity in shown.get_mut("identities").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(identity) = identity.as_object_mut() {
            identity.remove("access_token");
            identity.remove("access_token_secret");
            identity.remove("refresh_token");
        }
    }
    shown.entry("email_verified").or_insert(json!(false));
    shown.entry("identities").or_insert(json!([]));
    shown.insert("multifactor".to_owned(), json!([]));
    shown.insert("enrolledFactors".to_owned(), json!([]));
    Value::Object(shown)
}
