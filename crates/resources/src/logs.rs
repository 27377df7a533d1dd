//! The tenant's log: what happened, to whom, and why.
//!
//! An event is written in the transaction of what it tells about. Ids are 56 digits that sort by time.

mod search;

pub(crate) use search::id_at;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::{Value, json};

use crate::engine::composed::{Params, condition};
use crate::engine::field::{Field, TEXT, field};
use crate::engine::operation::Run;
use crate::engine::query::{Paging, Query};
use crate::engine::{Answer, ApiError, Handler, Input, Map, Method, OpCx, Operation, Resource};
use crate::executions;

/// Something that happened. Absent things are `None` or empty.
#[derive(Clone, Debug, Default)]
pub struct LogEvent {
    /// The event's code, e.g. `s` or `sapi`.
    pub r#type: &'static str,
    /// A sentence, or what went wrong.
    pub description: Option<String>,
    /// The client that it happened through.
    pub client_id: Option<String>,
    /// Its name.
    pub client_name: Option<String>,
    /// The connection's name.
    pub connection: Option<String>,
    /// The connection's id.
    pub connection_id: Option<String>,
    /// The connection's strategy.
    pub strategy: Option<String>,
    /// `database`, `social`, `enterprise` or `passwordless`.
    pub strategy_type: Option<String>,
    /// The user.
    pub user_id: Option<String>,
    /// The user's name, e-mail address or phone number.
    pub user_name: Option<String>,
    /// The caller's address.
    pub ip: String,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The host that was asked.
    pub hostname: Option<String>,
    /// The audience of the token.
    pub audience: Option<String>,
    /// The scopes of the token.
    pub scope: Vec<String>,
    /// The request that it was written in.
    pub request_id: Option<String>,
    /// Takes the event's id when it is written, for whoever answers the request.
    pub noted: Option<Noted>,
    /// Everything else, such as the scope report.
    pub details: Value,
}

/// Where the id of the last event of a request is noted.
#[derive(Clone, Debug, Default)]
pub struct Noted(Arc<Mutex<Option<String>>>);

impl Noted {
    /// The id, if an event was written.
    pub fn log_id(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, log_id: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(log_id.to_owned());
    }
}

sql!(
    INSERT,
    "INSERT INTO logs (tenant_id, log_id, type, client_id, connection, user_id, ip, doc, created_at, request_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
);
sql!(BY_ID, "SELECT doc FROM logs WHERE tenant_id = $1 AND log_id = $2");
sql!(AFTER, "SELECT doc FROM logs WHERE tenant_id = $1 AND log_id > $2 ORDER BY log_id LIMIT $3");

/// Writes an event and returns its id.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn append(
    tx: &mut Tx,
    tenant: &TenantId,
    now: Timestamp,
    random: &Random,
    event: &LogEvent,
) -> Result<String, StoreError> {
    write(tx, tenant, now, random, event.clone()).await
}

/// The same with an event that nobody needs afterwards: a ledger is long, and is not copied.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn write(
    tx: &mut Tx,
    tenant: &TenantId,
    now: Timestamp,
    random: &Random,
    event: LogEvent,
) -> Result<String, StoreError> {
    let log_id = next_id(now, random);
    let LogEvent { mut details, .. } = event;
    let executions = executions::keep(tx, tenant, now, random, &details).await?;
    if !executions.is_empty() {
        // Compat: where a log event of Auth0's says what its Actions did.
        details["actions"] = json!({ "executions": executions });
    }
    let mobile = event.user_agent.as_deref().is_some_and(|agent| agent.contains("Mobi"));
    let mut doc = json!({
        "_id": log_id,
        "log_id": log_id,
        "date": now.iso8601(),
        "type": event.r#type,
        "description": event.description,
        "client_id": event.client_id,
        "client_name": event.client_name,
        "connection": event.connection,
        "connection_id": event.connection_id,
        "strategy": event.strategy,
        "strategy_type": event.strategy_type,
        "user_id": event.user_id,
        "user_name": event.user_name,
        "ip": event.ip,
        "user_agent": event.user_agent,
        "hostname": event.hostname,
        "audience": event.audience,
        "scope": (!event.scope.is_empty()).then_some(&event.scope),
        "request_id": event.request_id,
        "isMobile": mobile,
        "tenant_name": tenant.as_str(),
        "location_info": null,
        "organization_id": null,
        "organization_name": null,
    });
    doc["details"] = details;
    let values = params![
        tenant,
        &log_id,
        event.r#type,
        &event.client_id,
        &event.connection,
        &event.user_id,
        &event.ip,
        doc,
        now,
        &event.request_id,
    ];
    tx.run(&INSERT, &values).await?;
    if let Some(noted) = &event.noted {
        noted.note(&log_id);
    }
    Ok(log_id)
}

/// 56 digits: `900`, the time to the microsecond, a count that orders events of one moment, and digits
/// that no other node draws.
fn next_id(now: Timestamp, random: &Random) -> String {
    // Only breaks ties within this process; nothing depends on its value.
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed) % 1_000_000;
    format!("{}{count:06}{}", search::id_at(now.micros()), random.digits(30))
}

