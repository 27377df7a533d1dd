//! What an application is tied to: the connections its users log in with, the APIs it has grants for.

use axum::body::Bytes;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use gatewright_resources::engine::Method;
use serde_json::{Value, json};

use super::{base, found, page_of};
use crate::api::{ApiCall, encoded};
use crate::every::every;
use crate::form::{FormView, Kind, Outcome, Refused, Spec, control, submit_with};
use crate::page::Page;
use crate::problem::Problem;
use crate::sent::Query;
use crate::session::Admin;
use crate::view::{Cell, Empty, Row, RowAction, Table, items, text};

pub(super) async fn connections(
    admin: Admin,
    Path(id): Path<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let client = found(&admin, &id).await?;
    let all = every(&admin, "/connections", "connections").await?;
    let is_on = |connection: &Value| {
        connection["enabled_clients"]
            .as_array()
            .is_some_and(|clients| clients.iter().any(|client| client == id.as_str()))
    };
    let rows = all.iter().map(|connection| Row {
        href: String::new(),
        cells: vec![
            Cell::text(text(connection, "name")),
            Cell::text(text(connection, "strategy")),
            if is_on(connection) { Cell::badge("good", "on") } else { Cell::badge("quiet", "off") },
        ],
    });
    let actions = all.iter().map(|connection| {
        let (text_, status) = if is_on(connection) { ("Turn off", "off") } else { ("Turn on", "on") };
        RowAction {
            action: format!("{}/connections", base(&id)),
            fields: vec![
                ("connection".to_owned(), text(connection, "id").to_owned()),
                ("status".to_owned(), status.to_owned()),
            ],
            text: text_,
            about: text(connection, "name").to_owned(),
        }
    });
    let table = Table {
        head: vec!["Connection", "Strategy", "For this application"],
        rows: rows.collect(),
        actions: actions.collect(),
        csrf: admin.csrf.clone(),
        empty: Empty {
            title: "No connections yet",
            text: "A connection is where users prove who they are.",
            ..Empty::default()
        },
        ..Table::default()
    };
    Ok(page_of(&admin, &client, "connections").done(query.text("done")).block(&table).respond())
}

pub(super) async fn set_connections(
    admin: Admin,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    found(&admin, &id).await?;
    let connection = encoded(sent.text("connection").unwrap_or_default());
    let change = json!([{"client_id": id, "status": sent.text("status") == Some("on")}]);
    admin
        .call(ApiCall::new(Method::Patch, format!("/connections/{connection}/clients")).with(change))
        .await?;
    Ok(Redirect::to(&format!("{}/connections?done=saved", base(&id))).into_response())
}

static GRANT: Spec = Spec {
    id: "grant",
    title: "Grant access to an API",
    intro: "",
    controls: &[
        control("audience", "API", Kind::Text).required(),
        control(
            "subject_type",
            "For",
            Kind::Choice(&[
                ("client", "Tokens of the application itself"),
                ("user", "Tokens on behalf of users"),
            ]),
        ),
        control("scope", "Scopes", Kind::Lines).hint("One on each line: the most that a token can hold."),
    ],
    submit: "Grant",
};

pub(super) async fn apis(
    admin: Admin,
    Path(id): Path<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let client = found(&admin, &id).await?;
    Ok(apis_page(&admin, &client, None).await?.done(query.text("done")).respond())
}

async fn apis_page(admin: &Admin, client: &Value, refused: Option<&Refused>) -> Result<Page, Problem> {
    let id = text(client, "client_id");
    let grants = every(admin, &format!("/client-grants?client_id={}", encoded(id)), "client_grants").await?;
    let servers = every(admin, "/resource-servers", "resource_servers").await?;
    let action = format!("{}/apis", base(id));
    let rows = grants.iter().map(|grant| {
        let scopes = items(&grant["scope"], "");
        let scopes: Vec<&str> = scopes.iter().filter_map(Value::as_str).collect();
        let shown = match scopes.len() {
            0 => Cell::badge("quiet", if grant["allow_all_scopes"] == true { "every scope" } else { "none" }),
            count @ 9.. => Cell::code(format!("{} and {} more", scopes[..8].join(" "), count - 8)),
            _ => Cell::code(scopes.join(" ")),
        };
        let of = if text(grant, "subject_type") == "user" { "users" } else { "itself" };
        Row { href: String::new(), cells: vec![Cell::code(text(grant, "audience")), Cell::text(of), shown] }
    });
    let actions = grants.iter().map(|grant| RowAction {
        action: action.clone(),
        fields: vec![("delete".to_owned(), text(grant, "id").to_owned())],
        text: "Take away",
        about: text(grant, "audience").to_owned(),
    });
    let table = Table {
        head: vec!["API", "For", "Scopes"],
        rows: rows.collect(),
        actions: actions.collect(),
        csrf: admin.csrf.clone(),
        empty: Empty {
            title: "No grants",
            text: "Most APIs let any first-party application ask for users' tokens. A machine needs a grant.",
            api: "POST /api/v2/client-grants",
            ..Empty::default()
        },
        ..Table::default()
    };
    let call = ApiCall::new(Method::Post, "/client-grants").with(json!({"client_id": id}));
    let options =
        servers.iter().map(|api| (text(api, "identifier").to_owned(), text(api, "name").to_owned()));
    let form = FormView::new(&admin.csrf, &GRANT, action, &call, &Value::Null, refused)
        .with_options("audience", options.collect());
    Ok(page_of(admin, client, "apis").block(&table).block(&form))
}

pub(super) async fn set_grant(
    admin: Admin,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let client = found(&admin, &id).await?;
    let to = |done: &str| Redirect::to(&format!("{}/apis?done={done}", base(&id))).into_response();
    if let Some(grant) = sent.text("delete") {
        admin.call(ApiCall::new(Method::Delete, format!("/client-grants/{}", encoded(grant)))).await?;
        return Ok(to("removed"));
    }
    let with_client = |mut body: Value| {
        body["client_id"] = json!(id);
        if body["scope"].is_null() {
            body["scope"] = json!([]);
        }
        body
    };
    match submit_with(&admin, &GRANT, (Method::Post, "/client-grants"), &Value::Null, sent, with_client)
        .await?
    {
        Outcome::Done(_) => Ok(to("added")),
        Outcome::Nothing => Ok(to("nothing")),
        Outcome::Refused(refused) => Ok(apis_page(&admin, &client, Some(&refused)).await?.refused()),
    }
}
