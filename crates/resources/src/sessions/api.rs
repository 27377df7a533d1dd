//! `/sessions` and `/users/{user_id}/sessions`.

use gatewright_core::Timestamp;
use gatewright_core::backchannel::Initiator;
use gatewright_core::ids::TenantId;
use gatewright_store::{Row, StoreError, Tx, params, sql};
use serde_json::{Map as JsonMap, Value, json};

use super::{end, end_all_of_user};
use crate::engine::field::{Field, OBJECT, field};
use crate::engine::operation::Run;
use crate::engine::query::{Query, checkpoint_body, cut};
use crate::engine::validate::Purpose;
use crate::engine::{Answer, ApiError, Handler, Input, Method, OpCx, Operation, Resource};
use crate::{refresh_tokens, users};

const READ: &[&str] = &["read:sessions"];
const DELETE: &[&str] = &["delete:sessions"];
const METADATA: &[Field] = &[field("session_metadata", OBJECT)
    .nullable()
    .required()
    .hint("Replaces what is noted; null removes it. Nothing reads it but this API")];
const REVOKE: &[&str] = &["delete:sessions", "delete:refresh_tokens"];

/// `/sessions`.
pub static RESOURCE: Resource = Resource {
    name: "sessions",
    operations: &[
        Operation::new(
            "get_session",
            Method::Get,
            "/sessions/{id}",
            "Get a session",
            READ,
            Handler::Custom(read),
        ),
        Operation::new(
            "patch_sessions_by_id",
            Method::Patch,
            "/sessions/{id}",
            "Update a session",
            &["update:sessions"],
            Handler::Custom(update),
        )
        .body(METADATA, Purpose::Update),
        Operation::new(
            "delete_session",
            Method::Delete,
            "/sessions/{id}",
            "Delete a session",
            DELETE,
            Handler::Custom(delete),
        )
        .success(202),
        Operation::new(
            "revoke_session",
            Method::Post,
            "/sessions/{id}/revoke",
            "Revoke a session",
            REVOKE,
            Handler::Custom(revoke),
        )
        .success(202),
        Operation::new(
            "get_sessions_for_user",
            Method::Get,
            "/users/{user_id}/sessions",
            "Get a user's sessions",
            READ,
            Handler::Custom(list),
        ),
        Operation::new(
            "delete_sessions_for_user",
            Method::Delete,
            "/users/{user_id}/sessions",
            "Delete a user's sessions",
            DELETE,
            Handler::Custom(delete_all),
        )
        .success(202),
    ],
};

sql!(
    BY_ID,
    "SELECT s.session_id, s.user_id, s.created_at, s.last_active_at, s.authenticated_at, s.idle_expires_at,
       s.expires_at, s.persistent, s.initial_ip, s.initial_user_agent, s.last_ip, s.last_user_agent, c.doc, s.metadata
     FROM sessions s LEFT JOIN connections c ON c.tenant_id = s.tenant_id AND c.name = s.connection
     WHERE s.tenant_id = $1 AND s.session_id = $2 AND s.expires_at > $3 AND s.idle_expires_at > $3"
);
sql!(
    PAGE,
    "SELECT s.session_id, s.user_id, s.created_at, s.last_active_at, s.authenticated_at, s.idle_expires_at,
       s.expires_at, s.persistent, s.initial_ip, s.initial_user_agent, s.last_ip, s.last_user_agent, c.doc, s.metadata
     FROM sessions s LEFT JOIN connections c ON c.tenant_id = s.tenant_id AND c.name = s.connection
     WHERE s.tenant_id = $1 AND s.user_id = $2 AND s.expires_at > $3 AND s.idle_expires_at > $3
       AND s.session_id > $4
     ORDER BY s.session_id LIMIT $5"
);
sql!(
    CLIENTS,
    "SELECT DISTINCT client_id FROM session_clients WHERE tenant_id = $1 AND session_id = $2 ORDER BY client_id"
);
sql!(SIDS, "SELECT DISTINCT sid FROM session_clients WHERE tenant_id = $1 AND session_id = $2");
sql!(SET_METADATA, "UPDATE sessions SET metadata = $3 WHERE tenant_id = $1 AND session_id = $2");
sql!(USER_OF, "SELECT user_id FROM sessions WHERE tenant_id = $1 AND session_id = $2");

fn missing() -> ApiError {
    ApiError::new(404, "The session does not exist.").code("inexistent_session")
}

fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let row = cx.tx.opt(&BY_ID, &params![&request.tenant, input.id(), request.now]).await?;
        let session = shown(cx.tx, &request.tenant, &row.ok_or_else(missing)?).await?;
        Ok(project(&input.query, session).into())
    })
}

fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let user_id = input.param("user_id");
        users::must_exist(cx.tx, &request.tenant, user_id).await?;
        let (take, from) = input.query.checkpoint();
        let values = params![&request.tenant, user_id, request.now, from, take + 1];
        let mut rows = cx.tx.all(&PAGE, &values).await?;
        let more = cut(&mut rows, take);
        let mut sessions = Vec::new();
        for row in &rows {
            sessions.push(project(&input.query, shown(cx.tx, &request.tenant, row).await?));
        }
        let next = rows.last().filter(|_| more).map(|row| row.text(0)).transpose()?;
        Ok(checkpoint_body("sessions", sessions, next).into())
    })
}

