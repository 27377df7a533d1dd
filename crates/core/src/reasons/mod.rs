//! The registry of reason codes: every "why" that the server can give, once.
//!
//! A decision names its reason by a code. What the code says, what to do about it and which setting decides is
//! here, so that log, terminal, pages and `docs/reasons.md` say the same. Decisions about scopes explain
//! themselves with the names of the case ([`crate::scope::Explanation`]); for them this is the general form.
//!
//! Tests hold: no code stands twice, none is used that is not here, each is reached by some test.
//! Reading order: [`Entry`], [`find`], then the tables by area.

pub mod change;
mod clients;
mod grants;
mod ledger;
mod logins;
mod requests;
mod scopes;
mod scripts;

#[cfg(test)]
mod examples;
#[cfg(test)]
mod page;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::LazyLock;

/// What part of the server gives a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// The scope decision.
    Scopes,
    /// What is in tokens, how long they live, where answers go.
    Tokens,
    /// A request of `/authorize`, of a device or of a logout.
    Requests,
    /// Whether a user had to log in, and whether they could.
    Logins,
    /// Who the client is.
    Clients,
    /// What was presented at the token endpoint.
    Grants,
    /// What the tenant's scripts did.
    Scripts,
}

impl Area {
    /// Every area, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Scopes,
        Self::Tokens,
        Self::Requests,
        Self::Logins,
        Self::Clients,
        Self::Grants,
        Self::Scripts,
    ];

    /// A heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Scopes => "Scopes",
            Self::Tokens => "Tokens: claims, audience, lifetime, refresh token, redirect",
            Self::Requests => "Requests of /authorize, of devices and of logouts",
            Self::Logins => "Logins",
            Self::Clients => "Client authentication and registration",
            Self::Grants => "Codes, refresh tokens and other grants",
            Self::Scripts => "Scripts",
        }
    }
}

/// One reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The stable code, e.g. `code_expired`.
    pub code: &'static str,
    /// One sentence: what is so.
    pub says: &'static str,
    /// What to do about it; empty where nothing has to be done.
    pub remedy: &'static str,
    /// What decides: a setting as `resource.field`, or a part of the request or of the system.
    pub setting: &'static str,
}

const fn entry(code: &'static str, setting: &'static str, says: &'static str, remedy: &'static str) -> Entry {
    Entry { code, says, remedy, setting }
}

/// The reasons of one area.
pub const fn of(area: Area) -> &'static [Entry] {
    match area {
        Area::Scopes => scopes::TABLE,
        Area::Tokens => ledger::TABLE,
        Area::Requests => requests::TABLE,
        Area::Logins => logins::TABLE,
        Area::Clients => clients::TABLE,
        Area::Grants => grants::TABLE,
        Area::Scripts => scripts::TABLE,
    }
}

/// Every reason.
pub fn all() -> impl Iterator<Item = (Area, &'static Entry)> {
    Area::ALL.into_iter().flat_map(|area| of(area).iter().map(move |entry| (area, entry)))
}

/// The reason of this code.
///
/// ```
/// # use gatewright_core::reasons::find;
/// assert_eq!(find("code_expired").map(|entry| entry.setting), Some("system.code_lifetime"));
/// assert!(find("nonsense").is_none());
/// ```
pub fn find(code: &str) -> Option<&'static Entry> {
    // Every line of the ledger looks its setting up here.
    static BY_CODE: LazyLock<HashMap<&str, &Entry>> =
        LazyLock::new(|| all().map(|(_, entry)| (entry.code, entry)).collect());
    BY_CODE.get(code).copied()
}

/// What to do about the reason of this code, if something can be done.
pub fn remedy(code: &str) -> Option<&'static str> {
    find(code).map(|entry| entry.remedy).filter(|remedy| !remedy.is_empty())
}
