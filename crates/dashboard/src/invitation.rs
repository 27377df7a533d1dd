//! `/dashboard/invitation/{token}`: the one-time link by which somebody becomes administrator, with a new
//! account or one that they have.

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use gatewright_http::RequestCx;
use gatewright_jose::token_hash;
use gatewright_resources::dashboard::administrators::{self, DASHBOARD};
use gatewright_resources::dashboard::invitations;
use gatewright_resources::engine::Method;
use gatewright_resources::logs::{self, LogEvent};
use gatewright_resources::seed::SeedCx;
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

use crate::api::{Api, ApiCall};
use crate::form::{self, FormView, Kind, Outcome, Refused, Spec, control};
use crate::page::Plain;
use crate::problem::Problem;
use crate::sent::Sent;
use crate::session::{self, is_same_origin};
use crate::view::Notice;
use crate::{login, own_client};

static ACCOUNT: Spec = Spec {
    id: "account",
    title: "",
    intro: "You will log in with these from now on.",
    controls: &[
        control("email", "E-mail address", Kind::Text).required().autocomplete("username"),
        control("password", "Password", Kind::Secret).required().autocomplete("new-password"),
    ],
    submit: "Create account",
};

static EXISTING: Spec = Spec {
    id: "existing",
    title: "I have an account here",
    intro: "Log in with it; it becomes an administrator's.",
    controls: &[],
    submit: "Log in",
};

/// `GET`: asks with which account.
pub(crate) async fn show(cx: RequestCx, Path(token): Path<String>) -> Result<Response, Problem> {
    if !is_open(&cx, &token).await? {
        return Ok(over(&cx));
    }
    Ok(page(&cx, &token, None))
}

/// `POST`: makes the account, or sends the browser to log in with one.
pub(crate) async fn follow_link(
    cx: RequestCx,
    Path(token): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    if !is_same_origin(&cx) {
        return Err(Problem::Forged);
    }
    if !is_open(&cx, &token).await? {
        return Ok(over(&cx));
    }
    let sent = Sent::parse(&body)?;
    let hash = token_hash(&token);
    // Not before: programs that look at every link in a message come as far as the page.
    login::furnish(&cx).await?;
    if form::which(&[&ACCOUNT, &EXISTING], &sent)?.id == EXISTING.id {
        return login::begin(&cx, "/dashboard?done=welcome", Some(&hash)).await;
    }
    let Some(connection) = connection(&cx) else { return Err(Problem::Malformed) };
    // Whoever holds the link may do this one thing.
    let api = Api {
        cx: cx.clone(),
        user_id: format!("{}@clients", DASHBOARD.client_id),
        scopes: vec!["create:users".to_owned()],
    };
    let complete = |body| with_connection(body, &connection);
    let made =
        form::submit_with(&api, &ACCOUNT, (Method::Post, "/users"), &Value::Null, sent, complete).await?;
    let user = match made {
        Outcome::Done(user) => user,
        Outcome::Nothing => return Ok(page(&cx, &token, None)),
        Outcome::Refused(refused) => return Ok(page(&cx, &token, Some(&refused))),
    };
    let user_id = user["user_id"].as_str().unwrap_or_default().to_owned();
    let (within, seed) = (cx.clone(), own_client::seed_cx(&cx));
    let begun = cx.app.db.write(move |tx| {
        Box::pin(async move {
            if !follow(tx, &within, &hash, &user_id, &seed).await? {
                return Ok::<_, StoreError>(None);
            }
            session::begin(tx, &within, &user_id).await.map(Some)
        })
    });
    match begun.await? {
        Some(cookie) => {
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/dashboard?done=welcome")).into_response())
        }
        None => Ok(over(&cx)),
    }
}

/// Spends an invitation and makes this user administrator; `false` if another request was faster.
///
/// # Errors
/// [`StoreError`] of the database.
pub(crate) async fn follow(
    tx: &mut Tx,
    cx: &RequestCx,
    hash: &str,
    user_id: &str,
    seed: &SeedCx,
) -> Result<bool, StoreError> {
    let tenant = &cx.tenant.id;
    if !invitations::spend(tx, tenant, hash, user_id, cx.now).await? {
        return Ok(false);
    }
    administrators::appoint(tx, tenant, user_id, seed).await?;
    let event = LogEvent {
        r#type: "sapi",
        description: Some("Become administrator by an invitation".to_owned()),
        client_id: Some(DASHBOARD.client_id.to_owned()),
        client_name: Some(DASHBOARD.name.to_owned()),
        user_id: Some(user_id.to_owned()),
        ip: cx.ip.to_string(),
        user_agent: cx.user_agent.clone(),
        hostname: Some(cx.issuer.domain().to_owned()),
        details: json!({"role": administrators::ROLE}),
        ..LogEvent::default()
    };
    logs::append(tx, tenant, cx.now, &cx.app.random, &event).await?;
    Ok(true)
}

async fn is_open(cx: &RequestCx, token: &str) -> Result<bool, StoreError> {
    let (tenant, hash, now) = (cx.tenant.id.clone(), token_hash(token), cx.now);
    let db = &cx.app.db;
    db.read(move |tx| Box::pin(async move { invitations::is_open(tx, &tenant, &hash, now).await })).await
}

/// The database connection that administrators' accounts are made in.
fn connection(cx: &RequestCx) -> Option<String> {
    let mut usable = cx.tenant.connections_of(DASHBOARD.client_id);
    let database = usable.find(|connection| connection.strategy == "auth0");
    // The client may have been made a moment ago, after this request's snapshot.
    let database = database.or_else(|| cx.tenant.connection(gatewright_resources::seed::DATABASE));
    database.map(|connection| connection.name.clone())
}

fn with_connection(mut body: Value, connection: &str) -> Value {
    body["connection"] = json!(connection);
    body
}

fn page(cx: &RequestCx, token: &str, refused: Option<&Refused>) -> Response {
    let action = format!("/dashboard/invitation/{token}");
    let mut page = Plain::new(cx, "Become administrator");
    if let Some(connection) = connection(cx) {
        let call = ApiCall::new(Method::Post, "/users").with(with_connection(json!({}), &connection));
        page = page.block(&FormView::new("", &ACCOUNT, &action, &call, &Value::Null, refused));
    }
    page = page.block(
        &FormView::new("", &EXISTING, &action, &ApiCall::new(Method::Get, ""), &Value::Null, None)
            .without_call(),
    );
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page.respond(status)
}

fn over(cx: &RequestCx) -> Response {
    let text = "An invitation can be used once, within a day. On the server, `gatewright admin invite` prints another \
                one; `gatewright dev` does at each start until there is an administrator.";
    let link = Some(("/dashboard".to_owned(), "To the dashboard".to_owned()));
    Plain::new(cx, "This invitation is over")
        .block(&Notice { kind: "note", title: "", text: text.to_owned(), link })
        .respond(StatusCode::GONE)
}
