//! Carries out what scripts decided besides the tokens: metadata, sessions, refresh tokens, `/userinfo`.

use gatewright_core::OAuthError;
use gatewright_core::backchannel::Initiator;
use gatewright_core::script::{Halt, Verdict};
use gatewright_http::RequestCx;
use gatewright_resources::login_transactions::ScriptProgress;
use gatewright_resources::sessions::{self, Session};
use gatewright_resources::{refresh_tokens, userinfo_claims, users};
use gatewright_store::{StoreError, Tx};
use serde_json::{Map, Value};

use super::ledger;
use crate::stop::Stop;

/// Writes what scripts put into the user's metadata; the new document, if anything changed.
pub(crate) async fn metadata(
    tx: &mut Tx,
    cx: &RequestCx,
    user_id: &str,
    verdict: &Verdict,
) -> Result<Option<Value>, StoreError> {
    if verdict.user_metadata.is_empty() && verdict.app_metadata.is_empty() {
        return Ok(None);
    }
    let changes = (&verdict.user_metadata, &verdict.app_metadata);
    users::merge_metadata(tx, &cx.tenant.id, user_id, changes, cx.now).await
}

/// The same in a transaction of its own, where the flow ends or waits. What is written is taken out of the
/// verdict, so that it is not written again.
pub(crate) async fn metadata_now(cx: &RequestCx, user_id: &str, verdict: &mut Verdict) -> Result<(), Stop> {
    let done = Verdict {
        user_metadata: std::mem::take(&mut verdict.user_metadata),
        app_metadata: std::mem::take(&mut verdict.app_metadata),
        ..Verdict::default()
    };
    if done == Verdict::default() {
        return Ok(());
    }
    let (within, user_id) = (cx.clone(), user_id.to_owned());
    let write =
        cx.app.db.write(move |tx| Box::pin(async move { metadata(tx, &within, &user_id, &done).await }));
    write.await?;
    Ok(())
}

/// Changes the session, which must be stored.
pub(crate) async fn session(
    tx: &mut Tx,
    cx: &RequestCx,
    session: &Session,
    verdict: &Verdict,
) -> Result<(), StoreError> {
    if verdict.session.is_empty() {
        return Ok(());
    }
    sessions::change(tx, &cx.tenant.id, session, &verdict.session).await
}

/// Changes the family of a refresh token, which must be stored.
pub(crate) async fn refresh_token(
    tx: &mut Tx,
    cx: &RequestCx,
    family_id: &str,
    verdict: &Verdict,
) -> Result<(), StoreError> {
    if verdict.refresh_token.is_empty() {
        return Ok(());
    }
    refresh_tokens::change(tx, &cx.tenant.id, family_id, &verdict.refresh_token).await
}

/// Keeps the claims that `/userinfo` will state.
pub(crate) async fn userinfo(
    tx: &mut Tx,
    cx: &RequestCx,
    (user_id, client_id): (&str, &str),
    claims: &Map<String, Value>,
) -> Result<(), StoreError> {
    userinfo_claims::put(tx, &cx.tenant.id, user_id, client_id, claims).await
}

/// What a script revokes dies now, and the flow that it belongs to is refused. `None` where nothing is revoked.
pub(crate) async fn revoke(
    cx: &RequestCx,
    session_id: Option<&str>,
    family_id: Option<&str>,
    verdict: &mut Verdict,
) -> Result<(), Stop> {
    let reason = match (&verdict.session.revoke, &verdict.refresh_token.revoke) {
        (None, None) => return Ok(()),
        (Some(reason), _) | (None, Some(reason)) => reason.clone(),
    };
    let session_id = session_id.filter(|_| verdict.session.revoke.is_some()).map(str::to_owned);
    let family_id = family_id.filter(|_| verdict.refresh_token.revoke.is_some()).map(str::to_owned);
    let (within, keep) = (cx.clone(), verdict.session.preserve_refresh_tokens);
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let (tenant, now) = (&within.tenant.id, within.now);
            if let Some(session_id) = session_id {
                let ended = sessions::end(tx, tenant, &session_id, Initiator::SessionRevoked, now).await?;
                if ended.is_some() && !keep {
                    refresh_tokens::revoke_of_session_id(tx, tenant, &session_id, "revoked_by_script", now)
                        .await?;
                }
            }
            if let Some(family_id) = family_id {
                refresh_tokens::revoke(tx, tenant, &family_id, "revoked_by_script", now).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    write.await?;
    if verdict.halt.is_none() {
        let error = OAuthError::access_denied(reason).because("revoked_by_script");
        verdict.halt = Some(Halt::Denied(error));
    }
    Ok(())
}

/// The `scripts` member of the log event's `details.decision`.
pub(crate) fn ledger(progress: &ScriptProgress) -> Value {
    ledger::told(&progress.runs, &progress.verdict.notes)
}
