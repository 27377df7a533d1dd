//! `/dashboard/branding`: how the login pages look, beside the login page as it would look.

mod forms;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use gatewright_http::App;
use gatewright_oauth::pages::preview::login_page;
use gatewright_resources::dashboard::administrators::PLAYGROUND;
use gatewright_resources::engine::{Map, Method};
use serde_json::Value;

use self::forms::{BEGIN, LOOK, THEME, THEMES, starter};
use crate::api::{ApiCall, encoded};
use crate::emails::preview::Frame;
use crate::form::{self, FormView, Outcome, Refused, Spec, submit, submit_with};
use crate::page::{Blocks, Page};
use crate::problem::Problem;
use crate::sent::{Query, Sent};
use crate::session::Admin;
use crate::view::{Notice, text};

const SECTION: &str = "/dashboard/branding";
const PREVIEW: &str = "/dashboard/branding/preview";
const API: &str = "/branding";

/// The forms that save what is seen.
static FORMS: &[&Spec] = &[&LOOK, &THEME];

/// The routes of this section.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(SECTION, get(show).post(change))
        .route("/dashboard/branding/theme", post(begin))
        .route("/dashboard/branding/no-theme", post(without))
        .route(PREVIEW, get(preview_by_get).post(preview_by_post))
}

/// Forms with the preview beside them.
#[derive(Template)]
#[template(
    source = r#"<div class="beside"><div class="forms">{% for block in forms %}{{ block|safe }}
{% endfor %}</div><div class="shown">{% for block in shown %}{{ block|safe }}
{% endfor %}</div></div>"#,
    ext = "html"
)]
struct Beside {
    forms: Vec<String>,
    shown: Vec<String>,
}

/// What is stored: the branding, and the theme if there is one.
struct Stored {
    branding: Value,
    theme: Value,
}

impl Stored {
    async fn read(admin: &Admin) -> Result<Self, Problem> {
        let branding = admin.get(API).await?;
        let theme = match admin.get(format!("{THEMES}/default")).await {
            Ok(theme) => theme,
            Err(error) if error.status == 404 => Value::Null,
            Err(error) => return Err(error.into()),
        };
        Ok(Self { branding, theme })
    }

    fn theme_path(&self) -> String {
        format!("{THEMES}/{}", encoded(text(&self.theme, "themeId")))
    }
}

async fn show(admin: Admin, Query(query): Query) -> Result<Response, Problem> {
    let stored = Stored::read(&admin).await?;
    Ok(page(&admin, &stored, None).done(query.text("done")).respond())
}

fn page(admin: &Admin, stored: &Stored, refused: Option<&Refused>) -> Page {
    let mut forms = Blocks::default();
    let call = ApiCall::new(Method::Patch, API);
    let look = FormView::new(&admin.csrf, &LOOK, SECTION, &call, &stored.branding, refused);
    forms.add(&look.with_preview(PREVIEW.to_owned()));
    if stored.theme.is_null() {
        let call = ApiCall::new(Method::Post, THEMES).with(starter(&stored.branding));
        let begin =
            FormView::new(&admin.csrf, &BEGIN, format!("{SECTION}/theme"), &call, &Value::Null, refused);
        forms.add(&begin.with_fixed_call());
    } else {
        let call = ApiCall::new(Method::Patch, stored.theme_path());
        let theme = FormView::new(&admin.csrf, &THEME, SECTION, &call, &stored.theme, refused);
        // The API takes a theme whole, which the script would not show.
        forms.add(&theme.with_preview(PREVIEW.to_owned()).with_fixed_call());
        let call = ApiCall::new(Method::Delete, stored.theme_path());
        let action = format!("{SECTION}/no-theme");
        forms.add(&FormView::new(&admin.csrf, &forms::REMOVE, action, &call, &Value::Null, None).danger());
    }
    let mut shown = Blocks::default();
    shown.add(&Frame { title: "The login page", src: PREVIEW.to_owned(), tall: true });
    let query = format!("client_id={}&scope=openid&response_type=code&prompt=login", PLAYGROUND.client_id);
    shown.add(&Notice {
        kind: "note",
        title: "",
        text: "With what is typed; it is saved only by its own button. The real page has what is saved."
            .to_owned(),
        link: Some((format!("/dashboard/playground/run?{query}"), "Open the login page".to_owned())),
    });
    Page::new(admin, SECTION, "Branding")
        .lead("How the login pages look. Contrast is kept by itself: text on a colour is what reads better.")
        .block(&Beside { forms: forms.into_inner(), shown: shown.into_inner() })
}

async fn change(admin: Admin, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let stored = Stored::read(&admin).await?;
    let spec = form::which(FORMS, &sent)?;
    let outcome = if spec.id == LOOK.id {
        submit(&admin, spec, (Method::Patch, API), &stored.branding, sent).await?
    } else {
        let whole = |body: Value| {
            let mut theme = stored.theme.clone();
            merge(&mut theme, body);
            if let Some(members) = theme.as_object_mut() {
                members.remove("themeId");
            }
            theme
        };
        submit_with(&admin, spec, (Method::Patch, &stored.theme_path()), &stored.theme, sent, whole).await?
    };
    let done = match outcome {
        Outcome::Done(_) => "saved",
        Outcome::Nothing => "nothing",
        Outcome::Refused(refused) => return Ok(page(&admin, &stored, Some(&refused)).refused()),
    };
    Ok(back(done))
}

fn back(done: &str) -> Response {
    Redirect::to(&format!("{SECTION}?done={done}")).into_response()
}

/// `POST …/theme`: begins with a theme that looks like the pages without one.
async fn begin(admin: Admin, body: Bytes) -> Result<Response, Problem> {
    admin.form(&body)?;
    let stored = Stored::read(&admin).await?;
    if stored.theme.is_null() {
        admin.call(ApiCall::new(Method::Post, THEMES).with(starter(&stored.branding))).await?;
    }
    Ok(back("created"))
}

/// `POST …/no-theme`.
async fn without(admin: Admin, body: Bytes) -> Result<Response, Problem> {
    admin.form(&body)?;
    let stored = Stored::read(&admin).await?;
    if !stored.theme.is_null() {
        admin.call(ApiCall::new(Method::Delete, stored.theme_path())).await?;
    }
    Ok(back("removed"))
}

/// `GET …/preview`: what is stored, or what the script sends while it is typed.
async fn preview_by_get(admin: Admin, Query(sent): Query) -> Result<Response, Problem> {
    preview(&admin, &sent).await
}

/// `POST …/preview`: what is typed.
async fn preview_by_post(admin: Admin, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    preview(&admin, &sent).await
}

async fn preview(admin: &Admin, sent: &Sent) -> Result<Response, Problem> {
    let mut stored = Stored::read(admin).await?;
    if let Ok(spec) = form::which(FORMS, sent) {
        let of = if spec.id == LOOK.id { &mut stored.branding } else { &mut stored.theme };
        // What cannot be read as a colour or an address is left out by the page itself.
        if let Ok(typed) = form::body(spec.controls, of, sent) {
            merge(of, typed);
        }
    }
    let map = |value: Value| -> Map { value.as_object().cloned().unwrap_or_default() };
    Ok(login_page(&admin.cx, &map(stored.branding), map(stored.theme)))
}

/// Puts the members of a body over those of a document.
fn merge(document: &mut Value, body: Value) {
    let Value::Object(body) = body else { return };
    for (name, value) in body {
        document[name] = value;
    }
}
