//! The end of the device flow's pages: the user is known, so decide, record in one transaction, tell.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::device::DEVICE_CODE;
use gatewright_core::login::consent::{self, Consent, ConsentFacts};
use gatewright_core::login::screens::NoPage;
use gatewright_core::mfa;
use gatewright_core::scope::Flow;
use gatewright_http::{RequestCx, respond};
use gatewright_resources::device_codes::{self, Allowed, DeviceCode, Request};
use gatewright_resources::grants::{self, Parties};
use gatewright_resources::login_transactions::{self, PageLogin, Progress, WaitingDevice};
use gatewright_resources::sessions::{self, Session};
use gatewright_resources::{guardian, logs, users};
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

use super::activate;
use crate::decision::{self, Wanted};
use crate::endpoints::authorize::found::{Person, grant_audience, person};
use crate::endpoints::login;
use crate::login_transaction::{self, Waiting};
use crate::pages::screen::{Mark, Screen, company};
use crate::pages::texts::{self, Texts};
use crate::stop::Stop;
use crate::{events, multifactor, session};

/// Goes on with a device whose user has done what the pages asked.
pub(crate) async fn resume(
    cx: &RequestCx,
    waiting: Waiting,
    device: WaitingDevice,
    accept_language: Option<&str>,
) -> Result<Response, Stop> {
    let ui_locales = waiting.row.progress.params.get("ui_locales").map(String::as_str);
    let language = texts::language(&cx.tenant, ui_locales, accept_language);
    if !device.confirmed {
        return Ok(to_page(login::DEVICE_CONFIRMATION, &waiting));
    }
    let client = cx.tenant.client(&waiting.row.client_id).filter(|client| client.allows_grant(DEVICE_CODE));
    let Some(client) = client.cloned() else { return Ok(activate::over(cx, language)) };
    let Some(found) = find(cx, &waiting, &client, device.device_code_hash).await? else {
        return Ok(activate::over(cx, language));
    };
    let Found { code, wanted, known } = found;
    let case = Case { cx: cx.clone(), waiting, client, code, wanted, language };
    match known {
        Some(known) => case.settle(known).await,
        None => case.ask_to_log_in().await,
    }
}

/// What the database knows of the device and of who is in front of the browser.
struct Found {
    code: DeviceCode,
    wanted: Wanted,
    known: Option<Known>,
}

/// Who goes on, and how they are known.
struct Known {
    person: Person,
    by: By,
}

/// How a user is known.
enum By {
    /// By the session of this browser.
    Session(Session),
    /// By a login just made; a new session begins and replaces the browser's old one.
    Page { login: PageLogin, replaces: Option<Session> },
}

async fn find(
    cx: &RequestCx,
    waiting: &Waiting,
    client: &Arc<Client>,
    device_code_hash: String,
) -> Result<Option<Found>, StoreError> {
    let (within, client, progress) = (cx.clone(), Arc::clone(client), waiting.row.progress.clone());
    let presented = session::presented(cx);
    let read = cx.app.db.read(move |tx| {
        Box::pin(async move {
            let (cx, tenant) = (&within, &within.tenant.id);
            let Some(code) = device_codes::undecided(tx, tenant, &device_code_hash, cx.now).await? else {
                return Ok(None);
            };
            let (scope, audience) = (code.request.scope.as_deref(), code.request.audience.as_deref());
            let wanted = Wanted::new(cx, scope, audience, Flow::Code);
            let session = session::live(tx, cx, &presented).await?;
            let by = match (progress.login, progress.session_id, session) {
                (Some(login), _, replaces) => Some(By::Page { login, replaces }),
                (None, Some(id), Some(session)) if session.session_id == id => Some(By::Session(session)),
                (None, None, Some(session)) if !client.sso_disabled => Some(By::Session(session)),
                _ => None,
            };
            let mut known = None;
            if let Some(by) = by {
                let user_id = match &by {
                    By::Session(session) => &session.user_id,
                    By::Page { login, .. } => &login.user_id,
                };
                known = person(tx, cx, &client, &wanted, user_id).await?.map(|person| Known { person, by });
            }
            Ok::<_, StoreError>(Some(Found { code, wanted, known }))
        })
    });
    read.await
}

/// A device that waits, and the login for it.
struct Case {
    cx: RequestCx,
    waiting: Waiting,
    client: Arc<Client>,
    code: DeviceCode,
    wanted: Wanted,
    language: &'static str,
}

impl Case {
    async fn ask_to_log_in(self) -> Result<Response, Stop> {
        match login::first_page(&self.cx, &self.client.client_id, None) {
            Ok(page) => Ok(to_page(page, &self.waiting)),
            Err(NoPage::NoConnection | NoPage::ConnectionNotUsable) => {
                let text = "No connection with a login page is enabled for the client.";
                let error = OAuthError::invalid_request(text).because("no_connection");
                refuse(&self.cx, &self.waiting, "fdeac", error, json!({}), self.language).await
            }
        }
    }

