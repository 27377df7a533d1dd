//! The link of a passwordless e-mail, from making it to following it:
//! `GET /passwordless/verify_redirect` proves the address, begins a session and answers at the callback
//! as `/authorize` would. Pages of this host come here too, with a code that `/passwordless/verify` has
//! found right in the same browser.

use std::sync::Arc;

use axum::extract::RawQuery;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use gatewright_core::OAuthError;
use gatewright_core::authorize::{Refusal, Request};
use gatewright_core::client::{Client, PASSWORDLESS_OTP};
use gatewright_core::connection::Connection;
use gatewright_core::login::cross_origin::{TicketBinding, TicketVerdict};
use gatewright_core::login::one_time_code::CodeChannel;
use gatewright_core::user::User;
use gatewright_http::params::ParamsError;
use gatewright_http::{Params, RequestCx};
use gatewright_jose::{random_token, token_hash};
use gatewright_resources::login_tickets::{self, LoginTicket};
use gatewright_resources::login_transactions;
use gatewright_store::Tx;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::super::login::{RESUME, logged_in};
use super::super::passwordless_verify;
use super::found::{By, Known, person};
use super::refuse::refuse_back;
use super::{Asked, Unchecked, checked, issue};
use crate::decision::Wanted;
use crate::login_transaction::{self, Found, Waiting};
use crate::pages::ErrorPage;
use crate::passwordless::{self, CodeRefusal, PresentedCode, Proven, Screening};
use crate::scripts::event::Sent;
use crate::session;
use crate::stop::Stop;

/// The path that links point at, below the issuer.
const PATH: &str = "passwordless/verify_redirect";

/// Parameters of a link that are ours; `authParams` cannot name them.
const OURS: [&str; 5] = ["client_id", "connection", "email", "phone_number", "verification_code"];

/// The longest link before its secret, in bytes: mail programs and servers cut longer ones.
const LONGEST: usize = 4096;

/// A link without its secret.
pub(crate) struct MagicLink {
    url: String,
}

impl MagicLink {
    /// The link that leads to what `authParams` ask for. Those of the connection are the default.
    ///
    /// # Errors
    /// `bad.authParams`: following the link could not succeed, e.g. because of its `redirect_uri`.
    pub(crate) fn of(
        cx: &RequestCx,
        client: &Client,
        connection: &Connection,
        email: &str,
        auth_params: Option<&Value>,
    ) -> Result<Self, OAuthError> {
        let bad = |text: &str| OAuthError::new(400, "bad.authParams", text.to_owned());
        let mut wanted: Map<String, Value> = Map::new();
        for source in [connection.options.get("authParams"), auth_params].into_iter().flatten() {
            wanted.extend(source.as_object().cloned().unwrap_or_default());
        }
        wanted.retain(|name, _| !OURS.contains(&name.as_str()));
        // Compat: without a redirect_uri the first callback is meant.
        if let (false, Some(first)) = (wanted.contains_key("redirect_uri"), client.callbacks.first()) {
            wanted.insert("redirect_uri".to_owned(), first.as_str().into());
        }
        // A public client's code would need a PKCE challenge, which only the page could have made.
        let usual = if client.is_public() { "token" } else { "code" };
        wanted.entry("response_type").or_insert_with(|| usual.into());
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("client_id", &client.client_id);
        query.append_pair("connection", &connection.name);
        query.append_pair("email", email);
        for (name, value) in &wanted {
            match value {
                Value::String(text) => query.append_pair(name, text),
                Value::Number(_) | Value::Bool(_) => query.append_pair(name, &value.to_string()),
                Value::Null => continue,
                _ => return Err(bad("The members of authParams must be texts.")),
            };
        }
        let query = query.finish();
        let url = format!("{}?{query}", cx.issuer.join(PATH));
        if url.len() > LONGEST {
            return Err(bad("authParams are too long for a link."));
        }
        let params = Params::from_urlencoded(query.as_bytes()).map_err(|error| bad(&error.to_string()))?;
        let params = as_asked(&params).map_err(|error| bad(&error.to_string()))?;
        match checked(cx, &params, false) {
            Ok(_) => Ok(Self { url }),
            Err(Unchecked { refusal, .. }) => match *refusal {
                Refusal::Page(error) => Err(bad(&error.description)),
                Refusal::Redirect(back) => Err(bad(&back.error.description)),
            },
        }
    }

