//! From a request to an operation and back, without any HTTP library.

use std::sync::{Arc, LazyLock};

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::ids::Issuer;
use gatewright_core::limits::RateLimit;
use gatewright_jose::MasterKey;
use gatewright_passwords::Hasher;
use gatewright_resources::engine::body::RawBody;
use gatewright_resources::engine::execute::{Call, allowed, execute};
use gatewright_resources::engine::operation::Effect;
use gatewright_resources::engine::routes::{Known, Params, Routes, Target};
use gatewright_resources::engine::trial::Trial;
use gatewright_resources::engine::{ApiError, Caller, Method, OpRequest};
use gatewright_resources::flows::Flows;
use gatewright_resources::snapshot::Tenant;
use gatewright_store::Db;
use serde_json::Value;

use crate::limit;

/// Names the operation in a refusal that stands for one this server does not have.
pub const NOT_BUILT: &str = "x-gatewright-not-built";

static ROUTES: LazyLock<Routes> = LazyLock::new(|| {
    Routes::new(gatewright_resources::operations().chain(gatewright_resources::own_operations()))
});

/// Where a request came in and what it may use.
pub struct Place<'a> {
    /// The database.
    pub db: &'a Db,
    /// Random values.
    pub random: &'a Random,
    /// Seals and opens secrets.
    pub master_key: &'a Arc<MasterKey>,
    /// Hashes passwords.
    pub passwords: &'a Hasher,
    /// The tenant of the host.
    pub tenant: &'a Tenant,
    /// The issuer as the request sees it.
    pub issuer: &'a Issuer,
    /// When it came in.
    pub now: Timestamp,
    /// The caller's address.
    pub ip: String,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// How often one client may call.
    pub rate_limit: Option<RateLimit>,
    /// The tenant's scripts around changes of users; `None` where none can run.
    pub flows: Option<Arc<dyn Flows>>,
    /// Runs scripts that are tried out.
    pub trial: Option<Arc<dyn Trial>>,
}

/// A request as it came in.
#[derive(Clone, Debug, Default)]
pub struct ApiRequest {
    /// The HTTP method, in capitals.
    pub method: String,
    /// The raw path below `/api/v2`, not decoded.
    pub path: String,
    /// The query string without `?`.
    pub query: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The `auth0-custom-domain` header.
    pub custom_domain: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// What is answered.
#[derive(Debug, Default)]
pub struct ApiResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body, if there is one.
    pub body: Option<Value>,
    /// Headers besides the usual ones, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The tenant's configuration has changed: snapshots of it are old.
    pub config_changed: bool,
}

impl From<ApiError> for ApiResponse {
    /// The one place where a refusal becomes an answer, and where its cause is logged.
    fn from(error: ApiError) -> Self {
        if let Some(cause) = &error.cause {
            tracing::error!(%cause, status = error.status, "A Management API request failed inside the server.");
        }
        Self { status: error.status, body: Some(error.body()), ..Self::default() }
    }
}

/// The answer to a body that is too long.
pub fn too_large() -> ApiResponse {
    ApiError::new(413, "Payload content length greater than maximum allowed").into()
}

/// Whether the request is for an operation that takes files, by a caller who may call it: nobody else makes
/// the server read much.
pub fn takes_files(place: &Place<'_>, request: &ApiRequest) -> bool {
    let found = Method::named(&request.method).map(|method| ROUTES.find(method, &request.path));
    let Some(Ok((Target::Built(operation), params))) = found else { return false };
    if !operation.takes_files() {
        return false;
    }
    let keys = place.tenant.signing_keys();
    crate::bearer::authenticate(request.authorization.as_deref(), keys, place.issuer, place.now)
        .is_ok_and(|caller| allowed(operation, &caller, &params).is_ok())
}

/// Answers one request.
pub async fn dispatch(place: Place<'_>, request: ApiRequest) -> ApiResponse {
    match limited(place, request).await {
        Ok(response) => response,
        Err(error) => error.into(),
    }
}

/// Answers within the caller's limit, and says how much of it is left.
async fn limited(place: Place<'_>, request: ApiRequest) -> Result<ApiResponse, ApiError> {
    let method = Method::named(&request.method).ok_or_else(ApiError::no_such_path)?;
    let (target, params) = ROUTES.find(method, &request.path)?;
    let keys = place.tenant.signing_keys();
    let caller =
        crate::bearer::authenticate(request.authorization.as_deref(), keys, place.issuer, place.now)?;
    let left = match place.rate_limit {
        None => return answer(&place, request, target, params, caller).await,
        Some(limit) => limit::take(&place, limit, &caller).await?,
    };
    let mut response = match left.allowed {
        true => answer(&place, request, target, params, caller).await.unwrap_or_else(ApiResponse::from),
        false => limit::refusal(&left),
    };
    response.headers.extend(left.headers().map(|(name, value)| (name, value.to_string())));
    Ok(response)
}

async fn answer(
    place: &Place<'_>,
    request: ApiRequest,
    target: Target,
    params: Params,
    mut caller: Caller,
) -> Result<ApiResponse, ApiError> {
    let operation = match target {
        Target::Built(operation) => operation,
        Target::Unbuilt(known) => return Ok(not_built(known)),
    };
    caller.client_name = place.tenant.client(&caller.client_id).map(|client| client.name.clone());
    let facts = OpRequest {
        tenant: place.tenant.id.clone(),
        issuer: place.issuer.clone(),
        caller,
        now: place.now,
        random: place.random.clone(),
        master_key: Arc::clone(place.master_key),
        passwords: place.passwords.clone(),
        ip: place.ip.clone(),
        user_agent: place.user_agent.clone(),
        custom_domain: request.custom_domain,
        flows: place.flows.clone(),
        trial: place.trial.clone(),
    };
    let body = RawBody { content_type: request.content_type, bytes: request.body };
    let call = Call { params, path: request.path, query: request.query, body };
    let done = execute(place.db, operation, Arc::new(facts), call).await?;
    if let (Some(flows), Some(happened)) = (&place.flows, done.happened) {
        flows.afterwards(happened);
    }
    Ok(ApiResponse {
        status: done.status.unwrap_or(operation.success),
        body: done.body,
        headers: done.headers,
        config_changed: operation.effect == Effect::WritesConfig,
    })
}

/// Compat: tools that read a whole tenant skip what they lack a scope for, and stop at anything else.
/// So an operation that is not built refuses for want of a scope; a header tells the truth.
fn not_built(known: &'static Known) -> ApiResponse {
    // Compat: some operations name no scope of their own; theirs is then made of method and resource.
    let made = format!("{}:{}", verb(known.method), known.tag.replace('-', "_"));
    let refusal = match known.scopes.as_slice() {
        [] => ApiError::insufficient_scope(&[&made]),
        scopes => ApiError::insufficient_scope(scopes),
    };
    ApiResponse { headers: vec![(NOT_BUILT, known.id.to_owned())], ..refusal.into() }
}

const fn verb(method: Method) -> &'static str {
    match method {
        Method::Get => "read",
        Method::Post => "create",
        Method::Patch | Method::Put => "update",
        Method::Delete => "delete",
    }
}

#[cfg(test)]
mod tests;
