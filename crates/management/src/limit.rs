//! How often a client may call: a bucket of each client, shared by all nodes.

use gatewright_core::limits::{RateDecision, RateLimit};
use gatewright_resources::engine::{ApiError, Caller};
use gatewright_resources::logs::{self, LogEvent};
use gatewright_resources::rate_buckets;

use crate::dispatch::{ApiResponse, Place};

const BUCKET: &str = "management_api";
/// A client over its limit is logged once a minute: a log entry must not cost more than the call.
const LOGGED: RateLimit = RateLimit::new(1, 1, 60);

/// Takes one place of the caller's bucket; the first refusal of a minute leaves a log entry.
pub(crate) async fn take(
    place: &Place<'_>,
    limit: RateLimit,
    caller: &Caller,
) -> Result<RateDecision, ApiError> {
    let (tenant, now, random) = (place.tenant.id.clone(), place.now, place.random.clone());
    let client_id = caller.client_id.clone();
    let event = LogEvent {
        r#type: "api_limit",
        description: Some("The client calls the Management API more often than it may.".to_owned()),
        client_id: Some(client_id.clone()),
        client_name: place.tenant.client(&client_id).map(|client| client.name.clone()),
        ip: place.ip.clone(),
        user_agent: place.user_agent.clone(),
        hostname: Some(place.issuer.domain().to_owned()),
        ..LogEvent::default()
    };
    place
        .db
        .write(move |tx| {
            Box::pin(async move {
                let left = rate_buckets::take(tx, &tenant, BUCKET, limit, &client_id, now).await?;
                if !left.allowed
                    && rate_buckets::take(tx, &tenant, "api_limit", LOGGED, &client_id, now).await?.allowed
                {
                    logs::append(tx, &tenant, now, &random, &event).await?;
                }
                Ok(left)
            })
        })
        .await
}

/// 429, with the seconds to wait.
pub(crate) fn refusal(left: &RateDecision) -> ApiResponse {
    let mut response: ApiResponse =
        ApiError::new(429, "Global limit has been reached").code("too_many_requests").into();
    response.headers.push(("retry-after", left.retry_after_seconds.to_string()));
    response
}
