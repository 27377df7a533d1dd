//! Links that make somebody an administrator of a tenant's dashboard.

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_jose::{random_token, token_hash};
use gatewright_resources::dashboard::{administrators, invitations};
use gatewright_store::{Db, StoreError};

/// Makes an invitation; the path of its link. Only the token's hash is kept.
pub(crate) async fn make(
    db: &Db,
    tenant: &TenantId,
    now: Timestamp,
    random: &Random,
) -> Result<String, StoreError> {
    let token = random_token(random, 32);
    let (tenant, hash) = (tenant.clone(), token_hash(&token));
    db.write(move |tx| Box::pin(async move { invitations::insert(tx, &tenant, &hash, now).await })).await?;
    Ok(format!("dashboard/invitation/{token}"))
}

/// An invitation for a tenant that has no administrator yet.
pub(crate) async fn first(
    db: &Db,
    tenant: &TenantId,
    now: Timestamp,
    random: &Random,
) -> Result<Option<String>, StoreError> {
    let wanted = tenant.clone();
    let known =
        db.read(move |tx| Box::pin(async move { administrators::has_any(tx, &wanted).await })).await?;
    if known { Ok(None) } else { make(db, tenant, now, random).await.map(Some) }
}
