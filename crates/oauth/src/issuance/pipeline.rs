//! The tenant's scripts at the token endpoint, between the two transactions.

use gatewright_core::OAuthError;
use gatewright_core::mfa::{self, Decision};
use gatewright_core::script::{Halt, Verdict};
use gatewright_http::RequestCx;
use gatewright_resources::guardian;
use gatewright_resources::login_transactions::ScriptProgress;
use serde_json::{Map, Value, json};

use super::desk::{Case, Desk};
use crate::endpoints::authorize::pipeline::method;
use crate::grants::{
    Exchanged, Flow, Grant, authorization_code, client_credentials, device_code, token_exchange,
};
use crate::multifactor::{self, Factors};
use crate::scripts::event::Sent;
use crate::scripts::login::{self, Scene};
use crate::scripts::{carry_out, machine};
use crate::stop::Stop;

/// Whether scripts run for tokens of this grant. A code's login had them.
pub(super) fn any(cx: &RequestCx, grant: &Grant) -> bool {
    match grant.name {
        name if name == authorization_code::GRANT.name => false,
        name if name == client_credentials::GRANT.name => machine::any(cx),
        _ => login::any(cx) || by_policy(cx, grant),
    }
}

/// Whether the tenant's policy asks for a second factor here: where a login is made, and not where one of a browser
/// is continued, whose pages have asked.
fn by_policy(cx: &RequestCx, grant: &Grant) -> bool {
    let logs_in = grant.name.contains("password");
    logs_in && guardian::asks_always(&cx.tenant)
}

/// Runs them. A refusal is logged here.
pub(super) async fn run(desk: &Desk, mut case: Case, sent: Sent) -> Result<Result<Case, OAuthError>, Stop> {
    let (cx, client) = (&desk.cx, &desk.client);
    let mut ran = match case.subject.user.clone() {
        None => {
            let ran = machine::run_exchange(cx, client, &case.wanted, &case.report, &sent).await;
            ScriptProgress { verdict: ran.verdict, runs: ran.runs, ..ScriptProgress::default() }
        }
        Some(user) => {
            let connection = case.subject.connection.clone();
            let protocol = protocol(desk.grant, &case.subject.flow);
            let exchanged = case.subject.exchanged.as_ref();
            let looks = std::mem::take(&mut case.looks);
            let factors = looks.factors;
            let scene = Scene {
                client,
                user: &user,
                connection: connection.as_deref(),
                protocol,
                wanted: &case.wanted,
                sent,
                transaction: exchanged.map(|exchanged| transaction(protocol, exchanged)),
                session: None,
                begins: false,
                refresh_token: refresh_token(&case, looks.metadata),
                // Who exchanges a token has shown nothing of their own.
                methods: match exchanged {
                    Some(_) => Vec::new(),
                    None => connection.iter().map(|name| method(cx, name, cx.now)).collect(),
                },
                factors: &factors.standing,
                roles: &looks.roles,
                logins_count: user.profile.get("logins_count").and_then(Value::as_i64).unwrap_or(0),
                can_redirect: false,
                back: None,
                state: None,
            };
            let mut ran = login::run_login(cx, &scene, None).await?;
            case.ledger["multifactor"] = second_factor(&factors, &mut ran.verdict, by_policy(cx, desk.grant));
            ran
        }
    };
    if let Some(exchanged) = &case.subject.exchanged {
        ran.runs.splice(0..0, exchanged.runs.iter().cloned());
        ran.verdict.notes.splice(0..0, exchanged.notes.iter().cloned());
    }
    let family_id = case.subject.refresh.as_ref().map(|exchanged| exchanged.claimed.family.family_id.clone());
    carry_out::revoke(cx, None, family_id.as_deref(), &mut ran.verdict).await?;
    case.report = login::apply(case.report, &case.wanted, &mut ran.verdict);
    case.ledger["scope"] = json!(case.report);
    case.ledger["scripts"] = carry_out::ledger(&ran);
    let user_id = case.subject.user.as_ref().map(|user| user.user_id.clone());
    let chosen = ran.verdict.primary_user.clone().filter(|chosen| Some(chosen) != user_id.as_ref());
    let halt = ran.verdict.halt.take().or_else(|| chosen.map(|_| Halt::Denied(no_primary_user())));
    let Some(halt) = halt else {
        case.verdict = ran.verdict;
        return Ok(Ok(case));
    };
    let error = match halt {
        Halt::Denied(error) => error,
        Halt::Factors(_) => mfa::not_in_grant(),
        // Nothing here can be sent elsewhere; the core has refused it already.
        Halt::Redirect { .. } => OAuthError::new(403, "interaction_required", "Interaction required"),
    };
    if let Some(user_id) = &user_id {
        carry_out::metadata_now(cx, user_id, &mut ran.verdict).await?;
    }
    let (within, ledger, told) = (desk.clone(), case.ledger, error.clone());
    let write = cx
        .app
        .db
        .write(move |tx| Box::pin(async move { within.log_failure(tx, user_id, &told, ledger).await }));
    write.await?;
    Ok(Err(error))
}

