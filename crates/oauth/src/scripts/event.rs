//! What Actions look at: the parts of `event` that several triggers share.

use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::mfa::Standing;
use gatewright_core::user::User;
use gatewright_http::{Params, RequestCx};
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
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

/// What is there and never holds anything.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Nothing {}

/// `event.request`.
#[derive(Debug, Serialize)]
pub(crate) struct Request<'a> {
    ip: String,
    method: &'static str,
    hostname: &'a str,
    user_agent: Option<&'a str>,
    query: &'a Map<String, Value>,
    body: &'a Map<String, Value>,
    geoip: Nothing,
}

/// `event.request`.
pub(crate) fn request<'a>(cx: &'a RequestCx, sent: &'a Sent) -> Request<'a> {
    Request {
        ip: cx.ip.to_string(),
        method: sent.method,
        hostname: cx.issuer.domain(),
        user_agent: cx.user_agent.as_deref(),
        query: &sent.query,
        body: &sent.body,
        geoip: Nothing {},
    }
}

/// `event.client`.
#[derive(Debug, Serialize)]
pub(crate) struct EventClient<'a> {
    client_id: &'a str,
    name: &'a str,
    metadata: &'a Map<String, Value>,
}

/// `event.client`.
pub(crate) fn client(client: &Client) -> EventClient<'_> {
    EventClient { client_id: &client.client_id, name: &client.name, metadata: &client.client_metadata }
}

/// `event.connection`.
#[derive(Debug, Serialize)]
pub(crate) struct EventConnection<'a> {
    id: &'a str,
    name: &'a str,
    strategy: &'a str,
    metadata: &'a Map<String, Value>,
}

/// `event.connection`.
pub(crate) fn connection(connection: &Connection) -> EventConnection<'_> {
    let Connection { id, name, strategy, metadata, .. } = connection;
    EventConnection { id, name, strategy, metadata }
}

/// `event.tenant`.
#[derive(Debug, Serialize)]
pub(crate) struct EventTenant<'a> {
    id: &'a str,
}

/// `event.tenant`.
pub(crate) fn tenant(cx: &RequestCx) -> EventTenant<'_> {
    EventTenant { id: cx.tenant.id.as_str() }
}

/// `event.tenant` of messages, which may name the tenant and its support.
pub(crate) fn tenant_of_message(cx: &RequestCx) -> Value {
    let mut shown = json!(tenant(cx));
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

/// Members of a stored user that are not part of `event.user`.
const HIDDEN: &[&str] =
    &["blocked", "blocked_for", "last_ip", "last_login", "logins_count", "guardian_authenticators"];
/// Members of an identity that are not shown: they are the provider's tokens.
const TOKENS: &[&str] = &["access_token", "access_token_secret", "refresh_token"];

/// `event.user`, for what has no second factors: both kinds of metadata are always there, providers' tokens never.
pub(crate) fn user(user: &User) -> Value {
    json!(EventUser { user, standing: None })
}

/// `event.user`, with the second factors that the user has enrolled if they are known.
#[derive(Debug)]
pub(crate) struct EventUser<'a> {
    pub(crate) user: &'a User,
    pub(crate) standing: Option<&'a Standing>,
}

impl Serialize for EventUser<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const OWN: &[&str] = &[
            "user_id",
            "app_metadata",
            "user_metadata",
            "identities",
            "email_verified",
            "multifactor",
            "enrolledFactors",
        ];
        let profile = &self.user.profile;
        let mut shown = serializer.serialize_map(None)?;
        for (name, value) in profile {
            if !HIDDEN.contains(&name.as_str()) && !OWN.contains(&name.as_str()) {
                shown.serialize_entry(name, value)?;
            }
        }
        shown.serialize_entry("user_id", &self.user.user_id)?;
        for metadata in ["app_metadata", "user_metadata"] {
            match profile.get(metadata) {
                Some(value @ Value::Object(_)) => shown.serialize_entry(metadata, value)?,
                _ => shown.serialize_entry(metadata, &Nothing {})?,
            }
        }
        match profile.get("email_verified") {
            Some(value) => shown.serialize_entry("email_verified", value)?,
            None => shown.serialize_entry("email_verified", &false)?,
        }
        match profile.get("identities") {
            Some(Value::Array(identities)) => {
                shown.serialize_entry("identities", &identities.iter().map(Identity).collect::<Vec<_>>())?;
            }
            Some(value) => shown.serialize_entry("identities", value)?,
            None => shown.serialize_entry::<_, [Nothing]>("identities", &[])?,
        }
        let enrolled = self.standing.map_or(&[][..], |standing| &standing.enrolled);
        let providers = if enrolled.is_empty() { &[][..] } else { &["guardian"] };
        shown.serialize_entry("multifactor", providers)?;
        let enrolled: Vec<_> = enrolled.iter().map(|factor| json!({ "type": factor.name() })).collect();
        shown.serialize_entry("enrolledFactors", &enrolled)?;
        shown.end()
    }
}

/// An identity without the provider's tokens.
struct Identity<'a>(&'a Value);

impl Serialize for Identity<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(members) = self.0.as_object() else { return self.0.serialize(serializer) };
        serializer.collect_map(members.iter().filter(|(name, _)| !TOKENS.contains(&name.as_str())))
    }
}
