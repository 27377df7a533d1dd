//! The error page: shown where there is no safe place to redirect to.
//!
//! Everybody sees what Auth0 would say and the request id. Only in `dev` does it say why, and what to
//! change: an anonymous caller must not learn the configuration.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use gatewright_core::OAuthError;
use gatewright_core::authorize::remedy::remedy;
use gatewright_core::client::Client;
use gatewright_http::respond::Reason;
use gatewright_http::{RequestCx, respond};

use super::look::Look;
use super::screen::company;

/// What the page says.
#[derive(Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage {
    status: u16,
    title: &'static str,
    code: String,
    description: String,
    request_id: String,
    why: Option<Why>,
    company: String,
    look: Look,
    nonce: String,
}

/// What only the owner of the client may see.
struct Why {
    reason: String,
    remedy: Option<&'static str>,
    /// The log event that tells the whole.
    log_id: Option<String>,
    client: Option<(String, String)>,
}

impl ErrorPage {
    /// The page for a refusal.
    pub(crate) fn of(cx: &RequestCx, error: &OAuthError) -> Self {
        let why = error.reason.as_deref().filter(|_| cx.app.settings.dev);
        Self {
            status: error.status,
            title: title(error),
            code: error.code.to_string(),
            description: error.description.to_string(),
            request_id: cx.request_id.clone(),
            why: why.map(|reason| Why {
                reason: reason.to_owned(),
                remedy: remedy(reason),
                log_id: cx.noted.log_id(),
                client: None,
            }),
            company: company(cx),
            look: Look::of(cx),
            nonce: cx.app.random.alphanumeric(22),
        }
    }

    /// Names the client whose configuration decided; shown in `dev` only.
    pub(crate) fn with_client(mut self, client: Option<&Client>) -> Self {
        if let (Some(why), Some(client)) = (&mut self.why, client) {
            why.client = Some((client.name.clone(), client.client_id.clone()));
        }
        self
    }

    /// The response.
    pub(crate) fn respond(self) -> Response {
        tracing::info!(error = %self.code, status = self.status, "{}", self.description);
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let policy = format!(
            "default-src 'none'; style-src 'nonce-{}'; img-src {}; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
            self.nonce,
            self.look.image_sources([])
        );
        let headers = [
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            (header::REFERRER_POLICY, "no-referrer".to_owned()),
        ];
        let mut response = match self.render() {
            Ok(page) => respond::no_store((status, headers, Html(page))),
            Err(_) => (status, self.description).into_response(),
        };
        if let Some(why) = self.why {
            response.extensions_mut().insert(Reason(why.reason));
        }
        response
    }
}

fn title(error: &OAuthError) -> &'static str {
    match (error.reason.as_deref(), error.status) {
        (Some("redirect_uri_not_registered"), _) => "Callback URL mismatch",
        (_, 404) => "Page not found",
        (_, 501) => "Not built yet",
        _ => "This request cannot be answered",
    }
}
