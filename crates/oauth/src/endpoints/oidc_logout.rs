//! `GET|POST /oidc/logout`: OpenID Connect RP-Initiated Logout 1.0, and the pages it may need.
//!
//! Nothing is asked when the hint names the very session of this browser, or when there is none. Otherwise
//! a page asks first: without it any site could log people out.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::redirect;
use gatewright_http::params::ParamsError;
use gatewright_http::{Params, RequestCx, respond};
use gatewright_resources::sessions::Session;
use gatewright_store::StoreError;
use serde_json::Value;

use super::logout::end_session;
use crate::id_token_hint;
use crate::pages::ErrorPage;
use crate::pages::screen::{Button, Form, Screen, company};
use crate::pages::texts::{self, Texts};
use crate::session;
use crate::stop::Stop;

/// What a page posts besides the parameters of the request.
const CONFIRMATION: &str = "/oidc/logout/confirm";

pub(crate) async fn oidc_logout(
    cx: RequestCx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    method: Method,
    body: Bytes,
) -> Result<Response, Stop> {
    let params = match method {
        Method::POST => Params::from_body(&headers, &body),
        _ => Params::from_urlencoded(query.unwrap_or_default().as_bytes()),
    };
    let request = match params.map_err(unreadable).and_then(|params| Request::read(&cx, &params)) {
        Ok(request) => request,
        Err(error) => return Ok(ErrorPage::of(&cx, &error).respond()),
    };
    let request = request.in_language_of(&cx, &headers);
    let session = current_session(&cx).await?;
    match &session {
        Some(session) if request.must_ask(&cx, session) => Ok(request.ask(&cx, session)),
        _ => request.finish(&cx).await,
    }
}

/// The answer of the confirmation page.
pub(crate) async fn confirm(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let read = Params::from_body(&headers, &body).map_err(unreadable);
    let request = read.and_then(|params| Ok((Request::read(&cx, &params)?, params)));
    let (request, params) = match request {
        Ok((request, params)) => (request.in_language_of(&cx, &headers), params),
        Err(error) => return Ok(ErrorPage::of(&cx, &error).respond()),
    };
    let Some(session) = current_session(&cx).await? else { return request.finish(&cx).await };
    let sent = params.text("csrf").unwrap_or_default();
    if !gatewright_jose::constant_time_eq(sent.as_bytes(), form_token(&cx, &session).as_bytes()) {
        return Ok(request.ask(&cx, &session));
    }
    match params.text("action") {
        Some("confirm") => request.finish(&cx).await,
        _ => Ok(request.page(&cx, "logout-aborted").respond(StatusCode::OK, &[])),
    }
}

fn unreadable(error: ParamsError) -> OAuthError {
    OAuthError::invalid_request(error.to_string())
}

async fn current_session(cx: &RequestCx) -> Result<Option<Session>, StoreError> {
    let presented = session::presented(cx);
    if presented.is_empty() {
        return Ok(None);
    }
    let within = cx.clone();
    let read =
        cx.app.db.read(move |tx| Box::pin(async move { session::live(tx, &within, &presented).await }));
    read.await
}

/// A logout that may be done.
struct Request {
    client: Option<Arc<Client>>,
    /// The session that the hint names.
    sid: Option<String>,
    /// A registered place to return to, and the state to bring there.
    return_to: Option<String>,
    state: Option<String>,
    ui_locales: Option<String>,
    language: &'static str,
    hint: Option<String>,
}

impl Request {
    fn read(cx: &RequestCx, params: &Params) -> Result<Self, OAuthError> {
        let claims = params.text("id_token_hint").map(|hint| id_token_hint::claims(cx, hint)).transpose()?;
        let text = |name: &str| params.text(name).map(str::to_owned);
        let of_hint = claims.as_ref().and_then(audience);
        let client_id = match (text("client_id"), of_hint) {
            (Some(named), Some(hinted)) if named != hinted => {
                let text = "client_id is not the client that the id_token_hint was issued to.";
                return Err(OAuthError::invalid_request(text).because("hint_of_other_client"));
            }
            (named, hinted) => named.or(hinted),
        };
        let client = match &client_id {
            Some(client_id) => Some(cx.tenant.client(client_id).cloned().ok_or_else(|| {
                OAuthError::invalid_request(format!("Unknown client: {client_id}")).because("client_unknown")
            })?),
            None => None,
        };
        let return_to = text("post_logout_redirect_uri");
        if let Some(uri) = &return_to
            && !return_allowed(cx, client.as_deref(), uri)
        {
            let text =
                format!("The post_logout_redirect_uri {uri} is not in the list of allowed logout URLs.");
            return Err(OAuthError::invalid_request(text).because("logout_url_not_registered_exactly"));
        }
        let sid = claims.as_ref().and_then(|claims| claims.get("sid")).and_then(Value::as_str);
        Ok(Self {
            client,
            sid: sid.map(str::to_owned).or(text("logout_hint")),
            return_to,
            state: text("state"),
            ui_locales: text("ui_locales"),
            language: "en",
            hint: text("id_token_hint"),
        })
    }

