//! `/activate`: a person types the code that their device shows, or opens the address that holds it.
//!
//! A code that is wrong, too old, decided about or another tenant's gets one answer. Tries are limited by
//! address, right ones too (RFC 8628 section 5.1).

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use gatewright_core::device::{Charset, DEVICE_CODE, UserCodeFormat, normal};
use gatewright_core::limits::RateLimit;
use gatewright_http::{Params, RequestCx, respond};
use gatewright_resources::login_transactions::{self, Progress, WaitingDevice};
use gatewright_resources::{device_codes, logs, rate_buckets};
use gatewright_store::Tx;
use serde_json::json;

use super::{ACTIVATE, sealed_user_code, user_code_mac};
use crate::endpoints::login;
use crate::events;
use crate::login_transaction::{self, Begun};
use crate::pages::screen::{Button, Field, Form, Kind, Screen, company};
use crate::pages::texts::{self, Texts};
use crate::stop::Stop;

/// Codes from one address: 20 at once, 10 more a minute. In the life of a code that is one in 380,000 of
/// the shortest ones there are.
const TRIES: RateLimit = RateLimit::new(20, 10, 60);

/// How a code is shown again; longer ones are no codes.
const LONGEST_TYPED: usize = 40;

pub(crate) async fn by_get(
    cx: RequestCx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Stop> {
    let params = Params::from_urlencoded(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let visitor = Visitor::of(cx, &headers, params.text("ui_locales"));
    match params.text("user_code") {
        Some(typed) => visitor.enter(typed).await,
        None => Ok(visitor.ask(StatusCode::OK, "", None)),
    }
}

pub(crate) async fn by_post(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    // A form with wrong parameters is no form of this page: it is as good as an empty one.
    let params = Params::from_urlencoded(&body).unwrap_or_default();
    let visitor = Visitor::of(cx, &headers, params.text("ui_locales"));
    match params.text("code") {
        Some(typed) => visitor.enter(typed).await,
        None => Ok(visitor.ask(StatusCode::BAD_REQUEST, "", Some("no-code"))),
    }
}

/// Asks for another code, because the one of this login can no longer be decided about.
pub(super) fn over(cx: &RequestCx, language: &'static str) -> Response {
    let visitor = Visitor { cx: cx.clone(), language, ui_locales: None };
    visitor.ask(StatusCode::BAD_REQUEST, "", Some("invalid-expired-code"))
}

/// Who looks at the page.
struct Visitor {
    cx: RequestCx,
    language: &'static str,
    ui_locales: Option<String>,
}

/// What came of a try.
enum Tried {
    Begun(Box<Begun>),
    Unknown,
    TooMany,
}

impl Visitor {
    fn of(cx: RequestCx, headers: &HeaderMap, ui_locales: Option<&str>) -> Self {
        let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let language = texts::language(&cx.tenant, ui_locales, accept);
        Self { cx, language, ui_locales: ui_locales.map(str::to_owned) }
    }

    async fn enter(self, typed: &str) -> Result<Response, Stop> {
        let shown: String = typed.chars().take(LONGEST_TYPED).collect();
        let Some(code) = normal(typed) else {
            return Ok(self.ask(StatusCode::BAD_REQUEST, &shown, Some("invalid-code")));
        };
        let shown_by_device = UserCodeFormat::of(&self.cx.tenant.settings).shown(&code);
        let (cx, ui_locales) = (self.cx.clone(), self.ui_locales.clone());
        let write = self.cx.app.db.write(move |tx| {
            Box::pin(async move { attempt(tx, &cx, &code, shown_by_device, ui_locales).await })
        });
        Ok(match write.await? {
            Tried::Begun(begun) => go_on(*begun),
            Tried::Unknown => self.ask(StatusCode::BAD_REQUEST, &shown, Some("invalid-expired-code")),
            Tried::TooMany => self.ask(StatusCode::TOO_MANY_REQUESTS, &shown, Some("too-many-requests")),
        })
    }

    fn ask(&self, status: StatusCode, typed: &str, error: Option<&str>) -> Response {
        let values = vec![("companyName", company(&self.cx))];
        let texts = Texts::new(self.language, "device-flow", "device-code-activation", values);
        let mut screen = Screen::new(&self.cx, "device-code-activation", texts);
        let kind = match UserCodeFormat::of(&self.cx.tenant.settings).charset {
            Charset::Base20 => Kind::DeviceLetters,
            Charset::Digits => Kind::DeviceDigits,
        };
        let texts = screen.texts.clone();
        let field = Field {
            kind,
            name: "code",
            label: texts.get("placeholder"),
            value: typed.to_owned(),
            hint: None,
            error: error.map(|key| texts.get(key)),
            focus: true,
            last: true,
        };
        let button = Button { text: texts.get("buttonText"), value: "default", primary: true };
        let hidden = self.ui_locales.iter().map(|locales| ("ui_locales", locales.clone())).collect();
        let form =
            Form { action: ACTIVATE, hidden, fields: vec![field], buttons: vec![button], resend: None };
        screen.form = Some(form);
        screen.respond(status, &[])
    }
}

/// Looks for the code and begins a login for it.
async fn attempt(
    tx: &mut Tx,
    cx: &RequestCx,
    normal: &str,
    shown_by_device: String,
    ui_locales: Option<String>,
) -> Result<Tried, Stop> {
    let (tenant, now) = (&cx.tenant.id, cx.now);
    let taken = rate_buckets::take(tx, tenant, "user_codes", TRIES, &cx.ip.to_string(), now).await?;
    if !taken.allowed {
        return Ok(Tried::TooMany);
    }
    let mac = user_code_mac(cx, normal);
    let found = device_codes::undecided_by_user_code(tx, tenant, &mac, now).await?;
    let found = found.filter(|code| {
        let client = cx.tenant.client(&code.client_id);
        client.is_some_and(|client| client.allows_grant(DEVICE_CODE))
    });
    let Some(code) = found else {
        let mut event = events::event(cx, "fdeac", None);
        event.description = Some("Invalid or expired user code".to_owned());
        event.details = json!({"decision": {"reason": "user_code_unknown"}});
        logs::append(tx, tenant, now, &cx.app.random, &event).await?;
        return Ok(Tried::Unknown);
    };
    let known =
        [("scope", code.request.scope), ("audience", code.request.audience), ("ui_locales", ui_locales)];
    let params: BTreeMap<String, String> =
        known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let device = WaitingDevice {
        device_code_hash: code.device_code_hash,
        user_code_sealed: sealed_user_code(cx, &shown_by_device),
        confirmed: false,
    };
    let progress = Progress { params, device: Some(device), ..Progress::default() };
    let begun = login_transaction::draw(cx, &code.client_id, progress);
    login_transactions::insert(tx, tenant, &begun.row, now).await?;
    Ok(Tried::Begun(Box::new(begun)))
}

fn go_on(begun: Begun) -> Response {
    let target = format!("{}?state={}", login::DEVICE_CONFIRMATION, begun.state);
    let mut response = respond::no_store((StatusCode::FOUND, [(header::LOCATION, target)]));
    response.headers_mut().append(header::SET_COOKIE, begun.cookie);
    response
}
