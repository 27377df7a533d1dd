//! The pages of an action besides its draft.

use axum::body::Bytes;
use axum::extract::Path;
use axum::response::Response;
use gatewright_resources::engine::Method;
use serde_json::{Value, json};

use super::SECTION;
use crate::api::{ApiCall, encoded};
use crate::every::every;
use crate::form::{FormView, Kind, Outcome, Refused, Spec, control, submit_with};
use crate::page::Page;
use crate::problem::Problem;
use crate::sent::Query;
use crate::session::Admin;
use crate::view::{Cell, Empty, Notice, Raw, Row, RowAction, Table, items, pretty, text};

static TEST: Spec = Spec {
    id: "test",
    title: "Run the draft",
    intro: "With an event of your own. Nobody is logged in and nothing is stored.",
    controls: &[control("event", "event", Kind::Json)],
    submit: "Run",
};

/// An event to begin with.
fn sample() -> Value {
    json!({
        "user": {"user_id": "auth0|1", "email": "ada@example.org", "user_metadata": {"hobby": "tea"}, "app_metadata": {}},
        "client": {"client_id": "client", "name": "Shop"},
        "transaction": {"requested_scopes": ["openid", "profile"]},
        "request": {"ip": "203.0.113.7"},
    })
}

pub(super) async fn test(admin: Admin, Path(id): Path<String>) -> Result<Response, Problem> {
    let action = SECTION.found(&admin, &id).await?;
    Ok(test_page(&admin, &action, sample(), None).respond())
}

fn test_page(admin: &Admin, action: &Value, event: Value, refused: Option<&Refused>) -> Page {
    let id = text(action, "id");
    let call = ApiCall::new(Method::Post, format!("{}/test", SECTION.api_path(id)))
        .with(json!({"payload": {"event": event}}));
    let current = json!({"event": event});
    let form = FormView::new(
        &admin.csrf,
        &TEST,
        format!("{}/test", SECTION.page_path(id)),
        &call,
        &current,
        refused,
    );
    SECTION.page_of(admin, action, "test").block(&form.with_fixed_call())
}

pub(super) async fn run_test(admin: Admin, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let action = SECTION.found(&admin, &id).await?;
    let event = sent.text("event").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(sample);
    let path = format!("{}/test", SECTION.api_path(&id));
    let payload = |body: Value| json!({"payload": {"event": body["event"]}});
    match submit_with(&admin, &TEST, (Method::Post, &path), &Value::Null, sent, payload).await? {
        Outcome::Done(answer) => {
            let told = &answer["payload"];
            let mut page = test_page(&admin, &action, event, None);
            page = match told["error"]["message"].as_str() {
                Some(message) => page.block(&Notice {
                    kind: "bad",
                    title: "It failed",
                    text: format!("{message} {}", text(&told["error"], "stack")),
                    link: None,
                }),
                None => page.block(&Notice {
                    kind: "good",
                    title: "It ran",
                    text: format!("In {} ms.", told["stats"]["action_duration_ms"]),
                    link: None,
                }),
            };
            let page = page
                .block(&Raw { title: "What it asked for", text: pretty(&told["commands"]), open: true })
                .block(&Raw { title: "Console", text: text(told, "logs").to_owned(), open: true });
            Ok(page.respond())
        }
        Outcome::Nothing => Ok(test_page(&admin, &action, event, None).respond()),
        Outcome::Refused(refused) => Ok(test_page(&admin, &action, event, Some(&refused)).refused()),
    }
}

static SECRET: Spec = Spec {
    id: "secret",
    title: "Set a secret",
    intro: "The code reads it as event.secrets.NAME. Its value is never shown again. A deployed version keeps the \
            secrets it was deployed with.",
    controls: &[
        control("name", "Name", Kind::Text).required().mono(),
        control("value", "Value", Kind::Secret).required(),
    ],
    submit: "Set secret",
};

pub(super) async fn secrets(
    admin: Admin,
    Path(id): Path<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let action = SECTION.found(&admin, &id).await?;
    Ok(secrets_page(&admin, &action, None).done(query.text("done")).respond())
}

