//! Rules and post-login Actions: what runs at every login and every renewal.

use std::sync::Arc;

use gatewright_core::Timestamp;
use gatewright_core::client::Client;
use gatewright_core::mfa::{self, Decision, Factor, FactorCommand, Standing};
use gatewright_core::scope::ScopeReport;
use gatewright_core::script::{Halt, ScriptFacts, Verdict, actions, rules};
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_resources::login_transactions::{ScriptProgress, WaitingScript};
use gatewright_resources::role_members;
use gatewright_resources::sessions::Session;
use gatewright_script::{ErrorKind, Program, Wrapper};
use gatewright_store::{StoreError, Tx};
use serde_json::{Map, Value, json};

use super::event::Sent;
use super::{Trigger, context, failed, ledger, post_login, run, unavailable, written};
use crate::decision::Wanted;

/// The trigger's id.
const POST_LOGIN: &str = "post-login";

/// A login, or a renewal, as its scripts see it.
pub(crate) struct Scene<'a> {
    pub(crate) client: &'a Client,
    pub(crate) user: &'a User,
    /// The connection's name.
    pub(crate) connection: Option<&'a str>,
    /// `oidc-basic-profile`, ...
    pub(crate) protocol: &'static str,
    /// What was asked for.
    pub(crate) wanted: &'a Wanted,
    pub(crate) sent: Sent,
    /// `event.transaction` without `metadata`, where a browser takes part.
    pub(crate) transaction: Option<Map<String, Value>>,
    pub(crate) session: Option<&'a Session>,
    /// The session begins with this login.
    pub(crate) begins: bool,
    /// `event.refresh_token`.
    pub(crate) refresh_token: Option<Value>,
    /// How and when the user authenticated.
    pub(crate) methods: Vec<Method>,
    /// The user's second factors.
    pub(crate) factors: &'a Standing,
    /// The names of the user's roles; see [`roles`].
    pub(crate) roles: &'a [String],
    pub(crate) logins_count: i64,
    /// The browser can be sent elsewhere and come back.
    pub(crate) can_redirect: bool,
    /// The browser has come back from where a script sent it, with this.
    pub(crate) back: Option<Sent>,
    /// The state token of the login transaction.
    pub(crate) state: Option<&'a str>,
}

/// A way in which the user has authenticated.
pub(crate) struct Method {
    /// `pwd`, `sms`, `mfa`, ...
    pub(crate) name: &'static str,
    /// The second factor, where it was one.
    pub(crate) factor: Option<Factor>,
    pub(crate) at: Timestamp,
}

impl Method {
    /// The entry of `authentication.methods`.
    pub(super) fn told(&self, timestamp: Value) -> Value {
        let mut told = json!({ "name": self.name, "timestamp": timestamp });
        if let Some(factor) = self.factor {
            told["type"] = json!(factor.name());
        }
        told
    }
}

/// Whether the tenant has anything to run.
pub(crate) fn any(cx: &RequestCx) -> bool {
    let scripts = cx.tenant.scripts();
    !scripts.rules().is_empty() || !scripts.actions(POST_LOGIN).is_empty()
}

/// Runs Rules, then Actions. `before` is what they did until the browser was sent away.
pub(crate) async fn run_login(
    cx: &RequestCx,
    scene: &Scene<'_>,
    before: Option<ScriptProgress>,
) -> Result<ScriptProgress, StoreError> {
    let facts = ScriptFacts {
        system_api: scene.wanted.api.as_ref().is_some_and(|api| api.is_system),
        has_session: scene.session.is_some(),
        has_refresh_token: scene.refresh_token.is_some(),
        can_redirect: scene.can_redirect,
        takes_factors: true,
    };
    let before = before.unwrap_or_default();
    let waits_for_action = before.waits_for.as_ref().and_then(|waiting| waiting.action_id.clone());
    let waits_for_factors = before.waits_for.as_ref().map(|waiting| waiting.factors.clone());
    let waits_for_factors = waits_for_factors.filter(|factors| !factors.is_empty());
    let user_id = scene.user.user_id.clone();
    let waits_for = before.waits_for.clone().filter(|_| waits_for_factors.is_some());
    let mut progress = ScriptProgress { user_id, waits_for, ..before };
    let mut next = waits_for_action.clone().map(|id| (id, Resume::Again));
    if let Some(commands) = waits_for_factors {
        if halted(&mut progress, commands, scene.factors) {
            return Ok(progress);
        }
        next = waits_for_action.clone().map(|id| (id, Resume::After));
    }
    if waits_for_action.is_none() {
        progress = run_rules(cx, scene, &facts, progress).await;
    }
    if progress.verdict.halt.is_none() {
        progress = run_actions(cx, scene, &facts, progress, next).await;
    }
    Ok(progress)
}