fn update<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let metadata = metadata(input, "session_metadata")?;
        cx.tx.run(&SET_METADATA, &params![&request.tenant, input.id(), metadata]).await?;
        let row = cx.tx.opt(&BY_ID, &params![&request.tenant, input.id(), request.now]).await?;
        let session = shown(cx.tx, &request.tenant, &row.ok_or_else(missing)?).await?;
        Ok(project(&input.query, session).into())
    })
}

/// Metadata of a body, which must hold some: an object of at most 25 members, or null.
pub(crate) fn metadata(input: &Input, name: &str) -> Result<Option<Value>, ApiError> {
    match input.body.get(name) {
        None => Err(ApiError::invalid_body(format_args!("'Missing required property: {name}'"))),
        Some(Value::Object(members)) if members.len() > 25 => Err(ApiError::invalid_body(format_args!(
            "'Too many properties defined ({}), maximum 25' on property {name}",
            members.len()
        ))),
        Some(value) => Ok((!value.is_null()).then(|| value.clone())),
    }
}

fn delete<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        end(cx.tx, &request.tenant, input.id(), Initiator::SessionRevoked, request.now).await?;
        Ok(Answer::default())
    })
}

/// Ends a session and the refresh tokens that came from it; those of logins that it took over, too.
fn revoke<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (request, session_id) = (cx.request, input.id());
        // Each scope opens one half only.
        for needed in REVOKE {
            if !request.caller.has(needed) {
                return Err(ApiError::insufficient_scope(&[needed]));
            }
        }
        let user_id = user_of(cx.tx, &request.tenant, session_id).await?.ok_or_else(missing)?;
        revoke_tokens(cx.tx, &request.tenant, &user_id, session_id, request.now).await?;
        end(cx.tx, &request.tenant, session_id, Initiator::SessionRevoked, request.now).await?;
        Ok(Answer::default())
    })
}

/// Whose session it is.
pub(crate) async fn user_of(
    tx: &mut Tx,
    tenant: &TenantId,
    session_id: &str,
) -> Result<Option<String>, StoreError> {
    tx.opt(&USER_OF, &params![tenant, session_id]).await?.map(|row| row.text(0)).transpose()
}

/// Revokes the refresh tokens that came from a session, and from those that it took over.
pub(crate) async fn revoke_tokens(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    session_id: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut sids = vec![session_id.to_owned()];
    for row in tx.all(&SIDS, &params![tenant, session_id]).await? {
        sids.push(row.text(0)?);
    }
    refresh_tokens::revoke_of_sessions(tx, tenant, user_id, &sids, now).await
}

fn delete_all<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (request, user_id) = (cx.request, input.param("user_id"));
        users::must_exist(cx.tx, &request.tenant, user_id).await?;
        end_all_of_user(cx.tx, &request.tenant, user_id, Initiator::SessionRevoked, request.now).await?;
        Ok(Answer::default())
    })
}

fn project(query: &Query, session: JsonMap<String, Value>) -> Value {
    Value::Object(query.project(session))
}

/// A row as the API shows it.
async fn shown(tx: &mut Tx, tenant: &TenantId, row: &Row) -> Result<JsonMap<String, Value>, StoreError> {
    let session_id = row.text(0)?;
    let authenticated_at = row.time(4)?.iso8601();
    let clients = tx.all(&CLIENTS, &params![tenant, &session_id]).await?;
    let clients = clients
        .iter()
        .map(|row| Ok(json!({"client_id": row.text(0)?})))
        .collect::<Result<Vec<_>, StoreError>>()?;
    let mut device = JsonMap::new();
    for (index, name) in
        [(8, "initial_ip"), (9, "initial_user_agent"), (10, "last_ip"), (11, "last_user_agent")]
    {
        if let Some(text) = row.opt_text(index)? {
            device.insert(name.to_owned(), text.into());
        }
    }
    let connection = row.opt_json(12)?.unwrap_or_default();
    let method = match connection["strategy"].as_str() {
        Some("auth0") => "pwd",
        Some("sms") => "sms",
        Some("email") => "email",
        _ => "federated",
    };
    let last_active_at = row.time(3)?.iso8601();
    let session = json!({
        "id": session_id,
        "user_id": row.text(1)?,
        "created_at": row.opt_time(2)?.map_or_else(|| authenticated_at.clone(), |moment| moment.iso8601()),
        "updated_at": last_active_at,
        "authenticated_at": authenticated_at,
        "authentication": {"methods": [{"name": method, "timestamp": authenticated_at}]},
        "idle_expires_at": row.time(5)?.iso8601(),
        "expires_at": row.time(6)?.iso8601(),
        "last_interacted_at": last_active_at,
        "device": device,
        "clients": clients,
        "cookie": {"mode": if row.bool(7)? { "persistent" } else { "non-persistent" }},
    });
    Ok(match session {
        Value::Object(mut session) => {
            if let Some(metadata) = row.opt_json(13)? {
                session.insert("session_metadata".to_owned(), metadata);
            }
            session
        }
        _ => JsonMap::new(),
    })
}
