//! The second half of `/authorize`: the user is known, so decide, run the tenant's scripts, record in one
//! transaction, sign, answer.

use std::sync::Arc;

use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_core::authorize::{Refusal, Request, pushed};
use gatewright_core::client::Client;
use gatewright_core::ledger;
use gatewright_core::login::confirmation::{self, ConfirmationFacts};
use gatewright_core::login::consent::{self, Consent, ConsentFacts};
use gatewright_core::reasons;
use gatewright_core::reasons::change::{ChangeFacts, change};
use gatewright_core::resource_server::signing_alg_supported;
use gatewright_core::scope::{ScopeRefusal, ScopeReport};
use gatewright_http::RequestCx;
use gatewright_resources::login_transactions::{Progress, ScriptProgress};
use serde_json::{Value, json};

use super::draft::{Draft, Place};
use super::found::{By, Known, Looks, Person, look};
use super::park::{Parked, park};
use super::pipeline::{self, Step};
use super::refuse::{refuse_back, refused};
use super::second_factor;
use super::{Asked, to_page, with_cookie};
use crate::decision;
use crate::endpoints::login;
use crate::login_transaction;
use crate::multifactor::Factors;
use crate::pages::answer;
use crate::stop::Stop;

/// A login on its way to an answer: what is decided about it so far.
pub(super) struct Decided {
    pub(super) report: ScopeReport,
    /// `details.decision` of the log event.
    pub(super) ledger: Value,
    /// The session that the answer belongs to.
    pub(super) place: Place,
    /// Whose tokens it becomes.
    pub(super) person: Person,
    /// What the tenant's scripts did, if there are any.
    pub(super) ran: Option<ScriptProgress>,
    /// The user's second factors.
    pub(super) factors: Factors,
    /// The names of the user's roles, where scripts run.
    pub(super) roles: Vec<String>,
}

pub(super) async fn issue(cx: &RequestCx, asked: Asked, known: Known) -> Result<Response, Stop> {
    let (client, request) = (Arc::clone(&asked.client), asked.request.clone());
    let user = known.person.user.clone();
    if user.blocked {
        let facts = ChangeFacts { user_id: Some(&user.user_id), ..ChangeFacts::default() };
        let error =
            OAuthError::user_blocked().because("user_blocked").lifted_by(change("user_blocked", &facts));
        return refuse_back(cx, &client, &request, error, json!({"asked": asked.recorded()})).await;
    }
    let decided = asked.wanted.decide(cx, &client, Some(&user.user_id), &known.person.permissions);
    let mut ledger = decision::detail(&decided);
    ledger["asked"] = asked.recorded();
    ledger["login"] = login_detail(&known);
    ledger["redirect"] =
        json!(ledger::redirect(asked.params.contains_key("redirect_uri"), &request.redirect_uri, &client));
    let report = match decided {
        Ok(report) => report,
        Err(refusal) => {
            let ScopeRefusal { error, .. } = *refusal;
            return refuse_back(cx, &client, &request, error, ledger).await;
        }
    };

    let place = Place::of(cx, &client, &known);
    let person = known.person.clone();
    let Looks { factors, roles } = look(cx, &user.user_id, place.stored(), asked.progress()).await?;
    let decided = Decided { report, ledger, place, person, ran: None, factors, roles };
    let (asked, known, decided) = match pipeline::run(cx, asked, known, decided).await? {
        Step::On(going) => *going,
        Step::Answered(response) => return Ok(response),
    };
    let (asked, known, decided) = match second_factor::run(cx, asked, known, decided).await? {
        Step::On(going) => *going,
        Step::Answered(response) => return Ok(response),
    };
    let Decided { report, mut ledger, place, person, ran, factors, roles: _ } = decided;

    let progress = asked.waiting.as_ref().map(|waiting| &waiting.row.progress);
    let consent = consent::decide(ConsentFacts {
        first_party: client.is_first_party,
        asked_for: request.prompt.consent,
        granted: &report.granted(),
        allowed: &person.allowed,
        just_allowed: progress.and_then(|progress| progress.consented.as_deref()),
    });
    if let Consent::Ask(scopes) = consent {
        if request.prompt.none {
            let error = OAuthError::new(403, "consent_required", "Consent required");
            return refuse_back(cx, &client, &request, needs_page(error, "consent_missing", &client), ledger)
                .await;
        }
        let wait = move |progress: Progress| {
            let scripts = ran.or(progress.scripts.clone());
            Progress { consent_asked: Some(scopes), consented: None, scripts, ..progress }
        };
        return wait_on_page(cx, asked, known, login::CONSENT, wait).await;
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
            return refuse_back(
                cx,
                &client,
                &request,
                needs_page(error, "confirmation_missing", &client),
                ledger,
            )
            .await;
        }
        let wait = move |progress: Progress| {
            let scripts = ran.or(progress.scripts.clone());
            Progress { scripts, ..progress }
        };
        return wait_on_page(cx, asked, known, login::CONFIRMATION, wait).await;
    }
    if let Err(error) = signing_alg_supported(asked.wanted.api.as_ref()) {
        return refuse_back(cx, &client, &request, error, ledger).await;
    }

    ledger["prompt"] = json!(ledger::prompts(ledger::PromptFacts {
        client: &client,
        login_reason: progress.and_then(|progress| progress.login_reason.as_deref()).and_then(known_code),
        known_by: known_by(&known),
        consent_asked_for: request.prompt.consent,
        consented: progress.is_some_and(|progress| progress.consented.is_some()),
        confirmed: progress.is_some_and(|progress| progress.confirmed),
    }));
    let (waited, was_pushed) = (asked.waiting.is_some(), asked.pushed.is_some());
    let cookie = place.cookie();
    let place = place.with_factors(&factors);
    let verdict = ran.map(|ran| ran.verdict);
    let draft = Draft::new(cx, asked, &report, person, place, factors.just_passed(), verdict);
    let recorded = cx.app.db.write(move |tx| Box::pin(draft.record(tx, ledger))).await?;
    let Some(recorded) = recorded else {
        // Another request spent the ticket or answered, or the session was ended, since it was read.
        if waited {
            return Ok(login_transaction::lost(cx, Some(&client.client_id), false, None));
        }
        if was_pushed {
            return refused(cx, Some(&client), Refusal::Page(pushed::unknown())).await;
        }
        return lost_race(cx, &client, &request).await;
    };
    let answer = recorded.answer(cx).await?;
    Ok(with_cookie(answer::success(cx, &request, &answer), cookie))
}

