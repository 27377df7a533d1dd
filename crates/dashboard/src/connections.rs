//! `/dashboard/connections`: where users prove who they are.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use gatewright_http::App;
use gatewright_resources::dashboard::administrators::PLAYGROUND;
use gatewright_resources::engine::Method;
use serde_json::{Value, json};

use crate::api::{ApiCall, encoded};
use crate::every::every;
use crate::form::{Kind, Spec, control};
use crate::problem::Problem;
use crate::section::{self, Section};
use crate::sent::Query;
use crate::session::Admin;
use crate::view::{Cell, Notice, Row, RowAction, Table, items, text};

/// The strategies that log users in by now.
const STRATEGIES: &[(&str, &str)] =
    &[("auth0", "Database with passwords"), ("sms", "Codes by SMS"), ("email", "Codes and links by e-mail")];

static NEW: Spec = Spec {
    id: "new",
    title: "",
    intro: "",
    controls: &[
        control("name", "Name", Kind::Text)
            .required()
            .hint("Applications and the API call it by this name. It cannot be changed later."),
        control("strategy", "Strategy", Kind::Choice(STRATEGIES)).required(),
    ],
    submit: "Create connection",
};

static SETTINGS: Spec = Spec {
    id: "settings",
    title: "Settings",
    intro: "",
    controls: &[
        control("display_name", "Name on the login page", Kind::Text),
        control("show_as_button", "Shown as a button", Kind::Toggle),
        control("is_domain_connection", "For third-party applications too", Kind::Toggle),
    ],
    submit: "Save settings",
};

static OPTIONS: Spec = Spec {
    id: "options",
    title: "Options",
    intro: "The API replaces them whole, so all of them are sent.",
    controls: &[control("options", "options", Kind::Json)],
    submit: "Save options",
};

static METADATA: Spec = Spec {
    id: "metadata",
    title: "Metadata",
    intro: "",
    controls: &[control("metadata", "metadata", Kind::Merged)],
    submit: "Save metadata",
};

static SECTION: Section = Section {
    path: "/dashboard/connections",
    api: "/connections",
    plural: "connections",
    id: "id",
    title: "Connections",
    lead: "Where users prove who they are.",
    create: &NEW,
    verbs: ("Create connection", "Delete connection"),
    edit: &[&SETTINGS, &OPTIONS, &METADATA],
    lost: "All of its users go with it, with their sessions and tokens.",
    head: &["Name", "Strategy", "Applications"],
    cells: |_, connection| {
        let strategy = text(connection, "strategy");
        let named =
            STRATEGIES.iter().find(|(known, _)| *known == strategy).map_or(strategy, |(_, name)| *name);
        let clients = items(&connection["enabled_clients"], "").len();
        vec![Cell::text(text(connection, "name")), Cell::text(named), Cell::text(clients.to_string())]
    },
    tabs: &[("", "Settings"), ("applications", "Applications"), ("try", "Try")],
    empty: (
        "No connections yet",
        "Without one nobody can log in.",
        "POST /api/v2/connections {\"name\": \"sms\", \"strategy\": \"sms\"}",
    ),
    complete: |body| body,
    shows: |_, _| true,
    keeps: |_| false,
};

/// The routes of this section.
pub(crate) fn routes() -> Router<Arc<App>> {
    section::routes(&SECTION)
        .route("/dashboard/connections/{id}/applications", get(applications).post(set_application))
        .route("/dashboard/connections/{id}/try", get(try_out))
}

async fn applications(
    admin: Admin,
    Path(id): Path<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let connection = SECTION.found(&admin, &id).await?;
    let clients = every(&admin, "/clients?is_global=false&fields=client_id,name", "clients").await?;
    let enabled = items(&connection["enabled_clients"], "");
    let is_on = |client: &Value| enabled.iter().any(|one| *one == client["client_id"]);
    let rows = clients.iter().map(|client| Row {
        href: String::new(),
        cells: vec![
            Cell::text(text(client, "name"))
                .to(format!("/dashboard/applications/{}", encoded(text(client, "client_id")))),
            if is_on(client) { Cell::badge("good", "on") } else { Cell::badge("quiet", "off") },
        ],
    });
    let actions = clients.iter().map(|client| {
        let (word, status) = if is_on(client) { ("Turn off", "off") } else { ("Turn on", "on") };
        RowAction {
            action: format!("{}/applications", SECTION.page_path(&id)),
            fields: vec![
                ("client".to_owned(), text(client, "client_id").to_owned()),
                ("status".to_owned(), status.to_owned()),
            ],
            text: word,
            about: text(client, "name").to_owned(),
        }
    });
    let table = Table {
        head: vec!["Application", "This connection"],
        rows: rows.collect(),
        actions: actions.collect(),
        csrf: admin.csrf.clone(),
        ..Table::default()
    };
    Ok(SECTION.page_of(&admin, &connection, "applications").done(query.text("done")).block(&table).respond())
}

async fn set_application(admin: Admin, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let client = sent.text("client").unwrap_or_default();
    // The operation takes any id; here only those of this tenant are offered.
    admin.get(format!("/clients/{}?fields=client_id", encoded(client))).await?;
    let change = json!([{"client_id": client, "status": sent.text("status") == Some("on")}]);
    let path = format!("{}/clients", SECTION.api_path(&id));
    admin.call(ApiCall::new(Method::Patch, path).with(change)).await?;
    Ok(SECTION.to(&id, "applications", "saved"))
}

async fn try_out(admin: Admin, Path(id): Path<String>) -> Result<Response, Problem> {
    let connection = SECTION.found(&admin, &id).await?;
    let enabled = items(&connection["enabled_clients"], "");
    let page = SECTION.page_of(&admin, &connection, "try");
    let name = text(&connection, "name");
    let notice = if enabled.iter().any(|one| *one == PLAYGROUND.client_id) {
        let query = format!(
            "client_id={}&scope=openid%20profile%20email&response_type=code&prompt=login&connection={}",
            PLAYGROUND.client_id,
            encoded(name)
        );
        Notice {
            kind: "note",
            title: "Log in with this connection",
            text: format!(
                "The playground sends you to the login page of {name} and shows the tokens that come back. Your session in the dashboard stays as it is."
            ),
            link: Some((format!("/dashboard/playground/run?{query}"), "Try it".to_owned())),
        }
    } else {
        Notice {
            kind: "note",
            title: "The playground cannot use this connection yet",
            text: format!("Turn it on for the application {} first.", PLAYGROUND.name),
            link: Some((
                format!("{}/applications", SECTION.page_path(&id)),
                "To its applications".to_owned(),
            )),
        }
    };
    Ok(page.block(&notice).respond())
}
