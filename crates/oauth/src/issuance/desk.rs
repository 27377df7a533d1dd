//! One request at the token endpoint, inside its transactions.

use std::sync::Arc;

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::explain::asked;
use gatewright_core::ledger;
use gatewright_core::reasons::change::{ChangeFacts, change};
use gatewright_core::resource_server::signing_alg_supported;
use gatewright_core::scope::{self, ScopeReport};
use gatewright_core::script::Verdict;
use gatewright_core::tokens::Channel;
use gatewright_core::tokens::access_token::{self, AccessTokenFacts, AccessTokenPlan};
use gatewright_core::tokens::id_token::{self, IdTokenFacts};
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_resources::access_tokens::AccessToken;
use gatewright_resources::login_transactions::Progress;
use gatewright_resources::{logs, refresh_tokens, users};
use gatewright_store::Tx;
use serde_json::{Map, Value, json};

use super::Recorded;
use crate::decision::{self, Wanted};
use crate::events::{self, merge};
use crate::grants::{Flow, Grant, Presented, Refused, RefusedEvent, Subject, refresh_token};
use crate::mint::Opaque;
use crate::multifactor::{self, Factors};
use crate::refresh;
use crate::scripts::{self, carry_out, login};
use crate::stop::Stop;

/// A request and whose it is.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) cx: RequestCx,
    pub(super) grant: &'static Grant,
    pub(super) client: Arc<Client>,
}

/// What scripts look at besides what was redeemed.
#[derive(Default)]
pub(super) struct Looks {
    pub(super) factors: Factors,
    pub(super) roles: Vec<String>,
    /// `event.refresh_token.metadata`.
    pub(super) metadata: Option<Value>,
}

/// What was redeemed, and decided so far.
pub(super) struct Case {
    pub(super) subject: Subject,
    pub(super) wanted: Wanted,
    pub(super) permissions: Vec<String>,
    pub(super) report: ScopeReport,
    pub(super) verdict: Verdict,
    /// `details.decision` of the log event.
    pub(super) ledger: Value,
    /// Where scripts run.
    pub(super) looks: Looks,
}

/// A refusal is a value: what was spent or counted stays so.
type Answer<T> = Result<Result<T, OAuthError>, Stop>;

impl Desk {
    /// Everything in one transaction.
    pub(super) async fn serve(self, tx: &mut Tx, presented: Box<dyn Presented>) -> Answer<Recorded> {
        match self.redeem(tx, presented, false).await? {
            Ok(case) => self.record(tx, case).await,
            Err(error) => Ok(Err(error)),
        }
    }

