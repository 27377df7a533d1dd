//! The authorization code grant, RFC 6749 section 4.1.3, with PKCE (RFC 7636).
//! Owns: whether the code presented may be redeemed. Not: client authentication, scopes, claims, signing.

use std::sync::Arc;

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::scope::{Flow, ScopeReport};
use gatewright_core::tokens::access_token::{self, AccessTokenFacts, AccessTokenPlan};
use gatewright_core::tokens::{Channel, id_token};
use gatewright_core::user::User;
use gatewright_http::{Params, RequestCx};
use gatewright_jose::{constant_time_eq, left_half_hash, pkce_s256, token_hash};
use gatewright_resources::access_tokens::AccessToken;
use gatewright_resources::authorization_codes::{self, AuthorizationCode, Redemption};
use gatewright_resources::{logs, users};
use gatewright_store::Tx;
use serde_json::{Value, json};

use super::{Grant, Issued};
use crate::decision::{self, Wanted};
use crate::events;
use crate::mint::{self, Opaque};
use crate::stop::Stop;

pub(super) static GRANT: Grant = Grant {
    name: "authorization_code",
    params: &["code", "redirect_uri", "code_verifier"],
    redeem: |cx, client, params| Box::pin(redeem(cx, client, params)),
};

async fn redeem(cx: RequestCx, client: Arc<Client>, params: Params) -> Result<Issued, Stop> {
    let code = params.text("code").ok_or_else(|| OAuthError::missing_parameter("code"))?.to_owned();
    let exchange = Exchange {
        cx: cx.clone(),
        client: Arc::clone(&client),
        redirect_uri: params.text("redirect_uri").map(str::to_owned),
        code_verifier: params.text("code_verifier").map(str::to_owned),
    };
    // A refusal is a value: the code stays spent, whoever presented it.
    let redeemed = cx.app.db.write(move |tx| Box::pin(exchange.run(tx, token_hash(&code)))).await??;
    redeemed.sign(&cx, &client).await
}

/// One attempt to redeem a code, in one transaction.
struct Exchange {
    cx: RequestCx,
    client: Arc<Client>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
}

/// A code that was redeemed; its tokens are planned, not signed.
struct Redeemed {
    code: AuthorizationCode,
    user: User,
    report: ScopeReport,
    access: AccessTokenPlan,
    opaque: Option<Opaque>,
}

impl Exchange {
    async fn run(self, tx: &mut Tx, code_hash: String) -> Result<Result<Redeemed, OAuthError>, Stop> {
        let tenant = &self.cx.tenant.id;
        let code = match authorization_codes::spend(tx, tenant, &code_hash, self.cx.now).await? {
            Redemption::Spent(code) => *code,
            Redemption::Reused => return self.refuse(tx, None, "code_reused").await,
            Redemption::Expired => return self.refuse(tx, None, "code_expired").await,
            Redemption::Unknown => return self.refuse(tx, None, "code_unknown").await,
        };
        if let Err(reason) = self.may_redeem(&code) {
            return self.refuse(tx, Some(&code), reason).await;
        }
        let found = users::by_id(tx, tenant, &code.user_id).await?;
        let Some(user) = found.and_then(|document| serde_json::from_value::<User>(document).ok()) else {
            return self.refuse(tx, Some(&code), "user_deleted").await;
        };
        if user.blocked {
            self.log(tx, "feacft", Some(&code), json!({"reason": "user_blocked"})).await?;
            return Ok(Err(OAuthError::user_blocked().because("user_blocked")));
        }
        self.decide(tx, code, user).await
    }

