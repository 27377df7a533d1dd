//! What would become of a request of `/authorize`, before anybody logs in.

use std::collections::BTreeSet;

use serde_json::json;

use super::recorded::scope_rows;
use super::{Report, Row};
use crate::authorize::{self, Ask, Refusal, Request};
use crate::client::Client;
use crate::errors::OAuthError;
use crate::resource_server::{ResourceServer, signing_alg_supported};
use crate::scope::{ScopeRefusal, ScopeReport};

/// What was made of the scopes.
pub type Decided = Result<ScopeReport, Box<ScopeRefusal>>;

/// What becomes of a request that is good.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The scopes.
    pub scopes: Decided,
    /// The API that they were decided about.
    pub api: Option<ResourceServer>,
}

/// A parameter that is there twice: such a request is refused before anything is read (RFC 6749 section 3.1).
pub fn repeated(params: &[(String, String)]) -> Option<&str> {
    let mut seen = BTreeSet::new();
    params.iter().map(|(name, _)| name.as_str()).find(|name| !seen.insert(*name))
}

/// The report of a request by its parameters, as they were sent; `decide` is asked once it is known to be good.
pub fn authorize(
    params: &[(String, String)],
    client: Option<&Client>,
    decide: impl FnOnce(&Request) -> Decision,
) -> Report {
    let ask = Ask::read(|name| {
        let found = params.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    });
    of_ask(&ask, repeated(params), client, decide)
}

/// The same of a request that was read; `repeated`: a parameter that was there twice.
pub(super) fn of_ask(
    ask: &Ask,
    repeated: Option<&str>,
    client: Option<&Client>,
    decide: impl FnOnce(&Request) -> Decision,
) -> Report {
    let mut report = Report { about: "authorize_url".into(), basis: "now".into(), ..Report::default() };
    let mut fact = |name: &str, value: Option<&str>| {
        report.facts.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    };
    fact("client_id", ask.client_id.as_deref());
    fact("client", client.map(|client| client.name.as_str()));
    fact("redirect_uri", ask.redirect_uri.as_deref());
    fact("audience", ask.audience.as_deref());
    if let Some(name) = repeated {
        let text = format!("The parameter {name} was sent more than once.");
        let error = OAuthError::invalid_request(text);
        refuse(&mut report, &error, client, "on a page of this server");
        return report;
    }
    match authorize::check(ask, client) {
        Err(refusal) => {
            let (error, place) = match refusal {
                Refusal::Page(error) => (error, "on a page of this server"),
                Refusal::Redirect(back) => (back.error, "at the callback"),
            };
            refuse(&mut report, &error, client, place);
        }
        Ok(request) => {
            if let Some(client) = client {
                report.rows.push(redirect(ask, client, &request));
            }
            let Decision { scopes, api } = decide(&request);
            match scopes {
                Ok(decided) => {
                    report.rows.extend(scope_rows(&json!(decided)));
                    let granted = decided.scope_text();
                    report.verdict = match granted.as_str() {
                        "" => "The user is asked to log in; the token will hold no scope.".to_owned(),
                        granted => format!("The user is asked to log in; the token will hold: {granted}"),
                    };
                    if let Err(error) = signing_alg_supported(api.as_ref()) {
                        refuse(&mut report, &error, client, "at the callback");
                    }
                }
                Err(refusal) => {
                    report.rows.extend(scope_rows(&json!(refusal)));
                    report.verdict = format!("Refused at the callback: {}.", refusal.error.code);
                }
            }
        }
    }
    report
}

fn refuse(report: &mut Report, error: &OAuthError, client: Option<&Client>, place: &str) {
    let reason = error.reason.as_deref().unwrap_or("request_invalid");
    let mut row = Row::new("request", "", "refused", reason);
    row.says = error.description.to_string();
    row.change = error.change.as_ref().map(|change| json!(change));
    row.setting_id = client.map(|client| client.client_id.clone());
    report.rows.insert(0, row);
    report.verdict = format!("Refused {place}: {}.", error.code);
}

fn redirect(ask: &Ask, client: &Client, request: &Request) -> Row {
    let decided = crate::ledger::redirect(ask.redirect_uri.is_some(), &request.redirect_uri, client);
    let record = json!(decided);
    Row::new("redirect", &request.redirect_uri, "matched", decided.reason).with(&record)
}
