//! Refresh tokens, stored hashed, and the families they form; `core::refresh` judges them.
//!
//! An exchange claims its family's row first, so that exchanges of one family happen one after the
//! other on every node, and each sees the generation that the one before it made. Whoever touches
//! several families of a user locks the user before any family, so that nobody waits in a circle.

pub mod api;

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_core::refresh::{Exchange, FamilyFacts, MAX_FAMILIES, PresentedToken, Replacement};
use gatewright_core::script::Changes;
use gatewright_store::{Row, StoreError, Tx, params, sql};
use serde_json::{Map, Value, json};

use crate::engine::crud::merge;

/// For how long after its end a family is kept, so that the log can say what became of its tokens.
const KEPT_AFTER_END_SECONDS: i64 = 30 * 86_400;

/// A family of refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its public id.
    pub family_id: String,
    /// The client it was issued to.
    pub client_id: String,
    /// The user it speaks for.
    pub user_id: String,
    /// The API it is for, if any.
    pub audience: Option<String>,
    /// The scopes granted when it began, space-separated.
    pub scope: String,
    /// The session it came from, if any.
    pub session_id: Option<String>,
    /// The connection of the login.
    pub connection: Option<String>,
    /// When the user authenticated, if ID tokens must say so.
    pub auth_time: Option<Timestamp>,
    /// Hash of the authorization code it came from.
    pub code_hash: Option<String>,
    /// Whether it rotated at its last exchange.
    pub rotating: bool,
    /// The newest generation.
    pub generation: i64,
    /// When that was first issued.
    pub advanced_at: Timestamp,
    /// When it began.
    pub issued_at: Timestamp,
    /// When it was last exchanged.
    pub last_used_at: Timestamp,
    /// Its absolute end.
    pub expires_at: Option<Timestamp>,
    /// Why it was revoked, if it was.
    pub revoked_because: Option<String>,
}

/// A token that was found, with its family claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The token's own generation.
    pub generation: i64,
    /// Its family.
    pub family: Family,
}

impl Claimed {
    /// What the verdict reads.
    pub fn facts(&self) -> PresentedToken<'_> {
        let family = &self.family;
        PresentedToken {
            generation: self.generation,
            family: FamilyFacts {
                client_id: &family.client_id,
                rotating: family.rotating,
                generation: family.generation,
                advanced_at: family.advanced_at,
                last_used_at: family.last_used_at,
                expires_at: family.expires_at,
                revoked_because: family.revoked_because.as_deref(),
            },
        }
    }
}

