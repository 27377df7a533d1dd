//! What a new tenant is born with, and what `dev` and the bootstrap settings add.

use std::sync::Arc;

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::client::PASSWORDLESS_OTP;
use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_store::{StoreError, Tx, params};
use serde_json::{Value, json};

use crate::client_grants::CLIENT_GRANTS;
use crate::clients::{self, CLIENTS};
use crate::connections::{self, CONNECTIONS};
use crate::engine::crud::{Crud, fill};
use crate::engine::{Map, Sealing};
use crate::resource_servers::{self, MANAGEMENT_PATH, RESOURCE_SERVERS};
use crate::{signing_keys, tenants};

/// The database connection that every tenant has.
pub const DATABASE: &str = "Username-Password-Authentication";

/// The identifier of the API that `dev` makes.
pub const DEV_API: &str = "https://api.localhost/";

/// What making things needs besides the transaction.
#[derive(Clone)]
pub struct SeedCx {
    /// The time.
    pub now: Timestamp,
    /// Random values.
    pub random: Random,
    /// Seals secrets.
    pub master_key: Arc<MasterKey>,
}

impl SeedCx {
    pub(crate) fn sealing<'a>(&'a self, tenant: &'a TenantId) -> Sealing<'a> {
        Sealing { tenant, now: self.now, random: &self.random, master_key: &self.master_key }
    }
}

/// A tenant to be made.
#[derive(Clone, Debug)]
pub struct NewTenant {
    /// Its name in every row.
    pub id: TenantId,
    /// The host it is served at, without port, in lower case.
    pub host: String,
    /// Shown to people.
    pub friendly_name: String,
}

/// Makes a tenant with what every tenant has: a signing key, the Management API, the global client and
/// a database connection.
///
/// Generating the key takes a moment, during which no other write happens on SQLite.
///
/// # Errors
/// [`StoreError::Unique`] if the name or the host is taken.
pub async fn create(tx: &mut Tx, tenant: &NewTenant, cx: &SeedCx) -> Result<(), StoreError> {
    if tenants::by_host(tx, &tenant.host).await?.is_some() {
        return Err(StoreError::Unique { constraint: "tenants_host".to_owned() });
    }
    let settings = json!({ "friendly_name": tenant.friendly_name });
    tx.run(&tenants::INSERT, &params![&tenant.id, &tenant.host, settings, cx.now]).await?;
    signing_keys::create(tx, &tenant.id, &tenant.host, cx.now, &cx.random, &cx.master_key).await?;

    let sealing = cx.sealing(&tenant.id);
    let api = resource_servers::management_api(RESOURCE_SERVERS.id_form.draw(&cx.random));
    RESOURCE_SERVERS.insert(tx, &sealing, api).await?;

    let global = json!({
        "client_id": CLIENTS.id_form.draw(&cx.random),
        "name": "All Applications",
        "global": true,
        "callbacks": [],
        "grant_types": [],
        "token_endpoint_auth_method": "client_secret_post",
    });
    CLIENTS.insert(tx, &sealing, client(global, cx)).await?;

    let database = json!({ "name": DATABASE, "strategy": "auth0" });
    CONNECTIONS.insert(tx, &sealing, connection(database, cx)).await
}

/// What `dev` made, or found from an earlier start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevTenant {
    /// The single-page application.
    pub client_id: String,
    /// The identifier of the API.
    pub audience: String,
}

/// Ports on which local applications usually run.
const DEV_PORTS: &[u16] = &[3000, 4200, 5173, 8000, 8080, 8081];
/// The name by which the application of an earlier start is found.
const DEV_CLIENT: &str = "My SPA";

/// Adds what a first try needs, unless it is there: an application with the usual local callbacks, an
/// API with two scopes, and connections for codes by SMS and e-mail.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn dev_tenant(tx: &mut Tx, tenant: &TenantId, cx: &SeedCx) -> Result<DevTenant, StoreError> {
    tenants::touch(tx, tenant).await?;
    let sealing = cx.sealing(tenant);

    let known = CLIENTS.load(tx, tenant, &cx.master_key).await?;
    let client_id = match known.iter().find(|client| client["name"] == DEV_CLIENT) {
        Some(found) => text(found, "client_id"),
        None => {
            let spa = client(dev_client(CLIENTS.id_form.draw(&cx.random)), cx);
            let client_id = text(&spa, "client_id");
            CLIENTS.insert(tx, &sealing, spa).await?;
            client_id
        }
    };

    if RESOURCE_SERVERS.find(tx, tenant, &cx.master_key, DEV_API).await?.is_none() {
        let mut api = object(json!({
            "id": RESOURCE_SERVERS.id_form.draw(&cx.random),
            "identifier": DEV_API,
            "name": "Orders",
            "scopes": [
                {"value": "read:orders", "description": "Read orders"},
                {"value": "write:orders", "description": "Write orders"},
            ],
        }));
        resource_servers::complete(&mut api);
        RESOURCE_SERVERS.insert(tx, &sealing, api).await?;
    }

    let known = CONNECTIONS.load(tx, tenant, &cx.master_key).await?;
    let wanted = [
        json!({ "name": DATABASE, "strategy": "auth0" }),
        json!({ "name": "sms", "strategy": "sms", "options": {
            "template": "Your code is @@password@@",
            "syntax": "md_with_macros",
            "totp": {"length": 6, "time_step": 180},
        }}),
        json!({ "name": "email", "strategy": "email", "options": {
            "totp": {"length": 6, "time_step": 180},
        }}),
    ];
    for wanted in wanted {
        match known.iter().find(|connection| connection["name"] == wanted["name"]) {
            Some(found) => {
                let mut found = found.clone();
                if connections::set_client(&mut found, &client_id, true) {
                    CONNECTIONS.store(tx, &sealing, found).await?;
                }
            }
            None => {
                let mut new = connection(wanted, cx);
                connections::set_client(&mut new, &client_id, true);
                CONNECTIONS.insert(tx, &sealing, new).await?;
            }
        }
    }
    Ok(DevTenant { client_id, audience: DEV_API.to_owned() })
}

