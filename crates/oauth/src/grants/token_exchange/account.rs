//! The account that an Action named: found, made, or refused in words.

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::token_exchange::commands::Who;
use gatewright_http::RequestCx;
use gatewright_resources::users::{self, NotFound};
use gatewright_resources::logs;
use gatewright_store::Tx;
use serde_json::{Value, json};

use crate::events;
use crate::stop::Stop;

/// The user's document, and the connection's name where it is known.
type Found = (Value, Option<String>);

/// The user that `who` means.
pub(super) async fn named(
    tx: &mut Tx,
    cx: &RequestCx,
    client: &Client,
    who: &Who,
) -> Result<Result<Found, OAuthError>, Stop> {
    match who {
        Who::ById(id) => {
            let Some(document) = users::by_account(tx, &cx.tenant.id, id).await? else {
                return Ok(Err(unknown()));
            };
            let connection = document["identities"][0]["connection"].as_str().map(str::to_owned);
            Ok(Ok((document, connection)))
        }
        Who::ByConnection { connection: name, attributes, creates, replaces } => {
            let Some(connection) = cx.tenant.connection(name).cloned() else {
                let text = "The Action named a connection that does not exist.";
                return Ok(Err(OAuthError::access_denied(text).because("exchange_unknown_connection")));
            };
            let (tenant, random) = (&cx.tenant.id, &cx.app.random);
            let how = (*creates, *replaces);
            let found =
                users::find_or_create_exchanged(tx, tenant, &connection, attributes, how, cx.now, random);
            match found.await? {
                Ok((document, created)) => {
                    if created {
                        let event = events::event(cx, "ss", Some(client));
                        let mut event = events::at_connection(event, &connection);
                        event.user_id = document["user_id"].as_str().map(str::to_owned);
                        event.user_name = document["name"].as_str().map(str::to_owned);
                        event.details = json!({"decision": {"reason": "first_token_exchange"}});
                        logs::append(tx, tenant, cx.now, random, &event).await?;
                    }
                    Ok(Ok((document, Some(connection.name.clone()))))
                }
                Err(NotFound::Unknown) => Ok(Err(unknown())),
                Err(NotFound::Refused(why)) => {
                    let text = format!("The Action named a user that cannot be made: {why}");
                    Ok(Err(OAuthError::access_denied(text).because("exchange_user_refused")))
                }
            }
        }
    }
}

/// The token stands for nobody here: RFC 8693 section 2.2.2.
fn unknown() -> OAuthError {
    OAuthError::invalid_request("The user of the subject_token does not exist.").because("exchange_user_unknown")
}
