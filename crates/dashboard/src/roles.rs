//! `/dashboard/roles`: named sets of permissions, and who has them.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use gatewright_http::App;
use gatewright_resources::engine::Method;
use serde_json::{Value, json};

use crate::api::{ApiCall, encoded};
use crate::every::every;
use crate::form::{FormView, Kind, Outcome, Refused, Spec, control, submit_with};
use crate::page::Page;
use crate::problem::Problem;
use crate::section::{self, Section};
use crate::sent::Query;
use crate::session::{Admin, display_name};
use crate::view::{Cell, Empty, Row, RowAction, Table, items, text, total};

static NEW: Spec = Spec {
    id: "new",
    title: "",
    intro: "",
    controls: &[
        control("name", "Name", Kind::Text).required(),
        control("description", "Description", Kind::Text),
    ],
    submit: "Create role",
};

static SETTINGS: Spec = Spec {
    id: "settings",
    title: "Settings",
    intro: "",
    controls: &[
        control("name", "Name", Kind::Text)
            .required()
            .hint("Roles whose names begin with \"Gatewright \" open this dashboard, with their permissions on the Management API."),
        control("description", "Description", Kind::Text),
    ],
    submit: "Save settings",
};

static SECTION: Section = Section {
    path: "/dashboard/roles",
    api: "/roles",
    plural: "roles",
    id: "id",
    title: "Roles",
    lead: "A role gives a user all of its permissions at once.",
    create: &NEW,
    verbs: ("Create role", "Delete role"),
    edit: &[&SETTINGS],
    lost: "Whoever has the role loses its permissions.",
    head: &["Name", "Description"],
    cells: |_, role| vec![Cell::text(text(role, "name")), Cell::text(text(role, "description"))],
    tabs: &[("", "Settings"), ("permissions", "Permissions"), ("users", "Users")],
    empty: (
        "No roles yet",
        "APIs with role-based access control cut a user's scopes to the permissions of their roles.",
        "POST /api/v2/roles {\"name\": \"Buyer\"}",
    ),
    complete: |body| body,
    shows: |_, _| true,
    keeps: |_| false,
};

static GIVE: Spec = Spec {
    id: "give",
    title: "Add a permission",
    intro: "",
    controls: &[
        control("resource_server_identifier", "API", Kind::Text).required(),
        control("permission_name", "Scope of the API", Kind::Text).required().mono(),
    ],
    submit: "Add permission",
};

/// The routes of this section.
pub(crate) fn routes() -> Router<Arc<App>> {
    section::routes(&SECTION)
        .route("/dashboard/roles/{id}/permissions", get(permissions).post(set_permission))
        .route("/dashboard/roles/{id}/users", get(users))
}

async fn permissions(admin: Admin, Path(id): Path<String>, Query(query): Query) -> Result<Response, Problem> {
    let role = SECTION.found(&admin, &id).await?;
    Ok(permissions_page(&admin, &role, query.page(), None).await?.done(query.text("done")).respond())
}

/// As many as a page of this dashboard can weigh.
const PER_PAGE: u32 = 50;

async fn permissions_page(
    admin: &Admin,
    role: &Value,
    page: u32,
    refused: Option<&Refused>,
) -> Result<Page, Problem> {
    let id = text(role, "id");
    let path = format!("{}/permissions", SECTION.api_path(id));
    let found = admin.get(format!("{path}?include_totals=true&per_page={PER_PAGE}&page={page}")).await?;
    let held = items(&found, "permissions");
    let apis = every(admin, "/resource-servers", "resource_servers").await?;
    let rows = held.iter().map(|one| Row {
        href: String::new(),
        cells: vec![
            Cell::code(text(one, "permission_name")),
            Cell::text(text(one, "resource_server_name")),
            Cell::text(text(one, "description")),
        ],
    });
    let action = format!("{}/permissions", SECTION.page_path(id));
    let member = |one: &Value, name: &str| (name.to_owned(), text(one, name).to_owned());
    let actions = held.iter().map(|one| RowAction {
        action: action.clone(),
        fields: vec![
            member(one, "resource_server_identifier"),
            member(one, "permission_name"),
            ("take".to_owned(), "1".to_owned()),
        ],
        text: "Remove",
        about: text(one, "permission_name").to_owned(),
    });
    let table = Table {
        head: vec!["Permission", "API", "Description"],
        rows: rows.collect(),
        actions: actions.collect(),
        csrf: admin.csrf.clone(),
        empty: Empty {
            title: "No permissions",
            text: "A permission is a scope of an API.",
            ..Empty::default()
        },
        ..Table::default()
    };
    let table = table.paged(&action, page, PER_PAGE, total(&found));
    let call = ApiCall::new(Method::Post, path);
    let options = apis.iter().map(|api| (text(api, "identifier").to_owned(), text(api, "name").to_owned()));
    let form = FormView::new(&admin.csrf, &GIVE, action, &call, &Value::Null, refused)
        .with_options("resource_server_identifier", options.collect());
    Ok(SECTION.page_of(admin, role, "permissions").block(&form).block(&table))
}

async fn set_permission(admin: Admin, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let role = SECTION.found(&admin, &id).await?;
    let path = format!("{}/permissions", SECTION.api_path(&id));
    let listed = |body: Value| json!({"permissions": [body]});
    if sent.text("take").is_some() {
        let member = |name: &str| sent.text(name).unwrap_or_default();
        let body = listed(json!({
            "resource_server_identifier": member("resource_server_identifier"),
            "permission_name": member("permission_name"),
        }));
        admin.call(ApiCall::new(Method::Delete, path).with(body)).await?;
        return Ok(SECTION.to(&id, "permissions", "removed"));
    }
    match submit_with(&admin, &GIVE, (Method::Post, &path), &Value::Null, sent, listed).await? {
        Outcome::Done(_) | Outcome::Nothing => Ok(SECTION.to(&id, "permissions", "added")),
        Outcome::Refused(refused) => Ok(permissions_page(&admin, &role, 0, Some(&refused)).await?.refused()),
    }
}

async fn users(admin: Admin, Path(id): Path<String>, Query(query): Query) -> Result<Response, Problem> {
    let role = SECTION.found(&admin, &id).await?;
    let page = query.page();
    let path = format!("{}/users?include_totals=true&per_page={PER_PAGE}&page={page}", SECTION.api_path(&id));
    let members = admin.get(path).await?;
    let rows = items(&members, "users").iter().map(|user| Row {
        href: format!("/dashboard/users/{}/roles", encoded(text(user, "user_id"))),
        cells: vec![Cell::text(display_name(user)), Cell::code(text(user, "user_id"))],
    });
    let table = Table {
        head: vec!["Name", "ID"],
        rows: rows.collect(),
        empty: Empty {
            title: "Nobody has this role",
            text: "It is given on the page of a user.",
            link: Some(("/dashboard/users".to_owned(), "To the users")),
            ..Empty::default()
        },
        ..Table::default()
    };
    let table = table.paged(&format!("{}/users", SECTION.page_path(&id)), page, PER_PAGE, total(&members));
    Ok(SECTION.page_of(&admin, &role, "users").block(&table).respond())
}
