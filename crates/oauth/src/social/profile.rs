//! `fetchUserProfile`: who it is that the provider's tokens belong to.

use gatewright_core::OAuthError;
use gatewright_core::connection::Connection;
use gatewright_core::script::database::{Profile, Refusal};
use gatewright_core::script::social;
use gatewright_core::social::Granted;
use gatewright_http::RequestCx;
use serde_json::{Map, Value, json};

use super::exchange::redeem;
use crate::scripts::callback::{Named, call};

/// How the log names runs of the script.
pub(crate) const TRIGGER: &str = "fetch-user-profile";
const NAMED: Named = Named { trigger: TRIGGER, kind: "social" };

/// Somebody whom a provider knows.
pub(crate) struct Fetched {
    pub(crate) profile: Profile,
    /// The members of the identity that hold the provider's tokens.
    pub(crate) tokens: Map<String, Value>,
    /// The `scripts` member of `details.decision`.
    pub(crate) scripts: Value,
}

/// Nobody: what the application is told, and what of `details.decision` the log adds.
pub(crate) struct Refused {
    pub(crate) error: OAuthError,
    pub(crate) decision: Value,
}

/// Redeems a code, and asks the connection's script whose it is.
pub(crate) async fn fetch(
    cx: &RequestCx,
    connection: &Connection,
    code: &str,
    code_verifier: Option<&str>,
) -> Result<Fetched, Refused> {
    let Some(program) = cx.tenant.scripts().user_profile(&connection.name) else {
        let message = "The connection has no script fetchUserProfile.".to_owned();
        return Err(refused(Refusal::Failed { reason: "script_missing", message }, Value::Null));
    };
    let granted = redeem(cx, connection, code, code_verifier).await?;
    // The script gets what the provider answered, and nothing of the connection's secrets.
    let args = json!([&granted.access_token, &granted.answer]);
    let (answer, scripts) = call(cx, NAMED, program, args, granted.secrets()).await;
    match social::profile(&answer) {
        Ok(profile) => Ok(Fetched { profile, tokens: tokens(granted), scripts }),
        Err(refusal) => Err(refused(refusal, scripts)),
    }
}

fn tokens(granted: Granted) -> Map<String, Value> {
    let mut tokens = Map::new();
    tokens.insert("access_token".to_owned(), granted.access_token.into());
    tokens.extend(granted.refresh_token.map(|token| ("refresh_token".to_owned(), token.into())));
    tokens
}

fn refused(refusal: Refusal, scripts: Value) -> Refused {
    let (error, message) = match refusal {
        Refusal::Told { message, .. } => {
            (OAuthError::access_denied(message.clone()).because("denied_by_script"), message)
        }
        Refusal::Failed { reason, message } => (unavailable().because(reason), message),
        // `social::profile` gives none of them.
        Refusal::WrongPassword | Refusal::Unknown | Refusal::Exists => {
            (unavailable().because("script_threw"), String::new())
        }
    };
    Refused { error, decision: json!({ "scripts": scripts, "provider": { "detail": message } }) }
}

/// The script's words may hold anything, so they stay in the log.
fn unavailable() -> OAuthError {
    OAuthError::access_denied("The profile could not be fetched from the provider.")
}
