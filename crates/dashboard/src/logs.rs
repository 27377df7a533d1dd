//! `/dashboard/logs`: what happened in the tenant, newest first, each entry with why it was decided so.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use serde_json::Value;

use crate::api::encoded;
use crate::page::{Link, Page};
use crate::problem::Problem;
use crate::sent::Sent;
use crate::session::Admin;
use crate::view::{Cell, Empty, Facts, Raw, Row, Search, Table, items, pretty, text, total};
use crate::why;

const PER_PAGE: u32 = 50;
const SECTION: &str = "/dashboard/logs";

/// Filters of one press.
const CHIPS: &[(&str, &str)] = &[
    ("", "Everything"),
    ("type:(s OR ss OR slo)", "Logins"),
    ("type:f*", "Failures"),
    ("type:(seacft OR sertft OR seccft OR sede OR sepft)", "Tokens"),
    ("type:sapi", "Changes by API"),
];

/// `GET /dashboard/logs`.
pub(crate) async fn list(admin: Admin, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let query = Sent::parse(query.unwrap_or_default().as_bytes())?;
    let q = query.some("q").unwrap_or_default();
    let page = query.page();
    let path = format!("/logs?include_totals=true&per_page={PER_PAGE}&page={page}&q={}", encoded(q));
    let (found, error) = match admin.get(path).await {
        Ok(found) => (found, None),
        // A search that cannot be read is answered beside the field, not by a page of its own.
        Err(error) if error.status == 400 => (Value::Null, Some(error.message.into_owned())),
        Err(error) => return Err(error.into()),
    };
    let chips = CHIPS.iter().map(|(filter, name)| Link {
        href: if filter.is_empty() { SECTION.to_owned() } else { format!("{SECTION}?q={}", encoded(filter)) },
        text: (*name).to_owned(),
        current: *filter == q,
    });
    let table = Table {
        search: Some(Search {
            action: SECTION.to_owned(),
            label: "Search",
            value: q.to_owned(),
            hint: "Words, or fields: type:f user_id:\"auth0|5f\" client_name:Shop date:[2026-01-01 TO *]",
            error,
            hidden: Vec::new(),
        }),
        chips: chips.collect(),
        ..table(&admin, items(&found, "logs"))
    };
    let base = crate::view::kept(SECTION, &query, &["q"]);
    Ok(Page::new(&admin, SECTION, "Logs")
        .lead("Every login, refusal, token and change. Each entry says why.")
        .block(&table.paged(&base, page, PER_PAGE, total(&found)))
        .respond())
}

/// Log events as a table.
pub(crate) fn table(admin: &Admin, events: &[Value]) -> Table {
    let rows = events.iter().map(|event| {
        let (kind, name) = named(text(event, "type"));
        let who = ["user_name", "user_id"].map(|name| text(event, name));
        let who = who.into_iter().find(|who| !who.is_empty()).unwrap_or_default();
        Row {
            href: format!("{SECTION}/{}", encoded(text(event, "log_id"))),
            cells: vec![
                Cell::badge(kind, name),
                Cell::text(short(text(event, "description"))),
                Cell::text(who),
                Cell::text(text(event, "client_name")),
                Cell::time(&event["date"], admin.cx.now),
            ],
        }
    });
    Table {
        head: vec!["Event", "Description", "User", "Application", "When"],
        rows: rows.collect(),
        empty: Empty {
            title: "No events",
            text: "A login, a refused request or a change through the Management API leaves one here.",
            api: "GET /api/v2/logs",
            ..Empty::default()
        },
        ..Table::default()
    }
}

