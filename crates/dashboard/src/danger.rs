//! Deleting: what will be lost is named, and the name is typed.

use askama::Template;
use axum::response::Response;
use gatewright_resources::engine::ApiError;

use crate::page::Page;
use crate::problem::Problem;
use crate::sent::Sent;

/// The form that asks for the name of what will be lost.
#[derive(Template)]
#[template(path = "danger.html")]
pub(crate) struct Danger {
    pub(crate) csrf: String,
    pub(crate) action: String,
    pub(crate) lost: &'static str,
    pub(crate) name: String,
    pub(crate) submit: &'static str,
    /// The path of the `DELETE` behind it.
    pub(crate) path: String,
    pub(crate) error: Option<String>,
}

#[derive(Template)]
#[template(
    source = r#"<section class="panel danger"><div class="about"><h2>{{ text }}</h2><p class="quiet">You will be asked for its name first.</p></div><p class="buttons"><a class="button destroy" href="{{ href }}">{{ text }}…</a></p></section>"#,
    ext = "html"
)]
pub(crate) struct DangerLink {
    href: String,
    text: &'static str,
}

/// The way to the page that asks.
pub(crate) fn link(href: String, text: &'static str) -> DangerLink {
    DangerLink { href, text }
}

/// Whether the name was typed.
///
/// # Errors
/// What to say beside the field.
pub(crate) fn confirmed(sent: &Sent, name: &str) -> Result<(), &'static str> {
    let typed = sent.text("name").unwrap_or_default().trim();
    if typed == name.trim() { Ok(()) } else { Err("This is not its name. Nothing was deleted.") }
}

/// A refusal of the operation, on the page that asked.
///
/// # Errors
/// [`Problem`] if the thing is gone or the server failed.
pub(crate) fn refused(error: ApiError, page: impl FnOnce(&str) -> Page) -> Result<Response, Problem> {
    match error.status {
        404 | 500.. => Err(error.into()),
        _ => Ok(page(&error.message).refused()),
    }
}
