//! Deciding a record again against the present configuration: each row as it was, and as it would be now.
//!
//! Owns: which rows are decided again, from what the record kept, and why the others stand. Does not own: any
//! decision; each is that of its own module, `/authorize` as [`super::preview`] runs its checks.
//!
//! Reading order: [`Present`], [`again`], `lines` (what is decided besides the request), `kept` (what is not).

mod kept;
mod lines;

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use super::preview::{self, Decided, Decision};
use super::{Row, Then, asked, recorded};
use crate::authorize::{Ask, ResponseTypes};
use crate::client::Client;
use crate::errors::OAuthError;
use crate::mfa::Standing;
use crate::resource_server::{ResourceServer, signing_alg_supported};
use crate::scope::{Audience, ScopeReport};

/// What is so now, of what the record is about.
#[derive(Clone, Debug, Default)]
pub struct Present<'a> {
    /// The client that the record names.
    pub client: Option<&'a Client>,
    /// Its scopes, decided by [`super::replay`]; `None` where none were asked for.
    pub scopes: Option<Decided>,
    /// The audience that is decided about, with the tenant's default filled in.
    pub audience: Option<&'a str>,
    /// Its API.
    pub api: Option<&'a ResourceServer>,
    /// Whether the client may use the connection that the record names.
    pub connection_enabled: bool,
    /// The user that the record names: whether they are blocked. `None` within: they are not there.
    pub user_blocked: Option<Option<bool>>,
    /// The tenant's policy asks for a second factor at every login.
    pub mfa_always: bool,
    /// Second factors that are on, and those that the user has.
    pub factors: Standing,
}

/// A record, decided again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Again {
    /// Every row with what it was, or why it stands.
    pub rows: Vec<Row>,
    /// The whole in a sentence.
    pub verdict: String,
    /// A sentence for each row that came out otherwise.
    pub differs: Vec<String>,
}

/// Rows that refuse all that is below them.
const GATES: [&str; 6] = ["client", "grant_type", "connection", "user", "request", "multifactor"];

/// Decides the record of an event again.
pub fn again(event: &Value, present: &Present<'_>) -> Again {
    let decision = &event["details"]["decision"];
    let ask = asked::ask(&decision["asked"]);
    let mut now = gates(event, ask.as_ref(), present);
    now.extend(request(decision, ask.as_ref(), present));
    now.extend(lines::lines(decision, ask.as_ref(), present));
    let refused = |row: &&Row| row.outcome == "refused" && GATES.contains(&row.kind.as_str());
    let refused_now = now.iter().find(refused).map(|row| row.reason.clone());
    let rows = paired(recorded::rows(decision), now, event, refused_now.is_some());
    let stands = rows.iter().any(|row| row.kind == "request" && row.kept.is_some());
    let verdict = match (refused_now, &present.scopes) {
        (Some(reason), _) => format!("Now it would be refused: {reason}."),
        (None, _) if stands => {
            "What refused it then is not decided again; nothing else would now.".to_owned()
        }
        (None, Some(Ok(report))) => format!("Now the token would hold: {}", report.scope_text()),
        (None, _) => "Nothing that is decided again would refuse it now.".to_owned(),
    };
    let differs = rows.iter().filter_map(difference).collect();
    Again { rows, verdict, differs }
}

/// Who asks, through what, for whom.
fn gates(event: &Value, ask: Option<&Ask>, present: &Present<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    let named = |name: &str| event[name].as_str().filter(|text| !text.is_empty());
    let client_id = named("client_id").or_else(|| ask.and_then(|ask| ask.client_id.as_deref()));
    if let Some(client_id) = client_id {
        rows.push(match present.client {
            Some(_) => Row::new("client", client_id, "known", "client_known"),
            None => Row::new("client", client_id, "refused", "client_unknown"),
        });
    }
    if let Some(client) = present.client {
        let of_token = event["details"]["decision"]["asked"]["grant_type"].as_str();
        let types = ask.and_then(|ask| ResponseTypes::parse(ask.response_type.as_deref()?));
        let code = types.filter(|types| types.code).map(|_| "authorization_code");
        let implicit = types.filter(|types| types.has_token_or_id_token()).map(|_| "implicit");
        for grant in [of_token, code, implicit].into_iter().flatten() {
            let mut row = match client.allows_grant(grant) || !needs_leave(grant) {
                true => Row::new("grant_type", grant, "allowed", "grant_type_allowed"),
                false => Row::new("grant_type", grant, "refused", "grant_type_not_allowed"),
            };
            row.setting_id = Some(client.client_id.clone());
            rows.push(row);
        }
    }
    let connection = named("connection").or_else(|| ask.and_then(|ask| ask.connection.as_deref()));
    if let Some(connection) = connection {
        rows.push(match present.connection_enabled {
            true => Row::new("connection", connection, "enabled", "connection_enabled"),
            false => Row::new("connection", connection, "refused", "connection_not_usable"),
        });
    }
    if let (Some(blocked), Some(user_id)) = (present.user_blocked, named("user_id")) {
        let mut row = match blocked {
            Some(false) => Row::new("user", user_id, "good", "user_not_blocked"),
            Some(true) => Row::new("user", user_id, "refused", "user_blocked"),
            None => Row::new("user", user_id, "refused", "user_deleted"),
        };
        row.setting_id = Some(user_id.to_owned());
        rows.push(row);
    }
    rows
}

