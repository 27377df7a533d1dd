//! What would become of a request of `/authorize`, before anybody logs in.

use serde_json::json;

use super::recorded::scope_rows;
use super::{Report, Row};
use crate::authorize::{self, Ask, Refusal, Request};
use crate::client::Client;
use crate::scope::{Flow, ScopeRefusal, ScopeReport};

/// What was made of the scopes.
pub type Decided = Result<ScopeReport, Box<ScopeRefusal>>;

/// How the tokens of a request travel.
pub const fn flow(request: &Request) -> Flow<'static> {
    match (request.response_types.code, request.response_types.has_token_or_id_token()) {
        (true, true) => Flow::Hybrid,
        (true, false) => Flow::Code,
        (false, _) => Flow::Implicit,
    }
}

/// The report of a request; `scopes` decides them once the request is known to be good.
pub fn authorize(ask: &Ask, client: Option<&Client>, scopes: impl FnOnce(&Request) -> Decided) -> Report {
    let mut report = Report { about: "authorize_url".into(), basis: "now".into(), ..Report::default() };
    let mut fact = |name: &str, value: Option<&str>| {
        report.facts.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    };
    fact("client_id", ask.client_id.as_deref());
    fact("client", client.map(|client| client.name.as_str()));
    fact("redirect_uri", ask.redirect_uri.as_deref());
    fact("audience", ask.audience.as_deref());
    match authorize::check(ask, client) {
        Err(refusal) => {
            let (error, place) = match refusal {
                Refusal::Page(error) => (error, "on a page of this server"),
                Refusal::Redirect(back) => (back.error, "at the callback"),
            };
            let reason = error.reason.as_deref().unwrap_or("request_invalid");
            let mut row = Row::new("request", "", "refused", reason);
            row.says = error.description.to_string();
            row.change = error.change.as_ref().map(|change| json!(change));
            row.setting_id = client.map(|client| client.client_id.clone());
            report.rows.push(row);
            report.verdict = format!("Refused {place}: {}.", error.code);
        }
        Ok(request) => {
            if let Some(client) = client {
                report.rows.push(redirect(ask, client, &request));
            }
            match scopes(&request) {
                Ok(decided) => {
                    report.rows.extend(scope_rows(&json!(decided)));
                    let granted = decided.scope_text();
                    report.verdict = match granted.as_str() {
                        "" => "The user is asked to log in; the token will hold no scope.".to_owned(),
                        granted => format!("The user is asked to log in; the token will hold: {granted}"),
                    };
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

fn redirect(ask: &Ask, client: &Client, request: &Request) -> Row {
    let decided = crate::ledger::redirect(ask.redirect_uri.is_some(), &request.redirect_uri, client);
    let record = json!(decided);
    Row::new("redirect", &request.redirect_uri, "matched", decided.reason).with(&record)
}
