//! `POST /oauth/device/code`, RFC 8628 section 3.1: two codes, one for the device, one for its user.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::device::{
    Charset, DEVICE_CODE, INTERVAL_SECONDS, LIFETIME_SECONDS, UserCodeFormat, normal,
};
use gatewright_core::resource_server::signing_alg_supported;
use gatewright_core::scope::Flow;
use gatewright_http::{Fault, Params, RequestCx, respond};
use gatewright_jose::{random_token, token_hash};
use gatewright_resources::device_codes::{self, DeviceCode, Request};
use serde_json::{Value, json};

use super::{ACTIVATE, user_code_mac};
use crate::decision::{self, Wanted};
use crate::stop::Stop;
use crate::{client_auth, events};

/// How often a user code is drawn again because another device has it.
const DRAWS: usize = 5;

pub(crate) async fn device_code(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let params = Params::from_body(&headers, &body)?;
    params.all_text(&["client_id", "client_secret", "scope", "audience", "organization"])?;
    let client = client_auth::authenticate(&cx, &headers, &params).await?;
    let wanted = Wanted::new(&cx, params.text("scope"), params.text("audience"), Flow::Code);
    if let Err((error, decision)) = may_ask(&cx, &client, &params, &wanted) {
        log_refusal(&cx, &client, &wanted, &error, decision).await?;
        return Err(error.into());
    }
    let device_code = random_token(&cx.app.random, 32);
    let user_code = store(&cx, &client, wanted, token_hash(&device_code)).await?;
    let at = cx.issuer.join(ACTIVATE.trim_start_matches('/'));
    let query =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("user_code", &user_code).finish();
    Ok(respond::json_no_store(
        200,
        &json!({
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": at,
            "verification_uri_complete": format!("{at}?{query}"),
            "expires_in": LIFETIME_SECONDS,
            "interval": INTERVAL_SECONDS,
        }),
    ))
}

/// What can be known to fail before a person is troubled with it.
fn may_ask(
    cx: &RequestCx,
    client: &Arc<Client>,
    params: &Params,
    wanted: &Wanted,
) -> Result<(), (OAuthError, Value)> {
    let plain = |error: OAuthError| (error, json!({}));
    if !client.allows_grant(DEVICE_CODE) {
        let text = format!("Grant type '{DEVICE_CODE}' not allowed for the client.");
        return Err(plain(OAuthError::unauthorized_client(text).because("grant_type_not_allowed")));
    }
    if params.text("organization").is_some() {
        let error = OAuthError::invalid_request("Organizations are not built in this version.");
        return Err(plain(error.because("organizations_not_built")));
    }
    // RFC 6749 section 3.3 allows printable text; the limit is that of `/authorize`.
    if [&wanted.scope, &wanted.audience]
        .iter()
        .any(|text| text.as_ref().is_some_and(|text| text.len() > 4096))
    {
        let error = OAuthError::invalid_request("A parameter is too long.");
        return Err(plain(error.because("parameter_too_long")));
    }
    let decided = wanted.decide(cx, client, None, &[]);
    let ledger = decision::detail(&decided);
    if let Err(refusal) = decided {
        return Err((refusal.error, ledger));
    }
    signing_alg_supported(wanted.api.as_ref()).map_err(|error| (error, ledger))
}

/// Stores the codes; returns the user's.
async fn store(
    cx: &RequestCx,
    client: &Client,
    wanted: Wanted,
    device_code_hash: String,
) -> Result<String, Stop> {
    let format = UserCodeFormat::of(&cx.tenant.settings);
    let code = DeviceCode {
        device_code_hash,
        client_id: client.client_id.clone(),
        request: Request { scope: wanted.scope, audience: wanted.audience, ..Request::default() },
        interval_seconds: INTERVAL_SECONDS,
        polled_at: None,
        expires_at: cx.now.plus_seconds(LIFETIME_SECONDS),
        used_at: None,
    };
    let within = cx.clone();
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            for _ in 0..DRAWS {
                let user_code = draw(&within, &format);
                let mac = user_code_mac(&within, &normal(&user_code).unwrap_or_default());
                if device_codes::insert(tx, &within.tenant.id, &code, &mac, within.now).await? {
                    return Ok(user_code);
                }
            }
            Err(Stop::from(Fault::internal("no free user code was found")))
        })
    });
    write.await
}

fn draw(cx: &RequestCx, format: &UserCodeFormat) -> String {
    let random = &cx.app.random;
    format.fill(&match format.charset {
        Charset::Base20 => random.base20(format.places()),
        Charset::Digits => random.digits(format.places()),
    })
}

async fn log_refusal(
    cx: &RequestCx,
    client: &Client,
    wanted: &Wanted,
    error: &OAuthError,
    decision: Value,
) -> Result<(), Stop> {
    tracing::info!(reason = error.reason.as_deref(), "A device is refused a code.");
    let mut event = events::event(cx, "fdeaz", Some(client));
    event.description = Some(error.description.to_string());
    event.audience.clone_from(&wanted.audience);
    event.details = events::refusal(error, Some(client), decision);
    events::write(cx, event).await
}
