//! `POST /passwordless/start`: sends a one-time code. Built: SMS.
//!
//! Nothing in the answer, its status or its time depends on whether the number belongs to a user: no
//! user is looked up while sign-up is open, and `_id` is made from the number, not from an account.

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use gatewright_adapters::{CallerInfo, DeliveryError, Sms, Syntax, normalize_phone, render};
use gatewright_core::OAuthError;
use gatewright_core::client::{Client, PASSWORDLESS_OTP};
use gatewright_core::connection::Connection;
use gatewright_core::limits::RateLimit;
use gatewright_core::redirect;
use gatewright_http::{Params, RequestCx, respond};
use gatewright_jose::constant_time_eq;
use gatewright_resources::passwordless_codes::{self, Replaced};
use gatewright_resources::{logs, rate_buckets, users};
use serde_json::{Value, json};

use crate::events;
use crate::stop::Stop;

/// Unauthenticated starts from one address: 50 at once, 50 more an hour.
const STARTS_FROM_ONE_ADDRESS: RateLimit = RateLimit::new(50, 50, 3600);

/// The text of a connection without a template. It names the application, so that a code asked for by
/// one page and read out to another is noticed.
const DEFAULT_TEMPLATE: &str = "Your verification code for {{ application.name }} is: {{ code }}";

pub(crate) async fn start(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let params = Params::from_body(&headers, &body).map_err(|error| bad("request", &error.to_string()))?;
    let texts = ["client_id", "client_secret", "connection", "phone_number", "email", "send"];
    params.all_text(&texts).map_err(|error| bad("request", &error.to_string()))?;

    let client = client(&cx, &params)?;
    let authenticated = authenticated(&cx, client, &params)?;
    origin_allowed(&cx, client)?;
    if !client.allows_grant(PASSWORDLESS_OTP) {
        let text = format!("Grant type '{PASSWORDLESS_OTP}' not allowed for the client.");
        return Err(OAuthError::unauthorized_client(text).because("grant_type_not_allowed").into());
    }
    if params.value("authParams").is_some_and(|value| !value.is_object()) {
        return Err(bad("authParams", "authParams must be an object.").into());
    }
    let connection = connection(&cx, client, &params)?;
    let typed =
        params.text("phone_number").ok_or_else(|| bad("phone_number", "phone_number is required."))?;
    let phone_number = normalize_phone(typed)
        .ok_or_else(|| bad("phone_number", "phone_number is not a valid number in international form."))?;

    let language = language(&headers);
    let code = cx.app.random.digits(connection.code_length());
    let message = message(connection, client, &phone_number, &code, language.as_deref())?;
    let stored = store_code(&cx, connection, &phone_number, &code, authenticated).await?;

    let caller = CallerInfo { ip: cx.ip.to_string(), user_agent: cx.user_agent.clone().unwrap_or_default() };
    let sms = Sms { to: phone_number.clone(), from: None, body: message, request: Some(caller) };
    let sent = cx.app.messenger.send_sms(&cx.tenant.id, connection, &sms).await;
    let outcome = match &sent {
        Ok(receipt) if receipt.route == "capture" => "captured",
        Ok(_) => "sent",
        Err(_) => "failed",
    };
    metrics::counter!("gatewright_messages_total", "channel" => "sms", "outcome" => outcome).increment(1);

    let request =
        RequestRecord { params: &params, phone_number: &phone_number, language: language.as_deref() };
    match sent {
        Ok(_receipt) => {
            record(&cx, client, connection, "cs", request.details(None), None).await?;
            Ok(respond::json_no_store(
                200,
                &json!({
                    "_id": opaque_id(&cx, connection, &phone_number),
                    "phone_number": phone_number,
                    "phone_verified": false,
                    "request_language": language,
                }),
            ))
        }
        Err(error) => {
            let take_back = (phone_number.clone(), stored);
            record(&cx, client, connection, "fn", request.details(Some(&error)), Some(take_back)).await?;
            Err(OAuthError::new(400, "sms_provider_error", error.public).into())
        }
    }
}

fn bad(what: &str, text: &str) -> OAuthError {
    OAuthError::new(400, format!("bad.{what}"), text.to_owned())
}

fn client<'a>(cx: &'a RequestCx, params: &Params) -> Result<&'a Client, OAuthError> {
    let client_id = params.text("client_id").ok_or_else(|| bad("client_id", "client_id is required."))?;
    let client = cx.tenant.client(client_id).ok_or_else(|| bad("client_id", "Unknown client."))?;
    Ok(client)
}

/// Whether the caller proved to be the client. A wrong secret is refused; a missing one is refused for
/// confidential clients when the tenant says so.
fn authenticated(cx: &RequestCx, client: &Client, params: &Params) -> Result<bool, OAuthError> {
    if client.is_public() {
        return Ok(false);
    }
    if let Some(secret) = params.text("client_secret") {
        let expected = client.client_secret.reveal();
        return match !expected.is_empty() && constant_time_eq(secret.as_bytes(), expected.as_bytes()) {
            true => Ok(true),
            false => Err(OAuthError::client_authentication_failed().because("client_secret_wrong")),
        };
    }
    let flag = "/flags/enforce_client_authentication_on_passwordless_start";
    if cx.tenant.settings.pointer(flag).and_then(Value::as_bool).unwrap_or(false) {
        return Err(OAuthError::client_authentication_failed().because("client_secret_missing"));
    }
    Ok(false)
}

/// A page of another origin than the client's may not start logins in its name.
fn origin_allowed(cx: &RequestCx, client: &Client) -> Result<(), OAuthError> {
    let Some(origin) = &cx.origin else { return Ok(()) };
    let allowed = origin == cx.issuer.origin()
        || redirect::origin_allowed(origin, &client.web_origins)
        || redirect::origin_allowed(origin, &client.allowed_origins)
        || redirect::origin_allowed(origin, &redirect::callback_origins(&client.callbacks));
    if allowed {
        return Ok(());
    }
    Err(OAuthError::access_denied(format!("Origin {origin} is not allowed."))
        .because("origin_not_registered"))
}

