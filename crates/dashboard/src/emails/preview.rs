//! A message as its reader sees it, on a page of its own that can do nothing: it is shown in a frame.

use askama::Template;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use gatewright_http::{Fault, respond};
use gatewright_resources::engine::{ApiError, Method};
use serde_json::{Value, json};

use super::API;
use super::texts::{self, Kind};
use crate::api::ApiCall;
use crate::assets;
use crate::problem::Problem;
use crate::sent::Sent;
use crate::session::Admin;
use crate::view::text;

/// The place of a preview in a page. Forms can be sent into it.
#[derive(Template)]
#[template(
    source = r#"<section class="preview"><h2>{{ title }}</h2><iframe name="preview" sandbox src="{{ src }}" title="{{ title }}"{% if tall %} class="tall"{% endif %}></iframe></section>"#,
    ext = "html"
)]
pub(crate) struct Frame {
    pub(crate) title: &'static str,
    pub(crate) src: String,
    pub(crate) tall: bool,
}

#[derive(Template)]
#[template(
    source = r#"<!DOCTYPE html>
<html lang="en">
<head>
{% include "head.html" %}
<title>Preview</title>
<link rel="stylesheet" href="{{ css }}">
</head>
<body class="mail">
{% if let Some(error) = error %}<main><p class="error" role="alert">{{ error }}</p></main>{% else %}<main>
<dl><div><dt>Subject</dt><dd><bdi>{{ subject }}</bdi></dd></div>{% if !from.is_empty() %}<div><dt>From</dt><dd><bdi>{{ from }}</bdi></dd></div>{% endif %}</dl>
<iframe sandbox srcdoc="{{ html }}" title="The message"></iframe>
</main>{% endif %}
</body>
</html>"#,
    ext = "html"
)]
struct Message {
    css: &'static str,
    error: Option<String>,
    subject: String,
    from: String,
    html: String,
}

/// The message is a stranger's HTML: it has styles and pictures, and may do nothing else. The frame within the page
/// has the page's policy.
const POLICY: &str = "sandbox; default-src 'none'; style-src 'self' 'unsafe-inline'; img-src https: data:; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

/// `GET …/preview`: what is stored, or the default.
pub(super) async fn stored(admin: Admin, Path(name): Path<String>) -> Result<Response, Problem> {
    let kind = texts::kind(&name)?;
    let template = super::stored(&admin, kind).await?;
    let texts = match template.is_null() {
        true => json!({}),
        // One that is switched off is shown all the same.
        false => {
            json!({"subject": template["subject"], "body": template["body"], "from": template["from"]})
        }
    };
    shown(written(&admin, kind, texts).await)
}

/// `POST …/preview`: what is typed.
pub(super) async fn typed(admin: Admin, Path(name): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    shown(written(&admin, texts::kind(&name)?, texts_of(&sent)).await)
}

/// The texts that a form holds, as a body of the API.
pub(super) fn texts_of(sent: &Sent) -> Value {
    let text = |name| sent.text(name).unwrap_or_default();
    json!({"subject": text("subject"), "body": text("body"), "from": text("from")})
}

/// The message in these words.
pub(super) async fn written(admin: &Admin, kind: &Kind, texts: Value) -> Result<Value, ApiError> {
    admin.call(ApiCall::new(Method::Post, format!("{API}/{}/preview", kind.name)).with(texts)).await
}

fn shown(written: Result<Value, ApiError>) -> Result<Response, Problem> {
    let (status, message) = match written {
        Ok(email) => {
            let text = |name| text(&email, name).to_owned();
            let (subject, from, html) = (text("subject"), text("from"), text("html"));
            (StatusCode::OK, Message { css: assets::css(), error: None, subject, from, html })
        }
        Err(error) if error.status == 400 => {
            let refusal = crate::form::Refusal::of(texts::EMAIL.controls, &error);
            let text = match refusal.control {
                Some(control) => format!("The {control} cannot be rendered. {}", refusal.text),
                None => refusal.text,
            };
            let nothing = String::new;
            let (subject, from, html) = (nothing(), nothing(), nothing());
            let page = Message { css: assets::css(), error: Some(text), subject, from, html };
            (StatusCode::UNPROCESSABLE_ENTITY, page)
        }
        Err(error) => return Err(error.into()),
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok(match message.render() {
        Ok(html) => respond::no_store((status, headers, Html(html))),
        Err(error) => Fault::internal(error).into_response(),
    })
}
