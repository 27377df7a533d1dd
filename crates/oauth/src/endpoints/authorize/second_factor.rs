//! A second factor at `/authorize`: after the scripts and before consent.

use std::sync::Arc;

use gatewright_core::mfa::{self, Ask, Decision};
use gatewright_http::RequestCx;
use gatewright_resources::guardian;
use gatewright_resources::login_transactions::{Progress, ScriptProgress};

use super::Asked;
use super::found::Known;
use super::issue::{Decided, wait_on_page};
use super::pipeline::Step;
use super::refuse::refuse_back;
use crate::multifactor;
use crate::stop::Stop;

/// Decides whether a factor comes first, by request, scripts and policy.
pub(super) async fn run(
    cx: &RequestCx,
    asked: Asked,
    known: Known,
    mut decided: Decided,
) -> Result<Step, Stop> {
    let by_request = multifactor::asked_for(asked.params.get("acr_values").map(String::as_str));
    let by_script = decided.ran.as_ref().and_then(|ran| ran.verdict.multifactor.as_deref());
    let by_policy = guardian::asks_always(&cx.tenant);
    match multifactor::decide(&decided.factors, by_request, by_script, by_policy) {
        Decision::GoesOn(reason) => {
            decided.ledger["multifactor"] = decided.factors.ledger(reason);
            Ok(Step::On(Box::new((asked, known, decided))))
        }
        Decision::Ask(ask) => {
            let scripts = decided.ran.take();
            ask_for(cx, asked, known, decided, (ask, scripts)).await
        }
        Decision::Refused(error) => {
            let reason = error.reason.clone().unwrap_or_default();
            decided.ledger["multifactor"] = decided.factors.ledger(&reason);
            let (client, request) = (Arc::clone(&asked.client), asked.request.clone());
            Ok(Step::Answered(refuse_back(cx, &client, &request, error, decided.ledger).await?))
        }
    }
}

/// Sends the user to the page of a factor, where the request waits with what its scripts have done.
pub(super) async fn ask_for(
    cx: &RequestCx,
    asked: Asked,
    known: Known,
    mut decided: Decided,
    (ask, scripts): (Ask, Option<ScriptProgress>),
) -> Result<Step, Stop> {
    let why = ask.why.code();
    if asked.request.prompt.none {
        decided.ledger["multifactor"] = decided.factors.ledger(why);
        let (client, request) = (Arc::clone(&asked.client), asked.request.clone());
        let error = mfa::page_needed(why);
        return Ok(Step::Answered(refuse_back(cx, &client, &request, error, decided.ledger).await?));
    }
    let (page, user_id) = (multifactor::page(cx, &ask), known.person.user.user_id.clone());
    let wait = move |progress: Progress| {
        let scripts = scripts.or(progress.scripts.clone());
        multifactor::note(Progress { scripts, ..progress }, &user_id, &ask)
    };
    Ok(Step::Answered(wait_on_page(cx, asked, known, page, wait).await?))
}
