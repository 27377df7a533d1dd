//! What one answer of `/authorize` writes in its transaction, and the answer made of it.

use std::sync::Arc;

use axum::http::HeaderValue;
use gatewright_core::authorize::Request;
use gatewright_core::client::Client;
use gatewright_core::ledger;
use gatewright_core::scope::ScopeReport;
use gatewright_core::script::Verdict;
use gatewright_core::tokens::access_token::{self, AccessTokenFacts, AccessTokenPlan};
use gatewright_core::tokens::{Channel, id_token};
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_jose::{left_half_hash, random_token, token_hash};
use gatewright_resources::access_tokens::AccessToken;
use gatewright_resources::authorization_codes::{self, AuthorizationCode};
use gatewright_resources::grants::{self, Parties};
use gatewright_resources::sessions::{self, Session};
use gatewright_resources::{login_tickets, login_transactions, logs, pushed_requests, users};
use gatewright_store::Tx;
use serde_json::{Map, Value, json};

use super::Asked;
use super::found::{By, Known, Person, grant_audience};
use crate::decision::Wanted;
use crate::events;
use crate::login_transaction::Waiting;
use crate::mint::{self, Opaque};
use crate::multifactor::Factors;
use crate::scripts::{carry_out, login as scripts};
use crate::session::{self, NewSession};
use crate::stop::Stop;

/// Life of an authorization code. RFC 6749 section 4.1.2 allows ten minutes; SDKs redeem at once.
const CODE_LIFETIME_SECONDS: i64 = 60;

/// The session that an answer belongs to.
pub(super) enum Place {
    /// One that is stored.
    Stored(Session),
    /// One that begins with this login, in place of the browser's old one.
    Begins { new: Box<NewSession>, ticket_hash: Option<String>, replaces: Option<Box<Session>> },
}

impl Place {
    /// Where a user goes on who is known so.
    pub(super) fn of(cx: &RequestCx, client: &Client, known: &Known) -> Self {
        match &known.by {
            By::Session(session) => Self::Stored(session.clone()),
            By::Page { login, replaces } => {
                let new = session::begin(cx, &login.user_id, &login.connection, &client.client_id, login.at);
                Self::Begins {
                    new: Box::new(new),
                    ticket_hash: None,
                    replaces: replaces.clone().map(Box::new),
                }
            }
            By::Ticket { ticket, replaces, .. } => {
                let at = ticket.created_at;
                let new = session::begin(cx, &ticket.user_id, &ticket.connection, &client.client_id, at);
                let ticket_hash = Some(ticket.ticket_hash.clone());
                Self::Begins { new: Box::new(new), ticket_hash, replaces: replaces.clone().map(Box::new) }
            }
        }
    }

    pub(super) fn session(&self) -> &Session {
        match self {
            Self::Stored(session) => session,
            Self::Begins { new, .. } => &new.session,
        }
    }

    /// The session, if it is stored.
    pub(super) fn stored(&self) -> Option<&Session> {
        match self {
            Self::Stored(session) => Some(session),
            Self::Begins { .. } => None,
        }
    }

    pub(super) fn begins(&self) -> bool {
        matches!(self, Self::Begins { .. })
    }

    /// The same after scripts: of the account that they chose, with the cookie that they chose.
    pub(super) fn after(self, cx: &RequestCx, verdict: &Verdict, user_id: &str) -> Self {
        match self {
            Self::Begins { new, ticket_hash, replaces } => {
                let mut new = new.persistent(cx, verdict.session.persistent);
                user_id.clone_into(&mut new.session.user_id);
                Self::Begins { new: Box::new(new), ticket_hash, replaces }
            }
            stored => stored,
        }
    }

    /// The same, with the second factors that have been passed.
    pub(super) fn with_factors(mut self, factors: &Factors) -> Self {
        match &mut self {
            Self::Stored(session) => session.factors.clone_from(&factors.of_session),
            Self::Begins { new, .. } => new.session.factors.clone_from(&factors.of_session),
        }
        self
    }

    /// The cookie of a session that begins.
    pub(super) fn cookie(&self) -> Option<HeaderValue> {
        match self {
            Self::Stored(_) => None,
            Self::Begins { new, .. } => Some(new.cookie.clone()),
        }
    }
}

/// Everything that the transaction writes, decided and drawn before it begins.
pub(super) struct Draft {
    cx: RequestCx,
    client: Arc<Client>,
    request: Request,
    user: User,
    place: Place,
    /// The transaction that this answers.
    waiting: Option<Waiting>,
    /// The pushed request that this answers.
    pushed: Option<String>,
    /// The API that a new consent is about.
    grant_audience: String,
    access: Option<AccessTokenPlan>,
    opaque: Option<Opaque>,
    scope: String,
    code: Option<String>,
    wanted: Wanted,
    report: ScopeReport,
    /// A second factor was passed in this login.
    multifactor: bool,
    /// What scripts decided, if any ran.
    verdict: Option<Verdict>,
}

