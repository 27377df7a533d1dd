//! Redeeming a provider's code (RFC 6749 section 4.1.3), through the guarded client.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use gatewright_adapters::OutboundRequest;
use gatewright_core::OAuthError;
use gatewright_core::connection::Connection;
use gatewright_core::social::{Granted, NotGranted, granted};
use gatewright_http::RequestCx;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::callback;
use super::profile::Refused;

/// The longest answer of a token endpoint that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

pub(super) async fn redeem(
    cx: &RequestCx,
    connection: &Connection,
    code: &str,
    code_verifier: Option<&str>,
) -> Result<Granted, Refused> {
    let request = OutboundRequest {
        headers: headers(&connection.options)?,
        body: form(cx, connection, code, code_verifier).into_bytes(),
        max_response_bytes: MAX_ANSWER_BYTES,
        ..OutboundRequest::new(Method::POST, connection.text_option("tokenURL").unwrap_or_default())
    };
    let answer = cx.app.messenger.outbound().send(request).await.map_err(|error| {
        let public = OAuthError::new(503, "temporarily_unavailable", "The provider could not be reached.");
        Refused::of(public.because("provider_unreachable"), error.to_string())
    })?;
    granted(answer.status, &answer.body).map_err(|NotGranted(detail)| {
        let public = OAuthError::access_denied("The provider did not confirm the login.");
        Refused::of(public.because("provider_code_refused"), detail)
    })
}

fn form(cx: &RequestCx, connection: &Connection, code: &str, code_verifier: Option<&str>) -> String {
    let option = |name: &str| connection.text_option(name);
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code").append_pair("code", code);
    form.append_pair("redirect_uri", &callback(cx));
    // Compat: in the body, as most providers take it; those that want a header get it by `customHeaders`.
    for (name, value) in [
        ("client_id", option("client_id")),
        ("client_secret", option("client_secret")),
        ("code_verifier", code_verifier),
    ] {
        if let Some(value) = value {
            form.append_pair(name, value);
        }
    }
    form.finish()
}

/// `customHeaders` and what every such request has. Compat: they are an object, or a list of `{key, value}`.
fn headers(options: &Value) -> Result<HeaderMap, Refused> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let custom = &options["customHeaders"];
    let members = custom.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value));
    let listed = custom.as_array().into_iter().flatten();
    let listed = listed.map(|pair| (pair["key"].as_str().unwrap_or_default(), &pair["value"]));
    for (name, value) in members.chain(listed) {
        let read = HeaderName::from_bytes(name.as_bytes()).ok();
        let read = read.zip(value.as_str().and_then(|value| HeaderValue::from_str(value).ok()));
        let Some((name, mut value)) = read else {
            let public = OAuthError::new(500, "server_error", "The connection cannot be used.");
            let detail = format!("customHeaders.{name} is no header");
            return Err(Refused::of(public.because("provider_not_configured"), detail));
        };
        value.set_sensitive(true);
        // Where a message ends and who it is for is the client's to say.
        if !matches!(
            name.as_str(),
            "host" | "content-length" | "content-type" | "transfer-encoding" | "connection" | "upgrade"
        ) {
            headers.insert(name, value);
        }
    }
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(header::CONTENT_TYPE, kind);
    Ok(headers)
}

impl Refused {
    /// A refusal with what only the log is told.
    fn of(error: OAuthError, detail: String) -> Self {
        Self { error, decision: json!({ "provider": { "detail": detail } }) }
    }
}
