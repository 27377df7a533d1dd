//! `/dashboard/actions`: scripts at the triggers of logins, their secrets, versions, test runs and order.

mod order;
mod pages;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use gatewright_http::App;
use serde_json::{Value, json};

use crate::form::{Kind, Spec, control};
use crate::section::{self, Section};
use crate::view::{Cell, items, text};

/// The triggers whose actions run by now.
pub(crate) const TRIGGERS: &[(&str, &str)] =
    &[("post-login", "After a login"), ("credentials-exchange", "A token for a machine")];

static NEW: Spec = Spec {
    id: "new",
    title: "",
    intro: "",
    controls: &[
        control("name", "Name", Kind::Text).required(),
        control("trigger", "Trigger", Kind::Choice(TRIGGERS)).required(),
        control("code", "Code", Kind::Code).hint("exports.onExecutePostLogin = async (event, api) => { … };"),
    ],
    submit: "Create action",
};

static CODE: Spec = Spec {
    id: "code",
    title: "Draft",
    intro: "Logins run the version that was deployed last, not the draft.",
    controls: &[control("name", "Name", Kind::Text).required(), control("code", "Code", Kind::Code)],
    submit: "Save draft",
};

static SECTION: Section = Section {
    path: "/dashboard/actions",
    api: "/actions/actions",
    plural: "actions",
    id: "id",
    title: "Actions",
    lead: "Scripts that change what logins and tokens hold, or refuse them.",
    create: &NEW,
    verbs: ("Create action", "Delete action"),
    edit: &[&CODE],
    lost: "All of its versions and secrets go with it. It must not be bound to a trigger any more.",
    head: &["Name", "Trigger", ""],
    cells: |_, action| {
        vec![
            Cell::text(text(action, "name")),
            Cell::code(
                items(&action["supported_triggers"], "").first().map_or("", |trigger| text(trigger, "id")),
            ),
            match (action["deployed_version"].is_null(), action["all_changes_deployed"] == true) {
                (true, _) => Cell::badge("quiet", "not deployed"),
                (false, true) => Cell::badge("good", "deployed"),
                (false, false) => Cell::badge("quiet", "draft differs"),
            },
        ]
    },
    tabs: &[("", "Draft"), ("test", "Test run"), ("secrets", "Secrets"), ("versions", "Versions and deploy")],
    empty: (
        "No actions yet",
        "An action is a function that sees each login, and may add claims, ask for more, or refuse.",
        "POST /api/v2/actions/actions",
    ),
    complete: |body: Value| {
        let trigger = body["trigger"].clone();
        let mut body = body;
        if let Some(members) = body.as_object_mut() {
            members.remove("trigger");
        }
        body["supported_triggers"] = json!([{"id": trigger}]);
        body
    },
    shows: |_, _| true,
    keeps: |_| false,
};

/// The routes of this section.
pub(crate) fn routes() -> Router<Arc<App>> {
    section::routes(&SECTION)
        .route("/dashboard/actions/{id}/test", get(pages::test).post(pages::run_test))
        .route("/dashboard/actions/{id}/secrets", get(pages::secrets).post(pages::set_secret))
        .route("/dashboard/actions/{id}/versions", get(pages::versions).post(pages::deploy))
        .route("/dashboard/triggers", get(order::show).post(order::change))
}
