//! Tokens, explained: whose they are, what was decided when they were issued, whether they are good now.

use gatewright_core::Timestamp;
use gatewright_core::explain::{Report, Row};
use gatewright_core::refresh::{RefreshPolicy, verdict};
use gatewright_jose::{Expect, parse_unverified, token_hash, verify, verify_hs256};
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::{Value, json};

use super::{Basis, Place, Unexplained, events};
use crate::logs::id_at;
use crate::refresh_tokens;

/// Tokens that expired so long ago are still told from forged ones.
const LONG_AGO_SECONDS: i64 = 10 * 365 * 86_400;

// A token's event is of the second in which it was issued; its log id begins with the time.
sql!(
    OF_SECOND,
    "SELECT doc FROM logs WHERE tenant_id = $1 AND log_id >= $2 AND log_id < $3 AND client_id = $4
       AND COALESCE(user_id, '') = $5 ORDER BY log_id LIMIT 50"
);
sql!(OF_USER, "SELECT doc FROM logs WHERE tenant_id = $1 AND user_id = $2 ORDER BY log_id DESC LIMIT 500");

pub(super) async fn jwt(
    tx: &mut Tx,
    place: &Place<'_>,
    token: &str,
    basis: Basis,
) -> Result<Report, StoreError> {
    let Some((header, claims)) = parse_unverified(token) else {
        let mut row = Row::new("token", "", "refused", "request_invalid");
        row.says = "It has the form of a JWT, but it is none.".into();
        return Ok(Report { about: "token".into(), rows: vec![row], ..Report::default() });
    };
    let (row, verified) = signed(place, token, &header, &claims);
    let Some(claims) = verified else {
        // Whatever it says is its maker's word: nothing of this tenant is told about it.
        return Ok(Report {
            about: "token".into(),
            basis: "now".into(),
            facts: token_facts(&header, &claims),
            verdict: "It does not verify, so it is no token of this tenant, or was changed: what it says of itself \
                      is not looked up."
                .into(),
            rows: vec![row],
            differs: Vec::new(),
        });
    };
    let text = |name: &str| claims[name].as_str();
    let client_id = text("azp").or(text("client_id")).or(text("aud")).unwrap_or_default();
    let user_id = text("sub").filter(|sub| !sub.ends_with("@clients"));
    let event = event_of(tx, place, &claims, client_id, user_id.unwrap_or_default()).await?;
    let mut report = match &event {
        Some(event) => events::explain(tx, place, event, basis).await?,
        None => Report { basis: "recorded".into(), ..Report::default() },
    };
    report.about = "token".into();
    report.facts.splice(0..0, token_facts(&header, &claims));
    report.rows.insert(0, row);
    if event.is_none() {
        report.rows.extend(of_claims(&claims));
        report.verdict =
            "No log event of its issue was found: the rows are what the token itself shows.".into();
    }
    Ok(report)
}

/// Whether this tenant signed it, and whether it is still good: the row, and the claims if the signature
/// covers them.
fn signed(place: &Place<'_>, token: &str, header: &Value, unverified: &Value) -> (Row, Option<Value>) {
    let issuer = unverified["iss"].as_str().unwrap_or_default();
    // What the token says of itself chooses the key, no more: HS256 is taken from the client it is for.
    let secret = unverified["aud"].as_str().filter(|_| header["alg"] == "HS256").and_then(|client_id| {
        let client = place.tenant.client(client_id)?;
        client.signs_with_secret().then(|| client.client_secret.reveal().clone())
    });
    let check = |now: Timestamp, leeway_seconds: i64| {
        let expect = Expect { issuer, audience: None, now, leeway_seconds };
        match &secret {
            Some(secret) => verify_hs256(token, secret.as_bytes(), &expect),
            None => verify(token, place.tenant.signing_keys(), &expect),
        }
    };
    let row = |outcome: &str, says: &str| Row {
        kind: "token".into(),
        item: "signature".into(),
        outcome: outcome.into(),
        says: says.into(),
        ..Row::default()
    };
    if let Ok(claims) = check(place.now, 0) {
        return (row("valid", "This tenant signed it, and it has not expired."), Some(claims));
    }
    match check(place.now, LONG_AGO_SECONDS) {
        Ok(claims) => (row("expired", "This tenant signed it, and its time is over."), Some(claims)),
        Err(_) => (row("unknown", "None of this tenant's keys verifies it."), None),
    }
}

fn token_facts(header: &Value, claims: &Value) -> Vec<(String, String)> {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let facts =
        [("typ", &header["typ"]), ("iss", &claims["iss"]), ("sub", &claims["sub"]), ("aud", &claims["aud"])];
    let facts = facts.into_iter().filter(|(_, value)| !value.is_null());
    facts.map(|(name, value)| (name.to_owned(), shown(value))).collect()
}

