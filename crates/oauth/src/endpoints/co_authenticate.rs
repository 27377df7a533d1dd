//! `POST /co/authenticate`: a page proves who its user is and gets a login ticket for `/authorize`.
//! Built: one-time codes. Passwords are answered as not built.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatewright_core::OAuthError;
use gatewright_core::client::{Client, PASSWORDLESS_OTP};
use gatewright_core::redirect;
use gatewright_http::cookies::SetCookie;
use gatewright_http::{Params, RequestCx, respond};
use gatewright_jose::{random_token, token_hash};
use gatewright_resources::login_tickets::{self, LoginTicket};
use gatewright_store::Tx;
use serde_json::json;

use crate::passwordless::{self, CodeRefusal, PresentedCode, Proven};
use crate::stop::Stop;

/// The cookie that binds a ticket to the browser, where third-party cookies are let through.
pub(crate) const BINDING_COOKIE: &str = "gatewright_co";
/// Its twin, kept apart per embedding site, where they are not.
pub(crate) const BINDING_COOKIE_PARTITIONED: &str = "gatewright_co_p";

/// A page goes on to `/authorize` at once; a ticket that waits is one that was left behind.
const TICKET_LIFETIME_SECONDS: i64 = 120;

const OTP_KEYS: [&str; 5] = ["client_id", "credential_type", "username", "otp", "realm"];

pub(crate) async fn authenticate(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let params = Params::from_body(&headers, &body)?;
    params.all_text(&["credential_type"])?;
    match params.text("credential_type") {
        Some(PASSWORDLESS_OTP) => {}
        Some("password" | "http://auth0.com/oauth/grant-type/password-realm") => {
            let text = "Cross-origin login with a password is not built in this version of Gatewright.";
            return Err(OAuthError::new(400, "unsupported_credential_type", text).into());
        }
        Some(_) => {
            let text = "Unknown credential_type.";
            return Err(OAuthError::new(400, "unsupported_credential_type", text).into());
        }
        None => return Err(keys_wrong().into()),
    }
    let presented = Presented::read(&params)?;
    let client = cx.tenant.client(presented.client_id).cloned();
    let client = client.ok_or_else(|| OAuthError::new(401, "unauthorized_client", "Unknown client."))?;
    if !client.cross_origin_authentication {
        let error = OAuthError::new(401, "unauthorized_client", "Cross origin login not allowed.");
        return Err(error.because("cross_origin_authentication_off").into());
    }
    let Some(origin) = cx.origin.clone().filter(|origin| page_allowed(origin, &cx, &client)) else {
        return Ok(origin_refused(&cx));
    };
    let connection = cx.tenant.connection_for(presented.realm, &client.client_id).cloned();
    let connection = connection
        .filter(|connection| connection.strategy == "sms")
        .ok_or_else(|| OAuthError::invalid_request(format!("Unknown realm {}.", presented.realm)))?;
    // Whoever typed the number typed it twice, perhaps differently.
    let identifier =
        passwordless::identifier(presented.username).unwrap_or_else(|| presented.username.to_owned());

    let ticket = random_token(&cx.app.random, 32);
    let binding = random_token(&cx.app.random, 32);
    let otp = presented.otp.to_owned();
    let attempt = Attempt {
        code: PresentedCode { cx: cx.clone(), client, connection, identifier, otp },
        origin,
        ticket_hash: token_hash(&ticket),
        binding_hash: token_hash(&binding),
    };
    // The refusal is a value, not an error: the try it counted must be committed.
    let outcome = cx.app.db.write(move |tx| Box::pin(attempt.judge(tx))).await?;
    outcome?;

    let verifier = random_token(&cx.app.random, 32);
    let body =
        json!({"login_ticket": ticket, "co_verifier": verifier, "co_id": cx.app.random.alphanumeric(12)});
    let mut response = respond::json_no_store(200, &body);
    for cookie in binding_cookies(&cx, &binding) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The members of the body that name the user and the proof.
struct Presented<'a> {
    client_id: &'a str,
    username: &'a str,
    otp: &'a str,
    realm: &'a str,
}

