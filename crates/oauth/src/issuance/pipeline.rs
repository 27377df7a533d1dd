//! The tenant's scripts at the token endpoint, between the two transactions.

use gatewright_core::OAuthError;
use gatewright_core::mfa::{self, Ask, Decision};
use gatewright_core::script::{Halt, Verdict};
use gatewright_http::RequestCx;
use gatewright_jose::{random_token, token_hash};
use gatewright_resources::guardian;
use gatewright_resources::login_transactions::{MultiFactor, ScriptProgress};
use gatewright_resources::mfa_tokens::{self, Waiting};
use serde_json::{Map, Value, json};

use super::desk::{Case, Desk};
use crate::endpoints::authorize::pipeline::method;
use crate::grants::{
    self, Exchanged, Flow, Grant, authorization_code, client_credentials, device_code, token_exchange,
};
use crate::multifactor::{self, Factors};
use crate::scripts::event::Sent;
use crate::scripts::login::{self, Method, Scene};
use crate::scripts::{carry_out, machine};
use crate::stop::Stop;

/// Whether scripts run for tokens of this grant. A code's login had them.
pub(super) fn any(cx: &RequestCx, grant: &Grant) -> bool {
    match grant.name {
        name if name == authorization_code::GRANT.name => false,
        name if name == client_credentials::GRANT.name => machine::any(cx),
        _ if grants::proves_factor(grant) => true,
        _ => login::any(cx) || by_policy(cx, grant),
    }
}

/// Whether the tenant's policy asks for a second factor here: where a login is made, and not where one of a browser
/// is continued, whose pages have asked.
fn by_policy(cx: &RequestCx, grant: &Grant) -> bool {
    let logs_in = grant.name.contains("password") || grants::proves_factor(grant);
    logs_in && guardian::asks_always(&cx.tenant)
}

/// Runs them. A refusal is logged here.
pub(super) async fn run(desk: &Desk, mut case: Case, sent: Sent) -> Result<Result<Case, OAuthError>, Stop> {
    let (cx, client) = (&desk.cx, &desk.client);
    let mut ask = None;
    let mut ran = match case.subject.user.clone() {
        None => {
            let ran = machine::run_exchange(cx, client, &case.wanted, &case.report, &sent).await;
            ScriptProgress { verdict: ran.verdict, runs: ran.runs, ..ScriptProgress::default() }
        }
        Some(user) => {
            let connection = case.subject.connection.clone();
            let first = first_grant(desk, &case);
            let protocol = protocol(first, &case.subject.flow);
            let exchanged = case.subject.exchanged.as_ref();
            let looks = std::mem::take(&mut case.looks);
            let factors = looks.factors;
            let waited = case.subject.second_step.as_ref().map(|step| step.waiting.clone());
            let mut methods: Vec<Method> = match exchanged {
                // Who exchanges a token has shown nothing of their own.
                Some(_) => Vec::new(),
                None => connection.iter().map(|name| method(cx, name, cx.now)).collect(),
            };
            methods.extend(factors.methods().map(|(factor, at)| Method {
                name: "mfa",
                factor: Some(factor),
                at,
            }));
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
                methods,
                factors: &factors.standing,
                roles: &looks.roles,
                logins_count: user.profile.get("logins_count").and_then(Value::as_i64).unwrap_or(0),
                can_redirect: false,
                back: None,
                state: None,
            };
            let mut ran = match waited.map(|waiting| waiting.scripts) {
                // They ran before the factor was asked for; scripts run once for a login.
                Some(done) if done.waits_for.is_none() => done,
                before => login::run_login(cx, &scene, before).await?,
            };
            let (told, asked) = second_factor(&factors, &mut ran.verdict, by_policy(cx, desk.grant));
            case.ledger["multifactor"] = told;
            ask = asked;
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
    if let Some(ask) = ask {
        return require(desk, case, ran, ask).await.map(Err);
    }
    let user_id = case.subject.user.as_ref().map(|user| user.user_id.clone());
    let chosen = ran.verdict.primary_user.clone().filter(|chosen| Some(chosen) != user_id.as_ref());
    let halt = ran.verdict.halt.take().or_else(|| chosen.map(|_| Halt::Denied(no_primary_user())));
    let Some(halt) = halt else {
        case.verdict = ran.verdict;
        return Ok(Ok(case));
    };
    let error = match halt {
        Halt::Denied(error) => error,
        // What is asked for waits under an MFA token; nothing of it is left.
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

/// Decides about a second factor; what the log says of it, and what is asked for.
fn second_factor(factors: &Factors, verdict: &mut Verdict, by_policy: bool) -> (Value, Option<Ask>) {
    let decision = match &verdict.halt {
        Some(Halt::Factors(commands)) => mfa::of_commands(commands, &factors.standing),
        Some(_) => return (Value::Null, None),
        None => multifactor::decide(factors, false, verdict.multifactor.as_deref(), by_policy),
    };
    match decision {
        Decision::GoesOn(reason) => (factors.ledger(reason), None),
        Decision::Ask(ask) => {
            verdict.halt = None;
            (factors.ledger(ask.why.code()), Some(ask))
        }
        Decision::Refused(error) => {
            let told = factors.ledger(error.reason.as_deref().unwrap_or_default());
            verdict.halt = Some(Halt::Denied(error));
            (told, None)
        }
    }
}

/// Lets the login wait for its second factor, where the client can ask for one; the refusal.
async fn require(desk: &Desk, case: Case, mut ran: ScriptProgress, ask: Ask) -> Result<OAuthError, Stop> {
    let cx = &desk.cx;
    let first = first_grant(desk, &case).name;
    let Some(user_id) = case.subject.user.as_ref().map(|user| user.user_id.clone()) else {
        return Ok(mfa::not_in_grant());
    };
    carry_out::metadata_now(cx, &user_id, &mut ran.verdict).await?;
    let token = random_token(&cx.app.random, 32);
    let waits = first.contains("password") || case.subject.refresh.is_some();
    let (error, code) = match waits {
        true => (mfa::required(&ask, &token), "mfar"),
        false => (mfa::not_in_grant(), desk.grant.events.1),
    };
    let subject = case.subject;
    let passed = subject.second_step.map(|step| step.waiting.asked.passed).unwrap_or_default();
    let waiting = Waiting {
        grant: first.to_owned(),
        scope: subject.scope,
        audience: subject.audience,
        connection: subject.connection,
        refresh_hash: subject.refresh.map(|refresh| refresh.hash),
        scripts: ran,
        asked: MultiFactor {
            user_id: user_id.clone(),
            why: ask.why.code().to_owned(),
            challenge: ask.challenge,
            enroll: ask.enroll,
            passed,
            ..MultiFactor::default()
        },
    };
    let (within, ledger, told) = (desk.clone(), case.ledger, error.clone());
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let (cx, client_id) = (&within.cx, &within.client.client_id);
            if waits {
                mfa_tokens::insert(tx, &cx.tenant.id, (&token_hash(&token), client_id), &waiting, cx.now)
                    .await?;
            }
            within.log_failure_as(code, tx, Some(user_id), &told, ledger).await
        })
    });
    write.await?;
    Ok(error)
}

/// The grant with which the login began.
fn first_grant(desk: &Desk, case: &Case) -> &'static Grant {
    let first = case.subject.second_step.as_ref().and_then(|step| grants::named(&step.waiting.grant).ok());
    first.unwrap_or(desk.grant)
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