/// What a report becomes after scripts.
pub(crate) fn apply(report: ScopeReport, wanted: &Wanted, verdict: &mut Verdict) -> ScopeReport {
    let system = wanted.api.as_ref().is_some_and(|api| api.is_system);
    let report = gatewright_core::scope::after_scripts(report, &verdict.scopes, system);
    verdict.close(&report.granted());
    report
}

/// The user as this login's tokens state them.
pub(crate) fn as_stated(mut user: User, verdict: &Verdict) -> User {
    user.profile.extend(verdict.profile.clone());
    user
}

/// The names of the roles that a user has.
pub(crate) async fn roles(tx: &mut Tx, cx: &RequestCx, user_id: &str) -> Result<Vec<String>, StoreError> {
    let names = role_members::of_user(tx, &cx.tenant.id, user_id).await?.into_iter();
    Ok(names.filter_map(|role| role["name"].as_str().map(str::to_owned)).collect())
}

async fn run_rules(
    cx: &RequestCx,
    scene: &Scene<'_>,
    facts: &ScriptFacts,
    mut progress: ScriptProgress,
) -> ScriptProgress {
    let programs = cx.tenant.scripts().rules().to_vec();
    if programs.is_empty() {
        return progress;
    }
    let user = context::user(scene);
    let before = rules::compared(|name| user.get(name), context::protocol(scene));
    let trigger = Trigger {
        name: "rules",
        wrapper: Wrapper::Rule,
        programs: programs.clone(),
        input: written(&context::input(cx, scene)),
        user_id: Some(scene.user.user_id.clone()),
        state: scene.state,
    };
    let outcome = run(cx, trigger).await;
    progress.runs.extend(ledger::runs("rule", &programs, &outcome));
    let name = |index: usize| programs.get(index).map_or("", |program| program.name.as_str());
    let verdict = match outcome.failure() {
        Some(error) => Verdict::denied(match error.kind {
            // Compat: what a rule gives to its callback is told to the application.
            ErrorKind::Thrown => rules::refusal(&error.name, &error.message),
            _ => failed(error),
        }),
        None => {
            let by = match programs.as_slice() {
                [only] => format!("The rule \"{}\"", only.name),
                _ => format!("One of the rules from \"{}\" to \"{}\"", name(0), name(programs.len() - 1)),
            };
            rules::judge(&by, &before, &outcome.result, facts)
        }
    };
    if let Some(Halt::Redirect { url, .. }) = &verdict.halt {
        progress.waits_for = Some(WaitingScript { action_id: None, url: url.clone(), factors: Vec::new() });
        // They run again from the start, so only what is told of them is kept.
        progress.verdict.halt = verdict.halt;
        return progress;
    }
    progress.verdict = progress.verdict.then(verdict);
    progress
}

async fn run_actions(
    cx: &RequestCx,
    scene: &Scene<'_>,
    facts: &ScriptFacts,
    mut progress: ScriptProgress,
    resume: Option<(String, Resume)>,
) -> ScriptProgress {
    let bound = cx.tenant.scripts().actions(POST_LOGIN).to_vec();
    // An action that was unbound while the browser was away is over: those after it are not known then.
    let first = resume.as_ref().map_or(Some(0), |(id, how)| {
        let position = bound.iter().position(|program| program.id == *id)?;
        Some(position + usize::from(*how == Resume::After))
    });
    let Some(mut first) = first else {
        progress.verdict.halt = Some(Halt::Denied(unavailable()));
        return progress;
    };
    let mut again = resume.is_some_and(|(_, how)| how == Resume::Again);
    while first < bound.len() {
        let (done, asked) =
            run_some(cx, scene, facts, progress, (&bound[first..], std::mem::take(&mut again))).await;
        progress = done;
        // Where a factor that was asked for is passed already, the next action runs at once.
        let Some(((at, commands), action_id)) = asked else { return progress };
        progress.waits_for =
            Some(WaitingScript { action_id: Some(action_id), url: String::new(), factors: Vec::new() });
        if halted(&mut progress, commands, scene.factors) {
            return progress;
        }
        first += at + 1;
    }
    progress
}

