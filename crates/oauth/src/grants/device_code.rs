//! The device code grant, RFC 8628 section 3.4: a device asks again and again until its user has decided.

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::device::{Answer, DEVICE_CODE, answer, unknown};
use gatewright_core::user::User;
use gatewright_http::{Fault, RequestCx};
use gatewright_jose::token_hash;
use gatewright_resources::{device_codes, users};
use gatewright_store::{BoxFuture, Tx};

use super::{Flow, Grant, Presented, Redeemed, Refused, RefusedEvent, Subject};
use crate::stop::Stop;

pub(crate) static GRANT: Grant = Grant {
    name: DEVICE_CODE,
    params: &["device_code"],
    events: ("sede", "fede"),
    present: |_cx, _client, params| {
        Box::pin(async move {
            let code =
                params.text("device_code").ok_or_else(|| OAuthError::missing_parameter("device_code"))?;
            let presented: Box<dyn Presented> = Box::new(Device { hash: token_hash(code) });
            Ok(presented)
        })
    },
};

/// A device code as a client presents it.
struct Device {
    hash: String,
}

impl Presented for Device {
    fn redeem<'t>(
        self: Box<Self>,
        tx: &'t mut Tx,
        cx: &'t RequestCx,
        client: &'t Client,
    ) -> BoxFuture<'t, Result<Redeemed, Stop>> {
        Box::pin(async move {
            let (tenant, now) = (&cx.tenant.id, cx.now);
            let Some(code) = device_codes::hold(tx, tenant, &self.hash, &client.client_id).await? else {
                return Ok(Err(unknown().because("device_code_unknown").into()));
            };
            let answer = answer(&code.asked(), now);
            let interval = match answer {
                Answer::SlowDown { interval_seconds } => interval_seconds,
                _ => code.interval_seconds,
            };
            device_codes::note_poll(tx, tenant, &self.hash, interval, now).await?;
            if let Some(error) = answer.error(code.interval_seconds) {
                let mut refused = Refused::from(error);
                if matches!(answer, Answer::Pending | Answer::SlowDown { .. }) {
                    refused.event = RefusedEvent::Left;
                }
                return Ok(Err(refused));
            }
            let Some(allowed) = code.request.allowed else {
                return Err(Fault::internal("a device code was allowed by nobody").into());
            };
            if !device_codes::spend(tx, tenant, &self.hash, now).await? {
                return Ok(Err(unknown().because("device_code_spent").into()));
            }
            let found = users::by_id(tx, tenant, &allowed.user_id).await?;
            let user = found.and_then(|document| serde_json::from_value::<User>(document).ok());
            let Some(user) = user else {
                let refused = Refused::from(unknown().because("user_deleted"));
                return Ok(Err(refused.of(Some(allowed.user_id))));
            };
            Ok(Ok(Subject {
                user: Some(user),
                scope: code.request.scope,
                audience: code.request.audience,
                flow: Flow::Code,
                gty: None,
                nonce: None,
                session_id: Some(allowed.session_id),
                auth_time: None,
                multifactor: false,
                connection: Some(allowed.connection),
                code_hash: None,
                refresh: None,
                verdict: None,
                exchanged: None,
                second_step: None,
            }))
        })
    }
}
