//! A section whose things are documents with an id: list, create, settings, delete.
//!
//! Declared as a [`Section`], served by [`routes`]. What a section has besides stands in pages of its own.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use gatewright_http::App;
use gatewright_resources::engine::Method;
use serde_json::Value;

use crate::api::{ApiCall, encoded};
use crate::danger::{self, Danger};
use crate::every::every;
use crate::form::{self, FormView, Outcome, Refused, Spec, submit_with};
use crate::page::Page;
use crate::problem::Problem;
use crate::sent::Query;
use crate::session::Admin;
use crate::view::{Cell, Empty, Row, Search, Table, text};

/// A section, declared.
pub(crate) struct Section {
    /// Its path in the dashboard.
    pub(crate) path: &'static str,
    /// The path of its operations.
    pub(crate) api: &'static str,
    /// The member that holds a list, where an answer is no bare one.
    pub(crate) plural: &'static str,
    /// The member with the id.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) lead: &'static str,
    pub(crate) create: &'static Spec,
    /// "Create role" and "Delete role".
    pub(crate) verbs: (&'static str, &'static str),
    pub(crate) edit: &'static [&'static Spec],
    /// What goes with a thing that is deleted.
    pub(crate) lost: &'static str,
    pub(crate) head: &'static [&'static str],
    pub(crate) cells: fn(&Admin, &Value) -> Vec<Cell>,
    /// Pages of a thing besides its settings.
    pub(crate) tabs: &'static [(&'static str, &'static str)],
    pub(crate) empty: (&'static str, &'static str, &'static str),
    /// The body of a new thing from what its form holds.
    pub(crate) complete: fn(Value) -> Value,
    /// The settings' form as it is shown for this thing, or not at all.
    pub(crate) shows: fn(&Value, &Spec) -> bool,
    /// Why this thing cannot be deleted.
    pub(crate) keeps: fn(&Value) -> bool,
}

impl Section {
    /// The path of a thing's page.
    pub(crate) fn page_path(&self, id: &str) -> String {
        format!("{}/{}", self.path, encoded(id))
    }

    /// The path of a thing's operations.
    pub(crate) fn api_path(&self, id: &str) -> String {
        format!("{}/{}", self.api, encoded(id))
    }

    /// The thing of this id.
    ///
    /// # Errors
    /// [`Problem`] if it does not exist.
    pub(crate) async fn found(&self, admin: &Admin, id: &str) -> Result<Value, Problem> {
        Ok(admin.get(self.api_path(id)).await?)
    }

    /// A page of a thing.
    pub(crate) fn page_of(&self, admin: &Admin, thing: &Value, tab: &str) -> Page {
        let id = text(thing, self.id);
        let page = Page::new(admin, self.path, name(thing, self.id)).back(self.path, self.title).id(id);
        if self.tabs.is_empty() { page } else { page.tabs(&self.page_path(id), self.tabs, tab) }
    }

    /// Back to a page of a thing, saying what was done.
    pub(crate) fn to(&self, id: &str, tab: &str, done: &str) -> Response {
        let slash = if tab.is_empty() { "" } else { "/" };
        Redirect::to(&format!("{}{slash}{tab}?done={done}", self.page_path(id))).into_response()
    }
}

/// What to call a thing.
fn name<'a>(thing: &'a Value, id: &str) -> &'a str {
    let text = |member: &str| thing[member].as_str().filter(|text| !text.is_empty());
    ["name", "identifier", id].into_iter().find_map(text).unwrap_or_default()
}

/// The routes of a section.
pub(crate) fn routes(section: &'static Section) -> Router<Arc<App>> {
    let path = section.path;
    Router::new()
        .route(path, get(move |admin: Admin, query: Query| list(section, admin, query)))
        .route(
            &format!("{path}/new"),
            get(move |admin: Admin| async move { new_page(section, &admin, None).respond() })
                .post(move |admin: Admin, body: Bytes| create(section, admin, body)),
        )
        .route(
            &format!("{path}/{{id}}"),
            get(move |admin: Admin, id: Path<String>, query: Query| settings(section, admin, id, query))
                .post(move |admin: Admin, id: Path<String>, body: Bytes| change(section, admin, id, body)),
        )
        .route(
            &format!("{path}/{{id}}/delete"),
            get(move |admin: Admin, id: Path<String>| ask_delete(section, admin, id))
                .post(move |admin: Admin, id: Path<String>, body: Bytes| delete(section, admin, id, body)),
        )
}

