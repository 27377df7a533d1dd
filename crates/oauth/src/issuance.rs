//! The phases that every grant shares: decide, plan, record in one transaction, sign.
//!
//! No grant can forget one. What is refused is logged with its reason, in the transaction that spent
//! what was presented.

use std::sync::Arc;

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::scope::{self, ScopeReport};
use gatewright_core::tokens::access_token::{self, AccessTokenFacts, AccessTokenPlan};
use gatewright_core::tokens::{Channel, id_token};
use gatewright_http::RequestCx;
use gatewright_jose::left_half_hash;
use gatewright_resources::access_tokens::AccessToken;
use gatewright_resources::logs;
use gatewright_store::Tx;
use serde::Serialize;
use serde_json::{Value, json};

use crate::decision::{self, Wanted};
use crate::events;
use crate::grants::{Flow, Grant, Presented, Refused, RefusedEvent, Subject};
use crate::mint::{self, Opaque};
use crate::refresh;
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
}

/// Redeems what was presented and issues the tokens.
pub(crate) async fn issue(
    cx: &RequestCx,
    grant: &'static Grant,
    client: Arc<Client>,
    presented: Box<dyn Presented>,
) -> Result<Issued, Stop> {
    let desk = Desk { cx: cx.clone(), grant, client };
    let recorded = cx.app.db.write(move |tx| Box::pin(desk.serve(tx, presented))).await??;
    recorded.sign(cx).await
}

/// One request at the token endpoint, inside its transaction.
struct Desk {
    cx: RequestCx,
    grant: &'static Grant,
    client: Arc<Client>,
}

/// Tokens that are planned and recorded, not signed yet.
struct Recorded {
    client: Arc<Client>,
    subject: Subject,
    report: ScopeReport,
    access: AccessTokenPlan,
    opaque: Option<Opaque>,
    refresh_token: Option<String>,
}

impl Desk {
    async fn serve(
        self,
        tx: &mut Tx,
        presented: Box<dyn Presented>,
    ) -> Result<Result<Recorded, OAuthError>, Stop> {
        let subject = match presented.redeem(tx, &self.cx, &self.client).await? {
            Ok(subject) => subject,
            Err(Refused { error, user_id, event, ledger: more }) => {
                let mut ledger = json!({"reason": error.reason});
                merge(&mut ledger, more);
                let code = match event {
                    RefusedEvent::Usual => self.grant.events.1,
                    RefusedEvent::Named(code) => code,
                    RefusedEvent::Written | RefusedEvent::Left => return Ok(Err(error)),
                };
                self.log_failure_as(code, tx, user_id, &error, ledger).await?;
                return Ok(Err(error));
            }
        };
        let user_id = subject.user.as_ref().map(|user| user.user_id.clone());
        if subject.user.as_ref().is_some_and(|user| user.blocked) {
            let error = OAuthError::user_blocked().because("user_blocked");
            self.log_failure(tx, user_id, &error, json!({"reason": "user_blocked"})).await?;
            return Ok(Err(error));
        }

        let (cx, client) = (&self.cx, &self.client);
        let (scope, audience) = (subject.scope.as_deref(), subject.audience.as_deref());
        let wanted = match &subject.flow {
            Flow::Code => Wanted::new(cx, scope, audience, scope::Flow::Code),
            Flow::Password => Wanted::new(cx, scope, audience, scope::Flow::Password),
            Flow::ClientCredentials => Wanted::new(cx, scope, audience, scope::Flow::ClientCredentials),
            Flow::Refresh { original } => Wanted::narrowed(cx, scope, audience, original.clone()),
        };
        let permissions = match &user_id {
            Some(user_id) => wanted.permissions(tx, cx, user_id).await?,
            None => Vec::new(),
        };
        let decided = wanted.decide(cx, client, user_id.as_deref(), &permissions);
        let mut ledger = decision::detail(&decided);
        if let Some(exchanged) = &subject.refresh {
            merge(&mut ledger, exchanged.ledger());
        }
        let report = match decided {
            Ok(report) => report,
            Err(refusal) => {
                self.log_failure(tx, user_id, &refusal.error, ledger).await?;
                return Ok(Err(refusal.error));
            }
        };
        if let Err(error) = decision::signing_alg_supported(wanted.api.as_ref()) {
            self.log_failure(tx, user_id, &error, ledger).await?;
            return Ok(Err(error));
        }

        let access = self.plan(&subject, &wanted, &report, permissions);
        let opaque = Opaque::draw(cx, &access);
        if let (Some(opaque), Some(user)) = (&opaque, &subject.user) {
            let token = AccessToken {
                client_id: client.client_id.clone(),
                user_id: user.user_id.clone(),
                scope: report.scope_text(),
                code_hash: subject.code_hash.clone(),
            };
            opaque.store(tx, cx, &token).await?;
        }
        let refresh_token = match (&subject.refresh, &subject.user) {
            (Some(exchanged), _) => exchanged.settle(tx, cx).await?,
            (None, Some(user)) if report.grants(scope::OFFLINE_ACCESS) => {
                let begun = refresh::begin(tx, cx, client, user, &subject, &wanted, &report).await?;
                merge(&mut ledger, begun.ledger);
                Some(begun.token)
            }
            (None, _) => None,
        };
        self.log_success(tx, &subject, &wanted, &report, ledger).await?;
        Ok(Ok(Recorded { client: self.client, subject, report, access, opaque, refresh_token }))
    }

