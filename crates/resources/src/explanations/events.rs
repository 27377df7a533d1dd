//! Events of the log, explained.

use gatewright_core::explain::{Report, Row, recorded, replay};
use gatewright_core::ids::Issuer;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::{Value, json};

use super::{Basis, Place, decide_again};

sql!(BY_ID, "SELECT doc FROM logs WHERE tenant_id = $1 AND log_id = $2");
// A request may write several events; the last one tells how it ended.
sql!(
    BY_REQUEST,
    "SELECT doc FROM logs WHERE tenant_id = $1 AND request_id = $2 ORDER BY log_id DESC LIMIT 1"
);

pub(super) async fn by_id(tx: &mut Tx, place: &Place<'_>, id: &str) -> Result<Option<Value>, StoreError> {
    tx.opt(&BY_ID, &params![&place.tenant.id, id]).await?.map(|row| row.json(0)).transpose()
}

pub(super) async fn by_request_id(
    tx: &mut Tx,
    place: &Place<'_>,
    id: &str,
) -> Result<Option<Value>, StoreError> {
    tx.opt(&BY_REQUEST, &params![&place.tenant.id, id]).await?.map(|row| row.json(0)).transpose()
}

pub(super) async fn explain(
    tx: &mut Tx,
    place: &Place<'_>,
    event: &Value,
    basis: Basis,
) -> Result<Report, StoreError> {
    let decision = &event["details"]["decision"];
    let mut report = Report {
        about: "log_event".into(),
        basis: "recorded".into(),
        facts: facts(event),
        verdict: verdict(event),
        rows: recorded::rows(decision),
        differs: Vec::new(),
    };
    if basis == Basis::Now {
        again(tx, place, event, &mut report).await?;
    }
    Ok(report)
}

/// Decides the scopes of the event again; what was decided besides them stays as it was.
async fn again(tx: &mut Tx, place: &Place<'_>, event: &Value, report: &mut Report) -> Result<(), StoreError> {
    report.basis = "now".into();
    let scope = &event["details"]["decision"]["scope"];
    let Some(recorded) = replay::Recorded::read(scope) else { return Ok(()) };
    let issuer = issuer_of(place, event);
    let client_id = event["client_id"].as_str().unwrap_or_default();
    let user_id = event["user_id"].as_str();
    let decided = match decide_again(tx, place, &issuer, (client_id, user_id), &recorded).await? {
        Some(decided) => decided,
        None => return Ok(()),
    };
    let now = match &decided {
        Ok(granted) => {
            report.verdict = format!("Now the token would hold: {}", granted.scope_text());
            json!(granted)
        }
        Err(refusal) => {
            report.verdict = format!("Now it would be refused: {}.", refusal.error.code);
            json!(refusal)
        }
    };
    report.differs = replay::differences(&replay::Verdict::of(scope), &replay::Verdict::of(&now));
    let others = std::mem::take(&mut report.rows).into_iter().filter(|row| row.kind != "scope");
    report.rows = recorded::scope_rows(&now);
    report.rows.extend(others.filter(|row: &Row| row.kind != "request"));
    Ok(())
}

/// The issuer at which it happened.
fn issuer_of(place: &Place<'_>, event: &Value) -> Issuer {
    let scheme = if place.issuer.is_https() { "https" } else { "http" };
    match event["hostname"].as_str() {
        Some(host) => Issuer::new(scheme, host),
        None => place.issuer.clone(),
    }
}

fn facts(event: &Value) -> Vec<(String, String)> {
    let names =
        ["date", "type", "log_id", "request_id", "client_name", "client_id", "user_name", "user_id", "ip"];
    let fact = |name: &str| Some((name.to_owned(), event[name].as_str()?.to_owned()));
    names.into_iter().filter_map(fact).filter(|(_, value)| !value.is_empty()).collect()
}

fn verdict(event: &Value) -> String {
    let error = &event["details"]["error"];
    if let Some(code) = error["oauthError"].as_str() {
        return format!("Refused: {code}, {}", error["message"].as_str().unwrap_or_default());
    }
    let scopes = event["scope"].as_array().into_iter().flatten().filter_map(Value::as_str);
    match scopes.collect::<Vec<_>>().join(" ") {
        scopes if !scopes.is_empty() => format!("Granted: {scopes}"),
        _ => event["description"].as_str().unwrap_or_default().to_owned(),
    }
}
