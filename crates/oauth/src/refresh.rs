//! Refresh tokens as issuance hands them out: the first of a family, and what an exchange yields.

use gatewright_core::client::Client;
use gatewright_core::refresh::{Exchange, RefreshPolicy, Replacement};
use gatewright_core::scope::ScopeReport;
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_jose::{random_token, token_hash};
use gatewright_resources::logs;
use gatewright_resources::refresh_tokens::{self, Claimed, Family, family_detail};
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

use crate::decision::Wanted;
use crate::events;
use crate::grants::Subject;

/// A refresh token that was accepted. Nothing happens to its family until tokens are issued for it: what
/// is refused later, for the user or the API, leaves the token as it was.
#[derive(Debug)]
pub(crate) struct Refresh {
    /// The hash of the token.
    pub(crate) hash: String,
    pub(crate) claimed: Claimed,
    pub(crate) exchange: Exchange,
}

impl Refresh {
    /// Carries out the exchange; the new token, where there is one.
    pub(crate) async fn settle(&self, tx: &mut Tx, cx: &RequestCx) -> Result<Option<String>, StoreError> {
        let token = match self.exchange.replacement {
            Replacement::Kept => None,
            Replacement::Next | Replacement::Beside => Some(random_token(&cx.app.random, 32)),
        };
        let hash = token.as_deref().map(token_hash);
        let family = &self.claimed.family;
        refresh_tokens::exchange(tx, &cx.tenant.id, family, &self.exchange, hash.as_deref(), cx.now).await?;
        Ok(token)
    }

    /// Members of the log event's `details.decision`.
    pub(crate) fn ledger(&self) -> Value {
        let mut refresh = family_detail(&self.claimed);
        refresh["reason"] = json!(self.exchange.code());
        refresh["says"] = json!(self.exchange.says());
        json!({"refresh_token": refresh})
    }
}

/// The first token of a family.
pub(crate) struct Begun {
    pub(crate) token: String,
    pub(crate) family_id: String,
    /// Members of the log event's `details.decision`.
    pub(crate) ledger: Value,
}

/// Begins a family for what was just granted.
pub(crate) async fn begin(
    tx: &mut Tx,
    cx: &RequestCx,
    client: &Client,
    user: &User,
    subject: &Subject,
    wanted: &Wanted,
    report: &ScopeReport,
) -> Result<Begun, StoreError> {
    let policy = RefreshPolicy::of(client);
    let token = random_token(&cx.app.random, 32);
    let family = Family {
        family_id: cx.app.random.alphanumeric(24),
        client_id: client.client_id.clone(),
        user_id: user.user_id.clone(),
        audience: wanted.api.is_some().then(|| wanted.audience.clone()).flatten(),
        scope: report.scope_text(),
        session_id: subject.session_id.clone(),
        connection: subject.connection.clone(),
        auth_time: subject.auth_time,
        code_hash: subject.code_hash.clone(),
        rotating: policy.rotating,
        generation: 0,
        advanced_at: cx.now,
        issued_at: cx.now,
        last_used_at: cx.now,
        expires_at: policy.expires_at(cx.now),
        revoked_because: None,
    };
    let dropped = refresh_tokens::begin(tx, &cx.tenant.id, &family, &token_hash(&token)).await?;
    if !dropped.is_empty() {
        let mut event = events::event(cx, "resource_cleanup", Some(client));
        event.description = Some("Refresh tokens over the limit of one user and client were removed.".into());
        event.user_id = Some(user.user_id.clone());
        event.details = json!({"decision": {"reason": "refresh_token_limit", "families": dropped}});
        logs::append(tx, &cx.tenant.id, cx.now, &cx.app.random, &event).await?;
    }
    let ledger = json!({"refresh_token": {
        "reason": "refresh_token_issued",
        "family_id": family.family_id,
        "rotating": family.rotating,
        "expires_at": family.expires_at.map(|end| end.iso8601()),
    }});
    Ok(Begun { token, family_id: family.family_id, ledger })
}
