//! The second half of `/authorize`: the user is known, so decide, record in one transaction, sign, answer.

use std::sync::Arc;

use axum::http::HeaderValue;
use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_core::authorize::{Refusal, Request, pushed};
use gatewright_core::client::Client;
use gatewright_core::login::confirmation::{self, ConfirmationFacts};
use gatewright_core::login::consent::{self, Consent, ConsentFacts};
use gatewright_core::scope::{ScopeRefusal, ScopeReport};
use gatewright_core::tokens::access_token::{self, AccessTokenFacts, AccessTokenPlan};
use gatewright_core::tokens::{Channel, id_token};
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_jose::{left_half_hash, random_token, token_hash};
use gatewright_resources::access_tokens::AccessToken;
use gatewright_resources::authorization_codes::{self, AuthorizationCode};
use gatewright_resources::grants::{self, Parties};
use gatewright_resources::login_transactions::{self, PageLogin, Progress};
use gatewright_resources::sessions::Session;
use gatewright_resources::{login_tickets, logs, pushed_requests, users};
use gatewright_store::Tx;
use serde_json::{Value, json};

use super::found::{By, Known, grant_audience};
use super::refuse::{refuse_back, refused};
use super::{Asked, to_page, with_cookie};
use crate::decision;
use crate::endpoints::login;
use crate::login_transaction::{self, Waiting};
use crate::mint::{self, Opaque};
use crate::pages::answer;
use crate::stop::Stop;
use crate::{events, session};

/// Life of an authorization code. RFC 6749 section 4.1.2 allows ten minutes; SDKs redeem at once.
const CODE_LIFETIME_SECONDS: i64 = 60;

pub(super) async fn issue(cx: &RequestCx, asked: Asked, known: Known) -> Result<Response, Stop> {
    let (client, request) = (Arc::clone(&asked.client), asked.request.clone());
    let user = known.person.user.clone();
    if user.blocked {
        let error = OAuthError::user_blocked().because("user_blocked");
        return refuse_back(cx, &client, &request, error, json!({})).await;
    }
    let decided = asked.wanted.decide(cx, &client, Some(&user.user_id), &known.person.permissions);
    let mut ledger = decision::detail(&decided);
    ledger["login"] = login_detail(&known);
    let report = match decided {
        Ok(report) => report,
        Err(refusal) => {
            let ScopeRefusal { error, .. } = *refusal;
            return refuse_back(cx, &client, &request, error, ledger).await;
        }
    };
    let progress = asked.waiting.as_ref().map(|waiting| &waiting.row.progress);
    let consent = consent::decide(ConsentFacts {
        first_party: client.is_first_party,
        asked_for: request.prompt.consent,
        granted: &report.granted(),
        allowed: &known.person.allowed,
        just_allowed: progress.and_then(|progress| progress.consented.as_deref()),
    });
    if let Consent::Ask(scopes) = consent {
        if request.prompt.none {
            let error = OAuthError::new(403, "consent_required", "Consent required");
            return refuse_back(cx, &client, &request, error.because("consent_missing"), ledger).await;
        }
        return ask_consent(cx, asked, known, scopes).await;
    }
    let confirmation = confirmation::needed(
        &client,
        ConfirmationFacts {
            redirect_uri: &request.redirect_uri,
            page_shown: page_shown(&known, progress),
            tenant_skips: cx
                .tenant
                .settings
                .get("skip_non_verifiable_callback_uri_confirmation_prompt")
                .and_then(Value::as_bool),
        },
    );
    if confirmation {
        if request.prompt.none {
            let error = OAuthError::new(403, "interaction_required", "Interaction required");
            return refuse_back(cx, &client, &request, error.because("confirmation_missing"), ledger).await;
        }
        return ask_to_confirm(cx, asked, known).await;
    }
    if let Err(error) = decision::signing_alg_supported(asked.wanted.api.as_ref()) {
        return refuse_back(cx, &client, &request, error, ledger).await;
    }

    let (waited, was_pushed) = (asked.waiting.is_some(), asked.pushed.is_some());
    let draft = Draft::new(cx, asked, &report, known);
    let cookie = draft.begins.as_ref().map(|beginning| beginning.cookie.clone());
    let recorded = cx.app.db.write(move |tx| Box::pin(draft.record(tx, ledger))).await?;
    let Some(recorded) = recorded else {
        // Another request spent the ticket or answered, or the session was ended, since it was read.
        if waited {
            return Ok(login_transaction::lost(cx, Some(&client.client_id), false, None));
        }
        if was_pushed {
            return refused(cx, Some(&client), Refusal::Page(pushed::unknown())).await;
        }
        let error = OAuthError::login_required().because("lost_race");
        return refuse_back(cx, &client, &request, error, json!({"login": {"reason": "lost_race"}})).await;
    };
    let answer = recorded.answer(cx, &report).await?;
    Ok(with_cookie(answer::success(cx, &request, &answer), cookie))
}