impl Draft {
    pub(super) fn new(
        cx: &RequestCx,
        asked: Asked,
        report: &ScopeReport,
        person: Person,
        place: Place,
        multifactor: bool,
        verdict: Option<Verdict>,
    ) -> Self {
        let Asked { client, request, wanted, waiting, pushed, .. } = asked;
        let scope = report.scope_text();
        let none = Map::new();
        let access = request.response_types.token.then(|| {
            access_token::plan(&AccessTokenFacts {
                issuer: &cx.issuer,
                subject: &person.user.user_id,
                client_id: &client.client_id,
                audience: &report.audience,
                api: wanted.api.as_ref(),
                scope: &scope,
                permissions: &person.permissions,
                channel: Channel::Front,
                grant: None,
                now: cx.now,
                jti: &cx.app.random.alphanumeric(22),
                custom: verdict.as_ref().map_or(&none, |verdict| &verdict.access_token),
            })
        });
        Self {
            opaque: access.as_ref().and_then(|plan| Opaque::draw(cx, plan)),
            code: request.response_types.code.then(|| random_token(&cx.app.random, 32)),
            grant_audience: grant_audience(cx, &wanted),
            report: report.clone(),
            wanted,
            waiting,
            pushed,
            user: person.user,
            cx: cx.clone(),
            client,
            request,
            place,
            access,
            scope,
            multifactor,
            verdict,
        }
    }

    /// One short transaction of guarded writes. `None`: a race was lost and nothing is written.
    pub(super) async fn record(self, tx: &mut Tx, ledger: Value) -> Result<Option<Recorded>, Stop> {
        let (tenant, now) = (&self.cx.tenant.id, self.cx.now);
        let mut user = self.user.clone();
        if let Some(uri_hash) = &self.pushed
            && !pushed_requests::spend(tx, tenant, uri_hash, now).await?
        {
            return Ok(None);
        }
        if let Some(waiting) = &self.waiting {
            if !login_transactions::spend(tx, tenant, &waiting.row.state_hash, now).await? {
                return Ok(None);
            }
            if let Some(consented) = &waiting.row.progress.consented {
                let (user_id, client_id) = (&user.user_id, &self.client.client_id);
                let parties = Parties { user_id, client_id, audience: &self.grant_audience };
                let grant_id = self.cx.app.random.hex(24);
                grants::allow(tx, tenant, parties, &grant_id, consented, now).await?;
            }
        }
        match &self.place {
            Place::Begins { new, ticket_hash, replaces } => {
                if let Some(ticket_hash) = ticket_hash
                    && !login_tickets::spend(tx, tenant, ticket_hash, now).await?
                {
                    return Ok(None);
                }
                let client_id = &self.client.client_id;
                session::store(tx, &self.cx, &new.session, replaces.as_deref(), client_id).await?;
                let ip = self.cx.ip.to_string();
                let updated = users::record_login(tx, tenant, &user.user_id, &ip, now).await?;
                if let Some(updated) = updated.and_then(|document| serde_json::from_value(document).ok()) {
                    user = updated;
                }
            }
            Place::Stored(session) => {
                if !session::keep(tx, &self.cx, session, &self.client.client_id).await? {
                    return Ok(None);
                }
                if self.multifactor {
                    sessions::set_factors(tx, tenant, &session.session_id, &session.factors).await?;
                }
            }
        }
        if let Some(opaque) = &self.opaque {
            let token = AccessToken {
                client_id: self.client.client_id.clone(),
                user_id: user.user_id.clone(),
                scope: self.scope.clone(),
                code_hash: None,
            };
            opaque.store(tx, &self.cx, &token).await?;
        }
        if let Some(code) = &self.code {
            let expires_at = now.plus_seconds(CODE_LIFETIME_SECONDS);
            authorization_codes::insert(tx, tenant, &token_hash(code), &self.code_row(), now, expires_at)
                .await?;
        }
        if let Some(verdict) = &self.verdict {
            let cx = &self.cx;
            carry_out::metadata(tx, cx, &user.user_id, verdict).await?;
            carry_out::session(tx, cx, self.place.session(), verdict).await?;
            let of = (user.user_id.as_str(), self.client.client_id.as_str());
            carry_out::userinfo(tx, cx, of, &verdict.id_token).await?;
            user = scripts::as_stated(user, verdict);
        }
        let id_token = self.request.response_types.id_token.then(|| self.id_token(&user));
        self.log(tx, self.explained(ledger, id_token.as_ref())).await?;
        Ok(Some(Recorded { draft: self, id_token }))
    }

