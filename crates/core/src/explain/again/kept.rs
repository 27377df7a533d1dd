//! What is not decided again, and why.

use serde_json::Value;

use crate::explain::{Row, Then};
use crate::reasons::{self, Area};

/// Refusals of `/authorize` that only another request lifts.
const OF_REQUEST: [&str; 13] = [
    "client_id_missing",
    "redirect_uri_missing",
    "response_type_missing",
    "response_type_unknown",
    "response_mode_unknown",
    "response_mode_unsafe",
    "request_object_not_built",
    "nonce_missing",
    "pkce_malformed",
    "prompt_malformed",
    "max_age_malformed",
    "organizations_not_built",
    "parameter_too_long",
];
/// Refusals that a setting lifts, and that are decided again where the record has what they read.
const OF_SETTINGS: [&str; 9] = [
    "client_unknown",
    "redirect_uri_not_registered",
    "web_message_origin_not_registered",
    "request_not_pushed",
    "grant_type_not_allowed",
    "pkce_required",
    "signing_alg_not_built",
    "connection_not_usable",
    "user_blocked",
];

/// How a row was that stands in no record of its own: the log entry itself shows it, for what had refused is told by
/// the request's row.
pub(super) fn implied(row: &Row, event: &Value) -> Then {
    let refusal = event["details"]["decision"]["reason"].as_str().unwrap_or_default();
    let good = match row.kind.as_str() {
        "client" => ("known", "client_known", "client_unknown"),
        "grant_type" => ("allowed", "grant_type_allowed", "grant_type_not_allowed"),
        "connection" => ("enabled", "connection_enabled", "connection_not_usable"),
        "user" => ("good", "user_not_blocked", "user_blocked"),
        _ => return Then { outcome: "absent".to_owned(), ..Then::default() },
    };
    let (outcome, reason) = if refusal == good.2 { ("refused", good.2) } else { (good.0, good.1) };
    let says = reasons::find(reason).map(|entry| entry.says.to_owned()).unwrap_or_default();
    Then { outcome: outcome.to_owned(), reason: reason.to_owned(), says }
}

/// Whether the row refused the request for something that is decided again.
pub(super) fn is_decided(row: &Row, event: &Value) -> bool {
    if row.kind != "request" || row.outcome != "refused" {
        return false;
    }
    let decision = &event["details"]["decision"];
    let of_scopes = decision["scope"]["reason"] == *row.reason;
    let reads_request = crate::explain::asked::ask(&decision["asked"]).is_some()
        || matches!(row.reason.as_str(), "grant_type_not_allowed" | "signing_alg_not_built" | "user_blocked");
    of_scopes || (reads_request && OF_SETTINGS.contains(&row.reason.as_str()))
}

/// Why the row stands as it was recorded.
pub(super) fn why(row: &Row, refused_now: bool) -> &'static str {
    let area = reasons::all().find(|(_, entry)| entry.code == row.reason).map(|(area, _)| area);
    match (row.kind.as_str(), area) {
        ("script", _) | (_, Some(Area::Scripts)) => {
            "What a script did is not done again: its code may have changed, and it may ask the outside."
        }
        ("claim", _) if row.reason == "claim_of_script" => "A script set it, and scripts are not run again.",
        ("claim", _) if row.reason == "claim_of_dialect" => {
            "The API's dialect is another by now; its claims are decided when a token is issued."
        }
        ("scope" | "claim" | "redirect" | "audience" | "permissions", _) if refused_now => {
            "Nothing comes to it now: the request is refused before."
        }
        ("request", _) if OF_REQUEST.contains(&row.reason.as_str()) => {
            "The request alone was at fault: no setting changes that."
        }
        ("request", _) if OF_SETTINGS.contains(&row.reason.as_str()) => {
            "The record does not hold the request, which this is decided about."
        }
        ("prompt", _) if row.item == "consent" => {
            "The client is not first-party by now, and whether the user has consented is not in the record."
        }
        ("login" | "prompt", _) => "What the browser had then (a session, a ticket) is not in the record.",
        ("refresh_token", _) => "A refresh token that was presented is judged once, when it is exchanged.",
        ("multifactor", _) => "A script decided it or ran before it, and scripts are not run again.",
        ("request", _) if row.reason.starts_with("mfa_") => {
            "Second factors are decided again in their own row."
        }
        (_, Some(Area::Logins)) => "What the user proved (a password, a code) is not in the record.",
        (_, Some(Area::Clients)) => "What the client proved is not in the record.",
        (_, Some(Area::Grants)) => "What was presented is not in the record.",
        _ => "The record does not hold what this is decided from.",
    }
}
