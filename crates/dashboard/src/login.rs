//! `/dashboard/login`, `/dashboard/callback`, `/dashboard/logout`: administrators log in through this server's
//! own OpenID Connect, as users of any application do.

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use gatewright_http::RequestCx;
use gatewright_jose::{Expect, verify};
use gatewright_resources::dashboard::administrators::{self, DASHBOARD};
use gatewright_resources::dashboard::sessions;
use gatewright_store::StoreError;
use serde_json::{Value, json};

use crate::api::encoded;
use crate::page::Plain;
use crate::problem::Problem;
use crate::sent::Query;
use crate::session::{self, Admin};
use crate::view::{Notice, text};
use crate::{away, exchange, invitation, own_client};

fn callback(cx: &RequestCx) -> String {
    cx.issuer.join("dashboard/callback")
}

fn signed_out(cx: &RequestCx) -> String {
    cx.issuer.join("dashboard/signed-out")
}

/// Makes the dashboard's client ready.
pub(crate) async fn furnish(cx: &RequestCx) -> Result<(), StoreError> {
    own_client::furnish(cx, DASHBOARD, &callback(cx), &signed_out(cx)).await
}

/// `GET /dashboard/login`.
pub(crate) async fn login(cx: RequestCx, Query(query): Query) -> Result<Response, Problem> {
    // Strangers write nothing here: the client is for administrators, or for the first one's invitation.
    if !own_client::is_ready(&cx, DASHBOARD, &callback(&cx), &signed_out(&cx)) {
        let tenant = cx.tenant.id.clone();
        let read =
            cx.app.db.read(move |tx| Box::pin(async move { administrators::exist(tx, &tenant).await }));
        if !read.await? {
            return Ok(nobody_yet(&cx));
        }
        furnish(&cx).await?;
    }
    let to = query.text("to").filter(|to| is_ours(to)).unwrap_or("/dashboard");
    begin(&cx, to, None).await
}

fn nobody_yet(cx: &RequestCx) -> Response {
    let text = "On the server, `gatewright admin invite` prints a link that makes whoever follows it administrator; \
                `gatewright dev` does at each start until there is one.";
    Plain::new(cx, "This tenant has no administrator yet")
        .block(&Notice { kind: "note", title: "", text: text.to_owned(), link: None })
        .respond(StatusCode::FORBIDDEN)
}

/// Only pages of the dashboard are gone to after a login: an address from elsewhere must not lead away.
fn is_ours(to: &str) -> bool {
    let below =
        to.strip_prefix("/dashboard").is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    below && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') && !to.contains("//")
}

/// Sends the browser to log in; with an invitation, whoever does becomes administrator. The client is there.
pub(crate) async fn begin(cx: &RequestCx, to: &str, invitation: Option<&str>) -> Result<Response, Problem> {
    let callback = callback(cx);
    let params = [
        ("client_id", DASHBOARD.client_id),
        ("response_type", "code"),
        ("redirect_uri", callback.as_str()),
        ("scope", "openid profile email"),
    ];
    let doc = json!({"for": "dashboard", "to": to, "invitation": invitation});
    Ok(away::send(cx, &params, doc).await?.begin())
}

/// `GET /dashboard/callback`.
pub(crate) async fn back(cx: RequestCx, Query(query): Query) -> Result<Response, Problem> {
    let kept = away::back(&cx, query.text("state").unwrap_or_default()).await?;
    let Some(kept) = kept.filter(|kept| kept["for"] == "dashboard") else {
        let text =
            "This login was begun in another browser, took longer than an hour, or was answered before.";
        return Ok(failed(&cx, text.to_owned()));
    };
    let Some(code) = query.text("code") else {
        let said =
            query.text("error_description").or(query.text("error")).unwrap_or("The login was not finished.");
        return Ok(failed(&cx, said.to_owned()));
    };
    let callback = callback(&cx);
    let redeemed = exchange::Code { code, redirect_uri: &callback, verifier: text(&kept, "verifier") };
    let answer = exchange::redeem(&cx, DASHBOARD.client_id, None, redeemed).await?;
    let expect = Expect {
        issuer: cx.issuer.as_str(),
        audience: Some(DASHBOARD.client_id),
        now: cx.now,
        leeway_seconds: 0,
    };
    let claims = verify(text(&answer, "id_token"), cx.tenant.signing_keys(), &expect);
    let claims = match claims {
        Ok(claims) if claims["nonce"] == kept["nonce"] => claims,
        _ => {
            let said =
                answer["error_description"].as_str().unwrap_or("The answer holds no ID token of this login.");
            return Ok(failed(&cx, said.to_owned()));
        }
    };
    admit(&cx, &kept, &claims).await
}

