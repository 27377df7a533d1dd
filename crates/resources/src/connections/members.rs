//! What connects connections with clients and users: the connections of a client, and deleting one user of a
//! connection.

use gatewright_store::{params, sql};
use serde_json::Value;

use super::{CONNECTIONS, clients_of, named, text};
use crate::clients::CLIENTS;
use crate::engine::field::{Field, SOME_TEXT, Shape, field};
use crate::engine::operation::Run;
use crate::engine::query::checkpoint_body;
use crate::engine::{Answer, ApiError, Handler, Input, Map, Method, OpCx, Operation, Resource};
use crate::users;

const STRATEGY: &[Field] = &[field("strategy", Shape::list(&Shape::OneOf(super::options::STRATEGIES)))
    .hint("Only of these strategies")];

const EMAIL: &[Field] = &[field("email", SOME_TEXT).hint("The address of the user to be deleted")];

/// What of a connection its clients' list shows: nothing that holds secrets.
const SHOWN: &[&str] = &[
    "id",
    "name",
    "display_name",
    "strategy",
    "realms",
    "is_domain_connection",
    "show_as_button",
    "metadata",
];

/// Connections of clients, users of connections.
pub static RESOURCE: Resource = Resource {
    name: "connections",
    operations: &[
        Operation::new(
            "get_client_connections",
            Method::Get,
            "/clients/{id}/connections",
            "Get the connections enabled for a client",
            &["read:connections", "read:clients", "read:client_summary"],
            Handler::Custom(of_client),
        )
        .query(STRATEGY),
        Operation::new(
            "delete_users_by_email",
            Method::Delete,
            "/connections/{id}/users",
            "Delete a user of a connection",
            &["delete:users"],
            Handler::Custom(delete_user),
        )
        .query(EMAIL)
        .success(204),
    ],
};

sql!(
    ACCOUNT,
    "SELECT user_id, provider || '|' || local_id FROM identities
     WHERE tenant_id = $1 AND connection = $2 AND identifier = $3"
);

fn of_client<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (request, query) = (cx.request, &input.query);
        let client = CLIENTS.find(cx.tx, &request.tenant, &request.master_key, input.id()).await?;
        client.ok_or_else(|| CLIENTS.missing())?;
        let strategies = query.all("strategy");
        let enabled: Vec<Map> = CONNECTIONS
            .load(cx.tx, &request.tenant, &request.master_key)
            .await?
            .into_iter()
            .filter(|connection| clients_of(connection).contains(&input.id()))
            .filter(|connection| {
                strategies.is_empty()
                    || strategies.iter().any(|wanted| wanted == text(connection, "strategy"))
            })
            .collect();
        let (take, from) = query.checkpoint();
        let start = match from {
            "" => 0,
            from => {
                enabled.iter().position(|connection| text(connection, "id") == from).map_or(0, |at| at + 1)
            }
        };
        let take = usize::try_from(take).unwrap_or(0);
        let more = start.saturating_add(take) < enabled.len();
        let page: Vec<Map> = enabled.into_iter().skip(start).take(take).collect();
        let next = page.last().filter(|_| more).map(|connection| text(connection, "id").to_owned());
        let items = page.into_iter().map(|mut connection| {
            connection.retain(|name, _| SHOWN.contains(&name.as_str()));
            Value::Object(query.project(connection))
        });
        Ok(checkpoint_body("connections", items.collect(), next).into())
    })
}

/// Compat: only accounts of databases; nobody there is a success too.
fn delete_user<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let Some(email) = input.query.text("email") else {
            return Err(ApiError::invalid_query("'Missing required property: email'"));
        };
        let connection = named(cx, input).await?;
        if text(&connection, "strategy") != "auth0" {
            return Err(ApiError::unsupported(
                "Only users of database connections are deleted by their address.",
            ));
        }
        let (tenant, now) = (&cx.request.tenant, cx.request.now);
        let values = params![tenant, text(&connection, "name"), email.to_lowercase()];
        let Some(row) = cx.tx.opt(&ACCOUNT, &values).await? else { return Ok(Answer::default()) };
        let (user_id, account_id) = (row.text(0)?, row.text(1)?);
        if user_id != account_id {
            return Err(ApiError::unsupported("The account is linked to another user; unlink it first."));
        }
        users::delete_account(cx.tx, tenant, &user_id, now).await?;
        Ok(Answer::default())
    })
}