impl<'a> Presented<'a> {
    fn read(params: &'a Params) -> Result<Self, OAuthError> {
        let only_known = params.names().all(|name| OTP_KEYS.contains(&name));
        let text = |name| params.text(name).ok_or_else(keys_wrong);
        if !only_known {
            return Err(keys_wrong());
        }
        Ok(Self {
            client_id: text("client_id")?,
            username: text("username")?,
            otp: text("otp")?,
            realm: text("realm")?,
        })
    }
}

fn keys_wrong() -> OAuthError {
    // Compat: custom login pages match this text, which an empty code gets too.
    let keys = OTP_KEYS.join(", ");
    OAuthError::invalid_request(format!("Invalid request body. All and only of {keys} are required."))
}

fn page_allowed(origin: &str, cx: &RequestCx, client: &Client) -> bool {
    origin == cx.issuer.origin() || redirect::origin_allowed(origin, &client.web_origins)
}

/// Compat: plain text, not JSON.
fn origin_refused(cx: &RequestCx) -> Response {
    let origin = cx.origin.as_deref().unwrap_or("null");
    tracing::info!(%origin, reason = "origin_not_registered", "A page of this origin tried to log a user in.");
    let text = format!("Origin {origin} is not allowed.");
    let kind =
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (StatusCode::FORBIDDEN, kind, text).into_response()
}

/// The binding cookie twice: browsers that block third-party cookies still send the partitioned one
/// inside a frame of the same page.
fn binding_cookies(cx: &RequestCx, binding: &str) -> Vec<HeaderValue> {
    let twins = [(BINDING_COOKIE, false), (BINDING_COOKIE_PARTITIONED, true)];
    let usable = twins.iter().filter(|(_, partitioned)| !partitioned || cx.issuer.is_https());
    usable
        .map(|(name, partitioned)| {
            let max_age_seconds = Some(TICKET_LIFETIME_SECONDS);
            SetCookie { name, value: binding, max_age_seconds, partitioned: *partitioned }.header(&cx.issuer)
        })
        .collect()
}

/// One attempt to log in with a code, judged in one transaction.
struct Attempt {
    code: PresentedCode,
    origin: String,
    ticket_hash: String,
    binding_hash: String,
}

impl Attempt {
    async fn judge(self, tx: &mut Tx) -> Result<Result<(), OAuthError>, Stop> {
        let code = &self.code;
        let Proven { user, verdict } = match code.judge(tx, "fcoa").await? {
            Ok(proven) => proven,
            Err(refusal) => return Ok(Err(self.refused(&refusal))),
        };
        let now = code.cx.now;
        let ticket = LoginTicket {
            ticket_hash: self.ticket_hash.clone(),
            client_id: code.client.client_id.clone(),
            user_id: user.user_id.clone(),
            connection: code.connection.name.clone(),
            origin: self.origin.clone(),
            binding_hash: self.binding_hash.clone(),
            created_at: now,
            expires_at: now.plus_seconds(TICKET_LIFETIME_SECONDS),
            used_at: None,
        };
        login_tickets::insert(tx, &code.cx.tenant.id, &ticket).await?;
        let why = json!({"reason": verdict.code(), "says": verdict.says(), "origin": self.origin});
        code.log(tx, "scoa", Some(&user.user_id), why).await?;
        Ok(Ok(()))
    }

    fn refused(&self, refusal: &CodeRefusal) -> OAuthError {
        let blocked = || OAuthError::new(403, "blocked_user", "user is blocked").because("user_blocked");
        match refusal {
            CodeRefusal::Blocked => blocked(),
            // An accepted code is no refusal; were it one, nobody may come in.
            CodeRefusal::Code(verdict) => verdict
                .cross_origin_error(passwordless::channel(&self.code.connection))
                .unwrap_or_else(blocked),
        }
    }
}
