//! Settings that a tenant has once: `/dashboard/settings`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use gatewright_http::App;
use gatewright_resources::engine::Method;
use serde_json::Value;

use crate::api::ApiCall;
use crate::form::{self, FormView, Kind, Outcome, Refused, Spec, control, submit};
use crate::page::Page;
use crate::problem::Problem;
use crate::sent::Query;
use crate::session::Admin;

/// A page of settings, declared.
struct Once {
    path: &'static str,
    title: &'static str,
    lead: &'static str,
    parts: &'static [Part],
}

/// An object of settings with its forms.
struct Part {
    api: &'static str,
    forms: &'static [&'static Spec],
}

const TENANT: &str = "/tenants/settings";

static TENANT_BASICS: Spec = Spec {
    id: "basics",
    title: "Names",
    intro: "",
    controls: &[
        control("friendly_name", "Name", Kind::Text).hint("Users see it on the login page."),
        control("support_email", "Support by e-mail", Kind::Text),
        control("support_url", "Support page", Kind::Text).mono(),
    ],
    submit: "Save names",
};

static TENANT_LOGIN: Spec = Spec {
    id: "login",
    title: "Logins",
    intro: "",
    controls: &[
        control("default_audience", "Default API", Kind::Text)
            .mono()
            .hint("The audience of requests that name none."),
        control("default_directory", "Default connection", Kind::Text)
            .hint("For the password grant, where it names no realm."),
        control("default_redirection_uri", "Default address to return to", Kind::Text).mono(),
        control("allowed_logout_urls", "Allowed logout URLs", Kind::Lines)
            .hint("One on each line, for logouts that name no application."),
    ],
    submit: "Save logins",
};

static TENANT_SESSIONS: Spec = Spec {
    id: "sessions",
    title: "Sessions",
    intro: "In hours.",
    controls: &[
        control("session_lifetime", "At the longest", Kind::Number),
        control("idle_session_lifetime", "Without use", Kind::Number),
    ],
    submit: "Save sessions",
};

static PROMPTS: Spec = Spec {
    id: "prompts",
    title: "The login page",
    intro: "",
    controls: &[control("identifier_first", "Ask for the identifier first", Kind::Toggle)
        .hint("The password is asked for on a page of its own.")],
    submit: "Save login page",
};

static SETTINGS: Once = Once {
    path: "/dashboard/settings",
    title: "Tenant settings",
    lead: "",
    parts: &[
        Part { api: TENANT, forms: &[&TENANT_BASICS, &TENANT_LOGIN, &TENANT_SESSIONS] },
        Part { api: "/prompts", forms: &[&PROMPTS] },
    ],
};

/// The routes of these pages.
pub(crate) fn routes() -> Router<Arc<App>> {
    let once = &SETTINGS;
    Router::new().route(
        once.path,
        get(move |admin: Admin, query: Query| show(once, admin, query))
            .post(move |admin: Admin, body: Bytes| change(once, admin, body)),
    )
}

async fn show(once: &'static Once, admin: Admin, Query(query): Query) -> Result<Response, Problem> {
    Ok(page(once, &admin, None).await?.done(query.text("done")).respond())
}

async fn page(once: &Once, admin: &Admin, refused: Option<&Refused>) -> Result<Page, Problem> {
    let mut page = Page::new(admin, once.path, once.title).lead(once.lead);
    for part in once.parts {
        let current = admin.get(part.api).await?;
        for spec in part.forms {
            let call = ApiCall::new(Method::Patch, part.api);
            page = page.block(&FormView::new(&admin.csrf, spec, once.path, &call, &current, refused));
        }
    }
    Ok(page)
}

async fn change(once: &'static Once, admin: Admin, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let named = |part: &&Part| form::which(part.forms, &sent).is_ok();
    let part = once.parts.iter().find(named).ok_or(Problem::Malformed)?;
    let spec = form::which(part.forms, &sent)?;
    let current: Value = admin.get(part.api).await?;
    let done = match submit(&admin, spec, (Method::Patch, part.api), &current, sent).await? {
        Outcome::Done(_) => "saved",
        Outcome::Nothing => "nothing",
        Outcome::Refused(refused) => return Ok(page(once, &admin, Some(&refused)).await?.refused()),
    };
    Ok(Redirect::to(&format!("{}?done={done}", once.path)).into_response())
}
