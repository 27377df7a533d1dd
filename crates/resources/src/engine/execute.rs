//! What happens to a call, in order: scopes, query, body, the operation in one transaction, its log
//! event.

use std::sync::Arc;

use gatewright_store::Db;
use serde_json::{Value, json};

use super::body::{Checked, RawBody};
use super::crud;
use super::error::ApiError;
use super::mask::{STARS, masked};
use super::operation::{Answer, Caller, Effect, Handler, Input, OpCx, OpRequest, Operation};
use super::query::Query;
use super::routes::Params;
use super::settings;
use crate::logs::{self, LogEvent};
use crate::tenants;

/// A call as it came in, once its operation is known.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The path's parameters, decoded.
    pub params: Params,
    /// The path, for the log.
    pub path: String,
    /// The query string without `?`.
    pub query: String,
    /// The body.
    pub body: RawBody,
}

/// Runs one operation. The answer's status is always set.
///
/// A write, the rise of the configuration's version and the log event are one transaction.
///
/// # Errors
/// [`ApiError`] of the first check that fails, or of the operation; nothing is written then.
pub async fn execute(
    db: &Db,
    operation: &'static Operation,
    request: Arc<OpRequest>,
    call: Call,
) -> Result<Answer, ApiError> {
    allowed(operation, &request.caller, &call.params)?;
    let query = Query::parse(&call.query, operation.query)?;
    let only = request.caller.is_user.then_some(operation.own_members);
    let Checked { object, items, whole, files } = match &operation.body {
        Some(body) => call.body.read(body, only)?,
        None => Checked::default(),
    };
    let mut input =
        Input { params: call.params, query, body: object, items, whole, files, ..Input::default() };
    if let Some(prepare) = operation.prepare {
        prepare(db, &request, &mut input).await?;
    }
    let status = operation.success;
    let mut answer = match operation.effect {
        Effect::Reads => {
            let (event_request, path, query) = (Arc::clone(&request), call.path, call.query);
            let answer = db
                .read(move |tx| {
                    Box::pin(async move {
                        let mut cx = OpCx { tx, request: &request };
                        run(operation, &mut cx, &input).await
                    })
                })
                .await?;
            if answer.shows_secret {
                let event = event(
                    "mgmt_api_read",
                    operation,
                    &event_request,
                    &path,
                    &query,
                    &Value::Null,
                    &Value::Null,
                );
                append(db, event_request, event).await?;
            }
            answer
        }
        effect => {
            db.write(move |tx| {
                Box::pin(async move {
                    if effect == Effect::WritesConfig {
                        // First, because it also makes writers of one tenant's configuration wait for
                        // each other: what an operation reads is what it then changes.
                        tenants::touch(tx, &request.tenant).await?;
                    }
                    let mut cx = OpCx { tx, request: &request };
                    let answer = run(operation, &mut cx, &input).await?;
                    let sent = match input.items.is_empty() {
                        true => logged(operation, &Value::Object(input.body.clone())),
                        false => input
                            .items
                            .iter()
                            .map(|item| logged(operation, &Value::Object(item.clone())))
                            .collect(),
                    };
                    let answered = answer.body.as_ref().map(|body| logged(operation, body));
                    let got = json!({
                        "statusCode": answer.status.unwrap_or(operation.success),
                        "body": short(answered.unwrap_or_default()),
                    });
                    let event =
                        event("sapi", operation, &request, &call.path, &call.query, &short(sent), &got);
                    logs::append(cx.tx, &request.tenant, request.now, &request.random, &event).await?;
                    Ok::<_, ApiError>(answer)
                })
            })
            .await?
        }
    };
    answer.status.get_or_insert(status);
    Ok(answer)
}

/// Whether the caller may call the operation on this object.
///
/// # Errors
/// 403 `insufficient_scope`.
pub fn allowed(operation: &Operation, caller: &Caller, params: &Params) -> Result<(), ApiError> {
    if !caller.is_user {
        return if caller.has_any(operation.scopes) {
            Ok(())
        } else {
            Err(ApiError::insufficient_scope(operation.scopes))
        };
    }
    // A user's own token never carries the tenant's scopes, whatever it says.
    if !caller.has_any(operation.own_scopes) {
        return Err(ApiError::insufficient_scope(operation.scopes));
    }
    if !params.iter().any(|(name, value)| *name == "id" && *value == caller.subject) {
        return Err(ApiError::new(403, "User to be acted on does not match subject in bearer token.")
            .code("insufficient_scope"));
    }
    Ok(())
}

async fn run(operation: &'static Operation, cx: &mut OpCx<'_>, input: &Input) -> Result<Answer, ApiError> {
    match operation.handler {
        Handler::Create(of) => crud::create(of, cx, input).await,
        Handler::List(of) => crud::list(of, cx, input).await,
        Handler::Read(of) => crud::read(of, cx, input).await,
        Handler::Update(of) => crud::update(of, cx, input).await,
        Handler::Delete(of) => crud::delete(of, cx, input).await,
        Handler::ReadSettings(of) => settings::read(of, cx, input).await,
        Handler::MergeSettings(of) => settings::change(of, true, cx, input).await,
        Handler::ReplaceSettings(of) => settings::change(of, false, cx, input).await,
        Handler::Custom(run) => run(cx, input).await,
    }
}

/// A body as the log may keep it.
fn logged(operation: &Operation, body: &Value) -> Value {
    if operation.logs_bodies { masked(body) } else { STARS.into() }
}

/// The longest body that the log keeps, in bytes of JSON.
const LOGGED_BODY_BYTES: usize = 16 * 1024;

/// A body for the log, or its size if it is long: one request must not cost many times its size.
fn short(body: Value) -> Value {
    let size = body.to_string().len();
    if size > LOGGED_BODY_BYTES { json!({ "omitted_bytes": size }) } else { body }
}

async fn append(db: &Db, request: Arc<OpRequest>, event: LogEvent) -> Result<(), ApiError> {
    db.write(move |tx| {
        Box::pin(async move {
            logs::append(tx, &request.tenant, request.now, &request.random, &event).await?;
            Ok::<_, ApiError>(())
        })
    })
    .await
}

fn event(
    r#type: &'static str,
    operation: &Operation,
    request: &OpRequest,
    path: &str,
    query: &str,
    sent: &Value,
    got: &Value,
) -> LogEvent {
    let caller = &request.caller;
    // Of all that the token holds, what opened this door.
    let opens = |held: &str| operation.scopes.contains(&held) || operation.own_scopes.contains(&held);
    let used: Vec<&String> = caller.scopes.iter().filter(|held| opens(held.as_str())).collect();
    LogEvent {
        r#type,
        description: Some(operation.summary.to_owned()),
        client_id: Some(caller.client_id.clone()),
        client_name: caller.client_name.clone(),
        user_id: (!caller.is_machine()).then(|| caller.subject.clone()),
        request_id: request.request_id.clone(),
        ip: request.ip.clone(),
        user_agent: request.user_agent.clone(),
        hostname: Some(request.issuer.domain().to_owned()),
        audience: Some(request.issuer.management_audience()),
        details: json!({
            "request": {
                "method": operation.method.name().to_ascii_lowercase(),
                "path": format!("/api/v2{path}"),
                "query": query,
                "body": sent,
                "ip": request.ip,
                "userAgent": request.user_agent,
                "auth": {"strategy": "jwt", "subject": caller.subject, "scopes": used},
            },
            "response": got,
        }),
        ..LogEvent::default()
    }
}
