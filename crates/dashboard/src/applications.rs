//! `/dashboard/applications`: clients.

mod forms;
mod quickstart;
mod ties;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use gatewright_http::App;
use gatewright_resources::engine::Method;
use serde_json::Value;

use crate::api::{ApiCall, encoded};
use crate::danger::{self, Danger};
use crate::form::{self, FormView, Outcome, Refused, submit};
use crate::page::Page;
use crate::problem::Problem;
use crate::sent::Query;
use crate::session::Admin;
use crate::view::{Cell, Empty, Facts, Notice, Row, Search, Table, items, kept, text, total};

const SECTION: &str = "/dashboard/applications";
const PER_PAGE: u32 = 50;
/// What lists show of a client. The secret is not read along: each read of one is worth a log event.
const SHOWN: &str = "client_id,name,app_type,is_first_party";
const TABS: &[(&str, &str)] =
    &[("", "Quick start"), ("settings", "Settings"), ("connections", "Connections"), ("apis", "APIs")];

/// The routes of this section.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(SECTION, get(list))
        .route("/dashboard/applications/new", get(new).post(create))
        .route("/dashboard/applications/{id}", get(quickstart::show))
        .route("/dashboard/applications/{id}/settings", get(settings).post(change))
        .route("/dashboard/applications/{id}/rotate-secret", post(rotate))
        .route("/dashboard/applications/{id}/delete", get(ask_delete).post(delete))
        .route("/dashboard/applications/{id}/connections", get(ties::connections).post(ties::set_connections))
        .route("/dashboard/applications/{id}/apis", get(ties::apis).post(ties::set_grant))
}

fn base(id: &str) -> String {
    format!("{SECTION}/{}", encoded(id))
}

/// The operations' path of a client.
fn api_path(id: &str) -> String {
    format!("/clients/{}", encoded(id))
}

/// The client without its secret.
async fn found(admin: &Admin, id: &str) -> Result<Value, Problem> {
    let path = format!("{}?fields=client_secret,signing_keys&include_fields=false", api_path(id));
    Ok(admin.get(path).await?)
}

/// A page of one application.
fn page_of(admin: &Admin, client: &Value, tab: &str) -> Page {
    let id = text(client, "client_id");
    Page::new(admin, SECTION, text(client, "name"))
        .back(SECTION, "Applications")
        .id(id)
        .lead(text(client, "description"))
        .tabs(&base(id), TABS, tab)
}

async fn list(admin: Admin, Query(query): Query) -> Result<Response, Problem> {
    let (q, page) = (query.some("q").unwrap_or_default(), query.page());
    let (clients, count) = if q.is_empty() {
        let path = format!(
            "/clients?is_global=false&fields={SHOWN}&include_totals=true&per_page={PER_PAGE}&page={page}"
        );
        let found = admin.get(path).await?;
        (items(&found, "clients").to_vec(), total(&found))
    } else {
        let clients = search(&admin, q).await?;
        let count = clients.len() as u64;
        (clients, count)
    };
    let rows = clients.iter().map(|client| Row {
        href: base(text(client, "client_id")),
        cells: vec![
            Cell::text(text(client, "name")),
            Cell::text(forms::type_name(text(client, "app_type"))),
            match client["is_first_party"] == false {
                true => Cell::badge("quiet", "third party"),
                false => Cell::text(""),
            },
            Cell::code(text(client, "client_id")),
        ],
    });
    let table = Table {
        search: Some(Search {
            action: SECTION.to_owned(),
            label: "Search",
            value: q.to_owned(),
            hint: "Part of a name or a client id",
            error: None,
            hidden: Vec::new(),
        }),
        head: vec!["Name", "Type", "", "Client ID"],
        rows: rows.collect(),
        empty: Empty {
            title: if q.is_empty() { "No applications yet" } else { "No application has this in its name" },
            text: "An application is a client that users log in with, or a machine that calls an API.",
            link: Some((format!("{SECTION}/new"), "Create application")),
            api: "POST /api/v2/clients {\"name\": \"Shop\", \"app_type\": \"spa\"}",
            ..Empty::default()
        },
        ..Table::default()
    };
    let table =
        if q.is_empty() { table.paged(&kept(SECTION, &query, &["q"]), page, PER_PAGE, count) } else { table };
    Ok(Page::new(&admin, SECTION, "Applications")
        .lead("Clients that users log in with, and machines that call APIs.")
        .action(format!("{SECTION}/new"), "Create application")
        .done(query.text("done"))
        .block(&table)
        .respond())
}

/// The operation has no search by name, so its pages are looked through.
async fn search(admin: &Admin, q: &str) -> Result<Vec<Value>, Problem> {
    let wanted = q.to_lowercase();
    let mut matching = Vec::new();
    for page in 0.. {
        let found =
            admin.get(format!("/clients?is_global=false&fields={SHOWN}&per_page=100&page={page}")).await?;
        let clients = items(&found, "clients");
        matching.extend(
            clients
                .iter()
                .filter(|client| {
                    text(client, "name").to_lowercase().contains(&wanted) || text(client, "client_id") == q
                })
                .cloned(),
        );
        if clients.len() < 100 || matching.len() >= 100 {
            break;
        }
    }
    Ok(matching)
}

