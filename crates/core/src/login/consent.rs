//! Whether a user has to be asked before a client gets what it asked for.

/// What decides about consent.
#[derive(Clone, Copy, Debug)]
pub struct ConsentFacts<'a> {
    /// The client belongs to the tenant's owner.
    pub first_party: bool,
    /// `prompt=consent`: ask even if nothing is missing.
    pub asked_for: bool,
    /// The scopes that the token would hold.
    pub granted: &'a [&'a str],
    /// Scopes that the user allowed this client at this API before.
    pub allowed: &'a [String],
    /// Scopes that the user allowed on the page of this very login; `None` if it was not shown.
    pub just_allowed: Option<&'a [String]>,
}

/// Whether the page is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Nothing is missing.
    Given,
    /// Ask for these scopes.
    Ask(Vec<String>),
}

/// Decides about consent. `offline_access` and scopes allowed before are not asked for again, except
/// by `prompt=consent`, which asks once for everything.
///
/// ```
/// # use gatewright_core::login::consent::{Consent, ConsentFacts, decide};
/// let facts = ConsentFacts {
///     first_party: false, asked_for: false, granted: &["openid", "email"],
///     allowed: &["openid".to_owned()], just_allowed: None,
/// };
/// assert_eq!(decide(facts), Consent::Ask(vec!["email".to_owned()]));
/// ```
#[must_use]
pub fn decide(facts: ConsentFacts<'_>) -> Consent {
    if facts.first_party && !facts.asked_for {
        return Consent::Given;
    }
    let in_list = |list: &[String], scope: &str| list.iter().any(|allowed| allowed == scope);
    let just = facts.just_allowed.unwrap_or_default();
    let before = if facts.asked_for { &[][..] } else { facts.allowed };
    let missing: Vec<String> = facts
        .granted
        .iter()
        .filter(|scope| !in_list(just, scope) && !in_list(before, scope))
        .map(|scope| (*scope).to_owned())
        .collect();
    // A request without any scope still lets the client learn who the user is.
    let never_asked = facts.just_allowed.is_none() && (facts.asked_for || facts.allowed.is_empty());
    if missing.is_empty() && !never_asked { Consent::Given } else { Consent::Ask(missing) }
}

#[cfg(test)]
#[path = "consent_tests.rs"]
mod tests;
