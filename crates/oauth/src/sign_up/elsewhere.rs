//! Signing up at a custom database.

use std::borrow::Cow;
use std::sync::Arc;

use gatewright_adapters::email::EmailKind;
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::script::database;
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_resources::users::NotSignedUp;
use serde_json::{Map, Value};

use super::{Refusal, refused_event};
use crate::custom_database::{self, Custom, SignedUp};
use crate::scripts::afterwards;
use crate::scripts::event::Sent;
use crate::stop::Stop;
use crate::{account_link, events};

/// Signs up at a custom database whose accounts stay where they are.
pub(super) async fn sign_up(
    cx: &RequestCx,
    client: &Arc<Client>,
    connection: &Arc<Connection>,
    custom: &Custom,
    form: Map<String, Value>,
    password: &str,
    sent: &Sent,
) -> Result<Result<User, Refusal>, Stop> {
    match custom.sign_up(client, &form, password).await? {
        SignedUp::Made(user, link) => {
            afterwards::registered(cx, Some(client), connection, &user, sent);
            if let Some(link) = link {
                account_link::send(cx, EmailKind::VerifyEmail, &link, client, connection, &user);
            }
            Ok(Ok(*user))
        }
        SignedUp::Not(refusal, scripts) => {
            not_made(cx, client, connection, &form, refusal, scripts).await.map(Err)
        }
    }
}

/// Refuses where the scripts of a custom database know an account of this address, which will move here.
pub(super) async fn not_known(
    cx: &RequestCx,
    client: &Client,
    connection: &Connection,
    custom: &Custom,
    form: &Map<String, Value>,
) -> Result<Result<(), Refusal>, Stop> {
    let (refusal, scripts) = match custom.knows(form).await {
        Ok(None) => return Ok(Ok(())),
        Ok(Some(_)) => (database::Refusal::Exists, Value::Null),
        Err((refusal, scripts)) => (refusal, scripts),
    };
    not_made(cx, client, connection, form, refusal, scripts).await.map(Err)
}

/// What a sign-up is told that a database script refused, which is logged here.
async fn not_made(
    cx: &RequestCx,
    client: &Client,
    connection: &Connection,
    form: &Map<String, Value>,
    refusal: database::Refusal,
    scripts: Value,
) -> Result<Refusal, Stop> {
    let (reason, description) = custom_database::logged(&refusal);
    let answer = match refusal {
        database::Refusal::Exists => super::told(cx, NotSignedUp::EmailTaken),
        database::Refusal::Told { code, message } => {
            let refused = Refusal::new(400, "invalid_signup", message, reason);
            Refusal { code: Cow::Owned(code), name: "ValidationError", ..refused }
        }
        _ => Refusal::new(400, "extensibility_error", "The sign-up failed. Try again later.", reason),
    };
    let mut event = refused_event(cx, client, connection, form, reason, scripts);
    event.description = description.or_else(|| Some(answer.message.to_string()));
    events::write(cx, event).await?;
    Ok(answer)
}