/// Decides about a second factor, which nobody can be asked for here; what the log says of it.
fn second_factor(factors: &Factors, verdict: &mut Verdict, by_policy: bool) -> Value {
    if verdict.halt.is_some() {
        return Value::Null;
    }
    let by_script = verdict.multifactor.as_deref();
    let (reason, error) = match multifactor::decide(factors, false, by_script, by_policy) {
        Decision::GoesOn(reason) => return factors.ledger(reason),
        Decision::Ask(ask) => (ask.why.code().to_owned(), mfa::not_in_grant()),
        Decision::Refused(error) => (error.reason.clone().unwrap_or_default().into_owned(), error),
    };
    verdict.halt = Some(Halt::Denied(error));
    factors.ledger(&reason)
}

/// A grant redeems one account: another one logs in by a grant of its own.
fn no_primary_user() -> OAuthError {
    OAuthError::access_denied("The primary account can be chosen only where a browser logs in.")
        .because("primary_user_not_linked")
}

fn protocol(grant: &Grant, flow: &Flow) -> &'static str {
    match (flow, grant.name) {
        (Flow::Refresh { .. }, _) => "oauth2-refresh-token",
        (_, name) if name == device_code::GRANT.name => "oauth2-device-code",
        (_, "password") => "oauth2-password",
        (_, name) if name == token_exchange::GRANT.name => "oauth2-token-exchange",
        _ => "oauth2-resource-owner",
    }
}

/// `event.transaction` of an exchange.
fn transaction(protocol: &str, exchanged: &Exchanged) -> Map<String, Value> {
    let mut transaction = exchanged.transaction.clone();
    for (name, value) in [
        ("acr_values", json!([])),
        ("ui_locales", json!([])),
        ("locale", json!("en")),
        ("protocol", json!(protocol)),
    ] {
        transaction.insert(name.to_owned(), value);
    }
    transaction
}

/// `event.refresh_token`, where one is exchanged.
fn refresh_token(case: &Case, metadata: Option<Value>) -> Option<Value> {
    let family = &case.subject.refresh.as_ref()?.claimed.family;
    Some(json!({
        "id": family.family_id,
        "client_id": family.client_id,
        "user_id": family.user_id,
        "session_id": family.session_id,
        "rotating": family.rotating,
        "created_at": family.issued_at.iso8601(),
        "last_exchanged_at": family.last_used_at.iso8601(),
        "expires_at": family.expires_at.map(|end| end.iso8601()),
        "resource_servers": family.audience.iter().map(|audience| json!({
            "audience": audience, "scopes": family.scope,
        })).collect::<Vec<_>>(),
        "device": {},
        "metadata": metadata,
    }))
}
