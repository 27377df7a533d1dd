//! Deciding a recorded request again: what it asked for, read back from the record.

use serde_json::Value;

use crate::authorize::{Ask, ResponseTypes};
use crate::scope::{self, Flow, OFFLINE_ACCESS, ScopeAsk, ScopeFacts, ScopeRefusal, ScopeReport};
use crate::script::{Change, ScopeChange};

/// What a recorded scope decision was asked, and what scripts then changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    flow: String,
    scope: String,
    /// The audience that was decided about, with the tenant's default filled in.
    pub audience: Option<String>,
    original: Vec<String>,
    scripts: Vec<ScopeChange>,
    /// The request alone was at fault (its `scope` was beyond the limits): no setting changes that.
    by_request: bool,
}

/// An outcome of each scope, and of the whole: what a replay must come to again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The refusal of the whole.
    pub refused: Option<String>,
    /// Scope, outcome, reason.
    pub scopes: Vec<(String, String, String)>,
}

impl Verdict {
    /// Of a scope report or refusal as JSON.
    pub fn of(scope: &Value) -> Self {
        let entries = scope["entries"].as_array().into_iter().flatten();
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        Self {
            refused: scope["reason"].as_str().map(str::to_owned),
            scopes: entries
                .map(|entry| (text(entry, "scope"), text(entry, "outcome"), text(entry, "reason")))
                .collect(),
        }
    }
}

impl Recorded {
    /// Reads `details.decision.scope`; `None` where scopes were not decided.
    pub fn read(scope: &Value) -> Option<Self> {
        let flow = scope["flow"].as_str()?.to_owned();
        // A report has the decided audience as an object, a refusal the text that was asked for.
        let audience = scope["audience"]["identifier"].as_str().or(scope["audience"].as_str());
        let entries = scope["entries"].as_array().into_iter().flatten();
        let (mut asked, mut scripts, mut original) = (Vec::new(), Vec::new(), Vec::new());
        for entry in entries {
            let text = |name: &str| entry[name].as_str().unwrap_or_default();
            let name = text("scope");
            if text("origin") == "requested" {
                asked.push(name);
            }
            // What was added because nothing was asked for came from the original.
            if text("origin") == "default" {
                original.push(name.to_owned());
            }
            let by = text("says").split_once(" added it").or_else(|| text("says").split_once(" removed it"));
            let by = by.map_or("A script", |(by, _)| by).to_owned();
            let scope = || name.to_owned();
            let (add, remove) = (Change::Add { scope: scope() }, Change::Remove { scope: scope() });
            // Of several scripts only the last word is on record. Undone first, it is said again in any case.
            let changes = match text("reason") {
                "added_by_script" | "script_scope_ignored" => [remove, add],
                "removed_by_script" => {
                    if text("origin") == "requested" {
                        original.push(name.to_owned());
                    }
                    [add, remove]
                }
                reason => {
                    if reason != "not_in_original_grant" {
                        original.push(name.to_owned());
                    }
                    continue;
                }
            };
            scripts.extend(changes.map(|change| ScopeChange { by: by.clone(), change }));
        }
        let by_request = matches!(scope["reason"].as_str(), Some("scope_too_long" | "too_many_scopes"));
        let scope = asked.join(" ");
        Some(Self { flow, scope, audience: audience.map(str::to_owned), original, scripts, by_request })
    }

    /// The same with the request itself, where the record keeps it; a request that was refused before its scopes
    /// were decided has nothing else. `audience` is the one to decide about now.
    pub fn of_request(scope: &Value, ask: &Ask, audience: Option<&str>) -> Option<Self> {
        let types = ResponseTypes::parse(ask.response_type.as_deref().unwrap_or_default())?;
        let flow = match (types.code, types.has_token_or_id_token()) {
            (true, true) => Flow::Hybrid,
            (true, false) => Flow::Code,
            (false, _) => Flow::Implicit,
        };
        let recorded = Self::read(scope).unwrap_or_default();
        Some(Self {
            flow: flow.name().to_owned(),
            scope: ask.scope.clone().unwrap_or_default(),
            audience: audience.map(str::to_owned),
            by_request: false,
            ..recorded
        })
    }

    /// Decides again. `None` where no setting could change the verdict.
    pub fn decide(&self, facts: &ScopeFacts<'_>) -> Option<Result<ScopeReport, Box<ScopeRefusal>>> {
        if self.by_request {
            return None;
        }
        let flow = match self.flow.as_str() {
            "code" => Flow::Code,
            "implicit" => Flow::Implicit,
            "hybrid" => Flow::Hybrid,
            "password" => Flow::Password,
            "client_credentials" => Flow::ClientCredentials,
            "refresh_token" => Flow::Refresh { original: &self.original },
            _ => return None,
        };
        let ask = ScopeAsk { scope: Some(&self.scope), audience: self.audience.as_deref(), flow };
        let system = facts.api.is_some_and(|api| api.is_system);
        Some(scope::decide(&ask, facts).map(|report| scope::after_scripts(report, &self.scripts, system)))
    }

    /// Whether a refresh token was among what was asked for.
    pub fn asks_for_refresh_token(&self) -> bool {
        self.scope.split(' ').any(|scope| scope == OFFLINE_ACCESS)
    }
}

/// How two verdicts differ, a sentence for each scope.
pub fn differences(then: &Verdict, now: &Verdict) -> Vec<String> {
    let mut told = Vec::new();
    match (&then.refused, &now.refused) {
        (Some(reason), None) => told.push(format!("the request is not refused any more ({reason} then)")),
        (None, Some(reason)) => told.push(format!("the request is refused: {reason}")),
        (Some(then), Some(now)) if then != now => told.push(format!("refused for {now}, not {then}")),
        _ => {}
    }
    for (scope, outcome, reason) in &now.scopes {
        let before = then.scopes.iter().find(|(known, ..)| known == scope);
        match before {
            Some((_, was, why)) if (was, why) != (outcome, reason) => {
                told.push(format!("{scope} is {outcome} ({reason}); it was {was} ({why})"));
            }
            None => told.push(format!("{scope} is {outcome} ({reason}); it was not there")),
            _ => {}
        }
    }
    for (scope, ..) in
        then.scopes.iter().filter(|(scope, ..)| !now.scopes.iter().any(|(known, ..)| known == scope))
    {
        told.push(format!("{scope} is not there any more"));
    }
    told
}
