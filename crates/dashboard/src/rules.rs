//! `/dashboard/rules`: scripts of the old kind, which run at each login in their order.

mod settings;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use gatewright_http::App;
use serde_json::Value;

use crate::form::{Kind, Spec, control};
use crate::section::{self, Section};
use crate::view::{Cell, text};

static NEW: Spec = Spec {
    id: "new",
    title: "",
    intro: "",
    controls: &[
        control("name", "Name", Kind::Text).required(),
        control("script", "Script", Kind::Code)
            .required()
            .hint("function (user, context, callback) { callback(null, user, context); }"),
    ],
    submit: "Create rule",
};

static SETTINGS: Spec = Spec {
    id: "settings",
    title: "Rule",
    intro: "Rules run in their order, before the Actions of post-login.",
    controls: &[
        control("name", "Name", Kind::Text).required(),
        control("enabled", "Runs", Kind::Toggle),
        control("order", "Order", Kind::Number),
        control("script", "Script", Kind::Code),
    ],
    submit: "Save rule",
};

static SECTION: Section = Section {
    path: "/dashboard/rules",
    api: "/rules",
    plural: "rules",
    id: "id",
    title: "Rules",
    lead: "Scripts that run at each login. New ones are better written as Actions.",
    create: &NEW,
    verbs: ("Create rule", "Delete rule"),
    edit: &[&SETTINGS],
    lost: "Its script goes with it, and logins run without it from then on.",
    head: &["Name", "Order", ""],
    cells: |_, rule| {
        vec![
            Cell::text(text(rule, "name")),
            Cell::text(rule["order"].as_i64().unwrap_or(0).to_string()),
            if rule["enabled"] == true { Cell::badge("good", "runs") } else { Cell::badge("quiet", "off") },
        ]
    },
    tabs: &[],
    empty: (
        "No rules",
        "A rule is a function that sees the user and the context of each login. Actions do the same and more.",
        "POST /api/v2/rules",
    ),
    complete: |body: Value| body,
    shows: |_, _| true,
    keeps: |_| false,
};

/// The routes of this section.
pub(crate) fn routes() -> Router<Arc<App>> {
    section::routes(&SECTION).route(settings::PATH, get(settings::show).post(settings::change))
}
