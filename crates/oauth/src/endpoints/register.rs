//! `/oidc/register`: dynamic client registration (RFC 7591), off unless the tenant switches it on, and the
//! management of a registration with its access token (RFC 7592).

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatewright_core::OAuthError;
use gatewright_core::limits::RateLimit;
use gatewright_core::registration::{self, Metadata};
use gatewright_http::{RequestCx, respond};
use gatewright_jose::{constant_time_eq, random_token, token_hash};
use gatewright_resources::engine::Sealing;
use gatewright_resources::{client_registrations, logs, rate_buckets};
use gatewright_store::Tx;
use serde_json::{Map, Value, json};

use crate::events;
use crate::stop::Stop;

/// Registrations at a tenant. Compat: five a second.
const AT_TENANT: RateLimit = RateLimit::new(5, 5, 1);
/// Registrations from one address.
const FROM_ONE_ADDRESS: RateLimit = RateLimit::new(60, 60, 3600);

/// Whether anybody may register a client here.
pub(crate) fn offered(cx: &RequestCx) -> bool {
    cx.tenant.settings.pointer("/flags/enable_dynamic_client_registration") == Some(&Value::Bool(true))
}

pub(crate) async fn register(cx: RequestCx, body: Bytes) -> Result<Response, Stop> {
    must_be_offered(&cx)?;
    let metadata = Metadata::read(&object(&body)?)?;
    let token = random_token(&cx.app.random, 32);
    let (within, hash) = (cx.clone(), token_hash(&token));
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            if let Err(error) = take_place(tx, &within).await? {
                return Ok::<_, Stop>(Err(error));
            }
            let made =
                client_registrations::register(tx, &sealing(&within), metadata.document(), &hash).await?;
            log(tx, &within, &made, "Dynamic client registration").await?;
            Ok(Ok(made))
        })
    });
    // A refusal is a value: what it took of the limit is committed.
    let made = write.await??;
    cx.app.tenants.invalidate(&cx.tenant.id);
    Ok(respond::json_no_store(201, &answer(&cx, &made, &token)))
}

/// `GET`, `PUT` and `DELETE` of `registration_client_uri`.
pub(crate) async fn manage(
    cx: RequestCx,
    Path(client_id): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Stop> {
    must_be_offered(&cx)?;
    let Some(token) = bearer(&headers) else { return Ok(unauthorized()) };
    let change = match method {
        Method::PUT => Some(object(&body)?),
        _ => None,
    };
    let (within, hash) = (cx.clone(), token_hash(&token));
    let deletes = method == Method::DELETE;
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let sealing = sealing(&within);
            let Some(client) = client_registrations::owned(tx, &sealing, &client_id, &hash).await? else {
                return Ok::<_, Stop>(None);
            };
            if deletes {
                client_registrations::delete(tx, &sealing, &client_id).await?;
                log(tx, &within, &client, "Dynamic client registration: deleted").await?;
                return Ok(Some(Map::new()));
            }
            let Some(change) = change else { return Ok(Some(client)) };
            is_about(&change, &client)?;
            let members = Metadata::read(&change)?.document();
            let changed = client_registrations::replace(tx, &sealing, client, members).await?;
            log(tx, &within, &changed, "Dynamic client registration: changed").await?;
            Ok(Some(changed))
        })
    });
    let Some(client) = write.await? else { return Ok(unauthorized()) };
    if method != Method::GET {
        cx.app.tenants.invalidate(&cx.tenant.id);
    }
    if deletes {
        return Ok(respond::no_store(StatusCode::NO_CONTENT).into_response());
    }
    Ok(respond::json_no_store(200, &answer(&cx, &client, &token)))
}

fn must_be_offered(cx: &RequestCx) -> Result<(), OAuthError> {
    if offered(cx) {
        return Ok(());
    }
    let text = "Dynamic client registration is switched off for this tenant.";
    Err(OAuthError::new(404, "not_found", text).because("registration_off"))
}

fn object(body: &Bytes) -> Result<Map<String, Value>, OAuthError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(OAuthError::new(400, "invalid_client_metadata", "The request body must be a JSON object.")),
    }
}

fn sealing(cx: &RequestCx) -> Sealing<'_> {
    Sealing { tenant: &cx.tenant.id, now: cx.now, random: &cx.app.random, master_key: &cx.app.master_key }
}

async fn take_place(tx: &mut Tx, cx: &RequestCx) -> Result<Result<(), OAuthError>, Stop> {
    let places = [
        ("registrations_at_tenant", AT_TENANT, String::new()),
        ("registrations", FROM_ONE_ADDRESS, cx.ip.to_string()),
    ];
    for (bucket, limit, caller) in places {
        let decision = rate_buckets::take(tx, &cx.tenant.id, bucket, limit, &caller, cx.now).await?;
        if !decision.allowed {
            let text =
                format!("Too many registrations. Try again in {} seconds.", decision.retry_after_seconds);
            return Ok(Err(OAuthError::too_many_requests(text).because(bucket)));
        }
    }
    Ok(Ok(()))
}

/// RFC 7592 section 2.2: a change names its client, and the secret if it names one, as they are.
fn is_about(change: &Map<String, Value>, client: &Map<String, Value>) -> Result<(), OAuthError> {
    let invalid = |text: &'static str| OAuthError::new(400, "invalid_client_metadata", text);
    if change.get("client_id") != client.get("client_id") {
        return Err(invalid("client_id must be there, and be the client's."));
    }
    let text = |members: &Map<String, Value>| {
        members.get("client_secret").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    if change.contains_key("client_secret")
        && !constant_time_eq(text(change).as_bytes(), text(client).as_bytes())
    {
        return Err(invalid("client_secret must be the client's, or left out."));
    }
    Ok(())
}

/// RFC 7591 section 3.2.1. The secret is part of it only where the client has a use for it.
fn answer(cx: &RequestCx, client: &Map<String, Value>, token: &str) -> Value {
    let mut answer = registration::shown(client);
    let client_id = answer["client_id"].as_str().unwrap_or_default().to_owned();
    if client.get("token_endpoint_auth_method").is_some_and(|method| method != "none") {
        answer["client_secret"] = client.get("client_secret").cloned().unwrap_or_default();
        answer["client_secret_expires_at"] = json!(0);
    }
    answer["registration_client_uri"] = json!(cx.issuer.join(&format!("oidc/register/{client_id}")));
    answer["registration_access_token"] = json!(token);
    answer
}

async fn log(tx: &mut Tx, cx: &RequestCx, client: &Map<String, Value>, what: &str) -> Result<(), Stop> {
    let text = |name: &str| client.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut event = events::event(cx, "sapi", None);
    event.description = Some(what.to_owned());
    event.client_id = text("client_id");
    event.client_name = text("name");
    event.details = json!({"client": registration::shown(client)});
    logs::append(tx, &cx.tenant.id, cx.now, &cx.app.random, &event).await?;
    Ok(())
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// The same for a wrong token, another client's, and a client that is gone (RFC 7592 section 2.1).
fn unauthorized() -> Response {
    let body =
        json!({"error": "invalid_token", "error_description": "The registration access token is not valid."});
    let mut response = respond::json_no_store(StatusCode::UNAUTHORIZED.as_u16(), &body);
    let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}
