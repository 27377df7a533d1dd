//! Who is known in this browser: by a ticket, by the session, or by the hosted pages.

use std::sync::Arc;

use gatewright_core::authorize::prompt::{LoginFacts, Step};
use gatewright_core::client::Client;
use gatewright_core::login::cross_origin::{self, TicketFacts, TicketVerdict};
use gatewright_core::user::User;
use gatewright_http::{RequestCx, cookies};
use gatewright_jose::{constant_time_eq, token_hash};
use gatewright_resources::grants::{self, Parties};
use gatewright_resources::login_tickets::{self, LoginTicket};
use gatewright_resources::login_transactions::{PageLogin, Progress};
use gatewright_resources::sessions::Session;
use gatewright_resources::users;
use gatewright_store::{StoreError, Tx};

use super::Asked;
use crate::decision::Wanted;
use crate::login_ticket::{BINDING_COOKIE, BINDING_COOKIE_PARTITIONED};
use crate::multifactor::Factors;
use crate::{id_token_hint, multifactor, scripts, session};

/// What the database knows of the browser and its user.
#[derive(Default)]
pub(super) struct Found {
    ticket: Option<(LoginTicket, TicketVerdict)>,
    pub(super) ticket_verdict: Option<TicketVerdict>,
    ticket_user: Option<Person>,
    session: Option<Session>,
    session_user: Option<Person>,
    page_user: Option<Person>,
}

/// A user with the permissions that the scope decision may need.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) user: User,
    pub(crate) permissions: Vec<String>,
    /// Scopes the user has allowed this client before.
    pub(crate) allowed: Vec<String>,
}

/// Who goes on, and how they are known.
pub(super) struct Known {
    pub(super) person: Person,
    pub(super) by: By,
}

/// How a user is known.
pub(super) enum By {
    /// By the session of this browser.
    Session(Session),
    /// By a login just made; a new session begins and replaces the browser's old one.
    Ticket { ticket: LoginTicket, verdict: TicketVerdict, replaces: Option<Session> },
    /// By the hosted pages; likewise.
    Page { login: PageLogin, replaces: Option<Session> },
}

impl Found {
    pub(super) fn login_facts(&self, cx: &RequestCx, asked: &Asked) -> LoginFacts {
        let connection = self.session.as_ref().map(|session| session.connection.as_str());
        // A hint that is none of ours says nothing.
        let hint = asked.params.get("id_token_hint").and_then(|hint| id_token_hint::claims(cx, hint).ok());
        let hinted = hint.as_ref().and_then(|claims| claims["sub"].as_str());
        let user_id = self.session.as_ref().map(|session| session.user_id.as_str());
        LoginFacts {
            session_of_other_user: hinted.is_some() && hinted != user_id,
            session_at_connection: connection.is_some() && connection == asked.request.connection.as_deref(),
            ticket_usable: self.ticket_verdict.map(|verdict| matches!(verdict, TicketVerdict::Accepted(_))),
            session_authenticated_at: self.session.as_ref().map(|session| session.authenticated_at),
        }
    }

    pub(super) fn known(&self, step: Step) -> Option<Known> {
        if step == Step::UseTicket {
            let (ticket, verdict) = self.ticket.clone()?;
            let by = By::Ticket { ticket, verdict, replaces: self.session.clone() };
            return Some(Known { person: self.ticket_user.clone()?, by });
        }
        Some(Known { person: self.session_user.clone()?, by: By::Session(self.session.clone()?) })
    }

    pub(super) fn known_by_page(&self, login: &PageLogin) -> Option<Known> {
        let by = By::Page { login: login.clone(), replaces: self.session.clone() };
        Some(Known { person: self.page_user.clone()?, by })
    }

    pub(super) fn known_by_session(&self, session_id: &str) -> Option<Known> {
        self.session.as_ref().filter(|session| session.session_id == session_id)?;
        self.known(Step::UseSession)
    }
}

