//! The playground's page: the request, its address, and what will be decided.

use askama::Template;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use gatewright_core::client::Client;
use gatewright_oauth::prediction;
use gatewright_resources::dashboard::administrators::PLAYGROUND;
use gatewright_resources::engine::Method;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::Player;
use super::ask::{Ask, CORRECTED_SCOPE, RESPONSE_TYPES};
use crate::api::{ApiCall, encoded};
use crate::away;
use crate::every::every_of;
use crate::page::{Blocks, Link, Page, Plain};
use crate::problem::Problem;
use crate::sent::Query;
use crate::session::{Admin, CSRF};
use crate::view::{items, text};
use crate::why::{Remedies, WhyRow, WhyTable, report_rows};

/// The form and the address that comes of it.
#[derive(Template)]
#[template(path = "playground.html")]
struct Board {
    base: &'static str,
    presets: Vec<Link>,
    ask: Ask,
    clients: Vec<(String, String, bool)>,
    audiences: Vec<(String, String, bool)>,
    connections: Vec<(String, String, bool)>,
    response_types: Vec<(String, String, bool)>,
    prompts: Vec<(String, String, bool)>,
    /// The scopes of the chosen API, to be added with a press.
    offered: Vec<String>,
    url: String,
    obstacle: Option<Obstacle>,
}

/// Why the request cannot come back to the playground.
struct Obstacle {
    text: String,
    callback: String,
    /// The client, if the administrator can let it.
    allow: Option<(String, String)>,
}

/// `GET`.
pub(super) async fn show(player: Player, Query(query): Query) -> Result<Response, Problem> {
    player.furnish().await?;
    let ask = Ask::of(&player, &query)?;
    let clients =
        every_of(&player.api, "/clients?is_global=false&fields=client_id,name,callbacks,app_type", "clients")
            .await?;
    let apis = every_of(&player.api, "/resource-servers", "resource_servers").await?;
    let connections =
        every_of(&player.api, "/connections?fields=name,strategy,enabled_clients", "connections").await?;
    let board = board(&player, &ask, &clients, &apis, &connections);
    let chosen = client(&player, &ask).await?;
    let table = chosen.map(|client| predicted(&player, client, &ask));
    let title = "Playground";
    let lead = "Put a login together, see what will be decided before anybody logs in, then run it.";
    let mut blocks = Blocks::default();
    blocks.add(&board);
    table.iter().for_each(|table| blocks.add(table));
    Ok(match &player.admin {
        Some(admin) => {
            Page::new(admin, player.base, title).lead(lead).done(query.text("done")).blocks(blocks).respond()
        }
        None => Plain::wide(player.cx(), title).lead(lead).blocks(blocks).respond(StatusCode::OK),
    })
}