sql!(
    INSERT_FAMILY,
    "INSERT INTO refresh_token_families (tenant_id, family_id, client_id, user_id, audience, scope, session_id,
       connection, auth_time, code_hash, rotating, generation, advanced_at, issued_at, last_used_at, expires_at,
       forget_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
);
sql!(
    INSERT_TOKEN,
    "INSERT INTO refresh_tokens (tenant_id, token_hash, family_id, generation, issued_at)
     VALUES ($1, $2, $3, $4, $5)"
);
sql!(
    FIND,
    "SELECT t.family_id, t.generation, f.user_id, f.rotating
     FROM refresh_tokens t
     JOIN refresh_token_families f ON f.tenant_id = t.tenant_id AND f.family_id = t.family_id
     WHERE t.tenant_id = $1 AND t.token_hash = $2"
);
sql!(
    FAMILY_OF,
    "SELECT f.family_id, f.client_id, f.user_id, f.audience, f.scope, f.session_id, f.connection, f.auth_time,
       f.code_hash, f.rotating, f.generation, f.advanced_at, f.issued_at, f.last_used_at, f.expires_at,
       f.revoked_because
     FROM refresh_tokens t
     JOIN refresh_token_families f ON f.tenant_id = t.tenant_id AND f.family_id = t.family_id
     WHERE t.tenant_id = $1 AND t.token_hash = $2"
);
sql!(LOCK_USER, "SELECT 1 FROM users WHERE tenant_id = $1 AND user_id = $2 FOR UPDATE");
sql!(
    CLAIM,
    "SELECT family_id, client_id, user_id, audience, scope, session_id, connection, auth_time, code_hash,
       rotating, generation, advanced_at, issued_at, last_used_at, expires_at, revoked_because
     FROM refresh_token_families WHERE tenant_id = $1 AND family_id = $2 FOR UPDATE"
);
sql!(
    EXCHANGE,
    "UPDATE refresh_token_families
     SET generation = $3, advanced_at = $4, last_used_at = $5, expires_at = $6, forget_at = $7, rotating = $8
     WHERE tenant_id = $1 AND family_id = $2"
);
sql!(
    METADATA,
    "SELECT metadata, expires_at FROM refresh_token_families WHERE tenant_id = $1 AND family_id = $2"
);
sql!(
    CHANGE,
    "UPDATE refresh_token_families SET metadata = $3, expires_at = $4, forget_at = $5
     WHERE tenant_id = $1 AND family_id = $2"
);
sql!(
    REVOKE,
    "UPDATE refresh_token_families SET revoked_at = $3, revoked_because = $4, forget_at = $5
     WHERE tenant_id = $1 AND family_id = $2 AND revoked_at IS NULL"
);
sql!(
    REVOKE_OF_CODE,
    "UPDATE refresh_token_families SET revoked_at = $3, revoked_because = $4, forget_at = $5
     WHERE tenant_id = $1 AND code_hash = $2 AND revoked_at IS NULL RETURNING family_id"
);
sql!(
    REVOKE_OTHER_KIND,
    "UPDATE refresh_token_families SET revoked_at = $7, revoked_because = $8, forget_at = $9
     WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3 AND COALESCE(audience, '') = $4
       AND rotating = $5 AND family_id <> $6 AND revoked_at IS NULL"
);
sql!(
    REVOKE_GRANT,
    "UPDATE refresh_token_families SET revoked_at = $5, revoked_because = $6, forget_at = $7
     WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3 AND COALESCE(audience, '') = $4
       AND revoked_at IS NULL"
);
sql!(
    REVOKE_OF_SESSION,
    "UPDATE refresh_token_families SET revoked_at = $4, revoked_because = $5, forget_at = $6
     WHERE tenant_id = $1 AND user_id = $2 AND session_id = $3 AND revoked_at IS NULL"
);
sql!(
    REVOKE_OF_SESSION_ID,
    "UPDATE refresh_token_families SET revoked_at = $3, revoked_because = $4, forget_at = $5
     WHERE tenant_id = $1 AND session_id = $2 AND revoked_at IS NULL"
);
sql!(
    BEYOND_LIMIT,
    "SELECT family_id FROM refresh_token_families
     WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3 AND revoked_at IS NULL
       AND (expires_at IS NULL OR expires_at > $4)
     ORDER BY issued_at DESC, family_id LIMIT 100 OFFSET $5"
);
sql!(
    FORGET_TOKENS,
    "DELETE FROM refresh_tokens WHERE tenant_id = $1 AND family_id IN
       (SELECT family_id FROM refresh_token_families WHERE tenant_id = $1 AND forget_at < $2)"
);
sql!(FORGET_FAMILIES, "DELETE FROM refresh_token_families WHERE tenant_id = $1 AND forget_at < $2");
sql!(
    DELETE_TOKENS_OF_USER,
    "DELETE FROM refresh_tokens WHERE tenant_id = $1 AND family_id IN
       (SELECT family_id FROM refresh_token_families WHERE tenant_id = $1 AND user_id = $2)"
);
sql!(DELETE_OF_USER, "DELETE FROM refresh_token_families WHERE tenant_id = $1 AND user_id = $2");
sql!(
    DELETE_TOKENS_OF_CLIENT,
    "DELETE FROM refresh_tokens WHERE tenant_id = $1 AND family_id IN
       (SELECT family_id FROM refresh_token_families WHERE tenant_id = $1 AND client_id = $2)"
);
sql!(DELETE_OF_CLIENT, "DELETE FROM refresh_token_families WHERE tenant_id = $1 AND client_id = $2");

