//! `/dashboard/rule-settings`: what all rules see as `configuration`. A value is written and never read.

use axum::body::Bytes;
use axum::response::{IntoResponse, Redirect, Response};
use gatewright_resources::engine::Method;
use serde_json::Value;

use crate::api::{ApiCall, encoded};
use crate::form::{FormView, Kind, Outcome, Refusal, Refused, Spec, control, submit_with};
use crate::page::Page;
use crate::problem::Problem;
use crate::sent::Query;
use crate::session::Admin;
use crate::view::{Cell, Empty, Row, RowAction, Table, items, text};

/// Where it stands.
pub(super) const PATH: &str = "/dashboard/rule-settings";
const API: &str = "/rules-configs";

static SET: Spec = Spec {
    id: "set",
    title: "Set a value",
    intro: "Rules read it as configuration.KEY. It is never shown again.",
    controls: &[
        control("key", "Key", Kind::Text).required().mono().hint("Letters, digits and _-@*+:"),
        control("value", "Value", Kind::Secret).required(),
    ],
    submit: "Set value",
};

pub(super) async fn show(admin: Admin, Query(query): Query) -> Result<Response, Problem> {
    Ok(page(&admin, None).await?.done(query.text("done")).respond())
}

async fn page(admin: &Admin, refused: Option<&Refused>) -> Result<Page, Problem> {
    let keys = admin.get(API).await?;
    let keys: Vec<&str> = items(&keys, "").iter().map(|one| text(one, "key")).collect();
    let rows = keys.iter().map(|key| Row { href: String::new(), cells: vec![Cell::code(*key)] });
    let actions = keys.iter().map(|key| RowAction {
        action: PATH.to_owned(),
        fields: vec![("remove".to_owned(), (*key).to_owned())],
        text: "Remove",
        about: (*key).to_owned(),
    });
    let table = Table {
        head: vec!["Key"],
        rows: rows.collect(),
        actions: actions.collect(),
        csrf: admin.csrf.clone(),
        empty: Empty {
            title: "No values",
            text: "Keys of other services belong here rather than into the scripts.",
            api: "PUT /api/v2/rules-configs/KEY {\"value\": \"…\"}",
            ..Empty::default()
        },
        ..Table::default()
    };
    let call = ApiCall::new(Method::Put, format!("{API}/KEY"));
    let form = FormView::new(&admin.csrf, &SET, PATH, &call, &Value::Null, refused).with_fixed_call();
    Ok(Page::new(admin, PATH, "Rule settings")
        .lead("What every rule sees as configuration.")
        .block(&table)
        .block(&form))
}

pub(super) async fn change(admin: Admin, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    if let Some(key) = sent.text("remove") {
        admin.call(ApiCall::new(Method::Delete, format!("{API}/{}", encoded(key)))).await?;
        return Ok(Redirect::to(&format!("{PATH}?done=removed")).into_response());
    }
    let key = sent.some("key").unwrap_or_default().to_owned();
    if key.is_empty() {
        let refusal = Refusal { control: Some("key"), text: "Name the value.".to_owned() };
        let refused = Refused { form: SET.id.to_owned(), sent, refusal, call: None };
        return Ok(page(&admin, Some(&refused)).await?.refused());
    }
    let path = format!("{API}/{}", encoded(&key));
    let without_key = |mut body: Value| {
        if let Some(members) = body.as_object_mut() {
            members.remove("key");
        }
        body
    };
    match submit_with(&admin, &SET, (Method::Put, &path), &Value::Null, sent, without_key).await? {
        Outcome::Done(_) | Outcome::Nothing => {
            Ok(Redirect::to(&format!("{PATH}?done=saved")).into_response())
        }
        Outcome::Refused(refused) => Ok(page(&admin, Some(&refused)).await?.refused()),
    }
}
