//! What the log keeps of a decision besides the scopes: audience, lifetime, claims, refresh token, prompt, redirect.
//!
//! Owns: one [`Line`] for each, with a reason of the registry, the setting that decided and, where something was
//! not given, the smallest change that would give it. All pure: values in, lines out; nothing is signed or
//! looked up for them. Does not own: scopes ([`crate::scope`]), the decisions themselves.
//!
//! Reading order: [`Line`], then [`issued`], which puts them together for tokens.

mod claims;
mod issued;
mod prompt;

#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::client::Client;
use crate::errors::OAuthError;
use crate::reasons;
use crate::redirect;
use crate::resource_server::ResourceServer;
use crate::scope::{Change, OFFLINE_ACCESS, Outcome, ScopeReport};
use crate::tokens::Channel;

pub use claims::{ClaimGroup, access_token, id_token};
pub use issued::{Issued, IssuedFacts, issued};
pub use prompt::{PromptFacts, prompts};

/// One thing that was decided. What the reason says and its general remedy are in the registry of reasons.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Line {
    /// Its name, where there are several of the kind.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub item: &'static str,
    /// What became of it, in a word.
    pub outcome: &'static str,
    /// The reason's code.
    pub reason: &'static str,
    /// The setting that decided.
    pub setting: &'static str,
    /// The id of the resource that has the setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting_id: Option<String>,
    /// A number that was decided: seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
    /// The registered callback that matched, or the audience.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<String>,
    /// The audience of the access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// The change of a setting that would give what was not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

impl Line {
    fn new(outcome: &'static str, reason: &'static str, setting_id: Option<&str>) -> Self {
        Self {
            outcome,
            reason,
            setting: reasons::find(reason).map_or("", |entry| entry.setting),
            setting_id: setting_id.map(str::to_owned),
            ..Self::default()
        }
    }

    fn of(self, item: &'static str) -> Self {
        Self { item, ..self }
    }
}

/// Where the audience of a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct AudienceFacts<'a> {
    /// The `audience` parameter, as sent.
    pub asked: Option<&'a str>,
    /// The audience that was decided about.
    pub audience: Option<&'a str>,
    /// The API of that audience.
    pub api: Option<&'a ResourceServer>,
    /// It was decided at the login, and a code or a refresh token carries it.
    pub carried: bool,
}

/// For whom the access token is, and why.
pub fn audience(facts: AudienceFacts<'_>) -> Line {
    let asked = facts.asked.is_some_and(|asked| !asked.is_empty());
    let reason = match (facts.api, asked, facts.carried) {
        (_, _, true) => "audience_of_login",
        (Some(_), true, _) => "audience_asked",
        (Some(_), false, _) => "audience_default",
        (None, true, _) => "audience_userinfo",
        (None, false, _) => "audience_none",
    };
    let outcome = if facts.api.is_some() { "api" } else { "opaque" };
    let mut line = Line::new(outcome, reason, facts.api.map(|api| api.id.as_str()));
    line.identifier = facts.api.and(facts.audience).map(str::to_owned);
    line
}

/// How long the access token lives, and what decides it.
pub fn access_token_lifetime(api: Option<&ResourceServer>, channel: Channel, seconds: i64) -> Line {
    let reason = match (api, channel) {
        (None, _) => "lifetime_opaque",
        (Some(_), Channel::Back) => "lifetime_of_api",
        (Some(api), Channel::Front) if api.token_lifetime_for_web > api.token_lifetime => "lifetime_capped",
        (Some(_), Channel::Front) => "lifetime_for_web",
    };
    let line = Line::new("decided", reason, api.map(|api| api.id.as_str()));
    Line { seconds: Some(seconds), ..line.of("access_token") }
}

/// How long the ID token lives.
pub fn id_token_lifetime(client: &Client) -> Line {
    let line = Line::new("decided", "lifetime_of_client", Some(&client.client_id));
    Line { seconds: Some(client.jwt_configuration.lifetime_in_seconds), ..line.of("id_token") }
}

/// Why no refresh token is in this answer. `later`: a code is, and it will bring one.
pub fn no_refresh_token(report: &ScopeReport, machine: bool, later: bool, client: &Client) -> Line {
    let client_id = Some(client.client_id.as_str());
    if machine {
        return Line::new("none", "refresh_token_for_machines", None);
    }
    let Some(entry) = report.entries.iter().find(|entry| entry.scope == OFFLINE_ACCESS) else {
        return Line::new("none", "offline_access_not_asked", None);
    };
    if entry.outcome == Outcome::Granted && later {
        return Line::new("later", "refresh_token_with_code", client_id);
    }
    let mut line = Line::new("none", entry.reason().code(), entry.why.setting_id.as_deref());
    line.change = entry.why.change.clone();
    line
}

/// Whether a token states the user's permissions on the API; `None` where nothing is to be said.
pub fn permissions(api: Option<&ResourceServer>) -> Option<Line> {
    let api = api.filter(|api| !api.is_system)?;
    let (outcome, reason) = match (api.enforce_policies, api.token_dialect.ends_with("_authz")) {
        (true, true) => ("stated", "permissions_stated"),
        (true, false) => ("left out", "permissions_not_in_dialect"),
        (false, _) => ("left out", "permissions_without_rbac"),
    };
    Some(Line::new(outcome, reason, Some(&api.id)))
}

/// Which of the client's callbacks let the answer's address in. `named`: the request had a `redirect_uri`.
pub fn redirect(named: bool, redirect_uri: &str, client: &Client) -> Line {
    let callback = redirect::registration_of(redirect_uri, &client.callbacks);
    let reason = match callback {
        None => "redirect_uri_not_registered",
        Some(_) if !named => "redirect_uri_only_callback",
        Some(callback) if callback == redirect_uri => "redirect_uri_exact",
        Some(_) => "redirect_uri_wildcard",
    };
    let outcome = if callback.is_some() { "matched" } else { "refused" };
    let mut line = Line::new(outcome, reason, Some(&client.client_id));
    line.callback = callback.map(str::to_owned);
    line
}

/// Members of `details.decision` for a refusal: the reason, the setting that decided, what would lift it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refused<'a> {
    /// The reason's code.
    pub reason: &'a str,
    /// What is so.
    pub says: &'static str,
    /// The setting that decided.
    pub setting: &'static str,
    /// The id of the resource that has the setting, where it is the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting_id: Option<&'a str>,
    /// What to do about it.
    pub remedy: Option<&'static str>,
    /// The change of a setting that would lift it.
    pub change: Option<&'a Change>,
}

/// The ledger of a refusal. An error without a reason of its own breaks the form of the request.
pub fn refused<'a>(error: &'a OAuthError, client_id: Option<&'a str>) -> Refused<'a> {
    let reason = error.reason.as_deref().unwrap_or("request_invalid");
    let entry = reasons::find(reason);
    let setting = entry.map_or("", |entry| entry.setting);
    Refused {
        reason,
        says: entry.map_or("", |entry| entry.says),
        setting,
        setting_id: client_id.filter(|_| setting.starts_with("client.")),
        remedy: reasons::remedy(reason),
        change: error.change.as_deref(),
    }
}