    /// Spends what was presented and decides the scopes. `scripts`: they will run.
    pub(super) async fn redeem(
        &self,
        tx: &mut Tx,
        presented: Box<dyn Presented>,
        scripts: bool,
    ) -> Answer<Case> {
        let mut subject = match presented.redeem(tx, &self.cx, &self.client).await? {
            Ok(subject) => subject,
            Err(refused) => return self.refuse(tx, refused).await.map(Err),
        };
        let user_id = subject.user.as_ref().map(|user| user.user_id.clone());
        if subject.user.as_ref().is_some_and(|user| user.blocked) {
            return self.refuse_blocked(tx, user_id).await.map(Err);
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
        ledger["asked"] = asked::token(self.grant.name);
        if let Some(exchanged) = &subject.refresh {
            merge(&mut ledger, exchanged.ledger());
        }
        let mut report = match decided {
            Ok(report) => report,
            Err(refusal) => {
                self.log_failure(tx, user_id, &refusal.error, ledger).await?;
                return Ok(Err(refusal.error));
            }
        };
        if let Err(error) = signing_alg_supported(wanted.api.as_ref()) {
            self.log_failure(tx, user_id, &error, ledger).await?;
            return Ok(Err(error));
        }
        if let Some(exchanged) = &subject.exchanged {
            ledger["scripts"] = scripts::ledger::told(&exchanged.runs, &exchanged.notes);
        }
        let mut verdict = Verdict::default();
        if let Some(decided) = subject.verdict.take() {
            verdict = *decided;
            report = login::apply(report, &wanted, &mut verdict);
            ledger["scope"] = json!(report);
            subject.user = subject.user.map(|user| login::as_stated(user, &verdict));
        }
        let looks = match &subject.user {
            Some(user) if scripts => self.look(tx, user, &subject).await?,
            _ => Looks::default(),
        };
        Ok(Ok(Case { subject, wanted, permissions, report, verdict, ledger, looks }))
    }

    async fn look(&self, tx: &mut Tx, user: &User, subject: &Subject) -> Result<Looks, Stop> {
        let metadata = match &subject.refresh {
            Some(exchanged) => {
                let family_id = &exchanged.claimed.family.family_id;
                Some(refresh_tokens::metadata(tx, &self.cx.tenant.id, family_id).await?)
            }
            None => None,
        };
        // What was passed between the step that asked for a factor and this one.
        let asked = subject.second_step.as_ref().map(|step| step.waiting.asked.clone());
        let progress = asked.map(|asked| Progress { multifactor: Some(asked), ..Progress::default() });
        let factors = multifactor::of_user(tx, &self.cx, &user.user_id, None, progress.as_ref()).await?;
        let roles = login::roles(tx, &self.cx, &user.user_id).await?;
        Ok(Looks { factors, roles, metadata })
    }

    /// Records what scripts have looked at since it was redeemed.
    pub(super) async fn record_later(self, tx: &mut Tx, mut case: Case) -> Answer<Recorded> {
        if let Some(exchanged) = &case.subject.refresh {
            // Another exchange of the family may have come between.
            match refresh_token::judge(tx, &self.cx, &self.client, &exchanged.hash).await? {
                Ok(again) => case.subject.refresh = Some(Box::new(again)),
                Err(refused) => return self.refuse(tx, refused).await.map(Err),
            }
        }
        if let Some(user_id) = case.subject.user.as_ref().map(|user| user.user_id.clone()) {
            let document = match carry_out::metadata(tx, &self.cx, &user_id, &case.verdict).await? {
                Some(document) => Some(document),
                None => users::by_id(tx, &self.cx.tenant.id, &user_id).await?,
            };
            let user = document.and_then(|document| serde_json::from_value::<User>(document).ok());
            let Some(user) = user.filter(|user| !user.blocked) else {
                return self.refuse_blocked(tx, Some(user_id)).await.map(Err);
            };
            let of = (user_id.as_str(), self.client.client_id.as_str());
            carry_out::userinfo(tx, &self.cx, of, &case.verdict.id_token).await?;
            case.subject.user = Some(login::as_stated(user, &case.verdict));
        }
        self.record(tx, case).await
    }

    /// Plans the tokens and writes what they need.
    async fn record(self, tx: &mut Tx, case: Case) -> Answer<Recorded> {
        let Case { subject, wanted, permissions, report, mut verdict, mut ledger, looks: _ } = case;
        let actor = subject.exchanged.as_ref().and_then(|exchanged| exchanged.actor.clone());
        if let Some(actor) = &actor {
            // RFC 8693 section 4.1.
            for claims in [&mut verdict.access_token, &mut verdict.id_token] {
                claims.insert("act".to_owned(), actor.clone());
            }
        }
        let (cx, client) = (&self.cx, &self.client);
        let access = self.plan(&subject, &wanted, &report, &verdict, permissions);
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
            (Some(exchanged), _) => {
                let token = exchanged.settle(tx, cx).await?;
                carry_out::refresh_token(tx, cx, &exchanged.claimed.family.family_id, &verdict).await?;
                token
            }
            (None, Some(user)) if report.grants(scope::OFFLINE_ACCESS) && actor.is_none() => {
                let begun = refresh::begin(tx, cx, client, user, &subject, &wanted, &report).await?;
                carry_out::refresh_token(tx, cx, &begun.family_id, &verdict).await?;
                merge(&mut ledger, begun.ledger);
                Some(begun.token)
            }
            (None, _) => None,
        };
        if refresh_token.is_none() && subject.refresh.is_none() {
            let none = ledger::no_refresh_token(&report, subject.user.is_none(), false, client);
            ledger["refresh_token"] = json!(none);
        }
        let id_token = self.id_token(&subject, &report, &verdict);
        merge(&mut ledger, json!(self.issued(&subject, &wanted, &access, id_token.as_ref(), &verdict)));
        self.log_success(tx, &subject, &wanted, &report, ledger).await?;
        let client = self.client;
        let exchanged = subject.exchanged.is_some();
        let recovery_code = subject.second_step.and_then(|step| step.recovery_code);
        Ok(Ok(Recorded { client, report, access, opaque, refresh_token, id_token, exchanged, recovery_code }))
    }

