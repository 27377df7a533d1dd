//! `/dashboard`: what there is, what happened lately, where to begin.

use askama::Template;
use axum::response::Response;
use serde_json::Value;

use crate::logs;
use crate::page::Page;
use crate::problem::Problem;
use crate::sent::Query;
use crate::session::Admin;
use crate::view::{Cell, Facts, items, total};

/// Counts, each a link to its section.
#[derive(Template)]
#[template(path = "counts.html")]
struct Counts {
    counts: Vec<(&'static str, u64, &'static str)>,
    days: Vec<Day>,
    caption: String,
}

/// A bar of the chart of logins.
struct Day {
    date: String,
    logins: u64,
    x: usize,
    y: u64,
    height: u64,
}

/// Days of the chart.
const DAYS: usize = 30;
/// The chart's height in its own units.
const HEIGHT: u64 = 48;

/// `GET /dashboard`.
pub(crate) async fn show(admin: Admin, Query(query): Query) -> Result<Response, Problem> {
    let mut counts = Vec::new();
    let sections: &[(&str, &[&str], &str, &str)] = &[
        (
            "Applications",
            &["read:clients"],
            "/clients?is_global=false&fields=client_id&",
            "/dashboard/applications",
        ),
        ("Users", &["read:users"], "/users?", "/dashboard/users"),
    ];
    for (name, scopes, path, href) in sections {
        if admin.may(scopes) {
            let found = admin.get(format!("{path}per_page=1&include_totals=true")).await?;
            counts.push((*name, total(&found), *href));
        }
    }
    let days = match admin.may(&["read:stats"]) {
        true => days(items(&admin.get("/stats/daily").await?, "")),
        false => Vec::new(),
    };
    let logins: u64 = days.iter().map(|day| day.logins).sum();
    let caption = format!("{logins} {} in {DAYS} days", if logins == 1 { "login" } else { "logins" });
    let issuer = &admin.cx.issuer;
    let mut page = Page::new(&admin, "/dashboard", "Overview")
        .done(query.text("done"))
        .block(&Counts { counts, days, caption })
        .block(&Facts {
            title: "For your application",
            facts: vec![
                ("Domain", Cell::code(issuer.domain())),
                ("Issuer", Cell::code(issuer.as_str())),
                ("Management API", Cell::code(issuer.management_audience())),
                (
                    "Discovery",
                    Cell::code(issuer.join(".well-known/openid-configuration"))
                        .to("/.well-known/openid-configuration"),
                ),
            ],
        });
    if admin.may(&["read:logs", "read:logs_users"]) {
        let events = admin.get("/logs?per_page=8").await?;
        let mut table = logs::table(&admin, items(&events, "logs"));
        table.title = "Lately";
        page = page.block(&table);
    }
    Ok(page.respond())
}

fn days(found: &[Value]) -> Vec<Day> {
    let newest: Vec<&Value> = found.iter().rev().take(DAYS).collect();
    let count = |day: &Value| day["logins"].as_u64().unwrap_or(0);
    let most = newest.iter().map(|day| count(day)).max().unwrap_or(0).max(1);
    let bar = |(index, day): (usize, &&Value)| {
        let logins = count(day);
        // A day with one login is seen beside one with a thousand.
        let height = if logins == 0 { 1 } else { (logins * HEIGHT / most).max(3) };
        let date: String = day["date"].as_str().unwrap_or_default().chars().take(10).collect();
        Day { date, logins, x: index * 10, y: HEIGHT - height, height }
    };
    newest.iter().rev().enumerate().map(bar).collect()
}
