//! Which claims a script may set.

use serde_json::{Map, Value};
use url::{Host, Url};

use super::NoteReason;

/// Most bytes that all custom claims of a token may have as JSON.
pub const MAX_BYTES: usize = 100 * 1024;

/// Names that the protocol, or the service, uses itself. In alphabetical order.
const RESERVED: &[&str] = &[
    "acr",
    "act",
    "active",
    "amr",
    "at_hash",
    "ath",
    "attest",
    "aud",
    "auth_time",
    "authorization_details",
    "azp",
    "c_hash",
    "client_id",
    "cnf",
    "cty",
    "dest",
    "entitlements",
    "events",
    "exp",
    "groups",
    "gty",
    "htm",
    "htu",
    "iat",
    "internalService",
    "iss",
    "jcard",
    "jku",
    "jti",
    "jwe",
    "jwk",
    "kid",
    "may_act",
    "mky",
    "nbf",
    "nonce",
    "object_id",
    "org_id",
    "org_name",
    "orig",
    "origid",
    "permissions",
    "roles",
    "rph",
    "s_hash",
    "sid",
    "sip_callid",
    "sip_cseq_num",
    "sip_date",
    "sip_from_tag",
    "sip_via_branch",
    "sub",
    "sub_jwk",
    "toe",
    "txn",
    "typ",
    "uuid",
    "vot",
    "vtm",
    "x5t#S256",
];

/// Hosts whose names are the service's own.
const FORBIDDEN_HOSTS: &[&str] = &["auth0.com", "webtask.io", "webtask.run"];

/// Which token a claim is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// The ID token, and `/userinfo`.
    Id,
    /// The access token. `system`: of an API of the system.
    Access {
        /// Whether the API is the system's own.
        system: bool,
    },
}

/// Whether the protocol, or the service, uses this name itself.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.binary_search(&name).is_ok() || name == "scope"
}

/// Whether a script may set a claim of this name.
///
/// # Errors
/// Why it is left out.
pub fn allowed(name: &str, token: Token) -> Result<(), NoteReason> {
    if is_reserved(name) {
        return Err(NoteReason::ReservedClaim);
    }
    match namespace(name) {
        Namespace::Own => Ok(()),
        Namespace::Forbidden => Err(NoteReason::ForbiddenNamespace),
        Namespace::None if token == (Token::Access { system: true }) => Err(NoteReason::ClaimNeedsNamespace),
        Namespace::None => Ok(()),
    }
}

/// Adds a claim if there is room for it.
///
/// # Errors
/// [`NoteReason::ClaimsTooLong`].
pub fn insert(claims: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), NoteReason> {
    let before = claims.insert(name.to_owned(), value);
    if serde_json::to_string(claims).is_ok_and(|text| text.len() <= MAX_BYTES) {
        return Ok(());
    }
    match before {
        Some(value) => claims.insert(name.to_owned(), value),
        None => claims.remove(name),
    };
    Err(NoteReason::ClaimsTooLong)
}

enum Namespace {
    None,
    Own,
    Forbidden,
}

fn namespace(name: &str) -> Namespace {
    let lower = name.to_ascii_lowercase();
    if let Some(urn) = lower.strip_prefix("urn:") {
        return if urn == "auth0" || urn.starts_with("auth0:") {
            Namespace::Forbidden
        } else {
            Namespace::Own
        };
    }
    if !(lower.starts_with("http://") || lower.starts_with("https://")) {
        return Namespace::None;
    }
    let host = Url::parse(name).ok().and_then(|url| url.host().map(|host| host.to_owned()));
    match host {
        Some(Host::Domain(domain)) => {
            let domain = domain.trim_end_matches('.');
            let within = |of: &&str| domain == *of || domain.ends_with(&format!(".{of}"));
            if FORBIDDEN_HOSTS.iter().any(within) { Namespace::Forbidden } else { Namespace::Own }
        }
        Some(_) => Namespace::Own,
        None => Namespace::None,
    }
}

#[cfg(test)]
mod tests {
    use super::{NoteReason, RESERVED, Token, allowed, insert};
    use serde_json::{Map, json};

    #[test]
    fn names_are_judged() {
        let system = Token::Access { system: true };
        let cases = [
            ("https://example.com/user_metadata", system, None),
            ("urn:example:a", system, None),
            ("favorite", Token::Id, None),
            ("favorite", Token::Access { system: false }, None),
            ("favorite", system, Some(NoteReason::ClaimNeedsNamespace)),
            ("sub", Token::Id, Some(NoteReason::ReservedClaim)),
            ("x5t#S256", Token::Id, Some(NoteReason::ReservedClaim)),
            ("scope", Token::Access { system: false }, Some(NoteReason::ReservedClaim)),
            ("https://auth0.com/x", Token::Id, Some(NoteReason::ForbiddenNamespace)),
            ("HTTPS://A.WebTask.io/x", Token::Id, Some(NoteReason::ForbiddenNamespace)),
            ("https://notauth0.com/x", Token::Id, None),
            ("urn:auth0:x", Token::Id, Some(NoteReason::ForbiddenNamespace)),
            ("https://", system, Some(NoteReason::ClaimNeedsNamespace)),
        ];
        for (name, token, expected) in cases {
            assert_eq!(allowed(name, token).err(), expected, "{name} {token:?}");
        }
        assert!(RESERVED.is_sorted());
    }

    #[test]
    fn claims_beyond_the_limit_leave_what_was_there() {
        let mut claims = Map::new();
        assert_eq!(insert(&mut claims, "a", json!("x")), Ok(()));
        assert_eq!(insert(&mut claims, "a", json!("y".repeat(200_000))), Err(NoteReason::ClaimsTooLong));
        assert_eq!(insert(&mut claims, "b", json!("y".repeat(200_000))), Err(NoteReason::ClaimsTooLong));
        assert_eq!(json!(claims), json!({"a": "x"}));
    }
}
