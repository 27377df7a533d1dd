//! Token exchange, RFC 8693: a token of the tenant's own for tokens of this server.
//!
//! The type of the token names a profile, the profile an Action, and the Action says whose tokens they become. It
//! runs before the transaction; who it named is found in it. Other kinds of exchange are known and refused.

mod account;

use std::sync::Arc;

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::scope::{self, OFFLINE_ACCESS};
use gatewright_core::script::{Halt, Verdict};
use gatewright_core::token_exchange::commands::{Decided, decided};
use gatewright_core::token_exchange::{self, ACCESS_TOKEN, Ask, TOKEN_EXCHANGE};
use gatewright_core::user::User;
use gatewright_http::{Params, RequestCx};
use gatewright_resources::login_transactions::ScriptProgress;
use gatewright_resources::users;
use gatewright_script::Program;
use gatewright_store::{BoxFuture, Tx};
use serde_json::{Map, Value, json};

use super::{Exchanged, Flow, Grant, Presented, Redeemed, Refused, RefusedEvent, Subject};
use crate::attempts::Exchanges;
use crate::decision::Wanted;
use crate::scripts::event::Sent;
use crate::scripts::{carry_out, exchange};
use crate::stop::Stop;

pub(crate) static GRANT: Grant = Grant {
    name: TOKEN_EXCHANGE,
    params: &[
        "subject_token",
        "subject_token_type",
        "actor_token",
        "actor_token_type",
        "requested_token_type",
        "organization",
    ],
    events: ("secte", "fecte"),
    present: |cx, client, params| {
        Box::pin(async move {
            let outcome = judge(&cx, &client, &params).await?;
            let presented: Box<dyn Presented> = Box::new(Judged { outcome });
            Ok(presented)
        })
    },
};

/// A token that was judged before the transaction began.
struct Judged {
    outcome: Result<Box<Passed>, Refused>,
}

/// What its Action said of a token that is good.
struct Passed {
    decided: Decided,
    verdict: Verdict,
    runs: Vec<Value>,
    transaction: Map<String, Value>,
    scope: Option<String>,
    audience: Option<String>,
}

