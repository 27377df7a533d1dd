//! What the ledger has besides the request and its scopes, decided again.

use serde_json::{Value, json};

use super::Present;
use crate::authorize::{Ask, ResponseTypes};
use crate::explain::{Row, recorded};
use crate::ledger::{self, AudienceFacts};
use crate::mfa::{self, Decision, EndFacts, Factor, Standing};
use crate::scope::{OFFLINE_ACCESS, ScopeReport};
use crate::tokens::Channel;
use crate::tokens::access_token::lifetime_seconds;

/// The lines that the record has, as they would be now.
pub(super) fn lines(decision: &Value, ask: Option<&Ask>, present: &Present<'_>) -> Vec<Row> {
    let report = present.scopes.as_ref().and_then(|decided| decided.as_ref().ok());
    let mut rows = Vec::new();
    rows.extend(audience(&decision["audience"], present));
    rows.extend(lifetimes(&decision["lifetime"], ask, present));
    if decision["permissions"].is_object() {
        let line = ledger::permissions(present.api);
        rows.extend(line.and_then(|line| recorded::row("permissions", &json!(line))));
    }
    if let Some(report) = report {
        rows.extend(refresh_token(&decision["refresh_token"], ask, report, present));
        rows.extend(claims(&decision["claims"], report, present));
    }
    rows.extend(consent(&decision["prompt"], ask, present));
    rows.extend(multifactor(&decision["multifactor"], decision, present));
    rows
}

fn audience(then: &Value, present: &Present<'_>) -> Option<Row> {
    let reason = then["reason"].as_str()?;
    let line = ledger::audience(AudienceFacts {
        asked: present.audience.filter(|_| matches!(reason, "audience_asked" | "audience_userinfo")),
        audience: present.audience,
        api: present.api,
        carried: reason == "audience_of_login",
    });
    recorded::row("audience", &json!(line))
}

fn lifetimes(then: &Value, ask: Option<&Ask>, present: &Present<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in then.as_array().into_iter().flatten() {
        let again = match (line["item"].as_str(), present.client) {
            (Some("access_token"), _) => {
                let by_page = ask.is_some()
                    || matches!(line["reason"].as_str(), Some("lifetime_for_web" | "lifetime_capped"));
                let channel = if by_page { Channel::Front } else { Channel::Back };
                let seconds = lifetime_seconds(present.api, channel);
                Some(ledger::access_token_lifetime(present.api, channel, seconds))
            }
            (Some("id_token"), Some(client)) => Some(ledger::id_token_lifetime(client)),
            _ => None,
        };
        rows.extend(again.and_then(|line| recorded::row("lifetime", &json!(line))));
    }
    rows
}

/// Whether there would be a refresh token. An exchange of one is another matter: it was spent.
fn refresh_token(
    then: &Value,
    ask: Option<&Ask>,
    report: &ScopeReport,
    present: &Present<'_>,
) -> Option<Row> {
    let (reason, client) = (then["reason"].as_str()?, present.client?);
    let later = ask.is_some_and(|ask| {
        let types = ask.response_type.as_deref().and_then(ResponseTypes::parse);
        types.is_some_and(|types| types.code)
    });
    let machine = reason == "refresh_token_for_machines";
    let is_begun = reason == "refresh_token_issued";
    if then["family_id"].is_string() && !is_begun {
        return None;
    }
    if report.grants(OFFLINE_ACCESS) && !later && !machine {
        return Some(Row::new("refresh_token", "", "done", "refresh_token_issued"));
    }
    let line = ledger::no_refresh_token(report, machine, later, client);
    recorded::row("refresh_token", &json!(line))
}

/// Claims that a scope opens are there while it is granted; those of the protocol are in every token.
fn claims(then: &Value, report: &ScopeReport, present: &Present<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for token in ["id_token", "access_token"] {
        for group in then[token].as_array().into_iter().flatten() {
            let (reason, of) = (group["reason"].as_str().unwrap_or_default(), group["of"].as_str());
            let stated = match (reason, of) {
                ("claim_of_protocol" | "claim_of_request", _) => true,
                ("claim_of_scope", Some(scope)) => report.grants(scope),
                ("claim_of_dialect", Some(of)) if present.api.is_some_and(|api| api.token_dialect == of) => {
                    true
                }
                _ => continue,
            };
            for name in group["claims"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                rows.push(match stated {
                    true => recorded::claim_row(token, name, group),
                    false => Row::new("claim", &format!("{token} {name}"), "none", "claim_not_stated"),
                });
            }
        }
    }
    rows
}

/// Where the client is first-party nobody is asked; whether the user has consented since is not on record.
fn consent(then: &Value, ask: Option<&Ask>, present: &Present<'_>) -> Option<Row> {
    let line = then.as_array()?.iter().find(|line| line["item"] == "consent")?;
    let asked_for =
        ask.and_then(|ask| ask.prompt.as_deref()).is_some_and(|prompt| prompt.contains("consent"));
    let first_party = present.client?.is_first_party && !asked_for;
    match (first_party, line["reason"].as_str()?) {
        (true, _) => Some(Row::new("prompt", "consent", "not asked", "consent_first_party")),
        (false, "consent_first_party") => None,
        (false, _) => recorded::row("prompt", line),
    }
}

/// The policy of now on the login of then: what was passed stays passed.
fn multifactor(then: &Value, decision: &Value, present: &Present<'_>) -> Option<Row> {
    let reason = then["reason"].as_str()?;
    let who = then["asked_by"].as_str().unwrap_or(reason);
    if who.ends_with("_by_script")
        || decision["scripts"]["runs"].as_array().is_some_and(|runs| !runs.is_empty())
    {
        return None;
    }
    let by_request = who == "mfa_by_acr_values"
        || decision["asked"]["acr_values"].as_str().is_some_and(|values| values.contains(mfa::ACR));
    let passed = then["passed"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let standing = Standing {
        passed: passed.filter_map(Factor::of).collect(),
        passed_before: match reason {
            "mfa_passed_in_session" => Factor::ALL.to_vec(),
            _ => Vec::new(),
        },
        ..present.factors.clone()
    };
    let facts = EndFacts { by_request, by_script: None, by_policy: present.mfa_always, standing: &standing };
    let row = |outcome: &str, code: &str| Row::new("multifactor", "", outcome, code);
    Some(match mfa::at_end(&facts) {
        Decision::GoesOn(code) => row(mfa::outcome_of(code), code),
        Decision::Ask(ask) => row("asked", ask.why.code()),
        Decision::Refused(error) => row("refused", error.reason.as_deref().unwrap_or_default()),
    })
}
