//! Sends logout tokens (OpenID Connect Back-Channel Logout 1.0 section 2.5) and ends sessions that are over.
//!
//! Every node runs [`work`]. What is due is taken by a guarded update, so each token is sent by one node,
//! and sent again by another if that one dies. A logout in the browser does not wait for the next round:
//! [`tell_now`] sends at once, and the user goes on when the clients know, or after a moment.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, Method, header};
use gatewright_adapters::{OutboundError, OutboundRequest};
use gatewright_core::Timestamp;
use gatewright_core::backchannel::{self, LogoutTokenFacts, Verdict};
use gatewright_http::{App, Fault, RequestCx};
use gatewright_resources::logout_deliveries::{self, Delivery, Due};
use gatewright_resources::logs::{self, LogEvent};
use gatewright_resources::sessions;
use gatewright_resources::snapshot::Tenant;
use gatewright_store::StoreError;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::stop::Stop;

/// How often a node looks for work.
const ROUND_EVERY: Duration = Duration::from_secs(1);
/// How long it rests when the database does not answer.
const REST_AFTER_ERROR: Duration = Duration::from_secs(10);
/// Most tokens that one node sends at a time.
const AT_ONCE: usize = 16;
/// Most sessions that are ended in one round.
const SESSIONS_A_ROUND: i64 = 100;
/// How long a client may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The longest answer that is read; nothing in it matters.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;
/// How long a user who logs out waits for the clients.
const USER_WAITS: Duration = Duration::from_secs(1);

/// Works for as long as it is polled: ends sessions that are over, sends logout tokens that are due.
pub async fn work(app: Arc<App>) {
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let rest = match round(&app, &slots).await {
            Ok(()) => ROUND_EVERY,
            Err(error) => {
                tracing::warn!(%error, "Logout tokens cannot be sent: the database does not answer.");
                REST_AFTER_ERROR
            }
        };
        tokio::time::sleep(rest).await;
    }
}

async fn round(app: &Arc<App>, slots: &Arc<Semaphore>) -> Result<(), StoreError> {
    let now = app.clock.now();
    let free = i64::try_from(slots.available_permits()).unwrap_or(0);
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let over = sessions::over(tx, now, SESSIONS_A_ROUND).await?;
            Ok::<_, StoreError>((over, logout_deliveries::due(tx, now, free).await?))
        })
    });
    let (over, due) = read.await?;
    for (tenant, session_id) in over {
        let write = app.db.write(move |tx| {
            Box::pin(async move { sessions::end_if_over(tx, &tenant, &session_id, now).await })
        });
        write.await?;
    }
    for due in due {
        let Ok(slot) = Arc::clone(slots).try_acquire_owned() else { break };
        tokio::spawn(deliver(Arc::clone(app), due, Some(slot)));
    }
    Ok(())
}

/// Sends what the end of this session queued, and waits a moment for it. What is not done by then goes on.
pub(crate) async fn tell_now(cx: &RequestCx, session_id: String) {
    let (tenant, now) = (cx.tenant.id.clone(), cx.now);
    let read = cx.app.db.read(move |tx| {
        Box::pin(async move { logout_deliveries::due_of_session(tx, &tenant, &session_id, now).await })
    });
    let due = match read.await {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(%error, "Logout tokens are left to the next round.");
            return;
        }
    };
    let mut sending = JoinSet::new();
    for due in due {
        sending.spawn(deliver(Arc::clone(&cx.app), due, None));
    }
    let all = async { while sending.join_next().await.is_some() {} };
    if tokio::time::timeout(USER_WAITS, all).await.is_err() {
        sending.detach_all();
    }
}

/// One attempt at one delivery, if nobody else has it.
async fn deliver(app: Arc<App>, due: Due, _slot: Option<OwnedSemaphorePermit>) {
    if let Err(error) = attempt(&app, due).await {
        let Stop::Fault(fault) = error else { return };
        tracing::warn!(?fault, "A logout token was not sent; it will be tried again.");
    }
}

