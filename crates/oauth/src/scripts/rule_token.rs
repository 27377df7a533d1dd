//! The global `auth0` of rules: where the Management API is, and a token for it where a rule uses one.

use std::sync::Arc;

use gatewright_core::script::rules;
use gatewright_http::RequestCx;
use gatewright_script::Program;
use serde_json::{Value, json};

/// The client that the token names. It is none of the tenant's, so it can log in nowhere.
const CLIENT: &str = "auth0-rules";
/// What the token allows, as at Auth0.
const SCOPE: &str = "read:users update:users";
/// How long it lives: the scripts of a flow have twenty seconds.
const LIFETIME_SECONDS: i64 = 60;

/// `$auth0`, and the token in it. Signing costs more than most rules do, so it is done only for those that look.
pub(super) async fn auth0(cx: &RequestCx, programs: &[Arc<Program>]) -> (Value, Option<String>) {
    let token = match programs.iter().any(|program| rules::uses_access_token(&program.code)) {
        true => sign(cx).await,
        false => None,
    };
    let auth0 = json!({
        "accessToken": token, "domain": cx.issuer.domain(), "baseUrl": cx.issuer.join("api/v2"),
    });
    (auth0, token)
}

/// A rule without its token fails when it calls; the others need not fail with it.
async fn sign(cx: &RequestCx) -> Option<String> {
    let key = cx.tenant.signing_keys().first().cloned()?;
    let now = cx.app.clock.now();
    let claims = json!({
        "iss": cx.issuer.as_str(),
        "sub": format!("{CLIENT}@clients"),
        "aud": cx.issuer.management_audience(),
        "azp": CLIENT,
        "scope": SCOPE,
        "gty": "client-credentials",
        "iat": now.seconds(),
        "exp": now.plus_seconds(LIFETIME_SECONDS).seconds(),
    });
    match cx.app.signer.sign(key, "JWT", claims).await {
        Ok(token) => Some(token),
        Err(error) => {
            tracing::error!(%error, "The token of the tenant's rules cannot be signed.");
            None
        }
    }
}