/// Whether the user saw a page of ours, or of the client's own, on the way here.
fn page_shown(known: &Known, progress: Option<&Progress>) -> bool {
    let seen = progress.is_some_and(|progress| {
        progress.login.is_some() || progress.consented.is_some() || progress.confirmed
    });
    seen || !matches!(known.by, By::Session(_))
}

/// Sends the user of a session to the page that says which client will know them.
async fn ask_to_confirm(cx: &RequestCx, asked: Asked, known: Known) -> Result<Response, Stop> {
    if let Some(waiting) = asked.waiting {
        return Ok(to_page(login::CONFIRMATION, &waiting.state, None));
    }
    let session_id = match known.by {
        By::Session(session) => Some(session.session_id),
        By::Ticket { .. } | By::Page { .. } => None,
    };
    let progress = Progress { params: asked.params, pushed: asked.pushed, session_id, ..Progress::default() };
    let begun = login_transaction::draw(cx, &asked.client.client_id, progress);
    login_transaction::begin(cx, &begun).await?;
    Ok(to_page(login::CONFIRMATION, &begun.state, Some(begun.cookie)))
}

/// Sends the user to the consent page; how they are known waits in the transaction.
async fn ask_consent(
    cx: &RequestCx,
    asked: Asked,
    known: Known,
    scopes: Vec<String>,
) -> Result<Response, Stop> {
    let page = login::CONSENT;
    if let Some(waiting) = asked.waiting {
        let (within, state_hash) = (cx.clone(), waiting.row.state_hash.clone());
        let write = cx.app.db.write(move |tx| {
            Box::pin(async move {
                let (tenant, now) = (&within.tenant.id, within.now);
                let Some(held) = login_transactions::hold(tx, tenant, &state_hash, now).await? else {
                    return Ok(());
                };
                let progress = Progress { consent_asked: Some(scopes), consented: None, ..held.progress };
                login_transactions::set_progress(tx, tenant, &state_hash, &progress).await
            })
        });
        write.await?;
        return Ok(to_page(page, &waiting.state, None));
    }
    let mut progress = Progress {
        params: asked.params,
        pushed: asked.pushed,
        consent_asked: Some(scopes),
        ..Progress::default()
    };
    let mut ticket_hash = None;
    match known.by {
        By::Session(session) => progress.session_id = Some(session.session_id),
        By::Page { login, .. } => progress.login = Some(login),
        By::Ticket { ticket, .. } => {
            progress.login = Some(PageLogin {
                user_id: ticket.user_id,
                connection: ticket.connection,
                at: ticket.created_at,
            });
            ticket_hash = Some(ticket.ticket_hash);
        }
    }
    let begun = login_transaction::draw(cx, &asked.client.client_id, progress);
    let (within, row) = (cx.clone(), begun.row.clone());
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let (tenant, now) = (&within.tenant.id, within.now);
            if let Some(hash) = ticket_hash
                && !login_tickets::spend(tx, tenant, &hash, now).await?
            {
                return Ok(false);
            }
            login_transactions::insert(tx, tenant, &row, now).await?;
            Ok::<_, Stop>(true)
        })
    });
    if !write.await? {
        let error = OAuthError::login_required().because("lost_race");
        return refuse_back(cx, &asked.client, &asked.request, error, json!({})).await;
    }
    Ok(to_page(page, &begun.state, Some(begun.cookie)))
}

fn login_detail(known: &Known) -> Value {
    match &known.by {
        By::Ticket { verdict, .. } => {
            json!({"by": "login_ticket", "reason": verdict.code(), "says": verdict.says()})
        }
        By::Page { .. } => json!({"by": "login_page", "reason": "login_page"}),
        By::Session(_) => json!({"by": "session", "reason": "session_alive"}),
    }
}

/// Everything that the transaction writes, decided and drawn before it begins.
struct Draft {
    cx: RequestCx,
    client: Arc<Client>,
    request: Request,
    user: User,
    session: Session,
    /// The login from which the session begins; `None` goes on with a session that is stored.
    begins: Option<Beginning>,
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
    audience: Option<String>,
}

/// A session that begins with this request.
struct Beginning {
    ticket_hash: Option<String>,
    cookie: HeaderValue,
    replaces: Option<Session>,
}