/// A page is needed, and the request forbids it.
fn needs_page(error: OAuthError, reason: &'static str, client: &Client) -> OAuthError {
    let facts = ChangeFacts { client_id: &client.client_id, ..ChangeFacts::default() };
    error.because(reason).lifted_by(change(reason, &facts))
}

pub(super) async fn lost_race(cx: &RequestCx, client: &Client, request: &Request) -> Result<Response, Stop> {
    let error = OAuthError::login_required().because("lost_race");
    refuse_back(cx, client, request, error, json!({"login": {"reason": "lost_race"}})).await
}

/// Sends the user to a page, where the request waits.
pub(super) async fn wait_on_page(
    cx: &RequestCx,
    asked: Asked,
    known: Known,
    page: &str,
    wait: impl FnOnce(Progress) -> Progress + Send + 'static,
) -> Result<Response, Stop> {
    let (client, request) = (Arc::clone(&asked.client), asked.request.clone());
    match park(cx, asked, known, wait).await? {
        Some(Parked { state, cookie }) => Ok(to_page(page, &state, cookie)),
        None => lost_race(cx, &client, &request).await,
    }
}

/// Whether the user saw a page of ours, or of the client's own, on the way here.
fn page_shown(known: &Known, progress: Option<&Progress>) -> bool {
    let seen = progress.is_some_and(|progress| {
        progress.login.is_some() || progress.consented.is_some() || progress.confirmed
    });
    seen || !matches!(known.by, By::Session(_))
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

/// The reason for which nobody was asked to log in any more.
fn known_by(known: &Known) -> &'static str {
    match &known.by {
        By::Ticket { verdict, .. } => verdict.code(),
        By::Page { .. } => "login_page",
        By::Session(_) => "session_alive",
    }
}

/// A code that a transaction kept, as the registry has it; a later version may have dropped it.
fn known_code(code: &str) -> Option<&'static str> {
    reasons::find(code).map(|entry| entry.code)
}
