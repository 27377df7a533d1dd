//! Sending a browser to `/authorize`, and knowing it again when it comes back.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use gatewright_http::{RequestCx, cookies, respond};
use gatewright_jose::{pkce_s256, random_token, token_hash};
use gatewright_resources::dashboard::logins;
use gatewright_store::StoreError;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::session;

/// What binds a request to the browser. Its path is the host's, for the playground of `dev` is no part of the
/// dashboard.
const COOKIE: &str = "gatewright_dashboard_login";

/// A request as it will be sent.
pub(crate) struct Trip {
    /// The address at `/authorize`.
    pub(crate) url: String,
    cookie: HeaderValue,
}

/// Keeps a request and makes its address: `params` and state, nonce and a PKCE challenge. `doc` comes back with
/// the answer, and in it `nonce` and `verifier`.
///
/// # Errors
/// [`StoreError`] of the database.
pub(crate) async fn send(
    cx: &RequestCx,
    params: &[(&str, &str)],
    mut doc: Value,
) -> Result<Trip, StoreError> {
    let token = || random_token(&cx.app.random, 32);
    let (state, nonce, verifier) = (token(), token(), token());
    // One browser may be away with several requests.
    let binding = cookies::values(&cx.cookies, COOKIE).next().map_or_else(token, str::to_owned);
    let url = address(params, &state, &nonce, &verifier);
    doc["nonce"] = json!(nonce);
    doc["verifier"] = json!(verifier);
    let hashes = (token_hash(&state), token_hash(&binding));
    let within = cx.clone();
    let write = cx.app.db.write(move |tx| {
        Box::pin(async move {
            logins::insert(tx, &within.tenant.id, (&hashes.0, &hashes.1), doc, within.now).await
        })
    });
    write.await?;
    let cookie = session::cookie(cx, COOKIE, "/", &binding, logins::LIFETIME_SECONDS);
    Ok(Trip { url, cookie })
}

fn address(params: &[(&str, &str)], state: &str, nonce: &str, verifier: &str) -> String {
    let response_type =
        params.iter().find(|(name, _)| *name == "response_type").map_or("", |(_, value)| value);
    let mut query = Serializer::new(String::new());
    query.extend_pairs(params).extend_pairs(own(response_type, state, nonce, verifier));
    format!("/authorize?{}", query.finish())
}

/// The parameters that are added to every request.
pub(crate) fn own(
    response_type: &str,
    state: &str,
    nonce: &str,
    verifier: &str,
) -> Vec<(&'static str, String)> {
    let mut own = vec![("state", state.to_owned()), ("nonce", nonce.to_owned())];
    // Without a code there is nothing to prove (RFC 7636 section 4.3).
    if response_type.split(' ').any(|kind| kind == "code") {
        own.push(("code_challenge", pkce_s256(verifier)));
        own.push(("code_challenge_method", "S256".to_owned()));
    }
    own
}

impl Trip {
    /// The redirect.
    pub(crate) fn begin(self) -> Response {
        let location = HeaderValue::from_str(&self.url).expect("an encoded query is visible ASCII");
        respond::no_store((
            StatusCode::SEE_OTHER,
            [(header::LOCATION, location), (header::SET_COOKIE, self.cookie)],
        ))
    }
}

/// What was kept with the request that this state names, if this browser began it.
///
/// # Errors
/// [`StoreError`] of the database.
pub(crate) async fn back(cx: &RequestCx, state: &str) -> Result<Option<Value>, StoreError> {
    let state_hash = token_hash(state);
    let bindings: Vec<String> = cookies::values(&cx.cookies, COOKIE).map(token_hash).collect();
    let within = cx.clone();
    let take = cx.app.db.write(move |tx| {
        Box::pin(async move {
            for binding in &bindings {
                let found = logins::take(tx, &within.tenant.id, (&state_hash, binding), within.now).await?;
                if found.is_some() {
                    return Ok(found);
                }
            }
            Ok::<_, StoreError>(None)
        })
    });
    take.await
}