async fn new(admin: Admin) -> Response {
    new_page(&admin, None).respond()
}

fn new_page(admin: &Admin, refused: Option<&Refused>) -> Page {
    let call = ApiCall::new(Method::Post, "/clients");
    let form =
        FormView::new(&admin.csrf, &forms::NEW, format!("{SECTION}/new"), &call, &Value::Null, refused);
    Page::new(admin, SECTION, "Create application").back(SECTION, "Applications").block(&form)
}

async fn create(admin: Admin, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    match submit(&admin, &forms::NEW, (Method::Post, "/clients"), &Value::Null, sent).await? {
        Outcome::Done(client) => {
            let to = format!("{}?done=created", base(text(&client, "client_id")));
            Ok(Redirect::to(&to).into_response())
        }
        Outcome::Nothing => Ok(new_page(&admin, None).respond()),
        Outcome::Refused(refused) => Ok(new_page(&admin, Some(&refused)).refused()),
    }
}

async fn settings(admin: Admin, Path(id): Path<String>, Query(query): Query) -> Result<Response, Problem> {
    // Only who asks for the secret reads it, which leaves a log event.
    let client = match query.text("secret") {
        Some("show") => admin.get(api_path(&id)).await?,
        _ => found(&admin, &id).await?,
    };
    Ok(settings_page(&admin, &client, None).done(query.text("done")).respond())
}

fn settings_page(admin: &Admin, client: &Value, refused: Option<&Refused>) -> Page {
    let id = text(client, "client_id");
    let (base, path) = (base(id), api_path(id));
    let mut page = page_of(admin, client, "settings");
    if let Some(secret) = client["client_secret"].as_str() {
        let facts = vec![("Client secret", Cell::code(secret))];
        page = page.block(&Facts { title: "", facts });
    } else if client["token_endpoint_auth_method"].as_str().is_some_and(|method| method != "none") {
        page = page.block(&Notice {
            kind: "note",
            title: "Client secret",
            text: "Showing it leaves an event in the logs.".to_owned(),
            link: Some((format!("{base}/settings?secret=show"), "Show secret".to_owned())),
        });
    }
    for spec in forms::ALL {
        let call = ApiCall::new(Method::Patch, path.as_str());
        let form = FormView::new(&admin.csrf, spec, format!("{base}/settings"), &call, client, refused);
        page = page.block(&form);
    }
    if client["token_endpoint_auth_method"] != "none" {
        let call = ApiCall::new(Method::Post, format!("{path}/rotate-secret"));
        let form = FormView::new(
            &admin.csrf,
            &forms::ROTATE,
            format!("{base}/rotate-secret"),
            &call,
            client,
            refused,
        );
        page = page.block(&form.danger());
    }
    page.block(&danger::link(format!("{base}/delete"), "Delete application"))
}

async fn change(admin: Admin, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let client = found(&admin, &id).await?;
    let spec = form::which(forms::ALL, &sent)?;
    let done = match submit(&admin, spec, (Method::Patch, &api_path(&id)), &client, sent).await? {
        Outcome::Done(_) => "saved",
        Outcome::Nothing => "nothing",
        Outcome::Refused(refused) => return Ok(settings_page(&admin, &client, Some(&refused)).refused()),
    };
    Ok(Redirect::to(&format!("{}/settings?done={done}", base(&id))).into_response())
}

async fn rotate(admin: Admin, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    admin.form(&body)?;
    admin.call(ApiCall::new(Method::Post, format!("{}/rotate-secret", api_path(&id)))).await?;
    Ok(Redirect::to(&format!("{}/settings?done=rotated", base(&id))).into_response())
}

fn delete_page(admin: &Admin, client: &Value, error: Option<&str>) -> Page {
    let id = text(client, "client_id");
    let name = text(client, "name");
    Page::new(admin, SECTION, format!("Delete {name}")).back(format!("{}/settings", base(id)), "Settings").id(id).block(
        &Danger {
            csrf: admin.csrf.clone(),
            action: format!("{}/delete", base(id)),
            lost: "Its refresh tokens, client grants, credentials and the consents that users gave it go with it. \
                   Logins through it fail from then on.",
            name: name.to_owned(),
            submit: "Delete application",
            path: format!("/api/v2{}", api_path(id)),
            error: error.map(str::to_owned),
        },
    )
}

async fn ask_delete(admin: Admin, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(delete_page(&admin, &found(&admin, &id).await?, None).respond())
}

async fn delete(admin: Admin, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let client = found(&admin, &id).await?;
    if let Err(error) = danger::confirmed(&sent, text(&client, "name")) {
        return Ok(delete_page(&admin, &client, Some(error)).refused());
    }
    if let Err(error) = admin.call(ApiCall::new(Method::Delete, api_path(&id))).await {
        return danger::refused(error, |text| delete_page(&admin, &client, Some(text)));
    }
    Ok(Redirect::to(&format!("{SECTION}?done=deleted")).into_response())
}