impl Draft {
    fn new(cx: &RequestCx, asked: Asked, report: &ScopeReport, known: Known) -> Self {
        let Asked { client, request, wanted, waiting, pushed, .. } = asked;
        let Known { person, by } = known;
        let (session, begins) = match by {
            By::Session(session) => (session, None),
            By::Page { login, replaces } => {
                let new = session::begin(cx, &login.user_id, &login.connection, &client.client_id, login.at);
                (new.session, Some(Beginning { ticket_hash: None, cookie: new.cookie, replaces }))
            }
            By::Ticket { ticket, replaces, .. } => {
                let at = ticket.created_at;
                let new = session::begin(cx, &ticket.user_id, &ticket.connection, &client.client_id, at);
                let ticket_hash = Some(ticket.ticket_hash);
                (new.session, Some(Beginning { ticket_hash, cookie: new.cookie, replaces }))
            }
        };
        let scope = report.scope_text();
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
            })
        });
        Self {
            opaque: access.as_ref().and_then(|plan| Opaque::draw(cx, plan)),
            code: request.response_types.code.then(|| random_token(&cx.app.random, 32)),
            grant_audience: grant_audience(cx, &wanted),
            audience: wanted.audience,
            waiting,
            pushed,
            user: person.user,
            cx: cx.clone(),
            client,
            request,
            session,
            begins,
            access,
            scope,
        }
    }

    /// One short transaction of guarded writes. `None`: a race was lost and nothing is written.
    async fn record(self, tx: &mut Tx, ledger: Value) -> Result<Option<Recorded>, Stop> {
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
        if let Some(beginning) = &self.begins {
            if let Some(ticket_hash) = &beginning.ticket_hash
                && !login_tickets::spend(tx, tenant, ticket_hash, now).await?
            {
                return Ok(None);
            }
            let replaces = beginning.replaces.as_ref();
            session::store(tx, &self.cx, &self.session, replaces, &self.client.client_id).await?;
            let ip = self.cx.ip.to_string();
            let updated = users::record_login(tx, tenant, &user.user_id, &ip, now).await?;
            if let Some(updated) = updated.and_then(|document| serde_json::from_value(document).ok()) {
                user = updated;
            }
        } else if !session::keep(tx, &self.cx, &self.session, &self.client.client_id).await? {
            return Ok(None);
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
        self.log(tx, ledger).await?;
        Ok(Some(Recorded { draft: self, user }))
    }

    fn code_row(&self) -> AuthorizationCode {
        let pkce = self.request.pkce.as_ref();
        AuthorizationCode {
            client_id: self.client.client_id.clone(),
            user_id: self.user.user_id.clone(),
            redirect_uri: self.request.redirect_uri.clone(),
            code_challenge: pkce.map(|pkce| pkce.challenge.clone()),
            code_challenge_method: pkce.map(|pkce| pkce.method.to_owned()),
            nonce: self.request.nonce.clone(),
            audience: self.audience.clone(),
            scope: self.request.scope.clone(),
            session_id: self.session.session_id.clone(),
            connection: self.session.connection.clone(),
            auth_time: self.session.authenticated_at,
            auth_time_wanted: self.auth_time_wanted(),
        }
    }

    /// OpenID Connect Core section 2: stated when `max_age` asked for it; Auth0 adds it for `prompt=login`.
    fn auth_time_wanted(&self) -> bool {
        self.request.max_age_seconds.is_some() || self.request.prompt.login
    }

    async fn log(&self, tx: &mut Tx, ledger: Value) -> Result<(), Stop> {
        let code = if self.request.prompt.none && self.begins.is_none() { "ssa" } else { "s" };
        let mut event = events::event(&self.cx, code, Some(&self.client));
        if let Some(connection) = self.cx.tenant.connection(&self.session.connection) {
            event = events::at_connection(event, connection);
        }
        event.user_id = Some(self.user.user_id.clone());
        event.user_name = self.user.text("name").map(str::to_owned);
        event.audience = self.audience.clone();
        event.scope = self.scope.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
        event.details = json!({"session_id": self.session.session_id, "decision": ledger});
        logs::append(tx, &self.cx.tenant.id, self.cx.now, &self.cx.app.random, &event).await?;
        Ok(())
    }
}

/// The draft as it was committed.
struct Recorded {
    draft: Draft,
    user: User,
}

impl Recorded {
    /// Signs, and puts the answer together in the order that Auth0 uses.
    async fn answer(self, cx: &RequestCx, report: &ScopeReport) -> Result<Vec<(&'static str, Value)>, Stop> {
        let Self { draft, user } = self;
        let mut answer: Vec<(&'static str, Value)> = Vec::new();
        let mut at_hash = None;
        let auth_time_wanted = draft.auth_time_wanted();
        if let Some(plan) = draft.access {
            let expires_in = plan.lifetime_seconds();
            let token = mint::access_token(cx, plan, draft.opaque).await?;
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
        if draft.request.response_types.id_token {
            let claims = id_token::plan(&id_token::IdTokenFacts {
                issuer: &cx.issuer,
                client: &draft.client,
                user: &user,
                scopes: &report.granted(),
                nonce: draft.request.nonce.as_deref(),
                session_id: Some(&draft.session.session_id),
                auth_time: auth_time_wanted.then_some(draft.session.authenticated_at),
                at_hash: at_hash.as_deref(),
                c_hash: c_hash.as_deref(),
                claim_types: cx.tenant.claim_types(),
                now: cx.now,
            });
            answer.push(("id_token", json!(mint::id_token(cx, &draft.client, claims).await?)));
        }
        if let Some(code) = draft.code {
            answer.push(("code", json!(code)));
        }
        Ok(answer)
    }
}