    /// RFC 6749 section 4.1.3 and RFC 7636 section 4.6.
    fn may_redeem(&self, code: &AuthorizationCode) -> Result<(), &'static str> {
        if code.client_id != self.client.client_id {
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

    async fn decide(
        &self,
        tx: &mut Tx,
        code: AuthorizationCode,
        user: User,
    ) -> Result<Result<Redeemed, OAuthError>, Stop> {
        let cx = &self.cx;
        let wanted = Wanted::new(cx, code.scope.as_deref(), code.audience.as_deref(), Flow::Code);
        let permissions = wanted.permissions(tx, cx, &user.user_id).await?;
        let decided = wanted.decide(cx, &self.client, Some(&user.user_id), &permissions);
        let ledger = decision::detail(&decided);
        let report = match decided {
            Ok(report) => report,
            Err(refusal) => {
                self.log(tx, "feacft", Some(&code), ledger).await?;
                return Ok(Err(refusal.error));
            }
        };
        decision::signing_alg_supported(wanted.api.as_ref())?;
        let access = access_token::plan(&AccessTokenFacts {
            issuer: &cx.issuer,
            subject: &user.user_id,
            client_id: &self.client.client_id,
            audience: &report.audience,
            api: wanted.api.as_ref(),
            scope: &report.scope_text(),
            permissions: &permissions,
            channel: Channel::Back,
            grant: None,
            now: cx.now,
            jti: &cx.app.random.alphanumeric(22),
        });
        let opaque = Opaque::draw(cx, &access);
        if let Some(opaque) = &opaque {
            let token = AccessToken {
                client_id: self.client.client_id.clone(),
                user_id: user.user_id.clone(),
                scope: report.scope_text(),
            };
            opaque.store(tx, cx, &token).await?;
        }
        self.log(tx, "seacft", Some(&code), ledger).await?;
        Ok(Ok(Redeemed { code, user, report, access, opaque }))
    }

    /// One text for every code that cannot be redeemed; which rule it broke is in the log.
    async fn refuse(
        &self,
        tx: &mut Tx,
        code: Option<&AuthorizationCode>,
        reason: &'static str,
    ) -> Result<Result<Redeemed, OAuthError>, Stop> {
        self.log(tx, "feacft", code, json!({"reason": reason})).await?;
        let text = match reason {
            "code_verifier_wrong" => "Failed to verify code verifier",
            _ => "Invalid authorization code",
        };
        Ok(Err(OAuthError::invalid_grant(text).because(reason)))
    }

    async fn log(
        &self,
        tx: &mut Tx,
        event_code: &'static str,
        code: Option<&AuthorizationCode>,
        ledger: Value,
    ) -> Result<(), Stop> {
        let mut event = events::event(&self.cx, event_code, Some(&self.client));
        if let Some(code) = code {
            event.user_id = Some(code.user_id.clone());
            event.audience = code.audience.clone();
            if let Some(connection) = self.cx.tenant.connection(&code.connection) {
                event = events::at_connection(event, connection);
            }
        }
        event.details = json!({"decision": ledger});
        logs::append(tx, &self.cx.tenant.id, self.cx.now, &self.cx.app.random, &event).await?;
        Ok(())
    }
}

impl Redeemed {
    async fn sign(self, cx: &RequestCx, client: &Client) -> Result<Issued, Stop> {
        let Self { code, user, report, access, opaque } = self;
        let expires_in = access.lifetime_seconds();
        let access_token = mint::access_token(cx, access, opaque).await?;
        let scopes = report.granted();
        let id_token = if scopes.contains(&"openid") {
            let claims = id_token::plan(&id_token::IdTokenFacts {
                issuer: &cx.issuer,
                client,
                user: &user,
                scopes: &scopes,
                nonce: code.nonce.as_deref(),
                session_id: Some(&code.session_id),
                auth_time: code.auth_time_wanted.then_some(code.auth_time),
                at_hash: Some(&left_half_hash(&access_token)),
                c_hash: None,
                now: cx.now,
            });
            Some(mint::id_token(cx, client, claims).await?)
        } else {
            None
        };
        Ok(Issued { access_token, id_token, scope: report.scope_text(), expires_in, token_type: "Bearer" })
    }
}
