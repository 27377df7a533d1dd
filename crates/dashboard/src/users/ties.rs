//! What a user is tied to: identities, roles and permissions, sessions, applications, log events.

use axum::body::Bytes;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use gatewright_resources::engine::Method;
use serde_json::{Value, json};

use super::{api_path, base, forms, found, page_of};
use crate::api::{ApiCall, encoded};
use crate::every::every;
use crate::form::{FormView, Outcome, Refused, submit_with};
use crate::logs as log_pages;
use crate::page::Page;
use crate::problem::Problem;
use crate::sent::Query;
use crate::session::Admin;
use crate::view::{Cell, Empty, Row, RowAction, Table, items, text, total};

/// Back to a page of the user, saying what was done.
fn to(id: &str, tab: &str, done: &str) -> Response {
    Redirect::to(&format!("{}/{tab}?done={done}", base(id))).into_response()
}

fn empty(title: &'static str, text: &'static str) -> Empty {
    Empty { title, text, ..Empty::default() }
}

pub(super) async fn identities(
    admin: Admin,
    Path(id): Path<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let user = found(&admin, &id).await?;
    let identities = items(&user, "identities");
    let rows = identities.iter().map(|identity| Row {
        href: String::new(),
        cells: vec![
            Cell::text(text(identity, "connection")),
            Cell::text(text(identity, "provider")),
            Cell::code(text(identity, "user_id")),
        ],
    });
    // The first identity is the account itself.
    let can_unlink = identities.len() > 1;
    let actions = identities.iter().filter(|_| can_unlink).map(|identity| RowAction {
        action: format!("{}/identities", base(&id)),
        fields: ["provider", "user_id"].map(|name| (name.to_owned(), text(identity, name).to_owned())).into(),
        text: "Unlink",
        about: format!("{} {}", text(identity, "connection"), text(identity, "user_id")),
    });
    let table = Table {
        head: vec!["Connection", "Provider", "ID there"],
        rows: rows.collect(),
        actions: actions.collect(),
        csrf: admin.csrf.clone(),
        empty: empty("No identities", "Every account has at least one."),
        ..Table::default()
    };
    Ok(page_of(&admin, &user, "identities").done(query.text("done")).block(&table).respond())
}

pub(super) async fn unlink(admin: Admin, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let part = |name| encoded(sent.text(name).unwrap_or_default());
    let path = format!("{}/identities/{}/{}", api_path(&id), part("provider"), part("user_id"));
    admin.call(ApiCall::new(Method::Delete, path)).await?;
    Ok(to(&id, "identities", "removed"))
}

pub(super) async fn roles(
    admin: Admin,
    Path(id): Path<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let user = found(&admin, &id).await?;
    Ok(roles_page(&admin, &user, query.page(), None).await?.done(query.text("done")).respond())
}

/// As many as a page of this dashboard can weigh.
const PER_PAGE: u32 = 50;

async fn roles_page(
    admin: &Admin,
    user: &Value,
    page_number: u32,
    refused: Option<&Refused>,
) -> Result<Page, Problem> {
    let id = text(user, "user_id");
    let path = api_path(id);
    let held = every(admin, &format!("{path}/roles"), "roles").await?;
    let all = every(admin, "/roles", "roles").await?;
    let found = format!("{path}/permissions?include_totals=true&per_page={PER_PAGE}&page={page_number}");
    let found = admin.get(found).await?;
    let permissions = items(&found, "permissions");
    let action = format!("{}/roles", base(id));
    let rows = held.iter().map(|role| Row {
        href: String::new(),
        cells: vec![Cell::text(text(role, "name")), Cell::text(text(role, "description"))],
    });
    let actions = held.iter().map(|role| RowAction {
        action: action.clone(),
        fields: vec![("take".to_owned(), text(role, "id").to_owned())],
        text: "Take away",
        about: text(role, "name").to_owned(),
    });
    let table = Table {
        title: "Roles",
        head: vec!["Role", "What it is for"],
        rows: rows.collect(),
        actions: actions.collect(),
        csrf: admin.csrf.clone(),
        empty: empty("No roles", "A role gives all of its permissions at once."),
        ..Table::default()
    };
    let mut page = page_of(admin, user, "roles").block(&table);
    let left = all.iter().filter(|role| held.iter().all(|one| one["id"] != role["id"]));
    let left: Vec<(String, String)> =
        left.map(|role| (text(role, "id").to_owned(), text(role, "name").to_owned())).collect();
    if !left.is_empty() {
        let call = ApiCall::new(Method::Post, format!("{path}/roles"));
        let form =
            FormView::new(&admin.csrf, &forms::GIVE_ROLE, action.as_str(), &call, &Value::Null, refused);
        page = page.block(&form.with_options("roles", left));
    }
    let rows = permissions.iter().map(|permission| {
        let sources = items(permission, "sources").iter().map(|source| match text(source, "source_type") {
            "ROLE" => text(source, "source_name").to_owned(),
            _ => "given directly".to_owned(),
        });
        Row {
            href: String::new(),
            cells: vec![
                Cell::code(text(permission, "permission_name")),
                Cell::text(text(permission, "resource_server_name")),
                Cell::text(sources.collect::<Vec<_>>().join(", ")),
            ],
        }
    });
    let table = Table {
        title: "Permissions",
        head: vec!["Permission", "API", "Through"],
        rows: rows.collect(),
        empty: empty("No permissions", "APIs with role-based access control cut a user's scopes to these."),
        ..Table::default()
    };
    Ok(page.block(&table.paged(&action, page_number, PER_PAGE, total(&found))))
}

