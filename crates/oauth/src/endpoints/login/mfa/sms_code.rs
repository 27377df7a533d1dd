//! The code of a message: drawn, kept and sent.

use gatewright_core::mfa::Factor;
use gatewright_core::user::User;
use gatewright_resources::login_transactions::{self, FactorCode};
use gatewright_resources::{logs, rate_buckets};

use super::super::Visit;
use super::super::identifier::{RESEND_SECONDS, Sent};
use crate::multifactor::attempt::message_context;
use crate::multifactor::message::Message;
use crate::multifactor::{DIGITS, MESSAGES, MESSAGES_BUCKET, event};
use crate::stop::Stop;

/// Draws, keeps and sends a code. It counts before it is sent, so that no two pages send one at once.
pub(super) async fn send(
    visit: &Visit,
    user: &User,
    to: String,
    authenticator_id: Option<String>,
) -> Result<Sent, Stop> {
    let cx = &visit.cx;
    let code = cx.app.random.digits(DIGITS);
    let mac =
        cx.app.master_key.mac(&message_context(cx, &visit.waiting.row.state_hash), code.as_bytes()).to_vec();
    let enrollment = authenticator_id.is_none();
    let kept = FactorCode {
        to: to.clone(),
        authenticator_id,
        mac: mac.clone(),
        sent_at: cx.now,
        oob_code_hash: None,
    };
    let started = event(
        cx,
        &visit.client,
        user,
        Factor::Phone,
        if enrollment { "gd_start_enroll" } else { "gd_start_auth" },
    );
    let (within, state_hash, user_id) =
        (cx.clone(), visit.waiting.row.state_hash.clone(), user.user_id.clone());
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let (tenant, now) = (&within.tenant.id, within.now);
            let Some(mut held) = login_transactions::hold(tx, tenant, &state_hash, now).await? else {
                return Ok(Some(Sent::Lost));
            };
            let Some(multifactor) = &mut held.progress.multifactor else { return Ok(Some(Sent::Lost)) };
            let before = multifactor.code.as_ref().filter(|before| before.to == kept.to);
            if before.is_some_and(|before| before.sent_at.plus_seconds(RESEND_SECONDS) > now) {
                return Ok(Some(Sent::JustBefore));
            }
            if !rate_buckets::take(tx, tenant, MESSAGES_BUCKET, MESSAGES, &user_id, now).await?.allowed {
                return Ok(Some(Sent::No("too-many-sms")));
            }
            let first = multifactor.code.is_none();
            multifactor.code = Some(kept);
            login_transactions::set_progress(tx, tenant, &state_hash, &held.progress).await?;
            if first {
                logs::append(tx, tenant, now, &within.app.random, &started).await?;
            }
            Ok::<_, Stop>(None)
        })
    });
    if let Some(not) = write.await? {
        return Ok(not);
    }
    let message =
        Message { client: &visit.client, user, enrollment, code: &code, to: &to, language: visit.language };
    if message.deliver(cx).await? {
        return Ok(Sent::Yes);
    }
    // A code that went nowhere does not make anybody wait for the next one.
    let taken_back = visit.change(move |progress| {
        if let Some(multifactor) = &mut progress.multifactor {
            multifactor.code.take_if(|code| code.mac == mac);
        }
    });
    Ok(if taken_back.await? { Sent::No("send-code-failed") } else { Sent::Lost })
}
