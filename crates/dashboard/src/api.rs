//! Calls of the Management API's operations, in this process, with an administrator's scopes.
//!
//! The dashboard changes nothing in any other way, so it can do nothing that the API cannot, and each write
//! leaves the same log event and is told to the same scripts.

use std::sync::{Arc, LazyLock};

use gatewright_http::RequestCx;
use gatewright_http::script_trial::Workers;
use gatewright_resources::dashboard::administrators::DASHBOARD;
use gatewright_resources::engine::body::RawBody;
use gatewright_resources::engine::execute::{Call, execute};
use gatewright_resources::engine::operation::Effect;
use gatewright_resources::engine::routes::{Routes, Target};
use gatewright_resources::engine::{ApiError, Caller, Method, OpRequest};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

static ROUTES: LazyLock<Routes> = LazyLock::new(|| {
    let operations = gatewright_resources::operations();
    Routes::new(operations.chain(gatewright_resources::own_operations()))
});

/// What stands in a path segment or query value as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text as a path segment or a query value.
pub(crate) fn encoded(text: &str) -> String {
    // Left as they are, these two would stand for other segments (RFC 3986 section 5.2.4).
    match text {
        "." | ".." => text.replace('.', "%2E"),
        _ => utf8_percent_encode(text, PLAIN).to_string(),
    }
}

/// A call as it is made, and as it is shown beside the form that makes it.
#[derive(Clone, Debug)]
pub(crate) struct ApiCall {
    /// The method.
    pub(crate) method: Method,
    /// The path below `/api/v2`, with its query.
    pub(crate) path: String,
    /// The body.
    pub(crate) body: Option<Value>,
}

impl ApiCall {
    /// A call without a body.
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: None }
    }

    /// The same call with a body.
    pub(crate) fn with(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

/// Who calls from where.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) cx: RequestCx,
    pub(crate) user_id: String,
    pub(crate) scopes: Vec<String>,
}

impl Api {
    /// Whether any of these scopes is held.
    pub(crate) fn may(&self, scopes: &[&str]) -> bool {
        self.scopes.iter().any(|held| scopes.contains(&held.as_str()))
    }

    /// `GET`.
    pub(crate) async fn get(&self, path: impl Into<String>) -> Result<Value, ApiError> {
        self.call(ApiCall::new(Method::Get, path)).await
    }

    /// Makes a call; the answer's body, `null` if it has none.
    pub(crate) async fn call(&self, call: ApiCall) -> Result<Value, ApiError> {
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        let (target, params) = ROUTES.find(call.method, path)?;
        let Target::Built(operation) = target else { return Err(ApiError::no_such_path()) };
        let cx = &self.cx;
        let flows = (cx.app.flows)(cx.clone());
        let facts = OpRequest {
            tenant: cx.tenant.id.clone(),
            issuer: cx.issuer.clone(),
            caller: Caller {
                subject: self.user_id.clone(),
                client_id: DASHBOARD.client_id.to_owned(),
                client_name: Some(DASHBOARD.name.to_owned()),
                scopes: self.scopes.clone(),
                is_user: false,
            },
            now: cx.now,
            random: cx.app.random.clone(),
            master_key: Arc::clone(&cx.app.master_key),
            passwords: cx.app.passwords.clone(),
            request_id: Some(cx.request_id.clone()),
            ip: cx.ip.to_string(),
            user_agent: cx.user_agent.clone(),
            custom_domain: None,
            flows: Some(Arc::clone(&flows)),
            trial: Some(Arc::new(Workers::new(cx))),
        };
        let body = call.body.map_or_else(RawBody::default, |body| RawBody {
            content_type: Some("application/json".to_owned()),
            bytes: body.to_string().into_bytes(),
        });
        let made = Call { params, path: path.to_owned(), query: query.to_owned(), body };
        let answer = execute(&cx.app.db, operation, Arc::new(facts), made).await?;
        if operation.effect == Effect::WritesConfig {
            cx.app.tenants.invalidate(&cx.tenant.id);
        }
        if let Some(happened) = answer.happened {
            flows.afterwards(happened);
        }
        Ok(answer.body.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use gatewright_resources::engine::Method;

    use super::{ROUTES, encoded};

    #[test]
    fn every_id_is_one_segment() {
        for id in ["a|b", "..", ".", "../users/x", "a/b", "a%2Fb", "a?b#c", "\u{1b}[2J", "ä.b"] {
            let path = format!("/clients/{}", encoded(id));
            assert!(path.bytes().all(|byte| byte.is_ascii_graphic()), "{path}");
            assert!(!path.split('/').any(|segment| matches!(segment, "." | "..")), "{path}");
            let (_, params) = ROUTES.find(Method::Get, &path).unwrap();
            assert_eq!(params, [("id", id.to_owned())]);
        }
    }
}