pub(super) async fn set_role(admin: Admin, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let path = format!("{}/roles", api_path(&id));
    if let Some(role) = sent.text("take") {
        let call = ApiCall::new(Method::Delete, path).with(json!({"roles": [role]}));
        admin.call(call).await?;
        return Ok(to(&id, "roles", "removed"));
    }
    let user = found(&admin, &id).await?;
    let listed = |body: Value| json!({"roles": [body["roles"]]});
    match submit_with(&admin, &forms::GIVE_ROLE, (Method::Post, &path), &Value::Null, sent, listed).await? {
        Outcome::Done(_) | Outcome::Nothing => Ok(to(&id, "roles", "added")),
        Outcome::Refused(refused) => Ok(roles_page(&admin, &user, 0, Some(&refused)).await?.refused()),
    }
}

pub(super) async fn sessions(
    admin: Admin,
    Path(id): Path<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let user = found(&admin, &id).await?;
    let now = admin.cx.now;
    let alive = admin.get(format!("{}/sessions", api_path(&id))).await?;
    let alive = items(&alive, "sessions");
    let rows = alive.iter().map(|session| Row {
        href: String::new(),
        cells: vec![
            Cell::text(text(&session["device"], "last_user_agent")),
            Cell::code(text(&session["device"], "last_ip")),
            Cell::time(&session["authenticated_at"], now),
            Cell::time(&session["last_interacted_at"], now),
        ],
    });
    let action = format!("{}/sessions", base(&id));
    let end = |name: &'static str, one: &Value| RowAction {
        action: action.clone(),
        fields: vec![(name.to_owned(), text(one, "id").to_owned())],
        text: "End",
        about: format!("{name} {}", text(one, "id")),
    };
    let table = Table {
        title: "Browsers",
        head: vec!["Browser", "Address", "Logged in", "Last seen"],
        rows: rows.collect(),
        actions: alive.iter().map(|session| end("session", session)).collect(),
        csrf: admin.csrf.clone(),
        empty: empty("No sessions", "A login in a browser begins one."),
        ..Table::default()
    };
    let tokens = admin.get(format!("{}/refresh-tokens", api_path(&id))).await?;
    let tokens = items(&tokens, "tokens");
    let rows = tokens.iter().map(|token| Row {
        href: String::new(),
        cells: vec![
            Cell::text(client_name(&admin, text(token, "client_id"))),
            Cell::time(&token["created_at"], now),
            Cell::time(&token["last_exchanged_at"], now),
        ],
    });
    let token_table = Table {
        title: "Refresh tokens",
        head: vec!["Application", "Issued", "Last used"],
        rows: rows.collect(),
        actions: tokens.iter().map(|token| end("token", token)).collect(),
        csrf: admin.csrf.clone(),
        empty: empty("No refresh tokens", "An application that asks for offline_access gets one."),
        ..Table::default()
    };
    let page = page_of(&admin, &user, "sessions").done(query.text("done"));
    Ok(page.block(&table).block(&token_table).respond())
}

/// An application by its name, as of this request's snapshot.
fn client_name(admin: &Admin, client_id: &str) -> String {
    admin.cx.tenant.client(client_id).map_or(client_id, |client| client.name.as_str()).to_owned()
}

pub(super) async fn end_session(
    admin: Admin,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let path = match (sent.text("session"), sent.text("token")) {
        (Some(session), _) => format!("/sessions/{}", encoded(session)),
        (None, Some(token)) => format!("/refresh-tokens/{}", encoded(token)),
        (None, None) => return Err(Problem::Malformed),
    };
    admin.call(ApiCall::new(Method::Delete, path)).await?;
    Ok(to(&id, "sessions", "revoked"))
}

pub(super) async fn grants(
    admin: Admin,
    Path(id): Path<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let user = found(&admin, &id).await?;
    let given = every(&admin, &format!("/grants?user_id={}", encoded(&id)), "grants").await?;
    let rows = given.iter().map(|grant| {
        let scopes: Vec<&str> = items(grant, "scope").iter().filter_map(Value::as_str).collect();
        let client_id = text(grant, "clientID");
        Row {
            href: String::new(),
            cells: vec![
                Cell::text(client_name(&admin, client_id))
                    .to(format!("/dashboard/applications/{}", encoded(client_id))),
                Cell::code(text(grant, "audience")),
                Cell::code(scopes.join(" ")),
            ],
        }
    });
    let actions = given.iter().map(|grant| RowAction {
        action: format!("{}/grants", base(&id)),
        fields: vec![("grant".to_owned(), text(grant, "id").to_owned())],
        text: "Take back",
        about: client_name(&admin, text(grant, "clientID")),
    });
    let table = Table {
        head: vec!["Application", "API", "Scopes"],
        rows: rows.collect(),
        actions: actions.collect(),
        csrf: admin.csrf.clone(),
        empty: empty(
            "Nothing allowed",
            "What the user allows an application on the consent page is listed here.",
        ),
        ..Table::default()
    };
    Ok(page_of(&admin, &user, "grants").done(query.text("done")).block(&table).respond())
}

pub(super) async fn take_grant(
    admin: Admin,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let grant = encoded(sent.text("grant").unwrap_or_default());
    admin.call(ApiCall::new(Method::Delete, format!("/grants/{grant}"))).await?;
    Ok(to(&id, "grants", "removed"))
}

pub(super) async fn logs(
    admin: Admin,
    Path(id): Path<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let user = found(&admin, &id).await?;
    let page = query.page();
    let path = format!("{}/logs?include_totals=true&per_page={PER_PAGE}&page={page}", api_path(&id));
    let events = admin.get(path).await?;
    let table = log_pages::table(&admin, items(&events, "logs"));
    let table = table.paged(&format!("{}/logs", base(&id)), page, PER_PAGE, total(&events));
    Ok(page_of(&admin, &user, "logs").block(&table).respond())
}