fn connection<'a>(cx: &'a RequestCx, client: &Client, params: &Params) -> Result<&'a Connection, OAuthError> {
    let name = params.text("connection").ok_or_else(|| bad("connection", "connection is required."))?;
    let connection = cx.tenant.connection_for(name, &client.client_id).ok_or_else(|| {
        bad("connection", "The connection does not exist or is not enabled for the client.")
    })?;
    match connection.strategy.as_str() {
        "sms" => Ok(connection),
        "email" => {
            Err(bad("connection", "Passwordless login by e-mail is not built in this version of Gatewright."))
        }
        _ => Err(bad("connection", "The connection is not a passwordless connection.")),
    }
}

fn language(headers: &HeaderMap) -> Option<String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let language = header("x-request-language").or_else(|| header(header::ACCEPT_LANGUAGE.as_str()))?;
    (!language.is_empty() && language.len() <= 200).then_some(language)
}

fn message(
    connection: &Connection,
    client: &Client,
    phone_number: &str,
    code: &str,
    language: Option<&str>,
) -> Result<String, Stop> {
    let vars = json!({
        "code": code,
        "password": code,
        "phone_number": phone_number,
        "application": {"name": client.name},
        "request_language": language,
    });
    let (syntax, template) = match connection.text_option("template") {
        Some(template) => (Syntax::from_option(connection.text_option("syntax")), template),
        None => (Syntax::Liquid, DEFAULT_TEMPLATE),
    };
    render(syntax, template, &vars).map_err(|error| {
        let text = "The message template of the connection cannot be rendered.";
        OAuthError::new(400, "bad.connection", text).because(error.to_string()).into()
    })
}

/// A code that is stored, but not sent yet.
struct StoredCode {
    code_mac: [u8; 32],
    before: Option<Replaced>,
}

async fn store_code(
    cx: &RequestCx,
    connection: &Connection,
    phone_number: &str,
    code: &str,
    authenticated: bool,
) -> Result<StoredCode, Stop> {
    let context = passwordless_codes::mac_context(&cx.tenant.id, &connection.name, phone_number);
    let code_mac = cx.app.master_key.mac(&context, code.as_bytes());
    let expires_at = cx.now.plus_seconds(connection.code_lifetime_seconds());
    let (within, name, phone_number) = (cx.clone(), connection.name.clone(), phone_number.to_owned());
    let signup_disabled = connection.signup_disabled();
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let (tenant, caller) = (&within.tenant.id, within.ip.to_string());
            if !authenticated {
                let limit = STARTS_FROM_ONE_ADDRESS;
                let bucket = "passwordless_start";
                let decision = rate_buckets::take(tx, tenant, bucket, limit, &caller, within.now).await?;
                if !decision.allowed {
                    let text = "Too many codes were asked for from this address. Try again later.";
                    return Err(Stop::from(OAuthError::too_many_requests(text)));
                }
            }
            // Compat: with sign-up closed the answer tells unknown numbers apart, as at Auth0. Tenants
            // who mind leave it open.
            if signup_disabled && users::by_identifier(tx, tenant, &name, &phone_number).await?.is_none() {
                return Err(bad("connection", "Public signup is disabled").into());
            }
            let before =
                passwordless_codes::replace(tx, tenant, &name, &phone_number, &code_mac, expires_at).await?;
            Ok(StoredCode { code_mac, before })
        })
    });
    write.await
}

/// What the log says of the request.
struct RequestRecord<'a> {
    params: &'a Params,
    phone_number: &'a str,
    language: Option<&'a str>,
}

impl RequestRecord<'_> {
    fn details(&self, error: Option<&DeliveryError>) -> Value {
        let mut details = json!({"body": {
            "client_id": self.params.text("client_id"),
            "connection": self.params.text("connection"),
            "phone_number": self.phone_number,
            "send": self.params.text("send").unwrap_or("code"),
            "request_language": self.language,
            "authParams": self.params.value("authParams"),
        }});
        if let Some(error) = error {
            details["error"] = json!({"message": error.public, "detail": error.detail});
        }
        details
    }
}

/// Writes the log event; a code that was not sent is taken back with it.
async fn record(
    cx: &RequestCx,
    client: &Client,
    connection: &Connection,
    code: &'static str,
    details: Value,
    take_back: Option<(String, StoredCode)>,
) -> Result<(), Stop> {
    let mut event = events::at_connection(events::event(cx, code, Some(client)), connection);
    event.user_name = details.pointer("/body/phone_number").and_then(Value::as_str).map(str::to_owned);
    event.details = details;
    let (within, name) = (cx.clone(), connection.name.clone());
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let tenant = &within.tenant.id;
            if let Some((phone_number, unsent)) = take_back {
                let StoredCode { code_mac, before } = unsent;
                passwordless_codes::take_back(tx, tenant, &name, &phone_number, &code_mac, before).await?;
            }
            logs::append(tx, tenant, within.now, &within.app.random, &event).await?;
            Ok::<_, Stop>(())
        })
    });
    write.await
}

/// 24 hex digits that look like an account's id and stay the same for a number, but are none: they are
/// made from the number alone, so they say nothing about whether it is known.
fn opaque_id(cx: &RequestCx, connection: &Connection, phone_number: &str) -> String {
    let context = format!("{}/passwordless_start/{}", cx.tenant.id, connection.name);
    let mac = cx.app.master_key.mac(&context, phone_number.as_bytes());
    mac.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}