/// Token exchanges have their own list of clients, in the profile.
fn needs_leave(grant: &str) -> bool {
    grant != crate::token_exchange::TOKEN_EXCHANGE
}

/// The checks of `/authorize` where the request was kept; else the scopes, and the API's algorithm.
fn request(decision: &Value, ask: Option<&Ask>, present: &Present<'_>) -> Vec<Row> {
    if let Some(ask) = ask {
        let nothing = || Ok(ScopeReport { flow: "code", audience: Audience::Opaque, entries: Vec::new() });
        let report = preview::of_ask(ask, None, present.client, |_| Decision {
            scopes: present.scopes.clone().unwrap_or_else(nothing),
            api: present.api.cloned(),
        });
        let scopes = present.scopes.is_some();
        return report.rows.into_iter().filter(|row| row.kind != "scope" || scopes).collect();
    }
    if decision["scope"].is_null() {
        return Vec::new();
    }
    match &present.scopes {
        Some(Ok(report)) => {
            let mut rows = recorded::scope_rows(&json!(report));
            rows.extend(signing_alg_supported(present.api).err().map(|error| refused(&error)));
            rows
        }
        Some(Err(refusal)) => recorded::scope_rows(&json!(refusal)),
        None => Vec::new(),
    }
}

fn refused(error: &OAuthError) -> Row {
    let mut row = Row::new("request", "", "refused", error.reason.as_deref().unwrap_or("request_invalid"));
    row.says = error.description.to_string();
    row
}

/// Lays what was beside what is.
fn paired(then: Vec<Row>, now: Vec<Row>, event: &Value, refused_now: bool) -> Vec<Row> {
    let mut waiting: Vec<Option<Row>> = then.into_iter().map(Some).collect();
    let mut rows = Vec::new();
    for mut row in now {
        // There is one of these, whatever it is called.
        let by_kind = matches!(row.kind.as_str(), "request" | "redirect" | "refresh_token" | "multifactor");
        let is = |old: &&mut Option<Row>| {
            old.as_ref().is_some_and(|old| old.kind == row.kind && (by_kind || old.item == row.item))
        };
        let before = waiting.iter_mut().find(is).and_then(Option::take);
        row.then = Some(match before {
            Some(old) => Then::of(&old),
            None => kept::implied(&row, event),
        });
        rows.push(row);
    }
    for row in waiting.into_iter().flatten() {
        let still = |now: &Row| now.outcome == "refused" && now.reason == row.reason;
        rows.push(match kept::is_decided(&row, event) {
            true if rows.iter().any(still) => Row { then: Some(Then::of(&row)), ..row },
            true => {
                let passed = Row::new("request", "", "passed", "request_good");
                Row { then: Some(Then::of(&row)), ..passed }
            }
            false => {
                let why = kept::why(&row, refused_now);
                Row { kept: Some(why.to_owned()), remedy: None, change: None, further_changes: vec![], ..row }
            }
        });
    }
    // A refusal stands above what it refuses; the rest as it is recorded.
    let place = |row: &Row| {
        let order = ["client", "grant_type", "connection", "user", "request", "redirect", "scope"];
        order.iter().position(|kind| *kind == row.kind).unwrap_or(order.len())
    };
    rows.sort_by_key(place);
    rows
}

/// A sentence, where it came out otherwise.
fn difference(row: &Row) -> Option<String> {
    let then = row.then.as_ref().filter(|then| then.differs(row))?;
    let name = match (row.kind.as_str(), row.item.as_str()) {
        ("scope", item) => item.to_owned(),
        ("request", _) => "the request".to_owned(),
        (kind, "") => kind.replace('_', " "),
        (kind, item) => format!("{} {item}", kind.replace('_', " ")),
    };
    let before = match then.outcome.as_str() {
        "absent" => "it was not there".to_owned(),
        was => format!("it was {was} ({})", then.reason),
    };
    Some(format!("{name} is {} ({}); {before}", row.outcome, row.reason))
}
