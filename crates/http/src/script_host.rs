//! The server as scripts see it: the network behind the guard, the cache, users and roles of the tenant.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatewright_adapters::{OutboundError, OutboundRequest, OutboundResponse};
use gatewright_resources::{role_members, users};
use gatewright_script::{Call, Host, HostError};
use gatewright_store::StoreError;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value, json};
use url::Url;

use crate::RequestCx;

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest body of an answer, in bytes.
const MAX_ANSWER_BYTES: usize = 2 * 1024 * 1024;
/// How many redirects are followed.
const MAX_REDIRECTS: usize = 5;

/// Answers the calls of one flow's scripts.
pub struct ScriptHost {
    cx: RequestCx,
    trigger: String,
    user_id: Option<String>,
}

impl ScriptHost {
    /// The server for the scripts of a trigger. `user_id` is the user that the flow is about.
    pub fn new(cx: &RequestCx, trigger: &str, user_id: Option<String>) -> Self {
        Self { cx: cx.clone(), trigger: trigger.to_owned(), user_id }
    }

    async fn answer(&self, call: Call) -> Result<Value, HostError> {
        let args = &call.args;
        match call.name.as_str() {
            "fetch" => self.fetch(args).await,
            "users.updateUserMetadata" => self.merge_metadata(args, "user_metadata").await,
            "users.updateAppMetadata" => self.merge_metadata(args, "app_metadata").await,
            "roles.getUserEffectiveRoles" => self.roles(args, None).await,
            "roles.getUserEffectiveRolesByIds" => self.roles(args, Some(("id", "ids"))).await,
            "roles.getUserEffectiveRolesByNames" => self.roles(args, Some(("name", "names"))).await,
            // There are no groups on this server, so nobody is in one.
            "groups.getUserGroups" => Ok(json!({ "groups": [] })),
            "groups.hasGroupMembership" => Ok(json!({ "hasGroupMembership": false })),
            name => match name.strip_prefix("cache.") {
                Some(method) => {
                    let of = (self.cx.tenant.id.as_str(), self.trigger.as_str());
                    self.cx.app.script_cache.call(of, method, args, self.cx.app.clock.now().micros() / 1000)
                }
                None => Err(HostError::new(format!("{name} is not supported by this server"))),
            },
        }
    }

    /// A rule may name any user of its tenant: it holds the tenant's own authority.
    async fn merge_metadata(&self, args: &Value, member: &'static str) -> Result<Value, HostError> {
        let user_id = args["user_id"].as_str().unwrap_or_default().to_owned();
        let Value::Object(changes) = args["metadata"].clone() else {
            return Err(HostError::new(format!("{member} must be an object")));
        };
        let (within, now) = (self.cx.clone(), self.cx.app.clock.now());
        let write = self.cx.app.db.write(move |tx| {
            Box::pin(async move {
                let none = Map::new();
                let both = if member == "user_metadata" { (&changes, &none) } else { (&none, &changes) };
                users::merge_metadata(tx, &within.tenant.id, &user_id, both, now).await
            })
        });
        match write.await {
            Ok(Some(user)) => Ok(user),
            Ok(None) => Err(HostError::new("The user does not exist.")),
            Err(error) => Err(fault(&error)),
        }
    }

    /// The user's roles, all of them or those of these ids or names, in pages.
    async fn roles(&self, args: &Value, only: Option<(&str, &str)>) -> Result<Value, HostError> {
        let Some(user_id) = self.user_id.clone() else { return Ok(json!({ "roles": [] })) };
        let within = self.cx.clone();
        let read = self.cx.app.db.read(move |tx| {
            Box::pin(async move { role_members::of_user(tx, &within.tenant.id, &user_id).await })
        });
        let mut roles = read.await.map_err(|error| fault(&error))?;
        if let Some((member, list)) = only {
            let wanted = args[list].as_array().cloned().unwrap_or_default();
            roles.retain(|role| wanted.contains(&role[member]));
        }
        Ok(page(roles, args))
    }

    async fn fetch(&self, args: &Value) -> Result<Value, HostError> {
        let mut request = outbound(args)?;
        let follows = args["redirect"].as_str().unwrap_or("follow") == "follow";
        for _ in 0..=MAX_REDIRECTS {
            let sent = self.cx.app.messenger.outbound().send(request.clone()).await;
            let answer = sent.map_err(|error| network(&error))?;
            match next(&request, &answer).filter(|_| follows) {
                Some(followed) => request = followed,
                None => return Ok(shown(&request.url, &answer)),
            }
        }
        Err(HostError { code: Some("ERR_TOO_MANY_REDIRECTS".into()), message: "too many redirects".into() })
    }
}

impl Host for ScriptHost {
    fn call(&self, call: Call) -> Pin<Box<dyn Future<Output = Result<Value, HostError>> + Send + '_>> {
        Box::pin(self.answer(call))
    }
}

/// The database's own words are no business of a script.
fn fault(error: &StoreError) -> HostError {
    tracing::error!(%error, "a script's call failed");
    HostError::new("The server could not do it now. Try again.")
}