fn of_claims(claims: &Value) -> Vec<Row> {
    let names = claims.as_object().into_iter().flat_map(|claims| claims.keys());
    names
        .map(|name| {
            let reason = match gatewright_core::tokens::claims::scope_of(name) {
                Some(_) => "claim_of_scope",
                None if gatewright_core::script::claims::is_reserved(name) => "claim_of_protocol",
                None => "claim_of_script",
            };
            Row::new("claim", name, "stated", reason)
        })
        .collect()
}

/// The event of the issue: of the same client and user, in the second that `iat` names, and of the same scopes
/// where the token states them.
async fn event_of(
    tx: &mut Tx,
    place: &Place<'_>,
    claims: &Value,
    client_id: &str,
    user_id: &str,
) -> Result<Option<Value>, StoreError> {
    let Some(issued_at) = claims["iat"].as_i64() else { return Ok(None) };
    let micros = issued_at.saturating_mul(1_000_000);
    let (from, to) = (id_at(micros), id_at(micros.saturating_add(2_000_000)));
    let values = params![&place.tenant.id, from, to, client_id, user_id];
    let mut found = None;
    for row in tx.all(&OF_SECOND, &values).await? {
        let event: Value = row.json(0)?;
        if event["details"]["decision"]["scope"].is_null() || event["details"]["error"].is_object() {
            continue;
        }
        let scopes = event["scope"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let same = claims["scope"].as_str().is_none_or(|scope| scope == scopes.collect::<Vec<_>>().join(" "));
        if same {
            return Ok(Some(event));
        }
        found.get_or_insert(event);
    }
    Ok(found)
}

/// A refresh token: whether it would be taken now, and its family tree.
pub(super) async fn refresh_token(
    tx: &mut Tx,
    place: &Place<'_>,
    token: &str,
) -> Result<Result<Report, Unexplained>, StoreError> {
    let Some(presented) = refresh_tokens::presented(tx, &place.tenant.id, &token_hash(token)).await? else {
        return Ok(Err(Unexplained::NotFound(
            "There is no such refresh token: it was never issued here, or it ended a month ago.",
        )));
    };
    let family = &presented.family;
    let client = place.tenant.client(&family.client_id);
    let mut detail = refresh_tokens::family_detail(&presented);
    let (outcome, reason) = match client {
        None => ("refused", "client_unknown"),
        Some(client) => {
            let facts = presented.facts();
            match verdict(Some(&facts), &family.client_id, &RefreshPolicy::of(client), place.now) {
                Ok(exchange) => ("good", exchange.code()),
                Err(refusal) => ("refused", refusal.code()),
            }
        }
    };
    detail["outcome"] = json!(outcome);
    detail["reason"] = json!(reason);
    detail["setting_id"] = json!(family.client_id);
    let mut report = Report {
        about: "refresh_token".into(),
        basis: "now".into(),
        rows: gatewright_core::explain::recorded::rows(&json!({ "refresh_token": detail })),
        ..Report::default()
    };
    let mut fact = |name: &str, value: &str| report.facts.push((name.to_owned(), value.to_owned()));
    fact("client_id", &family.client_id);
    fact("client", client.map_or("", |client| client.name.as_str()));
    fact("user_id", &family.user_id);
    fact("audience", family.audience.as_deref().unwrap_or("userinfo only"));
    fact("scope", &family.scope);
    report.rows.extend(tree(tx, place, &family.family_id, &family.user_id).await?);
    report.verdict = match outcome {
        "good" => "It can be exchanged now.".to_owned(),
        _ => "It would be refused now: invalid_grant.".to_owned(),
    };
    Ok(Ok(report))
}

/// What the log knows of a family, oldest first: which token was exchanged, when, from where.
pub(super) async fn tree(
    tx: &mut Tx,
    place: &Place<'_>,
    family_id: &str,
    user_id: &str,
) -> Result<Vec<Row>, StoreError> {
    let mut rows = Vec::new();
    for row in tx.all(&OF_USER, &params![&place.tenant.id, user_id]).await? {
        let event: Value = row.json(0)?;
        let decision = &event["details"]["decision"];
        let told = &decision["refresh_token"];
        if told["family_id"].as_str() != Some(family_id) {
            continue;
        }
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let reason = told["reason"].as_str().or(decision["reason"].as_str()).unwrap_or_default();
        let item = format!("generation {}", told["generation"].as_i64().unwrap_or(0));
        let outcome = if event["details"]["error"].is_object() { "refused" } else { "accepted" };
        let mut row = Row::new("family", &item, outcome, reason);
        row.says = format!("{} from {}, event {}", text("date"), text("ip"), text("log_id"));
        row.remedy = None;
        rows.push(row);
    }
    rows.reverse();
    Ok(rows)
}
