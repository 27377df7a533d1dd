//! `POST /co/authenticate`: a page proves who its user is and gets a login ticket for `/authorize`.
//! A one-time code here, a password in [`password`].

mod password;

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatewright_core::OAuthError;
use gatewright_core::client::{Client, PASSWORDLESS_OTP};
use gatewright_core::redirect;
use gatewright_core::user::User;
use gatewright_http::{Params, RequestCx, respond};
use gatewright_jose::random_token;
use gatewright_resources::login_tickets;
use gatewright_store::Tx;
use serde_json::json;

use crate::login_ticket::{NewTicket, binding_cookies};
use crate::password_login;
use crate::passwordless::{self, CodeRefusal, PresentedCode, Proven, Screening};
use crate::scripts::event::Sent;
use crate::stop::Stop;

const OTP_KEYS: [&str; 5] = ["client_id", "credential_type", "username", "otp", "realm"];

pub(crate) async fn authenticate(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let params = Params::from_body(&headers, &body)?;
    params.all_text(&["credential_type"])?;
    let presented = match params.text("credential_type") {
        Some(PASSWORDLESS_OTP) => Proof::Code(Presented::read(&params)?),
        Some("password") => Proof::Password(password::Presented::read(&params, false)?),
        Some(password_login::PASSWORD_REALM) => Proof::Password(password::Presented::read(&params, true)?),
        Some(_) => {
            let text = "Unknown credential_type.";
            return Err(OAuthError::new(400, "unsupported_credential_type", text).into());
        }
        None => return Err(keys_wrong(&OTP_KEYS).into()),
    };
    let client = cx.tenant.client(presented.client_id()).cloned();
    let client = client.ok_or_else(|| OAuthError::new(401, "unauthorized_client", "Unknown client."))?;
    if !client.cross_origin_authentication {
        let error = OAuthError::new(401, "unauthorized_client", "Cross origin login not allowed.");
        return Err(error.because("cross_origin_authentication_off").into());
    }
    let Some(origin) = cx.origin.clone().filter(|origin| page_allowed(origin, &cx, &client)) else {
        return Ok(origin_refused(&cx));
    };
    let ticket = random_token(&cx.app.random, 32);
    let (new, binding) = NewTicket::draw(&cx, &origin, &ticket);
    match presented {
        Proof::Code(presented) => presented.authenticate(&cx, client, new, &params).await?,
        Proof::Password(presented) => presented.authenticate(&cx, &client, new).await?,
    }

    let verifier = random_token(&cx.app.random, 32);
    let body =
        json!({"login_ticket": ticket, "co_verifier": verifier, "co_id": cx.app.random.alphanumeric(12)});
    let mut response = respond::json_no_store(200, &body);
    for cookie in binding_cookies(&cx, &binding) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// How the user proves to be the user.
enum Proof<'a> {
    Code(Presented<'a>),
    Password(password::Presented<'a>),
}

impl Proof<'_> {
    fn client_id(&self) -> &str {
        match self {
            Self::Code(code) => code.client_id,
            Self::Password(password) => password.client_id,
        }
    }
}

/// The members of the body that name the user and the code.
struct Presented<'a> {
    client_id: &'a str,
    username: &'a str,
    otp: &'a str,
    realm: &'a str,
}

impl<'a> Presented<'a> {
    fn read(params: &'a Params) -> Result<Self, OAuthError> {
        let only_known = params.names().all(|name| OTP_KEYS.contains(&name));
        let text = |name| params.text(name).ok_or_else(|| keys_wrong(&OTP_KEYS));
        if !only_known {
            return Err(keys_wrong(&OTP_KEYS));
        }
        Ok(Self {
            client_id: text("client_id")?,
            username: text("username")?,
            otp: text("otp")?,
            realm: text("realm")?,
        })
    }

    /// Judges the code and stores the ticket.
    async fn authenticate(
        &self,
        cx: &RequestCx,
        client: Arc<Client>,
        new: NewTicket,
        params: &Params,
    ) -> Result<(), Stop> {
        let connection = cx.tenant.connection_for(self.realm, &client.client_id).cloned();
        let connection = connection
            .filter(|connection| passwordless::built(connection))
            .ok_or_else(|| OAuthError::invalid_request(format!("Unknown realm {}.", self.realm)))?;
        // Whoever typed the number or address typed it twice, perhaps differently.
        let identifier =
            passwordless::identifier(&connection, self.username).unwrap_or_else(|| self.username.to_owned());
        let otp = self.otp.to_owned();
        let screened = Screening::default();
        let mut code = PresentedCode { cx: cx.clone(), client, connection, identifier, otp, screened };
        let sent = Sent::body(params);
        if let Err(refusal) = code.screen("fcoa", &sent).await? {
            return Err(refused(&code, refusal).into());
        }
        let attempt = Attempt { code: code.clone(), new };
        // The refusal is a value, not an error: the try it counted must be committed.
        let made = cx.app.db.write(move |tx| Box::pin(attempt.judge(tx))).await??;
        if let Some(user) = made {
            code.made(&user, &sent);
        }
        Ok(())
    }
}

fn keys_wrong(keys: &[&str]) -> OAuthError {
    // Compat: custom login pages match this text, which an empty code gets too.
    let keys = keys.join(", ");
    OAuthError::invalid_request(format!("Invalid request body. All and only of {keys} are required."))
}

/// Whether pages of this origin may log in users of the client.
pub(crate) fn page_allowed(origin: &str, cx: &RequestCx, client: &Client) -> bool {
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

/// One attempt to log in with a code, judged in one transaction.
struct Attempt {
    code: PresentedCode,
    new: NewTicket,
}

impl Attempt {
    /// The inner value is the account, if one was made.
    async fn judge(self, tx: &mut Tx) -> Result<Result<Option<User>, OAuthError>, Stop> {
        let code = &self.code;
        let Proven { user, verdict, created } = match code.judge(tx, "fcoa").await? {
            Ok(proven) => proven,
            Err(refusal) => return Ok(Err(refused(code, refusal))),
        };
        let ticket = self.new.of(&code.cx, &code.client.client_id, &user.user_id, &code.connection.name);
        login_tickets::insert(tx, &code.cx.tenant.id, &ticket).await?;
        let why = json!({"reason": verdict.code(), "says": verdict.says(), "origin": self.new.origin});
        code.log(tx, "scoa", Some(&user.user_id), why).await?;
        Ok(Ok(created.then_some(user)))
    }
}

fn refused(code: &PresentedCode, refusal: CodeRefusal) -> OAuthError {
    let blocked = || OAuthError::new(403, "blocked_user", "user is blocked").because("user_blocked");
    match refusal {
        CodeRefusal::Blocked => blocked(),
        CodeRefusal::Denied(refusal) => passwordless::denied(refusal),
        // An accepted code is no refusal; were it one, nobody may come in.
        CodeRefusal::Code(verdict) => {
            verdict.cross_origin_error(passwordless::channel(&code.connection)).unwrap_or_else(blocked)
        }
    }
}
