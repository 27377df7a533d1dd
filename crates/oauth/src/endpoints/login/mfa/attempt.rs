//! What is typed in on a page: judged, and kept with its login, in one transaction.

use std::sync::Arc;

use gatewright_core::user::User;
use gatewright_resources::login_transactions;
use gatewright_store::Tx;

use super::super::Visit;
use super::{RECOVERY_ENROLLMENT, RECOVERY_NEW};
use crate::multifactor::attempt::{self, Attempt, Way, recovery_context, seal};
use crate::stop::Stop;

/// Where the browser goes.
pub(super) enum Judged {
    /// It was right, or there is nothing to type in any more: what comes next is decided anew.
    GoOn,
    /// It was right, and this page shows a new recovery code.
    Show(&'static str),
    Wrong,
    TooManyWrong,
    Lost,
}

pub(super) async fn judge(visit: &Visit, user: User, way: Way, typed: String) -> Result<Judged, Stop> {
    let attempt = Attempt {
        cx: visit.cx.clone(),
        client: Arc::clone(&visit.client),
        user,
        binding: visit.waiting.row.state_hash.clone(),
        way,
        typed,
    };
    visit.cx.app.db.write(move |tx| Box::pin(record(tx, attempt))).await
}

async fn record(tx: &mut Tx, attempt: Attempt) -> Result<Judged, Stop> {
    let (cx, tenant, state_hash) = (&attempt.cx, &attempt.cx.tenant.id, &attempt.binding);
    let Some(mut held) = login_transactions::hold(tx, tenant, state_hash, cx.now).await? else {
        return Ok(Judged::Lost);
    };
    let asked = held.progress.multifactor.as_mut().filter(|asked| asked.user_id == attempt.user.user_id);
    let Some(asked) = asked else { return Ok(Judged::Lost) };
    let judged = match attempt.on(tx, asked).await? {
        attempt::Judged::Passed { recovery_code: Some(code), enrolled } => {
            asked.recovery_code_sealed = Some(seal(cx, &recovery_context(cx, state_hash), code.as_bytes()));
            Judged::Show(if enrolled { RECOVERY_ENROLLMENT } else { RECOVERY_NEW })
        }
        attempt::Judged::Passed { recovery_code: None, .. } | attempt::Judged::Nothing => Judged::GoOn,
        attempt::Judged::Wrong(_) => Judged::Wrong,
        attempt::Judged::TooManyWrong => Judged::TooManyWrong,
    };
    login_transactions::set_progress(tx, tenant, state_hash, &held.progress).await?;
    Ok(judged)
}