async fn list(section: &Section, admin: Admin, Query(query): Query) -> Result<Response, Problem> {
    let q = query.some("q").unwrap_or_default();
    let wanted = q.to_lowercase();
    let all = every(&admin, section.api, section.plural).await?;
    let found = all.iter().filter(|thing| {
        name(thing, section.id).to_lowercase().contains(&wanted) || text(thing, section.id) == q
    });
    let rows = found.map(|thing| Row {
        href: section.page_path(text(thing, section.id)),
        cells: (section.cells)(&admin, thing),
    });
    let (title, says, api) = section.empty;
    let new = format!("{}/new", section.path);
    let table = Table {
        search: (all.len() > 8 || !q.is_empty()).then(|| Search {
            action: section.path.to_owned(),
            label: "Search",
            value: q.to_owned(),
            hint: "Part of a name, or an id",
            error: None,
            hidden: Vec::new(),
        }),
        head: section.head.to_vec(),
        rows: rows.collect(),
        empty: Empty {
            title: if q.is_empty() { title } else { "Nothing has this in its name" },
            text: says,
            link: Some((new.clone(), section.verbs.0)),
            api,
            ..Empty::default()
        },
        ..Table::default()
    };
    Ok(Page::new(&admin, section.path, section.title)
        .lead(section.lead)
        .action(new, section.verbs.0)
        .done(query.text("done"))
        .block(&table)
        .respond())
}

fn new_page(section: &Section, admin: &Admin, refused: Option<&Refused>) -> Page {
    let call = ApiCall::new(Method::Post, section.api);
    let action = format!("{}/new", section.path);
    let form = FormView::new(&admin.csrf, section.create, action, &call, &Value::Null, refused);
    Page::new(admin, section.path, section.verbs.0).back(section.path, section.title).block(&form)
}

async fn create(section: &Section, admin: Admin, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let call = (Method::Post, section.api);
    match submit_with(&admin, section.create, call, &Value::Null, sent, section.complete).await? {
        Outcome::Done(thing) => Ok(section.to(text(&thing, section.id), "", "created")),
        Outcome::Nothing => Ok(new_page(section, &admin, None).respond()),
        Outcome::Refused(refused) => Ok(new_page(section, &admin, Some(&refused)).refused()),
    }
}

async fn settings(
    section: &Section,
    admin: Admin,
    Path(id): Path<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let thing = section.found(&admin, &id).await?;
    Ok(settings_page(section, &admin, &thing, None).done(query.text("done")).respond())
}

fn settings_page(section: &Section, admin: &Admin, thing: &Value, refused: Option<&Refused>) -> Page {
    let id = text(thing, section.id);
    let mut page = section.page_of(admin, thing, "");
    for spec in section.edit.iter().filter(|spec| (section.shows)(thing, spec)) {
        let call = ApiCall::new(Method::Patch, section.api_path(id));
        page = page.block(&FormView::new(&admin.csrf, spec, section.page_path(id), &call, thing, refused));
    }
    if (section.keeps)(thing) {
        return page;
    }
    page.block(&danger::link(format!("{}/delete", section.page_path(id)), section.verbs.1))
}

async fn change(
    section: &Section,
    admin: Admin,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let thing = section.found(&admin, &id).await?;
    let spec = form::which(section.edit, &sent)?;
    let call = (Method::Patch, section.api_path(&id));
    match form::submit(&admin, spec, (call.0, &call.1), &thing, sent).await? {
        Outcome::Done(_) => Ok(section.to(&id, "", "saved")),
        Outcome::Nothing => Ok(section.to(&id, "", "nothing")),
        Outcome::Refused(refused) => Ok(settings_page(section, &admin, &thing, Some(&refused)).refused()),
    }
}

fn delete_page(section: &Section, admin: &Admin, thing: &Value, error: Option<&str>) -> Page {
    let id = text(thing, section.id);
    let name = name(thing, section.id).to_owned();
    Page::new(admin, section.path, format!("Delete {name}"))
        .back(section.page_path(id), "Settings")
        .id(id)
        .block(&Danger {
            csrf: admin.csrf.clone(),
            action: format!("{}/delete", section.page_path(id)),
            lost: section.lost,
            name,
            submit: section.verbs.1,
            path: format!("/api/v2{}", section.api_path(id)),
            error: error.map(str::to_owned),
        })
}

async fn ask_delete(section: &Section, admin: Admin, Path(id): Path<String>) -> Result<Response, Problem> {
    let thing = section.found(&admin, &id).await?;
    Ok(delete_page(section, &admin, &thing, None).respond())
}

async fn delete(
    section: &Section,
    admin: Admin,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let thing = section.found(&admin, &id).await?;
    if let Err(error) = danger::confirmed(&sent, name(&thing, section.id)) {
        return Ok(delete_page(section, &admin, &thing, Some(error)).refused());
    }
    if let Err(error) = admin.call(ApiCall::new(Method::Delete, section.api_path(&id))).await {
        return danger::refused(error, |text| delete_page(section, &admin, &thing, Some(text)));
    }
    Ok(Redirect::to(&format!("{}?done=deleted", section.path)).into_response())
}
