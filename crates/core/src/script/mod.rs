//! What the tenant's scripts may change: from their commands to a verdict.
//!
//! Owns: which commands of Rules and Actions count, which are left out and why, and what remains for the
//! flow to carry out. Does not own: running scripts (`gatewright-script`), what scopes become of it
//! ([`crate::scope::after_scripts`]), carrying anything out.
//!
//! Reading order: [`Verdict`], [`actions`] (commands of Actions), [`rules`] (what Rules left in `user` and
//! `context`), [`claims`] (which claims a script may set), [`registration`] (sign-ups), [`database`] (custom
//! databases), [`notification`] (messages that an Action delivers), [`note`] (what is said about the rest).

pub mod actions;
pub mod claims;
pub mod database;
pub mod note;
pub mod notification;
pub mod registration;
pub mod rules;
pub mod social;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use note::{Note, NoteReason};

use crate::errors::OAuthError;
use crate::mfa::FactorCommand;

/// What decisions about commands read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScriptFacts {
    /// The token is for the Management API or another API of the system.
    pub system_api: bool,
    /// There is a session, or one begins with this login.
    pub has_session: bool,
    /// A refresh token is issued or exchanged.
    pub has_refresh_token: bool,
    /// A browser can be sent elsewhere and come back.
    pub can_redirect: bool,
    /// The flow knows what to do where a script asks for a factor.
    pub takes_factors: bool,
}

/// What scripts changed about a login, in the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Verdict {
    /// Claims for the ID token and `/userinfo`.
    pub id_token: Map<String, Value>,
    /// Claims for the access token.
    pub access_token: Map<String, Value>,
    /// Who set what, where it is known: `id_token NAME` and the like, and the script.
    pub set_by: std::collections::BTreeMap<String, String>,
    /// Changes of the scopes, in order.
    pub scopes: Vec<ScopeChange>,
    /// Root attributes of the profile as this login's tokens shall state them; the account keeps its own.
    pub profile: Map<String, Value>,
    /// To be merged into the account's metadata; null deletes.
    pub user_metadata: Map<String, Value>,
    /// Likewise.
    pub app_metadata: Map<String, Value>,
    /// The account that the user goes on as, to which theirs must be linked.
    pub primary_user: Option<String>,
    /// Changes of the session.
    pub session: Changes,
    /// Changes of the refresh token.
    pub refresh_token: Changes,
    /// The provider of a factor that the last script asked for, `none` included; `None` where none did.
    pub multifactor: Option<String>,
    /// Ways of authentication that scripts recorded.
    pub methods: Vec<String>,
    /// Commands of triggers that decide more than tokens, as scripts gave them.
    pub others: Vec<Value>,
    /// Why the flow does not go on, if it does not.
    #[serde(skip)]
    pub halt: Option<Halt>,
    /// What was left out, and why.
    pub notes: Vec<Note>,
}

/// Why a flow does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// It is refused.
    Denied(OAuthError),
    /// The browser goes to this address first.
    Redirect {
        /// Where to, without the `state` that is added.
        url: String,
        /// The script that asked for it.
        by: String,
    },
    /// A second factor comes first, if it has not been passed.
    Factors(Vec<FactorCommand>),
}

/// A change of the scopes by a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeChange {
    /// The script.
    pub by: String,
    /// What it does.
    #[serde(flatten)]
    pub change: Change,
}

/// See [`ScopeChange`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Change {
    /// One more scope.
    Add {
        /// The scope.
        scope: String,
    },
    /// One less.
    Remove {
        /// The scope.
        scope: String,
    },
    /// These and no others.
    Set {
        /// The scopes.
        scopes: Vec<String>,
    },
}

/// Changes of a session or a refresh token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// Revoke it, with this reason.
    pub revoke: Option<String>,
    /// Refresh tokens of a session that is revoked are kept.
    pub preserve_refresh_tokens: bool,
    /// Its end, at the latest, in milliseconds since 1970.
    pub expires_at_ms: Option<i64>,
    /// Its end when idle, at the latest, in milliseconds since 1970.
    pub idle_expires_at_ms: Option<i64>,
    /// Whether the session's cookie outlives the browser.
    pub persistent: Option<bool>,
    /// To be merged into its metadata; null deletes.
    pub metadata: Map<String, Value>,
    /// All metadata goes first.
    pub evict_metadata: bool,
}