/// Begins a session, if the user is an administrator, or becomes one by the invitation they came with.
async fn admit(cx: &RequestCx, kept: &Value, claims: &Value) -> Result<Response, Problem> {
    let (within, seed, kept_, claims_) = (cx.clone(), own_client::seed_cx(cx), kept.clone(), claims.clone());
    let admitted = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let user_id = text(&claims_, "sub");
            if let Some(hash) = kept_["invitation"].as_str() {
                invitation::follow(tx, &within, hash, user_id, &seed).await?;
            }
            if administrators::scopes(tx, &within.tenant.id, user_id).await?.is_empty() {
                return Ok::<_, StoreError>(None);
            }
            session::begin(tx, &within, user_id).await.map(Some)
        })
    });
    match admitted.await? {
        Some(cookie) => {
            let to = text(kept, "to");
            let to = if is_ours(to) { to } else { "/dashboard" };
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(to)).into_response())
        }
        None => Ok(stranger(cx, claims)),
    }
}

/// Somebody has logged in who is no administrator.
fn stranger(cx: &RequestCx, claims: &Value) -> Response {
    let name = session::display_name(claims);
    let text = format!(
        "{name} is a user of this tenant, but no administrator. An administrator can give the role \"{}\" in the \
         dashboard; on the server, `gatewright admin invite` prints a link that does.",
        administrators::ROLE
    );
    let link = Some((log_out_url(cx), "Log in as somebody else".to_owned()));
    Plain::new(cx, "You are no administrator")
        .block(&Notice { kind: "note", title: "", text, link })
        .respond(StatusCode::FORBIDDEN)
}

fn failed(cx: &RequestCx, text: String) -> Response {
    let link = Some(("/dashboard/login".to_owned(), "Try again".to_owned()));
    Plain::new(cx, "The login did not work")
        .block(&Notice { kind: "bad", title: "", text, link })
        .respond(StatusCode::BAD_REQUEST)
}

/// Where the tenant's own session ends too: without that, the next visit would log in again by itself.
fn log_out_url(cx: &RequestCx) -> String {
    let returns = encoded(&signed_out(cx));
    format!("/v2/logout?client_id={}&returnTo={returns}", DASHBOARD.client_id)
}

/// `POST /dashboard/logout`.
pub(crate) async fn logout(admin: Admin, body: Bytes) -> Result<Response, Problem> {
    admin.form(&body)?;
    let (cx, hash) = (admin.cx.clone(), admin.token_hash().to_owned());
    let tenant = cx.tenant.id.clone();
    cx.app.db.write(move |tx| Box::pin(async move { sessions::delete(tx, &tenant, &hash).await })).await?;
    let cookie = session::ended(&cx);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&log_out_url(&cx))).into_response())
}

/// `GET /dashboard/signed-out`.
pub(crate) async fn signed_out_page(cx: RequestCx) -> Response {
    let link = Some(("/dashboard/login".to_owned(), "Log in".to_owned()));
    let text = "You are logged out of the dashboard and of this tenant.".to_owned();
    Plain::new(&cx, "Logged out")
        .block(&Notice { kind: "note", title: "", text, link })
        .respond(StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn a_login_leads_to_the_dashboard_only() {
        for ours in ["/dashboard", "/dashboard/users?q=a%20b", "/dashboard?x=1"] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in [
            "//evil.test",
            "/dashboard//evil.test",
            "/dashboard.evil.test",
            "/authorize",
            "https://evil.test/dashboard",
            "/dashboard/\\evil",
            "/dashboard/\nx",
            "",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