    async fn settle(self, known: Known) -> Result<Response, Stop> {
        let user_id = known.person.user.user_id.clone();
        if known.person.user.blocked {
            let error = OAuthError::user_blocked().because("user_blocked");
            let decision = json!({"user_id": user_id});
            return refuse(&self.cx, &self.waiting, "fdeac", error, decision, self.language).await;
        }
        let decided = self.wanted.decide(&self.cx, &self.client, Some(&user_id), &known.person.permissions);
        let mut ledger = decision::detail(&decided);
        let by = if matches!(known.by, By::Session(_)) { "session" } else { "login_page" };
        ledger["login"] = json!({"by": by, "for": "device"});
        let report = match decided {
            Ok(report) => report,
            Err(refusal) => {
                return refuse(&self.cx, &self.waiting, "fdeac", refusal.error, ledger, self.language).await;
            }
        };
        let session = match &known.by {
            By::Session(session) => Some(session),
            By::Page { .. } => None,
        };
        let progress = Some(&self.waiting.row.progress);
        let factors = multifactor::find(&self.cx, &user_id, session, progress).await?;
        let by_policy = guardian::asks_always(&self.cx.tenant);
        match multifactor::decide(&factors, false, None, by_policy) {
            mfa::Decision::GoesOn(reason) => ledger["multifactor"] = factors.ledger(reason),
            mfa::Decision::Ask(ask) => {
                let page = multifactor::page(&self.cx, &ask);
                let note = move |progress| multifactor::note(progress, &user_id, &ask);
                return self.wait(known, page, note).await;
            }
            mfa::Decision::Refused(error) => {
                return refuse(&self.cx, &self.waiting, "fdeac", error, ledger, self.language).await;
            }
        }
        let consent = consent::decide(ConsentFacts {
            first_party: self.client.is_first_party,
            asked_for: false,
            granted: &report.granted(),
            allowed: &known.person.allowed,
            just_allowed: self.waiting.row.progress.consented.as_deref(),
        });
        if let Consent::Ask(scopes) = consent {
            let asked = Some(scopes);
            let note = move |progress| Progress { consent_asked: asked, consented: None, ..progress };
            return self.wait(known, login::CONSENT, note).await;
        }
        let (cx, waiting, language) = (self.cx.clone(), self.waiting.clone(), self.language);
        let (mut session, begins) = self.session(known.by);
        session.factors.clone_from(&factors.of_session);
        let cookie = begins.as_ref().map(|begins| begins.cookie.clone());
        let scope = report.granted().into_iter().map(str::to_owned).collect();
        let passed = factors.just_passed();
        let record = Record { case: self, person: known.person, session, passed, begins, scope, ledger };
        if !cx.app.db.write(move |tx| Box::pin(record.write(tx))).await? {
            // Another browser decided, or the session was ended, since it was read.
            return Ok(activate::over(&cx, language));
        }
        Ok(told(&cx, &waiting, language, Mark::Good, StatusCode::OK, cookie))
    }

    /// Sends the user to a page; whose session it is waits in the transaction.
    async fn wait(
        self,
        known: Known,
        page: &str,
        note: impl FnOnce(Progress) -> Progress + Send + 'static,
    ) -> Result<Response, Stop> {
        let session_id = match known.by {
            By::Session(session) => Some(session.session_id),
            By::Page { .. } => None,
        };
        let (within, state_hash) = (self.cx.clone(), self.waiting.row.state_hash.clone());
        let write = self.cx.app.db.write(move |tx| {
            Box::pin(async move {
                let (tenant, now) = (&within.tenant.id, within.now);
                let Some(held) = login_transactions::hold(tx, tenant, &state_hash, now).await? else {
                    return Ok(());
                };
                let progress = Progress { session_id, ..note(held.progress) };
                login_transactions::set_progress(tx, tenant, &state_hash, &progress).await
            })
        });
        write.await?;
        Ok(to_page(page, &self.waiting))
    }

    fn session(&self, by: By) -> (Session, Option<Begins>) {
        match by {
            By::Session(session) => (session, None),
            By::Page { login, replaces } => {
                let PageLogin { user_id, connection, at } = login;
                let new = session::begin(&self.cx, &user_id, &connection, &self.client.client_id, at);
                (new.session, Some(Begins { cookie: new.cookie, replaces }))
            }
        }
    }
}

/// A session that begins with this login.
struct Begins {
    cookie: HeaderValue,
    replaces: Option<Session>,
}

/// Everything that the transaction writes.
struct Record {
    case: Case,
    person: Person,
    session: Session,
    /// A second factor was passed.
    passed: bool,
    begins: Option<Begins>,
    scope: Vec<String>,
    ledger: Value,
}