/// Stores a new family with its first token, and forgets those that ended a month ago. Returns the
/// families that were dropped because the user has too many at this client.
pub async fn begin(
    tx: &mut Tx,
    tenant: &TenantId,
    family: &Family,
    token_hash: &str,
) -> Result<Vec<String>, StoreError> {
    let now = family.issued_at;
    tx.run(&FORGET_TOKENS, &params![tenant, now]).await?;
    tx.run(&FORGET_FAMILIES, &params![tenant, now]).await?;
    let values = params![
        tenant,
        &family.family_id,
        &family.client_id,
        &family.user_id,
        family.audience.as_deref(),
        &family.scope,
        family.session_id.as_deref(),
        family.connection.as_deref(),
        family.auth_time,
        family.code_hash.as_deref(),
        family.rotating,
        family.generation,
        family.advanced_at,
        now,
        family.last_used_at,
        family.expires_at,
        forget_at(family.expires_at)
    ];
    tx.run(&INSERT_FAMILY, &values).await?;
    let values = params![tenant, token_hash, &family.family_id, family.generation, now];
    tx.run(&INSERT_TOKEN, &values).await?;
    drop_beyond_limit(tx, tenant, family, now).await
}

async fn drop_beyond_limit(
    tx: &mut Tx,
    tenant: &TenantId,
    family: &Family,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let most = i64::try_from(MAX_FAMILIES).unwrap_or(i64::MAX);
    let values = params![tenant, &family.user_id, &family.client_id, now, most];
    if tx.all(&BEYOND_LIMIT, &values).await?.is_empty() {
        return Ok(Vec::new());
    }
    tx.run(&LOCK_USER, &params![tenant, &family.user_id]).await?;
    let mut dropped = Vec::new();
    for row in tx.all(&BEYOND_LIMIT, &values).await? {
        let family_id = row.text(0)?;
        revoke(tx, tenant, &family_id, "refresh_token_limit", now).await?;
        dropped.push(family_id);
    }
    Ok(dropped)
}

/// The family of the token of this hash, living or not; nothing is held.
pub async fn family_of(
    tx: &mut Tx,
    tenant: &TenantId,
    token_hash: &str,
) -> Result<Option<Family>, StoreError> {
    tx.opt(&FAMILY_OF, &params![tenant, token_hash]).await?.map(|row| read(&row)).transpose()
}

/// The token of this hash with its family; nothing is held.
pub async fn presented(
    tx: &mut Tx,
    tenant: &TenantId,
    token_hash: &str,
) -> Result<Option<Claimed>, StoreError> {
    let Some(found) = tx.opt(&FIND, &params![tenant, token_hash]).await? else { return Ok(None) };
    let family = tx.opt(&FAMILY_OF, &params![tenant, token_hash]).await?;
    let claimed = family.map(|row| Ok(Claimed { generation: found.int(1)?, family: read(&row)? }));
    claimed.transpose()
}

/// What the log says about a family and the token presented from it.
pub fn family_detail(claimed: &Claimed) -> Value {
    let Claimed { generation, family } = claimed;
    json!({
        "family_id": family.family_id,
        "generation": generation,
        "newest_generation": family.generation,
        "issued_at": family.issued_at.iso8601(),
        "advanced_at": family.advanced_at.iso8601(),
        "last_used_at": family.last_used_at.iso8601(),
        "expires_at": family.expires_at.map(|end| end.iso8601()),
        "revoked_because": family.revoked_because,
    })
}

