//! The refresh token grant, RFC 6749 section 6, with rotation as RFC 9700 section 4.14.2 asks.

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::refresh::{RefreshPolicy, Refusal, verdict};
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_jose::token_hash;
use gatewright_resources::refresh_tokens::{self, Claimed, family_detail};
use gatewright_resources::users;
use gatewright_store::{BoxFuture, StoreError, Tx};
use serde_json::json;

use super::{Flow, Grant, Presented, Redeemed, Refused, RefusedEvent, Subject};
use crate::refresh::Refresh;
use crate::stop::Stop;

pub(super) static GRANT: Grant = Grant {
    name: "refresh_token",
    params: &["refresh_token"],
    events: ("sertft", "fertft"),
    present: |_cx, _client, params| {
        Box::pin(async move {
            let token =
                params.text("refresh_token").ok_or_else(|| OAuthError::missing_parameter("refresh_token"))?;
            let scope = params.text("scope").map(str::to_owned);
            let presented: Box<dyn Presented> = Box::new(Token { hash: token_hash(token), scope });
            Ok(presented)
        })
    },
};

/// A refresh token as a client presents it. An `audience` beside it is ignored: the token has its own.
struct Token {
    hash: String,
    scope: Option<String>,
}

impl Presented for Token {
    fn redeem<'t>(
        self: Box<Self>,
        tx: &'t mut Tx,
        cx: &'t RequestCx,
        client: &'t Client,
    ) -> BoxFuture<'t, Result<Redeemed, Stop>> {
        Box::pin(async move {
            let refresh = match judge(tx, cx, client, &self.hash).await? {
                Ok(refresh) => refresh,
                Err(refused) => return Ok(Err(refused)),
            };
            let family = &refresh.claimed.family;
            let found = users::by_id(tx, &cx.tenant.id, &family.user_id).await?;
            let Some(user) = found.and_then(|document| serde_json::from_value::<User>(document).ok()) else {
                let text = "The refresh_token was generated for a user who doesn't exist anymore.";
                let error = OAuthError::invalid_grant(text).because("user_deleted");
                return Ok(Err(Refused::from(error).of(Some(family.user_id.clone()))));
            };
            let subject = Subject {
                user: Some(user),
                scope: self.scope,
                audience: None,
                flow: Flow::Password,
                gty: None,
                nonce: None,
                session_id: None,
                auth_time: None,
                multifactor: false,
                connection: None,
                code_hash: None,
                refresh: None,
                verdict: None,
                exchanged: None,
                second_step: None,
            };
            Ok(Ok(self::subject(subject, refresh)))
        })
    }
}

/// The subject with what its refresh token says.
pub(super) fn subject(of: Subject, refresh: Refresh) -> Subject {
    let family = &refresh.claimed.family;
    Subject {
        audience: family.audience.clone(),
        flow: Flow::Refresh { original: family.scope.split_whitespace().map(str::to_owned).collect() },
        gty: Some("refresh_token"),
        // OpenID Connect Core section 12.2: no nonce, the original auth_time.
        session_id: family.session_id.clone(),
        auth_time: family.auth_time,
        connection: family.connection.clone(),
        code_hash: family.code_hash.clone(),
        refresh: Some(Box::new(refresh)),
        ..of
    }
}

/// Holds the token of this hash against its family, which stays claimed until the transaction ends. Scripts run
/// between the transaction that redeems a token and the one that issues new ones, so it happens in both.
pub(crate) async fn judge(
    tx: &mut Tx,
    cx: &RequestCx,
    client: &Client,
    hash: &str,
) -> Result<Result<Refresh, Refused>, Stop> {
    let policy = RefreshPolicy::of(client);
    let claimed = refresh_tokens::claim(tx, &cx.tenant.id, hash, policy.rotating).await?;
    let facts = claimed.as_ref().map(Claimed::facts);
    let judged = verdict(facts.as_ref(), &client.client_id, &policy, cx.now);
    match (claimed, judged) {
        (Some(claimed), Ok(exchange)) => Ok(Ok(Refresh { hash: hash.to_owned(), claimed, exchange })),
        (claimed, judged) => {
            let refusal = judged.err().unwrap_or(Refusal::Unknown);
            Ok(Err(refuse(tx, cx, refusal, claimed).await?))
        }
    }
}

/// The refusal, and the death of the family whose replaced token came again.
async fn refuse(
    tx: &mut Tx,
    cx: &RequestCx,
    refusal: Refusal,
    claimed: Option<Claimed>,
) -> Result<Refused, StoreError> {
    let mut refused = Refused::from(refusal.error());
    let mut ledger = json!({"says": refusal.says()});
    if let Some(claimed) = claimed {
        if refusal == Refusal::Reused {
            refused.event = RefusedEvent::Named("ferrt");
            let id = &claimed.family.family_id;
            refresh_tokens::revoke(tx, &cx.tenant.id, id, refusal.code(), cx.now).await?;
        }
        ledger["refresh_token"] = family_detail(&claimed);
        refused.user_id = Some(claimed.family.user_id);
    }
    refused.ledger = ledger;
    Ok(refused)
}