    fn plan(
        &self,
        subject: &Subject,
        wanted: &Wanted,
        report: &ScopeReport,
        permissions: Vec<String>,
    ) -> AccessTokenPlan {
        let client_id = &self.client.client_id;
        let granted = || report.granted().into_iter().map(str::to_owned).collect();
        let (sub, permissions) = match &subject.user {
            Some(user) => (user.user_id.clone(), permissions),
            // A machine's permissions are its grant.
            None => (format!("{client_id}@clients"), granted()),
        };
        access_token::plan(&AccessTokenFacts {
            issuer: &self.cx.issuer,
            subject: &sub,
            client_id,
            audience: &report.audience,
            api: wanted.api.as_ref(),
            scope: &report.scope_text(),
            permissions: &permissions,
            channel: Channel::Back,
            grant: subject.gty,
            now: self.cx.now,
            jti: &self.cx.app.random.alphanumeric(22),
        })
    }

    async fn log_success(
        &self,
        tx: &mut Tx,
        subject: &Subject,
        wanted: &Wanted,
        report: &ScopeReport,
        ledger: Value,
    ) -> Result<(), Stop> {
        let mut event = events::event(&self.cx, self.grant.events.0, Some(&self.client));
        let connection = subject.connection.as_deref().and_then(|name| self.cx.tenant.connection(name));
        if let Some(connection) = connection {
            event = events::at_connection(event, connection);
        }
        if let Some(user) = &subject.user {
            event.user_id = Some(user.user_id.clone());
            event.user_name = user.text("name").map(str::to_owned);
        }
        event.audience = wanted.audience.clone();
        event.scope = report.granted().into_iter().map(str::to_owned).collect();
        event.details = json!({"decision": ledger});
        logs::append(tx, &self.cx.tenant.id, self.cx.now, &self.cx.app.random, &event).await?;
        Ok(())
    }

    async fn log_failure(
        &self,
        tx: &mut Tx,
        user_id: Option<String>,
        error: &OAuthError,
        ledger: Value,
    ) -> Result<(), Stop> {
        self.log_failure_as(self.grant.events.1, tx, user_id, error, ledger).await
    }

    async fn log_failure_as(
        &self,
        code: &'static str,
        tx: &mut Tx,
        user_id: Option<String>,
        error: &OAuthError,
        ledger: Value,
    ) -> Result<(), Stop> {
        let mut event = events::event(&self.cx, code, Some(&self.client));
        event.description = Some(error.description.to_string());
        event.user_id = user_id;
        event.details =
            json!({"error": {"message": error.description, "oauthError": error.code}, "decision": ledger});
        logs::append(tx, &self.cx.tenant.id, self.cx.now, &self.cx.app.random, &event).await?;
        Ok(())
    }
}

impl Recorded {
    async fn sign(self, cx: &RequestCx) -> Result<Issued, Stop> {
        let Self { client, subject, report, access, opaque, refresh_token } = self;
        let expires_in = access.lifetime_seconds();
        let access_token = mint::access_token(cx, access, opaque).await?;
        let scopes = report.granted();
        let id_token = match &subject.user {
            Some(user) if scopes.contains(&"openid") => {
                let claims = id_token::plan(&id_token::IdTokenFacts {
                    issuer: &cx.issuer,
                    client: &client,
                    user,
                    scopes: &scopes,
                    nonce: subject.nonce.as_deref(),
                    session_id: subject.session_id.as_deref(),
                    auth_time: subject.auth_time,
                    at_hash: Some(&left_half_hash(&access_token)),
                    c_hash: None,
                    claim_types: cx.tenant.claim_types(),
                    now: cx.now,
                });
                Some(mint::id_token(cx, &client, claims).await?)
            }
            _ => None,
        };
        let scope = report.scope_text();
        Ok(Issued { access_token, id_token, refresh_token, scope, expires_in, token_type: "Bearer" })
    }
}

/// Adds the members of one object to another; anything but objects is left as it is.
fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}