/// How the actions go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resume {
    /// With the action that sent the browser away.
    Again,
    /// After the action that asked for a factor.
    After,
}

/// Whether the login waits for one of these factors, or is refused for want of one.
fn halted(progress: &mut ScriptProgress, commands: Vec<FactorCommand>, standing: &Standing) -> bool {
    match mfa::of_commands(&commands, standing) {
        Decision::GoesOn(_) => {
            progress.waits_for = None;
            progress.verdict.halt = None;
            return false;
        }
        Decision::Ask(_) => {
            if let Some(waiting) = &mut progress.waits_for {
                waiting.factors.clone_from(&commands);
            }
            progress.verdict.halt = Some(Halt::Factors(commands));
        }
        Decision::Refused(error) => {
            progress.waits_for = None;
            progress.verdict.halt = Some(Halt::Denied(error));
        }
    }
    true
}

/// An action of those that ran, and what it asked for; its id.
type AskedBy = ((usize, Vec<FactorCommand>), String);

/// Runs these actions until one ends the flow. `again`: the first one sent the browser away.
async fn run_some(
    cx: &RequestCx,
    scene: &Scene<'_>,
    facts: &ScriptFacts,
    mut progress: ScriptProgress,
    (bound, again): (&[Arc<Program>], bool),
) -> (ScriptProgress, Option<AskedBy>) {
    let programs = bound.to_vec();
    let input = written(&post_login::event(cx, scene, &progress.metadata));
    let trigger = Trigger {
        name: POST_LOGIN,
        wrapper: Wrapper::Action {
            trigger: POST_LOGIN.to_owned(),
            resume: again.then(|| "onContinuePostLogin".to_owned()),
        },
        programs: programs.clone(),
        input,
        user_id: Some(scene.user.user_id.clone()),
        state: scene.state,
    };
    let outcome = run(cx, trigger).await;
    progress.runs.extend(ledger::runs("action", &programs, &outcome));
    let name = |index: usize| programs.get(index).map_or("", |program| program.name.as_str());
    let mut asked = None;
    for ran in &outcome.runs {
        let by = format!("The action \"{}\"", name(ran.program));
        let verdict = actions::judge(&by, &ran.commands, facts);
        if let Some(Halt::Redirect { url, .. }) = &verdict.halt {
            let action_id = programs.get(ran.program).map(|program| program.id.clone());
            progress.waits_for = Some(WaitingScript { action_id, url: url.clone(), factors: Vec::new() });
        }
        if let (Some(Halt::Factors(commands)), Some(program)) = (&verdict.halt, programs.get(ran.program)) {
            asked = Some(((ran.program, commands.clone()), program.id.clone()));
        }
        progress.verdict = progress.verdict.then(verdict);
        note_metadata(&mut progress.metadata, &ran.commands);
    }
    if let Some(error) = outcome.failure()
        && !matches!(progress.verdict.halt, Some(Halt::Denied(_)))
    {
        progress.waits_for = None;
        progress.verdict.halt = Some(Halt::Denied(failed(error)));
        asked = None;
    }
    (progress, asked)
}

pub(super) fn note_metadata(metadata: &mut Map<String, Value>, commands: &[Value]) {
    for command in commands.iter().filter(|command| command["type"] == "transaction.setMetadata") {
        let name = command["name"].as_str().unwrap_or_default();
        match &command["value"] {
            Value::Null => metadata.remove(name),
            value => metadata.insert(name.to_owned(), value.clone()),
        };
    }
}