    /// The whole link.
    pub(crate) fn with(&self, secret: &str) -> String {
        format!("{}&verification_code={secret}", self.url)
    }
}

/// A link's parameters as those of `/authorize`. What is about other logins than this one is left out,
/// and so is `offline_access`: links travel through mailboxes and scanners, so they never lead to a
/// refresh token.
fn as_asked(params: &Params) -> Result<Params, ParamsError> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in params.names().filter_map(|name| Some((name, params.text(name)?))) {
        match name {
            "email" | "phone_number" | "verification_code" | "prompt" | "max_age" | "login_ticket"
            | "request" | "request_uri" => {}
            "scope" => {
                let online: Vec<&str> = value.split(' ').filter(|scope| *scope != "offline_access").collect();
                query.append_pair(name, &online.join(" "));
            }
            _ => {
                query.append_pair(name, value);
            }
        }
    }
    Params::from_urlencoded(query.finish().as_bytes())
}

pub(crate) async fn verify_redirect(
    cx: RequestCx,
    method: Method,
    RawQuery(query): RawQuery,
) -> Result<Response, Stop> {
    // A mail scanner that only looks must not use the link up.
    if method != Method::GET {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let params = Params::from_urlencoded(query.unwrap_or_default().as_bytes());
    let (params, asked) = match params.and_then(|params| as_asked(&params).map(|asked| (params, asked))) {
        Ok(read) => read,
        Err(error) => {
            return Ok(ErrorPage::of(&cx, &OAuthError::invalid_request(error.to_string())).respond());
        }
    };
    let (request, client, sent) = match checked(&cx, &asked, false) {
        Ok(checked) => checked,
        Err(unchecked) => return unchecked.answer(&cx).await,
    };
    let mut attempt = match Attempt::read(&cx, &client, &request, &params) {
        Ok(attempt) => attempt,
        Err(error) => return refuse_back(&cx, &client, &request, error, json!({})).await,
    };
    // Compat: a page of this host sends the state of the login that it is shown for.
    if let Found::Live(waiting) = login_transaction::find(&cx, params.text("state")).await?
        && waiting.row.client_id == client.client_id
        && waiting.takes(&attempt.code.connection.name)
    {
        attempt.waiting = Some(*waiting);
    }
    let wanted = attempt.wanted.clone();
    let names = params.names().filter_map(|name| Some((name, params.text(name)?)));
    let scene = Sent::query(names);
    if let Err(refusal) = attempt.screen(&scene).await? {
        return refuse_back(&cx, &client, &request, attempt.refused(refusal), json!({})).await;
    }
    let code = attempt.code.clone();
    // The refusal is a value, not an error: the try it counted must be committed.
    let (made, outcome) = cx.app.db.write(move |tx| Box::pin(attempt.judge(tx))).await?;
    if let Some(user) = made {
        code.made(&user, &scene);
    }
    match outcome {
        Ok(Outcome::Resume(state)) => Ok(super::to_page(RESUME, &state, None)),
        Ok(Outcome::Known(known)) => {
            let known = *known;
            let (waiting, pushed, back) = (None, None, None);
            let asked = Asked { client, request, wanted, params: sent, waiting, pushed, back };
            issue::issue(&cx, asked, known).await
        }
        Err(error) => refuse_back(&cx, &client, &request, error, json!({})).await,
    }
}

/// A link that was followed, or a code.
struct Attempt {
    code: PresentedCode,
    binding: TicketBinding,
    wanted: Wanted,
    sessions: Vec<String>,
    /// The login that waits for this one.
    waiting: Option<Waiting>,
}

/// What a good code or link comes to.
enum Outcome {
    /// An answer at the callback.
    Known(Box<Known>),
    /// The end of the login of this state.
    Resume(String),
}

impl Attempt {
    fn read(
        cx: &RequestCx,
        client: &Arc<Client>,
        request: &Request,
        params: &Params,
    ) -> Result<Self, OAuthError> {
        if !client.allows_grant(PASSWORDLESS_OTP) {
            let text = format!("Grant type '{PASSWORDLESS_OTP}' not allowed for the client.");
            return Err(OAuthError::unauthorized_client(text).because("grant_type_not_allowed"));
        }
        let text = |name: &str| params.text(name).ok_or_else(|| OAuthError::missing_parameter(name));
        let connection = cx.tenant.connection_for(text("connection")?, &client.client_id).cloned();
        let connection = connection
            .filter(|connection| passwordless::built(connection))
            .ok_or_else(|| OAuthError::invalid_request("The connection sends neither links nor codes."))?;
        let channel = passwordless::channel(&connection);
        let typed = text(passwordless_verify::identifier_name(channel))?;
        let identifier = passwordless::identifier(&connection, typed).unwrap_or_else(|| typed.to_owned());
        let otp = text("verification_code")?.to_owned();
        let binding = if channel == CodeChannel::Email && passwordless::is_link_secret(&otp) {
            TicketBinding::Link
        } else {
            // A link with a stranger's code in it would log the reader in as the stranger.
            if !passwordless_verify::verified_here(cx, &connection, &identifier, &otp) {
                let text = "The code was not verified in this browser.";
                return Err(OAuthError::access_denied(text).because("code_not_verified_here"));
            }
            TicketBinding::VerifiedCode
        };
        let code = PresentedCode {
            cx: cx.clone(),
            client: Arc::clone(client),
            connection,
            identifier,
            otp,
            screened: Screening::default(),
        };
        let wanted = Wanted::of(cx, request);
        Ok(Self { code, binding, wanted, sessions: session::presented(cx), waiting: None })
    }

    /// Shows an account that is about to be made to the tenant's scripts.
    async fn screen(&mut self, sent: &Sent) -> Result<Result<(), CodeRefusal>, Stop> {
        match self.binding {
            TicketBinding::Link => self.code.screen_link(sent).await,
            _ => self.code.screen("f", sent).await,
        }
    }

    fn refused(&self, refusal: CodeRefusal) -> OAuthError {
        match refusal {
            CodeRefusal::Blocked => OAuthError::user_blocked().because("user_blocked"),
            CodeRefusal::Denied(refusal) => passwordless::denied(refusal),
            CodeRefusal::Code(verdict) => {
                let channel = passwordless::channel(&self.code.connection);
                OAuthError::access_denied(verdict.public_text(channel)).because(verdict.code())
            }
        }
    }

    /// Spends the link; the account, if it made one, and what else comes of it.
    async fn judge(self, tx: &mut Tx) -> Result<(Option<User>, Result<Outcome, OAuthError>), Stop> {
        let judged = match self.binding {
            TicketBinding::Link => self.code.judge_link(tx).await?,
            _ => self.code.judge(tx, "f").await?,
        };
        match judged {
            Ok(Proven { user, created, .. }) => {
                let made = created.then(|| user.clone());
                Ok((made, self.log_in(tx, user).await?))
            }
            Err(refusal) => Ok((None, Err(self.refused(refusal)))),
        }
    }

    /// Makes the ticket that the rest of the request uses.
    async fn log_in(self, tx: &mut Tx, user: User) -> Result<Result<Outcome, OAuthError>, Stop> {
        let code = &self.code;
        let (cx, tenant) = (&code.cx, &code.cx.tenant.id);
        if let Some(waiting) = self.waiting
            && let Some(held) = login_transactions::hold(tx, tenant, &waiting.row.state_hash, cx.now).await?
        {
            logged_in(tx, cx, held, &user.user_id, &code.connection.name).await?;
            return Ok(Ok(Outcome::Resume(waiting.state)));
        }
        let ticket = LoginTicket {
            ticket_hash: token_hash(&random_token(&cx.app.random, 32)),
            client_id: code.client.client_id.clone(),
            user_id: user.user_id.clone(),
            connection: code.connection.name.clone(),
            origin: cx.issuer.origin().to_owned(),
            binding_hash: token_hash(&random_token(&cx.app.random, 32)),
            created_at: cx.now,
            expires_at: cx.now.plus_seconds(60),
            used_at: None,
        };
        login_tickets::insert(tx, tenant, &ticket).await?;
        let replaces = session::live(tx, cx, &self.sessions).await?;
        let Some(person) = person(tx, cx, &code.client, &self.wanted, &user.user_id).await? else {
            return Ok(Err(OAuthError::login_required().because("no_session")));
        };
        let verdict = TicketVerdict::Accepted(self.binding);
        Ok(Ok(Outcome::Known(Box::new(Known { person, by: By::Ticket { ticket, verdict, replaces } }))))
    }
}