/// The token of this hash with its family, whose row is held until the transaction ends. `rotates` is
/// what the client's settings say now: where the family differs, the exchange will end others.
pub async fn claim(
    tx: &mut Tx,
    tenant: &TenantId,
    token_hash: &str,
    rotates: bool,
) -> Result<Option<Claimed>, StoreError> {
    let Some(found) = tx.opt(&FIND, &params![tenant, token_hash]).await? else { return Ok(None) };
    if found.bool(3)? != rotates {
        tx.run(&LOCK_USER, &params![tenant, found.text(2)?]).await?;
    }
    let Some(row) = tx.opt(&CLAIM, &params![tenant, found.text(0)?]).await? else { return Ok(None) };
    Ok(Some(Claimed { generation: found.int(1)?, family: read(&row)? }))
}

/// Carries out an exchange that was accepted, on a family that this transaction has claimed.
/// `token_hash` is of the new token, where there is one.
pub async fn exchange(
    tx: &mut Tx,
    tenant: &TenantId,
    family: &Family,
    exchange: &Exchange,
    token_hash: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (generation, advanced_at) = match exchange.replacement {
        Replacement::Next => (family.generation + 1, now),
        Replacement::Kept | Replacement::Beside => (family.generation, family.advanced_at),
    };
    let rotating = family.rotating != exchange.converts;
    let id = &family.family_id;
    let (expires_at, forget) = (exchange.expires_at, forget_at(exchange.expires_at));
    let values = params![tenant, id, generation, advanced_at, now, expires_at, forget, rotating];
    tx.run(&EXCHANGE, &values).await?;
    if let Some(token_hash) = token_hash {
        tx.run(&INSERT_TOKEN, &params![tenant, token_hash, id, generation, now]).await?;
    }
    if exchange.converts {
        let values = params![
            tenant,
            &family.user_id,
            &family.client_id,
            family.audience.as_deref().unwrap_or_default(),
            family.rotating,
            id,
            now,
            "refresh_token_rotation_changed",
            forget_at(Some(now))
        ];
        tx.run(&REVOKE_OTHER_KIND, &values).await?;
    }
    Ok(())
}

/// Carries out what scripts changed of a family: an end that comes nearer, metadata. Revoking is the caller's.
pub async fn change(
    tx: &mut Tx,
    tenant: &TenantId,
    family_id: &str,
    changes: &Changes,
) -> Result<(), StoreError> {
    let Some(row) = tx.opt(&METADATA, &params![tenant, family_id]).await? else { return Ok(()) };
    let mut metadata = match row.opt_json(0)? {
        Some(Value::Object(metadata)) if !changes.evict_metadata => metadata,
        _ => Map::new(),
    };
    merge(&mut metadata, &changes.metadata);
    let metadata = (!metadata.is_empty()).then_some(Value::Object(metadata));
    let asked = changes.expires_at_ms.map(|at_ms| Timestamp::from_micros(at_ms.saturating_mul(1000)));
    let end = match (row.opt_time(1)?, asked) {
        (Some(end), Some(asked)) => Some(end.min(asked)),
        (end, asked) => asked.or(end),
    };
    tx.run(&CHANGE, &params![tenant, family_id, metadata, end, forget_at(end)]).await.map(drop)
}

/// What administrators and scripts noted on a family.
pub async fn metadata(tx: &mut Tx, tenant: &TenantId, family_id: &str) -> Result<Value, StoreError> {
    let row = tx.opt(&METADATA, &params![tenant, family_id]).await?;
    let metadata = row.map(|row| row.opt_json(0)).transpose()?.flatten();
    Ok(metadata.unwrap_or_else(|| Value::Object(Map::new())))
}

/// Revokes a family: none of its tokens is good any more. `false` if it was revoked before.
pub async fn revoke(
    tx: &mut Tx,
    tenant: &TenantId,
    family_id: &str,
    because: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = params![tenant, family_id, now, because, forget_at(Some(now))];
    Ok(tx.run(&REVOKE, &values).await? > 0)
}