fn dev_client(client_id: String) -> Value {
    let origins: Vec<String> = DEV_PORTS
        .iter()
        .flat_map(|port| ["http", "https"].map(|scheme| format!("{scheme}://localhost:{port}")))
        .collect();
    let callbacks: Vec<String> = origins
        .iter()
        .flat_map(|origin| ["", "/", "/callback"].map(|path| format!("{origin}{path}")))
        .collect();
    json!({
        "client_id": client_id,
        "name": DEV_CLIENT,
        "app_type": "spa",
        "callbacks": callbacks,
        "allowed_logout_urls": callbacks,
        "web_origins": origins,
        "allowed_origins": origins,
        "cross_origin_authentication": true,
        "grant_types": ["implicit", "authorization_code", "refresh_token", PASSWORDLESS_OTP],
        "jwt_configuration": {"alg": "RS256"},
        "oidc_conformant": true,
        "token_endpoint_auth_method": "none",
    })
}

/// Makes, or brings in step, the machine-to-machine client with every scope of the Management API.
///
/// # Errors
/// [`StoreError::NotFound`] if the tenant has no Management API, which cannot be deleted.
pub async fn bootstrap_admin(
    tx: &mut Tx,
    tenant: &TenantId,
    client_id: &str,
    client_secret: &str,
    cx: &SeedCx,
) -> Result<(), StoreError> {
    tenants::touch(tx, tenant).await?;
    let sealing = cx.sealing(tenant);
    let admin = json!({
        "client_id": client_id,
        "client_secret": client_secret,
        "name": "Bootstrap admin",
        "app_type": "non_interactive",
        "grant_types": ["client_credentials"],
        "jwt_configuration": {"alg": "RS256"},
        "oidc_conformant": true,
        "token_endpoint_auth_method": "client_secret_post",
    });
    match CLIENTS.find(tx, tenant, &cx.master_key, client_id).await? {
        None => CLIENTS.insert(tx, &sealing, client(admin, cx)).await?,
        Some(mut found) => {
            found.insert("client_secret".to_owned(), client_secret.into());
            // Without this grant type the secret would open nothing.
            let grants = found.entry("grant_types").or_insert_with(|| json!([]));
            if let Value::Array(grants) = grants
                && !grants.iter().any(|grant| grant == "client_credentials")
            {
                grants.push("client_credentials".into());
            }
            CLIENTS.store(tx, &sealing, found).await?;
        }
    }

    let api = RESOURCE_SERVERS.find(tx, tenant, &cx.master_key, MANAGEMENT_PATH).await?;
    let api = text(&api.ok_or(StoreError::NotFound)?, "id");
    let scopes: Vec<&str> = resource_servers::management_scopes().collect();
    let grants = CLIENT_GRANTS.load(tx, tenant, &cx.master_key).await?;
    let held = grants.into_iter().find(|grant| {
        grant["client_id"] == client_id
            && grant["resource_server_id"] == api.as_str()
            && grant["subject_type"] == "client"
    });
    match held {
        Some(mut grant) => {
            grant.insert("scope".to_owned(), json!(scopes));
            CLIENT_GRANTS.store(tx, &sealing, grant).await
        }
        None => {
            let grant = json!({
                "id": CLIENT_GRANTS.id_form.draw(&cx.random),
                "client_id": client_id,
                "resource_server_id": api,
                "scope": scopes,
                "subject_type": "client",
            });
            CLIENT_GRANTS.insert(tx, &sealing, object(grant)).await
        }
    }
}

fn client(document: Value, cx: &SeedCx) -> Map {
    let mut client = object(document);
    clients::complete(&mut client, &cx.random);
    client
}

fn connection(document: Value, cx: &SeedCx) -> Map {
    let mut connection = object(document);
    fill(&mut connection, json!({ "id": id_of(&CONNECTIONS, cx) }));
    connections::complete(&mut connection);
    connection
}

fn id_of(of: &Crud, cx: &SeedCx) -> String {
    of.id_form.draw(&cx.random)
}

fn object(value: Value) -> Map {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn text(document: &Map, name: &str) -> String {
    document.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
#[path = "seed_tests.rs"]
mod tests;