impl Changes {
    /// Whether anything changes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Ends only come nearer.
    fn at_latest(end: &mut Option<i64>, at_ms: i64) {
        *end = Some(end.map_or(at_ms, |known| known.min(at_ms)));
    }

    fn then(&mut self, later: Self) {
        let Self { revoke, preserve_refresh_tokens, expires_at_ms, idle_expires_at_ms, .. } = later;
        self.preserve_refresh_tokens |= preserve_refresh_tokens;
        self.revoke = revoke.or_else(|| self.revoke.take());
        for (end, at_ms) in
            [(&mut self.expires_at_ms, expires_at_ms), (&mut self.idle_expires_at_ms, idle_expires_at_ms)]
        {
            if let Some(at_ms) = at_ms {
                Self::at_latest(end, at_ms);
            }
        }
        self.persistent = later.persistent.or(self.persistent);
        if later.evict_metadata {
            self.evict_metadata = true;
            self.metadata.clear();
        }
        self.metadata.extend(later.metadata);
    }
}

impl Verdict {
    /// A verdict that only refuses.
    pub fn denied(error: OAuthError) -> Self {
        Self { halt: Some(Halt::Denied(error)), ..Self::default() }
    }

    /// This one, and after it another: of Rules and then Actions, or of before and after an interruption.
    #[must_use]
    pub fn then(mut self, later: Self) -> Self {
        self.id_token.extend(later.id_token);
        self.access_token.extend(later.access_token);
        self.set_by.extend(later.set_by);
        self.scopes.extend(later.scopes);
        self.profile.extend(later.profile);
        self.user_metadata.extend(later.user_metadata);
        self.app_metadata.extend(later.app_metadata);
        self.primary_user = later.primary_user.or(self.primary_user);
        self.session.then(later.session);
        self.refresh_token.then(later.refresh_token);
        self.multifactor = later.multifactor.or(self.multifactor);
        self.methods.extend(later.methods);
        self.others.extend(later.others);
        self.halt = later.halt.or(self.halt);
        self.notes.extend(later.notes);
        self
    }

    /// Takes out the standard claims whose scope was not granted: no script may open what the user's consent
    /// did not.
    pub fn close(&mut self, granted: &[&str]) {
        for (claims, command) in [
            (&mut self.id_token, "idToken.setCustomClaim"),
            (&mut self.access_token, "accessToken.setCustomClaim"),
        ] {
            claims.retain(|name, _| match crate::tokens::claims::scope_of(name) {
                Some(scope) if !granted.contains(&scope) => {
                    self.notes.push(Note::new("", command, name, NoteReason::ScopeNotGranted));
                    false
                }
                _ => true,
            });
        }
    }

    /// What the metadata of the account becomes, if anything changes.
    pub fn metadata_of<'a>(&'a self, name: &str) -> Option<&'a Map<String, Value>> {
        let changes = match name {
            "user_metadata" => &self.user_metadata,
            _ => &self.app_metadata,
        };
        (!changes.is_empty()).then_some(changes)
    }

    /// The script that set a claim of `id_token` or `access_token`, or an attribute of the `profile`.
    pub fn set_by(&self, what: &str, name: &str) -> &str {
        self.set_by.get(&format!("{what} {name}")).map_or("A script", String::as_str)
    }

    fn note_set(&mut self, by: &str, what: &str, name: &str) {
        self.set_by.insert(format!("{what} {name}"), by.to_owned());
    }

    fn deny(&mut self, error: OAuthError) {
        self.halt = Some(Halt::Denied(error));
    }

    fn note(&mut self, by: &str, command: &str, about: &str, reason: NoteReason) {
        self.notes.push(Note::new(by, command, about, reason));
    }
}
