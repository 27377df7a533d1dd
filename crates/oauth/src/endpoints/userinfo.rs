//! `GET|POST /userinfo`, OpenID Connect Core section 5.3: the claims of the token's user. It reads, it
//! never writes.

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatewright_core::tokens::claims;
use gatewright_core::user::User;
use gatewright_http::{Params, RequestCx, respond};
use gatewright_jose::{Expect, token_hash, verify};
use gatewright_resources::{access_tokens, userinfo_claims, users};
use gatewright_store::StoreError;
use serde_json::{Value, json};

use crate::stop::Stop;

pub(crate) async fn userinfo(
    cx: RequestCx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Response, Stop> {
    let Some(token) = bearer(&headers, query.as_deref(), &body) else {
        return Ok(unauthorized("No bearer token was sent."));
    };
    let Some(Subject { user_id, client_id, scope }) = subject(&cx, &token).await? else {
        return Ok(unauthorized("The access token is not valid at /userinfo."));
    };
    let scopes: Vec<&str> = scope.split(' ').collect();
    if !scopes.contains(&"openid") {
        return Ok(unauthorized("The access token lacks the scope openid."));
    }
    let (db, tenant) = (cx.app.db.clone(), cx.tenant.id.clone());
    let read = db.read(move |tx| {
        Box::pin(async move {
            let custom = userinfo_claims::find(tx, &tenant, &user_id, &client_id).await?;
            Ok::<_, StoreError>((users::by_id(tx, &tenant, &user_id).await?, custom))
        })
    });
    let (found, custom) = read.await?;
    let user = found.and_then(|document| serde_json::from_value::<User>(document).ok());
    match user {
        Some(user) if !user.blocked => {
            let mut body = claims::userinfo(&user, &scopes, cx.tenant.claim_types());
            for (name, value) in custom {
                // `sub` is never a script's. A standard claim needs its scope here as well.
                let opened = claims::scope_of(&name).is_none_or(|scope| scopes.contains(&scope));
                if opened && name != "sub" {
                    body[name] = value;
                }
            }
            Ok(respond::json_no_store(200, &body))
        }
        _ => Ok(unauthorized("The user of the access token no longer exists or is blocked.")),
    }
}

/// RFC 6750 section 2: the header, a form body's `access_token`, or that of the query.
///
/// Compat: passport-auth0 sends it in the query, which RFC 9700 section 4.3.2 advises against. Queries are not
/// logged here.
fn bearer(headers: &HeaderMap, query: Option<&str>, body: &Bytes) -> Option<String> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned());
    }
    let query = Params::from_urlencoded(query.unwrap_or_default().as_bytes()).ok()?;
    let body = Params::from_body(headers, body).ok()?;
    body.text("access_token").or(query.text("access_token")).map(str::to_owned)
}

/// Whose token it is, and which scopes it has.
struct Subject {
    user_id: String,
    client_id: String,
    scope: String,
}

/// A JWT is known by its signature, an opaque one by its row.
async fn subject(cx: &RequestCx, token: &str) -> Result<Option<Subject>, StoreError> {
    if token.contains('.') {
        let audience = cx.issuer.userinfo_audience();
        let expect =
            Expect { issuer: cx.issuer.as_str(), audience: Some(&audience), now: cx.now, leeway_seconds: 0 };
        let Ok(token) = verify(token, cx.tenant.signing_keys(), &expect) else { return Ok(None) };
        let text = |name: &str| token.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let client_id = Some(text("azp")).filter(|azp| !azp.is_empty()).unwrap_or_else(|| text("client_id"));
        return Ok(Some(Subject { user_id: text("sub"), client_id, scope: text("scope") }));
    }
    let (tenant, hash, now) = (cx.tenant.id.clone(), token_hash(token), cx.now);
    let read =
        cx.app.db.read(move |tx| Box::pin(async move { access_tokens::live(tx, &tenant, &hash, now).await }));
    Ok(read.await?.map(|token| {
        let access_tokens::AccessToken { user_id, client_id, scope, .. } = token;
        Subject { user_id, client_id, scope }
    }))
}

fn unauthorized(text: &str) -> Response {
    let body = json!({"error": "invalid_token", "error_description": text});
    let mut response = respond::json_no_store(StatusCode::UNAUTHORIZED.as_u16(), &body);
    // RFC 6750 section 3.
    let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response.into_response()
}