/// The client as decisions see it. One that was made by this very request is not in its snapshot yet.
async fn client(player: &Player, ask: &Ask) -> Result<Option<Client>, Problem> {
    if let Some(known) = player.cx().tenant.client(&ask.client_id) {
        return Ok(Some(Client::clone(known)));
    }
    match player
        .api
        .get(format!("/clients/{}?fields=client_secret&include_fields=false", encoded(&ask.client_id)))
        .await
    {
        Ok(document) => Ok(serde_json::from_value(document).ok()),
        Err(error) if error.status == 404 => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The decision, with other requests to press where a remedy names one.
fn predicted(player: &Player, mut client: Client, ask: &Ask) -> WhyTable {
    let callback = player.callback();
    // Their values decide nothing.
    let added = away::own(&ask.response_type, "state", "nonce", "verifier");
    let params = ask.params(&callback).into_iter().chain(added);
    let params: Vec<_> = params.map(|(name, value)| (name.to_owned(), value)).collect();
    // That it is missing is said beside the form.
    client.callbacks.push(callback);
    let report = prediction::predict(player.cx(), &client, &params);
    let title = format!("What will be decided for {}", client.name);
    let rows = with_remedies(player, ask, report_rows(&report));
    WhyTable { title, rows, remedies: remedies(player, ask) }
}

/// What becomes of a remedy that is pressed: afterwards the request is predicted anew.
pub(super) fn remedies(player: &Player, ask: &Ask) -> Remedies {
    let back = format!("{}?{}", super::IN_DASHBOARD, ask.query());
    match &player.admin {
        Some(admin) => Remedies::Pressed { csrf: admin.csrf.clone(), back },
        None => Remedies::Elsewhere(back),
    }
}

/// Makes remedies that name a scope into links to the request that asks for it.
pub(super) fn with_remedies(player: &Player, ask: &Ask, mut rows: Vec<WhyRow>) -> Vec<WhyRow> {
    for row in &mut rows {
        if player.admin.is_none() {
            row.place = None;
        }
        if row.outcome != "dropped" {
            continue;
        }
        row.instead = ask.instead(&row.name, &row.remedy).map(|better| {
            let new: Vec<&str> = better
                .scope
                .split(' ')
                .filter(|scope| ask.scope.split(' ').all(|old| old != *scope))
                .collect();
            let text = match new.first() {
                Some(scope) => format!("Ask for {scope} instead"),
                None => format!("Leave {} out", row.name),
            };
            (format!("{}?{}", player.base, better.query()), text)
        });
    }
    rows
}

fn board(player: &Player, ask: &Ask, clients: &[Value], apis: &[Value], connections: &[Value]) -> Board {
    let option = |value: &str, text: String, chosen: &str| (value.to_owned(), text, value == chosen);
    let none = |text: &str, chosen: &str| (String::new(), text.to_owned(), chosen.is_empty());
    let chosen_client = clients.iter().find(|client| text(client, "client_id") == ask.client_id);
    let api = apis.iter().find(|api| text(api, "identifier") == ask.audience);
    let asked: Vec<&str> = ask.scope.split_whitespace().collect();
    let defined =
        api.map_or(&[][..], |api| items(&api["scopes"], "")).iter().map(|scope| text(scope, "value"));
    // Of the Management API a user's token can hold seven scopes; the others would be noise here.
    let is_system = api.is_some_and(|api| api["is_system"] == true);
    let offered =
        defined.filter(|scope| !is_system || gatewright_core::scope::CURRENT_USER_SCOPES.contains(scope));
    let offered: Vec<String> =
        offered.filter(|scope| !asked.contains(scope)).take(24).map(str::to_owned).collect();
    let usable = connections.iter().filter(|connection| {
        items(&connection["enabled_clients"], "").iter().any(|client| *client == ask.client_id.as_str())
    });
    let callback = player.callback();
    let preset = |text: &str, ask: &Ask, current: bool| Link {
        href: format!("{}?{}", player.base, ask.query()),
        text: text.to_owned(),
        current,
    };
    let forum = Ask::forum(player);
    let corrected = forum.with_scope(CORRECTED_SCOPE);
    Board {
        base: player.base,
        presets: vec![
            preset("The forum's request", &forum, *ask == forum),
            preset("The same, corrected", &corrected, *ask == corrected),
        ],
        clients: clients
            .iter()
            .map(|client| option(text(client, "client_id"), text(client, "name").to_owned(), &ask.client_id))
            .collect(),
        audiences: [none("None: a token for /userinfo", &ask.audience)]
            .into_iter()
            .chain(apis.iter().map(|api| {
                let name = format!("{} ({})", text(api, "name"), text(api, "identifier"));
                option(text(api, "identifier"), name, &ask.audience)
            }))
            .collect(),
        connections: [none("The login page asks", &ask.connection)]
            .into_iter()
            .chain(usable.map(|one| option(text(one, "name"), text(one, "name").to_owned(), &ask.connection)))
            .collect(),
        response_types: RESPONSE_TYPES
            .iter()
            .map(|kind| option(kind, (*kind).to_owned(), &ask.response_type))
            .collect(),
        prompts: [none("As the session is", &ask.prompt)]
            .into_iter()
            .chain(["login", "consent", "none"].map(|prompt| option(prompt, prompt.to_owned(), &ask.prompt)))
            .collect(),
        offered,
        url: address(player, ask, &callback),
        obstacle: chosen_client.and_then(|client| obstacle(player, client, &callback)),
        ask: ask.clone(),
    }
}

fn address(player: &Player, ask: &Ask, callback: &str) -> String {
    let query = Serializer::new(String::new()).extend_pairs(ask.params(callback)).finish();
    format!("{}?{query}", player.cx().issuer.join("authorize"))
}

fn obstacle(player: &Player, client: &Value, callback: &str) -> Option<Obstacle> {
    let id = text(client, "client_id");
    let allowed = items(&client["callbacks"], "").iter().any(|known| *known == callback);
    if allowed || id == PLAYGROUND.client_id {
        return None;
    }
    let may = player.admin.as_ref().filter(|admin| admin.may(&["update:clients"]));
    Some(Obstacle {
        text: format!(
            "{} does not let logins return to the playground: this is none of its callback URLs.",
            text(client, "name")
        ),
        callback: callback.to_owned(),
        allow: may.map(|admin| (id.to_owned(), admin.csrf.clone())),
    })
}

/// `POST …/allow`: lets a client return to the playground.
pub(super) async fn allow(admin: Admin, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let id = sent.text("client").unwrap_or_default();
    let path = format!("/clients/{}", encoded(id));
    let client = admin.get(format!("{path}?fields=callbacks")).await?;
    let mut callbacks = items(&client["callbacks"], "").to_vec();
    let callback = admin.cx.issuer.join("dashboard/playground/callback");
    if !callbacks.iter().any(|known| *known == callback.as_str()) {
        callbacks.push(callback.into());
    }
    admin.call(ApiCall::new(Method::Patch, path).with(json!({"callbacks": callbacks}))).await?;
    let back = sent.text("ask").unwrap_or_default();
    let back: String = back.chars().filter(|c| c.is_ascii_graphic()).collect();
    Ok(Redirect::to(&format!("{}?{back}", super::IN_DASHBOARD)).into_response())
}

impl Obstacle {
    const fn csrf_name() -> &'static str {
        CSRF
    }
}
