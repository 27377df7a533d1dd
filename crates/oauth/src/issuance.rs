//! The phases that every grant shares: redeem, decide, run the tenant's scripts, record, sign.
//!
//! No grant can forget one. Without scripts all of it is one transaction. With scripts there are two, for no
//! transaction is open while a script runs: what was presented is spent in the first, tokens are recorded in
//! the second. What is refused is logged with its reason.

mod desk;
mod pipeline;

use std::sync::Arc;

use gatewright_core::client::Client;
use gatewright_core::scope::ScopeReport;
use gatewright_core::token_exchange::ACCESS_TOKEN;
use gatewright_core::tokens::access_token::AccessTokenPlan;
use gatewright_http::RequestCx;
use gatewright_jose::left_half_hash;
use serde::Serialize;
use serde_json::{Map, Value};

use self::desk::{Case, Desk};
use crate::grants::{Grant, Presented};
use crate::mint::{self, Opaque};
use crate::scripts::afterwards;
use crate::scripts::event::Sent;
use crate::stop::Stop;

/// The answer of the token endpoint, RFC 6749 section 5.1.
#[derive(Debug, Serialize)]
pub(crate) struct Issued {
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    scope: String,
    expires_in: i64,
    token_type: &'static str,
    /// RFC 8693 section 2.2.1: of exchanges only.
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
    /// In place of the recovery code that was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_code: Option<String>,
}

/// Redeems what was presented and issues the tokens. `sent` is what scripts may see of the request.
pub(crate) async fn issue(
    cx: &RequestCx,
    grant: &'static Grant,
    client: Arc<Client>,
    presented: Box<dyn Presented>,
    sent: Sent,
) -> Result<Issued, Stop> {
    let (made, told) = (presented.new_account(), Arc::clone(&client));
    let tell = |sent: &Sent| {
        if let Some((user, connection)) = made.as_ref().and_then(|made| made.get()) {
            afterwards::registered(cx, Some(&told), connection, user, sent);
        }
    };
    let desk = Desk { cx: cx.clone(), grant, client };
    if !pipeline::any(cx, grant) {
        let recorded = cx.app.db.write(move |tx| Box::pin(desk.serve(tx, presented))).await?;
        tell(&sent);
        return recorded?.sign(cx).await;
    }
    let first = desk.clone();
    let redeemed =
        cx.app.db.write(move |tx| Box::pin(async move { first.redeem(tx, presented, true).await }));
    let redeemed = redeemed.await?;
    tell(&sent);
    let case: Case = redeemed?;
    let case = match pipeline::run(&desk, case, sent).await? {
        Ok(case) => case,
        Err(error) => return Err(error.into()),
    };
    let recorded = cx.app.db.write(move |tx| Box::pin(desk.record_later(tx, case))).await??;
    recorded.sign(cx).await
}

/// Tokens that are planned and recorded, not signed yet.
struct Recorded {
    client: Arc<Client>,
    report: ScopeReport,
    access: AccessTokenPlan,
    opaque: Option<Opaque>,
    refresh_token: Option<String>,
    /// The claims of the ID token without `at_hash`.
    id_token: Option<Map<String, Value>>,
    /// RFC 8693 section 2.2.1: the answer says what kind of token it holds.
    exchanged: bool,
    recovery_code: Option<String>,
}

impl Recorded {
    async fn sign(self, cx: &RequestCx) -> Result<Issued, Stop> {
        let Self { client, report, access, opaque, refresh_token, id_token, exchanged, recovery_code } = self;
        let expires_in = access.lifetime_seconds();
        let access_token = mint::access_token(cx, access, opaque).await?;
        let id_token = match id_token {
            Some(mut claims) => {
                claims.insert("at_hash".to_owned(), left_half_hash(&access_token).into());
                Some(mint::id_token(cx, &client, Value::Object(claims)).await?)
            }
            None => None,
        };
        let scope = report.scope_text();
        let issued_token_type = exchanged.then_some(ACCESS_TOKEN);
        let token_type = "Bearer";
        Ok(Issued {
            access_token,
            id_token,
            refresh_token,
            scope,
            expires_in,
            token_type,
            issued_token_type,
            recovery_code,
        })
    }
}
