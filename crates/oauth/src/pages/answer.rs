//! The answer of `/authorize` on its way to the client, in each response mode.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use gatewright_core::authorize::response::location;
use gatewright_core::authorize::{ErrorRedirect, Request, ResponseMode};
use gatewright_core::redirect;
use gatewright_http::{Fault, RequestCx, respond};
use serde_json::{Map, Value, json};

/// Tokens or a code.
pub(crate) fn success(cx: &RequestCx, request: &Request, answer: &[(&'static str, Value)]) -> Response {
    send(cx, &request.redirect_uri, request.response_mode, answer)
}

/// A refusal, with the request's state: auth0.js drops messages that do not have it.
pub(crate) fn error(cx: &RequestCx, back: &ErrorRedirect) -> Response {
    let mut answer =
        vec![("error", json!(back.error.code)), ("error_description", json!(back.error.description))];
    if let Some(state) = &back.state {
        answer.push(("state", json!(state)));
    }
    send(cx, &back.redirect_uri, back.response_mode, &answer)
}

fn send(
    cx: &RequestCx,
    redirect_uri: &str,
    mode: ResponseMode,
    answer: &[(&'static str, Value)],
) -> Response {
    match mode {
        ResponseMode::Query | ResponseMode::Fragment => {
            let pairs: Vec<(&str, String)> =
                answer.iter().map(|(name, value)| (*name, text(value))).collect();
            let target = location(redirect_uri, mode, &pairs);
            let Ok(target) = HeaderValue::from_str(&target) else {
                return Fault::internal("the callback is no header value").into_response();
            };
            // Tokens may be in this URL, so it must not travel on as a Referer.
            let quiet = HeaderValue::from_static("no-referrer");
            respond::no_store((
                StatusCode::FOUND,
                [(header::LOCATION, target), (header::REFERRER_POLICY, quiet)],
            ))
        }
        ResponseMode::FormPost => {
            let fields = answer.iter().map(|(name, value)| (*name, text(value))).collect();
            let nonce = cx.app.random.alphanumeric(22);
            page(&FormPost { action: redirect_uri, fields, nonce: nonce.clone() }, &nonce)
        }
        ResponseMode::WebMessage => {
            let Some(target_origin) = redirect::origin_of(redirect_uri) else {
                return Fault::internal("a callback for web_message has no origin").into_response();
            };
            let members: Map<String, Value> =
                answer.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            let nonce = cx.app.random.alphanumeric(22);
            let response = script_json(&Value::Object(members));
            let target_origin = script_json(&json!(target_origin));
            page(&WebMessage { response, target_origin, nonce: nonce.clone() }, &nonce)
        }
        ResponseMode::Popup => {
            let Some(target_origin) = redirect::origin_of(redirect_uri) else {
                return Fault::internal("a callback for a pop-up has no origin").into_response();
            };
            let members: Map<String, Value> =
                answer.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            let nonce = cx.app.random.alphanumeric(22);
            let response = script_json(&Value::Object(members));
            let target_origin = script_json(&json!(target_origin));
            page(&Popup { response, target_origin, nonce: nonce.clone() }, &nonce)
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// JSON that cannot end the script element it stands in, on one line.
fn script_json(value: &Value) -> String {
    let json = value.to_string();
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// OAuth 2.0 Form Post Response Mode.
#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPost<'a> {
    action: &'a str,
    fields: Vec<(&'static str, String)>,
    nonce: String,
}

/// OAuth 2.0 Web Message Response Mode, simple mode.
#[derive(Template)]
#[template(path = "web_message.html")]
struct WebMessage {
    response: String,
    target_origin: String,
    nonce: String,
}

/// The answer in a pop-up window, for the WinChan half that auth0.js has in the page that opened it: we
/// say that we are ready, it asks, and only the callback's own origin is answered.
#[derive(Template)]
#[template(path = "popup.html")]
struct Popup {
    response: String,
    target_origin: String,
    nonce: String,
}

/// No `frame-ancestors` and no `X-Frame-Options`: the message page lives in the application's frame.
fn page(template: &impl Template, nonce: &str) -> Response {
    let Ok(body) = template.render() else { return Fault::internal("a template failed").into_response() };
    let policy =
        format!("default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; base-uri 'none'");
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    respond::no_store((headers, Html(body)))
}

#[cfg(test)]
mod tests {
    use super::script_json;
    use serde_json::json;

    #[test]
    fn a_state_cannot_break_out_of_the_script() {
        let text = script_json(&json!({"state": "</script><script>alert(1)\u{2028}"}));
        assert_eq!(text, r#"{"state":"\u003c/script\u003e\u003cscript\u003ealert(1)\u2028"}"#);
    }
}
