//! A password presented at a database connection, wherever it was typed.
//!
//! Unknown accounts, accounts without a password and wrong passwords get one text, and the same work is
//! done for each. That a user is blocked is told only to who knows the password. At a custom database the
//! tenant's script judges the password, unless the account has moved here.

use std::sync::Arc;

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::user::User;
use gatewright_http::{Fault, RequestCx};
use gatewright_passwords::{LONGEST_PASSWORD_BYTES, Verdict};
use gatewright_resources::passwords;
use serde_json::json;

use crate::attempts::Attempt;
use crate::custom_database;
use crate::events;
use crate::stop::Stop;

/// The grant type, and credential type, of a password at a connection that is named.
pub(crate) const PASSWORD_REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";

/// The database connection of this name, or the tenant's default directory, if the client may use it.
pub(crate) fn connection(
    cx: &RequestCx,
    client: &Client,
    realm: Option<&str>,
) -> Result<Arc<Connection>, OAuthError> {
    let Some(name) = realm.or_else(|| cx.tenant.text_setting("default_directory")) else {
        let text = "Authorization server not configured with default connection.";
        return Err(OAuthError::invalid_request(text).because("default_directory_not_set"));
    };
    let found = cx.tenant.connection_for(name, &client.client_id);
    let database = found.filter(|connection| connection.strategy == "auth0").cloned();
    database.ok_or_else(|| {
        OAuthError::invalid_request(format!("Unknown realm {name}.")).because("no_database_connection")
    })
}

/// Compat: mobile SDKs compare this text.
pub(crate) fn wrong() -> OAuthError {
    OAuthError::invalid_grant("Wrong email or password.")
}

/// Who it is, or one text for every reason not to say so. `identifier` is an e-mail address or user name.
///
/// A failure is logged here (`fp`, `fu`, `limit_sul`, `limit_mu`, `limit_wc`); a success by whoever makes a session or token of it.
pub(crate) async fn verify(
    cx: &RequestCx,
    client: &Client,
    connection: &Connection,
    identifier: &str,
    password: &str,
) -> Result<Result<User, OAuthError>, Stop> {
    let identifier = identifier.trim().to_lowercase();
    let attempt = Attempt::new(cx, connection, &identifier);
    let (counting, tenant) = (attempt.clone(), cx.tenant.id.clone());
    let (name, typed) = (connection.name.clone(), identifier.clone());
    let read = cx.app.db.write(move |tx| {
        Box::pin(async move {
            let counted = counting.count(tx).await?;
            let account = match counted.refused {
                Some(_) => None,
                None => passwords::account(tx, &tenant, &name, &typed).await?,
            };
            Ok::<_, Stop>((counted, account))
        })
    });
    let (counted, account) = read.await?;
    if let Some(excess) = counted.refused.or(counted.watched) {
        log(cx, client, connection, excess.code(), &identifier, None, excess.reason()).await?;
    }
    if let Some(excess) = counted.refused {
        let error = OAuthError::new(429, "too_many_attempts", excess.text());
        return Ok(Err(error.because(excess.reason())));
    }
    let hash = account.as_ref().and_then(|account| account.hash.clone());
    if let Some(custom) =
        custom_database::of(cx, connection).filter(|custom| !custom.imports() || hash.is_none())
    {
        return custom.log_in(client, attempt, &identifier, password).await;
    }
    // Nobody's password is that long, so it is compared with nothing, at the usual price.
    let (hash, password) = match password.len() > LONGEST_PASSWORD_BYTES {
        true => (None, ""),
        false => (hash, password),
    };
    let had_hash = hash.is_some();
    let verdict = cx.app.passwords.verify(hash.clone(), password).await.map_err(Fault::from)?;

    let user_id = |user: &User| user.user_id.clone();
    let user = account.as_ref().and_then(|account| serde_json::from_value::<User>(account.user.clone()).ok());
    let Verdict::Right(better) = verdict else {
        let (code, reason) = match (&user, had_hash) {
            (None, _) => ("fu", "user_unknown"),
            (Some(_), false) => ("fp", "no_password"),
            (Some(_), true) => ("fp", "password_wrong"),
        };
        log(cx, client, connection, code, &identifier, user.as_ref().map(user_id), reason).await?;
        return Ok(Err(wrong().because(reason)));
    };
    let (Some(account), Some(user), Some(old)) = (account, user, hash) else {
        return Err(Fault::internal("a password was right without an account").into());
    };
    if better.is_some() || attempt.is_counted() {
        let (tenant, account_id) = (cx.tenant.id.clone(), account.account_id);
        let write = cx.app.db.write(move |tx| {
            Box::pin(async move {
                attempt.succeeded(tx).await?;
                if let Some(better) = better {
                    passwords::replace_hash(tx, &tenant, &account_id, &old, &better).await?;
                }
                Ok::<_, Stop>(())
            })
        });
        write.await?;
    }
    if user.blocked {
        log(cx, client, connection, "f", &identifier, Some(user_id(&user)), "user_blocked").await?;
        return Ok(Err(OAuthError::user_blocked().because("user_blocked")));
    }
    Ok(Ok(user))
}

async fn log(
    cx: &RequestCx,
    client: &Client,
    connection: &Connection,
    code: &'static str,
    identifier: &str,
    user_id: Option<String>,
    reason: &'static str,
) -> Result<(), Stop> {
    let mut event = events::at_connection(events::event(cx, code, Some(client)), connection);
    event.user_name = Some(identifier.to_owned());
    event.user_id = user_id;
    event.details = json!({"decision": {"reason": reason}});
    events::write(cx, event).await
}
