//! Events of the log, explained.

use gatewright_core::explain::{Report, recorded};
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::Value;

use super::{Basis, Place, again, tokens};

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
    let family = decision["refresh_token"]["family_id"].as_str();
    if let (Some(family_id), Some(user_id)) = (family, event["user_id"].as_str()) {
        report.rows.extend(tokens::tree(tx, place, family_id, user_id).await?);
    }
    if basis == Basis::Now {
        again::again(tx, place, event, &mut report).await?;
    }
    Ok(report)
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