/// Revokes every family of the same user, client and API. No family may be claimed before.
pub async fn revoke_grant(
    tx: &mut Tx,
    tenant: &TenantId,
    family: &Family,
    because: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let audience = family.audience.as_deref().unwrap_or_default();
    let values =
        params![tenant, &family.user_id, &family.client_id, audience, now, because, forget_at(Some(now))];
    tx.run(&LOCK_USER, &params![tenant, &family.user_id]).await?;
    tx.run(&REVOKE_GRANT, &values).await
}

/// Revokes what came from these sessions of a user, by their ids in ID tokens.
pub(crate) async fn revoke_of_sessions(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    sids: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&LOCK_USER, &params![tenant, user_id]).await?;
    for sid in sids {
        let values = params![tenant, user_id, sid, now, "session_revoked", forget_at(Some(now))];
        tx.run(&REVOKE_OF_SESSION, &values).await?;
    }
    Ok(())
}

/// Revokes what came of one session that has just ended.
pub async fn revoke_of_session_id(
    tx: &mut Tx,
    tenant: &TenantId,
    session_id: &str,
    because: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = params![tenant, session_id, now, because, forget_at(Some(now))];
    tx.run(&REVOKE_OF_SESSION_ID, &values).await.map(drop)
}

/// Revokes what a user's grant to a client had allowed; `audience` is empty for `/userinfo` only.
pub(crate) async fn revoke_of_grant(
    tx: &mut Tx,
    tenant: &TenantId,
    parties: crate::grants::Parties<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let crate::grants::Parties { user_id, client_id, audience } = parties;
    tx.run(&LOCK_USER, &params![tenant, user_id]).await?;
    let values = params![tenant, user_id, client_id, audience, now, "grant_deleted", forget_at(Some(now))];
    tx.run(&REVOKE_GRANT, &values).await.map(drop)
}

/// Revokes what an authorization code was exchanged for; returns the families that lived until now.
pub async fn revoke_of_code(
    tx: &mut Tx,
    tenant: &TenantId,
    code_hash: &str,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let values = params![tenant, code_hash, now, "code_reused", forget_at(Some(now))];
    tx.all(&REVOKE_OF_CODE, &values).await?.iter().map(|row| row.text(0)).collect()
}

/// Deletes all of a user that is being deleted.
pub(crate) async fn delete_of_user(tx: &mut Tx, tenant: &TenantId, user_id: &str) -> Result<(), StoreError> {
    tx.run(&DELETE_TOKENS_OF_USER, &params![tenant, user_id]).await?;
    tx.run(&DELETE_OF_USER, &params![tenant, user_id]).await.map(drop)
}

/// Deletes all of a client that is being deleted.
pub(crate) async fn delete_of_client(
    tx: &mut Tx,
    tenant: &TenantId,
    client_id: &str,
) -> Result<(), StoreError> {
    tx.run(&DELETE_TOKENS_OF_CLIENT, &params![tenant, client_id]).await?;
    tx.run(&DELETE_OF_CLIENT, &params![tenant, client_id]).await.map(drop)
}

fn forget_at(end: Option<Timestamp>) -> Option<Timestamp> {
    end.map(|end| end.plus_seconds(KEPT_AFTER_END_SECONDS))
}

fn read(row: &Row) -> Result<Family, StoreError> {
    Ok(Family {
        family_id: row.text(0)?,
        client_id: row.text(1)?,
        user_id: row.text(2)?,
        audience: row.opt_text(3)?,
        scope: row.text(4)?,
        session_id: row.opt_text(5)?,
        connection: row.opt_text(6)?,
        auth_time: row.opt_time(7)?,
        code_hash: row.opt_text(8)?,
        rotating: row.bool(9)?,
        generation: row.int(10)?,
        advanced_at: row.time(11)?,
        issued_at: row.time(12)?,
        last_used_at: row.time(13)?,
        expires_at: row.opt_time(14)?,
        revoked_because: row.opt_text(15)?,
    })
}

#[cfg(test)]
#[path = "refresh_tokens_tests.rs"]
mod tests;
