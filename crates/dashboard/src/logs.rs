//! `/dashboard/logs`: what happened in the tenant, newest first, each entry with why it was decided so.

mod entry;
mod sentence;

use askama::Template;
use axum::response::Response;
use serde_json::Value;

use crate::api::encoded;
use crate::page::{Link, Page};
use crate::problem::Problem;
use crate::sent::Query;
use crate::session::Admin;
use crate::view::{Cell, Empty, Row, Search, Table, items, kept, text, total};

pub(crate) use entry::entry;
pub(crate) use sentence::named;

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

/// What stands above a list that shows new entries as they come: by the script, or by loading the page anew.
#[derive(Template)]
#[template(
    source = r#"<div class="live" data-live><p role="status" data-live-status>Live. The page loads anew every five seconds.</p><p class="buttons"><a class="button small" href="{{ again }}">Reload now</a><a class="button small" href="{{ stop }}">Stop</a></p></div>"#,
    ext = "html"
)]
struct Live {
    again: String,
    stop: String,
}

/// `GET /dashboard/logs`; with `live` it shows what comes.
pub(crate) async fn list(admin: Admin, Query(query): Query) -> Result<Response, Problem> {
    let q = query.some("q").unwrap_or_default();
    let is_live = query.some("live").is_some();
    let page = if is_live { 0 } else { query.page() };
    let path = format!("/logs?include_totals=true&per_page={PER_PAGE}&page={page}&q={}", encoded(q));
    let (found, error) = match admin.get(path).await {
        Ok(found) => (found, None),
        // A search that cannot be read is answered beside the field, not by a page of its own.
        Err(error) if error.status == 400 => (Value::Null, Some(error.message.into_owned())),
        Err(error) => return Err(error.into()),
    };
    let chips = CHIPS.iter().map(|(filter, name)| Link {
        href: address(filter, is_live),
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
            hidden: if is_live { vec![("live".to_owned(), "on".to_owned())] } else { Vec::new() },
        }),
        chips: chips.collect(),
        ..table(&admin, items(&found, "logs"))
    };
    let shown = Page::new(&admin, SECTION, "Logs")
        .lead("Every login, refusal, token and change. Each entry says why.");
    if is_live {
        let live = Live { again: address(q, true), stop: address(q, false) };
        return Ok(shown.reloading().block(&live).block(&table).respond());
    }
    let base = kept(SECTION, &query, &["q"]);
    Ok(shown
        .action(address(q, true), "Watch live")
        .block(&table.paged(&base, page, PER_PAGE, total(&found)))
        .respond())
}

/// The list with this search.
fn address(q: &str, is_live: bool) -> String {
    let pairs = [("q", q), ("live", if is_live { "on" } else { "" })];
    let pairs: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    if pairs.is_empty() { SECTION.to_owned() } else { format!("{SECTION}?{}", pairs.join("&")) }
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

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(90).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