async fn attempt(app: &App, due: Due) -> Result<(), Stop> {
    let now = app.clock.now();
    let (tenant_id, host) = (due.tenant.clone(), due.host.clone());
    let take = app.db.write(move |tx| Box::pin(async move { logout_deliveries::take(tx, &due, now).await }));
    let Some(delivery) = take.await? else { return Ok(()) };
    let tenant = app.tenants.by_host(&app.db, &app.master_key, &host, now).await?;
    let tenant = tenant.filter(|tenant| tenant.id == tenant_id);
    let tenant = tenant.ok_or_else(|| Fault::internal("the tenant of a logout token is gone"))?;

    let outcome = send(app, &tenant, &delivery, now).await?;
    let ended_at = app.clock.now();
    let again_at = match outcome.verdict {
        Verdict::Failed => backchannel::next_attempt(delivery.attempts, ended_at),
        Verdict::Delivered | Verdict::Refused => None,
    };
    let event = event(&tenant, &delivery, &outcome, again_at);
    let random = app.random.clone();
    let write = app.db.write(move |tx| {
        Box::pin(async move {
            logout_deliveries::settle(tx, &tenant.id, &delivery, again_at).await?;
            logs::append(tx, &tenant.id, ended_at, &random, &event).await?;
            Ok::<_, Stop>(())
        })
    });
    write.await
}

/// What came of an attempt.
struct Outcome {
    verdict: Verdict,
    /// The client's HTTP status, if it answered.
    status: Option<u16>,
    /// Why it did not.
    error: Option<String>,
}

async fn send(app: &App, tenant: &Tenant, delivery: &Delivery, now: Timestamp) -> Result<Outcome, Stop> {
    let key = tenant.signing_keys().first().cloned();
    let key = key.ok_or_else(|| Fault::internal("the tenant has no signing key"))?;
    let claims = backchannel::logout_token(&LogoutTokenFacts {
        issuer: &delivery.issuer,
        client_id: &delivery.client_id,
        user_id: &delivery.user_id,
        sid: &delivery.sid,
        jti: &app.random.alphanumeric(22),
        now,
    });
    let token = app.signer.sign(key, "logout+jwt", claims).await?;
    let body: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &token).finish();
    let mut request = OutboundRequest::new(Method::POST, &delivery.url);
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers.insert(header::CONTENT_TYPE, form);
    request.body = body.into_bytes();
    request.timeout = ANSWER_WITHIN;
    request.max_response_bytes = MAX_RESPONSE_BYTES;
    Ok(match app.messenger.outbound().send(request).await {
        Ok(answer) => {
            Outcome { verdict: backchannel::verdict(answer.status), status: Some(answer.status), error: None }
        }
        Err(error) => {
            // A URL that cannot be called, or must not, does not get better.
            let hopeless = matches!(error, OutboundError::InvalidUrl(_) | OutboundError::Refused { .. });
            let verdict = if hopeless { Verdict::Refused } else { Verdict::Failed };
            Outcome { verdict, status: None, error: Some(error.to_string()) }
        }
    })
}

fn event(tenant: &Tenant, delivery: &Delivery, outcome: &Outcome, again_at: Option<Timestamp>) -> LogEvent {
    let delivered = outcome.verdict == Verdict::Delivered;
    let code = if delivered { "oidc_backchannel_logout_succeeded" } else { "oidc_backchannel_logout_failed" };
    let description = match (&outcome.error, outcome.status) {
        _ if delivered => None,
        (Some(error), _) => Some(error.clone()),
        (None, Some(status)) => Some(format!("The client answered {status}.")),
        (None, None) => None,
    };
    let client = tenant.client(&delivery.client_id);
    let next_attempt_at: Value = again_at.map(Timestamp::iso8601).into();
    LogEvent {
        r#type: code,
        description,
        client_id: Some(delivery.client_id.clone()),
        client_name: client.map(|client| client.name.clone()),
        user_id: Some(delivery.user_id.clone()),
        details: json!({
            "initiator": delivery.initiator,
            "session_id": delivery.session_id,
            "sid": delivery.sid,
            "url": delivery.url,
            "attempt": delivery.attempts,
            "statusCode": outcome.status,
            "next_attempt_at": next_attempt_at,
        }),
        ..LogEvent::default()
    }
}
