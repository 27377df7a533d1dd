//! `/dashboard/keys`: the keys that sign tokens.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use gatewright_http::App;
use gatewright_resources::engine::Method;
use serde_json::Value;

use crate::api::{ApiCall, encoded};
use crate::form::{FormView, Spec};
use crate::page::Page;
use crate::problem::Problem;
use crate::sent::Query;
use crate::session::Admin;
use crate::view::{Cell, Row, RowAction, Table, items, text};

const PATH: &str = "/dashboard/keys";

static ROTATE: Spec = Spec {
    id: "rotate",
    title: "Rotate",
    intro: "The next key signs from then on, and another one is made ready. Tokens signed with the previous key stay \
            good until it is revoked.",
    controls: &[],
    submit: "Rotate signing key",
};

/// The routes of this page.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route(PATH, get(show).post(change))
}

async fn show(admin: Admin, Query(query): Query) -> Result<Response, Problem> {
    let keys = admin.get("/keys/signing").await?;
    let keys = items(&keys, "");
    let now = admin.cx.now;
    let state = |key: &Value| match ["revoked", "current", "next", "previous"]
        .iter()
        .find(|name| key[**name] == true)
    {
        Some(&"revoked") => Cell::badge("bad", "revoked"),
        Some(&"current") => Cell::badge("good", "signs"),
        Some(name) => Cell::badge("quiet", *name),
        None => Cell::text(""),
    };
    let rows = keys.iter().map(|key| Row {
        href: String::new(),
        cells: vec![
            Cell::code(text(key, "kid")),
            state(key),
            Cell::time(&key["current_since"], now),
            Cell::code(text(key, "thumbprint")),
        ],
    });
    let table = Table {
        head: vec!["Key", "State", "Signs since", "Thumbprint"],
        rows: rows.collect(),
        ..Table::default()
    };
    let mut page = Page::new(&admin, PATH, "Keys")
        .lead("Applications and APIs read them at /.well-known/jwks.json.")
        .done(query.text("done"))
        .block(&table);
    let previous: Vec<&Value> =
        keys.iter().filter(|key| key["previous"] == true && key["revoked"] != true).collect();
    if !previous.is_empty() {
        let rows =
            previous.iter().map(|key| Row { href: String::new(), cells: vec![Cell::code(text(key, "kid"))] });
        let actions = previous.iter().map(|key| RowAction {
            action: PATH.to_owned(),
            fields: vec![("revoke".to_owned(), text(key, "kid").to_owned())],
            text: "Revoke",
            about: text(key, "kid").to_owned(),
        });
        page = page.block(&Table {
            title: "Revoke: tokens signed with it are refused from then on",
            head: vec!["Key"],
            rows: rows.collect(),
            actions: actions.collect(),
            csrf: admin.csrf.clone(),
            ..Table::default()
        });
    }
    let call = ApiCall::new(Method::Post, "/keys/signing/rotate");
    let form = FormView::new(&admin.csrf, &ROTATE, PATH, &call, &Value::Null, None);
    Ok(page.block(&form.danger()).respond())
}

async fn change(admin: Admin, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let (call, done) = match sent.text("revoke") {
        Some(kid) => (ApiCall::new(Method::Put, format!("/keys/signing/{}/revoke", encoded(kid))), "revoked"),
        None => (ApiCall::new(Method::Post, "/keys/signing/rotate"), "saved"),
    };
    admin.call(call).await?;
    Ok(Redirect::to(&format!("{PATH}?done={done}")).into_response())
}
