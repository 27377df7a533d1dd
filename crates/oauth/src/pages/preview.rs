//! The login page with a look that is not stored yet, to be shown in a frame of the dashboard.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use gatewright_http::RequestCx;
use gatewright_resources::engine::Map;

use super::look::Look;
use super::screen::{self, Button, Field, Form, Kind, Link, Screen};
use super::texts::Texts;

/// The page in the tenant's first language. It is looked at: its form leads nowhere, and it runs no script.
pub fn login_page(cx: &RequestCx, branding: &Map, theme: Map) -> Response {
    let values = vec![("clientName", "Sample application".to_owned()), ("companyName", screen::company(cx))];
    let language = super::texts::language(&cx.tenant, None, None);
    let mut page = Screen::new(cx, "login", Texts::new(language, "login", "login", values));
    page.look = Look::new(branding, theme);
    let texts = page.texts.clone();
    let field = |kind, name, label, last| Field {
        kind,
        name,
        label: texts.get(label),
        value: String::new(),
        hint: None,
        error: None,
        focus: false,
        last,
    };
    page.form = Some(Form {
        action: "/u/login",
        hidden: Vec::new(),
        fields: vec![
            field(Kind::Username, "username", "usernamePlaceholder", false),
            field(Kind::Password, "password", "passwordPlaceholder", true),
        ],
        buttons: vec![Button { text: texts.get("buttonText"), value: "default", primary: true }],
        resend: None,
    });
    page.aside =
        Some(Link { lead: None, text: texts.get("forgotPasswordText"), href: "#forgotten".to_owned() });
    let mut response = page.respond(StatusCode::OK, &[]);
    let images = page.look.image_sources(None);
    let policy = format!(
        "sandbox; default-src 'none'; style-src 'nonce-{}'; img-src {images}; form-action 'none'; base-uri 'none'; \
         frame-ancestors 'self'",
        page.nonce
    );
    let headers = response.headers_mut();
    headers.remove(header::X_FRAME_OPTIONS);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