/// The page of the roles that a script asked for: `from` which, and how many to `take`.
fn page(roles: Vec<Value>, args: &Value) -> Value {
    let number = |name: &str| match &args[name] {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64().and_then(|number| usize::try_from(number).ok()),
    };
    let (from, take) = (number("from").unwrap_or(0), number("take").unwrap_or(50).clamp(1, 100));
    let end = from.saturating_add(take);
    let next = (roles.len() > end).then(|| end.to_string());
    let page: Vec<Value> = roles.into_iter().skip(from).take(take).collect();
    match next {
        Some(next) => json!({ "roles": page, "next": next }),
        None => json!({ "roles": page }),
    }
}

fn network(error: &OutboundError) -> HostError {
    let code = match error {
        OutboundError::InvalidUrl(_) => "ERR_INVALID_URL",
        OutboundError::Refused { .. } => "EACCES",
        OutboundError::NotResolved { .. } => "ENOTFOUND",
        OutboundError::ConnectionRefused { .. } => "ECONNREFUSED",
        OutboundError::NotConnected { .. } => "EHOSTUNREACH",
        OutboundError::Timeout { .. } => "ETIMEDOUT",
        OutboundError::TooLarge { .. } => "ERR_RESPONSE_TOO_LARGE",
        OutboundError::Broken { .. } => "ECONNRESET",
    };
    HostError { code: Some(code.to_owned()), message: error.to_string() }
}

fn outbound(args: &Value) -> Result<OutboundRequest, HostError> {
    let text = |name: &str| args[name].as_str().unwrap_or_default();
    let method = match text("method") {
        "" => Method::GET,
        method => Method::from_bytes(method.to_ascii_uppercase().as_bytes())
            .map_err(|_| HostError::new(format!("'{method}' is not a valid HTTP method")))?,
    };
    let mut headers = HeaderMap::new();
    for pair in args["headers"].as_array().into_iter().flatten() {
        let (name, value) = (pair[0].as_str().unwrap_or_default(), pair[1].as_str().unwrap_or_default());
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(value).ok());
        let (name, value) =
            parsed.ok_or_else(|| HostError::new(format!("the header '{name}' is not valid")))?;
        // Where a message ends and who it is for is the client's to say.
        if !matches!(
            name.as_str(),
            "host" | "content-length" | "transfer-encoding" | "connection" | "upgrade"
        ) {
            // A map of headers has an end, and a script may go there.
            headers.try_append(name, value).map_err(|_| HostError::new("there are too many headers"))?;
        }
    }
    let body = STANDARD.decode(text("body_base64")).map_err(|_| HostError::new("the body is not base64"))?;
    Ok(OutboundRequest {
        headers,
        body,
        timeout: REQUEST_TIMEOUT,
        max_response_bytes: MAX_ANSWER_BYTES,
        ..OutboundRequest::new(method, text("url"))
    })
}

/// The request that a redirect asks for, as the Fetch standard has it (section 4.4).
fn next(request: &OutboundRequest, answer: &OutboundResponse) -> Option<OutboundRequest> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = answer.headers.get(http::header::LOCATION)?.to_str().ok()?;
    let from = Url::parse(&request.url).ok()?;
    let to = from.join(location).ok()?;
    let mut next = OutboundRequest { url: to.to_string(), ..request.clone() };
    let becomes_get = match answer.status {
        303 => request.method != Method::GET && request.method != Method::HEAD,
        301 | 302 => request.method == Method::POST,
        _ => false,
    };
    if becomes_get {
        next.method = Method::GET;
        next.body = Vec::new();
        next.headers.remove(http::header::CONTENT_TYPE);
    }
    if from.origin() != to.origin() {
        next.headers.remove(http::header::AUTHORIZATION);
        next.headers.remove(http::header::COOKIE);
    }
    Some(next)
}

fn shown(url: &str, answer: &OutboundResponse) -> Value {
    let headers: Vec<Value> = answer
        .headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
        .collect();
    let status_text = http::StatusCode::from_u16(answer.status).ok();
    json!({
        "url": url,
        "status": answer.status,
        "status_text": status_text.and_then(|status| status.canonical_reason()).unwrap_or_default(),
        "headers": headers,
        "body_base64": STANDARD.encode(&answer.body),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_headers_than_a_map_can_hold_are_refused() {
        let request = |count: usize| {
            let headers: Vec<_> = (0..count).map(|number| json!([format!("x-{number}"), "v"])).collect();
            outbound(&json!({ "url": "https://api.example.com/", "headers": headers }))
        };
        assert_eq!(request(2).unwrap().headers.len(), 2);
        assert_eq!(request(40_000).unwrap_err().message, "there are too many headers");
    }

    #[test]
    fn pages_of_roles_begin_anywhere() {
        let roles: Vec<_> = (0..120).map(|id| json!({ "id": id })).collect();
        for (args, length, next) in [
            (json!({}), 50, json!("50")),
            (json!({ "from": "50", "take": 100 }), 70, Value::Null),
            (json!({ "from": 20, "take": 0 }), 1, json!("21")),
            (json!({ "from": u64::MAX }), 0, Value::Null),
            (json!({ "from": "18446744073709551615", "take": "2" }), 0, Value::Null),
            (json!({ "from": "nowhere", "take": -1 }), 50, json!("50")),
        ] {
            let page = page(roles.clone(), &args);
            assert_eq!(page["roles"].as_array().map(Vec::len), Some(length), "{args}");
            assert_eq!(page["next"], next, "{args}");
        }
    }
}
