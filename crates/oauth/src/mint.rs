//! Makes the tokens that were planned: signs JWTs off the reactor, draws opaque ones.

use gatewright_core::client::Client;
use gatewright_core::tokens::access_token::AccessTokenPlan;
use gatewright_http::{Fault, RequestCx};
use gatewright_jose::{SigningKey, random_token, sign_hs256, token_hash};
use gatewright_resources::access_tokens::{self, AccessToken};
use gatewright_store::{StoreError, Tx};
use serde_json::Value;
use std::sync::Arc;

use crate::stop::Stop;

/// An opaque token drawn before the transaction that stores it.
pub(crate) struct Opaque {
    token: String,
    lifetime_seconds: i64,
}

impl Opaque {
    /// Draws one if the plan wants it.
    pub(crate) fn draw(cx: &RequestCx, plan: &AccessTokenPlan) -> Option<Self> {
        match plan {
            AccessTokenPlan::Opaque { lifetime_seconds } => {
                let token = random_token(&cx.app.random, 32);
                Some(Self { token, lifetime_seconds: *lifetime_seconds })
            }
            AccessTokenPlan::Jwt { .. } => None,
        }
    }

    /// Stores it, in the transaction that spends what it was given for.
    pub(crate) async fn store(
        &self,
        tx: &mut Tx,
        cx: &RequestCx,
        token: &AccessToken,
    ) -> Result<(), StoreError> {
        let expires_at = cx.now.plus_seconds(self.lifetime_seconds);
        access_tokens::insert(tx, &cx.tenant.id, &token_hash(&self.token), token, cx.now, expires_at).await
    }
}

/// Counts a token that leaves the server, by kind.
fn count(kind: &'static str) {
    metrics::counter!("gatewright_tokens_issued_total", "kind" => kind).increment(1);
}

/// The access token as text.
pub(crate) async fn access_token(
    cx: &RequestCx,
    plan: AccessTokenPlan,
    opaque: Option<Opaque>,
) -> Result<String, Stop> {
    count("access_token");
    match (plan, opaque) {
        (AccessTokenPlan::Jwt { typ, claims, .. }, _) => {
            Ok(cx.app.signer.sign(key(cx)?, typ, claims).await?)
        }
        (AccessTokenPlan::Opaque { .. }, Some(opaque)) => Ok(opaque.token),
        (AccessTokenPlan::Opaque { .. }, None) => {
            Err(Fault::internal("an opaque token was not drawn").into())
        }
    }
}

/// The ID token as text: RS256, or HS256 with the client's secret if the client says so and has one.
pub(crate) async fn id_token(cx: &RequestCx, client: &Client, claims: Value) -> Result<String, Stop> {
    count("id_token");
    if client.signs_with_secret() {
        return Ok(sign_hs256(client.client_secret.reveal().as_bytes(), "JWT", &claims));
    }
    Ok(cx.app.signer.sign(key(cx)?, "JWT", claims).await?)
}

fn key(cx: &RequestCx) -> Result<Arc<SigningKey>, Fault> {
    cx.tenant.signing_keys().first().cloned().ok_or_else(|| Fault::internal("the tenant has no signing key"))
}