pub(super) async fn find(cx: &RequestCx, asked: &Asked) -> Result<Found, StoreError> {
    let ticket_hash = asked.request.login_ticket.as_deref().map(token_hash);
    let sessions = session::presented(cx);
    let login = asked.waiting.as_ref().and_then(|waiting| waiting.row.progress.login.clone());
    if ticket_hash.is_none() && sessions.is_empty() && login.is_none() {
        return Ok(Found::default());
    }
    let (cx, client, wanted) = (cx.clone(), Arc::clone(&asked.client), asked.wanted.clone());
    let db = cx.app.db.clone();
    let read = db.read(move |tx| {
        Box::pin(async move {
            let mut found = Found { session: session::live(tx, &cx, &sessions).await?, ..Found::default() };
            if let Some(session) = &found.session {
                found.session_user = person(tx, &cx, &client, &wanted, &session.user_id).await?;
            }
            if let Some(login) = login {
                found.page_user = person(tx, &cx, &client, &wanted, &login.user_id).await?;
            }
            if let Some(hash) = ticket_hash {
                let ticket = login_tickets::by_hash(tx, &cx.tenant.id, &hash).await?;
                let verdict = judge_ticket(&cx, &client, ticket.as_ref());
                if let Some(ticket) = ticket {
                    found.ticket_user = person(tx, &cx, &client, &wanted, &ticket.user_id).await?;
                    found.ticket = Some((ticket, verdict));
                }
                found.ticket_verdict = Some(verdict);
            }
            Ok::<_, StoreError>(found)
        })
    });
    read.await
}

pub(crate) async fn person(
    tx: &mut Tx,
    cx: &RequestCx,
    client: &Client,
    wanted: &Wanted,
    user_id: &str,
) -> Result<Option<Person>, StoreError> {
    let Some(document) = users::by_id(tx, &cx.tenant.id, user_id).await? else { return Ok(None) };
    let user: User =
        serde_json::from_value(document).map_err(|error| StoreError::Mismatch(error.to_string()))?;
    let permissions = wanted.permissions(tx, cx, user_id).await?;
    let audience = grant_audience(cx, wanted);
    let parties = Parties { user_id, client_id: &client.client_id, audience: &audience };
    let allowed = grants::scopes(tx, &cx.tenant.id, parties).await?;
    Ok(Some(Person { user, permissions, allowed }))
}

/// What second factors and scripts look at besides.
#[derive(Default)]
pub(super) struct Looks {
    pub(super) factors: Factors,
    /// The names of the user's roles, where scripts run.
    pub(super) roles: Vec<String>,
}

/// Fetches it for a user. `session`: the one that the login goes on with; `progress`: of its transaction.
pub(super) async fn look(
    cx: &RequestCx,
    user_id: &str,
    session: Option<&Session>,
    progress: Option<&Progress>,
) -> Result<Looks, StoreError> {
    if !multifactor::matter(cx) {
        return Ok(Looks::default());
    }
    let (within, user_id) = (cx.clone(), user_id.to_owned());
    let (session, progress) = (session.cloned(), progress.cloned());
    let read = cx.app.db.read(move |tx| {
        Box::pin(async move {
            let (session, progress) = (session.as_ref(), progress.as_ref());
            let factors = multifactor::of_user(tx, &within, &user_id, session, progress).await?;
            let roles = match scripts::login::any(&within) {
                true => scripts::login::roles(tx, &within, &user_id).await?,
                false => Vec::new(),
            };
            Ok(Looks { factors, roles })
        })
    });
    read.await
}

/// The API that a user's grant is about; without one it is `/userinfo`.
pub(crate) fn grant_audience(cx: &RequestCx, wanted: &Wanted) -> String {
    wanted.audience.clone().unwrap_or_else(|| cx.issuer.userinfo_audience())
}

pub(super) fn judge_ticket(cx: &RequestCx, client: &Client, ticket: Option<&LoginTicket>) -> TicketVerdict {
    let Some(ticket) = ticket else { return cross_origin::verdict(None, cx.now) };
    let sent = |name| {
        cookies::values(&cx.cookies, name)
            .any(|value| constant_time_eq(token_hash(value).as_bytes(), ticket.binding_hash.as_bytes()))
    };
    let facts = TicketFacts {
        client_matches: ticket.client_id == client.client_id,
        expires_at: ticket.expires_at,
        used: ticket.used_at.is_some(),
        plain_cookie_matches: sent(BINDING_COOKIE),
        partitioned_cookie_matches: sent(BINDING_COOKIE_PARTITIONED),
        recorded_origin: Some(&ticket.origin),
        registered_origins: &client.web_origins,
        // A page of this host gets its cookies back, so nothing else has to do for it.
        referer: cx.referer_origin.as_deref().filter(|_| ticket.origin != cx.issuer.origin()),
    };
    cross_origin::verdict(Some(&facts), cx.now)
}
