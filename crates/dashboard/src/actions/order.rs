//! Which actions a trigger runs, in order.

use axum::body::Bytes;
use axum::response::{IntoResponse, Redirect, Response};
use gatewright_resources::engine::Method;
use serde_json::{Value, json};

use super::TRIGGERS;
use crate::api::{ApiCall, encoded};
use crate::every::every;
use crate::form::{FormView, Kind, Outcome, Refused, Spec, control, submit_with};
use crate::page::{Link, Page};
use crate::problem::Problem;
use crate::sent::{Query, Sent};
use crate::session::Admin;
use crate::view::{Cell, Empty, Row, Table, items, text};

const PATH: &str = "/dashboard/triggers";

static ORDER: Spec = Spec {
    id: "order",
    title: "Order",
    intro: "Each runs after the one above it. An action that is not named does not run.",
    controls: &[control("bindings", "Names of actions", Kind::Lines).hint("One on each line.")],
    submit: "Save order",
};

/// The trigger that a query names, or the first.
fn trigger(query: &Sent) -> &'static str {
    let named = query.text("trigger").unwrap_or_default();
    TRIGGERS.iter().find(|(known, _)| *known == named).map_or("post-login", |(known, _)| known)
}

/// `GET /dashboard/triggers`.
pub(super) async fn show(admin: Admin, Query(query): Query) -> Result<Response, Problem> {
    Ok(page(&admin, trigger(&query), None).await?.done(query.text("done")).respond())
}

fn api_path(trigger: &str) -> String {
    format!("/actions/triggers/{}/bindings", encoded(trigger))
}

/// The names of the actions bound, as the form holds them.
async fn bound(admin: &Admin, trigger: &str) -> Result<Value, Problem> {
    let bindings = every(admin, &api_path(trigger), "bindings").await?;
    let names: Vec<&str> = bindings.iter().map(|binding| text(&binding["action"], "name")).collect();
    Ok(json!({"bindings": names}))
}

async fn page(admin: &Admin, trigger: &str, refused: Option<&Refused>) -> Result<Page, Problem> {
    let current = bound(admin, trigger).await?;
    let all = every(admin, &format!("/actions/actions?triggerId={}", encoded(trigger)), "actions").await?;
    let names = items(&current["bindings"], "");
    let rows = all.iter().map(|action| {
        let place = names.iter().position(|name| *name == action["name"]);
        Row {
            href: format!("/dashboard/actions/{}", encoded(text(action, "id"))),
            cells: vec![
                Cell::text(text(action, "name")),
                match (action["deployed_version"].is_null(), place) {
                    (true, _) => Cell::badge("quiet", "not deployed"),
                    (false, Some(place)) => Cell::badge("good", format!("runs, number {}", place + 1)),
                    (false, None) => Cell::badge("quiet", "not bound"),
                },
            ],
        }
    });
    let chips = TRIGGERS.iter().map(|(id, name)| Link {
        href: format!("{PATH}?trigger={id}"),
        text: (*name).to_owned(),
        current: *id == trigger,
    });
    let table = Table {
        chips: chips.collect(),
        head: vec!["Action", ""],
        rows: rows.collect(),
        empty: Empty {
            title: "No action for this trigger yet",
            text: "An action is made for one trigger, deployed, and then bound to it here.",
            link: Some(("/dashboard/actions/new".to_owned(), "Create action")),
            ..Empty::default()
        },
        ..Table::default()
    };
    let call = ApiCall::new(Method::Patch, api_path(trigger));
    let form =
        FormView::new(&admin.csrf, &ORDER, format!("{PATH}?trigger={trigger}"), &call, &current, refused);
    Ok(Page::new(admin, PATH, "Triggers").lead("Which actions run, in order.").block(&table).block(&form))
}

/// `POST /dashboard/triggers`.
pub(super) async fn change(admin: Admin, Query(query): Query, body: Bytes) -> Result<Response, Problem> {
    let trigger = trigger(&query);
    let sent = admin.form(&body)?;
    let current = bound(&admin, trigger).await?;
    let by_name = |body: Value| {
        let names = items(&body["bindings"], "").iter();
        let bindings: Vec<Value> = names
            .map(|name| json!({"ref": {"type": "action_name", "value": name}, "display_name": name}))
            .collect();
        json!({"bindings": bindings})
    };
    let call = (Method::Patch, api_path(trigger));
    let done = match submit_with(&admin, &ORDER, (call.0, &call.1), &current, sent, by_name).await? {
        Outcome::Done(_) => "saved",
        Outcome::Nothing => "nothing",
        Outcome::Refused(refused) => return Ok(page(&admin, trigger, Some(&refused)).await?.refused()),
    };
    Ok(Redirect::to(&format!("{PATH}?trigger={trigger}&done={done}")).into_response())
}
