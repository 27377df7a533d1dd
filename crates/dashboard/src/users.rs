//! `/dashboard/users`.

mod access;
mod forms;
mod ties;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use gatewright_http::App;
use gatewright_resources::engine::Method;
use serde_json::{Value, json};

use crate::api::{ApiCall, encoded};
use crate::danger::{self, Danger};
use crate::every::every;
use crate::form::{self, FormView, Outcome, Refused, submit};
use crate::page::Page;
use crate::problem::Problem;
use crate::sent::Sent;
use crate::session::{Admin, display_name};
use crate::view::{Cell, Empty, Facts, Notice, Raw, Row, Search, Table, items, kept, pretty, text, total};

const SECTION: &str = "/dashboard/users";
const PER_PAGE: u32 = 50;
const TABS: &[(&str, &str)] = &[
    ("", "Profile"),
    ("access", "Access"),
    ("identities", "Identities"),
    ("roles", "Roles and permissions"),
    ("sessions", "Sessions"),
    ("grants", "Applications"),
    ("logs", "Logs"),
];

/// The routes of this section.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(SECTION, get(list))
        .route("/dashboard/users/new", get(new).post(create))
        .route("/dashboard/users/{id}", get(profile).post(change))
        .route("/dashboard/users/{id}/block", post(block))
        .route("/dashboard/users/{id}/delete", get(ask_delete).post(delete))
        .route("/dashboard/users/{id}/access", get(access::show).post(access::act))
        .route("/dashboard/users/{id}/identities", get(ties::identities).post(ties::unlink))
        .route("/dashboard/users/{id}/roles", get(ties::roles).post(ties::set_role))
        .route("/dashboard/users/{id}/sessions", get(ties::sessions).post(ties::end_session))
        .route("/dashboard/users/{id}/grants", get(ties::grants).post(ties::take_grant))
        .route("/dashboard/users/{id}/logs", get(ties::logs))
}

fn base(id: &str) -> String {
    format!("{SECTION}/{}", encoded(id))
}

fn api_path(id: &str) -> String {
    format!("/users/{}", encoded(id))
}

async fn found(admin: &Admin, id: &str) -> Result<Value, Problem> {
    Ok(admin.get(api_path(id)).await?)
}

fn page_of(admin: &Admin, user: &Value, tab: &str) -> Page {
    let id = text(user, "user_id");
    Page::new(admin, SECTION, display_name(user)).back(SECTION, "Users").id(id).tabs(&base(id), TABS, tab)
}

/// What people type is looked for at the beginning of names and addresses; a query with fields is a query.
fn lucene(q: &str) -> String {
    if q.is_empty() || q.contains(':') {
        return q.to_owned();
    }
    let fields = ["name", "email", "username", "nickname", "phone_number"];
    let escaped: String =
        q.chars().flat_map(|c| (!c.is_alphanumeric()).then_some('\\').into_iter().chain([c])).collect();
    let starts = fields.map(|field| format!("{field}:{escaped}*"));
    format!("{} OR user_id:{escaped}", starts.join(" OR "))
}

async fn list(admin: Admin, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let query = Sent::parse(query.unwrap_or_default().as_bytes())?;
    let (q, page) = (query.some("q").unwrap_or_default(), query.page());
    let mut path = format!("/users?include_totals=true&per_page={PER_PAGE}&page={page}");
    if !q.is_empty() {
        path.push_str(&format!("&search_engine=v3&q={}", encoded(&lucene(q))));
    }
    let (found, error) = match admin.get(path).await {
        Ok(found) => (found, None),
        Err(error) if error.status == 400 => (Value::Null, Some(error.message.into_owned())),
        Err(error) => return Err(error.into()),
    };
    let rows = items(&found, "users").iter().map(|user| {
        let connections: Vec<&str> =
            items(user, "identities").iter().map(|one| text(one, "connection")).collect();
        let address = ["email", "phone_number", "username"].map(|name| text(user, name));
        Row {
            href: base(text(user, "user_id")),
            cells: vec![
                Cell::text(display_name(user)),
                Cell::text(address.into_iter().find(|text| !text.is_empty()).unwrap_or_default()),
                if user["blocked"] == true { Cell::badge("bad", "blocked") } else { Cell::text("") },
                Cell::text(connections.join(", ")),
                Cell::time(&user["last_login"], admin.cx.now),
            ],
        }
    });
    let table = Table {
        search: Some(Search {
            action: SECTION.to_owned(),
            label: "Search",
            value: q.to_owned(),
            hint: "The beginning of a name or address, or a query: email:*@example.com AND blocked:true",
            error,
            hidden: Vec::new(),
        }),
        head: vec!["Name", "Address", "", "Connections", "Last login"],
        rows: rows.collect(),
        empty: Empty {
            title: if q.is_empty() { "No users yet" } else { "Nobody matches" },
            text: "Users come by signing up, by their first login with a code, by import, or by hand.",
            link: Some((format!("{SECTION}/new"), "Create user")),
            api: "POST /api/v2/users",
            cli: "gatewright users import users.json --connection Username-Password-Authentication",
        },
        ..Table::default()
    };
    Ok(Page::new(&admin, SECTION, "Users")
        .action(format!("{SECTION}/new"), "Create user")
        .done(query.text("done"))
        .block(&table.paged(&kept(SECTION, &query, &["q"]), page, PER_PAGE, total(&found)))
        .respond())
}

async fn new(admin: Admin) -> Result<Response, Problem> {
    Ok(new_page(&admin, None).await?.respond())
}