    /// The claims of the ID token, but for the hash of the access token, which is not signed yet.
    fn id_token(
        &self,
        subject: &Subject,
        report: &ScopeReport,
        verdict: &Verdict,
    ) -> Option<Map<String, Value>> {
        let scopes = report.granted();
        let user = subject.user.as_ref().filter(|_| scopes.contains(&"openid"))?;
        let claims = id_token::plan(&IdTokenFacts {
            issuer: &self.cx.issuer,
            client: &self.client,
            user,
            scopes: &scopes,
            nonce: subject.nonce.as_deref(),
            session_id: subject.session_id.as_deref(),
            auth_time: subject.auth_time,
            at_hash: None,
            c_hash: None,
            multifactor: subject.multifactor,
            claim_types: self.cx.tenant.claim_types(),
            custom: &verdict.id_token,
            now: self.cx.now,
        });
        match claims {
            Value::Object(claims) => Some(claims),
            _ => None,
        }
    }

    /// Why the tokens are as they are.
    fn issued(
        &self,
        subject: &Subject,
        wanted: &Wanted,
        access: &AccessTokenPlan,
        id_token: Option<&Map<String, Value>>,
        verdict: &Verdict,
    ) -> ledger::Issued {
        let api = wanted.api.as_ref();
        ledger::issued(ledger::IssuedFacts {
            client: &self.client,
            api,
            audience: ledger::AudienceFacts {
                asked: subject.audience.as_deref(),
                audience: wanted.audience.as_deref(),
                api,
                carried: matches!(subject.flow, Flow::Code | Flow::Refresh { .. }),
            },
            channel: Channel::Back,
            access: Some(access),
            id_token,
            verdict,
            machine: subject.user.is_none(),
        })
    }

    fn plan(
        &self,
        subject: &Subject,
        wanted: &Wanted,
        report: &ScopeReport,
        verdict: &Verdict,
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
            custom: &verdict.access_token,
        })
    }

    async fn refuse(&self, tx: &mut Tx, refused: Refused) -> Result<OAuthError, Stop> {
        let Refused { error, user_id, event, ledger: more } = refused;
        let code = match event {
            RefusedEvent::Usual => self.grant.events.1,
            RefusedEvent::Named(code) => code,
            RefusedEvent::Written | RefusedEvent::Left => return Ok(error),
        };
        self.log_failure_as(code, tx, user_id, &error, more).await?;
        Ok(error)
    }

    async fn refuse_blocked(&self, tx: &mut Tx, user_id: Option<String>) -> Result<OAuthError, Stop> {
        let facts = ChangeFacts { user_id: user_id.as_deref(), ..ChangeFacts::default() };
        let error =
            OAuthError::user_blocked().because("user_blocked").lifted_by(change("user_blocked", &facts));
        self.log_failure(tx, user_id, &error, Value::Null).await?;
        Ok(error)
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
        logs::write(tx, &self.cx.tenant.id, self.cx.now, &self.cx.app.random, event).await?;
        Ok(())
    }

    pub(super) async fn log_failure(
        &self,
        tx: &mut Tx,
        user_id: Option<String>,
        error: &OAuthError,
        ledger: Value,
    ) -> Result<(), Stop> {
        self.log_failure_as(self.grant.events.1, tx, user_id, error, ledger).await
    }

    pub(super) async fn log_failure_as(
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
        event.details = events::refusal(error, Some(&self.client), ledger);
        logs::append(tx, &self.cx.tenant.id, self.cx.now, &self.cx.app.random, &event).await?;
        Ok(())
    }
}