async fn judge(
    cx: &RequestCx,
    client: &Client,
    params: &Params,
) -> Result<Result<Box<Passed>, Refused>, Stop> {
    let (program, subject_token_type) = match profile(cx, client, params) {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    let exchanges = Exchanges::of(cx);
    if !exchanges.count(cx).await? {
        let text = "Too many tokens from this address were refused. Try again later.";
        let error = OAuthError::new(429, "too_many_attempts", text).because("address_throttled");
        return Ok(Err(Refused { event: RefusedEvent::Named("limit_mu"), ..error.into() }));
    }
    let text = |name| params.text(name).map(str::to_owned);
    let (scope, audience) = (text("scope"), text("audience"));
    let wanted = Wanted::new(cx, scope.as_deref(), audience.as_deref(), scope::Flow::Password);
    let transaction = transaction(params, &subject_token_type, &wanted);
    let mut shown = transaction.clone();
    shown.insert("subject_token".to_owned(), params.text("subject_token").into());
    if let Some(actor_token) = params.text("actor_token") {
        shown.insert("actor_token".to_owned(), actor_token.into());
    }
    let sent = Sent::body(params);
    let ran = exchange::run_exchange(cx, client, &program, &wanted, &sent, Value::Object(shown)).await;
    if !is_invalid_token(&ran.verdict) {
        exchanges.was_no_guess(cx).await?;
    }
    Ok(weigh(ran, transaction, scope, audience))
}

/// What came of the Action.
fn weigh(
    mut ran: ScriptProgress,
    transaction: Map<String, Value>,
    scope: Option<String>,
    audience: Option<String>,
) -> Result<Box<Passed>, Refused> {
    let ledger = json!({ "scripts": carry_out::ledger(&ran) });
    let refused = |error: OAuthError| Refused { ledger: ledger.clone(), ..error.into() };
    match ran.verdict.halt.take() {
        Some(Halt::Denied(error)) => return Err(refused(error)),
        // The trigger has no such methods.
        Some(Halt::Redirect { .. } | Halt::Factors(_)) => {
            return Err(refused(OAuthError::new(403, "interaction_required", "Interaction required")));
        }
        None => {}
    }
    let decided = decided(&std::mem::take(&mut ran.verdict.others)).map_err(&refused)?;
    // Whoever acts for somebody has to ask each time.
    let scope = match &decided.actor {
        Some(_) => scope.map(|asked| without_offline_access(&asked)),
        None => scope,
    };
    let ScriptProgress { verdict, runs, .. } = ran;
    Ok(Box::new(Passed { decided, verdict, runs, transaction, scope, audience }))
}

fn without_offline_access(scope: &str) -> String {
    let kept: Vec<&str> = scope.split_whitespace().filter(|one| *one != OFFLINE_ACCESS).collect();
    kept.join(" ")
}

fn is_invalid_token(verdict: &Verdict) -> bool {
    match &verdict.halt {
        Some(Halt::Denied(error)) => error.reason.as_deref() == Some("invalid_subject_token"),
        _ => false,
    }
}

/// The Action that judges tokens of the type that is presented, if the client may present one.
fn profile(cx: &RequestCx, client: &Client, params: &Params) -> Result<(Arc<Program>, String), Refused> {
    let ask = Ask {
        subject_token: params.text("subject_token"),
        subject_token_type: params.text("subject_token_type"),
        actor_token: params.text("actor_token"),
        actor_token_type: params.text("actor_token_type"),
    };
    let kind = token_exchange::kind(&ask)?;
    let named = ask.subject_token_type.unwrap_or_default();
    let unsupported =
        |more: &str| OAuthError::invalid_request(format!("Unsupported subject_token_type: {named}.{more}"));
    if let Some(missing) = kind.not_built() {
        let error = unsupported(&format!(" {missing}")).because("token_exchange_not_built");
        return Err(Refused { event: RefusedEvent::Named(kind.failure_event()), ..error.into() });
    }
    if params.text("organization").is_some() {
        let text = "Organizations are not built in this version of Gatewright.";
        return Err(OAuthError::invalid_request(text).because("organizations_not_built").into());
    }
    if let Some(wanted) = params.text("requested_token_type").filter(|wanted| *wanted != ACCESS_TOKEN) {
        let text = format!("Unsupported requested_token_type: {wanted}");
        return Err(OAuthError::invalid_request(text).because("requested_token_type_unsupported").into());
    }
    token_exchange::may_use_profiles(client)?;
    let profile = cx.tenant.token_exchange_profile(named);
    let profile = profile.ok_or_else(|| unsupported("").because("token_exchange_profile_unknown"))?;
    let program = cx.tenant.scripts().action(&profile.action_id).ok_or_else(|| {
        let text = "The Action of this token exchange profile is not deployed.";
        OAuthError::invalid_request(text).because("token_exchange_action_not_deployed")
    })?;
    Ok((Arc::clone(program), named.to_owned()))
}

/// `event.transaction`, as later Actions see it too: without the tokens.
fn transaction(params: &Params, subject_token_type: &str, wanted: &Wanted) -> Map<String, Value> {
    let scopes: Vec<&str> = wanted.scope.as_deref().unwrap_or_default().split_whitespace().collect();
    let mut transaction = Map::new();
    for (name, value) in [
        ("subject_token_type", json!(subject_token_type)),
        ("requested_token_type", json!(ACCESS_TOKEN)),
        ("requested_scopes", json!(scopes)),
    ] {
        transaction.insert(name.to_owned(), value);
    }
    if let Some(actor_token_type) = params.text("actor_token_type") {
        transaction.insert("actor_token_type".to_owned(), actor_token_type.into());
    }
    transaction
}

impl Presented for Judged {
    fn redeem<'t>(
        self: Box<Self>,
        tx: &'t mut Tx,
        cx: &'t RequestCx,
        client: &'t Client,
    ) -> BoxFuture<'t, Result<Redeemed, Stop>> {
        Box::pin(async move {
            match self.outcome {
                Ok(passed) => passed.redeem(tx, cx, client).await,
                Err(refused) => Ok(Err(refused)),
            }
        })
    }
}

impl Passed {
    async fn redeem(self, tx: &mut Tx, cx: &RequestCx, client: &Client) -> Result<Redeemed, Stop> {
        let Self { decided, verdict, runs, mut transaction, scope, audience } = self;
        let (mut document, connection) = match account::named(tx, cx, client, &decided.user).await? {
            Ok(found) => found,
            Err(error) => {
                let ran = ScriptProgress { verdict, runs, ..ScriptProgress::default() };
                let ledger = json!({ "scripts": carry_out::ledger(&ran) });
                return Ok(Err(Refused { ledger, ..error.into() }));
            }
        };
        let user_id = document["user_id"].as_str().unwrap_or_default().to_owned();
        // A blocked user is refused by whoever issues tokens; nothing is written for them.
        if document["blocked"] != Value::Bool(true) {
            let ip = cx.ip.to_string();
            if let Some(counted) = users::record_login(tx, &cx.tenant.id, &user_id, &ip, cx.now).await? {
                document = counted;
            }
            if let Some(changed) = carry_out::metadata(tx, cx, &user_id, &verdict).await? {
                document = changed;
            }
        }
        let user = serde_json::from_value::<User>(document)
            .map_err(|error| gatewright_store::StoreError::Mismatch(error.to_string()))?;
        if let Some(actor) = &decided.actor {
            transaction.insert("actor".to_owned(), actor.clone());
        }
        let exchanged = Exchanged { actor: decided.actor, runs, notes: verdict.notes, transaction };
        Ok(Ok(Subject {
            user: Some(user),
            scope,
            audience,
            flow: Flow::Password,
            gty: Some(TOKEN_EXCHANGE),
            nonce: None,
            session_id: None,
            auth_time: None,
            multifactor: false,
            connection,
            code_hash: None,
            refresh: None,
            verdict: None,
            exchanged: Some(Box::new(exchanged)),
            second_step: None,
        }))
    }
}