async fn new_page(admin: &Admin, refused: Option<&Refused>) -> Result<Page, Problem> {
    let connections = every(admin, "/connections", "connections").await?;
    let usable = connections.iter().filter(|one| ["auth0", "sms", "email"].contains(&text(one, "strategy")));
    let options = usable.map(|one| (text(one, "name").to_owned(), text(one, "name").to_owned()));
    let call = ApiCall::new(Method::Post, "/users");
    let form =
        FormView::new(&admin.csrf, &forms::NEW, format!("{SECTION}/new"), &call, &Value::Null, refused)
            .with_options("connection", options.collect());
    Ok(Page::new(admin, SECTION, "Create user").back(SECTION, "Users").block(&form))
}

async fn create(admin: Admin, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    match submit(&admin, &forms::NEW, (Method::Post, "/users"), &Value::Null, sent).await? {
        Outcome::Done(user) => {
            Ok(Redirect::to(&format!("{}?done=created", base(text(&user, "user_id")))).into_response())
        }
        Outcome::Nothing => Ok(new_page(&admin, None).await?.respond()),
        Outcome::Refused(refused) => Ok(new_page(&admin, Some(&refused)).await?.refused()),
    }
}

async fn profile(
    admin: Admin,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Sent::parse(query.unwrap_or_default().as_bytes())?;
    let user = found(&admin, &id).await?;
    Ok(profile_page(&admin, &user, None).done(query.text("done")).respond())
}

fn profile_page(admin: &Admin, user: &Value, refused: Option<&Refused>) -> Page {
    let id = text(user, "user_id");
    let (base, path, now) = (base(id), api_path(id), admin.cx.now);
    let mut page = page_of(admin, user, "");
    let is_blocked = user["blocked"] == true;
    if is_blocked {
        let text = "This user is refused at every login.";
        page = page.block(&Notice { kind: "bad", title: "Blocked", text: text.to_owned(), link: None });
    }
    let facts = vec![
        ("Created", Cell::time(&user["created_at"], now)),
        ("Last login", Cell::time(&user["last_login"], now)),
        ("Logins", Cell::text(user["logins_count"].as_u64().unwrap_or(0).to_string())),
        ("Last address", Cell::code(text(user, "last_ip"))),
    ];
    page = page.block(&Facts { title: "", facts });
    for spec in forms::ALL {
        let call = ApiCall::new(Method::Patch, path.as_str());
        page = page.block(&FormView::new(&admin.csrf, spec, base.as_str(), &call, user, refused));
    }
    let (spec, blocked) = if is_blocked { (&forms::UNBLOCK, false) } else { (&forms::BLOCK, true) };
    let call = ApiCall::new(Method::Patch, path).with(json!({"blocked": blocked}));
    let form = FormView::new(&admin.csrf, spec, format!("{base}/block"), &call, user, refused)
        .with("blocked", blocked.to_string());
    page.block(&if is_blocked { form } else { form.danger() })
        .block(&danger::link(format!("{base}/delete"), "Delete user"))
        .block(&Raw { title: "The whole profile, as the API gives it", text: pretty(user), open: false })
}

async fn change(admin: Admin, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let user = found(&admin, &id).await?;
    let spec = form::which(forms::ALL, &sent)?;
    let done = match submit(&admin, spec, (Method::Patch, &api_path(&id)), &user, sent).await? {
        Outcome::Done(_) => "saved",
        Outcome::Nothing => "nothing",
        Outcome::Refused(refused) => return Ok(profile_page(&admin, &user, Some(&refused)).refused()),
    };
    Ok(Redirect::to(&format!("{}?done={done}", base(&id))).into_response())
}

async fn block(admin: Admin, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let blocked = sent.text("blocked") == Some("true");
    if blocked && id == admin.user_id {
        return Err(Problem::Denied(
            "This is your own account: you would be locked out with this press.".to_owned(),
        ));
    }
    admin.call(ApiCall::new(Method::Patch, api_path(&id)).with(json!({"blocked": blocked}))).await?;
    let done = if blocked { "blocked" } else { "unblocked" };
    Ok(Redirect::to(&format!("{}?done={done}", base(&id))).into_response())
}

fn delete_page(admin: &Admin, user: &Value, error: Option<&str>) -> Page {
    let id = text(user, "user_id");
    let name = display_name(user);
    Page::new(admin, SECTION, format!("Delete {name}")).back(base(id), "Profile").id(id).block(&Danger {
        csrf: admin.csrf.clone(),
        action: format!("{}/delete", base(id)),
        lost: "The account, its linked identities, metadata, sessions, refresh tokens and consents go with it. Its log \
               events stay.",
        name,
        submit: "Delete user",
        path: format!("/api/v2{}", api_path(id)),
        error: error.map(str::to_owned),
    })
}

async fn ask_delete(admin: Admin, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(delete_page(&admin, &found(&admin, &id).await?, None).respond())
}

async fn delete(admin: Admin, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let user = found(&admin, &id).await?;
    if let Err(error) = danger::confirmed(&sent, &display_name(&user)) {
        return Ok(delete_page(&admin, &user, Some(error)).refused());
    }
    if let Err(error) = admin.call(ApiCall::new(Method::Delete, api_path(&id))).await {
        return danger::refused(error, |text| delete_page(&admin, &user, Some(text)));
    }
    Ok(Redirect::to(&format!("{SECTION}?done=deleted")).into_response())
}

#[cfg(test)]
mod tests {
    use super::lucene;

    #[test]
    fn words_become_a_query() {
        assert_eq!(lucene(""), "");
        assert_eq!(lucene("email:a*"), "email:a*");
        let query = lucene("ada l");
        assert!(query.starts_with("name:ada\\ l* OR email:ada\\ l*"), "{query}");
        assert!(query.ends_with("OR user_id:ada\\ l"), "{query}");
    }
}
