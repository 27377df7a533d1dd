//! The pages behind links in e-mails: one card, at most one form, no scripts.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use gatewright_http::{Fault, RequestCx, respond};

/// What the page says.
#[derive(Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage {
    company: String,
    title: &'static str,
    pub(crate) description: String,
    /// Whose account it is.
    pub(crate) subject: Option<String>,
    /// What went wrong.
    pub(crate) alert: Option<String>,
    /// What went well.
    pub(crate) notice: Option<String>,
    /// What a new password must be.
    pub(crate) rules: Vec<String>,
    /// Asks for a new password, twice.
    pub(crate) password: bool,
    /// The form's button; without one there is no form.
    pub(crate) button: Option<String>,
    /// Where the form goes.
    pub(crate) action: &'static str,
    /// Goes with it.
    pub(crate) ticket: String,
    nonce: String,
}

impl AccountPage {
    /// A page with a title.
    pub(crate) fn new(cx: &RequestCx, title: &'static str) -> Self {
        let company = cx.tenant.text_setting("friendly_name").unwrap_or_else(|| cx.issuer.domain());
        Self {
            company: company.to_owned(),
            title,
            description: String::new(),
            subject: None,
            alert: None,
            notice: None,
            rules: Vec::new(),
            password: false,
            button: None,
            action: "",
            ticket: String::new(),
            nonce: cx.app.random.alphanumeric(22),
        }
    }

    /// The response.
    pub(crate) fn respond(&self, status: StatusCode) -> Response {
        let Ok(body) = self.render() else { return Fault::internal("a template failed").into_response() };
        // After the form the browser may be sent on to the tenant's own page.
        let policy = format!(
            "default-src 'none'; style-src 'nonce-{}'; base-uri 'none'; form-action 'self' https:; frame-ancestors 'none'",
            self.nonce
        );
        let headers = [
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            // The link's secret is in the address: it must not travel on.
            (header::REFERRER_POLICY, "no-referrer".to_owned()),
        ];
        respond::no_store((status, headers, Html(body)))
    }
}
