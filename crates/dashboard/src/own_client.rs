//! The dashboard's own clients, made when they are first needed and kept at the addresses in use.

use std::sync::Arc;

use gatewright_http::RequestCx;
use gatewright_resources::dashboard::administrators::{self, OwnClient};
use gatewright_resources::seed::SeedCx;
use gatewright_store::StoreError;

/// What seeding needs, from a request.
pub(crate) fn seed_cx(cx: &RequestCx) -> SeedCx {
    SeedCx { now: cx.now, random: cx.app.random.clone(), master_key: Arc::clone(&cx.app.master_key) }
}

/// Whether this client is as it has to be for a login at this address.
pub(crate) fn is_ready(cx: &RequestCx, own: OwnClient, callback: &str, signed_out: &str) -> bool {
    cx.tenant.client(own.client_id).is_some_and(|client| {
        client.callbacks.iter().any(|known| known == callback)
            && client.allowed_logout_urls.iter().any(|known| known == signed_out)
            && (client.sso_disabled || !own.sso_disabled)
    })
}

/// Makes sure that this client is there and may come back to `callback`. A tenant can be reached by several
/// addresses, so the one of the request counts.
///
/// # Errors
/// [`StoreError`] of the database.
pub(crate) async fn furnish(
    cx: &RequestCx,
    own: OwnClient,
    callback: &str,
    signed_out: &str,
) -> Result<(), StoreError> {
    if is_ready(cx, own, callback, signed_out) {
        return Ok(());
    }
    let (within, seed) = (cx.clone(), seed_cx(cx));
    let (callback, signed_out) = (callback.to_owned(), signed_out.to_owned());
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            administrators::furnish_client(tx, &within.tenant.id, own, (&callback, &signed_out), &seed).await
        })
    });
    write.await?;
    cx.app.tenants.invalidate(&cx.tenant.id);
    Ok(())
}