fn secrets_page(admin: &Admin, action: &Value, refused: Option<&Refused>) -> Page {
    let id = text(action, "id");
    let path = format!("{}/secrets", SECTION.page_path(id));
    let secrets = items(&action["secrets"], "");
    let rows = secrets.iter().map(|secret| Row {
        href: String::new(),
        cells: vec![Cell::code(text(secret, "name")), Cell::time(&secret["updated_at"], admin.cx.now)],
    });
    let actions = secrets.iter().map(|secret| RowAction {
        action: path.clone(),
        fields: vec![("remove".to_owned(), text(secret, "name").to_owned())],
        text: "Remove",
        about: text(secret, "name").to_owned(),
    });
    let table = Table {
        head: vec!["Name", "Set"],
        rows: rows.collect(),
        actions: actions.collect(),
        csrf: admin.csrf.clone(),
        empty: Empty {
            title: "No secrets",
            text: "Keys of other services belong here rather than into the code.",
            ..Empty::default()
        },
        ..Table::default()
    };
    let call = ApiCall::new(Method::Patch, SECTION.api_path(id)).with(json!({"secrets": names(secrets, "")}));
    let form = FormView::new(&admin.csrf, &SECRET, path, &call, &Value::Null, refused).with_fixed_call();
    SECTION.page_of(admin, action, "secrets").block(&table).block(&form)
}

/// The secrets that stay: without a value they keep the one they have.
fn names(secrets: &[Value], without: &str) -> Vec<Value> {
    let kept = secrets.iter().filter(|secret| text(secret, "name") != without);
    kept.map(|secret| json!({"name": secret["name"]})).collect()
}

pub(super) async fn set_secret(
    admin: Admin,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let action = SECTION.found(&admin, &id).await?;
    let secrets = items(&action["secrets"], "");
    let path = SECTION.api_path(&id);
    if let Some(gone) = sent.text("remove") {
        admin.call(ApiCall::new(Method::Patch, path).with(json!({"secrets": names(secrets, gone)}))).await?;
        return Ok(SECTION.to(&id, "secrets", "removed"));
    }
    let with_others = |body: Value| {
        let mut all = names(secrets, text(&body, "name"));
        all.push(body);
        json!({"secrets": all})
    };
    match submit_with(&admin, &SECRET, (Method::Patch, &path), &Value::Null, sent, with_others).await? {
        Outcome::Done(_) | Outcome::Nothing => Ok(SECTION.to(&id, "secrets", "saved")),
        Outcome::Refused(refused) => Ok(secrets_page(&admin, &action, Some(&refused)).refused()),
    }
}

static DEPLOY: Spec = Spec {
    id: "deploy",
    title: "Deploy the draft",
    intro: "Logins run it at once, if the action is bound to its trigger.",
    controls: &[],
    submit: "Deploy",
};

pub(super) async fn versions(
    admin: Admin,
    Path(id): Path<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let action = SECTION.found(&admin, &id).await?;
    let all = every(&admin, &format!("{}/versions", SECTION.api_path(&id)), "versions").await?;
    let path = format!("{}/versions", SECTION.page_path(&id));
    let rows = all.iter().map(|version| Row {
        href: String::new(),
        cells: vec![
            Cell::text(format!("Version {}", version["number"])),
            if version["deployed"] == true { Cell::badge("good", "deployed") } else { Cell::text("") },
            Cell::time(&version["created_at"], admin.cx.now),
        ],
    });
    let actions = all.iter().map(|version| RowAction {
        action: path.clone(),
        fields: vec![("version".to_owned(), text(version, "id").to_owned())],
        text: "Deploy again",
        about: format!("version {}", version["number"]),
    });
    let table = Table {
        head: vec!["Version", "", "Made"],
        rows: rows.collect(),
        actions: actions.collect(),
        csrf: admin.csrf.clone(),
        empty: Empty {
            title: "Not deployed yet",
            text: "Each deployment keeps a version that can be gone back to.",
            ..Empty::default()
        },
        ..Table::default()
    };
    let call = ApiCall::new(Method::Post, format!("{}/deploy", SECTION.api_path(&id)));
    let form = FormView::new(&admin.csrf, &DEPLOY, path, &call, &Value::Null, None);
    Ok(SECTION
        .page_of(&admin, &action, "versions")
        .done(query.text("done"))
        .block(&form)
        .block(&table)
        .respond())
}

pub(super) async fn deploy(admin: Admin, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let path = SECTION.api_path(&id);
    let path = match sent.text("version") {
        Some(version) => format!("{path}/versions/{}/deploy", encoded(version)),
        None => format!("{path}/deploy"),
    };
    admin.call(ApiCall::new(Method::Post, path)).await?;
    Ok(SECTION.to(&id, "versions", "deployed"))
}