/// The scripts that ran, with what they wrote to their console.
fn scripts(runs: &[Value]) -> Table {
    let rows = runs.iter().map(|run| {
        let console: Vec<&str> = items(run, "console").iter().filter_map(Value::as_str).collect();
        let outcome = match run["error"]["message"].as_str() {
            Some(message) => Cell::badge("bad", message),
            None => Cell::badge("good", "ran"),
        };
        Row {
            href: String::new(),
            cells: vec![
                Cell::text(format!("{} {}", text(run, "kind"), text(run, "name"))),
                outcome,
                Cell::text(format!("{:.1} ms", run["wall_ms"].as_f64().unwrap_or(0.0))),
                Cell::code(console.join("\n")),
            ],
        }
    });
    Table {
        title: "Scripts",
        head: vec!["Script", "Outcome", "Time", "Console"],
        rows: rows.collect(),
        ..Table::default()
    }
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(90).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// `GET /dashboard/logs/{id}`.
pub(crate) async fn entry(admin: Admin, Path(id): Path<String>) -> Result<Response, Problem> {
    let event = admin.get(format!("/logs/{}", encoded(&id))).await?;
    let (kind, name) = named(text(&event, "type"));
    let mut page =
        Page::new(&admin, SECTION, name).back(SECTION, "Logs").id(id).lead(text(&event, "description"));
    for table in why::tables(&event["details"]["decision"]) {
        page = page.block(&table);
    }
    let runs = items(&event["details"]["decision"]["scripts"], "runs");
    if !runs.is_empty() {
        page = page.block(&scripts(runs));
    }
    let known = |name: &str| event[name].as_str().filter(|text| !text.is_empty());
    let mut facts = vec![
        ("Event", Cell::badge(kind, text(&event, "type"))),
        ("When", Cell::time(&event["date"], admin.cx.now)),
    ];
    if let Some(user_id) = known("user_id") {
        let name = known("user_name").unwrap_or(user_id);
        facts.push(("User", Cell::text(name).to(format!("/dashboard/users/{}", encoded(user_id)))));
    }
    if let Some(client_id) = known("client_id") {
        let name = known("client_name").unwrap_or(client_id);
        facts.push((
            "Application",
            Cell::text(name).to(format!("/dashboard/applications/{}", encoded(client_id))),
        ));
    }
    facts.extend(known("connection").map(|name| ("Connection", Cell::text(name))));
    facts.extend(known("audience").map(|audience| ("Audience", Cell::code(audience))));
    if let Some(scopes) = event["scope"].as_array() {
        let scopes: Vec<&str> = scopes.iter().filter_map(Value::as_str).collect();
        facts.push(("Scopes", Cell::code(scopes.join(" "))));
    }
    facts.extend(known("ip").map(|ip| ("Address", Cell::code(ip))));
    facts.extend(known("user_agent").map(|agent| ("Browser", Cell::text(agent))));
    page = page.block(&Facts { title: "Circumstances", facts }).block(&Raw {
        title: "The whole entry, as the API gives it",
        text: pretty(&event),
        open: false,
    });
    Ok(page.respond())
}

/// An event's code in words, and whether it is `good`, `bad` or `quiet`.
pub(crate) fn named(code: &str) -> (&'static str, String) {
    let name = NAMES.iter().find(|(known, _)| *known == code).map(|(_, name)| *name);
    let kind = match code {
        "sapi" | "mgmt_api_read" | "cls" | "cs" | "w" | "gd_" => "quiet",
        _ if code.starts_with('f') || code.starts_with("limit") || code.contains("blocked") => "bad",
        _ => "good",
    };
    (kind, name.unwrap_or(code).to_owned())
}

const NAMES: &[(&str, &str)] = &[
    ("s", "Login"),
    ("ssa", "Silent login"),
    ("fsa", "Silent login refused"),
    ("f", "Login refused"),
    ("fu", "Login refused: who"),
    ("fp", "Wrong password"),
    ("fc", "Connector failed"),
    ("fco", "Origin refused"),
    ("fcoa", "Cross-origin login refused"),
    ("scoa", "Cross-origin login"),
    ("ss", "Sign-up"),
    ("fs", "Sign-up refused"),
    ("slo", "Logout"),
    ("flo", "Logout failed"),
    ("cls", "Code or link sent by e-mail"),
    ("cs", "Code sent by SMS"),
    ("seacft", "Token for a code"),
    ("feacft", "Code refused"),
    ("sertft", "Token renewed"),
    ("fertft", "Refresh token refused"),
    ("seccft", "Token for a machine"),
    ("feccft", "Machine refused"),
    ("sepft", "Token for a password"),
    ("fepft", "Password grant refused"),
    ("sede", "Token for a device"),
    ("fede", "Device refused"),
    ("sapi", "Change by API"),
    ("mgmt_api_read", "Secret read by API"),
    ("scp", "Password changed"),
    ("fcp", "Password change refused"),
    ("scpr", "Password change asked for"),
    ("sv", "E-mail address confirmed"),
    ("sdu", "User deleted"),
    ("limit_wc", "Blocked after wrong passwords"),
    ("limit_mu", "Address blocked"),
    ("fn", "Message not sent"),
];

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn codes_have_words_and_a_colour() {
        assert_eq!(named("s"), ("good", "Login".to_owned()));
        assert_eq!(named("feacft"), ("bad", "Code refused".to_owned()));
        assert_eq!(named("sapi").0, "quiet");
        assert_eq!(named("unheard_of"), ("good", "unheard_of".to_owned()));
    }
}