    fn in_language_of(mut self, cx: &RequestCx, headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        self.language = texts::language(&cx.tenant, self.ui_locales.as_deref(), accept);
        self
    }

    fn must_ask(&self, cx: &RequestCx, session: &Session) -> bool {
        let setting = cx.tenant.settings.pointer("/sessions/oidc_logout_prompt_enabled");
        let enabled = setting.and_then(Value::as_bool).unwrap_or(true);
        enabled && self.sid.as_deref() != Some(&*session.session_id)
    }

    fn page(&self, cx: &RequestCx, screen: &'static str) -> Screen {
        let values = vec![("companyName", company(cx))];
        Screen::new(cx, screen, Texts::new(self.language, "logout", screen, values))
    }

    fn ask(&self, cx: &RequestCx, session: &Session) -> Response {
        let mut page = self.page(cx, "logout");
        let mut hidden = vec![("csrf", form_token(cx, session))];
        let client_id = self.client.as_ref().map(|client| client.client_id.clone());
        let again = [
            ("client_id", &client_id),
            ("id_token_hint", &self.hint),
            ("post_logout_redirect_uri", &self.return_to),
            ("state", &self.state),
            ("ui_locales", &self.ui_locales),
        ];
        hidden.extend(again.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        let button = |key: &str, value, primary| Button { text: page.texts.get(key), value, primary };
        let buttons =
            vec![button("buttonText", "confirm", true), button("declineButtonText", "cancel", false)];
        page.form = Some(Form { action: CONFIRMATION, hidden, fields: Vec::new(), buttons, resend: None });
        page.respond(StatusCode::OK, &[self.return_to.as_deref().unwrap_or_default()])
    }

    /// Ends the session and returns, or says that it is ended.
    async fn finish(&self, cx: &RequestCx) -> Result<Response, Stop> {
        end_session(cx, self.client.as_deref(), self.return_to.as_deref()).await?;
        let target = self.return_to.as_deref().map(|uri| with_state(uri, self.state.as_deref()));
        let mut response = match target.and_then(|target| HeaderValue::from_str(&target).ok()) {
            Some(target) => respond::no_store((StatusCode::FOUND, [(header::LOCATION, target)])),
            None => self.page(cx, "logout-complete").respond(StatusCode::OK, &[]),
        };
        response.headers_mut().append(header::SET_COOKIE, session::removal(cx));
        response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        Ok(response)
    }
}

/// An ID token has one audience, its client; other tokens are no hints.
fn audience(claims: &Value) -> Option<String> {
    claims.get("aud").and_then(Value::as_str).map(str::to_owned)
}

/// The client's list counts where a client is known, else the tenant's. The query has to match too.
fn return_allowed(cx: &RequestCx, client: Option<&Client>, uri: &str) -> bool {
    match client {
        Some(client) => redirect::redirect_uri_allowed(uri, &client.allowed_logout_urls),
        None => {
            let listed = cx.tenant.settings["allowed_logout_urls"].clone();
            let listed: Vec<String> = serde_json::from_value(listed).unwrap_or_default();
            redirect::redirect_uri_allowed(uri, &listed)
        }
    }
}

fn with_state(uri: &str, state: Option<&str>) -> String {
    let Some(state) = state else { return uri.to_owned() };
    let state: String = url::form_urlencoded::byte_serialize(state.as_bytes()).collect();
    format!("{uri}{}state={state}", if uri.contains('?') { '&' } else { '?' })
}

/// A keyed hash over the session that would end: another site's form cannot know it.
fn form_token(cx: &RequestCx, session: &Session) -> String {
    let context = format!("{}/logout_form", cx.tenant.id);
    let mac = cx.app.master_key.mac(&context, session.token_hash.as_bytes());
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}