    /// The ledger with why the tokens are as they are.
    fn explained(&self, mut told: Value, id_token: Option<&Map<String, Value>>) -> Value {
        let (none, api) = (Verdict::default(), self.wanted.api.as_ref());
        let verdict = self.verdict.as_ref().unwrap_or(&none);
        let issued = ledger::issued(ledger::IssuedFacts {
            client: &self.client,
            api,
            audience: ledger::AudienceFacts {
                asked: self.request.audience.as_deref(),
                audience: self.wanted.audience.as_deref(),
                api,
                carried: false,
            },
            channel: Channel::Front,
            access: self.access.as_ref(),
            id_token,
            verdict,
            machine: false,
        });
        let refresh = ledger::no_refresh_token(&self.report, false, self.code.is_some(), &self.client);
        told["refresh_token"] = json!(refresh);
        events::merge(&mut told, json!(issued));
        told
    }

    /// The claims of the ID token, but for the hashes of what travels beside it, which is not signed yet.
    fn id_token(&self, user: &User) -> Map<String, Value> {
        let (session, none) = (self.place.session(), Map::new());
        let claims = id_token::plan(&id_token::IdTokenFacts {
            issuer: &self.cx.issuer,
            client: &self.client,
            user,
            scopes: &self.report.granted(),
            nonce: self.request.nonce.as_deref(),
            session_id: Some(&session.session_id),
            auth_time: self.auth_time_wanted().then_some(session.authenticated_at),
            at_hash: None,
            c_hash: None,
            multifactor: self.multifactor,
            claim_types: self.cx.tenant.claim_types(),
            custom: self.verdict.as_ref().map_or(&none, |verdict| &verdict.id_token),
            now: self.cx.now,
        });
        match claims {
            Value::Object(claims) => claims,
            _ => Map::new(),
        }
    }

    fn code_row(&self) -> AuthorizationCode {
        let pkce = self.request.pkce.as_ref();
        let session = self.place.session();
        AuthorizationCode {
            client_id: self.client.client_id.clone(),
            user_id: self.user.user_id.clone(),
            redirect_uri: self.request.redirect_uri.clone(),
            code_challenge: pkce.map(|pkce| pkce.challenge.clone()),
            code_challenge_method: pkce.map(|pkce| pkce.method.to_owned()),
            nonce: self.request.nonce.clone(),
            audience: self.wanted.audience.clone(),
            scope: self.request.scope.clone(),
            session_id: session.session_id.clone(),
            connection: session.connection.clone(),
            auth_time: session.authenticated_at,
            auth_time_wanted: self.auth_time_wanted(),
            multifactor: self.multifactor,
            verdict: self.verdict.clone().map(Box::new),
        }
    }

    /// OpenID Connect Core section 2: stated when `max_age` asked for it; Auth0 adds it for `prompt=login`.
    fn auth_time_wanted(&self) -> bool {
        self.request.max_age_seconds.is_some() || self.request.prompt.login
    }

    async fn log(&self, tx: &mut Tx, ledger: Value) -> Result<(), Stop> {
        let session = self.place.session();
        let code = if self.request.prompt.none && !self.place.begins() { "ssa" } else { "s" };
        let mut event = events::event(&self.cx, code, Some(&self.client));
        if let Some(connection) = self.cx.tenant.connection(&session.connection) {
            event = events::at_connection(event, connection);
        }
        event.user_id = Some(self.user.user_id.clone());
        event.user_name = self.user.text("name").map(str::to_owned);
        event.audience = self.wanted.audience.clone();
        event.scope = self.scope.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
        event.details = json!({"session_id": session.session_id, "decision": ledger});
        logs::write(tx, &self.cx.tenant.id, self.cx.now, &self.cx.app.random, event).await?;
        Ok(())
    }
}

/// The draft as it was committed.
pub(super) struct Recorded {
    draft: Draft,
    /// The claims of the ID token without `at_hash` and `c_hash`.
    id_token: Option<Map<String, Value>>,
}

impl Recorded {
    /// Signs, and puts the answer together in the order that Auth0 uses.
    pub(super) async fn answer(self, cx: &RequestCx) -> Result<Vec<(&'static str, Value)>, Stop> {
        let Self { mut draft, id_token } = self;
        let mut answer: Vec<(&'static str, Value)> = Vec::new();
        let mut at_hash = None;
        if let Some(plan) = draft.access.take() {
            let expires_in = plan.lifetime_seconds();
            let token = mint::access_token(cx, plan, draft.opaque.take()).await?;
            at_hash = Some(left_half_hash(&token));
            answer.push(("access_token", json!(token)));
            answer.push(("scope", json!(draft.scope)));
            answer.push(("expires_in", json!(expires_in)));
            answer.push(("token_type", json!("Bearer")));
        }
        if let Some(state) = &draft.request.state {
            answer.push(("state", json!(state)));
        }
        let c_hash = draft.code.as_deref().map(left_half_hash);
        if let Some(mut claims) = id_token {
            for (name, hash) in [("at_hash", at_hash), ("c_hash", c_hash)] {
                claims.extend(hash.map(|hash| (name.to_owned(), hash.into())));
            }
            let id_token = mint::id_token(cx, &draft.client, Value::Object(claims)).await?;
            answer.push(("id_token", json!(id_token)));
        }
        if let Some(code) = draft.code {
            answer.push(("code", json!(code)));
        }
        Ok(answer)
    }
}
