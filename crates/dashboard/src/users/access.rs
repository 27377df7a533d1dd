//! `/dashboard/users/{id}/access`: ways back in: a link for a new password, a mail that confirms the address, an end
//! of the blocks that wrong passwords made.

use axum::body::Bytes;
use axum::extract::Path;
use axum::response::Response;
use gatewright_resources::engine::Method;
use serde_json::{Value, json};

use super::{base, found, page_of};
use crate::api::{ApiCall, encoded};
use crate::form::{self, FormView, Outcome, Refused, Spec, submit_with};
use crate::page::Page;
use crate::problem::Problem;
use crate::sent::Query;
use crate::session::Admin;
use crate::view::{Cell, Row, Snippet, Snippets, Table, items, text};

static RESET: Spec = Spec {
    id: "reset",
    title: "A link for a new password",
    intro: "For accounts in a database. Nothing is sent: the link is shown once, to be handed over. It is good for five \
            days, and whoever has it chooses the password.",
    controls: &[],
    submit: "Make a link",
};

static CONFIRM: Spec = Spec {
    id: "confirm",
    title: "Confirm the address",
    intro: "Sends the e-mail with the link that confirms it.",
    controls: &[],
    submit: "Send e-mail",
};

static UNBLOCK: Spec = Spec {
    id: "unblock",
    title: "Blocks after wrong passwords",
    intro: "They end by themselves after a while, or now.",
    controls: &[],
    submit: "End these blocks",
};

static FORMS: &[&Spec] = &[&RESET, &CONFIRM, &UNBLOCK];

/// The call behind a form.
fn call(spec: &Spec, id: &str) -> ApiCall {
    match spec.id {
        "reset" => ApiCall::new(Method::Post, "/tickets/password-change").with(json!({"user_id": id})),
        "confirm" => ApiCall::new(Method::Post, "/jobs/verification-email").with(json!({"user_id": id})),
        _ => ApiCall::new(Method::Delete, format!("/user-blocks/{}", encoded(id))),
    }
}

pub(super) async fn show(
    admin: Admin,
    Path(id): Path<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let user = found(&admin, &id).await?;
    Ok(page(&admin, &user, None).await?.done(query.text("done")).respond())
}

async fn page(admin: &Admin, user: &Value, refused: Option<&Refused>) -> Result<Page, Problem> {
    let id = text(user, "user_id");
    let blocks = admin.get(format!("/user-blocks/{}", encoded(id))).await?;
    let blocks = items(&blocks, "blocked_for");
    let rows = blocks.iter().map(|block| Row {
        href: String::new(),
        cells: vec![Cell::text(text(block, "identifier")), Cell::code(text(block, "ip"))],
    });
    let mut page = page_of(admin, user, "access");
    if !blocks.is_empty() {
        page = page.block(&Table {
            title: "Blocked after wrong passwords",
            head: vec!["Account", "From the address"],
            rows: rows.collect(),
            ..Table::default()
        });
    }
    for spec in FORMS {
        if spec.id == UNBLOCK.id && blocks.is_empty()
            || spec.id == CONFIRM.id && user["email_verified"] == true
        {
            continue;
        }
        let action = format!("{}/access", base(id));
        page = page.block(
            &FormView::new(&admin.csrf, spec, action, &call(spec, id), &Value::Null, refused)
                .with_fixed_call(),
        );
    }
    Ok(page)
}

pub(super) async fn act(admin: Admin, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let user = found(&admin, &id).await?;
    let spec = form::which(FORMS, &sent)?;
    let made = call(spec, &id);
    if made.method == Method::Delete {
        admin.call(made).await?;
        return Ok(page(&admin, &user, None).await?.done(Some("unblocked")).respond());
    }
    let whole = made.body.clone().unwrap_or_default();
    match submit_with(&admin, spec, (made.method, &made.path), &Value::Null, sent, |_| whole).await? {
        Outcome::Done(answer) => {
            let shown = page(&admin, &user, None).await?;
            let Some(ticket) = answer["ticket"].as_str() else {
                return Ok(shown.done(Some("tried")).respond());
            };
            let snippet = Snippet {
                id: "ticket".to_owned(),
                title: "The link",
                note: "It works once, and is not shown again.",
                text: ticket.to_owned(),
            };
            Ok(shown.block(&Snippets { snippets: vec![snippet] }).respond())
        }
        Outcome::Nothing => Ok(page(&admin, &user, None).await?.respond()),
        Outcome::Refused(refused) => Ok(page(&admin, &user, Some(&refused)).await?.refused()),
    }
}