const LIST_QUERY: &[Field] = &[field("sort", TEXT), field("q", TEXT), field("search", TEXT)];
const SCOPES: &[&str] = &["read:logs", "read:logs_users"];

/// Offset paging reaches this many events.
const REACH: i64 = 1000;

/// `/logs`.
pub static RESOURCE: Resource = Resource {
    name: "logs",
    operations: &[
        Operation::new("get_logs", Method::Get, "/logs", "Get log events", SCOPES, Handler::Custom(list))
            .query(LIST_QUERY),
        Operation::new(
            "get_logs_by_id",
            Method::Get,
            "/logs/{id}",
            "Get a log event",
            SCOPES,
            Handler::Custom(read),
        ),
        Operation::new(
            "get_logs_by_user",
            Method::Get,
            "/users/{id}/logs",
            "Get a user's log events",
            SCOPES,
            Handler::Custom(list_of_user),
        )
        .query(LIST_QUERY),
    ],
};

fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let row = cx.tx.opt(&BY_ID, &params![&cx.request.tenant, input.id()]).await?;
        let row = row.ok_or_else(|| ApiError::new(404, "Log not found"))?;
        Ok(row.json(0)?.into())
    })
}

fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        match input.query.paging() {
            Paging::Checkpoint { take, from } => {
                onwards(cx, &input.query, take, from.unwrap_or_default()).await
            }
            paging => pages(cx, &input.query, &paging, None).await,
        }
    })
}

fn list_of_user<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move { pages(cx, &input.query, &input.query.paging(), Some(input.id())).await })
}

/// Events after a known one, oldest first, without bound. The `Link` header names the next page.
async fn onwards(cx: &mut OpCx<'_>, query: &Query, take: i64, from: String) -> Result<Answer, ApiError> {
    let rows = cx.tx.all(&AFTER, &params![&cx.request.tenant, &from, take]).await?;
    let events = rows.iter().map(|row| row.json(0)).collect::<Result<Vec<Value>, _>>()?;
    let last = events.last().and_then(|event| event["log_id"].as_str()).unwrap_or(&from);
    let next = format!(
        "<{}>; rel=\"next\"",
        cx.request.issuer.join(&format!("api/v2/logs?from={last}&take={take}"))
    );
    let body: Value = events.into_iter().map(|event| projected(query, event)).collect();
    Ok(Answer { headers: vec![("link", next)], ..body.into() })
}

/// Pages by number, newest first unless `sort=date:1`.
async fn pages(
    cx: &mut OpCx<'_>,
    query: &Query,
    paging: &Paging,
    user_id: Option<&str>,
) -> Result<Answer, ApiError> {
    let reached = paging.offset().saturating_add(paging.limit());
    if reached > REACH {
        return Err(ApiError::invalid_query(format_args!(
            "'You can only page through the first {REACH} records; use from and take' on property page"
        )));
    }
    let descending = match query.text("sort") {
        None | Some("" | "date:-1") => true,
        Some("date:1") => false,
        Some(_) => {
            return Err(ApiError::invalid_query("'Only date:1 and date:-1 are supported' on property sort"));
        }
    };
    let mut params = Params::new(&cx.request.tenant);
    let mut conditions = String::from("tenant_id = $1");
    if let Some(user_id) = user_id {
        conditions.push_str(&format!(" AND user_id = {}", params.bind(user_id)));
    }
    // Compat: the documentation says `q`, the SDKs say `search`.
    let given = ["q", "search"].into_iter().find_map(|name| Some((name, query.text(name)?)));
    if let Some((name, text)) = given.filter(|(_, text)| !text.trim().is_empty()) {
        let tree = gatewright_core::search::logs::read(text).map_err(|refused| {
            ApiError::invalid_query(format_args!("'The query cannot be used: {refused}' on property {name}"))
        })?;
        conditions.push_str(" AND ");
        conditions.push_str(&condition(&mut params, &tree, &search::tested));
    }
    let total = match paging {
        Paging::Offset { include_totals: true, .. } => {
            let sql = format!("SELECT COUNT(*) FROM logs WHERE {conditions}");
            let counted = cx.tx.all_bounded(&sql, params.values()).await?;
            counted.first().map_or(Ok(0), |row| row.int(0))?
        }
        _ => 0,
    };
    let (limit, offset) = (params.bind(paging.limit()), params.bind(paging.offset()));
    let order = if descending { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT doc FROM logs WHERE {conditions} ORDER BY log_id {order} LIMIT {limit} OFFSET {offset}"
    );
    let rows = cx.tx.all_bounded(&sql, params.values()).await?;
    let events = rows
        .iter()
        .map(|row| Ok(projected(query, row.json(0)?)))
        .collect::<Result<Vec<Value>, StoreError>>()?;
    Ok(paging.offset_body("logs", events, total).into())
}

fn projected(query: &Query, event: Value) -> Value {
    match event {
        Value::Object(event) => Value::Object(query.project(event)),
        _ => Value::Object(Map::new()),
    }
}

#[cfg(test)]
#[path = "logs_tests.rs"]
mod tests;
