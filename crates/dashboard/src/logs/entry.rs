//! An entry of the log: what happened in a sentence, why it was decided so, the circumstances.

use axum::extract::Path;
use axum::response::Response;
use gatewright_core::explain::Report;
use gatewright_resources::engine::Method;
use serde_json::{Value, json};

use super::{SECTION, sentence};
use crate::api::{ApiCall, encoded};
use crate::page::Page;
use crate::problem::Problem;
use crate::sent::Query;
use crate::session::Admin;
use crate::view::{Cell, Facts, Notice, Raw, Row, Table, items, pretty, text};
use crate::why::{self, Remedies};

/// `GET /dashboard/logs/{id}`.
pub(crate) async fn entry(
    admin: Admin,
    Path(id): Path<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let event = admin.get(format!("/logs/{}", encoded(&id))).await?;
    let (_, name) = sentence::named(text(&event, "type"));
    let back = format!("{SECTION}/{}", encoded(&id));
    let mut page = Page::new(&admin, SECTION, name)
        .back(SECTION, "Logs")
        .id(id)
        .lead(sentence::told(&event))
        .done(query.text("done"));
    let decision = &event["details"]["decision"];
    let now = query.text("basis") == Some("now");
    let address = if now { format!("{back}?basis=now") } else { back.clone() };
    let remedies = Remedies::Pressed { csrf: admin.csrf.clone(), back: address };
    let tables = match now {
        true => {
            let report = again(&admin, text(&event, "log_id")).await?;
            page = page.block(&told(&report, back.clone()));
            why::tables_of(report.rows, decision, &remedies)
        }
        false => why::tables(decision, &remedies),
    };
    if !now && !tables.is_empty() && admin.may(&["read:explanations"]) {
        page = page.block(&Notice {
            kind: "note",
            title: "As it was decided then",
            text: "The settings may have changed since: the same can be decided with those of now."
                .to_owned(),
            link: Some((format!("{back}?basis=now"), "Decide it again".to_owned())),
        });
    }
    for table in tables {
        page = page.block(&table);
    }
    let runs = items(&decision["scripts"], "runs");
    if !runs.is_empty() {
        page = page.block(&scripts(runs));
    }
    let facts = Facts { title: "Circumstances", facts: circumstances(&admin, &event) };
    let whole = "The whole entry, as the API gives it";
    Ok(page.block(&facts).block(&Raw { title: whole, text: pretty(&event), open: false }).respond())
}

/// The event decided again, by the operation that `gatewright explain --now` calls.
async fn again(admin: &Admin, log_id: &str) -> Result<Report, Problem> {
    let call = ApiCall::new(Method::Post, "/explain").with(json!({"what": log_id, "basis": "now"}));
    let answer = admin.call(call).await?;
    serde_json::from_value(answer).map_err(|_| Problem::Malformed)
}

/// What is other now, above the tables.
fn told(report: &Report, back: String) -> Notice {
    let differs = report.differs.len();
    let text = match differs {
        0 => "Everything that can be decided again comes out as it did then.".to_owned(),
        1 => "One thing comes out otherwise than then.".to_owned(),
        _ => format!("{differs} things come out otherwise than then."),
    };
    Notice {
        kind: "note",
        title: "Decided again, with the settings of now",
        text: format!("{}. {text}", report.verdict.trim_end_matches('.')),
        link: Some((back, "As it was decided then".to_owned())),
    }
}

fn circumstances(admin: &Admin, event: &Value) -> Vec<(&'static str, Cell)> {
    let code = text(event, "type");
    let known = |name: &str| event[name].as_str().filter(|text| !text.is_empty());
    let mut facts = vec![
        ("Event", Cell::badge(sentence::named(code).0, code)),
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
    facts.extend(known("request_id").map(|id| ("Request", Cell::code(id))));
    facts.extend(known("ip").map(|ip| ("Address", Cell::code(ip))));
    facts.extend(known("user_agent").map(|agent| ("Browser", Cell::text(agent))));
    facts
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