impl Record {
    /// One short transaction of guarded writes. `false`: a race was lost, and the device still waits.
    async fn write(self, tx: &mut Tx) -> Result<bool, Stop> {
        let (cx, waiting, code) = (&self.case.cx, &self.case.waiting, &self.case.code);
        let (tenant, now, user) = (&cx.tenant.id, cx.now, &self.person.user);
        let (client_id, session_id) = (&self.case.client.client_id, &self.session.session_id);
        if self.begins.is_none() && !session::keep(tx, cx, &self.session, client_id).await? {
            return Ok(false);
        }
        if !login_transactions::spend(tx, tenant, &waiting.row.state_hash, now).await? {
            return Ok(false);
        }
        let allowed = Allowed {
            user_id: user.user_id.clone(),
            connection: self.session.connection.clone(),
            session_id: session_id.clone(),
        };
        let decided = Request { allowed: Some(allowed), ..code.request.clone() };
        if !device_codes::decide(tx, tenant, &code.device_code_hash, &decided, now).await? {
            return Ok(false);
        }
        if self.begins.is_none() && self.passed {
            sessions::set_factors(tx, tenant, session_id, &self.session.factors).await?;
        }
        if let Some(begins) = &self.begins {
            session::store(tx, cx, &self.session, begins.replaces.as_ref(), client_id).await?;
            users::record_login(tx, tenant, &user.user_id, &cx.ip.to_string(), now).await?;
        }
        if let Some(consented) = &waiting.row.progress.consented {
            let audience = grant_audience(cx, &self.case.wanted);
            let parties = Parties { user_id: &user.user_id, client_id, audience: &audience };
            grants::allow(tx, tenant, parties, &cx.app.random.hex(24), consented, now).await?;
        }
        self.log(tx).await?;
        Ok(true)
    }

    async fn log(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let (cx, user) = (&self.case.cx, &self.person.user);
        let mut event = events::event(cx, "s", Some(&self.case.client));
        if let Some(connection) = cx.tenant.connection(&self.session.connection) {
            event = events::at_connection(event, connection);
        }
        event.user_id = Some(user.user_id.clone());
        event.user_name = user.text("name").map(str::to_owned);
        event.audience.clone_from(&self.case.wanted.audience);
        event.scope.clone_from(&self.scope);
        event.details = json!({"session_id": self.session.session_id, "decision": self.ledger});
        logs::append(tx, &cx.tenant.id, cx.now, &cx.app.random, &event).await.map(drop)
    }
}

/// Refuses a device: it is told at its next question, its user at once. `event` is the log's type code.
pub(crate) async fn refuse(
    cx: &RequestCx,
    waiting: &Waiting,
    event: &'static str,
    error: OAuthError,
    decision: Value,
    language: &'static str,
) -> Result<Response, Stop> {
    let Some(device) = waiting.row.progress.device.clone() else {
        return Ok(login_transaction::lost(cx, Some(&waiting.row.client_id), false, None));
    };
    let client = cx.tenant.client(&waiting.row.client_id);
    let mut event = events::event(cx, event, client.map(|client| &**client));
    event.description = Some(error.description.to_string());
    event.details = events::refusal(&error, client.map(|client| &**client), decision);
    let (within, state_hash, told_device) = (cx.clone(), waiting.row.state_hash.clone(), error.description);
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let (cx, tenant, now) = (&within, &within.tenant.id, within.now);
            login_transactions::spend(tx, tenant, &state_hash, now).await?;
            let hash = &device.device_code_hash;
            let Some(code) = device_codes::undecided(tx, tenant, hash, now).await? else { return Ok(false) };
            let decided = Request { denied: Some(told_device.into_owned()), ..code.request };
            if !device_codes::decide(tx, tenant, hash, &decided, now).await? {
                return Ok(false);
            }
            logs::append(tx, tenant, now, &cx.app.random, &event).await?;
            Ok::<_, StoreError>(true)
        })
    });
    if !write.await? {
        return Ok(activate::over(cx, language));
    }
    Ok(told(cx, waiting, language, Mark::Bad, StatusCode::OK, None))
}

/// The last page: what has become of the device.
fn told(
    cx: &RequestCx,
    waiting: &Waiting,
    language: &'static str,
    mark: Mark,
    status: StatusCode,
    cookie: Option<HeaderValue>,
) -> Response {
    let name = match mark {
        Mark::Good => "device-code-activation-allowed",
        Mark::Bad => "device-code-activation-denied",
    };
    let client = cx.tenant.client(&waiting.row.client_id);
    let client_name = client.map(|client| client.name.clone()).unwrap_or_default();
    let values = vec![("clientName", client_name), ("companyName", company(cx))];
    let mut screen = Screen::new(cx, name, Texts::new(language, "device-flow", name, values));
    screen.title = screen.texts.get("eventTitle");
    screen.mark = Some(mark);
    let mut response = screen.respond(status, &[]);
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Sends the browser to a hosted page of this login.
fn to_page(page: &str, waiting: &Waiting) -> Response {
    let target = format!("{page}?state={}", waiting.state);
    respond::no_store((StatusCode::FOUND, [(header::LOCATION, target)]))
}
