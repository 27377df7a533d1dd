//! The authorization code grant, RFC 6749 section 4.1.3, with PKCE (RFC 7636).

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_jose::{constant_time_eq, pkce_s256, token_hash};
use gatewright_resources::authorization_codes::{self, AuthorizationCode, Redemption};
use gatewright_resources::{access_tokens, refresh_tokens, users};
use gatewright_store::{BoxFuture, Tx};
use serde_json::{Value, json};

use super::{Flow, Grant, Presented, Redeemed, Refused, Subject};
use crate::stop::Stop;

pub(crate) static GRANT: Grant = Grant {
    name: "authorization_code",
    params: &["code", "redirect_uri", "code_verifier"],
    events: ("seacft", "feacft"),
    present: |_cx, _client, params| {
        Box::pin(async move {
            let code = params.text("code").ok_or_else(|| OAuthError::missing_parameter("code"))?;
            let text = |name| params.text(name).map(str::to_owned);
            let presented: Box<dyn Presented> = Box::new(Code {
                code_hash: token_hash(code),
                redirect_uri: text("redirect_uri"),
                code_verifier: text("code_verifier"),
            });
            Ok(presented)
        })
    },
};

/// A code as a client presents it.
struct Code {
    code_hash: String,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
}

impl Presented for Code {
    fn redeem<'t>(
        self: Box<Self>,
        tx: &'t mut Tx,
        cx: &'t RequestCx,
        client: &'t Client,
    ) -> BoxFuture<'t, Result<Redeemed, Stop>> {
        Box::pin(async move {
            let code = match authorization_codes::spend(tx, &cx.tenant.id, &self.code_hash, cx.now).await? {
                Redemption::Spent(code) => *code,
                Redemption::Reused { client_id } => {
                    let mut refused = refused("code_reused", None);
                    if client_id == client.client_id {
                        refused.ledger = take_back(tx, cx, &self.code_hash).await?;
                    }
                    return Ok(Err(refused));
                }
                Redemption::Expired => return Ok(Err(refused("code_expired", None))),
                Redemption::Unknown => return Ok(Err(refused("code_unknown", None))),
            };
            if let Err(reason) = self.may_redeem(&code, client) {
                return Ok(Err(refused(reason, Some(code.user_id))));
            }
            let found = users::by_id(tx, &cx.tenant.id, &code.user_id).await?;
            let user = found.and_then(|document| serde_json::from_value::<User>(document).ok());
            let Some(user) = user else { return Ok(Err(refused("user_deleted", Some(code.user_id)))) };
            Ok(Ok(Subject {
                user: Some(user),
                scope: code.scope,
                audience: code.audience,
                flow: Flow::Code,
                gty: None,
                nonce: code.nonce,
                session_id: Some(code.session_id),
                auth_time: code.auth_time_wanted.then_some(code.auth_time),
                multifactor: code.multifactor,
                connection: Some(code.connection),
                code_hash: Some(self.code_hash),
                refresh: None,
                verdict: code.verdict,
                exchanged: None,
                second_step: None,
            }))
        })
    }
}

/// RFC 6749 section 4.1.2: a code that comes again was stolen, or its first use was the thief's; what it
/// was exchanged for dies. Signed access tokens are not stored and live on until they expire.
async fn take_back(tx: &mut Tx, cx: &RequestCx, code_hash: &str) -> Result<Value, Stop> {
    let access_tokens = access_tokens::delete_of_code(tx, &cx.tenant.id, code_hash).await?;
    let families = refresh_tokens::revoke_of_code(tx, &cx.tenant.id, code_hash, cx.now).await?;
    Ok(json!({"revoked": {"access_tokens": access_tokens, "refresh_token_families": families}}))
}

impl Code {
    /// RFC 6749 section 4.1.3 and RFC 7636 section 4.6.
    fn may_redeem(&self, code: &AuthorizationCode, client: &Client) -> Result<(), &'static str> {
        if code.client_id != client.client_id {
            return Err("code_of_other_client");
        }
        // Compat: SDKs of the implicit era leave redirect_uri out; PKCE binds the code for public clients.
        if self.redirect_uri.as_ref().is_some_and(|uri| *uri != code.redirect_uri) {
            return Err("redirect_uri_mismatch");
        }
        match (&code.code_challenge, &self.code_verifier) {
            (None, None) => Ok(()),
            // RFC 9700 section 2.1.1: a verifier for a code made without a challenge is a downgrade.
            (None, Some(_)) => Err("code_verifier_unexpected"),
            (Some(_), None) => Err("code_verifier_missing"),
            (Some(challenge), Some(verifier)) => {
                let plain = code.code_challenge_method.as_deref() == Some("plain");
                let computed = if plain { verifier.clone() } else { pkce_s256(verifier) };
                match constant_time_eq(computed.as_bytes(), challenge.as_bytes()) {
                    true => Ok(()),
                    false => Err("code_verifier_wrong"),
                }
            }
        }
    }
}

/// One text for every code that cannot be redeemed; which rule it broke is in the log.
fn refused(reason: &'static str, user_id: Option<String>) -> Refused {
    let text = match reason {
        "code_verifier_wrong" => "Failed to verify code verifier",
        _ => "Invalid authorization code",
    };
    Refused::from(OAuthError::invalid_grant(text).because(reason)).of(user_id)
}
