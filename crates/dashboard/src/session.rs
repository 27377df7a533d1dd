//! Who uses the dashboard: the session's cookie, the administrator behind it, the token of their forms.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Redirect, Response};
use gatewright_http::{Fault, RequestCx, cookies};
use gatewright_jose::{constant_time_eq, random_token, token_hash};
use gatewright_resources::dashboard::{administrators, sessions};
use gatewright_resources::users;
use gatewright_store::{StoreError, Tx};
use serde_json::Value;

use crate::api::{Api, encoded};
use crate::problem::Problem;
use crate::sent::Sent;

/// The cookie of an administrator's session.
const COOKIE: &str = "gatewright_dashboard";
/// The member of every form that shows it came from a page of this session.
pub(crate) const CSRF: &str = "_token";

/// An administrator with a live session. As an argument of a handler it sends everybody else to log in.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) api: Api,
    /// The name, e-mail address or whatever else there is to show.
    pub(crate) name: String,
    pub(crate) csrf: String,
    token_hash: String,
}

impl std::ops::Deref for Admin {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl Admin {
    /// Reads a form of this session.
    ///
    /// # Errors
    /// [`Problem::Forged`] if it was made by another page.
    pub(crate) fn form(&self, body: &[u8]) -> Result<Sent, Problem> {
        let sent = Sent::parse(body)?;
        let token = sent.text(CSRF).unwrap_or_default();
        let own = constant_time_eq(token.as_bytes(), self.csrf.as_bytes());
        if own && is_same_origin(&self.cx) { Ok(sent) } else { Err(Problem::Forged) }
    }

    /// The hash under which the session is stored.
    pub(crate) fn token_hash(&self) -> &str {
        &self.token_hash
    }
}

/// `false` if the browser says that another origin's page sent this.
pub(crate) fn is_same_origin(cx: &RequestCx) -> bool {
    cx.origin.as_deref().is_none_or(|origin| origin == cx.issuer.origin())
}

/// The administrator of the request's session, if it has one.
///
/// # Errors
/// [`StoreError`] of the database.
pub(crate) async fn current(cx: &RequestCx) -> Result<Option<Admin>, StoreError> {
    let tokens: Vec<String> = cookies::values(&cx.cookies, COOKIE).map(str::to_owned).collect();
    if tokens.is_empty() {
        return Ok(None);
    }
    let within = cx.clone();
    let read = cx.app.db.read(move |tx| {
        Box::pin(async move {
            for token in &tokens {
                if let Some(admin) = admin_of(tx, &within, token).await? {
                    return Ok(Some(admin));
                }
            }
            Ok::<_, StoreError>(None)
        })
    });
    read.await
}

async fn admin_of(tx: &mut Tx, cx: &RequestCx, token: &str) -> Result<Option<Admin>, StoreError> {
    let hash = token_hash(token);
    let Some(user_id) = sessions::user(tx, &cx.tenant.id, &hash, cx.now).await? else { return Ok(None) };
    let Some(user) = users::by_id(tx, &cx.tenant.id, &user_id).await? else { return Ok(None) };
    let scopes = administrators::scopes(tx, &cx.tenant.id, &user_id).await?;
    // Read anew each time: who is blocked or loses the role is out at once.
    if scopes.is_empty() || user["blocked"] == true {
        return Ok(None);
    }
    Ok(Some(Admin {
        name: display_name(&user),
        // Whoever knows the hash of this does not know the cookie.
        csrf: token_hash(&format!("dashboard form {token}")),
        token_hash: hash,
        api: Api { cx: cx.clone(), user_id, scopes },
    }))
}

/// What to call a user.
pub(crate) fn display_name(user: &Value) -> String {
    let text = |name: &str| user[name].as_str().filter(|text| !text.is_empty());
    let names = ["name", "email", "username", "phone_number", "nickname", "user_id"];
    names.into_iter().find_map(text).unwrap_or("somebody").to_owned()
}

/// Begins a session; the cookie.
///
/// # Errors
/// [`StoreError`] of the database.
pub(crate) async fn begin(tx: &mut Tx, cx: &RequestCx, user_id: &str) -> Result<HeaderValue, StoreError> {
    let token = random_token(&cx.app.random, 32);
    sessions::insert(tx, &cx.tenant.id, &token_hash(&token), user_id, cx.now).await?;
    Ok(cookie(cx, COOKIE, "/dashboard", &token, sessions::LIFETIME_SECONDS))
}

/// The cookie that ends a session in the browser.
pub(crate) fn ended(cx: &RequestCx) -> HeaderValue {
    cookie(cx, COOKIE, "/dashboard", "", 0)
}

/// A cookie that only this host's own pages, and links to them, send along.
pub(crate) fn cookie(cx: &RequestCx, name: &str, path: &str, value: &str, seconds: i64) -> HeaderValue {
    let secure = if cx.issuer.is_https() { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path={path}; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).expect("names and values of our cookies are visible ASCII")
}

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let Ok(cx) = RequestCx::from_request_parts(parts, state).await;
        match current(&cx).await {
            Ok(Some(admin)) => Ok(admin),
            Ok(None) => {
                // What was sent is lost, so after the login comes the page, not the change.
                let to = match parts.method {
                    Method::GET => parts.uri.path_and_query().map_or("/dashboard", |to| to.as_str()),
                    _ => parts.uri.path(),
                };
                Err(Redirect::to(&format!("/dashboard/login?to={}", encoded(to))).into_response())
            }
            Err(error) => Err(Fault::from(error).into_response()),
        }
    }
}
